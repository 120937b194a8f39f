"""intent_commit: what it costs to make one order's intent durable, against the disk itself and a bare aiosqlite.

An intent is the fill that caused it, the decision and the order, as the engine gives them. References write the same
bytes: an append that nobody waits for, an append with fdatasync into a file that is there already, and one commit of a
bare aiosqlite in WAL with synchronous=FULL. One by one, then by sixteen callers at a time.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiosqlite
import msgspec
import pytest

from hedgebot.domain.commands import Issued
from hedgebot.domain.events import Stamped
from hedgebot.domain.instrument import Side
from hedgebot.journal.codec import encode
from hedgebot.journal.manifest import build_manifest
from hedgebot.journal.store import IDLE_S, Journal
from tests.benchmarks.measure import (
    Goal,
    Samples,
    medians,
    missed,
    paired_ratio,
    percentile,
    report,
    run_loop,
    take_turns,
)
from tests.support.playbook import Playbook

CALLERS = 16
INTENTS = 2_000
ROUNDS = 10
FILE_BYTES = 32 * 1024 * 1024
Entries = tuple[Stamped | Issued, ...]
Commit = Callable[[int], Awaitable[None]]


def intent() -> Entries:
    """One intent as a turn writes it: the fill, then its commands."""
    play = Playbook()
    play.ready()
    commands = play.send(play.fill(Side.BUY, "0.1"))
    stamped = play.log[-1]
    issued = (
        Issued(seq=stamped.seq, index=index, at_ns=stamped.at_ns, command=command)
        for index, command in enumerate(commands, start=1)
    )
    return (stamped, *issued)


class Journaled:
    """Our journal."""

    def __init__(self, journal: Journal, entries: Entries) -> None:
        self._journal = journal
        self._entries = entries

    @classmethod
    async def open(cls, folder: Path, stack: AsyncExitStack) -> "Journaled":
        journal = await Journal.open(folder)
        stack.push_async_callback(journal.close)
        await journal.recover(lambda _: Playbook().engine)
        await journal.begin_run(build_manifest(Playbook().settings, version="bench"))
        return cls(journal, intent())

    async def commit(self, number: int) -> None:
        seq = self._journal.next_seq
        moved = tuple(msgspec.structs.replace(entry, seq=seq) for entry in self._entries)
        await self._journal.write(moved, durable=True)


class Raw:
    """A file that is there already, written from its start; with `sync` each write waits for the disk."""

    def __init__(self, path: Path, payload: bytes, *, sync: bool) -> None:
        path.write_bytes(bytes(FILE_BYTES))
        self._file = os.open(path, os.O_RDWR)
        os.fsync(self._file)
        self._payload = payload
        self._sync = sync
        self._place = 0

    async def commit(self, number: int) -> None:
        self.write(1)

    def write(self, intents: int) -> None:
        payload = self._payload * intents
        if self._place + len(payload) > FILE_BYTES:
            self._place = 0
        self._place += os.pwrite(self._file, payload, self._place)
        if self._sync:
            os.fdatasync(self._file)

    def close(self) -> None:
        os.close(self._file)


class Bare:
    """aiosqlite with one table of one column, and nothing else."""

    def __init__(self, database: aiosqlite.Connection, payload: bytes) -> None:
        self._database = database
        self._payload = payload

    @classmethod
    async def open(cls, path: Path, payload: bytes, stack: AsyncExitStack) -> "Bare":
        database = await aiosqlite.connect(path, isolation_level=None)
        stack.push_async_callback(database.close)
        # Checkpoints as sqlite makes them by itself, each 1,000 pages: its file stays as small as ours.
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            await database.execute_fetchall(f"PRAGMA {pragma}")
        await database.execute("CREATE TABLE rows (row INTEGER PRIMARY KEY, payload BLOB)")
        return cls(database, payload)

    async def commit(self, number: int) -> None:
        await self._database.execute("INSERT INTO rows (payload) VALUES (?)", (self._payload,))


async def one_by_one(commit: Commit, count: int, waits_us: list[float]) -> float:
    """Microseconds of an intent (median over `count`), each waiting for the one before it."""
    found = []
    for number in range(count):
        start = time.perf_counter_ns()
        await commit(number)
        found.append((time.perf_counter_ns() - start) / 1e3)
    waits_us.extend(found)
    return percentile(found, 0.5)


async def by_callers(commit: Commit, count: int) -> float:
    """Microseconds per intent when sixteen callers commit at the same time, each its share of `count`."""

    async def caller() -> None:
        for number in range(count // CALLERS):
            await commit(number)

    start = time.perf_counter_ns()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return (time.perf_counter_ns() - start) / 1e3 / (count // CALLERS * CALLERS)


async def warm_up(ways: dict[str, Commit], intents: int) -> None:
    """Grow every file to the size that a running daemon's has: a write-ahead log is written over after a checkpoint.

    The journal runs its checkpoint when it has been idle for a second; sqlite's own come each 1,000 pages.
    """
    for commit in ways.values():
        await by_callers(commit, intents)
        for number in range(intents // 4):
            await commit(number)
    await asyncio.sleep(IDLE_S * 2 + 0.5)


async def measure(
    folder: Path, intents: int, rounds: int, *, warm: bool
) -> tuple[Samples, Samples, dict[str, list[float]]]:
    """Samples one by one, samples by callers, and every single wait, for all ways."""
    (folder / "state").mkdir(mode=0o700)
    payload = b"".join(encode(one.event if isinstance(one, Stamped) else one.command) for one in intent())
    waits: dict[str, list[float]] = {}
    async with AsyncExitStack() as stack:
        append = Raw(folder / "append", payload, sync=False)
        stack.callback(append.close)
        synced = Raw(folder / "synced", payload, sync=True)
        stack.callback(synced.close)
        ways: dict[str, Commit] = {
            "raw append": append.commit,
            "raw fdatasync": synced.commit,
            "bare aiosqlite": (await Bare.open(folder / "bare.db", payload, stack)).commit,
            "journal": (await Journaled.open(folder / "state", stack)).commit,
        }

        def serial(name: str) -> Callable[[], Awaitable[float]]:
            return lambda: one_by_one(ways[name], intents // rounds, waits.setdefault(name, []))

        def parallel(name: str) -> Callable[[], Awaitable[float]]:
            return lambda: by_callers(ways[name], intents // rounds)

        async def grouped() -> float:
            """The floor of a group commit: sixteen intents in one write, one fdatasync."""
            start = time.perf_counter_ns()
            for _ in range(intents // rounds // CALLERS):
                synced.write(CALLERS)
                await asyncio.sleep(0)
            return (time.perf_counter_ns() - start) / 1e3 / (intents // rounds // CALLERS * CALLERS)

        if warm:
            await warm_up(ways, intents)
        alone = await take_turns({name: serial(name) for name in ways}, rounds)
        together = await take_turns(
            {"raw group fdatasync": grouped} | {name: parallel(name) for name in ("bare aiosqlite", "journal")}, rounds
        )
    return alone, together, waits


def test_smoke_all_ways_commit(tmp_path: Path) -> None:
    alone, together, waits = run_loop(measure(tmp_path, CALLERS * 2, 1, warm=False))
    assert all(values[0] > 0.0 for values in (alone | together).values())
    assert len(waits["journal"]) == CALLERS * 2


@pytest.mark.bench
def test_bench_intent_commit(tmp_path: Path) -> None:
    alone, together, waits = run_loop(measure(tmp_path, INTENTS, ROUNDS, warm=True))
    over_sync = paired_ratio(alone["journal"], alone["raw fdatasync"])
    over_group = paired_ratio(together["journal"], together["raw group fdatasync"])
    goals = [Goal(name="one by one: journal over raw fdatasync", value=over_sync, limit=2.5)]
    report(
        "intent_commit",
        goals=goals,
        intents=INTENTS,
        bytes_per_intent=sum(len(encode(one.event if isinstance(one, Stamped) else one.command)) for one in intent()),
        us_one_by_one=medians(alone, 1),
        us_one_by_one_p99={name: round(percentile(values, 0.99), 1) for name, values in waits.items()},
        journal_over_bare_aiosqlite=round(paired_ratio(alone["journal"], alone["bare aiosqlite"]), 2),
        us_per_intent_16_callers=medians(together, 1),
        callers_16_journal_over_raw_group=round(over_group, 2),
        callers_16_journal_over_bare_aiosqlite=round(paired_ratio(together["journal"], together["bare aiosqlite"]), 2),
    )
    assert not missed(goals), missed(goals)
