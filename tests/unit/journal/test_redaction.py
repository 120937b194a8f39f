"""What the outside says loses its secrets before it is an event."""

from typing import get_args

import msgspec

from hedgebot.domain import events as ev
from hedgebot.domain.dropcopy import ExecutionsRead
from hedgebot.domain.holdings import HoldingReported
from hedgebot.journal.redaction import IDENTIFIERS, TEXTS, RedactingSink, Redactor
from tests.unit.daemon.fakes import BTC, ListSink

SECRET = "canary0123456789"


def test_every_text_from_outside_is_cleaned() -> None:
    sink = ListSink()
    front = RedactingSink(sink, Redactor([SECRET]))
    words = f"refused: {SECRET}"
    events: tuple[ev.Event, ...] = (
        ev.TaskFailed(task="main:orders", error=words, restarting=True),
        ev.FrameQuarantined(account="main", stream=ev.Stream.PRIVATE, topic="order", problem=words, sample=words),
        ev.OrderRejected(account="main", client_id="4b", code="10004", message=words),
        ev.OrderOutcomeUnknown(account="main", client_id="4b", code="t", message=words),
        ev.AuthenticationFailed(account="main", code="10003", message=words),
        ev.StreamChanged(account="main", stream=ev.Stream.TRADE, up=False, reason=words),
        # These four once came into the journal as they were said.
        ev.VenuePaused(account="main", seconds=1.0, reason=words),
        ExecutionsRead(account="main", executions=(), problem=words, asked_at_ns=1),
        HoldingReported(name="cold", qty=None, as_of_ns=0, problem=words),
        ev.OperatorKilled(operator="ann", reason=words),
    )
    for event in events:
        front.put(event)
    assert [type(event) for event in sink.events] == [type(event) for event in events]
    assert SECRET not in repr(sink.events)
    assert all("refused: ***" in repr(event) for event in sink.events)


def test_what_holds_no_secret_passes_as_it_is() -> None:
    sink = ListSink()
    front = RedactingSink(sink, Redactor([SECRET]))
    events: tuple[ev.Event, ...] = (
        ev.BookTop(instrument=BTC, bid=None, bid_qty=None, ask=None, ask_qty=None, venue_at_ns=1),
        ev.OrderRejected(account="main", client_id="4b", code="110007", message="insufficient balance"),
    )
    for event in events:
        front.put(event)
    assert all(one is other for one, other in zip(sink.events, events, strict=True))


def test_no_text_of_any_event_is_left_out() -> None:
    """Every field that is a text is cleaned, or is named as something that decisions are made by."""
    for event in get_args(ev.Event):
        plain = {one.name for one in msgspec.structs.fields(event) if one.type is str}
        assert plain == set(TEXTS.get(event, ())) | (plain & IDENTIFIERS), event
    assert not IDENTIFIERS & {"message", "reason", "problem", "detail", "error", "sample", "cause"}
