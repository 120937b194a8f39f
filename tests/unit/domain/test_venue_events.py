import pytest

from hedgebot.domain.events import Event
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.venue_events import KeyRightsAccepted, MarketsRead, VenuePaused, WatchFailed
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


def test_what_a_venue_trades_survives_the_journal() -> None:
    event = MarketsRead(
        venue="bybit", trading=(InstrumentId("bybit:linear:B"),), shut={InstrumentId("bybit:linear:A"): "Closed"}
    )
    assert decode_event(encode(event)) == event
    assert subject_of(event) == "bybit"
