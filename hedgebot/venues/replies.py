"""What the venue really answered: HTTP status and body, or the trade socket's frame, under the client's exceptions.

The client's exception classes hide the meaning of a code (a duplicate client id arrives as a plain invalid order), so
outcomes are read from the raw answer. Owns no judgement: that is the profile's.
"""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

import msgspec
import orjson

MESSAGE_CHARS, BARE_CHARS = 200, 120
NOT_UTF8 = "\ufffd"
"""What the client writes for bytes that are no text (it decodes with `errors="replace"`)."""


class RawReply(msgspec.Struct, kw_only=True):
    """The last HTTP answer that the current request got; everything None when none came."""

    status: int | None = None
    code: str | None = None
    message: str = ""
    # Size of the limit that the request counts in, what is left of it, the venue's time (ms) at which it is full again.
    limit: int | None = None
    left: int | None = None
    full_at_ms: int | None = None
    retry_after_s: float | None = None

    @property
    def answered(self) -> bool:
        """Whether anything came back."""
        return self.status is not None or self.left is not None


_CURRENT: ContextVar[RawReply | None] = ContextVar("hedgebot_raw_reply", default=None)


def listen() -> RawReply:
    """Start to record the answers of requests made from here on in this task (or in tasks it starts)."""
    reply = RawReply()
    _CURRENT.set(reply)
    return reply


def rest_response_hook(original: Callable[..., Any], observe: Callable[[RawReply], None]) -> Callable[..., Any]:
    """Wrap the client's hook for HTTP answers: record what the answer says, let `observe` see it, do what it did."""

    def hook(status: int, reason: str, url: str, method: str, headers: Any, body: str, *rest: Any) -> Any:  # noqa: ANN401  # ccxt's own signature is untyped
        reply = _CURRENT.get() or RawReply()
        if NOT_UTF8 in body:
            # Damaged on the way, and still JSON: an id or a price in it is one that never was.
            body = f"not UTF-8: {body[:MESSAGE_CHARS]}"
        reply.status = status
        reply.code, reply.message = code_and_message(body)
        note_headers(reply, headers)
        observe(reply)
        return original(status, reason, url, method, headers, body, *rest)

    return hook


def note_headers(reply: RawReply, headers: object) -> None:
    """Take the limit's state from an answer's headers, whatever their case; a word that is no number says nothing.

    [D] rate-limit: X-Bapi-Limit is its size, X-Bapi-Limit-Status what is left, X-Bapi-Limit-Reset-Timestamp when the
    limit is full again.
    """
    if not isinstance(headers, Mapping):
        return
    named = {str(name).lower(): str(value) for name, value in headers.items()}
    reply.limit = _whole(named.get("x-bapi-limit"))
    reply.left = _whole(named.get("x-bapi-limit-status"))
    reply.full_at_ms = _whole(named.get("x-bapi-limit-reset-timestamp"))
    reply.retry_after_s = seconds_of(named.get("retry-after"))


def _whole(word: str | None) -> int | None:
    return int(word) if word is not None and word.isdecimal() else None


def seconds_of(word: object) -> float | None:
    """The seconds that a Retry-After names; None for a date or anything else that is no plain number."""
    return float(word) if isinstance(word, str) and word.strip().isdecimal() else None


def code_and_message(body: str) -> tuple[str | None, str]:
    """The venue's code and sentence in an answer's body; (None, a piece of the body) when it is not its JSON."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None, body[:MESSAGE_CHARS]
    if not isinstance(answer, Mapping):
        return None, body[:MESSAGE_CHARS]
    code = answer.get("retCode")
    message = str(answer.get("retMsg", ""))[:MESSAGE_CHARS]
    return (None if code is None else str(code)), message


def reply_in_error(error: BaseException) -> tuple[str | None, str]:
    """The venue's code and sentence that the client quotes in an exception (`bybit {json}`); (None, text) if none."""
    words = str(error)
    start = words.find("{")
    if start < 0:
        return None, words[:MESSAGE_CHARS]
    code, message = code_and_message(words[start:])
    return (code, message) if code is not None else (None, words[:MESSAGE_CHARS])


def bare_sentence(error: BaseException) -> str:
    """An error in one short line, without anything that a request carried."""
    name, words = type(error).__name__, str(error).partition("\n")[0].partition("?")[0][:BARE_CHARS]
    return f"{name}: {words}" if words else name


def sentence(error: BaseException, chars_max: int = MESSAGE_CHARS) -> str:
    """An error in a few words: its class and what it says."""
    return f"{type(error).__name__}: {error}"[:chars_max]
