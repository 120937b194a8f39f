"""Liquidation: what ends first, how far it goes, who bears what."""

from decimal import Decimal

import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.trouble import FundingChange, Liquidation
from hedgebot.exchange.types import (
    EndReason,
    ExecKind,
    Executed,
    LedgerKind,
    Liquidated,
    MarginMode,
    OrderChanged,
    OrderRequest,
    OrderType,
    Origin,
    PositionChanged,
    PositionStatus,
)
from tests.unit.exchange.troubles.conftest import BTCUSDT, S, Weak, lines, listen, shock, trades

D = Decimal
PERP = ("linear:BTCUSDT", "3")


def rest(exchange: Exchange, symbol: str, price: str, qty: str) -> str:
    request = OrderRequest(
        account="weak",
        instrument=InstrumentId(f"bybit:{symbol}"),
        side=Side.BUY,
        type=OrderType.LIMIT,
        qty_contracts=D(qty),
        limit_price=D(price),
    )
    answer = exchange.place(request)
    return str(getattr(answer, "order_id", answer))


def rate(exchange: Exchange) -> float:
    found = exchange.wallet("weak").maintenance_margin_rate
    assert found is not None
    return found


def audited(exchange: Exchange, account: str, start: str) -> Decimal:
    """The account's USDT, which must be what its executions and its ledger say."""
    coins = {coin.coin: coin.wallet for coin in exchange.wallet(account).coins}
    mine = trades(exchange, account)
    assert coins["USDT"] == D(start) + sum((one.realised_pnl - one.fee for one in mine), D(0))
    assert coins["USDT"] == D(start) + sum((line.change for line in exchange.ledger(account)), D(0))
    return coins["USDT"]


def test_a_safe_account_is_left_alone(weak: Weak) -> None:
    exchange = weak(PERP)
    shock(exchange, 0.97)
    assert 0.3 < rate(exchange) < 1.0
    assert trades(exchange, "weak") == []


def test_orders_end_first(weak: Weak) -> None:
    exchange = weak(PERP, usdt="14000")
    told = listen(exchange)
    rest(exchange, "linear:BTCUSDT", "80000", "0.01")
    shock(exchange, 0.95, seconds=200)
    ended = [one.order.end_reason for one in told if isinstance(one, OrderChanged) and one.order.end_reason]
    assert ended[0] is EndReason.PREPARE_LIQUIDATION
    kinds = [type(one) for one in told]
    assert kinds.index(OrderChanged, 1) < kinds.index(Executed)


def test_a_slide_is_answered_with_steps_down_to_ninety_percent(weak: Weak) -> None:
    exchange = weak(PERP)
    told = listen(exchange)
    shock(exchange, 0.96)
    (step,) = trades(exchange, "weak")
    assert (step.kind, step.order.origin, step.side) == (ExecKind.TRADE, Origin.LIQUIDATION, Side.SELL)
    assert D(0) < step.qty_contracts < D(3)
    assert step.fee == (step.value * D("0.00055")).quantize(D("1e-8"))
    assert 0.7 < rate(exchange) < 1.0
    assert [line.kind for line in exchange.ledger("weak")] == [LedgerKind.LIQUIDATION]
    statuses = [one.position.status for one in told if isinstance(one, PositionChanged)]
    assert statuses[0] is PositionStatus.LIQUIDATION
    assert statuses[-1] is PositionStatus.NORMAL
    (public,) = [one for one in told if isinstance(one, Liquidated)]
    assert (public.instrument, public.position_side, public.contracts) == (BTCUSDT, Side.BUY, step.qty_contracts)
    audited(exchange, "weak", "12000")


@pytest.mark.parametrize(("qty", "ratio"), [("3", 0.9), ("-3", 1.1)])
def test_a_gap_is_taken_over_and_the_fund_pays(weak: Weak, qty: str, ratio: float) -> None:
    exchange = weak(("linear:BTCUSDT", qty))
    before = exchange.troubles.adl_alert(BTCUSDT).balance
    told = listen(exchange)
    shock(exchange, ratio, seconds=1)
    (bust,) = trades(exchange, "weak")
    assert (bust.kind, bust.order.origin, bust.qty_contracts) == (ExecKind.BUST, Origin.TAKEOVER, D(3))
    assert exchange.positions("weak") == ()
    left = audited(exchange, "weak", "12000")
    assert D(0) <= left < D(1), "to the tick, nothing is left and nothing is owed"
    lost = before - exchange.troubles.adl_alert(BTCUSDT).balance
    ticker = exchange.ticker(BTCUSDT)
    assert float(lost) == pytest.approx(3 * abs(float(bust.price - ticker.last)), rel=0.02)
    assert [one.price for one in told if isinstance(one, Liquidated)] == [bust.price]


