"""Auto-deleveraging: who is chosen, at which price, and what the account is told."""

from decimal import Decimal

import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.trouble import Adl, InsuranceFund
from hedgebot.exchange.types import (
    EndReason,
    ExecKind,
    LedgerKind,
    OrderChanged,
    OrderRequest,
    OrderType,
    Origin,
    PositionChanged,
    PositionStatus,
)
from tests.unit.exchange.troubles.conftest import BTCUSDT, Weak, executed, listen, shock, trades

D = Decimal
PERP = ("linear:BTCUSDT", "3")
EMPTY = {"USDT": D(0)}


def buy(exchange: Exchange, symbol: str, price: str, qty: str) -> None:
    exchange.place(
        OrderRequest(
            account="main",
            instrument=InstrumentId(f"bybit:{symbol}"),
            side=Side.BUY,
            type=OrderType.LIMIT,
            qty_contracts=D(qty),
            limit_price=D(price),
        )
    )


def test_an_empty_fund_closes_the_other_side_at_the_bankruptcy_price(weak: Weak) -> None:
    exchange = weak(PERP, main=(("linear:BTCUSDT", "-5"),), insurance=EMPTY)
    told = listen(exchange)
    shock(exchange, 0.9, seconds=1)
    (bust,), (adl,) = trades(exchange, "weak"), trades(exchange, "main")
    assert (adl.kind, adl.order.origin, adl.side, adl.qty_contracts) == (ExecKind.ADL, Origin.ADL, Side.BUY, D(3))
    assert adl.price == bust.price
    assert adl.fee == (adl.value * D("0.0002")).quantize(D("1e-8")), "the maker's"
    assert [one.contracts for one in exchange.positions("main")] == [D(-2)]
    assert exchange.troubles.adl_alert(BTCUSDT).balance == 0
    assert exchange.troubles.adl_alert(BTCUSDT).is_active
    assert exchange.ledger("main")[-1].kind is LedgerKind.ADL
    mine = [one.position for one in told if isinstance(one, PositionChanged) and one.position.account == "main"]
    assert [one.status for one in mine] == [PositionStatus.ADL, PositionStatus.ADL, PositionStatus.NORMAL]
    assert [one.kind for one in executed(told)] == [ExecKind.BUST, ExecKind.ADL]


def test_all_orders_of_the_deleveraged_end_first(weak: Weak) -> None:
    exchange = weak(PERP, main=(("linear:BTCUSDT", "-5"),), insurance=EMPTY)
    buy(exchange, "linear:BTCUSDT", "86000", "0.01")
    buy(exchange, "linear:ETHUSDT", "2900", "0.1")
    told = listen(exchange)
    exchange.strike(Adl(account="main", instrument=BTCUSDT))
    reasons = [one.order.end_reason for one in told if isinstance(one, OrderChanged)]
    assert reasons[:2] == [EndReason.PREPARE_ADL, EndReason.BEFORE_ADL]
    assert exchange.open_orders("main") == ()


def test_the_fund_bears_what_it_can_before(weak: Weak) -> None:
    exchange = weak(PERP, main=(("linear:BTCUSDT", "-5"),), insurance={"USDT": D(5_000)})
    shock(exchange, 0.9, seconds=1)
    (adl,) = trades(exchange, "main")
    assert D(0) < adl.qty_contracts < D(3)
    left = exchange.troubles.adl_alert(BTCUSDT).balance
    assert D(0) <= left < D(100)


def test_without_another_side_the_fund_owes(weak: Weak) -> None:
    exchange = weak(PERP, insurance=EMPTY)
    shock(exchange, 0.9, seconds=1)
    assert exchange.positions("weak") == ()
    assert exchange.troubles.adl_alert(BTCUSDT).balance < 0


def test_the_crowd_stands_in_the_queue_as_well(weak: Weak) -> None:
    exchange = weak(PERP, main=(("linear:BTCUSDT", "-5"),), insurance=EMPTY, others=25)
    shock(exchange, 0.9, seconds=1)
    assert exchange.positions("weak") == ()
    assert trades(exchange, "main") == [], "ten leveraged others were in line before"
    assert exchange.troubles.adl_alert(BTCUSDT).balance == 0


def test_profit_and_leverage_raise_the_rank(weak: Weak) -> None:
    exchange = weak(("linear:BTCUSDT", "-1"), usdt="2500", main=(("linear:BTCUSDT", "-1"),), others=25)

    def ranks() -> tuple[int, int]:
        exchange.advance(exchange.now_ns + 11_000_000_000)
        return tuple(exchange.positions(name)[0].adl_rank for name in ("main", "weak"))  # type: ignore[return-value]

    before = ranks()
    shock(exchange, 0.97)
    after = ranks()
    assert after[1] >= 4
    assert after[1] > after[0]
    assert all(1 <= rank <= 5 for rank in (*before, *after))


def test_a_flat_position_and_an_option_have_no_rank(weak: Weak) -> None:
    exchange = weak(main=(("linear:BTCUSDT", "-1"), ("option:BTC/1/0/C", "1")))
    exchange.strike(Adl(account="main", instrument=BTCUSDT, price=D(80_000)))
    perp = exchange.position("main", BTCUSDT)
    assert perp is not None
    assert (perp.contracts, perp.adl_rank) == (D(0), 0)
    assert [one.adl_rank for one in exchange.positions("main")] == [0]
    assert trades(exchange, "main")[0].price == D(80_000)


def test_part_of_a_hedge_is_deleveraged(weak: Weak) -> None:
    exchange = weak(main=(("linear:BTCUSDT", "-5"),))
    exchange.strike(Adl(account="main", instrument=BTCUSDT, contracts=D("1.5")))
    assert [one.contracts for one in exchange.positions("main")] == [D("-3.5")]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"account": "nobody"}, "must both exist"),
        ({"instrument": InstrumentId("bybit:linear:ETHUSDT")}, "holds no contract position"),
        ({"contracts": D(6)}, "up to 5"),
        ({"contracts": D("0.0001")}, "multiple of 0.001"),
        ({"contracts": D("NaN")}, "up to 5"),
        ({"price": D(0)}, "positive"),
        ({"price": D("1e30")}, "price is"),
        ({"price": D("1e-30")}, "in steps of"),
    ],
)
def test_what_cannot_be_says_why(weak: Weak, changes: dict[str, object], said: str) -> None:
    exchange = weak(main=(("linear:BTCUSDT", "-5"),))
    with pytest.raises(ValueError, match=said):
        exchange.strike(Adl(**({"account": "main", "instrument": BTCUSDT} | changes)))  # type: ignore[arg-type]
    assert trades(exchange, "main") == []


def test_a_fund_can_be_set(weak: Weak) -> None:
    exchange = weak(PERP)
    exchange.strike(InsuranceFund(coin="USDT", balance=D(123)))
    assert exchange.troubles.adl_alert(BTCUSDT).balance == 123
    for balance in ("NaN", "1e30"):
        with pytest.raises(ValueError, match="balance"):
            exchange.strike(InsuranceFund(coin="USDT", balance=D(balance)))
    with pytest.raises(ValueError, match="coin is 'XRP', it must be one of USDT, USDC, BTC, ETH"):
        exchange.strike(InsuranceFund(coin="XRP", balance=D(1)))


def test_a_queue_stands_also_where_the_mark_is_nothing(weak: Weak, monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = weak(others=5)
    option = next(one for one in exchange._world.markets.values() if one.instrument.kind.is_option)
    monkeypatch.setattr(exchange._world, "mark", lambda _: D(0))
    assert len(exchange.troubles._deleveraging._queue(option, Side.BUY)) == 5
