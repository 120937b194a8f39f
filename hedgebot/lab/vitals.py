"""Does a long-running process grow? Samples of its memory, tasks, descriptors and journal, and a verdict in numbers.

Robust figures: one garbage collection or one storm of reconnects must neither hide a leak nor pretend one. Owns
arithmetic; where the samples come from is the caller's.

Memory is what is private to the process: everything that it has written, whatever wrote it. Resident pages of mapped
files (libraries, the database's shared index) are the system's cache: they come when they are read for the first time
and go when others need the room, so that they both pretend a leak and, when they go, hide one. They are shown, not
judged.
"""

import os
from pathlib import Path

import msgspec
import numpy as np

# A fit over less than this says nothing about an hour: then only the growth itself is bounded.
SLOPE_SPAN_S = 540.0
SLOPE_MB_PER_H_MAX = 1.0
GROWTH_MB_MAX = 12.0
# The tables are bounded by age (orders ten minutes, trade ids fifteen): full by then, at any pace.
WARM_UP_SHARE, WARM_UP_S_MAX = 2 / 3, 1_200.0
TASKS_FLAT, DESCRIPTORS_FLAT = 3.0, 3.0
# The later half's journal against the earlier half's.
JOURNAL_RATIO = (0.5, 2.0)
POINTS_MAX = 1_000
MB = 1e6


class Vitals(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a process: seconds since the start, private and resident bytes, tasks, descriptors, journal bytes."""

    at_s: float
    private_bytes: int
    rss_bytes: int
    tasks: int
    descriptors: int
    journal_bytes: int


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What the samples after the warm-up come to; `complaints` is empty when the process does not grow.

    `private_mb_per_h` is the median of all pairwise slopes (Theil and Sen), `private_growth_mb` the medians' difference
    between the last and the first third, as are `tasks_growth` and `descriptors_growth`. `journal_ratio` compares the
    growth of the two halves: 1 is linear.
    """

    samples: int
    span_s: float
    rss_mb: float
    private_mb: float
    private_mb_per_h: float | None
    private_growth_mb: float
    tasks: float
    tasks_growth: float
    descriptors: float
    descriptors_growth: float
    journal_mb_per_h: float
    journal_ratio: float | None
    complaints: tuple[str, ...]


def warm_up_s(seconds: float) -> float:
    """How long a run of so many seconds warms up: two thirds of it, twenty minutes at most."""
    return min(seconds * WARM_UP_SHARE, WARM_UP_S_MAX)


def judge(samples: list[Vitals], warm_s: float) -> Health:
    """Judge what was seen from `warm_s` on. Raises ValueError for fewer than six samples there."""
    seen = [one for one in samples if one.at_s >= warm_s]
    if len(seen) < 6:  # two for each third
        raise ValueError(f"there are {len(seen)} samples after {warm_s:.0f} s, at least 6 are needed")
    at_s = np.array([one.at_s for one in seen])
    private_mb = np.array([one.private_bytes for one in seen]) / MB
    tasks = np.array([one.tasks for one in seen], dtype=float)
    descriptors = np.array([one.descriptors for one in seen], dtype=float)
    span_s = float(at_s[-1] - at_s[0])
    slope = theil_sen(at_s / 3_600.0, private_mb) if span_s >= SLOPE_SPAN_S else None
    growth = _growth(private_mb)
    ratio, rate = _journal(seen, span_s)
    return Health(
        samples=len(seen),
        span_s=span_s,
        rss_mb=float(np.median([one.rss_bytes for one in seen])) / MB,
        private_mb=float(np.median(private_mb)),
        private_mb_per_h=slope,
        private_growth_mb=growth,
        tasks=float(np.median(tasks)),
        tasks_growth=_growth(tasks),
        descriptors=float(np.median(descriptors)),
        descriptors_growth=_growth(descriptors),
        journal_mb_per_h=rate,
        journal_ratio=ratio,
        complaints=tuple(_complaints(slope, growth, _growth(tasks), _growth(descriptors), ratio)),
    )


def theil_sen(at: np.ndarray, values: np.ndarray) -> float:
    """The median of the slopes between all pairs of points; at most POINTS_MAX points, evenly chosen, are taken.

    Source: Theil 1950, Sen 1968. Up to 29 % of the points may be anything.
    """
    step = -(-len(at) // POINTS_MAX)
    at, values = at[::step], values[::step]
    first, second = np.triu_indices(len(at), 1)
    apart = at[second] - at[first]
    kept = apart > 0
    return float(np.median((values[second] - values[first])[kept] / apart[kept]))


def _growth(values: np.ndarray) -> float:
    third = len(values) // 3
    return float(np.median(values[-third:]) - np.median(values[:third]))


def _journal(seen: list[Vitals], span_s: float) -> tuple[float | None, float]:
    """Growth of the later half over the earlier one's (None where it cannot be told), and MB per hour."""
    start, end = seen[0], seen[-1]
    middle = min(seen, key=lambda one: abs(one.at_s - (start.at_s + end.at_s) / 2.0))
    early, late = middle.journal_bytes - start.journal_bytes, end.journal_bytes - middle.journal_bytes
    rate = (end.journal_bytes - start.journal_bytes) / MB / (span_s / 3_600.0)
    return (late / early if early > 0 and span_s >= SLOPE_SPAN_S else None), rate


def _complaints(slope: float | None, growth: float, tasks: float, descriptors: float, ratio: float | None) -> list[str]:
    found: list[str] = []
    if slope is not None and slope >= SLOPE_MB_PER_H_MAX:
        found.append(f"memory grows by {slope:.2f} MB an hour, it should be less than {SLOPE_MB_PER_H_MAX:g}")
    if growth > GROWTH_MB_MAX:
        found.append(f"memory grew by {growth:.1f} MB after the warm-up, it should be at most {GROWTH_MB_MAX:g}")
    if tasks > TASKS_FLAT:
        found.append(f"{tasks:.0f} tasks more in the last third than in the first")
    if descriptors > DESCRIPTORS_FLAT:
        found.append(f"{descriptors:.0f} descriptors more in the last third than in the first")
    if ratio is not None and not JOURNAL_RATIO[0] <= ratio <= JOURNAL_RATIO[1]:
        found.append(f"the journal's second half grew {ratio:.2f} times as much as its first: not linear")
    return found


def resident_bytes(pid: int) -> int:
    """Resident memory of a process. OSError where it is gone or the system does not tell."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def private_bytes(pid: int) -> int:
    """Memory of a process that no file stands behind. OSError where it is gone or the system does not tell (Linux)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "Anonymous":
            return int(value.split()[0]) * 1_024
    raise OSError(f"/proc/{pid}/smaps_rollup does not tell what is anonymous")


def descriptor_count(pid: int) -> int:
    """Open descriptors of a process; OSError as above."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def journal_bytes(state_dir: Path) -> int:
    """What database and tape of a book take; a file that vanishes meanwhile counts for nothing."""
    total = 0
    for path in (*state_dir.glob("journal.db*"), *(state_dir / "tape").glob("*")):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total
