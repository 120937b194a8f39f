"""The records behind risk numbers, read once: history of returns, stress scenarios, tiered margin.

Owns where they are; their shapes and checks are `hedgebot.margin`'s.
"""

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from hedgebot.config.shipped import FILES
from hedgebot.daemon.closes_file import read_closes
from hedgebot.domain.errors import DataError
from hedgebot.margin.parameters import ParameterSet, parse_parameters
from hedgebot.margin.registry import BYBIT, Registry, registry
from hedgebot.margin.standard_history import standard_history
from hedgebot.margin.stress import StressSet, parse_stress
from hedgebot.margin.tail_risk import History, parse_history
from hedgebot.margin.venue_records import VenueRecords, parse_records

STRESS_FILE = "stress_20261126.json"
TIERS_FILE = FILES[BYBIT]


def read_history(path: Path | None = None, closes: Mapping[str, Path] | None = None) -> History:
    """A history from a record, from an operator's files of closes, or the one made by rule.

    DataError says what is wrong with a file. Closes are a history by themselves: made days are not joined to real ones.
    """
    if closes:
        return read_closes(dict(closes))
    return standard_history() if path is None else parse_history(*_content(path))


def read_stress(path: Path | None = None) -> StressSet:
    """The scenarios that ship, or others; DataError says what is wrong with them."""
    return parse_stress(*_content(path or _shipped(STRESS_FILE)))


def read_tiers(path: Path | None = None) -> ParameterSet:
    """The margin parameters that ship, or others; DataError says what is wrong with them."""
    return parse_parameters(*_content(path or _shipped(TIERS_FILE)))


def read_registry(own: Mapping[str, Path] | None = None) -> Registry:
    """Every margin model, with the operator's own files by venue in place of the shipped ones."""
    paths: dict[str, Path | Traversable] = {venue: _shipped(name) for venue, name in FILES.items()}
    return registry({venue: _content(path) for venue, path in (paths | dict(own or {})).items()})


def read_records() -> list[VenueRecords]:
    """The shipped records of every venue but Bybit, whose unified account has one of its own (`read_tiers`)."""
    return [parse_records(*_content(_shipped(name))) for venue, name in FILES.items() if venue != BYBIT]


def _shipped(name: str) -> Traversable:
    return files("hedgebot.margin").joinpath(name)


def _content(path: Path | Traversable) -> tuple[bytes, str]:
    try:
        return path.read_bytes(), path.name
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise DataError(msg) from error
