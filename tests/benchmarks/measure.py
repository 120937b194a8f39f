"""How the benchmarks measure: cases take turns within one run, and only their ratios are judged.

The machine's speed moves by itself, so a figure means something only beside its reference from the same run. Each
benchmark prints one JSON line: figures, ratios with their goals, load and versions. Owns no workload.
"""

import asyncio
import gc
import json
import os
import platform
import statistics
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from typing import Any, TypeVar

import msgspec

ROUNDS = 7
"""Turns of each case; medians are over at least five."""

LIBRARIES = ("aiohttp", "aiosqlite", "ccxt", "msgspec", "numpy", "uvloop")
T = TypeVar("T")
Samples = dict[str, list[float]]


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """A measured number held against its limit; `at_most` False means that more is better."""

    name: str
    value: float
    limit: float
    at_most: bool = True

    @property
    def met(self) -> bool:
        """Whether the number is on the right side of its limit."""
        return self.value <= self.limit if self.at_most else self.value >= self.limit


def interleave(cases: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> Samples:
    """Run the cases in turn, `rounds` times, each round from another one on; what each call returned, in order."""
    names = list(cases)
    samples: Samples = {name: [] for name in names}
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            samples[name].append(cases[name]())
    return samples


async def take_turns(cases: Mapping[str, Callable[[], Awaitable[float]]], rounds: int = ROUNDS) -> Samples:
    """`interleave` for coroutines."""
    names = list(cases)
    samples: Samples = {name: [] for name in names}
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            samples[name].append(await cases[name]())
    return samples


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the kind of loop that the daemon has: uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        factory = None
    else:
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


def medians(samples: Samples, digits: int = 3) -> dict[str, float]:
    """Median of each case."""
    return {name: round(statistics.median(values), digits) for name, values in samples.items()}


def paired_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Median over the rounds of the ratio within each round: slow moments of the machine cancel out."""
    return statistics.median(one / other for one, other in zip(above, below, strict=True))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not below `share` of all of them; NaN of none."""
    ranked = sorted(values)
    return ranked[min(int(share * len(ranked)), len(ranked) - 1)] if ranked else float("nan")


@contextmanager
def no_collector() -> Iterator[None]:
    """Keep the garbage collector out of a measured stretch, as the daemon does after its start."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def report(name: str, *, goals: Sequence[Goal] = (), **figures: Any) -> None:
    """Print the benchmark's one JSON line."""
    line = {
        "bench": name,
        "goals": {
            one.name: {"value": round(one.value, 3), "limit": one.limit, "met": one.met, "at_most": one.at_most}
            for one in goals
        },
        **figures,
        "machine": machine(),
    }
    sys.stdout.write("\n" + json.dumps(line) + "\n")
    sys.stdout.flush()


def missed(goals: Sequence[Goal]) -> list[str]:
    """Sentences for the goals that were not met."""
    return [
        f"{one.name}: {one.value:.3f}, the goal is {'at most' if one.at_most else 'at least'} {one.limit:g}"
        for one in goals
        if not one.met
    ]


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "load": [round(one, 2) for one in os.getloadavg()],
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in LIBRARIES if _installed(name)},
    }


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
