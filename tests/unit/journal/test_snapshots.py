import asyncio
import os
import sqlite3
import threading
from pathlib import Path

import msgspec
import pytest
import zstandard

from hedgebot.journal import schema
from hedgebot.journal.chain import load_key
from hedgebot.journal.snapshots import SNAPSHOT_KIND, Packer, Snapshot, SnapshotRecord, read_snapshots, state_digest
from tests.unit.journal.world import Run, book


def kept(state_dir: Path) -> tuple[list[Snapshot], list[str]]:
    connection = schema.connect_reader(state_dir)
    try:
        return read_snapshots(connection, load_key(state_dir, create=False))
    finally:
        connection.close()


async def run_with_snapshots(state_dir: Path, count: int) -> list[bytes]:
    run = await Run.start(state_dir)
    states = []
    for number in range(count):
        await run.take(book(str(number + 1), "60000"))
        await run.snapshot()
        await run.snapshot()  # the same moment twice is once
        states.append(run.engine.state_bytes())
    await run.journal.close()
    return states


async def test_the_newest_few_are_kept_newest_first(tmp_path: Path) -> None:
    states = await run_with_snapshots(tmp_path, 6)
    good, problems = kept(tmp_path)
    assert problems == []
    assert [snapshot.state for snapshot in good] == states[:1:-1]
    assert [snapshot.seq for snapshot in good] == [7, 6, 5, 4]


@pytest.mark.parametrize("statement", ["state = x'00'", "digest = 'ab'", "seq = seq + 100", "state = 'text'"])
async def test_a_changed_one_is_not_given(tmp_path: Path, statement: str) -> None:
    await run_with_snapshots(tmp_path, 2)
    connection = sqlite3.connect(tmp_path / schema.DB_FILE)
    connection.execute(f"UPDATE snapshots SET {statement} WHERE seq = 3")
    connection.commit()
    connection.close()
    good, problems = kept(tmp_path)
    assert [snapshot.seq for snapshot in good] == [2]
    assert len(problems) == 1


async def test_one_exchanged_for_an_older_state_is_not_given(tmp_path: Path) -> None:
    await run_with_snapshots(tmp_path, 2)
    connection = sqlite3.connect(tmp_path / schema.DB_FILE)
    connection.execute(
        "UPDATE snapshots SET (digest, state) = (SELECT digest, state FROM snapshots WHERE seq = 2) WHERE seq = 3"
    )
    connection.commit()
    connection.close()
    assert [snapshot.seq for snapshot in kept(tmp_path)[0]] == [2]


def test_the_digest_needs_the_key() -> None:
    assert state_digest(b"a" * 32, b"state") != state_digest(b"b" * 32, b"state")


async def test_states_are_compressed_in_one_thread_with_one_working_memory() -> None:
    """In whichever thread of a pool was free, a working memory of its own stayed in each of them."""
    packer = Packer()
    before = {one.ident for one in threading.enumerate()}
    states = [bytes([number]) * 10_000 for number in range(40)]
    packed = await asyncio.gather(*(packer.pack(one) for one in states))
    new = [one for one in threading.enumerate() if one.ident not in before]
    assert len(new) == 1
    assert [zstandard.ZstdDecompressor().decompressobj().decompress(one) for one in packed] == states
    assert all(len(one) < 1_000 for one in packed)
    packer.close()
    new[0].join(5.0)
    assert not new[0].is_alive()


async def test_the_working_memory_does_not_grow_with_the_state() -> None:
    packer = Packer()
    await packer.pack(bytes(1_000))
    first = packer._compressor.memory_size()
    for size in (10_000, 300_000, 3_000_000):
        state = os.urandom(size // 100) * 100
        packed = await packer.pack(state)
        assert zstandard.ZstdDecompressor().decompressobj().decompress(packed) == state
        assert packer._compressor.memory_size() == first
    packer.close()


def test_a_state_that_was_cut_short_or_packed_by_an_older_hedgebot_is_known_for_what_it_is(tmp_path: Path) -> None:
    key, states = b"k" * 32, [bytes([number]) * 50_000 for number in range(3)]
    packed = [zstandard.ZstdCompressor(level=3).compress(one) for one in states]
    packed[1] = packed[1][:-5]
    connection = sqlite3.connect(tmp_path / "journal.db")
    connection.execute("CREATE TABLE rows (kind, payload)")
    connection.execute("CREATE TABLE snapshots (seq, at_ns, digest, state)")
    for seq, state in enumerate(states):
        record = SnapshotRecord(seq=seq, digest=state_digest(key, state), size=len(state))
        connection.execute("INSERT INTO rows VALUES (?, ?)", (SNAPSHOT_KIND, msgspec.json.encode(record)))
        connection.execute("INSERT INTO snapshots VALUES (?, 0, ?, ?)", (seq, record.digest, packed[seq]))
    found, problems = read_snapshots(connection, key)
    assert [one.seq for one in found] == [2, 0]
    assert [one.state for one in found] == [states[2], states[0]]
    assert len(problems) == 1
    connection.close()
