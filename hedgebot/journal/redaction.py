"""Takes secrets out of what the outside says before it becomes an event: the journal keeps events for ever.

Owns the shapes that a secret travels in, and which fields of an event are texts from outside (a venue's words, a
library's errors, an operator's reasons). Changes no figure, no id and no code that a decision is made by.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from itertools import takewhile
from operator import is_not
from typing import TypeVar, cast, get_args, get_origin
from urllib.parse import quote, quote_plus

import msgspec

from hedgebot.domain import events as ev
from hedgebot.domain.ports import EventSink

MASK = "***"
SECRET_CHARS_MIN = 4
HALF_CHARS_MIN = 8
TEXT_CHARS_MAX = 16_000
DEPTH_MAX = 8

S = TypeVar("S", bound=msgspec.Struct)

_NAMES = (
    r"api[_-]?key|api[_-]?secret|secret(?:[_-]?key)?|sig(?:n(?:ature)?)?|passphrase|password|private[_-]?key|listen[_-]?key"
    r"|x-bapi-sign|x-bapi-api-key|x-mbx-apikey|authorization|auth[_-]?token|access[_-]?token|bearer"
)
_NAME = re.compile(rf"(?i)^(?:{_NAMES})$")
# name, separator with any quoting (also escaped), value up to the next delimiter
_PAIR = re.compile(
    rf"(?i)((?<![a-z0-9])(?:{_NAMES})\\*[\"']?\s*(?:=>|[=:]|%3d)\s*(?:b?\\*[\"'])?(?:(?:bearer|basic)\s+)?)([^\s\"'\\&,;}})\]]+)"
)


def _shapes(secret: str) -> set[str]:
    """Every way in which a secret may be written."""
    raw = secret.encode()
    shapes = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), raw.hex()}
    shapes |= {
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        repr(raw)[2:-1],
    }
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            # Inside a longer text ("key:secret") base64 shifts: keep the characters that depend on the secret alone.
            text = encode(b"\0" * shift + raw).decode()
            first = (0, 2, 3)[shift]
            exact = (shift + len(raw)) * 8 // 6
            shapes.add(text[first:exact])
        shapes.add(encode(raw).decode())
    return {shape for shape in shapes if len(shape) >= SECRET_CHARS_MIN}


def _half(shape: str) -> str:
    """What a piece must have of it: a half, for all addresses begin alike, and eight characters where it has them."""
    return shape[: max((len(shape) + 1) // 2, HALF_CHARS_MIN)]


class Redactor:
    """Takes secrets out of texts and of values made of texts."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """`secrets` are the values in use; those under 4 characters cannot be told from ordinary text."""
        shapes = {shape for secret in secrets if len(secret) >= SECRET_CHARS_MIN for shape in _shapes(secret)}
        longest_first = sorted(shapes, key=lambda shape: (-len(shape), shape))
        self._canaries = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
        self._pieces = [(shape, re.compile(re.escape(_half(shape)), re.IGNORECASE)) for shape in longest_first]
        self._halves = tuple({_half(shape).casefold() for shape in shapes})

    def text(self, text: str) -> str:
        """The text, cut to a bound, without secrets, and without pieces of them from their half on."""
        # Looking for so many words without regard to case takes ten times as long as for what each begins with.
        folded = text.casefold()
        if any(half in folded for half in self._halves):
            text = self._without_pieces(self._canaries.sub(MASK, text))
        if len(text) > TEXT_CHARS_MAX:
            text = text[:TEXT_CHARS_MAX] + "..."
        return _PAIR.sub(rf"\1{MASK}", text)

    def _without_pieces(self, text: str) -> str:
        """Whoever kept so many characters of an answer may have cut a secret, and said more behind it."""
        for shape, half in self._pieces:
            while found := half.search(text):
                start, end = found.span()
                rest = zip(text[end:], shape[end - start :], strict=False)
                end += sum(1 for _ in takewhile(lambda pair: pair[0].casefold() == pair[1].casefold(), rest))
                text = text[:start] + MASK + text[end:]
        return text

    def event(self, event: ev.Event) -> ev.Event:
        """The event itself, or one like it whose texts, however deep they stand in it, are without secrets."""
        return self._struct(event)

    def _struct(self, struct: S) -> S:
        clean = {}
        for name in TEXTS.get(type(struct), ()):
            value = getattr(struct, name)
            if value and (new := self._said(value)) is not value:
                clean[name] = new
        return msgspec.structs.replace(struct, **clean) if clean else struct

    def _said(self, value: object) -> object:
        """What a field holds that may hold texts; the same object where nothing had to go."""
        if isinstance(value, str):
            text = self.text(value)
            return value if text == value else text
        if isinstance(value, tuple):
            clean = tuple(map(self._said, value))
            return clean if any(map(is_not, clean, value)) else value
        if isinstance(value, dict):
            # The keys are coins or instruments.
            said = {key: self._said(one) for key, one in value.items()}
            return said if any(map(is_not, said.values(), value.values())) else value
        # Asking whether it is a Struct takes twenty times as long: their class is an abstract one.
        return self._struct(cast("msgspec.Struct", value))

    def value(self, value: object, depth: int = 0) -> object:
        """The value, rebuilt without secrets: mappings, sequences and texts; anything else by its text."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.text(value)
        if depth >= DEPTH_MAX:
            return MASK
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._behind(str(key), item, depth) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item, depth + 1) for item in value]
        if isinstance(value, bytes | bytearray):
            return self.text(bytes(value).decode("utf-8", "backslashreplace"))
        return self.text(str(value))

    def _behind(self, name: str, value: object, depth: int) -> object:
        return MASK if _NAME.match(name) and value is not None and value != "" else self.value(value, depth + 1)


IDENTIFIERS = frozenset({
    "account", "action", "category", "client_id", "code", "coin", "executions", "fee_coin", "kind", "limit", "name",
    "operator", "order_id", "quote", "reviewed", "run_id", "searched", "settings", "settle", "strategy", "symbol",
    "task", "trade_id", "transfer_id", "underlying", "venue", "version",
})  # fmt: skip
"""Fields that decisions are made by and things are found by: none of them is a sentence from outside."""


def _note(kind: object, found: dict[type, tuple[str, ...]]) -> bool:
    """Whether a value of that type may hold texts; structs that do are noted with the fields that they stand in."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = [one for one in msgspec.structs.fields(kind) if one.name not in IDENTIFIERS]
        if names := tuple(one.name for one in fields if _note(one.type, found)):
            found[kind] = names
        return bool(names)
    # The keys of mappings are coins.
    inner = get_args(kind)[1:] if get_origin(kind) is dict else get_args(kind)
    held = [_note(one, found) for one in inner]  # each of them: the first that holds texts does not end it
    return kind is str or any(held)


def _noted() -> Mapping[type, tuple[str, ...]]:
    found: dict[type, tuple[str, ...]] = {}
    _note(ev.Event, found)
    return found


TEXTS = _noted()
"""The fields that hold all other texts, by event and by what stands inside events: a new one is there by itself.

Looked up once, so that an event without a text, which nearly all are, is never looked into.
"""


class RedactingSink:
    """An EventSink in front of another one."""

    def __init__(self, sink: EventSink, redactor: Redactor) -> None:
        self._sink = sink
        self._redactor = redactor

    def put(self, event: ev.Event) -> None:
        """Pass an event on, without secrets in its texts."""
        # Nearly all there is, prices and fills, has no text.
        self._sink.put(self._redactor.event(event) if type(event) in TEXTS else event)
