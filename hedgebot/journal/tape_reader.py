"""Reading the tape: frames in order, with a verdict on every byte that cannot be read. Writes nothing.

The end of any segment may be torn (a process was killed, the power failed there): that is noted and reading goes on
with the next segment. Bytes that are wrong before the end are damage.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import zstandard

from hedgebot.domain import events as ev
from hedgebot.domain.errors import JournalCorrupt
from hedgebot.journal import codec
from hedgebot.journal.tape import (
    DIGEST_BYTES,
    FRAME_BYTES_MAX,
    FRAME_HEAD,
    FRAME_MAGIC,
    SEGMENT_HEAD,
    first_digest,
    frame_digest,
    read_segment_head,
    segment_paths,
)


class TapeFinding(msgspec.Struct, frozen=True, kw_only=True):
    """Something wrong with the tape. `torn`: only the end of a segment is missing, as after a crash."""

    path: str
    offset: int
    torn: bool
    sentence: str


class _Frame(msgspec.Struct, frozen=True, kw_only=True):
    first_seq: int
    last_seq: int
    count: int
    body: bytes
    end: int
    digest: bytes


class TapeReader:
    """One pass over a tape folder; `findings` and `last_seq` fill up while `events` is consumed."""

    def __init__(self, folder: Path, key: bytes) -> None:
        """Prepare to read; nothing is opened yet."""
        self._folder = folder
        self._key = key
        self._digest: bytes | None = None
        self.findings: list[TapeFinding] = []
        self.last_seq = 0
        self.digest = first_digest(key)

    @property
    def is_pruned(self) -> bool:
        """Whether segments older than the oldest one were removed, as retention does."""
        heads = (read_segment_head(path) for path in segment_paths(self._folder))
        first = next((head for head in heads if head is not None), None)
        return first is not None and first.digest_before != first_digest(self._key)

    @property
    def first_seq(self) -> int | None:
        """The first seq that the tape may hold; None for an empty tape."""
        return next((_first_seq(path) for path in segment_paths(self._folder)), None)

    def events(self, after_seq: int = 0) -> Iterator[ev.Stamped]:
        """Every readable event with seq > `after_seq`, in order; segments that end before it are not opened."""
        for frame in self._frames(after_seq):
            if frame.last_seq <= after_seq:
                continue
            for stamped in self._decode(frame):
                if stamped.seq > after_seq:
                    yield stamped

    def scan_segment(self, path: Path) -> None:
        """Check every frame of one segment."""
        for _ in self._segment(path):
            pass

    def _frames(self, after_seq: int) -> Iterator[_Frame]:
        paths = segment_paths(self._folder)
        firsts = [_first_seq(path) for path in paths]
        for index, path in enumerate(paths):
            if index + 1 < len(paths) and firsts[index + 1] <= after_seq + 1:
                continue
            yield from self._segment(path)

    def _segment(self, path: Path) -> Iterator[_Frame]:
        data = path.read_bytes()
        head = read_segment_head(path)
        if head is None:
            short = len(data) < SEGMENT_HEAD.size
            self._find(path, 0, torn=short, what="its header is incomplete" if short else "it has no header of a tape")
            return
        if self._digest is not None and head.digest_before != self._digest:
            self._find(path, 0, torn=False, what="it does not follow the segment before it: frames are missing")
        self._digest = head.digest_before
        offset = SEGMENT_HEAD.size
        while offset < len(data):
            frame = self._frame(path, data, offset)
            if frame is None:
                break
            self._digest = frame.digest
            self.last_seq = max(self.last_seq, frame.last_seq)
            offset = frame.end
            yield frame
        self.digest = self._digest

    def _frame(self, path: Path, data: bytes, offset: int) -> _Frame | None:
        raw = data[offset : offset + FRAME_HEAD.size]
        if len(raw) < FRAME_HEAD.size:
            self._find(path, offset, torn=True, what="its last frame is incomplete")
            return None
        magic, size, first_seq, last_seq, count = FRAME_HEAD.unpack(raw)
        if magic != FRAME_MAGIC or size > FRAME_BYTES_MAX:
            # After a power cut a file may be longer than what was written of it, filled with zeros.
            torn = not any(data[offset:])
            self._find(path, offset, torn=torn, what="there is no frame where one should start")
            return None
        start = offset + FRAME_HEAD.size
        end = start + size + DIGEST_BYTES
        if end > len(data):
            self._find(path, offset, torn=True, what="its last frame is incomplete")
            return None
        body, digest = data[start : start + size], data[end - DIGEST_BYTES : end]
        previous = self._digest or b""
        if frame_digest(self._key, previous, raw, body) != digest:
            self._find(path, offset, torn=not any(data[end:]), what=f"the frame of seq {first_seq} is damaged")
            return None
        return _Frame(first_seq=first_seq, last_seq=last_seq, count=count, body=body, end=end, digest=digest)

    def _decode(self, frame: _Frame) -> list[ev.Stamped]:
        try:
            raw = zstandard.ZstdDecompressor().decompress(frame.body)
        except zstandard.ZstdError as error:
            raise JournalCorrupt(f"{self._folder}: the frame of seq {frame.first_seq} cannot be unpacked") from error
        return codec.decode_tape(raw)

    def _find(self, path: Path, offset: int, *, torn: bool, what: str) -> None:
        sentence = f"tape segment {path.name}, byte {offset}: {what}"
        self.findings.append(TapeFinding(path=str(path), offset=offset, torn=torn, sentence=sentence))


class TapeEnd(msgspec.Struct, frozen=True, kw_only=True):
    """Where a writer goes on: the digest of the last good frame, and a seq that no event on the tape exceeds."""

    digest: bytes
    last_seq: int
    findings: tuple[TapeFinding, ...]


def tape_end(folder: Path, key: bytes) -> TapeEnd:
    """Read the tape's end; a last segment without a readable header is passed over."""
    findings: list[TapeFinding] = []
    for path in reversed(segment_paths(folder)):
        reader = TapeReader(folder, key)
        reader.scan_segment(path)
        findings += reader.findings
        if read_segment_head(path) is not None:
            last_seq = max(reader.last_seq, _first_seq(path))
            return TapeEnd(digest=reader.digest, last_seq=last_seq, findings=tuple(findings))
    return TapeEnd(digest=first_digest(key), last_seq=0, findings=tuple(findings))


def _first_seq(path: Path) -> int:
    digits = path.name.split("-", 1)[0]
    return int(digits) if digits.isdecimal() else 0
