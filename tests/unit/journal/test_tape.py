import errno
import os
from pathlib import Path

import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.errors import JournalError, JournalFull
from hedgebot.journal import tape as tape_module
from hedgebot.journal.tape import DAY_NS, TapeLimits, TapeWriter, first_digest, read_segment_head, segment_paths
from hedgebot.journal.tape_reader import TapeReader, tape_end
from tests.unit.journal.world import SECOND, START_NS, book

KEY = b"k" * 32


def writer(folder: Path, digest: bytes | None = None, limits: TapeLimits | None = None) -> TapeWriter:
    made = TapeWriter(folder / "tape", KEY, digest=digest or first_digest(KEY), limits=limits or TapeLimits())
    made.start_run(1)
    return made


def stamped(seq: int, at_ns: int = START_NS) -> ev.Stamped:
    return ev.Stamped(seq=seq, at_ns=at_ns, event=book(str(seq), str(seq + 1)))


def seqs(folder: Path, after_seq: int = 0) -> list[int]:
    reader = TapeReader(folder / "tape", KEY)
    found = [one.seq for one in reader.events(after_seq)]
    assert reader.findings == []
    return found


def test_what_was_flushed_is_read_back(tmp_path: Path) -> None:
    tape = writer(tmp_path)
    for seq in range(1, 8):
        tape.append(stamped(seq))
        if seq % 3 == 0:
            tape.flush()
    assert seqs(tmp_path) == [1, 2, 3, 4, 5, 6]
    tape.close()
    assert seqs(tmp_path) == [1, 2, 3, 4, 5, 6, 7]
    assert list(TapeReader(tmp_path / "tape", KEY).events(6)) == [stamped(7)]


def test_nothing_to_say_makes_no_file(tmp_path: Path) -> None:
    tape = writer(tmp_path)
    tape.flush()
    tape.close()
    assert segment_paths(tmp_path / "tape") == []


def test_segments_end_by_size_and_by_time_and_go_on_in_one_chain(tmp_path: Path) -> None:
    limits = TapeLimits(segment_bytes_max=400, segment_ns_max=60 * SECOND)
    tape = writer(tmp_path, limits=limits)
    for seq in range(1, 21):
        tape.append(stamped(seq, START_NS + seq))
        tape.flush()
    by_size = len(segment_paths(tmp_path / "tape"))
    tape.append(stamped(21, START_NS + 120 * SECOND))
    tape.close()
    assert by_size > 2
    assert len(segment_paths(tmp_path / "tape")) == by_size + 1
    assert seqs(tmp_path) == list(range(1, 22))
    assert seqs(tmp_path, 20) == [21]


def test_a_new_writer_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    first = writer(tmp_path)
    first.append(stamped(1))
    first.close()
    end = tape_end(tmp_path / "tape", KEY)
    second = writer(tmp_path, end.digest)
    second.append(stamped(5))
    second.close()
    assert seqs(tmp_path) == [1, 5]


def test_old_segments_go_unless_recovery_needs_them(tmp_path: Path) -> None:
    tape = writer(tmp_path, limits=TapeLimits(segment_bytes_max=1, days_kept=1))
    for day in range(5):
        tape.append(stamped(day + 1, START_NS + day * DAY_NS))
        tape.flush()
    now_ns = START_NS + 4 * DAY_NS
    assert tape.prune(now_ns, keep_from_seq=0) == []
    assert len(tape.prune(now_ns, keep_from_seq=2)) == 1
    assert seqs(tmp_path) == [2, 3, 4, 5]
    tape.prune(now_ns, keep_from_seq=5)
    assert seqs(tmp_path) == [4, 5]
    assert TapeReader(tmp_path / "tape", KEY).is_pruned
    tape.close()


def test_everything_is_kept_when_told_so(tmp_path: Path) -> None:
    tape = writer(tmp_path, limits=TapeLimits(segment_bytes_max=1, days_kept=None))
    for day in range(3):
        tape.append(stamped(day + 1, START_NS + day * DAY_NS))
        tape.flush()
    assert tape.prune(START_NS + 1_000 * DAY_NS, keep_from_seq=99) == []
    tape.close()


def test_half_a_frame_on_a_full_disk_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tape = writer(tmp_path)
    tape.append(stamped(1))
    tape.flush()
    write = os.write
    calls = []

    def full(handle: int, data: bytes) -> int:
        calls.append(len(data))
        if len(calls) == 1:
            return write(handle, data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    tape.append(stamped(2))
    with pytest.raises(JournalFull, match="No space left"):
        tape.flush()
    monkeypatch.undo()
    assert seqs(tmp_path) == [1]
    tape.append(stamped(3))
    tape.close()
    assert seqs(tmp_path) == [1, 2, 3]


def test_a_full_disk_at_a_new_segment_leaves_none_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tape = writer(tmp_path)
    tape.append(stamped(1))

    def full(handle: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    for _ in range(2):
        with pytest.raises(JournalFull, match="No space left"):
            tape.flush()
    monkeypatch.undo()
    assert segment_paths(tmp_path / "tape") == []
    tape.close()
    assert seqs(tmp_path) == [1]


def test_waiting_events_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape_module, "BUFFER_EVENTS_LIMIT", 2)
    tape = writer(tmp_path)
    tape.append(stamped(1))
    tape.append(stamped(2))
    with pytest.raises(JournalError, match="takes no more"):
        tape.append(stamped(3))


def test_a_segment_says_what_it_is(tmp_path: Path) -> None:
    tape = writer(tmp_path)
    tape.append(stamped(9))
    tape.close()
    (path,) = segment_paths(tmp_path / "tape")
    head = read_segment_head(path)
    assert head is not None
    assert (head.epoch, head.first_seq, head.at_ns) == (1, 9, START_NS)
    foreign = tmp_path / "tape" / "foreign.tape"
    foreign.write_bytes(b"x" * 100)
    assert read_segment_head(foreign) is None
