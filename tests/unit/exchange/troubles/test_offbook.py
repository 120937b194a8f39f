"""Executions that never met the book."""

from decimal import Decimal

import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.trouble import OffBookTrade
from hedgebot.exchange.types import ExecKind, Execution, LedgerKind, Origin, PositionIndex

PERP = InstrumentId("bybit:linear:BTCUSDT")
D = Decimal


def strike(exchange: Exchange, **changes: object) -> None:
    values: dict[str, object] = {
        "kind": ExecKind.BLOCK_TRADE,
        "account": "main",
        "instrument": PERP,
        "side": Side.BUY,
        "contracts": D("0.5"),
        "price": D(90_000),
    }
    exchange.strike(OffBookTrade(**(values | changes)))  # type: ignore[arg-type]


def trades(exchange: Exchange, account: str = "main") -> list[Execution]:
    return [one for one in exchange.executions(account) if isinstance(one, Execution)]


@pytest.mark.parametrize("kind", [kind for kind in ExecKind if kind not in {ExecKind.TRADE, ExecKind.ROLLBACK}])
def test_every_kind_moves_the_position_exactly(exchange: Exchange, kind: ExecKind) -> None:
    strike(exchange, kind=kind, fee_rate=D("0.0001"))
    strike(exchange, kind=kind, side=Side.SELL, price=D("91000.1"), fee_rate=D("0.0001"))
    opened, closed = trades(exchange)
    assert (opened.kind, closed.kind) == (kind, kind)
    assert (opened.order.status.value, opened.order.client_id) == ("filled", None)
    assert opened.order.origin not in {Origin.API, Origin.CLIENT_FLOW}
    assert closed.realised_pnl == D("500.05")
    assert exchange.positions("main") == ()
    usdt = next(one for one in exchange.wallet("main").coins if one.coin == "USDT")
    assert usdt.wallet == D(500_000) + closed.realised_pnl - opened.fee - closed.fee
    assert sum(entry.change for entry in exchange.ledger("main")) == closed.realised_pnl - opened.fee - closed.fee


def test_a_moved_position_changes_hands_at_the_mark_and_is_free(exchange: Exchange) -> None:
    strike(exchange, kind=ExecKind.MOVE_POSITION, side=Side.SELL, price=None, counterparty="other")
    (given,), (taken,) = trades(exchange), trades(exchange, "other")
    assert given.price == taken.price == exchange.ticker(PERP).mark
    assert (given.fee, taken.fee, taken.side) == (D(0), D(0), Side.BUY)
    assert [one.contracts for one in exchange.positions("other")] == [D("0.5")]


def test_block_trades_pay_the_taker_fee(exchange: Exchange) -> None:
    strike(exchange)
    assert trades(exchange)[0].fee == D("24.75")


def test_a_split_costs_nothing_and_keeps_the_value(exchange: Exchange) -> None:
    strike(exchange)
    strike(exchange, kind=ExecKind.CORPORATE_ACTION, price=D(0))
    position = exchange.position("main", PERP)
    assert position is not None
    assert (position.contracts, position.entry_price) == (D(1), D(45_000))


def test_the_ledger_says_why(exchange: Exchange) -> None:
    for kind in (ExecKind.BLOCK_TRADE, ExecKind.ADL, ExecKind.BUST, ExecKind.SETTLE):
        strike(exchange, kind=kind)
    kinds = [entry.kind for entry in exchange.ledger("main")]
    assert kinds == [LedgerKind.TRADE, LedgerKind.ADL, LedgerKind.LIQUIDATION, LedgerKind.DELIVERY]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"account": "nobody"}, "account is 'nobody'"),
        ({"counterparty": "main"}, "another account"),
        ({"counterparty": "nobody"}, "'nobody'"),
        ({"instrument": InstrumentId("bybit:linear:DOGE")}, "none of that name"),
        ({"contracts": D("0.0005")}, "multiple of 0.001"),
        ({"contracts": D("NaN")}, "multiple"),
        ({"contracts": D(-1)}, "multiple"),
        ({"price": D(-1)}, "price is -1"),
        ({"price": D("1e30")}, "price is"),
        ({"price": D("1e-30")}, "in steps of"),
        ({"contracts": D("1e20")}, "worth more than"),
        ({"contracts": D("1e20"), "price": None}, "worth more than"),
        ({"fee_rate": D("NaN")}, "fee_rate"),
        ({"kind": ExecKind.TRADE}, "place an order"),
        ({"kind": ExecKind.ADL, "instrument": InstrumentId("bybit:spot:BTCUSDT")}, "spot pair"),
    ],
)
def test_what_cannot_be_books_nothing(exchange: Exchange, changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        strike(exchange, **changes)
    assert (exchange.executions("main"), exchange.executions("other")) == ((), ())


def test_in_hedge_mode_a_trade_reduces_the_leg_it_can(exchange: Exchange) -> None:
    assert exchange.switch_position_mode("main", "USDT", hedged=True) is None
    strike(exchange)
    strike(exchange, side=Side.SELL, contracts=D("0.2"))
    strike(exchange, side=Side.SELL, contracts=D("0.4"))
    held = {one.position_index: one.contracts for one in exchange.positions("main")}
    assert held == {PositionIndex.LONG: D("0.3"), PositionIndex.SHORT: D("-0.4")}
