"""Exposure: every kind by the reference, delta-gamma close to a full re-mark, unknown never zero, no drift."""

from decimal import Decimal

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.core.exposure import Exposures, exposure_problem, net_delta_coin, own_option_delta
from hedgebot.core.state import UnderlyingState, decode_state, encode_state
from hedgebot.domain import events as ev
from hedgebot.domain.commands import RecordDecision
from hedgebot.domain.instrument import InstrumentId, InstrumentKind, Side
from hedgebot.domain.settings import DeltaConvention, EngineSettings
from hedgebot.pricing.black76 import greeks, price
from tests.support.playbook import (
    ACCOUNT,
    BTC_CALL,
    BTC_INVERSE,
    BTC_SPOT,
    BTC_USDC,
    MS,
    PRICE,
    START_NS,
    Playbook,
    instrument,
    orders,
    settings,
)

COIN_CALL = InstrumentId("bybit:option:BTC-27NOV26-100000-C")
FUTURE = InstrumentId("bybit:linear:BTCUSDT-27NOV26")
LOWER_CALL = InstrumentId("bybit:option:BTC-27NOV26-90000-C-USDT")
LINEAR = InstrumentKind.LINEAR_FUTURE
YEARS = 30 / 365
EXPIRY_NS = START_NS + 30 * 86_400 * 1_000 * MS


def _ready() -> Playbook:
    """A ready book whose strategy is off, so that exposure is looked at and not traded."""
    book = Playbook()
    book.ready()
    book.send(ev.StrategySwitched(strategy="delta_neutral", enabled=False, operator="op", reason="look only"))
    return book


def _btc(book: Playbook) -> UnderlyingState:
    return book.state.underlyings["BTC"]


def _call_delta(forward: float = 100_000.0, iv: float = 0.6, years: float = YEARS) -> float:
    # Delivered at an average of half an hour, which varies for ten minutes only.
    years -= 1_200 / (365 * 86_400)
    found = greeks(np.array([forward]), np.array([100_000.0]), np.array([years]), np.array([iv]), np.array([True]))
    return float(found.delta[0])


def _call_value_coin(forward: float = 100_000.0, iv: float = 0.6) -> float:
    arrays = (np.array([forward]), np.array([100_000.0]), np.array([YEARS]), np.array([iv]), np.array([True]))
    return float(price(*arrays)[0]) / forward


def test_linear_inverse_and_spot_add_up_at_the_live_price() -> None:
    book = _ready()
    book.send(book.fill(Side.BUY, "2", BTC_SPOT))
    book.send(book.fill(Side.SELL, "0.5", BTC_USDC))
    book.send(book.fill(Side.SELL, "50000", BTC_INVERSE))
    assert net_delta_coin(_btc(book)) == pytest.approx(2 - 0.5 - 0.5)


def test_coins_sold_one_to_one_with_an_inverse_contract_do_not_drift() -> None:
    """N/S of delta and N/entry - N/S of unrealised coins are N/entry together (hedging reference section 3.2)."""
    book = _ready()
    book.send(book.fill(Side.BUY, "1", BTC_SPOT))
    book.send(book.fill(Side.SELL, "100000", BTC_INVERSE))
    for mid in ("125000", "80000"):
        book.send(book.book(mid))
        assert net_delta_coin(_btc(book)) == pytest.approx(0.0, abs=1e-12)
    # Realised, the profit is in the wallet: the coins of the delta do not step when a part is closed.
    book.send(book.fill(Side.BUY, "40000", BTC_INVERSE, price=Decimal(80_000)))
    assert net_delta_coin(_btc(book)) == pytest.approx(40_000 / 80_000)
    book.send(book.fill(Side.SELL, "40000", BTC_INVERSE, price=Decimal(80_000)))
    assert net_delta_coin(_btc(book)) == pytest.approx(0.0, abs=1e-12)


def test_an_inverse_position_of_unknown_entry_counts_at_the_live_price() -> None:
    book = Playbook()
    book.ready([msgspec.structs.replace(book.position("-50000", BTC_INVERSE), entry_price=None)])
    for mid in ("100000", "125000"):
        book.send(book.book(mid))
        assert net_delta_coin(_btc(book)) == pytest.approx(-50_000 / float(mid))


def test_without_a_price_nothing_is_known() -> None:
    assert "no price" in exposure_problem(UnderlyingState(name="BTC"))
    assert not exposure_problem(UnderlyingState(name="BTC", price=1.0))


def test_a_linear_option_counts_its_own_delta_on_the_venues_volatility() -> None:
    book = _ready()
    book.send(book.option(iv=0.6, delta=0.9))
    book.send(book.fill(Side.SELL, "3", BTC_CALL))
    assert net_delta_coin(_btc(book)) == pytest.approx(-3 * _call_delta(), abs=1e-6)


