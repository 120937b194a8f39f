"""Tracking through the engine: others' fills are flow, ours are hedges, and the journal keeps what came of it."""

import math
from decimal import Decimal

import msgspec
import numpy as np
import pytest

from hedgebot.core import tracking, volatility
from hedgebot.core.drift import Drift, Floats, Tracking, predicted
from hedgebot.core.exposure import linear_delta, linear_delta_row
from hedgebot.core.state import UnderlyingState, decode_state, encode_state
from hedgebot.core.strategy import BandTerms
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command, RecordTracking
from hedgebot.domain.instrument import Side
from hedgebot.pricing.band import Band, Conditions, forecast, late_shift
from tests.support import playbook as pb
from tests.support.playbook import ACCOUNT, BTC_CALL, PRICE, Playbook, of_type, orders

SECOND_MS = 1_000.0


@pytest.fixture
def book() -> Playbook:
    playbook = Playbook()
    playbook.ready()
    return playbook


def underlying(book: Playbook) -> UnderlyingState:
    return book.state.underlyings["BTC"]


def let_pass(book: Playbook, seconds: int, every_s: int = 4) -> list[Command]:
    heard: list[Command] = []
    for _ in range(seconds // every_s):
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE), after_ms=every_s * SECOND_MS)
        book.send(book.ticker())
        book.send(book.book())
        heard += book.send(ev.TimerFired())
    return heard


def test_a_clients_fill_is_flow_and_a_hedge_is_volume_with_its_cost(book: Playbook) -> None:
    (order,) = orders(book.send(book.fill(Side.BUY, "0.2")))
    assert underlying(book).drift.flow > 0.0
    flow = underlying(book).drift.flow
    before = underlying(book).tracking.sums.volume_coin
    book.done(order)
    sums = underlying(book).tracking.sums
    assert sums.volume_coin - before == pytest.approx(float(order.approved.intent.qty_contracts))
    assert sums.orders == 1
    assert underlying(book).drift.flow == flow


def test_own_fills_say_what_hedges_cost(book: Playbook) -> None:
    (order,) = orders(book.send(book.fill(Side.BUY, "0.2")))
    intent, record = order.approved.intent, book.state.orders[order.client_id]
    assert record.arrival_mid == 100_000.0
    worse = PRICE + intent.side.sign * 20  # 2 bps, and a fee of 5.5
    fee = intent.qty_contracts * worse * Decimal("0.00055")
    bought = book.fill(
        intent.side, str(intent.qty_contracts), intent.instrument, price=worse, client_id=order.client_id, fee=str(fee)
    )
    book.send(bought)
    costs = underlying(book).drift.costs
    assert costs.whole.measured_bps == pytest.approx(7.5, rel=1e-3)
    assert (costs.whole.fills, costs.whole.orders) == (1, 1.0)
    assert list(costs.instruments) == [intent.instrument]
    book.send(bought)  # once: it is known
    assert costs.whole.fills == 1


@pytest.mark.parametrize(
    ("fee_coin", "arrival_mid", "counted"), [("USDT", None, 1), ("BTC", None, 1), ("MNT", None, 0), ("USDT", 0.0, 0)]
)
def test_what_is_not_known_of_a_fill_measures_nothing(
    book: Playbook, fee_coin: str, arrival_mid: float | None, counted: int
) -> None:
    (order,) = orders(book.send(book.fill(Side.BUY, "0.2")))
    intent, record = order.approved.intent, book.state.orders[order.client_id]
    if arrival_mid is not None:
        record.arrival_mid = arrival_mid  # as an order has that the journal alone remembered
    fill = book.fill(
        intent.side,
        str(intent.qty_contracts),
        intent.instrument,
        client_id=order.client_id,
        fee="0.0001",
        fee_coin=fee_coin,
    )
    book.send(fill)
    assert underlying(book).drift.costs.whole.fills == counted
    # And what is not known costs nothing but its fee, least of all the whole notional.
    assert abs(underlying(book).tracking.sums.cost_usd) < 20.0


