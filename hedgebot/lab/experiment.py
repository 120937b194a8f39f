"""What an experiment of the paper of record is: which figures it finds and what it needs. Owns no figure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How to run: the folder of recorded data, if there is one, and the share of the paths that rows ask for."""

    data: Path | None = None
    effort: float = 1.0

    def paths(self, asked: int) -> int:
        """How many paths to simulate where a row asks for so many."""
        return max(round(asked * self.effort), 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One computation that finds the figures of `ids`; `seconds` is about what it takes at full effort on one core.

    `folder` is the set of recorded data that it needs, empty for none.
    """

    ids: tuple[str, ...]
    find: Callable[[Setting], Figures]
    folder: str = ""
    seconds: float = 0.0
