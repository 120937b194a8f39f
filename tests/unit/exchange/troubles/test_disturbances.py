"""Troubles of markets: they begin, are felt, and end."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId, InstrumentKind, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import PegSpec, Scenario
from hedgebot.exchange.trouble import (
    Depeg,
    FundingChange,
    HaltedIndex,
    MarginHike,
    PriceShock,
    Regime,
    Suspension,
    Trouble,
    WrongMark,
)
from hedgebot.exchange.types import (
    Ack,
    InstrumentStatus,
    ListingChanged,
    OrderRequest,
    OrderType,
    Origin,
    Refusal,
    RefusalReason,
)
from tests.unit.exchange.troubles.conftest import BTCUSDT, S, Weak, listen, trades

D = Decimal


def order(exchange: Exchange) -> Ack | Refusal:
    return exchange.place(
        OrderRequest(account="main", instrument=BTCUSDT, side=Side.BUY, type=OrderType.MARKET, qty_contracts=D("0.01"))
    )


def mark(exchange: Exchange) -> float:
    found = exchange.ticker(BTCUSDT).mark
    assert found is not None
    return float(found)


def later(exchange: Exchange, seconds: float) -> Exchange:
    exchange.advance(exchange.now_ns + int(seconds * S))
    return exchange


def test_a_lost_peg_moves_value_and_quotes_and_comes_back(weak: Weak) -> None:
    calm, hit = weak(), weak()
    hit.strike(Depeg(coin="USDT", usd_price=0.9, duration_s=30))
    later(calm, 10)
    later(hit, 10)
    usdt = next(one for one in hit.wallet("main").coins if one.coin == "USDT")
    assert usdt.usd_price == 0.9
    assert usdt.usd_value == pytest.approx(450_000)
    assert mark(hit) / mark(calm) == pytest.approx(1 / 0.9, rel=1e-3)
    later(calm, 60)
    later(hit, 60)
    assert mark(hit) / mark(calm) == pytest.approx(1.0, rel=1e-3)


def test_a_halted_index_stands_while_books_move_and_marks_follow_them(weak: Weak) -> None:
    exchange = weak()
    exchange.strike(HaltedIndex(underlying="BTC", duration_s=300))
    before = exchange.index_price("BTC")
    exchange.strike(PriceShock(underlying="BTC", ratio=0.95))
    later(exchange, 200)
    assert exchange.index_price("BTC") == before
    assert float(exchange.book(BTCUSDT).bids[0][0]) == pytest.approx(0.95 * before, rel=5e-3)
    assert mark(exchange) == pytest.approx(0.95 * before, rel=5e-3), "its basis has caught up"
    later(exchange, 120)
    assert exchange.index_price("BTC") == pytest.approx(0.95 * before, rel=5e-3)


def test_raised_margins_are_felt_and_end(weak: Weak) -> None:
    exchange = weak()
    assert isinstance(order(exchange), Ack)
    before = exchange.wallet("main")
    assert before.maintenance_margin_usd > 0
    exchange.strike(MarginHike(ratio=2.0, duration_s=30))
    raised = exchange.wallet("main")
    assert raised.maintenance_margin_usd == pytest.approx(2 * before.maintenance_margin_usd)
    assert raised.initial_margin_usd == pytest.approx(2 * before.initial_margin_usd)
    held = exchange.positions("main")[0]
    later(exchange, 40)
    assert exchange.wallet("main").maintenance_margin_usd == pytest.approx(before.maintenance_margin_usd, rel=0.02)
    assert exchange.positions("main")[0].maintenance_margin == pytest.approx(held.maintenance_margin / 2, rel=0.02)


def test_a_wrong_mark_liquidates_and_is_put_right(weak: Weak) -> None:
    exchange = weak(("linear:BTCUSDT", "3"))
    right = mark(exchange)
    exchange.strike(WrongMark(instrument=BTCUSDT, ratio=0.9, duration_s=5))
    later(exchange, 1)
    assert mark(exchange) == pytest.approx(0.9 * right, rel=1e-3)
    sold = trades(exchange, "weak")
    assert {one.order.origin for one in sold} == {Origin.LIQUIDATION}
    assert sum(one.qty_contracts for one in sold) > 2, "though nobody would have paid less"
    assert all(float(one.price) == pytest.approx(right, rel=2e-3) for one in sold)
    assert exchange.index_price("BTC") == pytest.approx(right, rel=2e-3)
    later(exchange, 6)
    assert mark(exchange) == pytest.approx(right, rel=2e-3)


def test_a_regime_multiplies_moves_and_thins_books(weak: Weak) -> None:
    calm, wild, still = weak(), weak(), weak()
    wild.strike(Regime(underlying="BTC", volatility=5.0, liquidity=0.2, duration_s=100))
    still.strike(Regime(underlying="BTC", volatility=0.0))
    moves = []
    for exchange in (calm, wild, still):
        start = later(exchange, 1).index_price("BTC")
        moves.append(later(exchange, 60).index_price("BTC") / start - 1.0)
    assert moves[1] == pytest.approx(5 * moves[0], rel=0.02)
    assert moves[2] == pytest.approx(0.0, abs=1e-12)
    depths = [sum(qty for _, qty in one.book(BTCUSDT, 20).bids) for one in (calm, wild)]
    assert depths[1] < depths[0] / 2
    ended = [later(one, 60).index_price("BTC") for one in (wild, calm)]
    again = [later(one, 30).index_price("BTC") / price for one, price in zip((wild, calm), ended, strict=True)]
    assert again[0] == pytest.approx(again[1], rel=1e-9), "it is over"


def test_a_suspended_instrument_takes_no_order_and_keeps_its_mark(weak: Weak) -> None:
    exchange = weak(main=(("linear:BTCUSDT", "1"),))
    told = listen(exchange)
    exchange.strike(Suspension(instrument=BTCUSDT, duration_s=10))
    refused = order(exchange)
    assert isinstance(refused, Refusal)
    assert refused.reason is RefusalReason.INSTRUMENT_NOT_TRADING
    before = mark(exchange)
    later(exchange, 5)
    assert mark(exchange) != before
    later(exchange, 6)
    assert isinstance(order(exchange), Ack)
    statuses = [one.listing.status for one in told if isinstance(one, ListingChanged)]
    assert statuses == [InstrumentStatus.SUSPENDED, InstrumentStatus.TRADING]


def test_funding_changes_interval_cap_and_rate_and_the_history_shows_it(weak: Weak) -> None:
    exchange = weak(main=(("linear:BTCUSDT", "1"),))
    exchange.strike(FundingChange(instrument=BTCUSDT, interval_s=60, rate_cap=0.02, next_rate=0.05))
    listing = exchange.listing(BTCUSDT)
    assert listing is not None
    assert (listing.funding_interval_ns, listing.funding_rate_cap) == (60 * S, 0.02)
    assert exchange.ticker(BTCUSDT).funding_rate == 0.02, "within the cap"
    later(exchange, 125)
    (first_ns, first), (second_ns, second) = exchange.funding_rates(BTCUSDT)
    assert (second_ns - first_ns, first) == (60 * S, 0.02)
    assert abs(second) < 0.001
    exchange.strike(FundingChange(instrument=BTCUSDT, rate_cap=0.001))
    kept = exchange.listing(BTCUSDT)
    assert kept is not None
    assert kept.funding_interval_ns == 60 * S


def test_a_suspension_that_outlasts_its_instrument_does_not_bring_it_back(scenario: Scenario, start_ns: int) -> None:
    ending = msgspec.structs.replace(scenario.underlyings[0], future_expiries_s=(20.0,))
    exchange = Exchange(msgspec.structs.replace(scenario, underlyings=(ending,)), start_ns)
    future = min(
        (one.instrument for one in exchange.listings() if one.instrument.kind is InstrumentKind.LINEAR_FUTURE),
        key=lambda one: one.expiry_ns or 0,
    )
    exchange.strike(Suspension(instrument=future.id, duration_s=30))
    for seconds in (25, 10):
        listing = later(exchange, seconds).listing(future.id)
        assert listing is not None
        assert listing.status is InstrumentStatus.DELIVERING


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (Depeg(coin="BTC", usd_price=0.9), "stablecoin"),
        (HaltedIndex(underlying="DOGE", duration_s=1), "'DOGE'"),
        (WrongMark(instrument=InstrumentId("bybit:linear:NOPE"), ratio=2.0, duration_s=1), "none of that name"),
        (Regime(underlying="BTC", liquidity=1e9), "liquidity"),
        (FundingChange(instrument=InstrumentId("bybit:spot:BTCUSDT"), interval_s=60), "no funding"),
    ],
)
def test_what_cannot_be_says_why(weak: Weak, trouble: Trouble, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        weak().strike(trouble)


def test_a_depeg_on_purpose_goes_before_a_written_peg(scenario: Scenario, start_ns: int) -> None:
    written = msgspec.structs.replace(scenario, pegs=(PegSpec(coin="USDT", points=((0.0, 0.99),)),), step_ms=1_000)
    exchange = Exchange(written, start_ns)
    world = exchange._world
    later(exchange, 2)
    assert world.usd_price("USDT") == 0.99
    exchange.strike(Depeg(coin="USDT", usd_price=0.8, duration_s=10))
    later(exchange, 5)
    assert world.usd_price("USDT") == 0.8
    later(exchange, 10)
    assert world.usd_price("USDT") == 0.99


def test_a_regime_is_measured_by_the_books_own_depth(scenario: Scenario, start_ns: int) -> None:
    coin = msgspec.structs.replace(scenario.underlyings[0], depth_ratio=0.4)
    made = msgspec.structs.replace(scenario, underlyings=(coin,), accounts=(), step_ms=1_000)
    exchange = Exchange(made, start_ns)
    ladder = exchange._world.markets[BTCUSDT].ladder
    exchange.strike(Regime(underlying="BTC", liquidity=0.5, duration_s=5))
    assert ladder.liquidity == pytest.approx(0.2)
    later(exchange, 10)
    assert ladder.liquidity == pytest.approx(0.4)


def test_the_end_of_a_suspension_launches_nothing(exchange: Exchange) -> None:
    market = exchange._world.markets[BTCUSDT]
    launched_at_ns = exchange.now_ns + 60 * S
    market.listing = msgspec.structs.replace(
        market.listing, status=InstrumentStatus.PRE_LAUNCH, launched_at_ns=launched_at_ns
    )
    exchange.strike(Suspension(instrument=BTCUSDT, duration_s=2))
    assert market.listing.status is InstrumentStatus.PRE_LAUNCH
    later(exchange, 4)
    assert market.listing.status is InstrumentStatus.PRE_LAUNCH
