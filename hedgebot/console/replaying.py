"""Engines for replays of a journal: with the strategies that its runs had. The replay itself is the journal's."""

from collections.abc import Callable
from pathlib import Path

from hedgebot.core.engine import Engine
from hedgebot.core.state import decode_state, encode_state
from hedgebot.daemon.plugins import load_strategy
from hedgebot.domain.errors import JournalError
from hedgebot.journal.query import JournalReader
from hedgebot.journal.replay import Observer, ReplayReport, replay


def engine_factory(state_dir: Path) -> Callable[[bytes | None], Engine]:
    """Makes engines as the daemon made them; raises JournalError for a journal without a run."""
    with JournalReader(state_dir) as reader:
        runs = reader.runs()
    if not runs:
        raise JournalError(f"the journal of {state_dir} has no run yet: nothing to replay")

    def make(snapshot: bytes | None) -> Engine:
        return Engine(load_strategy, None if snapshot is None else decode_state(snapshot))

    return make


def replay_journal(state_dir: Path, *, verify: bool = True, observer: Observer[Engine] | None = None) -> ReplayReport:
    """Replay every run of a journal; see `hedgebot.journal.replay`."""
    return replay(
        state_dir,
        engine_factory(state_dir),
        verify=verify,
        state_bytes=lambda engine: encode_state(engine.state),
        observer=observer,
    )
