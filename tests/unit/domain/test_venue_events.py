import pytest

from hedgebot.domain.events import Event
from hedgebot.domain.venue_events import KeyRightsAccepted, VenuePaused, WatchFailed
from hedgebot.journal.codec import decode_event, encode, subject_of


@pytest.mark.parametrize(
    "event",
    [
        VenuePaused(account="main", seconds=30.0, reason="HTTP 429"),
        KeyRightsAccepted(account="main", venue="bybit", rights=("Withdraw",), operator="ada"),
        WatchFailed(account="main", failures=2, problem="RequestTimeout"),
    ],
)
def test_they_survive_the_journal(event: Event) -> None:
    assert decode_event(encode(event)) == event
    assert subject_of(event) == "main"
