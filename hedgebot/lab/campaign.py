"""Many seeds of the fault world: run on all processors, counted by fault, each failure with the line that repeats it.

Owns the scorecard. A fault's share is that of the runs in which it was played and everything held; runs play several,
so a failure counts against each of them until `--only` tells them apart.
"""

import contextlib
import gc
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

import msgspec

from hedgebot.core.engine import LoadStrategy
from hedgebot.lab.catalogue import FAULTS
from hedgebot.lab.draws import chance_of, draw
from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.mishaps import BY_ID, MISHAPS
from hedgebot.lab.outcome import Outcome
from hedgebot.lab.stage import Mishap
from hedgebot.lab.worldbooks import BookKind
from hedgebot.lab.worldvenues import FIRST

CHUNK = 2
_COLLECTOR = (50_000, 50, 100)
"""A journal grows by tens of thousands of values that live to the end: looking through them again and again finds
nothing."""

NONE = "none"
"""The word for a world of which no mishap is kept."""

PLAYED = frozenset(one.fault for one in MISHAPS)
"""Faults that the world plays."""


_Job = tuple[int, float, Sequence[str], LoadStrategy, BookKind | None, Sequence[str] | None, str | None]
"""What `one_run` takes."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One fault's score: in how many runs it was played, and in how many of those all held.

    `elsewhere` says who plays it when the fault world does not; empty when it does.
    """

    id: str
    weight: int
    title: str
    played: int
    passed: int
    elsewhere: str = ""

    @property
    def share(self) -> float:
        """Passed over played; a fault that was not played has no share and counts as none."""
        return self.passed / self.played if self.played else 0.0


class Scorecard(msgspec.Struct, frozen=True, kw_only=True):
    """What many runs came to, by every fault of the catalogue."""

    lines: tuple[Line, ...]
    runs: int
    failed: tuple[Outcome, ...]
    hedges: int
    minutes: float = 0.0

    @property
    def score(self) -> float:
        """Sum of weight times share over the sum of weights, of what was played (safety reference, section 12)."""
        weight = self.weight_played
        return sum(one.weight * one.share for one in self.lines if one.played) / weight if weight else 0.0

    @property
    def weight_played(self) -> int:
        """The weight that the score speaks of."""
        return sum(one.weight for one in self.lines if one.played)

    @property
    def weight(self) -> int:
        """The weight of all faults."""
        return sum(one.weight for one in self.lines)

    @property
    def passed(self) -> bool:
        """Whether every run did."""
        return not self.failed


def one_run(
    seed: int,
    minutes: float,
    only: Sequence[str],
    load_strategy: LoadStrategy,
    book: BookKind | None = BookKind.ONE,
    kept: Sequence[str] | None = None,
    rules: str | None = "",
) -> Outcome:
    """Play one seed; `only` are ids of mishaps, empty for all. KeyError for an unknown id.

    `book` None: the kind of book that is drawn for the seed. `kept`: of what is drawn only these; None: all of it.
    `rules`: of which venue; None: those that are drawn for the seed.
    """
    mishaps: Sequence[Mishap] = [BY_ID[name] for name in only] if only else MISHAPS
    with few_collections():
        return FaultWorld(seed, minutes, load_strategy, mishaps, book=book, kept=kept, rules=rules).run()


@contextlib.contextmanager
def few_collections() -> Iterator[None]:
    """For the life of a world the collector looks seldom, and once at its end."""
    before = gc.get_threshold()
    gc.set_threshold(*_COLLECTOR)
    # What was there before a world is not looked through again for its ring.
    gc.freeze()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        # A world that is over is one large ring.
        gc.collect()
        gc.unfreeze()


def drawn_ids(seed: int, minutes: float, only: Sequence[str] = ()) -> tuple[str, ...]:
    """Ids of the mishaps that a seed draws, in order of their begins. KeyError for an unknown one in `only`."""
    mishaps: Sequence[Mishap] = [BY_ID[name] for name in only] if only else MISHAPS
    return tuple(one.id for one, _ in draw(chance_of(seed), mishaps, minutes, seed).mishaps)


def campaign(  # noqa: PLR0913  (what worlds are drawn from, and what of them is given)
    seeds: Iterable[int],
    minutes: float,
    load_strategy: LoadStrategy,
    *,
    only: Sequence[str] = (),
    book: BookKind | None = None,
    kept: Sequence[str] | None = None,
    rules: str | None = None,
    workers: int | None = None,
    told: Callable[[Outcome], None] = lambda _outcome: None,
) -> Scorecard:
    """Play many seeds; `told` hears of each as it ends, in order. `load_strategy` must be a module's function.

    `book` None: each with the kind that is drawn for it, so that new seeds meet them all; so with `rules`.
    """
    outcomes: list[Outcome] = []
    count = workers or os.cpu_count() or 1
    jobs = [(seed, minutes, tuple(only), load_strategy, book, kept, rules) for seed in seeds]
    if count == 1:
        for job in jobs:
            outcomes.append(one_run(*job))
            told(outcomes[-1])
    else:
        with ProcessPoolExecutor(count) as pool:
            for outcome in pool.map(_spread, jobs, chunksize=CHUNK):
                outcomes.append(outcome)
                told(outcome)
    return score(outcomes)


def _spread(job: _Job) -> Outcome:
    return one_run(*job)


def score(outcomes: Sequence[Outcome]) -> Scorecard:
    """Count what came of runs."""
    lines = []
    for fault in FAULTS:
        runs = [one for one in outcomes if any(BY_ID[played.id].fault == fault.id for played in one.played)]
        lines.append(
            Line(
                id=fault.id,
                weight=fault.weight,
                title=fault.title,
                played=len(runs),
                passed=sum(one.passed for one in runs),
                elsewhere="" if fault.id in PLAYED else f'make test ARGS="-k {fault.test_prefix}"',
            )
        )
    return Scorecard(
        lines=tuple(lines),
        runs=len(outcomes),
        failed=tuple(one for one in outcomes if not one.passed),
        hedges=sum(one.hedges for one in outcomes),
        minutes=sum(one.lasted_minutes for one in outcomes),
    )


def repeat_line(outcome: Outcome) -> str:
    """The command that plays a run again; a seed alone has one hedge, as before there were others."""
    only = "".join(f" --only {name}" for name in outcome.only)
    book = "" if outcome.book is BookKind.ONE else f" --book {outcome.book}"
    rules = "" if outcome.rules == FIRST else f" --rules {outcome.rules}"
    kept = "" if outcome.kept is None else "".join(f" --keep {name}" for name in outcome.kept or (NONE,))
    return f"hedgebot sim run --seed {outcome.seed} --minutes {outcome.minutes:g}{only}{book}{rules}{kept}"
