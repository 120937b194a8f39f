"""The watch over spreads: told once they last, once, and not for a moment."""

from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command, ResolveAlert
from hedgebot.domain.instrument import Side
from tests.support.playbook import Playbook, alerts, of_type, orders


def _ready() -> Playbook:
    book = Playbook()
    book.ready()
    return book


def _quoted(book: Playbook, spread: str, seconds: float) -> list[Command]:
    heard: list[Command] = []
    for _ in range(round(seconds * 4)):
        heard += book.send(book.book(spread=spread), after_ms=125)
        heard += book.tick(125)
    return heard


def test_a_spread_beyond_its_limit_is_told_once_it_lasts_and_once() -> None:
    """90 bps: the gate's limit is 50, and the middle is within 200 of the mark."""
    book = _ready()
    assert alerts(_quoted(book, "900", 1.75)) == set()
    heard = _quoted(book, "900", 1.0)
    assert alerts(heard) == {AlertKind.SUSPECT_DATA}
    assert "the spread of bybit:linear:BTCUSDT is 90 bps, limit 50 bps" in str(heard)
    assert alerts(_quoted(book, "910", 5.0)) == set()
    assert orders(book.send(book.fill(Side.BUY, "0.3"))) == []
    assert [one.kind for one in of_type(_quoted(book, "400", 0.5), ResolveAlert)] == [AlertKind.SUSPECT_DATA]


def test_a_book_that_is_wide_for_a_moment_is_no_news() -> None:
    book = _ready()
    for _ in range(5):
        assert alerts(_quoted(book, "900", 1.5)) == set()
        assert alerts(_quoted(book, "10", 0.25)) == set()


def test_a_wide_book_that_ages_is_told_as_old_and_stays_told_as_wide() -> None:
    book = _ready()
    _quoted(book, "900", 3.0)
    heard = [one for _ in range(40) for one in book.tick(250)]
    assert AlertKind.STALE_MARKET_DATA in alerts(heard)
    assert book.is_up(AlertKind.SUSPECT_DATA)
