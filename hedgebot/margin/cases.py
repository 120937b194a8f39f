"""Worked examples of venue margin: their file's schema, and how a recomputed number is held against a printed one.

Owns reading, flattening and judging. How each kind of case is recomputed is `recipes*.py`. A case is recognised by the
inputs that it has, not by its id, so that another file in the same schema can be checked. Numbers are kept as printed:
their digits say how exactly the source knew them.
"""

import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from hedgebot.domain.errors import DataError

RELATIVE = 1e-9
DIGITS_MAX = 16


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One example. `expected` maps a dotted name to the number as it was printed; `status` is the source's word."""

    id: str
    venue: str
    inputs: Mapping[str, Any]
    expected: Mapping[str, Decimal]
    tolerance: float | None = None
    status: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a recipe made of a case: numbers by dotted name, and why the others have none."""

    values: Mapping[str, float]
    unknown: Mapping[str, str] = {}


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One number of a case. `found` None: not computed, for the `reason` given."""

    name: str
    expected: Decimal
    found: float | None
    digits: int
    passed: bool
    reason: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """All numbers of a case. It passes when all that were computed do, and at least one was."""

    case: Case
    model: str
    checks: tuple[Check, ...]

    @property
    def computed(self) -> tuple[Check, ...]:
        """Those that the model has a number for."""
        return tuple(one for one in self.checks if one.found is not None)

    @property
    def passed(self) -> bool:
        """Whether the model reproduces the case."""
        return bool(self.computed) and all(one.passed for one in self.computed)

    @property
    def digits(self) -> int:
        """Decimal digits that the worst of its numbers has right."""
        return min((one.digits for one in self.computed), default=0)


def parse_cases(content: bytes, name: str) -> list[Case]:
    """Read an example file's content; DataError names the file, the case and the key that is wrong.

    Two shapes are known: a list of cases, and an object with `default_params`, `default_scenarios` and `cases`, whose
    cases are inputs and `expected` side by side.
    """
    try:
        document = json.loads(content, parse_float=Decimal)
    except ValueError as error:
        msg = f"{name} is not JSON: {error}"
        raise DataError(msg) from error
    if isinstance(document, dict) and isinstance(document.get("cases"), list):
        shared = {
            "params": document.get("default_params", {}),
            "scenarios": document.get("default_scenarios", []),
            "venue": "derive PMRM2",
        }
        rows = [_with_shared(row, shared) for row in document["cases"]]
    elif isinstance(document, list):
        rows = document
    else:
        msg = f"{name}: expected a list of cases, or an object with a list `cases`"
        raise DataError(msg)
    if not rows:
        msg = f"{name} has no cases: there is nothing to verify"
        raise DataError(msg)
    return [_case(row, number, name) for number, row in enumerate(rows, start=1)]


def _with_shared(row: Any, shared: Mapping[str, Any]) -> Any:  # noqa: ANN401  (parsed JSON)
    if not isinstance(row, dict):
        return row
    outer = {"id", "expected", "status", "recomputed", "what", "tolerance"}
    inputs = {key: value for key, value in row.items() if key not in outer}
    inputs["params"] = shared["params"] | row.get("param_overrides", {})
    inputs["scenarios"] = row.get("scenarios_override") or shared["scenarios"]
    return {key: row[key] for key in row if key in outer} | {"venue": shared["venue"], "inputs": inputs}


def _case(row: Any, number: int, name: str) -> Case:  # noqa: ANN401  (parsed JSON)
    for key, kind in (("id", str), ("inputs", dict)):
        if not isinstance(row, dict) or not isinstance(row.get(key), kind):
            msg = f"{name}, case {number}: {key} is missing or no {'text' if kind is str else 'object'}"
            raise DataError(msg)
    inputs, printed = _floats(row["inputs"]), row.get("expected", {})
    if isinstance(printed, list):
        # A table of results by size: the size is an input that stands among them.
        inputs["sizes"] = [float(one["size"]) for one in printed if isinstance(one, dict) and "size" in one]
    expected = {key: one for key, one in flatten(printed) if not key.endswith(".size")}
    expected |= dict(flatten(row.get("derived", {})))
    tolerance = row.get("tolerance")
    if not expected:
        msg = f"{name}, case {row['id']}: expected holds no number"
        raise DataError(msg)
    return Case(
        id=row["id"],
        venue=str(row.get("venue", "")),
        inputs=inputs,
        expected=expected,
        tolerance=None if tolerance is None else float(tolerance),
        status=str(row.get("status", "")),
    )


def flatten(value: Any, prefix: str = "") -> list[tuple[str, Decimal]]:  # noqa: ANN401  (parsed JSON)
    """Numbers of nested objects and lists by dotted name; what is no number is passed over."""
    if isinstance(value, bool) or value is None:
        return []
    if isinstance(value, int | Decimal):
        return [(prefix, Decimal(value))]
    inner: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = [(str(number), one) for number, one in enumerate(value)]
    return [pair for key, one in inner for pair in flatten(one, f"{prefix}.{key}" if prefix else key)]


def _floats(value: Any) -> Any:  # noqa: ANN401  (parsed JSON)
    """Inputs as the models take them: floats; integers stay integers."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: _floats(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_floats(one) for one in value]
    return value


def judge(case: Case, model: str, answer: Answer) -> Verdict:
    """Hold every printed number against the recomputed one."""
    return Verdict(case=case, model=model, checks=tuple(_check(case, name, answer) for name in case.expected))


def _check(case: Case, name: str, answer: Answer) -> Check:
    expected = case.expected[name]
    found = answer.values.get(name)
    if found is None:
        reason = answer.unknown.get(name, "the model has no number of this name")
        return Check(name=name, expected=expected, found=None, digits=0, passed=False, reason=reason)
    off = abs(found - float(expected))
    allowed = max(case.tolerance or 0.0, RELATIVE * abs(float(expected)), _half_of_last_digit(expected))
    return Check(
        name=name,
        expected=expected,
        found=found,
        digits=matched_digits(float(expected), found),
        # A comparison that a value which is no number cannot pass.
        passed=off <= allowed,
    )


def _half_of_last_digit(printed: Decimal) -> float:
    """Half a unit of the last decimal that was printed; a whole number was meant exactly."""
    exponent = printed.as_tuple().exponent
    return 0.5 * 10.0**exponent if isinstance(exponent, int) and exponent < 0 else RELATIVE


def matched_digits(expected: float, found: float) -> int:
    """Decimal digits in which two numbers agree, relative to the expected one; absolute ones where that is zero."""
    off = abs(found - expected)
    if off == 0.0:
        return DIGITS_MAX
    if not math.isfinite(off):
        return 0
    scale = abs(expected) or 1.0
    return max(0, min(DIGITS_MAX, math.floor(-math.log10(off / scale))))


def worst(verdicts: Sequence[Verdict]) -> int:
    """Digits of the worst case; 0 without any."""
    return min((one.digits for one in verdicts), default=0)
