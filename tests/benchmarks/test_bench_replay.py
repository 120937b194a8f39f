"""replay: events per second of `journal replay` over a journal that the benchmark writes itself.

The journal holds a book that ticks, is filled by others and hedges: mostly market events on the tape, rows with orders
between them. The reference of the same run is the engine alone, stepping over the same events from memory.
"""

import time
from decimal import Decimal
from pathlib import Path

import pytest

from hedgebot.core.engine import Engine
from hedgebot.core.state import decode_state, encode_state
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command, Issued, SubmitOrder
from hedgebot.domain.instrument import Side
from hedgebot.journal.manifest import build_manifest
from hedgebot.journal.replay import ReplayReport, replay
from hedgebot.journal.store import Journal
from strategies.delta_neutral import STRATEGY
from tests.benchmarks.measure import Goal, interleave, medians, missed, no_collector, paired_ratio, report, run_loop
from tests.support.playbook import Playbook, of_type, settings

EVENTS = 50_000
ROUNDS = 5
HEDGE_EACH = 250
WRITE_EACH = 200
Entries = list[ev.Stamped | Issued]


class Recorded(Playbook):
    """A playbook that keeps everything a turn would journal."""

    def __init__(self) -> None:
        self.entries: Entries = []
        super().__init__(settings(orders_per_second_max=1_000.0, reconcile_interval_ms=10_000_000))

    def send(self, event: ev.Event, after_ms: float = 1.0) -> tuple[Command, ...]:
        commands = super().send(event, after_ms)
        stamped = self.log[-1]
        self.entries.append(stamped)
        for index, command in enumerate(commands, start=1):
            self.entries.append(Issued(seq=stamped.seq, index=index, at_ns=stamped.at_ns, command=command))
        return commands


def recorded(events: int) -> Recorded:
    """A conversation of about `events` events: ticks, now and then a ticker, a timer, somebody's fill and its hedge."""
    play = Recorded()
    play.ready()
    while play.seq < events:
        number = play.seq
        play.send(play.book(Decimal(100_000) + number % 97))
        if number % 10 == 0:
            play.send(play.ticker())
        if number % 25 == 0:
            play.send(ev.StreamAlive(account="main", stream=ev.Stream.PRIVATE))
            play.send(ev.WalletUpdated(report=play.wallet(), source=ev.Source.STREAM))
            play.tick()
        if number % HEDGE_EACH < 2:
            side = Side.BUY if number // HEDGE_EACH % 2 else Side.SELL
            for order in of_type(play.send(play.fill(side, "0.2")), SubmitOrder):
                play.done(order)
    # A journal counts up to its last row; without one, the ticks after it would be a tail that nobody settled.
    play.send(ev.WalletUpdated(report=play.wallet(), source=ev.Source.STREAM))
    return play


async def write_journal(folder: Path, play: Recorded) -> None:
    """Write the conversation as the daemon would."""
    journal = await Journal.open(folder)
    try:
        await journal.recover(engine_of)
        await journal.begin_run(build_manifest(play.settings, version="bench"))
        batch: Entries = []
        for entry in play.entries:
            if isinstance(entry, ev.Stamped) and len(batch) >= WRITE_EACH:
                await journal.write(batch, durable=False)
                batch = []
            batch.append(entry)
        await journal.write(batch, durable=True)
    finally:
        await journal.close()


def engine_of(snapshot: bytes | None) -> Engine:
    """The engine of the playbook's book."""
    return Engine(STRATEGY.build, decode_state(snapshot) if snapshot else None)


def replayed(folder: Path, *, verify: bool) -> ReplayReport:
    """Replay once and hold it to its promise: the whole journal, no difference."""
    with no_collector():
        found = replay(folder, engine_of, verify=verify, state_bytes=lambda engine: encode_state(engine.state))
    assert not found.problems, found.problems
    assert not found.missing
    return found


def engine_alone(log: list[ev.Stamped]) -> float:
    """Events per second of the engine over events that are in memory."""
    engine = engine_of(None)
    with no_collector():
        start = time.perf_counter()
        for stamped in log:
            engine.step(stamped)
        return len(log) / (time.perf_counter() - start)


def test_smoke_a_written_journal_replays(tmp_path: Path) -> None:
    play = recorded(400)
    run_loop(write_journal(tmp_path, play))
    found = replayed(tmp_path, verify=True)
    assert found.events == len(play.log)
    assert of_type(play.heard, SubmitOrder)
    assert engine_alone(play.log) > 0.0


@pytest.mark.bench
def test_bench_replay(tmp_path: Path) -> None:
    play = recorded(EVENTS)
    run_loop(write_journal(tmp_path, play))
    samples = interleave(
        {
            "engine alone": lambda: engine_alone(play.log),
            "replay": lambda: replayed(tmp_path, verify=False).events_per_second,
            "replay --verify": lambda: replayed(tmp_path, verify=True).events_per_second,
        },
        rounds=ROUNDS,
    )
    goals = [
        # No goal of the product's own yet: this one only sees a replay that has become an order of magnitude slower.
        Goal(
            name="engine alone over replay --verify",
            value=paired_ratio(samples["engine alone"], samples["replay --verify"]),
            limit=10.0,
        )
    ]
    report(
        "replay",
        goals=goals,
        events=len(play.log),
        orders=len(of_type(play.heard, SubmitOrder)),
        commands=len(play.heard),
        events_per_second=medians(samples, 0),
        nautilus_trader="beside the same orders: see replay_quotes",
    )
    assert not missed(goals), missed(goals)