def _sell_coin_call(convention: DeltaConvention | None) -> Playbook:
    book = Playbook(_with(delta_convention=convention))
    book.ready()
    book.send(ev.StrategySwitched(strategy="delta_neutral", enabled=False, operator="op", reason="look only"))
    rules = instrument(COIN_CALL, InstrumentKind.COIN_OPTION, settle="BTC", quote="BTC")
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(rules,)))
    value = _call_value_coin()
    book.send(msgspec.structs.replace(book.option(iv=0.6), instrument=COIN_CALL, mark=Decimal(repr(value))))
    book.send(book.fill(Side.SELL, "1", COIN_CALL, price=Decimal(repr(value))))
    return book


def test_a_coin_option_counts_premium_adjusted_where_coins_are_kept() -> None:
    book = _sell_coin_call(DeltaConvention.COIN_NEUTRAL)
    assert net_delta_coin(_btc(book)) == pytest.approx(-(_call_delta() - _call_value_coin()), abs=1e-6)


def test_against_equity_it_counts_black_scholes_and_its_premium_in_cash() -> None:
    """-(Eq + q(delta - v)) = -(cash + q delta): the premium that was paid in coins is cash (HEDGING 3.2)."""
    book = _sell_coin_call(DeltaConvention.USD_NEUTRAL)
    assert _btc(book).option_delta == pytest.approx(-_call_delta(), abs=1e-6)
    assert net_delta_coin(_btc(book)) == pytest.approx(_call_value_coin() - _call_delta(), abs=1e-6)


@pytest.mark.parametrize("entry", [True, False])
@pytest.mark.parametrize(("coins", "short", "wallet_drift"), [("20", "-1000000", 0.95238), ("100", "-5000000", 4.7619)])
def test_inverse_contracts_drift_against_the_wallet_and_not_against_equity(
    coins: str, short: str, wallet_drift: float, *, entry: bool
) -> None:
    """ART-2: sold one to one at 50,000, seen at 52,500. Without an entry only the wallet is known, and it drifts."""
    book = Playbook(_with(delta_convention=DeltaConvention.USD_NEUTRAL, delta_limit_coin=500.0))
    held = msgspec.structs.replace(book.position(short, BTC_INVERSE), entry_price=Decimal(50_000) if entry else None)
    book.ready([held], btc=coins)
    book.send(ev.StrategySwitched(strategy="delta_neutral", enabled=False, operator="op", reason="look only"))
    for mid, drift in (("50000", 0.0), ("52500", 0.0 if entry else wallet_drift)):
        book.send(book.ticker(mid))
        book.send(book.book(mid))
        assert net_delta_coin(_btc(book)) == pytest.approx(drift, abs=1e-4)


@pytest.mark.parametrize("convention", [DeltaConvention.USD_NEUTRAL, DeltaConvention.COIN_NEUTRAL])
def test_the_net_delta_is_the_derivative_of_what_is_kept(convention: DeltaConvention) -> None:
    """d(S Eq)/dS in USD, S dEq/dS in coins, by finite differences of an account's equity in coins."""
    book = Playbook(_with(delta_convention=convention, delta_limit_coin=500.0))
    book.ready([msgspec.structs.replace(book.position("-150000", BTC_INVERSE), entry_price=Decimal(80_000))], btc="3")
    book.send(ev.StrategySwitched(strategy="delta_neutral", enabled=False, operator="op", reason="look only"))
    rules = instrument(COIN_CALL, InstrumentKind.COIN_OPTION, settle="BTC", quote="BTC")
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(rules,)))
    value = Decimal(repr(_call_value_coin()))
    book.send(msgspec.structs.replace(book.option(iv=0.6), instrument=COIN_CALL, mark=value))
    book.send(book.fill(Side.SELL, "2", COIN_CALL, price=value))

    def equity(spot: float) -> float:
        unrealised = -150_000 * (1 / 80_000 - 1 / spot)
        years = YEARS - 1_200 / (365 * 86_400)
        columns = (np.array([spot]), np.array([100_000.0]), np.array([years]), np.array([0.6]), np.array([True]))
        return 3 + 2 * float(value) + unrealised - 2 * float(price(*columns)[0]) / spot

    step, spot = 1.0, 100_000.0
    kept = (lambda at: at * equity(at)) if convention is DeltaConvention.USD_NEUTRAL else (lambda at: spot * equity(at))
    slope = (kept(spot + step) - kept(spot - step)) / (2 * step)
    assert net_delta_coin(_btc(book)) == pytest.approx(slope, abs=1e-4)


