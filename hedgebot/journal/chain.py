"""The keyed hash chain: each row is bound to the one before it, so that an edited, lost or moved row shows.

Owns the key file and the hash of a row. A chain cannot see that its end was cut off; anchors (their own module) do.
Keyed BLAKE2b after RFC 7693: without the key nobody can rebuild a chain that verifies.
"""

import os
import secrets
import stat
from hashlib import blake2b
from pathlib import Path
from struct import Struct

import msgspec

from hedgebot.domain.errors import JournalCorrupt, JournalError

KEY_BYTES = 32
HASH_BYTES = 32
KEY_FILE = "journal.key"
_HEAD = Struct(">qqiqq")
_LENGTHS = Struct(">IIII")


class Row(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One row of the journal. `idx` is 0 for an event, 1.. for its commands, negative for the journal's own records.

    `subject` and `client_id` repeat what the payload says, for searching; the hash covers them too.
    The order of the fields is the order of the columns.
    """

    row: int
    seq: int
    idx: int
    run_id: str
    epoch: int
    at_ns: int
    kind: str
    subject: str
    client_id: str | None
    payload: bytes
    prev_hash: bytes
    hash: bytes


def genesis(key: bytes) -> bytes:
    """The hash before the first row."""
    return blake2b(b"hedgebot journal", key=key, digest_size=HASH_BYTES).digest()


def row_hash(key: bytes, row: Row) -> bytes:
    """Hash of everything a row says and of `prev_hash`; `row.hash` itself is not read."""
    run_id, kind, subject = row.run_id.encode(), row.kind.encode(), row.subject.encode()
    # An absent client id is not an empty one.
    client_id = b"\x00" if row.client_id is None else b"\x01" + row.client_id.encode()
    digest = blake2b(row.prev_hash, key=key, digest_size=HASH_BYTES)
    digest.update(_HEAD.pack(row.row, row.seq, row.idx, row.epoch, row.at_ns))
    digest.update(_LENGTHS.pack(len(run_id), len(kind), len(subject), len(client_id)))
    digest.update(b"".join((run_id, kind, subject, client_id, row.payload)))
    return digest.digest()


def row_problem(key: bytes, row: Row, prev_hash: bytes) -> str | None:
    """Say why `row` cannot follow a row with `prev_hash`; None when it does."""
    if row.prev_hash != prev_hash:
        return f"row {row.row} does not follow the row before it: one was removed, added or moved"
    if row_hash(key, row) != row.hash:
        return f"row {row.row} ({row.kind}, seq {row.seq}) was changed after it was written, or made with another key"
    return None


def load_key(state_dir: Path, *, create: bool) -> bytes:
    """Read the key, or make it when `create`; mode 0600.

    Raises JournalError when it is absent, JournalCorrupt when it is readable by others or not a key.
    """
    path = state_dir / KEY_FILE
    if create and not path.exists():
        _make_key(path)
    try:
        mode = path.stat().st_mode
        text = path.read_bytes()
    except OSError as error:
        raise JournalError(f"{path}: the journal's key cannot be read ({error.strerror})") from error
    if stat.S_IMODE(mode) & 0o077:
        # Whoever has the key can rebuild the chain: what it proves is gone.
        raise JournalCorrupt(
            f"{path}: others can read the journal's key (mode {stat.S_IMODE(mode):04o}); run: chmod 600 {path}"
        )
    try:
        key = bytes.fromhex(text.decode("ascii").strip())
    except ValueError as error:
        raise JournalCorrupt(f"{path}: this is not a journal key ({2 * KEY_BYTES} hex characters)") from error
    if len(key) != KEY_BYTES:
        raise JournalCorrupt(f"{path}: a journal key has {2 * KEY_BYTES} hex characters, not {2 * len(key)}")
    return key


def _make_key(path: Path) -> None:
    # Written beside and renamed: a crash must not leave half a key, which would look like a damaged journal.
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, secrets.token_bytes(KEY_BYTES).hex().encode() + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        fresh.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise JournalError(f"{path}: the journal's key cannot be made ({error.strerror})") from error


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
