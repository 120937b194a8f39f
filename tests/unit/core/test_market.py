"""Market: what cannot be believed is kept out and said once, and old content is old however new its frame."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import market
from hedgebot.core.exposure import exposure_problem
from hedgebot.core.limits import funding_cost_usd_per_day
from hedgebot.core.market import (
    NEVER_MS,
    basis_ratio_max,
    book_age_ms,
    book_mark_gap_bps,
    mark_age_ms,
    option_age_ms,
    spread_bps,
)
from hedgebot.core.quotes import Quote
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import RaiseAlert, ResolveAlert
from hedgebot.domain.instrument import InstrumentId, InstrumentKind, Side
from hedgebot.domain.settings import LimitSettings
from tests.support.playbook import (
    ACCOUNT,
    BTC_CALL,
    BTC_PERP,
    BTC_USDC,
    MS,
    PRICE,
    Playbook,
    alerts,
    instrument,
    of_type,
)


def _ready() -> Playbook:
    book = Playbook()
    book.ready()
    return book


def _top(book: Playbook, bid: str | None, ask: str | None, venue_at_ns: int | None = None) -> ev.BookTop:
    return ev.BookTop(
        instrument=BTC_PERP,
        bid=None if bid is None else Decimal(bid),
        bid_qty=Decimal(1),
        ask=None if ask is None else Decimal(ask),
        ask_qty=Decimal(1),
        venue_at_ns=book.at_ns + MS if venue_at_ns is None else venue_at_ns,
    )


def _ends(book: Playbook) -> bool:
    """Whether the alert of a suspect book stays up while good ones come for nine seconds, and ends with the tenth."""
    for _ in range(9):
        book.send(book.book(), after_ms=1_000)
        if not book.is_up(AlertKind.SUSPECT_DATA) or book.state.quotes[BTC_PERP].book_problem:
            return False
    return [one.kind for one in of_type(book.send(book.book(), after_ms=1_000), ResolveAlert)] == [
        AlertKind.SUSPECT_DATA
    ]


# --- sanity --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bid", "ask"),
    [
        ("100001", "100000"),
        ("100000", "100000"),
        (None, "100000"),
        ("100000", None),
        (None, None),
        ("NaN", "100001"),
        ("100000", "NaN"),
        ("sNaN", "100001"),
        ("Infinity", "Infinity"),
        ("0", "100001"),
        ("0", "0"),
        ("-1", "100001"),
        ("-3", "-2"),
        ("10", "10.1"),
        ("99999000", "100001000"),
    ],
)
def test_a_book_that_cannot_be_believed_is_kept_out(bid: str | None, ask: str | None) -> None:
    book = _ready()
    before = msgspec.structs.asdict(book.state.quotes[BTC_PERP])
    assert AlertKind.SUSPECT_DATA in alerts(book.send(_top(book, bid, ask)))
    after = book.state.quotes[BTC_PERP]
    assert (after.bid, after.ask, after.book_at_ns) == (before["bid"], before["ask"], before["book_at_ns"])
    assert book.state.underlyings["BTC"].price == float(PRICE)
    assert not alerts(book.send(_top(book, bid, ask))), "said once"
    assert _ends(book)


def test_books_that_come_between_bad_ones_end_no_alert() -> None:
    """Of a feed whose frames come mixed up one alert is told, not one for each."""
    book = _ready()
    heard = [
        one for n in range(80) for one in book.send(_top(book, "NaN", "NaN") if n % 3 else book.book(), after_ms=250)
    ]
    assert [one.kind for one in of_type(heard, RaiseAlert)] == [AlertKind.SUSPECT_DATA]
    assert not of_type(heard, ResolveAlert)
    assert _ends(book)


def test_the_last_good_book_ages_while_bad_ones_come() -> None:
    book = _ready()
    book.send(book.book())
    for _ in range(60):
        book.send(_top(book, "100001", "100000"), after_ms=100)
    assert book_age_ms(book.state, BTC_PERP, book.at_ns) == 6_000


def test_an_old_frame_neither_clears_nor_raises_a_suspicion() -> None:
    book = _ready()
    old = book.at_ns - 1_000 * MS
    assert not alerts(book.send(_top(book, "100001", "100000", old))), "an old crossed frame is no news"
    book.send(_top(book, "100001", "100000"))
    book.send(_top(book, "99999", "100001", old))
    assert book.state.quotes[BTC_PERP].book_problem, "the newest frame is crossed still"


def test_a_frame_from_the_future_does_not_shut_the_book_for_ever() -> None:
    book = _ready()
    # A timestamp in the wrong unit: microseconds taken for nanoseconds the other way round.
    book.send(_top(book, "99999", "100001", book.at_ns * 1_000))
    book.tick(10_000)
    book.send(book.book("100010"))
    assert book_age_ms(book.state, BTC_PERP, book.at_ns) < 5_000


# --- age -----------------------------------------------------------------------------------------------------------


def test_a_repeated_timestamp_leaves_the_age_running() -> None:
    book = _ready()
    frame = book.book()
    book.send(frame)
    for _ in range(5):
        book.send(frame, after_ms=1_000)
    assert book_age_ms(book.state, BTC_PERP, book.at_ns) == 5_000


@pytest.mark.parametrize("offset_ms", [-400.0, 0.0, 400.0])
def test_replayed_frames_are_as_old_as_they_say(offset_ms: float) -> None:
    book = _ready()
    book.send(ev.ClockMeasured(account=ACCOUNT, offset_ms=offset_ms, round_trip_ms=1.0), after_ms=60_000)
    # Timestamps advance from frame to frame, but 30 s behind the venue's own clock.
    for _ in range(3):
        behind = book.at_ns + MS + round((offset_ms - 30_000) * MS)
        book.send(_top(book, "99999", "100001", behind))
    assert book_age_ms(book.state, BTC_PERP, book.at_ns) == pytest.approx(30_000, abs=2)


def test_what_never_came_is_never() -> None:
    state = Playbook().state
    assert book_age_ms(state, BTC_PERP, 1) == mark_age_ms(state, BTC_PERP, 1) == NEVER_MS
    assert option_age_ms(state, BTC_CALL, 1) == NEVER_MS


def test_the_mark_ages_on_its_own() -> None:
    book = _ready()
    book.send(book.ticker())
    for _ in range(4):
        book.send(book.book(), after_ms=1_000)
    assert mark_age_ms(book.state, BTC_PERP, book.at_ns) == 4_000
    assert book_age_ms(book.state, BTC_PERP, book.at_ns) < 1_000


# --- ticker --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", ["NaN", "0", "-1", "Infinity"])
def test_a_mark_that_is_no_price_is_not_taken(mark: str) -> None:
    book = _ready()
    at = book.at_ns
    book.send(book.ticker(mark), after_ms=2_000)
    assert book.state.quotes[BTC_PERP].mark == PRICE
    assert mark_age_ms(book.state, BTC_PERP, book.at_ns) >= (book.at_ns - at) // MS


def test_a_missing_funding_rate_leaves_the_last_one() -> None:
    book = _ready()
    book.send(book.ticker(rate=0.0007))
    book.send(book.ticker(rate=None))
    assert book.state.quotes[BTC_PERP].funding_rate == 0.0007


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), float("-inf")])
def test_a_funding_rate_that_is_no_number_is_not_taken(rate: float) -> None:
    book = _ready()
    book.send(book.fill(Side.BUY, "1", BTC_PERP))
    book.send(book.ticker(rate=rate))
    cost = funding_cost_usd_per_day(book.state, book.at_ns)
    assert cost is None or cost == pytest.approx(30.0)


# --- options -------------------------------------------------------------------------------------------------------

COIN_CALL = InstrumentId("bybit:option:BTC-27NOV26-100000-C")


def _coin_option(book: Playbook, mark: str | None) -> ev.OptionQuote:
    quote = book.option(iv=0.6)
    return msgspec.structs.replace(quote, instrument=COIN_CALL, mark=None if mark is None else Decimal(mark))


@pytest.mark.parametrize("mark", [None, "NaN", "-0.01"])
def test_a_coin_option_without_a_value_leaves_the_exposure_unknown(mark: str | None) -> None:
    # Its delta counts premium-adjusted: without the premium it is unknown, never the plain delta.
    book = _ready()
    rules = instrument(COIN_CALL, InstrumentKind.COIN_OPTION, settle="BTC", quote="BTC")
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(rules,)))
    book.send(book.fill(Side.BUY, "1", COIN_CALL, price=Decimal("0.07")))
    book.send(_coin_option(book, mark))
    assert exposure_problem(book.state.underlyings["BTC"])
    book.send(_coin_option(book, "0.0685"))
    assert not exposure_problem(book.state.underlyings["BTC"])


@pytest.mark.parametrize("iv", [None, 0.0, -0.5, float("nan"), float("inf")])
def test_a_volatility_that_is_none_is_not_taken(iv: float | None) -> None:
    book = _ready()
    book.send(book.option(iv=0.6))
    at = book.at_ns
    book.send(book.option(iv=iv), after_ms=1_000)
    assert book.state.options[BTC_CALL].iv == 0.6
    assert option_age_ms(book.state, BTC_CALL, book.at_ns) == (book.at_ns - at) // MS


def test_a_venue_delta_far_from_ours_is_suspect() -> None:
    book = _ready()
    assert AlertKind.SUSPECT_DATA in alerts(book.send(book.option(delta=-0.53)))
    for _ in range(9):
        assert not of_type(book.send(book.option(delta=0.534), after_ms=1_000), ResolveAlert)
    assert AlertKind.SUSPECT_DATA not in alerts(book.send(book.option(delta=-0.53)))
    for _ in range(9):
        book.send(book.option(delta=0.534), after_ms=1_000)
    assert of_type(book.send(book.option(delta=0.534), after_ms=1_000), ResolveAlert)


# --- measures ------------------------------------------------------------------------------------------------------


def test_gap_and_spread_in_basis_points() -> None:
    quote = Quote(bid=Decimal(99), ask=Decimal(101), mark=Decimal(102))
    assert spread_bps(quote) == pytest.approx(200.0)
    assert book_mark_gap_bps(quote, 1.0, None) == pytest.approx(2 / 102 * 1e4)
    assert book_mark_gap_bps(Quote(bid=Decimal(99), ask=Decimal(101)), 1.0, None) is None
    assert book_mark_gap_bps(Quote(bid=Decimal(99), mark=Decimal(99)), 1.0, None) is None
    assert spread_bps(Quote(bid=Decimal(99))) is None


def _still(book: Playbook, seconds: int, mark: str) -> None:
    """Frames of the book come every second with the same prices, the mark is where it is."""
    for _ in range(seconds):
        book.send(book.ticker(mark), after_ms=999)
        book.send(book.book())


def test_a_book_that_stands_still_while_the_mark_moves_is_frozen() -> None:
    book = _ready()
    _still(book, 12, "100300")
    assert "frozen" in book.state.quotes[BTC_PERP].book_problem
    assert book.is_up(AlertKind.SUSPECT_DATA)
    book.send(book.book(Decimal(100_300)))
    assert book.state.quotes[BTC_PERP].book_problem == ""
    for number in range(9):
        book.send(book.book(Decimal(100_301 + number)), after_ms=1_000)
        assert book.is_up(AlertKind.SUSPECT_DATA)
    book.send(book.book(Decimal(100_310)), after_ms=1_000)
    assert book.state.quotes[BTC_PERP].book_problem == ""
    assert not book.is_up(AlertKind.SUSPECT_DATA)


def test_a_mark_from_before_an_outage_does_not_freeze_a_book() -> None:
    """The first book after it comes before the first mark; the market moved meanwhile, and is quiet now."""
    book = _ready()
    book.start(epoch=2)
    book.send(book.book(Decimal(102_000)), after_ms=3_600_000)
    for _ in range(12):
        book.send(book.ticker("102000"))
        book.send(book.book(Decimal(102_000)), after_ms=1_000)
    assert book.state.quotes[BTC_PERP].book_problem == ""


def test_a_quiet_book_is_not_frozen() -> None:
    book = _ready()
    _still(book, 60, "100010")
    assert book.state.quotes[BTC_PERP].book_problem == ""


def test_the_index_is_a_third_witness_beyond_what_a_basis_may_be() -> None:
    quote = Quote(bid=Decimal(99), ask=Decimal(101), mark=Decimal(100))
    assert book_mark_gap_bps(quote, 1.0, Decimal(120)) == pytest.approx(0.0)
    assert book_mark_gap_bps(quote, 0.0, Decimal(120)) == pytest.approx((1 - 100 / 120) * 1e4)
    assert book_mark_gap_bps(quote, 0.15, Decimal(120)) == pytest.approx((1 - 100 / 120) * 1e4)
    assert book_mark_gap_bps(quote, 0.2, Decimal(120)) == 0.0
    assert book_mark_gap_bps(Quote(bid=Decimal(99), ask=Decimal(101), mark=Decimal(100)), 0.0, None) == 0.0


def test_a_perpetual_has_no_basis_and_a_dated_future_s_is_less_than_a_jump() -> None:
    limits = LimitSettings(price_jump_ratio_max=0.4)
    assert basis_ratio_max(instrument(BTC_PERP), limits) == 0.0
    assert basis_ratio_max(instrument(BTC_USDC, InstrumentKind.LINEAR_FUTURE), limits) == 0.4


@pytest.mark.parametrize("first", ["option", "book"])
def test_a_jump_counts_once_whichever_feed_shows_it_first(first: str) -> None:
    """The option's forward has jumped and the hedge's book has not: its own move later must not be added to it."""
    book = _ready()
    book.send(book.option())
    book.send(book.fill(Side.SELL, "5", BTC_CALL))
    for one in (first, "book" if first == "option" else "option"):
        if one == "book":
            book.send(book.book(Decimal(105_000)))
        else:
            book.send(msgspec.structs.replace(book.option(forward=105_000.0), index=Decimal(105_000)))
    book.tick(1_100)
    short = book.state.underlyings["BTC"].option_delta
    assert short == pytest.approx(-5 * 0.646, abs=0.01), "Black-76 at 105,000, 60 % and thirty days"


@pytest.mark.parametrize("index", [100_000, 105_000])
@pytest.mark.parametrize("stamped", ["book first", "option first"])
def test_a_forward_from_before_a_jump_is_not_carried_along_by_it(index: int, stamped: str) -> None:
    """A quote that is newer than the jump brings a forward that is older: no delta goes to and fro."""
    book = _ready()
    book.send(book.option())
    book.send(book.fill(Side.SELL, "5", BTC_CALL))
    truth = pytest.approx(-5 * 0.646, abs=0.01)  # Black-76 at 105,000, 60 % and thirty days
    for _ in range(2):
        book.send(book.book(), after_ms=250)
    stale = msgspec.structs.replace(book.option(), index=Decimal(index))
    if stamped == "option first":
        book.send(book.book(Decimal(105_000)), after_ms=20)
        book.send(msgspec.structs.replace(stale, venue_at_ns=book.at_ns - 19 * MS))
    else:
        book.send(book.book(Decimal(105_000)), after_ms=20)
        book.send(msgspec.structs.replace(stale, venue_at_ns=book.at_ns + MS))
    book.tick(1_100)
    assert book.state.underlyings["BTC"].option_delta == truth, "held while the quote is from before the jump"
    book.send(book.book(Decimal(105_000)))
    book.send(msgspec.structs.replace(book.option(forward=105_000.0), index=Decimal(105_000)))
    book.tick(1_100)
    assert book.state.underlyings["BTC"].option_delta == truth, "and when the forward has followed"


def test_a_basis_that_really_moved_is_taken_when_nothing_else_explains_it() -> None:
    book = _ready()
    book.send(book.option())
    book.send(book.fill(Side.SELL, "5", BTC_CALL))
    for _ in range(12):
        book.send(book.book(Decimal(105_000)), after_ms=250)
    book.send(msgspec.structs.replace(book.option(), index=Decimal(105_000)))
    book.tick(1_100)
    # Three seconds later the forward still stands where it stood: it is another basis now, not another age.
    assert book.state.underlyings["BTC"].option_delta == pytest.approx(-5 * 0.534, abs=0.01)


@pytest.mark.parametrize("qty", ["0", "-1", "NaN", "Infinity"])
@pytest.mark.parametrize("side", ["bid_qty", "ask_qty"])
def test_a_price_at_which_nobody_stands_is_no_price(qty: str, side: str) -> None:
    book = _ready()
    age_ms = book_age_ms(book.state, BTC_PERP, book.at_ns)
    book.send(msgspec.structs.replace(book.book("100200"), **{side: Decimal(qty)}), after_ms=10.0)
    assert book.state.quotes[BTC_PERP].mid == PRICE
    assert book_age_ms(book.state, BTC_PERP, book.at_ns) == age_ms + 10
    assert book.is_up(AlertKind.SUSPECT_DATA)
    assert _ends(book)


def test_an_age_that_nobody_knows_is_shown_as_none() -> None:
    assert market.known_age_ms(market.NEVER_MS) is None
    assert market.known_age_ms(market.NEVER_MS - 1) == market.NEVER_MS - 1
    assert market.elapsed_ms(5_999_999, 1_000_000) == 4
    assert market.elapsed_ms(1_000_000, 5_000_000) == 0, "a moment to come has no age"
