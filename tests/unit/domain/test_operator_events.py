"""Operators' words in the journal: old rows still mean what they meant, new ones come back whole."""

from hedgebot.domain import events as ev
from hedgebot.domain.kill import KillAction, KillScope
from hedgebot.domain.operator_events import Resolution
from hedgebot.journal.codec import decode_event, encode


def test_a_kill_of_an_older_version_is_a_freeze_of_the_whole_book() -> None:
    old = decode_event(b'{"type":"OperatorKilled","operator":"ann","reason":"smoke"}')
    assert old == ev.OperatorKilled(operator="ann", reason="smoke", scope=KillScope.ALL, action=KillAction.FREEZE)


def test_every_word_comes_back_from_the_journal() -> None:
    words: tuple[ev.Event, ...] = (
        ev.OperatorKilled(
            operator="ann", reason="r", scope=KillScope.VENUE, name="bybit", action=KillAction.FLATTEN, cause="c"
        ),
        ev.OperatorUnkilled(operator="ann", reason="r", reviewed=("task:x",), unmet=("y",)),
        ev.OrderResolved(operator="ann", reason="seen", client_id="4b", resolution=Resolution.FORGET),
        ev.StrategySwitched(operator="ann", reason="r", strategy="s", enabled=False),
    )
    for word in words:
        assert decode_event(encode(word)) == word
