"""Plays a book over recorded quotes: the engine's own turn on virtual time, event by event or with the skip.

Owns the order of what happens at one moment (what else was recorded, the venue's care, the timer, the quote) and the
journal's digest: every row that a journal would keep, with its number and moment. Market events and timers are the
recording itself, they are numbered and not kept. With the skip all is the same but the time; `QuotePlay.digest` tells.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from hashlib import blake2b
from itertools import chain, islice

import msgspec

from hedgebot.core.calm import Claim
from hedgebot.core.engine import Engine, LoadStrategy
from hedgebot.core.quick import QuickEngine
from hedgebot.core.state import state_digest
from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.errors import ConfigError, ProgrammingError
from hedgebot.domain.settings import EngineSettings
from hedgebot.journal.codec import encode
from hedgebot.lab.quotedesk import Opening, QuoteDesk
from hedgebot.lab.quotes import Quotes
from hedgebot.lab.skip import Ahead, Stretch
from hedgebot.turn.inbox import Conflated, Inbox
from hedgebot.turn.turn import Turn

CARE_NS = 5_000_000_000
"""How often the venue shows its mark and that it lives: well within the engine's limits on their age."""

WARM_UP_QUOTES = 64
_TURN_EVENTS_MAX = 64
_RECORDED = (ev.BookTop, ev.TimerFired)
_TICKING = (ev.Ticker, ev.StreamAlive, ev.ClockMeasured)
_TIMER = ev.TimerFired()
Heard = Callable[[ev.Stamped | cmd.Issued], None]


class Way(StrEnum):
    """How events are taken; all three give the same journal."""

    FULL = "full"  # every event through the whole step
    CLAIMS = "claims"  # every event by itself, those that a claim covers without the step
    SKIP = "skip"  # runs of covered events at once


class Order(msgspec.Struct, frozen=True, gc=False):
    """A hedge as it left: its moment, signed contracts."""

    at_ns: int
    contracts: str