def test_the_measured_cost_survives_a_snapshot_and_is_the_same_in_a_replay(book: Playbook) -> None:
    book.done(orders(book.send(book.fill(Side.BUY, "0.2")))[0])
    costs = underlying(book).drift.costs
    assert costs.whole.fills == 1
    assert decode_state(encode_state(book.state)).underlyings["BTC"].drift.costs == costs


def test_a_trade_in_the_hedge_itself_is_whole_and_one_in_the_exposure_is_a_share(book: Playbook) -> None:
    """With half of it hedged a client's coin moves the band by half a coin, one in the hedge by all of it."""
    one, settings = underlying(book), pb.settings().underlyings[0]
    book.send(book.fill(Side.BUY, "0.01", settings.hedge_instrument))
    assert one.drift.flow == 0.0
    assert one.drift.direct == pytest.approx(0.231049 * 1e-4, rel=1e-4)
    one.drift.terms = BandTerms(hedge_ratio=0.5)
    start_ns = book.at_ns + 10**9
    one.tracking = Tracking()
    tracking.look(one, settings, 1.0, start_ns, hedge_coin=-0.4)
    tracking.look(one, settings, 1.2, start_ns + 10**9, hedge_coin=-0.4)
    assert one.tracking.sums.moved2 == pytest.approx(0.01)
    tracking.look(one, settings, 1.3, start_ns + 2 * 10**9, hedge_coin=-0.3)
    assert one.tracking.sums.moved2 == pytest.approx(0.02)
    one.option_gamma = 4e-4
    assert tracking.seen_gamma(one) == 2e-4
    # Another ratio is no move of the exposure.
    tracking.note_terms(one, BandTerms(hedge_ratio=0.25))
    tracking.look(one, settings, 1.3, start_ns + 3 * 10**9, hedge_coin=-0.3)
    assert one.tracking.sums.moved2 == pytest.approx(0.02)


def test_an_options_fill_counts_with_its_delta(book: Playbook) -> None:
    book.send(book.option())
    book.send(book.fill(Side.BUY, "1", BTC_CALL))
    moved = (underlying(book).drift.flow / 0.231049) ** 0.5
    assert 0.4 < moved < 0.7  # about the delta of a call at the money


def test_the_hour_is_recorded_with_what_was_promised(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "0.03"))
    heard = let_pass(book, 3_700)
    (record,) = of_type(heard, RecordTracking)
    assert record.underlying == "BTC"
    assert record.realised["variance_coin2_day"] is not None
    assert record.days > 0.0


def test_before_a_volatility_is_known_nothing_is_promised(book: Playbook) -> None:
    let_pass(book, 60)
    assert underlying(book).tracking.sums.predicted_days == 0.0
    assert volatility.vol_day_of(underlying(book)) is None


@pytest.mark.parametrize("flow", [0.0, 0.03])
@pytest.mark.parametrize("below", [None, (0.3, 0.2)])
@pytest.mark.parametrize("gap_s", [1, 200])
@pytest.mark.parametrize("terms", [BandTerms(), BandTerms(dwell_ms=5_000, interval_ms=60_000)], ids=["plain", "waits"])
@pytest.mark.parametrize("bands", [(0.1, 0.07), np.array([[0.1] * 90, [0.07] * 90])], ids=["pair", "row"])
def test_a_row_of_looks_is_each_of_them_to_the_last_bit(
    flow: float,
    gap_s: int,
    bands: tuple[float, float] | Floats,
    below: tuple[float, float] | None,
    terms: BandTerms,
) -> None:
    random, settings = np.random.default_rng(3), pb.settings().underlyings[0]
    prices, start_ns = random.uniform(9e4, 1.1e5, 90), pb.START_NS
    at_ns = start_ns + np.cumsum(random.integers(1, 2 * gap_s, 90)) * 1_000_000_000
    each, row = (
        UnderlyingState(
            name="BTC",
            centre_coin=0.01,
            trigger_coin=0.1,
            inside_coin=0.07,
            below=below,
            # An hour after the start the flow becomes known: in the middle of the row.
            drift=Drift(
                terms=terms,
                since_ns=int(at_ns[40]) - 3_600 * 1_000_000_000,
                flow=flow,
                flow_coin=flow * 4.0,
                flow_at_ns=start_ns,
                log_var=1e-3,
                log_weight=0.5,
            ),
        )
        for _ in range(2)
    )
    for one in (each, row):
        tracking.look(one, settings, 0.02, start_ns)
    for moment, price in zip(at_ns.tolist(), prices.tolist(), strict=True):
        each.price = price
        tracking.look(each, settings, linear_delta(-1.0, 1e5, price), moment)
    tracking.look_row(row, settings, prices, linear_delta_row(-1.0, 1e5, prices), at_ns, bands)
    assert row.tracking == each.tracking
    assert row.tracking.sums.predicted_days > 0.0


