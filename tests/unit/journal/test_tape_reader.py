from pathlib import Path

import pytest

from hedgebot.domain import events as ev
from hedgebot.journal.tape import SEGMENT_HEAD, TapeLimits, TapeWriter, first_digest, segment_paths
from hedgebot.journal.tape_reader import TapeReader, tape_end
from tests.unit.journal.world import START_NS, book

KEY = b"k" * 32


def write(
    folder: Path, frames: int, *, segments: bool = False, first: int = 1, digest: bytes | None = None
) -> list[Path]:
    """One event in each frame; `segments`: each frame in a segment of its own."""
    limits = TapeLimits(segment_bytes_max=1 if segments else 1 << 20)
    tape = TapeWriter(folder, KEY, digest=digest or first_digest(KEY), limits=limits)
    tape.start_run(first)
    for seq in range(first, first + frames):
        tape.append(ev.Stamped(seq=seq, at_ns=START_NS, event=book(str(seq), str(seq + 1))))
        tape.flush()
    tape.close()
    return segment_paths(folder)


def read(folder: Path) -> tuple[list[int], list[bool], list[str]]:
    reader = TapeReader(folder, KEY)
    seqs = [stamped.seq for stamped in reader.events()]
    return seqs, [finding.torn for finding in reader.findings], [finding.sentence for finding in reader.findings]


def test_an_end_torn_anywhere_loses_the_last_frame_only(tmp_path: Path) -> None:
    (path,) = write(tmp_path, 3)
    whole = path.read_bytes()
    path.write_bytes(whole)
    two = len(write(tmp_path / "two", 2)[0].read_bytes())
    for length in range(two + 1, len(whole), 7):
        path.write_bytes(whole[:length])
        seqs, torn, _ = read(tmp_path)
        assert seqs == [1, 2]
        assert torn == [True]
        end = tape_end(tmp_path, KEY)
        assert end.last_seq == 2
        assert len(end.findings) == 1


def test_a_torn_header_is_an_end_too(tmp_path: Path) -> None:
    first, second = write(tmp_path, 2, segments=True)
    second.write_bytes(second.read_bytes()[: SEGMENT_HEAD.size - 1])
    seqs, torn, _ = read(tmp_path)
    assert (seqs, torn) == ([1], [True])
    end = tape_end(tmp_path, KEY)
    assert end.last_seq == 1
    reader = TapeReader(tmp_path, KEY)
    reader.scan_segment(first)
    assert end.digest == reader.digest


def test_zeros_after_a_power_cut_are_a_torn_end(tmp_path: Path) -> None:
    (path,) = write(tmp_path, 2)
    path.write_bytes(path.read_bytes() + bytes(4_096))
    seqs, torn, _ = read(tmp_path)
    assert (seqs, torn) == ([1, 2], [True])


def test_a_run_after_a_torn_end_goes_on_in_the_same_chain(tmp_path: Path) -> None:
    (path,) = write(tmp_path, 2)
    path.write_bytes(path.read_bytes()[:-3])
    write(tmp_path, 2, first=5, digest=tape_end(tmp_path, KEY).digest)
    seqs, torn, _ = read(tmp_path)
    assert (seqs, torn) == ([1, 5, 6], [True])


@pytest.mark.parametrize("place", [0.2, 0.4, 0.6])
def test_a_changed_byte_in_the_middle_is_damage(tmp_path: Path, place: float) -> None:
    (path,) = write(tmp_path, 5)
    data = bytearray(path.read_bytes())
    data[int(len(data) * place)] ^= 1
    path.write_bytes(data)
    seqs, torn, sentences = read(tmp_path)
    assert len(seqs) < 5
    assert torn == [False]
    assert path.name in sentences[0]


def test_a_removed_segment_shows(tmp_path: Path) -> None:
    _, middle, _ = write(tmp_path, 3, segments=True)
    middle.unlink()
    seqs, torn, sentences = read(tmp_path)
    assert (seqs, torn) == ([1, 3], [False])
    assert "frames are missing" in sentences[0]


def test_another_key_reads_nothing(tmp_path: Path) -> None:
    write(tmp_path, 2)
    reader = TapeReader(tmp_path, b"z" * 32)
    assert list(reader.events()) == []
    assert reader.findings


def test_what_is_no_segment_is_named(tmp_path: Path) -> None:
    write(tmp_path, 1)
    (tmp_path / "0000000000000009-foreign.tape").write_bytes(b"hello" * 30)
    seqs, torn, sentences = read(tmp_path)
    assert (seqs, torn) == ([1], [False])
    assert "no header" in sentences[0]


def test_an_empty_folder_is_an_empty_tape(tmp_path: Path) -> None:
    reader = TapeReader(tmp_path / "none", KEY)
    assert list(reader.events()) == []
    assert (reader.first_seq, reader.is_pruned, reader.findings) == (None, False, [])
    assert tape_end(tmp_path / "none", KEY).digest == first_digest(KEY)


def test_frames_before_the_wanted_seq_are_not_given(tmp_path: Path) -> None:
    write(tmp_path, 6, segments=True)
    reader = TapeReader(tmp_path, KEY)
    assert [stamped.seq for stamped in reader.events(4)] == [5, 6]
    assert reader.findings == []
