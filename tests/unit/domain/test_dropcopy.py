from hedgebot.domain.dropcopy import ExecutionsRead
from hedgebot.journal.codec import decode_event, encode, subject_of


def test_a_reading_survives_the_journal() -> None:
    event = ExecutionsRead(account="main", executions=("main|bybit:linear|e1",), problem="", asked_at_ns=7)
    assert decode_event(encode(event)) == event
    assert subject_of(event) == "main"
