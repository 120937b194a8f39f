"""The operator's view: numbers with units, unknown as None, and one sentence for why nothing happens."""

import msgspec
import pytest

from hedgebot.core.view import BookView, book_view
from hedgebot.domain import events as ev
from hedgebot.domain.instrument import Side
from tests.support.playbook import BTC_CALL, Playbook, the_order


@pytest.fixture
def book() -> Playbook:
    playbook = Playbook()
    playbook.ready()
    return playbook


def _view(book: Playbook) -> BookView:
    return book_view(book.state, book.at_ns)


def test_it_survives_json(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "0.2"))
    view = _view(book)
    assert msgspec.json.decode(msgspec.json.encode(view), type=BookView) == view


def test_before_any_price_the_delta_is_unknown_not_zero() -> None:
    one = _view(Playbook()).underlyings[0]
    assert (one.delta_coin, one.delta_usd, one.price_usd) == (None, None, None)


def test_an_order_in_flight_counts_at_its_worst(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "0.02"))
    the_order(book.send(book.fill(Side.BUY, "0.04")))
    one = _view(book).underlyings[0]
    assert one.delta_coin == pytest.approx(0.06)
    assert one.worst_case_coin == pytest.approx(0.06)
    assert _view(book).orders[0].status == "sent"


def test_gamma_tells_the_next_triggers(book: Playbook) -> None:
    book.send(book.option())
    book.send(book.fill(Side.BUY, "0.05", BTC_CALL))
    book.send(book.option())
    one = _view(book).underlyings[0]
    assert one.gamma_coin_per_pct is not None
    assert one.gamma_coin_per_pct > 0
    assert one.price_usd is not None
    assert one.next_trigger_up_usd is not None
    assert one.next_trigger_up_usd > one.price_usd


def test_the_next_triggers_are_those_of_both_sides(book: Playbook) -> None:
    book.send(book.option())
    book.send(book.fill(Side.BUY, "0.05", BTC_CALL))
    book.send(book.option())
    underlying = book.state.underlyings["BTC"]
    before = _view(book).underlyings[0]
    underlying.below = (4.0 * underlying.trigger_coin, 4.0 * underlying.inside_coin)
    after = _view(book).underlyings[0]
    assert after.next_trigger_up_usd == before.next_trigger_up_usd
    assert before.next_trigger_down_usd is not None
    assert after.next_trigger_down_usd is None or after.next_trigger_down_usd < before.next_trigger_down_usd


def test_margin_unknown_is_none(book: Playbook) -> None:
    assert _view(book).accounts[0].margin_use == pytest.approx(0.01)
    book.send(ev.WalletUpdated(report=book.wallet(maintenance=None), source=ev.Source.STREAM))
    assert _view(book).accounts[0].margin_use is None
