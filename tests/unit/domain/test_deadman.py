from hedgebot.domain.deadman import DeadManChanged, DeadManKind, DeadManStatus
from hedgebot.journal.codec import decode_event, encode, subject_of


def test_what_a_venue_said_survives_the_journal() -> None:
    event = DeadManChanged(
        account="main",
        kind=DeadManKind.NATIVE_TIMER,
        status=DeadManStatus.ARMED,
        seconds=30.0,
        read_back=True,
        detail="",
        asked_at_ns=1_790_000_000_000_000_000,
    )
    assert decode_event(encode(event)) == event
    assert subject_of(event) == "main"
