"""One sentence for why nothing happens: each reason is said, the first that holds."""

import pytest

from hedgebot.core.why_not import why_not
from hedgebot.domain import events as ev
from hedgebot.domain.instrument import Side
from tests.support.playbook import ACCOUNT, Playbook, the_order


@pytest.fixture
def book() -> Playbook:
    playbook = Playbook()
    playbook.ready()
    return playbook


def _said(book: Playbook) -> str:
    return why_not(book.state, book.state.settings.underlyings[0], book.at_ns)


def test_before_the_start_is_over_it_says_what_is_awaited() -> None:
    assert "recovering" in _said(Playbook())


def test_inside_the_band_it_says_so_with_numbers(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "0.02"))
    assert _said(book) == "abs delta 0.0200 BTC is inside the band 0.05 BTC"


def test_an_order_under_way_is_the_reason(book: Playbook) -> None:
    the_order(book.send(book.fill(Side.BUY, "0.06")))
    assert "is sent since" in _said(book)


def test_a_refusal_is_the_reason(book: Playbook) -> None:
    book.send(ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=False, reason="gone"))
    book.send(book.fill(Side.BUY, "0.2"))
    assert "private stream" in _said(book)


def test_what_a_hedge_waits_for_is_the_reason(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "0.02"))
    underlying = book.state.underlyings["BTC"]
    underlying.trigger_coin, underlying.waits_for = 0.01, "outside the band for 5 ms, hedged after 1000 ms"
    assert _said(book) == "outside the band for 5 ms, hedged after 1000 ms"


def test_a_strategy_that_is_off_is_the_reason(book: Playbook) -> None:
    book.send(ev.StrategySwitched(strategy="delta_neutral", enabled=False, operator="ann", reason="tea"))
    assert _said(book) == "no strategy for BTC is enabled"
