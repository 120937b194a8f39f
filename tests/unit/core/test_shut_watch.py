"""What is told of hedge markets that take no orders: the venue's word and a row of refusals never hide each other."""

from hedgebot.core import shut, shut_watch
from hedgebot.core.shut_state import ShutMarket
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from tests.support.playbook import BTC_PERP, BTC_USDC, Playbook
from tests.support.switches import ready, switchable


def up(book: Playbook) -> set[str]:
    shut_watch.tell(Step(book.state, seq=1, at_ns=book.at_ns))
    return {one.subject for one in book.state.alerts.values() if one.kind is AlertKind.ORDER_REJECTED}


def test_each_has_its_subject() -> None:
    book = ready(switchable(), usdc="-0.3")
    assert up(book) == set()
    book.state.shut[BTC_USDC] = ShutMarket(status="Closed")
    assert up(book) == {f"{BTC_USDC} status"}
    book.state.shut[BTC_PERP] = ShutMarket(status="Settling")
    assert up(book) == {f"{BTC_USDC} status", f"{BTC_PERP} status"}


def test_a_word_ends_ten_seconds_after_it_was_last_true_and_a_row_of_refusals_with_its_market() -> None:
    book = ready(switchable())
    book.state.shut[BTC_PERP] = ShutMarket(status="Closed")
    assert up(book) == {f"{BTC_PERP} status"}
    book.state.shut[BTC_PERP] = ShutMarket(refused=shut.REFUSED_MAX, refused_at_ns=book.at_ns)
    Step(book.state, seq=1, at_ns=book.at_ns).watch(AlertKind.ORDER_REJECTED, "BTC", "three in a row")
    book.at_ns += 11_000_000_000
    assert up(book) == {"BTC"}
    book.state.shut.clear()
    assert up(book) == set()