def test_an_option_without_a_volatility_makes_the_exposure_unknown_not_zero() -> None:
    book = Playbook()
    book.ready()
    commands = book.send(book.fill(Side.BUY, "1", BTC_CALL))
    assert "implied volatility" in exposure_problem(_btc(book))
    # Nothing is hedged on half a book, however large the known half is.
    commands += book.send(book.fill(Side.BUY, "2", BTC_USDC))
    assert not orders(commands)
    assert orders(book.send(book.option())), "with its volatility the whole is known and hedged"
    assert not exposure_problem(_btc(book))


@given(move=st.floats(-0.00099, 0.00099), held=st.integers(-20, 20).filter(bool), iv=st.floats(0.3, 1.5))
def test_between_re_marks_delta_gamma_stays_close_to_a_full_re_mark(move: float, held: int, iv: float) -> None:
    book = _ready()
    book.send(book.option(iv=iv))
    book.send(book.fill(Side.of(held), str(abs(held)), BTC_CALL))
    at = round(100_000.0 * (1 + move) * 10) / 10
    marked_at = _btc(book).remark_at_ns
    book.send(book.book(str(at)))
    assert _btc(book).remark_at_ns == marked_at, "a move this small needs no re-mark"
    assert net_delta_coin(_btc(book)) == pytest.approx(held * _call_delta(at, iv), abs=abs(held) * 2e-5)


@pytest.mark.parametrize("mid", ["80000", "99000", "101000", "130000"])
def test_a_larger_move_re_marks_at_once(mid: str) -> None:
    book = _ready()
    book.send(book.option())
    book.send(book.fill(Side.BUY, "10", BTC_CALL))
    book.send(book.book(mid))
    assert net_delta_coin(_btc(book)) == pytest.approx(10 * _call_delta(float(mid)), abs=1e-5)


def test_time_re_marks_too() -> None:
    book = _ready()
    book.send(book.option())
    book.send(book.fill(Side.BUY, "10", BTC_CALL))
    days = 20 * 86_400 * 1_000
    book.send(book.book(), after_ms=days)
    assert net_delta_coin(_btc(book)) == pytest.approx(10 * _call_delta(years=10 / 365), abs=1e-5)


def test_an_option_adopted_at_the_start_counts() -> None:
    book = Playbook()
    book.ready(positions=[book.position("1", BTC_CALL)])
    commands = book.send(book.option())
    assert not exposure_problem(_btc(book))
    assert net_delta_coin(_btc(book)) == pytest.approx(_call_delta(), abs=1e-6)
    assert orders(commands)


def test_a_changed_quantity_re_marks_the_whole() -> None:
    book = _ready()
    book.send(book.option())
    for held in (1, 2, 3):
        book.send(book.fill(Side.BUY, "1", BTC_CALL))
        assert net_delta_coin(_btc(book)) == pytest.approx(held * _call_delta(), abs=1e-6)
    book.send(book.fill(Side.SELL, "3", BTC_CALL))
    assert net_delta_coin(_btc(book)) == 0.0
    assert _btc(book).option_count == 0


def test_a_decoded_state_is_valued_the_same() -> None:
    book = _ready()
    book.send(book.option())
    book.send(book.fill(Side.BUY, "7", BTC_CALL))
    book.send(book.fill(Side.SELL, "2", BTC_INVERSE))
    again = decode_state(encode_state(book.state))
    underlying = again.underlyings["BTC"]
    before = net_delta_coin(underlying)
    Exposures(again).remark(underlying, _btc(book).remark_at_ns)
    assert net_delta_coin(underlying) == before


def test_nothing_moves_after_expiry_whoever_is_late_with_the_delivery() -> None:
    book = _ready()
    book.send(book.option())
    book.send(book.fill(Side.BUY, "1", BTC_CALL))
    book.send(book.book("120000"), after_ms=31 * 86_400 * 1_000)
    assert net_delta_coin(_btc(book)) == 0.0


def test_our_delta_of_one_option_is_none_until_it_is_known() -> None:
    book = _ready()
    assert own_option_delta(book.state, BTC_CALL, START_NS) is None
    assert own_option_delta(book.state, BTC_USDC, START_NS) is None
    book.send(book.option())
    assert own_option_delta(book.state, BTC_CALL, START_NS) == pytest.approx(_call_delta(), abs=1e-9)


def test_a_hundred_thousand_fills_leave_no_drift() -> None:
    from hedgebot.core import ledger

    book = _ready()
    state = book.state
    net = Decimal(0)
    fills = [
        msgspec.structs.replace(book.fill(side, qty, BTC_USDC, fee=fee, fee_coin="BTC"), price=PRICE)
        for side in Side
        for qty, fee in (("0.003", "0.0000001"), ("1.7", "0.00003"), ("0.001", "0"))
    ]
    for number in range(100_002):
        fill = fills[number % len(fills)]
        ledger.book_fill(state, fill, START_NS)
        net += fill.qty_contracts * fill.side.sign - fill.fee
    assert _btc(book).linear_coin == net
    assert ledger.position_contracts(state, ACCOUNT, BTC_USDC) == 0


