"""The paper of record: computes every figure that is claimed anew and holds it against the claim.

Owns the cases (value, tolerance, source: a data file) and the verdict. Must not know how a figure is found: that is
the experiments'. A case without its recorded data is skipped with the reason; one that nobody computes has failed.
"""

import csv
import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from hedgebot.domain.errors import DataError
from hedgebot.lab import (
    figures_book,
    figures_closed,
    figures_history,
    figures_model_a,
    figures_rivals,
    figures_walks,
    published,
)
from hedgebot.lab.experiment import Experiment, Figures, Setting

CASES = Path(__file__).with_name("hedging_cases.csv")
"""Acceptance figures of the hedging reference and the cells of its tables, each with its source."""

EXPERIMENTS: tuple[Experiment, ...] = (
    *figures_closed.EXPERIMENTS,
    *published.EXPERIMENTS,
    *figures_history.EXPERIMENTS,
    *figures_walks.EXPERIMENTS,
    *figures_rivals.EXPERIMENTS,
    *figures_book.EXPERIMENTS,
    *figures_model_a.EXPERIMENTS,
)
_KINDS = ("abs", "rel", "pp")
# "exact" means the same number, not the same last bit of a division by ten.
_EXACT = 1e-12


class Case(NamedTuple):
    """A claimed figure. `tolerance` is abs:, rel: or pp: (points) around it, `max` (an upper bound) or exact."""

    id: str
    quantity: str
    value: float
    tolerance: str
    source: str

    def holds(self, found: float) -> bool:
        """Whether a computed figure is within the tolerance; a figure that is no number never is."""
        if self.tolerance == "max":
            return found <= self.value
        if self.tolerance == "exact":
            return math.isclose(found, self.value, rel_tol=_EXACT)
        kind, size = self.tolerance.split(":")
        return abs(found - self.value) <= float(size) * (abs(self.value) if kind == "rel" else 1.0)


class Verdict(NamedTuple):
    """What came of one case: `passed` is None where it was skipped, `note` says why there is no figure."""

    case: Case
    found: float | None
    passed: bool | None
    note: str = ""


def read_cases(path: Path) -> list[Case]:
    """Read cases from a CSV with id, value and tolerance; DataError names file, line and what would be right."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise DataError(f"cases {path}: {problem}; a CSV with id, value and tolerance was expected") from None
    cases = [_case(path, number, row) for number, row in enumerate(rows, start=2)]
    if not cases:
        raise DataError(f"cases {path}: no row; a CSV with id, value and tolerance was expected")
    names = [one.id for one in cases]
    if double := next((name for name in names if names.count(name) > 1), None):
        raise DataError(f"cases {path}: {double!r} stands there twice; each id once")
    return cases


def _case(path: Path, line: int, row: dict[str, str]) -> Case:
    missing = [name for name in ("id", "value", "tolerance") if not row.get(name)]
    if missing:
        raise DataError(f"cases {path}, line {line}: {missing[0]} is missing; each row has id, value and tolerance")
    kind, _, size = row["tolerance"].partition(":")
    known = kind in _KINDS and _number(size) >= 0.0 if size else kind in {"max", "exact"}
    if not known or not math.isfinite(_number(row["value"])):
        word, value = ("value", row["value"]) if known else ("tolerance", row["tolerance"])
        right = "a number" if known else "abs:, rel: or pp: with a number, max or exact"
        raise DataError(f"cases {path}, line {line}: {word} is {value!r}; it must be {right}")
    return Case(row["id"], row.get("quantity") or "", _number(row["value"]), row["tolerance"], row.get("source") or "")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def chosen(cases: Sequence[Case], patterns: Sequence[str]) -> list[Case]:
    """Cases whose id fits a pattern (* and ? as in file names); DataError for a pattern that fits none."""
    for pattern in patterns:
        if not any(fnmatchcase(one.id, pattern) for one in cases):
            raise DataError(f"no case is named {pattern!r}; known: {', '.join(one.id for one in cases[:12])} ...")
    return [one for one in cases if not patterns or any(fnmatchcase(one.id, pattern) for pattern in patterns)]


def find_recordings(near: Sequence[Path]) -> Path | None:
    """The folder ../shared/data beside one of these folders or one above; None where there is none."""
    for base in near:
        for parent in (base.parent, base.parent.parent):
            if (parent / "shared" / "data").is_dir():
                return parent / "shared" / "data"
    return None


def reproduce(cases: Sequence[Case], setting: Setting, *, workers: int | None = None) -> Iterator[list[Verdict]]:
    """Run what the cases need, each experiment once; the verdicts of each, as they come, in the experiments' order."""
    wanted = {one.id: one for one in cases}
    unknown = set(wanted) - {name for one in EXPERIMENTS for name in one.ids}
    if unknown:
        yield [Verdict(wanted[name], None, False, "nothing here computes it") for name in wanted if name in unknown]
    needed = [one for one in EXPERIMENTS if any(name in wanted for name in one.ids)]
    count = min(workers or os.cpu_count() or 1, max(len(needed), 1))
    if count == 1:
        for one in needed:
            yield _judged(one, wanted, _run(one, setting))
        return
    with ProcessPoolExecutor(count) as pool:
        for one, found in zip(needed, pool.map(_run, needed, [setting] * len(needed)), strict=True):
            yield _judged(one, wanted, found)


class _Outcome(NamedTuple):
    figures: Figures
    problem: str = ""
    skipped: bool = False


def _run(experiment: Experiment, setting: Setting) -> _Outcome:
    folder = experiment.folder
    if folder and (setting.data is None or not (setting.data / folder).is_dir()):
        where = "no folder of recorded data was given or found" if setting.data is None else f"not in {setting.data}"
        return _Outcome({}, f"needs {folder}: {where}", skipped=True)
    try:
        return _Outcome(experiment.find(setting))
    except DataError as problem:
        return _Outcome({}, str(problem))


def _judged(experiment: Experiment, wanted: dict[str, Case], outcome: _Outcome) -> list[Verdict]:
    verdicts = []
    for name in experiment.ids:
        if (case := wanted.get(name)) is None:
            continue
        found = outcome.figures.get(name)
        if found is None:
            verdicts.append(Verdict(case, None, None if outcome.skipped else False, outcome.problem or "not computed"))
        else:
            verdicts.append(Verdict(case, found, case.holds(found)))
    return verdicts
