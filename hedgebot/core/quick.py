"""The engine for replays: an event that a proven claim covers is not stepped. The same state, commands and journal.

Owns the choice between a claim and the step, for nothing else differs: all decisions are `engine.py`'s. The daemon does
not use it, for its events come a few hundred times a second; whoever plays millions of them does.
"""

from collections.abc import Iterable
from decimal import getcontext, setcontext

from hedgebot.core.calm import Claim, Taken
from hedgebot.core.calms import Calms
from hedgebot.core.engine import ARITHMETIC, Engine, LoadStrategy
from hedgebot.core.state import EngineState
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command

_COVERED = (ev.BookTop, ev.TimerFired)
_NOTHING: tuple[Command, ...] = ()


class QuickEngine(Engine):
    """An engine whose `step` leaves out what provably comes to nothing."""

    def __init__(self, load_strategy: LoadStrategy, state: EngineState | None = None) -> None:
        super().__init__(load_strategy, state)
        self._calms = Calms()
        self._claim: Claim | None = None

    @property
    def state(self) -> EngineState:
        """The whole state, with the band as the newest event found it."""
        if self._claim is not None and self._claim.owed is None:
            self._claim.note_band()
        return super().state

    def step(self, stamped: ev.Stamped) -> tuple[Command, ...]:
        """Apply one event and say what to do about it, in order."""
        ambient = getcontext()
        setcontext(ARITHMETIC)
        try:
            return self._take_or_step(stamped)
        finally:
            setcontext(ambient)

    def take_books(self, books: Iterable[ev.BookTop], before_ns: int) -> Taken:
        """Take books that come at their own stamps, each by itself, as far as the claim in force covers them.

        Ends at the first one that it does not, or that comes at `before_ns` or later; that one is given back.
        """
        ambient = getcontext()
        setcontext(ARITHMETIC)
        try:
            claim = self.claim()
            return Taken(0, next(iter(books), None)) if claim is None else claim.take_books(books, before_ns)
        finally:
            setcontext(ambient)

    @property
    def claim_in_force(self) -> Claim | None:
        """The claim that covers what comes, where there is one."""
        return self._claim

    def claim(self) -> Claim | None:
        """The claim in force, or one made now, whether or not it would pay for single events."""
        if self._claim is None:
            self._claim = self._calms.claim(self.state, self._strategy, worth=False)
        return self._claim

    def _take_or_step(self, stamped: ev.Stamped) -> tuple[Command, ...]:
        claim = self._claim
        if claim is None and isinstance(stamped.event, _COVERED):
            claim = self._claim = self._calms.claim(self.state, self._strategy)
        commands = None
        if claim is not None:
            if claim.take(stamped):
                return _NOTHING
            claim.settle()
            commands = claim.ask(stamped)
        if commands is None:
            commands = self._step(stamped)
        self._calms.note(stamped, commands, claim)
        self._claim = None
        return commands
