"""The dated records behind risk numbers, read once: history of returns, stress scenarios, tiered margin.

Owns where they are; their shapes and checks are `hedgebot.margin`'s.
"""

from importlib.resources import files
from pathlib import Path

from hedgebot.domain.errors import DataError
from hedgebot.margin.parameters import ParameterSet, parse_parameters
from hedgebot.margin.stress import StressSet, parse_stress
from hedgebot.margin.tail_risk import History, parse_history

HISTORY_FILE = "daily_closes_20260102.json"
STRESS_FILE = "stress_20261126.json"
TIERS_FILE = "bybit_20261125.json"


def read_history(path: Path | None = None) -> History:
    """The history that ships, or another one; DataError says what is wrong with it."""
    return parse_history(*_content(path, HISTORY_FILE))


def read_stress(path: Path | None = None) -> StressSet:
    """The scenarios that ship, or others; DataError says what is wrong with them."""
    return parse_stress(*_content(path, STRESS_FILE))


def read_tiers(path: Path | None = None) -> ParameterSet:
    """The margin parameters that ship, or others; DataError says what is wrong with them."""
    return parse_parameters(*_content(path, TIERS_FILE))


def _content(path: Path | None, shipped: str) -> tuple[bytes, str]:
    if path is None:
        return files("hedgebot.margin").joinpath(shipped).read_bytes(), shipped
    try:
        return path.read_bytes(), path.name
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise DataError(msg) from error