def test_inside_the_window_an_options_delta_decays_with_what_is_averaged() -> None:
    """HEDGING 3.3: in the money a quarter is left 7.5 minutes before the end; at the end nothing is."""
    book = _ready()
    for left_s, share in ((2_400, 1.0), (1_800, 1.0), (900, 0.5), (450, 0.25), (0, 0.0), (-5, 0.0)):
        book.at_ns = EXPIRY_NS - left_s * 1_000 * MS
        book.send(book.book("120000"), after_ms=0)
        book.send(book.option(forward=120_000.0))
        if not _btc(book).option_keys:
            book.send(book.fill(Side.SELL, "2", BTC_CALL))
        book.send(book.book("120000"))
        assert net_delta_coin(_btc(book)) == pytest.approx(-2 * share, abs=1e-4), left_s
        assert _btc(book).sums.settling is (left_s < 1_800)


def test_a_dated_future_decays_too_and_its_delivery_moves_nothing() -> None:
    book = _ready()
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(instrument(FUTURE, LINEAR, expiry_ns=EXPIRY_NS),)))
    book.at_ns = EXPIRY_NS - 1_800_000 * MS
    book.send(book.fill(Side.BUY, "3", FUTURE))
    assert net_delta_coin(_btc(book)) == pytest.approx(3.0, abs=1e-5)
    book.at_ns = EXPIRY_NS - 600_000 * MS
    book.send(book.book())
    assert net_delta_coin(_btc(book)) == pytest.approx(1.0, abs=1e-4)
    assert _btc(book).sums.settling
    book.at_ns = EXPIRY_NS + MS
    book.send(book.book())
    assert net_delta_coin(_btc(book)) == pytest.approx(0.0, abs=1e-9)
    flow = _btc(book).drift.flow
    book.send(book.fill(Side.SELL, "3", FUTURE))
    assert net_delta_coin(_btc(book)) == pytest.approx(0.0, abs=1e-9)
    assert _btc(book).drift.flow <= flow, "a delivery is no trade of the client's"
    assert not _btc(book).sums.dated


def test_a_venue_may_publish_the_plain_delta_or_the_decayed_one() -> None:
    book = _ready()
    book.at_ns = EXPIRY_NS - 600_000 * MS
    for published, suspect in ((1.0, False), (1 / 3, False), (0.7, True)):
        book.send(book.option(forward=130_000.0, delta=published))
        assert book.state.options[BTC_CALL].suspect is suspect, published


def test_deltas_follow_the_skew_by_the_underlyings_stickiness() -> None:
    """Delta + (R - 1) vega skew / S with the slope of the call's own expiry: puts' strikes below count too."""
    plain, sticky = _ready(), Playbook(_sticky(2.0))
    sticky.ready()
    sticky.send(ev.StrategySwitched(strategy="delta_neutral", enabled=False, operator="op", reason="look only"))
    for book in (plain, sticky):
        lower = instrument(LOWER_CALL, InstrumentKind.LINEAR_OPTION, strike=Decimal(90_000))
        book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(lower,)))
        book.send(book.option(iv=0.6))
        book.send(msgspec.structs.replace(book.option(iv=0.65), instrument=LOWER_CALL))
        book.send(book.fill(Side.BUY, "1", BTC_CALL))
    skew = (0.6 - 0.65) / float(np.log(100_000 / 90_000))
    vega = _btc(plain).option_vega
    gap = net_delta_coin(_btc(sticky)) - net_delta_coin(_btc(plain))
    assert gap == pytest.approx(vega * skew / 100_000, rel=1e-6)
    assert _btc(sticky).sums.smile_coin == pytest.approx(gap)
    assert not _btc(sticky).sums.smile_unknown


def test_where_one_strike_is_quoted_no_skew_is_made_up() -> None:
    book = Playbook(_sticky(1.5))
    book.ready()
    book.send(book.option())
    commands = book.send(book.fill(Side.BUY, "1", BTC_CALL))
    assert _btc(book).sums.smile_unknown == 1
    assert _btc(book).option_delta == pytest.approx(_call_delta(), abs=1e-6)
    (decision,) = [one for one in commands if isinstance(one, RecordDecision)]
    assert decision.evidence["skew_stickiness"] == 1.5
    assert decision.evidence["smile_unknown_options"] == 1


def _with(**changes: object) -> EngineSettings:
    made = settings()
    return msgspec.structs.replace(made, underlyings=(msgspec.structs.replace(made.underlyings[0], **changes),))


def _sticky(stickiness: float) -> EngineSettings:
    return _with(skew_stickiness=stickiness)
