"""Files that are data of ours, decoded whole: a dated record, a set of parameters. Owns how a wrong one is told.

Reads no file: bytes are handed in.
"""

from typing import TypeVar

import msgspec

from hedgebot.domain.errors import DataError

T = TypeVar("T")


def decoded(content: bytes, kind: type[T], what: str, name: str) -> T:
    """A JSON file's content as `kind`; DataError says `what` it is, the file's name, and the key that is wrong."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, ValueError) as error:
        msg = f"{what} {name}: {error}"
        raise DataError(msg) from error
