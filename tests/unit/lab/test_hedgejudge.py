"""Hedges against each other: an order that sets them so is found, one that may is not."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.client_id import ClientId
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.instrument import InstrumentId, InstrumentKind, Side
from hedgebot.domain.settings import HedgeLeg, HedgeRole, UnderlyingSettings
from hedgebot.exchange.types import Executed, Execution, Notice, OrderChanged, OrderRequest, OrderType, SimOrder
from hedgebot.lab.hedgejudge import opposed_coin, opposed_problem
from tests.unit.lab.bench import PERP, SETTINGS, Bench

CAP = 0.2


class Desk:
    """An account on which somebody trades, and the order and the executions that were seen last."""

    def __init__(self) -> None:
        self.bench = Bench(flow=False)
        self.future = next(
            one.instrument.id
            for one in self.bench.exchange.listings()
            if one.instrument.kind is InstrumentKind.LINEAR_FUTURE and one.instrument.settle == "USDT"
        )
        leg = HedgeLeg(instrument=self.future, role=HedgeRole.BUY)
        self.settings: UnderlyingSettings = msgspec.structs.replace(
            SETTINGS.underlyings[0], other_hedges=(leg,), opposed_coin_max=CAP
        )
        self.first: SimOrder | None = None
        self.executions: list[Execution] = []
        self.told: list[str] = []
        self.bench.exchange.listen(self._hear, market=False)

    def _hear(self, notice: Notice) -> None:
        if isinstance(notice, Executed):
            self.executions.append(notice.execution)
        if isinstance(notice, OrderChanged) and self.first is None:
            self.first = notice.order
            self.told.append(self.judge(notice.order))

    def judge(
        self, order: SimOrder, *, delta_coin: float = 0.0, others: list[Execution] | None = None, cap: float = CAP
    ) -> str:
        settings = msgspec.structs.replace(self.settings, opposed_coin_max=cap)
        exchange = self.bench.exchange
        return opposed_problem(exchange, "main", settings, order, others or [], delta_coin=delta_coin)

    def trade(self, instrument: InstrumentId, side: Side, qty: str) -> str:
        """What is said of the order when it arrives."""
        self.first = None
        self.bench.exchange.place(
            OrderRequest(
                account="main",
                instrument=instrument,
                side=side,
                type=OrderType.MARKET,
                qty_contracts=Decimal(qty),
                client_id=ClientId(install=7, epoch=1, strategy=0, intent=len(self.told) + 1).encode(),
            )
        )
        return self.told[-1]


@pytest.mark.parametrize(
    ("deltas", "opposed"), [((0.5, -0.2), 0.2), ((0.1, 0.2, -1.0), 0.3), ((0.5, 0.5), 0.0), ((), 0.0)]
)
def test_the_smaller_side_is_what_stands_against_the_other(deltas: tuple[float, ...], opposed: float) -> None:
    assert opposed_coin(deltas) == pytest.approx(opposed)


def test_an_order_beyond_the_cap_is_found_and_one_up_to_it_is_not() -> None:
    desk = Desk()
    assert desk.trade(PERP, Side.SELL, "0.5") == ""
    assert desk.trade(desk.future, Side.BUY, "0.2") == ""
    told = desk.trade(desk.future, Side.BUY, "0.1")
    assert "sets 0.3 BTC of hedges against each other, limit 0.201" in told
    # What is beyond it already may be lowered: bit by bit is right, too.
    assert desk.trade(PERP, Side.BUY, "0.05") == ""
    assert desk.trade(desk.future, Side.SELL, "0.3") == ""


def test_what_is_urgent_what_others_moved_and_one_hedge_alone_are_let_through() -> None:
    desk = Desk()
    desk.trade(PERP, Side.SELL, "0.5")
    assert desk.trade(desk.future, Side.BUY, "0.4") != ""
    order = desk.first
    assert order is not None
    order = msgspec.structs.replace(order, filled_contracts=order.qty_contracts)
    assert "sets 0.4 BTC" in desk.judge(order)
    assert desk.judge(order, delta_coin=-5.1) == ""
    assert desk.judge(order, cap=0.5) == ""
    assert desk.judge(order, others=desk.executions) == ""
    late = msgspec.structs.replace(order, created_at_ns=order.created_at_ns + 11 * NS_PER_S)
    assert "sets 0.4 BTC" in desk.judge(late, others=desk.executions)
    desk.settings = msgspec.structs.replace(desk.settings, other_hedges=())
    assert desk.judge(order) == ""
