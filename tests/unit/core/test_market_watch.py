"""The standing watch over the hedges' market: what is needed is told, what only stands by hides nothing."""

import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command, RaiseAlert
from hedgebot.domain.instrument import InstrumentKind
from tests.support.playbook import BTC_PERP, BTC_USDC, MS, Playbook, instrument, of_type
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
