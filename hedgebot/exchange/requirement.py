"""Initial and maintenance margin as one value. Must not know where they come from."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Requirement:
    """Initial and maintenance margin, in whatever unit the function that answers it says."""

    initial: float
    maintenance: float

    def times(self, factor: float) -> "Requirement":
        """In another unit."""
        return Requirement(self.initial * factor, self.maintenance * factor)


NOTHING = Requirement(0.0, 0.0)


def total(parts: Iterable[Requirement]) -> Requirement:
    """Their sum."""
    initial = maintenance = 0.0
    for part in parts:
        initial += part.initial
        maintenance += part.maintenance
    return Requirement(initial, maintenance)
