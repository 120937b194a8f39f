"""Takes secrets out of what the outside says before it becomes an event: the journal keeps events for ever.

Owns the list of texts that come from outside (a venue's words, a library's errors). Changes no figure and no code that
a decision is made by.
"""

import msgspec

from hedgebot.daemon.logs import Redactor
from hedgebot.domain import events as ev
from hedgebot.domain.ports import EventSink

_TEXTS: dict[type, tuple[str, ...]] = {
    ev.TaskFailed: ("error",),
    ev.FrameQuarantined: ("topic", "problem", "sample"),
    ev.OrderRejected: ("message",),
    ev.OrderOutcomeUnknown: ("message",),
    ev.CancelAnswered: ("message",),
    ev.AuthenticationFailed: ("message",),
    ev.StreamChanged: ("reason",),
    ev.SnapshotTaken: ("problem",),
}


class RedactingSink:
    """An EventSink in front of another one."""

    def __init__(self, sink: EventSink, redactor: Redactor) -> None:
        self._sink = sink
        self._redactor = redactor

    def put(self, event: ev.Event) -> None:
        """Pass an event on, without secrets in its texts."""
        names = _TEXTS.get(type(event))
        if names is not None:
            said = {name: getattr(event, name) for name in names}
            clean = {name: self._redactor.text(text) for name, text in said.items()}
            if clean != said:
                event = msgspec.structs.replace(event, **clean)
        self._sink.put(event)
