"""The bounded inbox: everything that happened and was not yet taken, in one order (priority, arrival).

Owns priorities, conflation and overflow. Must not decide, wait, or read a clock; it is used from one thread only.

Market events conflate: of each (type, instrument) only the newest waits, *at the place of the first one not yet taken*,
so that an instrument which ticks faster than we take can never push itself, or be pushed, to the back for ever.
Timers conflate too: one waiting TimerFired says all that a second could.
"""

from collections import deque
from collections.abc import Callable
from enum import IntEnum
from typing import assert_never

from hedgebot.domain import events as ev
from hedgebot.domain.deadman import DeadManChanged
from hedgebot.domain.dropcopy import ExecutionsRead
from hedgebot.domain.errors import ProgrammingError
from hedgebot.domain.holdings import HoldingReported
from hedgebot.domain.operator_events import LimitRaised, LimitRestored, MoveResolved, ProposalDecided
from hedgebot.domain.risk_events import FundingRead, RiskMeasured
from hedgebot.domain.treasury import FundingWalletRead, MoveAnswered, MoveLookedUp
from hedgebot.domain.venue_events import MarketsRead


class Priority(IntEnum):
    """Classes of events, most urgent first; each class has its own bounded queue: none can crowd out another."""

    START = 0
    EXECUTION = 1
    OPERATOR = 2
    PRIVATE = 3
    TIMER = 4
    MARKET = 5


def priority_of(event: ev.Event) -> Priority:
    """The class of an event.

    InstrumentsLoaded stands with the executions because a fill cannot be valued before the rules of its instrument are
    known. Failures of our own tasks stand with the operator's words: both can stop the book.
    """
    match event:
        case ev.TimerFired():
            return Priority.TIMER
        case ev.RunStarted():
            return Priority.START
        case ev.FillReceived() | ev.FundingPaid() | ev.InstrumentsLoaded():
            return Priority.EXECUTION
        case (
            ev.StopRequested()
            | ev.OperatorKilled()
            | ev.OperatorUnkilled()
            | ev.OrderResolved()
            | ev.StrategySwitched()
            | ev.ConfigApplied()
            | LimitRaised()
            | LimitRestored()
            | ProposalDecided()
            | MoveResolved()
            | ev.TaskFailed()
            | ev.AccessRefused()
            | ev.InboxOverflowed()
        ):
            return Priority.OPERATOR
        case (
            ev.OrderUpdated()
            | ev.PositionUpdated()
            | ev.WalletUpdated()
            | ev.OrderAccepted()
            | ev.OrderRejected()
            | ev.OrderOutcomeUnknown()
            | ev.OrderLookedUp()
            | ev.CancelAnswered()
            | ev.SnapshotTaken()
            | ev.StreamChanged()
            | ev.FrameQuarantined()
            | ev.AuthenticationFailed()
            | ev.ClockMeasured()
            | ev.VenuePaused()
            | ev.KeyRightsAccepted()
            | ev.WatchFailed()
            | MarketsRead()
            | DeadManChanged()
            | ExecutionsRead()
            | HoldingReported()
            | RiskMeasured()
            | FundingRead()
            | FundingWalletRead()
            | MoveAnswered()
            | MoveLookedUp()
        ):
            return Priority.PRIVATE
        case ev.BookTop() | ev.Ticker() | ev.OptionQuote() | ev.StreamAlive():
            return Priority.MARKET
        case _:
            assert_never(event)


Conflated = ev.BookTop | ev.Ticker | ev.OptionQuote | ev.StreamAlive
MarketKey = tuple[type, str, str]


def market_key(event: Conflated) -> MarketKey:
    """What a market event replaces: the older one of the same type for the same instrument (or connection)."""
    if isinstance(event, ev.StreamAlive):
        return (ev.StreamAlive, event.account, event.stream)
    return (type(event), event.instrument, "")


class Inbox:
    """An EventSink that gives back the most urgent event first, and the oldest of equals.

    Bound: `capacity` waiting events in each class (market: keys). What does not fit is dropped and counted by kind; one
    InboxOverflowed per kind, taken before everything but the run's start, says how many were lost since the last one.
    """

    def __init__(self, capacity: int, on_put: Callable[[], None] | None = None) -> None:
        """Make an empty inbox; `on_put` is called after each put, to wake whoever takes."""
        if capacity < 1:
            raise ProgrammingError(f"the inbox needs a capacity of at least 1, not {capacity}")
        self._capacity = capacity
        self._on_put = on_put
        self._queues: tuple[deque[ev.Event], ...] = tuple(deque() for _ in range(Priority.MARKET))
        self._market: dict[MarketKey, Conflated] = {}
        self._dropped: dict[str, int] = {}
        self._kills = 0

    def put(self, event: ev.Event) -> None:
        """Take an event; never blocks, never raises. A full class becomes an InboxOverflowed event."""
        match event:
            case ev.BookTop() | ev.Ticker() | ev.OptionQuote() | ev.StreamAlive():
                self._put_market(event)
            case _:
                self._put_queued(event)
        if self._on_put is not None:
            self._on_put()

    def take(self) -> ev.Event | None:
        """Remove and give back the next event; None when nothing waits."""
        start = self._queues[Priority.START]
        if start:
            return start.popleft()
        if self._dropped:
            kind = next(iter(self._dropped))
            return ev.InboxOverflowed(kind=kind, dropped=self._dropped.pop(kind))
        for queue in self._queues:
            if queue:
                event = queue.popleft()
                self._kills -= isinstance(event, ev.OperatorKilled)
                return event
        if self._market:
            return self._market.pop(next(iter(self._market)))
        return None

    @property
    def kill_waits(self) -> bool:
        """Whether an operator's kill was put and not yet taken: no order may leave any more."""
        return self._kills > 0

    def __len__(self) -> int:
        """How many events would be taken now."""
        return sum(map(len, self._queues)) + len(self._market) + len(self._dropped)

    def _put_market(self, event: Conflated) -> None:
        key = market_key(event)
        if key in self._market or len(self._market) < self._capacity:
            self._market[key] = event  # a dict keeps the place of a key that it already holds
        else:
            self._drop(event)

    def _put_queued(self, event: ev.Event) -> None:
        if isinstance(event, ev.StreamChanged):
            # A sign of life from before the change would be taken after it and speak for the wrong connection.
            self._market.pop((ev.StreamAlive, event.account, event.stream), None)
        queue = self._queues[priority_of(event)]
        if isinstance(event, ev.TimerFired) and queue:
            return
        if len(queue) < self._capacity:
            queue.append(event)
            self._kills += isinstance(event, ev.OperatorKilled)
        else:
            self._drop(event)

    def _drop(self, event: ev.Event) -> None:
        kind = type(event).__name__
        self._dropped[kind] = self._dropped.get(kind, 0) + 1
