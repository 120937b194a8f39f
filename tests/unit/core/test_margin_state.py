"""What is remembered of margin survives a snapshot, so that a replay from it computes with the very same numbers."""

from hedgebot.core.margin_state import MarginState
from hedgebot.core.state import decode_state, encode_state, state_digest
from hedgebot.domain.settings import MarginMode
from tests.support.margins import account_of, held, margined, report
from tests.support.playbook import Playbook


def test_cached_margins_survive_a_snapshot() -> None:
    book = Playbook(margined(MarginMode.PORTFOLIO))
    book.ready(positions=[held(book, "-2")])
    report(book, 100_000.0)
    book.tick(after_ms=2_000)
    again = decode_state(encode_state(book.state))
    known = account_of(book).margin
    assert again.accounts["main"].margin == known
    assert known.base is not None
    assert known.distance is not None
    assert state_digest(again) == state_digest(book.state)


def test_only_a_difference_that_lasts_is_a_divergence() -> None:
    assert not MarginState(outside=2).diverged
    assert MarginState(differs="maintenance margin").diverged
