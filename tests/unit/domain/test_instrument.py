"""Contract maths of every kind: against the hedging reference's numbers, finite differences and its own inverses."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.decimals import is_multiple
from hedgebot.domain.errors import ProgrammingError
from hedgebot.domain.instrument import (
    Instrument,
    InstrumentId,
    InstrumentKind,
    Side,
    category_of,
    instrument_id,
    symbol_of,
    venue_of,
)
from hedgebot.pricing.black76 import greeks, price
from tests.support.playbook import instrument

NAME = InstrumentId("bybit:any:X")
SETTLED_IN_COIN = [InstrumentKind.INVERSE_PERP, InstrumentKind.INVERSE_FUTURE]
LINEAR = [
    InstrumentKind.SPOT,
    InstrumentKind.LINEAR_PERP,
    InstrumentKind.LINEAR_FUTURE,
]

kinds = st.sampled_from(InstrumentKind)
sizes = st.sampled_from([Decimal(text) for text in ("1", "0.01", "0.001", "10", "100")])
prices = st.decimals(Decimal("0.5"), 500_000, places=2)
quantities = st.decimals(-10_000, 10_000, places=4)


def _call(strike: float, days: float, forward: float = 60_000.0, *, is_call: bool = True) -> tuple[float, float]:
    """Value in coin and Black-Scholes delta at vol 0.6."""
    arrays = (np.array([forward]), np.array([strike]), np.array([days / 365]), np.array([0.6]), np.array([is_call]))
    return float(price(*arrays)[0]) / forward, float(greeks(*arrays).delta[0])


# --- contracts, coins, notional ------------------------------------------------------------------------------------


@given(kind=kinds, size=sizes, contracts=quantities, at=prices)
def test_contracts_to_coins_and_back(kind: InstrumentKind, size: Decimal, contracts: Decimal, at: Decimal) -> None:
    rules = instrument(NAME, kind, contract_size=size)
    again = rules.contracts(rules.coins(contracts, at), at)
    assert abs(again - contracts) <= abs(contracts) * Decimal("1e-24")


@given(kind=kinds, size=sizes, contracts=quantities, at=prices)
def test_notional_is_coins_times_price(kind: InstrumentKind, size: Decimal, contracts: Decimal, at: Decimal) -> None:
    rules = instrument(NAME, kind, contract_size=size)
    difference = rules.notional_quote(contracts, at) - rules.coins(contracts, at) * at
    assert abs(difference) <= abs(rules.notional_quote(contracts, at)) * Decimal("1e-24")


def test_a_contract_is_coins_when_linear_and_dollars_when_inverse() -> None:
    linear = instrument(NAME, contract_size=Decimal("0.01"))
    inverse = instrument(NAME, InstrumentKind.INVERSE_PERP, contract_size=Decimal(100))
    at = Decimal(50_000)
    assert linear.coins(Decimal(300), at) == 3
    assert linear.notional_quote(Decimal(300), at) == 150_000
    assert inverse.coins(Decimal(300), at) == Decimal("0.6")
    assert inverse.notional_quote(Decimal(300), at) == 30_000
    assert inverse.contracts(Decimal("0.6"), at) == 300


# --- profit --------------------------------------------------------------------------------------------------------


@given(kind=st.sampled_from(LINEAR), size=sizes, contracts=quantities, entry=prices, leave=prices)
def test_linear_profit_is_the_change_of_notional(
    kind: InstrumentKind, size: Decimal, contracts: Decimal, entry: Decimal, leave: Decimal
) -> None:
    rules = instrument(NAME, kind, contract_size=size)
    change = rules.notional_quote(contracts, leave) - rules.notional_quote(contracts, entry)
    assert rules.pnl_settle(contracts, entry, leave) == change


@given(kind=st.sampled_from(SETTLED_IN_COIN), size=sizes, contracts=quantities, entry=prices, leave=prices)
def test_inverse_profit_is_the_change_of_coins_lost(
    kind: InstrumentKind, size: Decimal, contracts: Decimal, entry: Decimal, leave: Decimal
) -> None:
    rules = instrument(NAME, kind, contract_size=size)
    change = rules.coins(contracts, entry) - rules.coins(contracts, leave)
    assert float(rules.pnl_settle(contracts, entry, leave)) == pytest.approx(float(change), rel=1e-12, abs=1e-12)


@given(kind=kinds, contracts=quantities, entry=prices, leave=prices)
def test_a_long_gains_when_the_price_rises(
    kind: InstrumentKind, contracts: Decimal, entry: Decimal, leave: Decimal
) -> None:
    profit = instrument(NAME, kind).pnl_settle(contracts, entry, leave)
    assert profit * contracts * (leave - entry) >= 0


@pytest.mark.parametrize("kind", [*LINEAR, *SETTLED_IN_COIN])
@pytest.mark.parametrize("contracts", [Decimal(-3), Decimal(2)])
def test_delta_is_the_slope_of_profit(kind: InstrumentKind, contracts: Decimal) -> None:
    rules = instrument(NAME, kind, contract_size=Decimal(10))
    at, step = Decimal(60_000), Decimal("0.01")
    slope = float((rules.pnl_settle(contracts, at, at + step) - rules.pnl_settle(contracts, at, at - step)) / 2 / step)
    # What is settled in coin has delta S dv/dS (hedging reference section 3.1).
    slope *= 60_000.0 if kind.is_inverse else 1.0
    assert rules.delta_coin(float(contracts), 60_000.0) == pytest.approx(slope, rel=1e-9)


# --- options settled in coin ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strike", "days", "is_call", "value", "delta", "adjusted"),
    [
        (60_000.0, 30, True, 0.06853941, 0.53426970, 0.46573030),
        (60_000.0, 30, False, 0.06853941, -0.46573030, -0.53426970),
        (54_000.0, 7, True, 0.10383764, 0.90482755, 0.80098991),
        (1e-6, 30, True, 1.0, 1.0, 0.0),
    ],
)
def test_a_coin_option_counts_premium_adjusted(
    strike: float, days: int, is_call: bool, value: float, delta: float, adjusted: float
) -> None:
    # Anchors of hedging reference section 3.2.
    coin_value, own_delta = _call(strike, days, is_call=is_call)
    assert coin_value == pytest.approx(value, abs=1e-8)
    assert own_delta == pytest.approx(delta, abs=1e-8)
    coin = instrument(NAME, InstrumentKind.COIN_OPTION)
    linear = instrument(NAME, InstrumentKind.LINEAR_OPTION)
    assert coin.delta_coin(-2.0, 60_000.0, own_delta, coin_value) == pytest.approx(-2 * adjusted, abs=2e-8)
    assert linear.delta_coin(-2.0, 60_000.0, own_delta, coin_value) == pytest.approx(-2 * delta, abs=2e-8)


@given(forward=st.floats(20_000, 150_000), days=st.floats(1, 180), is_call=st.booleans())
def test_premium_adjusted_delta_is_the_slope_of_the_coin_value(forward: float, days: float, is_call: bool) -> None:
    value, delta = _call(60_000.0, days, forward, is_call=is_call)
    step = forward * 1e-5
    up, _ = _call(60_000.0, days, forward + step, is_call=is_call)
    down, _ = _call(60_000.0, days, forward - step, is_call=is_call)
    found = instrument(NAME, InstrumentKind.COIN_OPTION).delta_coin(1.0, forward, delta, value)
    assert found == pytest.approx(forward * (up - down) / (2 * step), abs=1e-5)


@pytest.mark.parametrize(
    ("convention", "down", "up"), [("adjusted", -0.00011725, -0.00011379), ("plain", -0.00080957, 0.00056482)]
)
def test_a_hedged_short_call_shows_its_convention(convention: str, down: float, up: float) -> None:
    # Hedging reference section 3.2: short one at-the-money call plus an inverse perpetual, moves of 1 %.
    value, delta = _call(60_000.0, 30)
    coin = instrument(NAME, InstrumentKind.COIN_OPTION)
    perp = instrument(NAME, InstrumentKind.INVERSE_PERP)
    short = coin.delta_coin(-1.0, 60_000.0, delta, value if convention == "adjusted" else 0.0)
    hedge = perp.contracts(Decimal(-short), Decimal(60_000))
    for move, expected in ((-0.01, down), (0.01, up)):
        at = 60_000.0 * (1 + move)
        profit = float(perp.pnl_settle(hedge, Decimal(60_000), Decimal(at)))
        assert profit - (_call(60_000.0, 30, at)[0] - value) == pytest.approx(expected, abs=1e-8)


# --- trading rules -------------------------------------------------------------------------------------------------


@given(
    contracts=st.decimals(0, 10_000, places=6),
    lot=st.sampled_from([Decimal(text) for text in ("0.001", "0.01", "0.5", "1", "10")]),
    lots_min=st.integers(1, 50),
)
def test_a_floored_quantity_is_tradable_or_zero(contracts: Decimal, lot: Decimal, lots_min: int) -> None:
    rules = instrument(NAME, lot_size=lot, qty_min=lot * lots_min, qty_max=None)
    floored = rules.floor_qty(contracts)
    assert 0 <= floored <= contracts
    assert floored == 0 or rules.order_problem(floored, None) is None
    assert floored > 0 or contracts < rules.qty_min


@given(at=prices, tick=st.sampled_from([Decimal(text) for text in ("0.1", "0.5", "0.01", "5")]))
def test_a_protective_price_never_pays_more(at: Decimal, tick: Decimal) -> None:
    rules = instrument(NAME, tick_size=tick)
    buy, sell = rules.protective_price(at, Side.BUY), rules.protective_price(at, Side.SELL)
    assert buy <= at <= sell
    assert sell - buy in {Decimal(0), tick}
    assert is_multiple(buy, tick)


@pytest.mark.parametrize(
    ("contracts", "at", "words"),
    [
        ("0.0005", "100000", "lot"),
        ("0.0015", "100000", "lot"),
        ("0", "100000", "lot"),
        ("101", "100000", "above the maximum"),
        ("1", "100000.05", "tick"),
        ("1", "0", "tick"),
        ("1", "-5", "tick"),
        ("0.001", "100", "below the minimum"),
    ],
)
def test_an_order_that_breaks_a_rule_is_told_which(contracts: str, at: str, words: str) -> None:
    problem = instrument(NAME).order_problem(Decimal(contracts), Decimal(at))
    assert problem is not None
    assert words in problem


def test_an_ordinary_order_has_no_problem() -> None:
    assert instrument(NAME).order_problem(Decimal("0.001"), Decimal("5000.0")) is None
    assert instrument(NAME).order_problem(Decimal(100), Decimal("100000.1")) is None


def test_the_minimum_notional_of_an_inverse_contract_is_in_dollars() -> None:
    rules = instrument(NAME, InstrumentKind.INVERSE_PERP, lot_size=Decimal(1), qty_min=Decimal(1), qty_max=None)
    assert rules.order_problem(Decimal(4), Decimal(100_000)) is not None
    assert rules.order_problem(Decimal(5), Decimal(100_000)) is None


@pytest.mark.parametrize("name", ["contract_size", "tick_size", "lot_size", "qty_min"])
@pytest.mark.parametrize("value", ["0", "-1", "NaN", "Infinity"])
def test_an_instrument_that_cannot_be_traded_with_is_refused(name: str, value: str) -> None:
    with pytest.raises(ProgrammingError, match=name):
        instrument(NAME, InstrumentKind.SPOT, **{name: Decimal(value)})


@pytest.mark.parametrize("name", ["strike", "option_type", "expiry_ns"])
def test_an_option_without_its_terms_is_refused(name: str) -> None:
    with pytest.raises(ProgrammingError, match="option needs"):
        instrument(NAME, InstrumentKind.LINEAR_OPTION, **{name: None})


def test_kinds_are_what_their_names_say() -> None:
    assert {kind for kind in InstrumentKind if kind.is_option} == {
        InstrumentKind.LINEAR_OPTION,
        InstrumentKind.COIN_OPTION,
    }
    assert {kind for kind in InstrumentKind if kind.is_inverse} == set(SETTLED_IN_COIN)
    assert {kind for kind in InstrumentKind if kind.is_perp} == {
        InstrumentKind.LINEAR_PERP,
        InstrumentKind.INVERSE_PERP,
    }


def test_sides() -> None:
    assert Side.of(0.1) is Side.BUY
    assert Side.of(Decimal("-0.1")) is Side.SELL
    assert [side.sign for side in (Side.BUY, Side.SELL)] == [1, -1]
    assert Side.BUY.opposite is Side.SELL
    assert Side.SELL.opposite is Side.BUY


def test_an_id_is_built_from_the_venues_words() -> None:
    name = instrument_id("bybit", "option", "BTC-27NOV26-90000-C-USDT")
    assert name == "bybit:option:BTC-27NOV26-90000-C-USDT"
    assert venue_of(name) == "bybit"
    assert (category_of(name), symbol_of(name)) == tuple(name.split(":")[1:])
    assert isinstance(instrument(name), Instrument)


@pytest.mark.parametrize(
    ("least", "qty_min", "lot", "price", "coin"),
    [
        ("5", "0.001", "0.001", 100_000.0, 0.001),
        ("2000", "0.001", "0.001", 100_000.0, 0.02),
        ("5", "0.1", "0.1", 2.0, 2.5),
        ("5", "0.1", "0.1", 2.03, 2.5),  # 2.463 coins are 25 lots
        ("0", "0.05", "0.01", 100.0, 0.05),
    ],
)
def test_the_smallest_order_that_a_venue_takes(least: str, qty_min: str, lot: str, price: float, coin: float) -> None:
    rules = instrument(
        InstrumentId("bybit:linear:BTCUSDT"),
        lot_size=Decimal(lot),
        qty_min=Decimal(qty_min),
        min_notional_quote=Decimal(least),
    )
    assert rules.least_coin(price) == pytest.approx(coin)
    contracts = Decimal(repr(round(rules.least_coin(price), 9)))
    assert rules.floor_qty(contracts) == contracts
    assert rules.notional_quote(contracts, Decimal(repr(price))) >= rules.min_notional_quote
