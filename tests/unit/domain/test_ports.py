"""Ports: what is sent is a command of the union, what comes back an event, and journals take both."""

from collections.abc import Sequence
from typing import get_type_hints

from hedgebot.domain.commands import Issued, VenueCommand
from hedgebot.domain.events import Event, Stamped
from hedgebot.domain.ports import EventSink, JournalPort, VenuePort


def test_ports_speak_in_the_closed_unions() -> None:
    assert get_type_hints(EventSink.put) == {"event": Event, "return": type(None)}
    assert get_type_hints(VenuePort.send) == {"command": VenueCommand, "return": type(None)}
    hints = get_type_hints(JournalPort.write)
    assert hints["entries"] == Sequence[Stamped | Issued]
    assert hints["durable"] is bool


def test_nothing_but_the_named_verbs_crosses_a_port() -> None:
    for port, verbs in ((EventSink, {"put"}), (VenuePort, {"send"}), (JournalPort, {"write"})):
        assert {name for name in vars(port) if not name.startswith("_")} == verbs