def test_the_hungriest_position_goes_first_and_the_rest_may_stay(weak: Weak) -> None:
    exchange = weak(PERP, ("linear:ETHUSDT", "1"), usdt="12300")
    shock(exchange, 0.957)
    assert {one.instrument for one in trades(exchange, "weak")} == {BTCUSDT}
    assert [one.contracts for one in exchange.positions("weak") if one.instrument != BTCUSDT] == [D(1)]


def test_an_isolated_position_is_taken_over_alone(weak: Weak) -> None:
    exchange = weak(PERP, ("linear:ETHUSDT", "1"), usdt="50000")
    exchange._accounts["weak"].margin.mode = MarginMode.ISOLATED
    kept, ended = rest(exchange, "linear:ETHUSDT", "2900", "0.1"), rest(exchange, "linear:BTCUSDT", "88000", "0.01")
    shock(exchange, 0.982)
    (bust,) = trades(exchange, "weak")
    assert (bust.kind, bust.qty_contracts) == (ExecKind.BUST, D(3))
    entry_value = D(3) * D("89962.76")
    lost = -(bust.realised_pnl - bust.fee)
    assert lost <= entry_value / 50
    assert float(lost) == pytest.approx(float(entry_value) / 50, rel=1e-3), "its own margin, and no more"
    assert [one.order_id for one in exchange.open_orders("weak")] == [kept]
    order = exchange.order("weak", order_id=ended)
    assert order is not None
    assert order.end_reason is EndReason.PREPARE_LIQUIDATION


def test_a_short_option_is_bought_back(weak: Weak) -> None:
    exchange = weak(("option:BTC/1/0/C", "-1"), usdt="9000")
    shock(exchange, 1.1)
    closes = trades(exchange, "weak")
    assert closes
    assert all(one.side is Side.BUY for one in closes)
    assert exchange.positions("weak") == ()


def test_portfolio_margin_is_liquidated_too(weak: Weak) -> None:
    exchange = weak(PERP, ("linear:ETHUSDT", "20"), usdt="40000")
    exchange._accounts["weak"].margin.mode = MarginMode.PORTFOLIO
    shock(exchange, 0.88)
    found = trades(exchange, "weak")
    assert found
    assert sum(one.qty_contracts for one in found if one.instrument == BTCUSDT) > 0
    audited(exchange, "weak", "40000")


def test_a_struck_liquidation_needs_no_cause(weak: Weak) -> None:
    exchange = weak(PERP, usdt="100000")
    exchange.strike(Liquidation(account="weak"))
    (bust,) = trades(exchange, "weak")
    assert (bust.kind, bust.qty_contracts) == (ExecKind.BUST, D(3))
    with pytest.raises(ValueError, match="holds nothing"):
        exchange.strike(Liquidation(account="weak"))
    with pytest.raises(ValueError, match="'nobody'"):
        exchange.strike(Liquidation(account="nobody"))


def test_the_same_world_is_liquidated_alike(weak: Weak) -> None:
    first, second = weak(PERP), weak(PERP)
    for exchange in (first, second):
        shock(exchange, 0.96)
        shock(exchange, 0.9)
    assert first.executions("weak") == second.executions("weak")
    assert first.wallet("weak") == second.wallet("weak")


def test_an_isolated_position_whose_margin_was_paid_away_leaves_no_debt(weak: Weak) -> None:
    exchange = weak(("linear:BTCUSDT", "1"), usdt="2000")
    exchange._accounts["weak"].margin.mode = MarginMode.ISOLATED
    exchange.strike(FundingChange(instrument=BTCUSDT, interval_s=60, rate_cap=0.01, next_rate=0.01))
    exchange.advance(exchange.now_ns + 61 * S)
    (paid,) = exchange.wallet("weak").coins
    assert paid.wallet < 1_200
    shock(exchange, 0.9)
    assert not exchange.positions("weak")
    (left,) = exchange.wallet("weak").coins
    assert 0 <= left.wallet < 5


@pytest.mark.parametrize(
    ("coins", "ratio"),
    [({"USDT": D(-60_000), "BTC": D(1)}, 0.69), ({"USDT": D(60_000), "BTC": D("-0.5")}, 1.31)],
    ids=["owes USDT", "owes BTC"],
)
def test_an_account_that_only_owes_has_its_coins_exchanged(weak: Weak, coins: dict[str, Decimal], ratio: float) -> None:
    exchange = weak()
    account = exchange._accounts["weak"]
    account.coins.clear()
    account.coins.update(coins)
    shock(exchange, ratio)
    done = trades(exchange, "weak")
    assert done
    assert {one.order.origin for one in done} == {Origin.LIQUIDATION}
    assert all(amount >= 0 for amount in account.coins.values())
    for coin, amount in account.coins.items():
        booked = sum(row.change for row in lines(exchange, "weak") if row.coin == coin)
        assert amount - coins[coin] == booked
    assert {row.kind for row in lines(exchange, "weak")} <= {LedgerKind.LIQUIDATION, LedgerKind.INTEREST}
