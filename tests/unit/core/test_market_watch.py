"""The standing watch over the hedges' market: what is needed is told, what only stands by hides nothing."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import market as market_of
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command, RaiseAlert, RecordRefusal, ResolveAlert
from hedgebot.domain.instrument import InstrumentKind, Side
from tests.support.playbook import (
    ACCOUNT,
    BTC_PERP,
    BTC_USDC,
    INSTRUMENTS,
    MS,
    Playbook,
    instrument,
    of_type,
    orders,
)
from tests.support.switches import HOUR_MS, market, ready, switchable


def told(heard: tuple[Command, ...] | list[Command], kind: AlertKind) -> list[str]:
    return [one.summary for one in of_type(heard, RaiseAlert) if one.kind is kind]


def with_future(left_ms: int) -> Playbook:
    """Hedged in the perpetual, with a future as the alternative that ends so many milliseconds from now."""
    book = ready(switchable())
    expiry_ns = book.at_ns + left_ms * MS
    book.state.instruments[BTC_USDC] = instrument(BTC_USDC, InstrumentKind.LINEAR_FUTURE, expiry_ns=expiry_ns)
    return book


def main_goes_on(book: Playbook, after_ms: float) -> tuple[Command, ...]:
    book.at_ns += round(after_ms * MS)
    book.send(book.book())
    book.send(book.ticker())
    return book.tick()


def test_an_alternative_that_nobody_needs_does_not_hide_how_old_the_main_market_is() -> None:
    book = ready(switchable())
    heard = main_goes_on(book, 6_000.0)
    assert told(heard, AlertKind.STALE_MARKET_DATA) == []
    (summary,) = told(book.tick(6_000.0), AlertKind.STALE_MARKET_DATA)
    assert f"the book of {BTC_PERP} is" in summary


def test_one_that_holds_a_hedge_is_needed() -> None:
    book = ready(switchable(), usdc="-0.3")
    (summary,) = told(main_goes_on(book, 6_000.0), AlertKind.STALE_MARKET_DATA)
    assert f"the book of {BTC_USDC} is" in summary


@pytest.mark.parametrize(("chosen", "alerts"), [(True, 1), (False, 0)])
def test_a_delivery_is_told_a_day_before_where_a_hedge_depends_on_it(chosen: bool, alerts: int) -> None:
    book = with_future(20 * HOUR_MS)
    if chosen:
        book.state.underlyings["BTC"].switch.chosen["sell"] = BTC_USDC
    market(book)
    settling = [one for one in book.state.alerts.values() if one.kind is AlertKind.INSTRUMENT_SETTLING]
    assert len(settling) == alerts


def test_the_end_itself_is_told_in_any_case() -> None:
    book = with_future(1_000)
    heard = main_goes_on(book, 2_000.0)
    assert told(heard, AlertKind.INSTRUMENT_SETTLING) == [
        f"{BTC_USDC} has been settled or delisted: what stood in it is gone, and it hedges BTC no more"
    ]
    assert told(main_goes_on(book, 6_000.0), AlertKind.STALE_MARKET_DATA) == []
    assert isinstance(book.log[-1].event, ev.TimerFired)


# --- mark and index


def going(seconds: float, book: Playbook, **changes: object) -> list[Command]:
    """Books four times a second, each with a ticker of these fields (`ticker=None`: without one)."""
    heard: list[Command] = []
    for _ in range(round(seconds * 4)):
        heard += book.tick(250)
        heard += book.send(book.book())
        if "ticker" not in changes:
            heard += book.send(msgspec.structs.replace(book.ticker(), **changes))
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
        if book.state.accounts[ACCOUNT].request_open:
            book.snapshot([book.position(str(v.contracts), v.instrument) for v in book.state.positions.values()])
    return heard


def plain() -> Playbook:
    book = Playbook()
    book.ready()
    return book


def test_a_mark_that_stands_still_beside_a_live_book_is_told_before_orders_stop_and_ends_with_it() -> None:
    book = plain()
    assert told(going(8.5, book, ticker=None), AlertKind.STALE_MARKET_DATA) == []
    (summary,) = told(going(1.0, book, ticker=None), AlertKind.STALE_MARKET_DATA)
    assert f"the mark price of {BTC_PERP} is 9" in summary
    assert told(going(60, book, ticker=None), AlertKind.STALE_MARKET_DATA) == []
    assert not of_type(going(9, book), ResolveAlert), "an episode: it may come and go"
    going(2, book)
    assert not book.is_up(AlertKind.STALE_MARKET_DATA)


def test_a_mark_that_never_came_is_told() -> None:
    book = Playbook()
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=INSTRUMENTS))
    (summary,) = told(going(10, book, ticker=None), AlertKind.STALE_MARKET_DATA)
    assert f"the mark price of {BTC_PERP} is 9" in summary


def test_a_line_that_is_dead_is_told_once() -> None:
    book = plain()
    assert len(told([one for _ in range(80) for one in book.tick(250)], AlertKind.STALE_MARKET_DATA)) == 1


@pytest.mark.parametrize("mark", [Decimal("NaN"), Decimal(0), Decimal(-5), Decimal("Infinity"), None])
def test_a_mark_that_is_no_price_is_told_at_once_and_nothing_is_opened_on_it(mark: Decimal | None) -> None:
    book = plain()
    assert len(told(going(0.5, book, mark=mark), AlertKind.SUSPECT_DATA)) == 1
    heard = list(book.send(book.fill(Side.BUY, "0.5")))
    assert not orders(heard)
    assert "mark" in of_type(heard, RecordRefusal)[0].refused.explanation
    heard = going(40, book, mark=mark)
    assert not told(heard, AlertKind.SUSPECT_DATA)
    assert not told(heard, AlertKind.STALE_MARKET_DATA), "the same trouble is told once"
    assert orders(going(1, book)), "with the first good one it goes on"
    assert book.is_up(AlertKind.SUSPECT_DATA)
    going(11, book)
    assert not book.is_up(AlertKind.SUSPECT_DATA)


@pytest.mark.parametrize("index", [Decimal("NaN"), Decimal(0), Decimal(-5), None])
def test_an_index_that_is_lost_is_held_against_book_and_mark(index: Decimal | None) -> None:
    """Both wrong together agree with each other: the last index does not."""
    book = plain()
    for _ in range(8):
        book.send(msgspec.structs.replace(book.ticker("140000"), index=index))
        book.send(book.book("140000"))
        book.tick(250)
    assert not orders(book.send(book.fill(Side.BUY, "0.5")))
    assert book.is_up(AlertKind.SUSPECT_DATA)


def test_an_index_that_stays_away_is_told_and_nothing_is_opened_without_it() -> None:
    book = plain()
    assert told(going(8.5, book, index=None), AlertKind.SUSPECT_DATA) == []
    (summary,) = told(going(1, book, index=None), AlertKind.SUSPECT_DATA)
    assert f"the index of {BTC_PERP} was lost" in summary
    assert told(going(30, book, index=None), AlertKind.SUSPECT_DATA) == []
    heard = book.send(book.fill(Side.BUY, "0.5"))
    assert not orders(heard)
    assert f"the index of {BTC_PERP} is" in of_type(heard, RecordRefusal)[0].refused.explanation
    assert orders(going(1, book))
    going(11, book)
    assert not book.is_up(AlertKind.SUSPECT_DATA)


def test_an_index_that_is_old_is_no_witness_any_more() -> None:
    """The market has moved since: what shrinks a position must not wait for an index of long ago."""
    book = plain()
    going(11, book, index=None)
    quote, rules = book.state.quotes[BTC_PERP], book.state.instruments[BTC_PERP]
    quote.index = Decimal(50_000)
    assert market_of.gap_bps(book.state, rules, book.at_ns) == 0.0
    quote.index_at_ns = quote.index_venue_ns = book.at_ns
    assert market_of.gap_bps(book.state, rules, book.at_ns) == pytest.approx(10_000.0)


def test_a_venue_that_never_gives_an_index_is_held_to_its_mark() -> None:
    book = Playbook()
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=INSTRUMENTS))
    book.send(ev.ClockMeasured(account=ACCOUNT, offset_ms=0.0, round_trip_ms=1.0))
    book.connect()
    book.send(book.book())
    book.send(msgspec.structs.replace(book.ticker(), index=None))
    book.snapshot([])
    assert told(going(30, book, index=None), AlertKind.SUSPECT_DATA) == []
    assert orders(book.send(book.fill(Side.BUY, "0.5")))


def test_an_alternative_that_nobody_needs_may_have_no_mark() -> None:
    book = ready(switchable())
    book.state.quotes[BTC_USDC].mark_at_ns = 0
    heard = [one for _ in range(12) for one in main_goes_on(book, 1_000.0)]
    assert told(heard, AlertKind.STALE_MARKET_DATA) == []
