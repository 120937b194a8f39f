from decimal import Decimal

import pytest

from hedgebot.domain.client_id import ClientId
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import AccountSpec, HoldingSpec, Scenario, UnderlyingSpec
from hedgebot.exchange.trouble import Adl
from hedgebot.exchange.types import Ack, FundingSettled, FundingSettlement, Notice, OrderRequest, OrderType
from hedgebot.lab.madeby import MadeBy
from hedgebot.lab.observe import Observer

START_NS, HOUR_NS, PERP = 1_789_999_200 * 10**9, 3_600 * 10**9, InstrumentId("bybit:linear:BTCUSDT")
INSTALL = 7


class World:
    """An account of a client who is long one coin, and of a hedger who trades in the same position."""

    def __init__(self) -> None:
        account = AccountSpec(
            name="main",
            api_key="k",
            api_secret="s",
            coins={"USDT": Decimal(1_000_000)},
            positions=(HoldingSpec(instrument="linear:BTCUSDT", contracts=Decimal(1)),),
        )
        market = UnderlyingSpec(name="BTC", start_price=60_000.0, vol=0.01, jumps_per_day=0.0, option_strikes=0)
        scenario = Scenario(underlyings=(market,), accounts=(account,), step_ms=1_000, funding_interval_s=3_600)
        self.exchange = Exchange(scenario, START_NS)
        self.ours = MadeBy(self.exchange, ["main"], INSTALL)
        self.paid: list[FundingSettlement] = []
        self.orders = 0
        self.exchange.listen(self._hear, market=False)

    def _hear(self, notice: Notice) -> None:
        if isinstance(notice, FundingSettled):
            self.paid.append(notice.settlement)

    def trade(self, side: Side, qty: str, install: int | None) -> None:
        self.orders += 1
        client_id = None
        if install is not None:
            client_id = ClientId(install=install, epoch=1, strategy=0, intent=self.orders).encode()
        order = OrderRequest(
            account="main",
            instrument=PERP,
            side=side,
            type=OrderType.MARKET,
            qty_contracts=Decimal(qty),
            client_id=client_id,
        )
        assert isinstance(self.exchange.place(order), Ack)

    def settle(self) -> FundingSettlement:
        self.exchange.advance(self.exchange.now_ns + HOUR_NS)
        return self.paid[-1]


def test_what_was_held_before_and_what_others_trade_is_the_clients() -> None:
    world = World()
    assert world.ours.share(world.settle()) == 0.0
    world.trade(Side.SELL, "0.25", None)
    world.trade(Side.SELL, "0.25", INSTALL + 1)
    assert world.ours.share(world.settle()) == 0.0


@pytest.mark.parametrize(("side", "share"), [(Side.BUY, 0.5), (Side.SELL, 2.0)])
def test_hedges_have_their_part_of_the_position_also_against_the_client(side: Side, share: float) -> None:
    """One coin is the client's: with another bought half is the hedges', with two sold they have twice what is left."""
    world = World()
    world.trade(side, "1" if side is Side.BUY else "2", INSTALL)
    assert world.ours.share(world.settle()) == share


def test_funding_is_told_by_who_made_the_position() -> None:
    world = World()
    observer = Observer(world.exchange, ["main"], ["BTC"], world.ours)
    world.trade(Side.BUY, "3", INSTALL)
    cost = float(world.settle().cost)
    assert cost != 0.0
    assert observer.costs["BTC"].funding == pytest.approx(0.75 * cost)
    assert observer.profit.funding == pytest.approx(-0.75 * cost)
    assert observer.profit.book_funding == pytest.approx(-0.25 * cost)


def test_what_the_venue_takes_away_is_taken_from_both_in_proportion() -> None:
    world = World()
    world.trade(Side.BUY, "3", INSTALL)
    world.exchange.strike(Adl(account="main", instrument=PERP, contracts=Decimal(2)))
    paid = world.settle()
    assert paid.contracts == 2
    assert world.ours.share(paid) == 0.75
