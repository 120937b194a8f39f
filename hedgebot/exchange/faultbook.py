"""The faults that are active: how often each struck, when it is over, its own seeded chance. Bounded at 100.

Owns counting and chance, for both faces. Decides nothing about what a fault does; time is handed in.
"""

import random
from collections.abc import Callable, Iterator
from itertools import count
from typing import Generic, TypeVar

import msgspec

from hedgebot.domain.durations import NS_PER_S
from hedgebot.exchange.faults import FaultBase

FAULTS_MAX = 100
F = TypeVar("F", bound=FaultBase)


class TooManyFaults(ValueError):
    """The list of faults is full."""


class Active(Generic[F]):
    """A fault at work. `struck` counts what it struck, `met` what it picked."""

    __slots__ = ("_random", "ends_at_ns", "fault", "met", "number", "struck")

    def __init__(self, number: int, fault: F, now_ns: int, seed: int) -> None:
        self.number = number
        self.fault = fault
        self.met = 0
        self.struck = 0
        self.ends_at_ns = None if fault.seconds is None else now_ns + round(fault.seconds * NS_PER_S)
        # A stream of its own: one fault more or less shifts no other's chances.
        self._random = random.Random(f"{seed}/fault/{number}")

    def over(self, now_ns: int) -> bool:
        """Whether it strikes no more."""
        spent = self.fault.count is not None and self.struck >= self.fault.count
        return spent or (self.ends_at_ns is not None and self.ends_at_ns <= now_ns)

    def strikes(self) -> bool:
        """Whether it strikes what it has just picked; counts both."""
        self.met += 1
        if self.met <= self.fault.skip:
            return False
        if self.fault.probability < 1.0 and self._random.random() >= self.fault.probability:
            return False
        self.struck += 1
        return True


class FaultBook(Generic[F]):
    """Active faults in the order in which they were started: the first that strikes is the one that counts."""

    def __init__(self, seed: int, numbers: Iterator[int] | None = None) -> None:
        self._seed = seed
        # Several books of one face may draw on one sequence, so that a number names one fault.
        self._numbers = numbers or count(1)
        self._active: list[Active[F]] = []

    def add(self, fault: F, now_ns: int) -> int:
        """Start a fault; its number, by which it can be ended. Raises TooManyFaults."""
        self._expire(now_ns)
        if len(self._active) >= FAULTS_MAX:
            msg = f"{FAULTS_MAX} faults are active already; end some first"
            raise TooManyFaults(msg)
        number = next(self._numbers)
        self._active.append(Active(number, fault, now_ns, self._seed))
        return number

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing that could strike."""
        return not self._active

    def end(self, number: int) -> bool:
        """End a fault; False where there is none of that number."""
        before = len(self._active)
        self._active = [one for one in self._active if one.number != number]
        return len(self._active) < before

    def clear(self) -> None:
        """End all of them."""
        self._active.clear()

    def active(self, now_ns: int) -> tuple[Active[F], ...]:
        """Those that are not over."""
        self._expire(now_ns)
        return tuple(self._active)

    def strike(self, now_ns: int, picks: Callable[[F], bool]) -> F | None:
        """The fault that strikes now, counted; None for most of what happens."""
        if not self._active:
            return None
        return next((one.fault for one in self._picked(now_ns, picks) if one.strikes()), None)

    def holds(self, now_ns: int, picks: Callable[[F], bool]) -> F | None:
        """The first fault that applies now, not counted: for states that last."""
        if not self._active:
            return None
        return next((one.fault for one in self._picked(now_ns, picks)), None)

    def _picked(self, now_ns: int, picks: Callable[[F], bool]) -> Iterator[Active[F]]:
        for one in self._active:
            if not one.over(now_ns) and picks(one.fault):
                yield one

    def _expire(self, now_ns: int) -> None:
        self._active = [one for one in self._active if not one.over(now_ns)]


def described(book: FaultBook[F], now_ns: int) -> tuple[dict[str, object], ...]:
    """Active faults as plain values: what they are, what is left of them, how often they picked and struck."""
    return tuple(
        {
            **msgspec.to_builtins(one.fault),
            "number": one.number,
            "met": one.met,
            "struck": one.struck,
            **({} if one.fault.count is None else {"count": one.fault.count - one.struck}),
            **({} if one.ends_at_ns is None else {"seconds": round((one.ends_at_ns - now_ns) / NS_PER_S, 3)}),
        }
        for one in book.active(now_ns)
    )
