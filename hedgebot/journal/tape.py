"""The tape: market events in append-only, compressed, rotated segments. Owns their format and the one writer.

A segment is a header and frames; a frame is a header, zstandard-compressed MessagePack and a keyed digest that covers
the digest of the frame before it, across segments. So a torn end is told from damage, and a removed frame shows.
The writer gives frames to the operating system (they survive a killed process); `sync_ended` (after a rotation, off the
loop's thread) and close wait for the disk. Reading is in `tape_reader`.
"""

import errno
import os
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from struct import Struct

import msgspec
import zstandard

from hedgebot.domain import events as ev
from hedgebot.domain.errors import JournalError, JournalFull
from hedgebot.journal.chain import sync_folder
from hedgebot.journal.codec import encode_tape

FULL = (errno.ENOSPC, errno.EDQUOT)
TAPE_FOLDER = "tape"
SEGMENT_MAGIC = b"HBTAPE1\n"
FRAME_MAGIC = b"FRM\n"
DIGEST_BYTES = 16
SEGMENT_HEAD = Struct(f">8sqqq{DIGEST_BYTES}s")
FRAME_HEAD = Struct(">4sIqqI")
FRAME_BYTES_MAX = 64 << 20

SEGMENT_BYTES_MAX = 64 << 20
SEGMENT_NS_MAX = 3_600 * 10**9
BUFFER_EVENTS_MAX = 256
BUFFER_EVENTS_LIMIT = 100_000
DAY_NS = 86_400 * 10**9


class TapeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """When a segment ends and how long it is kept; `days_kept` None keeps everything."""

    segment_bytes_max: int = SEGMENT_BYTES_MAX
    segment_ns_max: int = SEGMENT_NS_MAX
    days_kept: float | None = 30.0


def segment_name(first_seq: int, epoch: int) -> str:
    """File name; sorted names are in order of seq."""
    return f"{first_seq:016d}-{epoch:08d}.tape"


def first_digest(key: bytes) -> bytes:
    """The digest before the first frame of the first segment."""
    return blake2b(b"hedgebot tape", key=key, digest_size=DIGEST_BYTES).digest()


def frame_digest(key: bytes, previous: bytes, head: bytes, body: bytes) -> bytes:
    """Digest of one frame, bound to the one before it."""
    digest = blake2b(previous, key=key, digest_size=DIGEST_BYTES)
    digest.update(head)
    digest.update(body)
    return digest.digest()


