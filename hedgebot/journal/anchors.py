"""Anchors: the chain's head, written from time to time to a file outside the database.

A chain cannot see that its end was cut off; an anchor can: the row it names must still be there with its hash. The
file is append-only and its lines carry a keyed code. Who also keeps the head in a log or an alert need not trust it.
"""

import hmac
import os
from hashlib import blake2b
from pathlib import Path

import msgspec

from hedgebot.domain.errors import JournalError

ANCHOR_FILE = "anchors.log"


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """The head of the chain at one moment; `row` 0 with the genesis hash is an empty journal."""

    at_ns: int
    row: int
    hash: str
    code: str


def make_anchor(key: bytes, at_ns: int, row: int, head: bytes) -> Anchor:
    """An anchor with its code."""
    return Anchor(at_ns=at_ns, row=row, hash=head.hex(), code=_code(key, at_ns, row, head.hex()))


def append_anchor(state_dir: Path, anchor: Anchor) -> None:
    """Add a line and wait for the disk; raises JournalError."""
    path = state_dir / ANCHOR_FILE
    line = msgspec.json.encode(anchor) + b"\n"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            if not _ends_clean(path):
                line = b"\n" + line  # the last line was torn by a crash
            os.write(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise JournalError(f"{path}: the anchor cannot be written ({error.strerror})") from error


def read_anchors(state_dir: Path, key: bytes) -> tuple[list[Anchor], list[str]]:
    """All anchors, and a sentence for each that was made without the key; torn lines are passed over."""
    path = state_dir / ANCHOR_FILE
    return read_anchor_file(path, key) if path.exists() else ([], [])


def read_anchor_file(path: Path, key: bytes) -> tuple[list[Anchor], list[str]]:
    """The same of any copy of an anchor file, kept where nobody who can touch the journal can touch it.

    Raises JournalError when it cannot be read.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise JournalError(f"{path}: the anchors cannot be read ({error.strerror})") from error
    anchors, problems = [], []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            anchor = msgspec.json.decode(line, type=Anchor)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue  # torn by a crash; the next anchor stands on a line of its own
        if not hmac.compare_digest(anchor.code, _code(key, anchor.at_ns, anchor.row, anchor.hash)):
            problems.append(f"{path.name}, line {number}: this anchor was not written with the journal's key")
        else:
            anchors.append(anchor)
    return anchors, problems


def _code(key: bytes, at_ns: int, row: int, head: str) -> str:
    return blake2b(f"anchor {at_ns} {row} {head}".encode(), key=key, digest_size=16).hexdigest()


def _ends_clean(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            return True
        file.seek(size - 1)
        return file.read(1) == b"\n"
