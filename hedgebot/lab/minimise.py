"""The fewest mishaps of a failing world that still break the same: what is left is what somebody has to look at.

Owns the search. Each mishap begins when it did in the whole world, so one line repeats what is found. It judges
nothing: whether two failures are the same is said by the signs of their outcomes.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence

import msgspec

from hedgebot.core.engine import LoadStrategy
from hedgebot.lab.campaign import NONE, one_run, repeat_line
from hedgebot.lab.outcome import Outcome

Play = Callable[[Sequence[str] | None], Outcome]
"""Plays the same world with some of its mishaps; None: with all of them."""


class Smallest(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of a failing seed. `sign` is what still fails; `runs` were needed to find it.

    `repeats`: the world failed alike when it was played again; else nothing was left out of it.
    """

    seed: int
    sign: str
    kept: tuple[str, ...]
    left_out: tuple[str, ...]
    line: str
    runs: int
    repeats: bool = True

    @property
    def sentence(self) -> str:
        """What was found, with the line that repeats it."""
        if not self.repeats:
            return f"{self.sign} does not fail again: the build is not the same from run to run; {self.line}"
        without = f" without {', '.join(self.left_out)}" if self.left_out else ""
        return f"{self.sign} fails with {', '.join(self.kept) or NONE}{without}: {self.line}"


def minimise(outcome: Outcome, load_strategy: LoadStrategy) -> Smallest:
    """Seek the smallest set of a failing outcome's mishaps, by playing its world again. ValueError for one that held.

    A world plays at most four mishaps: sixteen runs at most, and mostly less than eight.
    """

    def play(kept: Sequence[str] | None) -> Outcome:
        return one_run(outcome.seed, outcome.minutes, outcome.only, load_strategy, outcome.book, kept, outcome.rules)

    return smallest(outcome, play)


def smallest(outcome: Outcome, play: Play) -> Smallest:
    """The same, with the world at hand: sets of growing size are tried, so that none smaller fails alike."""
    if outcome.passed:
        raise ValueError(f"seed {outcome.seed} held: nothing of it can be left out")
    sign = outcome.signs[0]
    whole = tuple(one.id for one in outcome.played)
    for runs, kept in enumerate(_subsets(whole), start=1):
        again = play(outcome.kept if kept == whole else kept)
        if sign in again.signs:
            left_out = tuple(name for name in whole if name not in kept)
            line = repeat_line(again)
            return Smallest(seed=outcome.seed, sign=sign, kept=kept, left_out=left_out, line=line, runs=runs)
    line, runs = repeat_line(outcome), 2 ** len(whole)
    return Smallest(seed=outcome.seed, sign=sign, kept=whole, left_out=(), line=line, runs=runs, repeats=False)


def _subsets(names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Smaller ones first, the whole last; each in the order of the names."""
    return itertools.chain.from_iterable(itertools.combinations(names, size) for size in range(len(names) + 1))
