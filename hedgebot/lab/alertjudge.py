"""The oracle's eye for alerts (I9): each event that calls for one has its own within five seconds, and has it once.

Reads the journal alone and imports nothing of the engine: what owes an alert is an event's own kind, whatever mishaps
overlap. What a single fault owes, counted from its begin, is the mishap's to say.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.client_id import decode_client_id
from hedgebot.domain.durations import NS_PER_MS, NS_PER_S
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.kill import FROM_FILE, KillScope, scope_key
from hedgebot.domain.reports import WalletReport
from hedgebot.domain.settings import AccountRole, EngineSettings, HedgeRole
from hedgebot.lab.journaljudge import moves_position

WITHIN_NS = 5 * NS_PER_S
MINUTE_NS = 60 * NS_PER_S
RAISES_PER_MINUTE_MAX = 3
"""Of one subject: one that comes and goes oftener is a siren, and nobody listens to it."""

CLOCK_OFFSET_MS_MAX = 500.0
SETTLING_NS = 86_400 * NS_PER_S
_SILENT = (ev.Ticker, ev.OptionQuote, ev.StreamAlive)
"""Most of a journal, and none of it calls for an alert; what is late is late at the next timer, too."""

_OUTLIVES = frozenset(
    {
        AlertKind.ADL_OR_LIQUIDATION,
        AlertKind.FOREIGN_ACTIVITY,
        AlertKind.INSTRUMENT_SETTLING,
        AlertKind.KILL_ACTIVE,
        AlertKind.MARGIN_BUFFER_LOW,
    }
)
"""What is as true for a new process as for the one that died: streams, books and tasks begin anew with it."""

Entries = Sequence[ev.Stamped | cmd.Issued]
Found = tuple[str, int, str]
"""Invariant, moment, sentence."""


class Owed(NamedTuple):
    """An alert of a kind that must be up; `subject` None: whatever it is about."""

    kind: AlertKind
    subject: str | None
    why: str


class _Due(NamedTuple):
    until_ns: int
    owed: Owed


def judge_alerts(entries: Entries, settings: EngineSettings) -> Iterator[Found]:
    """Alerts that were not raised, that were raised while they were up, and that come and go."""
    book, started = _Book(settings), 0
    for one in entries:
        if isinstance(one, ev.Stamped):
            if isinstance(one.event, _SILENT):
                continue
            if isinstance(one.event, ev.RunStarted):
                started = one.seq
                book.start(one.at_ns)
            yield from book.late(one.at_ns)
            for owed in book.owes(one.event, one.at_ns):
                book.owe(owed, one.at_ns)
        elif isinstance(one.command, cmd.RaiseAlert):
            # A new process tells anew what is up: whoever delivers it has forgotten it.
            yield from book.late(one.at_ns)
            if one.seq != started or (one.command.kind, one.command.subject) not in book.up:
                yield from book.raised(one.command, one.at_ns)
        elif isinstance(one.command, cmd.ResolveAlert):
            book.up.discard((one.command.kind, one.command.subject))
        else:
            book.follow(one.command)


class _Book:
    """What is up, what is owed, and what has been seen that calls for an alert."""

    def __init__(self, settings: EngineSettings) -> None:
        self.up: set[tuple[AlertKind, str]] = set()
        self._due: deque[_Due] = deque()
        self._times: dict[tuple[AlertKind, str], list[int]] = defaultdict(list)
        self._limits = settings.limits
        self._install = settings.install
        self._roles = {one.name: one.role for one in settings.accounts}
        self._hedges = {
            (one.hedge_account, each): one for one in settings.underlyings for each in one.hedge_instruments
        }
        self._names = {name for _, name in self._hedges}
        # An alternative that holds nothing only stands by: whether it is old or ends is nobody's trouble.
        self._alternatives = {
            (one.hedge_account, leg.instrument)
            for one in settings.underlyings
            for leg in one.hedge_legs
            if leg.role is HedgeRole.ALTERNATIVE
        }
        self._held: dict[tuple[str, InstrumentId], Decimal] = defaultdict(Decimal)
        self._ends: dict[InstrumentId, int | None] = {}
        self._heard_ns: dict[InstrumentId, int] = {}
        self._news_ns: dict[InstrumentId, int] = {}
        self._fills: set[str] = set()
        self._reported_ns: dict[str, int] = {}

    # --- what is owed

    def owe(self, owed: Owed, at_ns: int) -> None:
        """From now on it is due, where it is neither up nor due already."""
        if not self._is_up(owed) and not any(one.owed[:2] == owed[:2] for one in self._due):
            self._due.append(_Due(at_ns + WITHIN_NS, owed))

    def start(self, at_ns: int) -> None:
        """A new process: nobody was there to tell, so what is still owed has its time again."""
        kept = [one.owed for one in self._due if one.owed.kind in _OUTLIVES]
        self._due = deque(_Due(at_ns + WITHIN_NS, owed) for owed in kept)
        # It has heard nothing yet, and has its time to.
        self._heard_ns = dict.fromkeys(self._names, at_ns)
        self._news_ns.clear()

    def follow(self, command: cmd.Command) -> None:
        """A hedge that was set to the venue's number, or a kill that was refused: nothing is killed by it."""
        if moves_position(command):
            self._held[command.account, InstrumentId(command.subject)] = Decimal(command.after)
        elif isinstance(command, cmd.RecordOperator) and command.action == "kill" and not command.accepted:
            kills = [one for one in self._due if one.owed.kind is AlertKind.KILL_ACTIVE]
            newest = kills[-1] if kills else None
            self._due = deque(one for one in self._due if one is not newest)

    def late(self, at_ns: int) -> Iterator[Found]:
        """What was due before this moment and did not come."""
        while self._due and self._due[0].until_ns < at_ns:
            one = self._due.popleft()
            about = "" if one.owed.subject is None else f" of {one.owed.subject}"
            told = f"no alert {one.owed.kind}{about} within {WITHIN_NS // NS_PER_S} s, although {one.owed.why}"
            yield "I9", one.until_ns, told

    def raised(self, command: cmd.RaiseAlert, at_ns: int) -> Iterator[Found]:
        """An alert is up: what was owed is paid."""
        key = (command.kind, command.subject)
        if key in self.up:
            yield "I9", at_ns, f"the alert {command.kind} of {command.subject} was raised while it was up"
        self.up.add(key)
        self._due = deque(one for one in self._due if not self._is_up(one.owed))
        times = self._times[key]
        times.append(at_ns)
        del times[: next(number for number, one in enumerate(times) if at_ns - one < MINUTE_NS)]
        if len(times) == RAISES_PER_MINUTE_MAX + 1:
            yield (
                "I9",
                at_ns,
                f"the alert {command.kind} of {command.subject} was raised {len(times)} times in a minute",
            )

    def _is_up(self, owed: Owed) -> bool:
        if owed.subject is not None:
            return (owed.kind, owed.subject) in self.up
        return any(kind is owed.kind for kind, _ in self.up)

    # --- what owes

    def owes(self, event: ev.Event, at_ns: int) -> Iterator[Owed]:
        """The alerts that an event calls for."""
        match event:
            case ev.TimerFired():
                yield from self._stale(at_ns)
                yield from self._settling(at_ns)
            case ev.BookTop(instrument=name):
                self._hear(name, event.venue_at_ns, at_ns)
            case ev.FillReceived():
                yield from self._fill(event)
            case ev.WalletUpdated(report=report):
                yield from self._margin(report)
            case ev.SnapshotTaken(wallet=report) if report is not None:
                yield from self._margin(report)
            case ev.InstrumentsLoaded():
                self._ends |= {one.id: one.expiry_ns for one in event.instruments if one.id in self._names}
                # What was announced while nobody looked and is taken back is not owed any more.
                back = {(AlertKind.INSTRUMENT_SETTLING, name) for name, ends_ns in self._ends.items() if not ends_ns}
                self._due = deque(one for one in self._due if (one.owed.kind, one.owed.subject) not in back)
                yield from self._settling(at_ns)
            case _:
                yield from _plain(event)

    def _hear(self, name: InstrumentId, venue_at_ns: int, at_ns: int) -> None:
        """Age by content: a repeat with an old stamp is no news."""
        if name in self._heard_ns and venue_at_ns > self._news_ns.get(name, 0):
            self._heard_ns[name], self._news_ns[name] = at_ns, venue_at_ns

    def _stale(self, at_ns: int) -> Iterator[Owed]:
        for (account, name), settings in self._hedges.items():
            if not self._is_needed(account, name):
                continue
            age_ms = (at_ns - self._heard_ns.get(name, at_ns)) // NS_PER_MS
            if age_ms > self._limits.book_age_ms_max:
                yield Owed(AlertKind.STALE_MARKET_DATA, settings.underlying, f"the book of {name} is {age_ms} ms old")

    def _is_needed(self, account: str, name: InstrumentId) -> bool:
        return (account, name) not in self._alternatives or bool(self._held[account, name])

    def _fill(self, fill: ev.FillReceived) -> Iterator[Owed]:
        if fill.trade_id in self._fills:
            return
        self._fills.add(fill.trade_id)
        self._held[fill.account, fill.instrument] += fill.qty_contracts * fill.side.sign
        if fill.kind in {ev.ExecutionKind.ADL, ev.ExecutionKind.LIQUIDATION}:
            subject = f"{fill.account}|{fill.instrument}"
            yield Owed(AlertKind.ADL_OR_LIQUIDATION, subject, f"{fill.instrument} was closed by force ({fill.kind})")
        elif fill.kind is ev.ExecutionKind.ROLLBACK:
            subject = f"rollback:{fill.account}|{fill.instrument}"
            yield Owed(AlertKind.RECON_BREAK, subject, f"the venue took {fill.instrument} back ({fill.trade_id})")
        elif fill.kind is not ev.ExecutionKind.DELIVERY and self._is_foreign(fill):
            why = f"execution {fill.trade_id} on {fill.instrument} is not ours"
            yield Owed(AlertKind.FOREIGN_ACTIVITY, fill.account, why)

    def _is_foreign(self, fill: ev.FillReceived) -> bool:
        """Somebody else's, where only we should trade."""
        made_by, role = decode_client_id(fill.client_id), self._roles.get(fill.account)
        if made_by is not None and made_by.install == self._install:
            return False
        return role is AccountRole.HEDGE or (fill.account, fill.instrument) in self._hedges

    def _margin(self, report: WalletReport) -> Iterator[Owed]:
        needed, equity = report.maintenance_margin_usd, report.equity_usd
        newest_ns = self._reported_ns.get(report.account, 0)
        if needed is None or equity is None or not needed or report.venue_at_ns <= newest_ns:
            return
        self._reported_ns[report.account] = report.venue_at_ns
        use, kind = float(needed / equity) if equity > 0 else float("inf"), AlertKind.MARGIN_BUFFER_LOW
        if use > self._limits.margin_use_alert:
            yield Owed(kind, report.account, f"its margin use is {use:.0%}")
        else:
            # Thin for a moment, as between somebody's trade and its hedge: the next look finds nothing to tell.
            self._due = deque(one for one in self._due if one.owed[:2] != (kind, report.account))

    def _settling(self, at_ns: int) -> Iterator[Owed]:
        needed = {name for account, name in self._hedges if self._is_needed(account, name)}
        for name, ends_ns in self._ends.items():
            if name in needed and ends_ns is not None and ends_ns - at_ns <= SETTLING_NS:
                yield Owed(AlertKind.INSTRUMENT_SETTLING, name, "it ends within a day")


