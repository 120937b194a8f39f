"""What came of one run of the fault world: what was played, what was broken, and what repeats it.

Owns the record of a run and the signs by which two failures are the same. It plays and judges nothing.
"""

import msgspec

from hedgebot.lab.oracle import Violation
from hedgebot.lab.worldbooks import BookKind
from hedgebot.lab.worldvenues import FIRST

RECOVER = "I12"
"""The invariant of a book that must come back to its band."""


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """A mishap and when it was played, in seconds from the start."""

    id: str
    from_s: float
    until_s: float


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one seed. `stuck` says why the book did not come back, or did not stay; empty when it did.

    `unmet` says which criteria of single mishaps were not met. `only` are the ids it was drawn from; empty for all.
    `kept` are those of the drawn mishaps that were played; None: all of them. `minutes` were asked for,
    `lasted_minutes` is what its mishap needed. `book` is what was hedged with, `rules` the venue by whose rules.
    """

    seed: int
    minutes: float
    played: tuple[Played, ...]
    violations: tuple[Violation, ...]
    stuck: str
    hedges: int
    own_fills: int
    starts: int
    alerts: tuple[str, ...]
    unmet: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    lasted_minutes: float = 0.0
    book: BookKind = BookKind.ONE
    kept: tuple[str, ...] | None = None
    rules: str = FIRST

    @property
    def passed(self) -> bool:
        """Whether nothing was broken and the book came back."""
        return not (self.violations or self.stuck or self.unmet)

    @property
    def signs(self) -> tuple[str, ...]:
        """What failed, each once, the gravest first: invariants in the order they broke, then criteria by mishap."""
        broken = [one.invariant for one in self.violations]
        late = [RECOVER] if self.stuck else []
        unmet = [f"criterion of {one.partition(':')[0]}" for one in self.unmet]
        return tuple(dict.fromkeys((*broken, *late, *unmet)))
