"""What a venue said in an error, as a code and a short sentence: each writes its errors in fields of its own.

Nothing that a request carried is repeated: neither a query nor a signature. Knows no meaning of a code.
"""

from collections.abc import Mapping

import orjson

from hedgebot.venues.replies import MESSAGE_CHARS, bare_sentence

_FIELDS = (("code", "message"), ("code", "msg"))


def said(error: BaseException) -> tuple[str, str]:
    """The venue's code (the error's class where it named none) and its sentence."""
    found = _quoted(str(error))
    inner = found.get("error")
    fields = inner if isinstance(inner, Mapping) else found
    for code, message in _FIELDS:
        if code in fields and message in fields:
            return str(fields[code]), f"{fields[code]}: {_reason(fields, message)}"[:MESSAGE_CHARS]
    return type(error).__name__, bare_sentence(error)


def _reason(fields: Mapping[str, object], message: str) -> str:
    """The sentence, with the detail that Deribit puts beside it."""
    data = fields.get("data")
    reason = data.get("reason") if isinstance(data, Mapping) else None
    return f"{fields[message]} ({reason})" if reason else str(fields[message])


def _quoted(words: str) -> Mapping[str, object]:
    """The answer that the client quotes in its exception."""
    start = words.find("{")
    if start < 0:
        return {}
    try:
        found = orjson.loads(words[start:])
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, Mapping) else {}
