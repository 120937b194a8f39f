"""Canary secrets of the fault world: what a careless library says of them, and the search for them afterwards (I10).

Owns its own list of the fields that carry words and of the shapes that a secret travels in: the redaction is on trial.
"""

import base64
from collections.abc import Iterable, Iterator
from operator import is_not
from typing import TypeVar, cast
from urllib.parse import quote

import msgspec

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.deadman import DEAD_MAN_REASON
from hedgebot.domain.ports import EventSink

KEY, SECRET = "CanaryKeyQ7f3Xw", "canary/S3cr3t+Zx9q=="
SECRETS = (KEY, SECRET)

T = TypeVar("T")
_WORDS = frozenset({"message", "reason", "problem", "sample", "error", "detail"})
_CODES = frozenset({DEAD_MAN_REASON})
"""Words of ours that stand where the venue's would: no library says anything behind them."""

_SILENT = frozenset({ev.BookTop, ev.Ticker, ev.OptionQuote, ev.TimerFired, ev.StreamAlive})
"""Events without a word in them, which are nearly all there are."""


def _basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


SAID = (
    f" POST /v5/order/create?api_key={KEY}&sign={quote(SECRET, safe='')} {{'X-BAPI-API-KEY': '{KEY}'}} with {SECRET}"
    f" ({SECRET.encode().hex()}) Basic {_basic(KEY, SECRET)}"
)
"""What libraries put behind their error: the request with its query, its headers and what it was signed with."""

SHAPES = tuple(
    one.encode()
    for one in (KEY, SECRET, quote(SECRET, safe=""), SECRET.encode().hex(), _basic(KEY, "")[:12], _basic(KEY, SECRET))
)


class CarelessSink:
    """An EventSink in front of the book's own: each text from outside says too much."""

    def __init__(self, sink: EventSink) -> None:
        self._sink = sink

    def put(self, event: ev.Event) -> None:
        """Pass an event on, with secrets behind its words; what is empty stays so: it means that nothing is wrong."""
        self._sink.put(event if type(event) in _SILENT else _spoilt(event))


def _spoilt(it: T) -> T:
    """The same with secrets behind every word, however deep it stands; what is no struct says nothing."""
    said: dict[str, object] = {}
    for name in getattr(it, "__struct_fields__", ()):
        value = getattr(it, name)
        new = _said(name, value)
        if new is not value:
            said[name] = new
    return cast("T", msgspec.structs.replace(cast("msgspec.Struct", it), **said)) if said else it


def _said(name: str, value: object) -> object:
    if isinstance(value, str):
        return value + SAID if name in _WORDS and value and value not in _CODES else value
    if isinstance(value, tuple):
        new = tuple(_said(name, one) for one in value)
        return new if any(map(is_not, new, value)) else value
    return _spoilt(value)


def leaks(name: str, values: Iterable[object]) -> Iterator[str]:
    """Where a canary stands among values that somebody may read, as a sentence each; nothing else is looked for."""
    encoder, text = msgspec.json.Encoder(), bytearray()
    for value in values:
        text += encoder.encode(value)
    for shape in SHAPES:
        at = text.find(shape)
        if at >= 0:
            before = text[max(0, at - 60) : at].decode("utf-8", "replace")
            yield f"a canary secret stands in {name}, behind {before!r}"
            return


def spoken(entries: Iterable[ev.Stamped | cmd.Issued]) -> Iterator[object]:
    """What a journal has of events and commands with words in them."""
    for one in entries:
        if isinstance(one, cmd.Issued):
            yield one.command
        elif type(one.event) not in _SILENT:
            yield one.event