class TapeWriter:
    """Appends market events. Not thread-safe; `append` only remembers, `flush` encodes, compresses and writes.

    Bound: at most BUFFER_EVENTS_LIMIT events wait for a disk that does not take them; after that `append` raises.
    """

    def __init__(self, folder: Path, key: bytes, *, digest: bytes, limits: TapeLimits) -> None:
        """Continue after a frame with `digest`; nothing is written before the first flush."""
        self._folder = folder
        self._key = key
        self._digest = digest
        self._limits = limits
        self._buffer: list[ev.Stamped] = []
        self._compressor = zstandard.ZstdCompressor(level=1)
        self._file: int | None = None
        self._size = 0
        self._opened_at_ns = 0
        self._epoch = 0
        self._path = folder
        self._ended: list[int] = []

    def start_run(self, epoch: int) -> None:
        """Begin a new segment for a new run with the next event."""
        self._epoch = epoch
        self._end_segment()

    def append(self, stamped: ev.Stamped) -> None:
        """Remember one event for the next flush; raises JournalError when too many already wait."""
        if len(self._buffer) >= BUFFER_EVENTS_LIMIT:
            raise JournalError(
                f"{self._folder}: the tape takes no more; {BUFFER_EVENTS_LIMIT} events wait for the disk"
            )
        self._buffer.append(stamped)

    @property
    def is_due(self) -> bool:
        """Whether enough events wait to be worth a frame."""
        return len(self._buffer) >= BUFFER_EVENTS_MAX

    def flush(self) -> None:
        """Hand all that waits to the operating system as one frame; raises JournalError and keeps it when it cannot."""
        if not self._buffer:
            return
        first, last = self._buffer[0], self._buffer[-1]
        body = self._compressor.compress(encode_tape(self._buffer))
        head = FRAME_HEAD.pack(FRAME_MAGIC, len(body), first.seq, last.seq, len(self._buffer))
        try:
            handle = self._segment(first)
            digest = frame_digest(self._key, self._digest, head, body)
            self._append_bytes(handle, head + body + digest)
        except OSError as error:
            kind = JournalFull if error.errno in FULL else JournalError
            raise kind(f"{self._path}: the tape cannot be written ({error.strerror})") from error
        self._digest = digest
        self._buffer.clear()

    def close(self) -> None:
        """Flush, wait for the disk and let go of the segment, even when the flush fails."""
        try:
            self.flush()
        finally:
            try:
                self.sync_ended()
            finally:
                self._end_segment()

    def sync_ended(self) -> None:
        """Wait for the disk and let go of segments that rotation has ended; may run in a thread beside `append`."""
        while self._ended:
            handle = self._ended.pop()
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def prune(self, now_ns: int, keep_from_seq: int) -> list[Path]:
        """Remove segments older than `days_kept` that hold nothing from `keep_from_seq` on; gives what was removed."""
        if self._limits.days_kept is None:
            return []
        oldest_ns = now_ns - int(self._limits.days_kept * DAY_NS)
        paths = segment_paths(self._folder)
        removed = []
        for path, following in pairwise(paths):
            head = read_segment_head(following)
            if head is None or head.at_ns > oldest_ns or head.first_seq > keep_from_seq:
                break
            path.unlink(missing_ok=True)
            removed.append(path)
        return removed

    def _segment(self, first: ev.Stamped) -> int:
        full = self._size >= self._limits.segment_bytes_max
        old = first.at_ns - self._opened_at_ns >= self._limits.segment_ns_max
        if self._file is not None and (full or old):
            self._ended.append(self._file)
            self._file = None
        if self._file is None:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._path = self._folder / segment_name(first.seq, self._epoch)
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o600)
            self._size, self._opened_at_ns = 0, first.at_ns
            head = SEGMENT_HEAD.pack(SEGMENT_MAGIC, self._epoch, first.seq, first.at_ns, self._digest)
            try:
                self._append_bytes(self._file, head)
                sync_folder(self._folder)
            except OSError:
                os.close(self._file)
                self._file = None
                self._path.unlink(missing_ok=True)
                raise
        return self._file

    def _append_bytes(self, handle: int, data: bytes) -> None:
        # A full disk may take half a frame; cut it off again, or every later frame would stand behind garbage.
        written = 0
        try:
            while written < len(data):
                written += os.write(handle, data[written:])
        except OSError:
            os.ftruncate(handle, self._size)
            raise
        self._size += len(data)

    def _end_segment(self) -> None:
        if self._file is None:
            return
        handle, self._file = self._file, None
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class SegmentHead(msgspec.Struct, frozen=True, kw_only=True):
    """What a segment says of itself."""

    epoch: int
    first_seq: int
    at_ns: int
    digest_before: bytes


def segment_paths(folder: Path) -> list[Path]:
    """All segments, oldest first."""
    return sorted(folder.glob("*.tape")) if folder.is_dir() else []


def read_segment_head(path: Path) -> SegmentHead | None:
    """The head of a segment; None when it is too short or not one of ours."""
    with path.open("rb") as file:
        raw = file.read(SEGMENT_HEAD.size)
    if len(raw) < SEGMENT_HEAD.size:
        return None
    magic, epoch, first_seq, at_ns, digest = SEGMENT_HEAD.unpack(raw)
    if magic != SEGMENT_MAGIC:
        return None
    return SegmentHead(epoch=epoch, first_seq=first_seq, at_ns=at_ns, digest_before=digest)
