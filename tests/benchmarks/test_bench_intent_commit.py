"""What a durable intent costs: the journal, a bare aiosqlite commit and a raw fdatasync, in one interleaved run."""

import asyncio
import json
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import aiosqlite
import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.instrument import Side
from hedgebot.journal.codec import encode
from tests.unit.journal.world import Run, book, decision_for, fill, order

INTENTS = 200
ROUNDS = 5
CALLERS = 16

pytestmark = pytest.mark.bench


def entries(seq: int, at_ns: int) -> list[ev.Stamped | cmd.Issued]:
    """A market event, a fill, its decision and its order: what one hedge writes."""
    client_id = f"{seq:032x}"
    submit = order(client_id, Side.SELL, Decimal("0.1"), Decimal(100_000), at_ns)
    return [
        ev.Stamped(seq=seq, at_ns=at_ns, event=book()),
        ev.Stamped(seq=seq + 1, at_ns=at_ns, event=fill(str(seq))),
        cmd.Issued(seq=seq + 1, index=1, at_ns=at_ns, command=decision_for(client_id, 0.1)),
        cmd.Issued(seq=seq + 1, index=2, at_ns=at_ns, command=submit),
    ]


async def timed(count: int, one: Callable[[int], Awaitable[None]]) -> list[float]:
    samples = []
    for number in range(count):
        began = time.perf_counter()
        await one(number)
        samples.append((time.perf_counter() - began) * 1e6)
    return samples


class Contestants:
    """The ways to make one intent durable, each on files of its own."""

    def __init__(self, folder: Path, run: Run, bare: aiosqlite.Connection) -> None:
        self.run = run
        self.bare = bare
        self.seq = run.turn.next_seq
        self.raw = os.open(folder / "raw.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.payload = encode(order("x" * 32, Side.SELL, Decimal("0.1"), Decimal(100_000), 1))

    async def journal(self, _: int) -> None:
        made = entries(self.seq, self.run.now_ns)
        self.seq += 2
        await self.run.journal.write(made, durable=True)

    async def aiosqlite(self, _: int) -> None:
        await self.bare.execute("INSERT INTO intents (payload) VALUES (?)", (self.payload,))
        await self.bare.commit()

    async def fdatasync(self, _: int) -> None:
        os.write(self.raw, self.payload)
        os.fdatasync(self.raw)


async def test_bench_intent_commit(tmp_path: Path) -> None:
    run = await Run.start(tmp_path / "journal")
    bare = await aiosqlite.connect(tmp_path / "bare.db")
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=0"):
        await bare.execute_fetchall(f"PRAGMA {pragma}")
    await bare.execute("CREATE TABLE intents (id INTEGER PRIMARY KEY, payload BLOB)")
    ways = Contestants(tmp_path, run, bare)
    contenders = {"journal": ways.journal, "aiosqlite_full": ways.aiosqlite, "raw_fdatasync": ways.fdatasync}
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    medians: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, one in contenders.items():
            found = await timed(INTENTS, one)
            samples[name] += found
            medians[name].append(statistics.median(found))
    began = time.perf_counter()
    for _ in range(INTENTS // CALLERS):
        await asyncio.gather(*(ways.journal(number) for number in range(CALLERS)))
    together = INTENTS // CALLERS * CALLERS / (time.perf_counter() - began)
    await bare.close()
    await run.journal.close()
    os.close(ways.raw)
    middle = {name: statistics.median(found) for name, found in medians.items()}
    print(
        json.dumps(
            {
                "bench": "intent_commit",
                "us_p50": {name: round(value) for name, value in middle.items()},
                "us_p99": {name: round(statistics.quantiles(found, n=100)[98]) for name, found in samples.items()},
                "over_aiosqlite": round(middle["journal"] / middle["aiosqlite_full"], 2),
                "over_fdatasync": round(middle["journal"] / middle["raw_fdatasync"], 2),
                "intents_per_second_16_callers": round(together),
                "load": os.getloadavg()[0],
            }
        )
    )
    # A loose bound that a shared machine keeps; the figures above are the result.
    assert middle["journal"] < 3 * middle["aiosqlite_full"]
