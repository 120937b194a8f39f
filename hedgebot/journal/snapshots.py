"""Snapshots of the engine's state, so that recovery replays a tail and not a year. Owns their table.

A snapshot is bytes to the journal. Its digest stands in a chained row, so that a changed state is not restored; only
the newest few states are kept, their rows stay.
"""

import asyncio
import contextlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

import msgspec
import zstandard

SNAPSHOT_KIND = "Snapshot"
# 128 KB: a state says the same of each order and option, a hundred bytes further on.
LEVEL, WINDOW_LOG = 3, 17
INSERT = "INSERT INTO snapshots (seq, at_ns, digest, state) VALUES (?, ?, ?, ?)"
FORGET = "DELETE FROM snapshots WHERE seq NOT IN (SELECT seq FROM snapshots ORDER BY seq DESC LIMIT 4)"
OLDEST = "SELECT min(seq) FROM snapshots"


class SnapshotRecord(msgspec.Struct, frozen=True, kw_only=True, tag=SNAPSHOT_KIND):
    """Payload of the chained row: the state after the event `seq`, `size` bytes, keyed digest in hex."""

    seq: int
    digest: str
    size: int


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A state that was read back and has the digest that its row promised."""

    seq: int
    at_ns: int
    digest: str
    state: bytes


def state_digest(key: bytes, state: bytes) -> str:
    """Keyed digest of the bytes of a state, hex."""
    return blake2b(state, key=key, digest_size=32).hexdigest()


class Packer:
    """Compresses states for the table, beside the loop, always in the same thread and with the same working memory.

    A compressor's working memory, made anew in whichever thread of a pool was free, stayed in each of them in turn:
    steps of a megabyte that came over hours. Told how large the state is, it made another for each that was larger than
    any before (1.9 MB for 0.3, 3.7 MB for 2.5). So it is not told, and works through a window of fixed size.
    """

    def __init__(self) -> None:
        window = zstandard.ZstdCompressionParameters.from_level(LEVEL, window_log=WINDOW_LOG)
        self._compressor = zstandard.ZstdCompressor(compression_params=window)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="snapshot")

    async def pack(self, state: bytes) -> bytes:
        """The state, compressed; one after the other."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._pack, state)

    def _pack(self, state: bytes) -> bytes:
        stream = self._compressor.compressobj()
        return stream.compress(state) + stream.flush()

    def close(self) -> None:
        """Let go of the thread, which ends with what it does now."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def read_snapshots(connection: sqlite3.Connection, key: bytes) -> tuple[list[Snapshot], list[str]]:
    """All kept snapshots that are intact, newest first, and a sentence for each that is not."""
    promised: dict[int, str] = {}
    for (payload,) in connection.execute("SELECT payload FROM rows WHERE kind = ?", (SNAPSHOT_KIND,)):
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):  # a row that was changed promises nothing
            record = msgspec.json.decode(payload, type=SnapshotRecord)
            promised[record.seq] = record.digest
    good, problems = [], []
    # As bytes: a flipped bit in a text that is no UTF-8 any more would end the reading, not only this snapshot.
    stored = connection.execute("SELECT seq, at_ns, CAST(digest AS BLOB), state FROM snapshots ORDER BY seq DESC")
    for seq, at_ns, written, packed in stored:
        state, digest = _unpack(packed), bytes(written).decode(errors="replace")
        if state is None or digest != promised.get(seq) or state_digest(key, state) != digest:
            problems.append(f"the snapshot at seq {seq} is damaged or was changed; it will not be used")
        else:
            good.append(Snapshot(seq=seq, at_ns=at_ns, digest=digest, state=state))
    return good, problems


def _unpack(packed: object) -> bytes | None:
    if not isinstance(packed, bytes):
        return None
    try:
        # A frame that was cut short gives less: the digest tells.
        return zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    except zstandard.ZstdError:
        return None