class QuotePlay:
    """One run over quotes; `run` once. `others` are what else was recorded, each with its moment (a client's fills).

    `heard` is told every row of the journal.
    """

    def __init__(
        self,
        *,
        quotes: Quotes,
        settings: EngineSettings,
        opening: Opening,
        load_strategy: LoadStrategy,
        way: Way = Way.SKIP,
        care_ns: int = CARE_NS,
        others: Sequence[tuple[int, ev.Event]] = (),
        heard: Heard | None = None,
    ) -> None:
        self.engine = Engine(load_strategy) if way is Way.FULL else QuickEngine(load_strategy)
        self.desk = QuoteDesk(opening)
        self.orders: list[Order] = []
        self.events = self.skipped = 0
        self._quotes, self._settings, self._way, self._care_ns = quotes, settings, way, care_ns
        self._inbox = Inbox(1_000)
        self._turn = Turn(self.engine, self._inbox, next_seq=1)
        self._hash = blake2b(digest_size=16)
        self._heard = heard
        self._others = deque(sorted(others, key=lambda one: one[0]))
        self._timer_ns = self._next_timer_ns = self._next_care_ns = 0
        self._books: Iterator[ev.BookTop] = iter(())
        self._row, self._shown = 0, -1
        self._end_ns = int(quotes.at_ns[-1]) + 1

    def run(self, books: Iterator[ev.BookTop] | None = None) -> None:
        """Play to the end. `books` are the quotes as events, where they were made before.

        ConfigError when the book does not become active on the first quotes.
        """
        self._begin()
        self._books = self._quotes.books() if books is None else books
        for book in islice(self._books, min(WARM_UP_QUOTES, len(self._quotes))):
            self._one(book)
        if self.engine.state.mode is not cmd.Mode.ACTIVE:
            raise ConfigError(f"the book did not become active: {self.engine.state.mode_reason}")
        match self._way:
            case Way.FULL:
                for book in self._books:
                    self._one(book)
            case Way.CLAIMS:
                self._claiming()
            case Way.SKIP:
                self._skipping()

    @property
    def digest(self) -> str:
        """Of all rows of the journal and of the engine's state now."""
        return f"{self._hash.hexdigest()}:{state_digest(self.engine.state)}"

    # --- events

    def _begin(self) -> None:
        at_ns = int(self._quotes.at_ns[0])
        self._next_care_ns = at_ns + self._care_ns
        self.desk.show(*self._quotes.prices(0), at_ns)
        start = ev.RunStarted(run_id="run-1", epoch=1, settings=self._settings, version="lab")
        self._tell(chain((start,), self.desk.opened(at_ns)), at_ns)

    def _one(self, book: ev.BookTop) -> None:
        """One quote, after what comes before it."""
        self._until(book.venue_at_ns)
        self._row += 1
        self._pass(book, book.venue_at_ns)

    def _until(self, at_ns: int) -> None:
        """What comes up to a moment and is no quote."""
        while self._due_ns <= at_ns:
            self._due()

    def _due(self) -> None:
        """The next of what is no quote: something that was recorded, the venue's care, the timer."""
        moment = self._due_ns
        if self._others and self._others[0][0] == moment:
            self._tell((self._others.popleft()[1],), moment)
        elif moment == self._next_care_ns:
            self._care(None)
        else:
            self._next_timer_ns += self._timer_ns
            self._pass(_TIMER, moment)

    @property
    def _due_ns(self) -> int:
        """When something comes next that is no quote."""
        due_ns = min(self._next_care_ns, self._next_timer_ns)
        return min(due_ns, self._others[0][0]) if self._others else due_ns

    def _care(self, claim: Claim | None) -> None:
        """The venue shows its mark and that it lives; what belongs to the account goes the account's way."""
        moment, turn = self._next_care_ns, self._turn
        self._next_care_ns += self._care_ns
        self._show(moment)
        for event in self.desk.care(moment):
            if not isinstance(event, _TICKING):
                self._tell((event,), moment)
                continue
            self._note_event(turn.next_seq, moment, event)
            if claim is not None and claim is self._quick.claim_in_force and claim.cover(event, moment):
                turn.leave_out(1, moment)
            else:
                self._pass(event, moment)

    def _pass(self, event: Conflated | ev.ClockMeasured | ev.TimerFired, at_ns: int) -> None:
        commands = self._turn.pass_by(event, at_ns)
        if commands:
            self._issued(commands, at_ns)

    def _tell(self, events: Iterable[ev.Event], at_ns: int) -> None:
        for event in events:
            self._inbox.put(event)
        self._drain(at_ns)

    def _show(self, at_ns: int) -> None:
        row = max(self._row - 1, 0)
        if row != self._shown:
            self._shown = row
            self.desk.show(*self._quotes.prices(row), at_ns)

    def _claiming(self) -> None:
        """Each event by itself, by the claim in force while it covers them."""
        quick, books = self._quick, self._books
        left = next(books, None)
        while left is not None:
            self._until(left.venue_at_ns)
            taken, book = quick.take_books(chain((left,), books), self._due_ns)
            if taken and quick.claim_in_force is not None:
                self._left_out(quick.claim_in_force, taken, 0)
            if book is left:
                self._one(book)
                book = next(books, None)
            left = book

    def _left_out(self, claim: Claim, quotes: int, timers: int) -> None:
        """So many were covered without the turn: its numbering goes on."""
        self._row += quotes
        self._next_timer_ns += timers * self._timer_ns
        self.skipped += quotes + timers
        self._turn.leave_out(quotes + timers, claim.state.at_ns)

    def _skipping(self) -> None:
        """All that a claim covers at once; between two claims one event is stepped."""
        count, quick = len(self._quotes), self._quick
        while self._row < count:
            claim = quick.claim()
            if claim is not None:
                self._skip(claim)
            self._next()
            if claim is not None and quick.claim_in_force is claim:
                # The venue's care at the moment of what the claim does not cover.
                self._next()

    def _next(self) -> None:
        """The next event of all, by itself; nothing after the last quote."""
        if self._row >= len(self._quotes):
            return
        if self._due_ns <= self._quotes.at_ns[self._row]:
            self._due()
        else:
            self._one(next(self._quotes.books(self._row, self._row + 1)))

    @property
    def _quick(self) -> QuickEngine:
        if not isinstance(self.engine, QuickEngine):
            raise ProgrammingError("only the quick engine makes claims")
        return self.engine

    def _skip(self, claim: Claim) -> None:
        """What a claim covers of quotes and timers, with the venue's care between them while that is covered, too."""
        end_ns = self._end_ns
        if self._others:
            end_ns = min(end_ns, self._others[0][0])
        stretch = Stretch(claim, self._quotes, Ahead(self._row, self._next_timer_ns, self._timer_ns, end_ns))
        while not stretch.is_over:
            before_ns = min(self._next_care_ns, end_ns)
            self._left_out(claim, *stretch.take(before_ns))
            if stretch.is_over or before_ns != self._next_care_ns:
                break
            self._care(claim)
            if self._quick.claim_in_force is not claim:
                return
        claim.settle()

    # --- what comes of them

    def _issued(self, commands: tuple[cmd.Command, ...], at_ns: int) -> None:
        seq = self._turn.next_seq - 1
        for index, command in enumerate(commands, start=1):
            self._keep(cmd.Issued(seq=seq, index=index, at_ns=at_ns, command=command))
        self._show(at_ns)
        self._carry_out(commands, at_ns)
        self._drain(at_ns)

    def _drain(self, at_ns: int) -> None:
        """Turns until nothing waits."""
        while len(self._inbox):
            out = self._turn.run(at_ns, _TURN_EVENTS_MAX)
            for entry in out.entries:
                self._keep(entry)
            self._carry_out((*out.urgent, *out.gated), at_ns)

    def _carry_out(self, commands: tuple[cmd.Command, ...], at_ns: int) -> None:
        for command in commands:
            if isinstance(command, cmd.SetTimer):
                self._timer_ns, self._next_timer_ns = command.interval_ns, at_ns + command.interval_ns
            elif isinstance(command, cmd.SubmitOrder):
                intent = command.approved.intent
                self.orders.append(Order(at_ns, str(intent.qty_contracts * intent.side.sign)))
            for event in self.desk.answer(command, at_ns):
                self._inbox.put(event)

    def _keep(self, entry: ev.Stamped | cmd.Issued) -> None:
        if isinstance(entry, ev.Stamped):
            if not isinstance(entry.event, _RECORDED):
                self._note_event(entry.seq, entry.at_ns, entry.event)
            return
        self._note(entry.seq, entry.index, entry.at_ns, encode(entry.command))
        if self._heard is not None:
            self._heard(entry)

    def _note_event(self, seq: int, at_ns: int, event: ev.Event) -> None:
        self._note(seq, 0, at_ns, encode(event))
        if self._heard is not None:
            self._heard(ev.Stamped(seq=seq, at_ns=at_ns, event=event))

    def _note(self, seq: int, index: int, at_ns: int, payload: bytes) -> None:
        self._hash.update(b"%d %d %d %d %b" % (seq, index, at_ns, len(payload), payload))