def _killed(event: ev.OperatorKilled) -> str | None:
    """What its alert is about; a file that names what is not here stops the book instead."""
    if event.scope is KillScope.ALL:
        return "book"
    return None if event.operator == FROM_FILE else scope_key(event.scope, event.name)


def _plain(event: ev.Event) -> Iterator[Owed]:
    """Events that speak for themselves."""
    match event:
        case ev.StreamChanged(stream=ev.Stream.PRIVATE, up=False):
            yield Owed(AlertKind.PRIVATE_STREAM_SILENT, event.account, "its private stream is down")
        case ev.AuthenticationFailed():
            yield Owed(AlertKind.API_KEY_INVALID, event.account, "the venue refused its key")
        case ev.TaskFailed():
            yield Owed(AlertKind.TASK_FAILED, event.task, "it failed")
        case ev.OperatorKilled():
            yield Owed(AlertKind.KILL_ACTIVE, _killed(event), f"{event.operator} killed")
        case ev.FrameQuarantined():
            yield Owed(AlertKind.SUSPECT_DATA, f"{event.account}|{event.topic}", "a frame cannot be read")
        case ev.VenuePaused():
            yield Owed(AlertKind.RATE_LIMIT_BAN, event.account, "the venue wants no requests")
        case ev.InboxOverflowed():
            yield Owed(AlertKind.INBOX_OVERFLOW, event.kind, "events were dropped")
        case ev.ClockMeasured() if abs(event.offset_ms) > CLOCK_OFFSET_MS_MAX:
            yield Owed(AlertKind.CLOCK_SKEW, event.account, f"our clock is {event.offset_ms:+.0f} ms off")
        case _:
            pass