def test_a_dwell_and_an_interval_are_part_of_what_is_promised_and_a_gate_makes_it_doubtful() -> None:
    settings, at_ns = msgspec.structs.replace(pb.settings().underlyings[0], check_interval_s=60.0), pb.START_NS
    found = []
    for terms in (BandTerms(), BandTerms(dwell_ms=60_000), BandTerms(interval_ms=60_000)):
        drift = Drift(
            terms=terms,
            since_ns=at_ns - 7_200 * 10**9,
            flow=1e-2,
            flow_coin=10.0,
            flow_at_ns=at_ns,
            log_var=1e-3,
            log_weight=0.5,
        )
        one = UnderlyingState(name="BTC", price=1e5, trigger_coin=0.1, inside_coin=0.075, drift=drift)
        for second in range(11):
            tracking.look(one, settings, 0.0, at_ns + second * 10**9)
        found.append(predicted(one.tracking.sums))
        assert tracking.unpredicted(one, found[-1]) == ""
        variance = found[-1].variance_coin2_day
        assert variance is not None
        band = Band(0.1, 0.075)
        shift = late_shift(band, variance, tracking.lateness(one, settings))
        conditions = Conditions(1e5, 1.0, 5e-4, variance)
        assert found[-1].orders_day == pytest.approx(
            forecast(Band(0.1 + shift, 0.075), conditions).orders_day, rel=1e-4
        )
    plain, dwelt, spaced = (one.orders_day or 0.0 for one in found)
    assert dwelt < spaced < plain
    one = UnderlyingState(name="BTC")
    one.drift.terms = BandTerms(interval_ms=8 * 3_600_000, gates=("the hours 07:00-22:00 UTC",))
    assert tracking.unpredicted(one, found[0]).startswith(
        "unreliable: hedges also wait for the hours 07:00-22:00 UTC and for an interval of 28800 s, "
    )


def test_a_wider_lower_side_is_part_of_what_is_promised() -> None:
    """The engine's prediction is that of both sides, not of the upper one alone."""
    settings, at_ns = msgspec.structs.replace(pb.settings().underlyings[0], check_interval_s=1e-12), pb.START_NS
    made = [
        UnderlyingState(
            name="BTC",
            price=1e5,
            trigger_coin=0.1,
            inside_coin=0.075,
            below=below,
            drift=Drift(
                since_ns=at_ns - 7_200 * 1_000_000_000, flow=0.5, flow_at_ns=at_ns, log_var=1e-3, log_weight=0.5
            ),
        )
        for below in (None, (0.4, 0.3))
    ]
    for one in made:
        for second in range(11):
            tracking.look(one, settings, 0.0, at_ns + second * 1_000_000_000)
    plain, lopsided = (predicted(one.tracking.sums) for one in made)
    assert plain.turnover_coin_day is not None
    assert plain.tracking_error_usd_root_day is not None
    # The lower side is four times as wide: two fifths of the turnover, and (1 + 16 * 4)/5 times the mean square.
    assert lopsided.turnover_coin_day == pytest.approx(0.4 * plain.turnover_coin_day)
    ratio = math.sqrt((1.0 + 16.0 * 4.0) / 5.0)
    assert lopsided.tracking_error_usd_root_day == pytest.approx(ratio * plain.tracking_error_usd_root_day)
