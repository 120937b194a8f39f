"""The workbench of one step: the state, the moment, and the commands that have come of it so far. Decides nothing."""

from hedgebot.core.state import AlertState, EngineState, Latch, UnderlyingState
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import (
    Command,
    DecisionCause,
    Mode,
    RaiseAlert,
    RecordAdjustment,
    RecordDecision,
    RecordLatch,
    RecordMode,
    RecordOperator,
    RecordRefusal,
    ResolveAlert,
)
from hedgebot.domain.kill import KillAction, KillScope, scope_key, scope_words
from hedgebot.domain.orders import Refused

RULES = "rules"
"""The operator of a latch that no operator set."""

CAUSES_MAX = 50
"""Causes of one latch that are kept; beyond it the book is halted for reasons enough."""

STEADY_NS = 10_000_000_000
"""How long what was wrong must not have been seen before an alert that watches a figure ends."""

REPEAT_NOTE_NS = 30 * 1_000_000_000
_DECISIONS_SHOWN = 20


class Step:
    """State, time and outgoing commands of one step; `touched` are underlyings to decide on, with what moved them."""

    __slots__ = ("at_ns", "commands", "seq", "state", "touched")

    def __init__(self, state: EngineState, *, seq: int, at_ns: int) -> None:
        """Begin a step at `at_ns`."""
        self.state = state
        self.seq = seq
        self.at_ns = at_ns
        self.commands: list[Command] = []
        self.touched: dict[str, DecisionCause] = {}

    def emit(self, command: Command) -> None:
        """Add a command."""
        self.commands.append(command)

    def touch(self, underlying: str, cause: DecisionCause) -> None:
        """Ask for a decision on an underlying; a fill outranks a price as its cause."""
        if underlying and self.touched.get(underlying) is not DecisionCause.FILL:
            self.touched[underlying] = cause

    def is_news(self, underlying: UnderlyingState, key: str) -> bool:
        """Whether a reason for sending nothing is worth a journal row: a new one, or the same after half a minute."""
        if underlying.note == key and self.at_ns - underlying.noted_at_ns < REPEAT_NOTE_NS:
            return False
        underlying.note, underlying.noted_at_ns = key, self.at_ns
        return True

    def refuse(self, underlying: UnderlyingState, key: str, refused: Refused) -> bool:
        """Record that the gate refused, or count a repeat of it, which the next row tells; True when it is a row."""
        if not self.is_news(underlying, key):
            underlying.left_out += 1
            return False
        self.state.totals.refusals += 1
        self.emit(RecordRefusal(refused=refused, left_out=underlying.left_out))
        underlying.left_out = 0
        return True

    def decided(self, underlying: UnderlyingState, decision: RecordDecision) -> None:
        """Record a decision, and keep it among the newest for people."""
        underlying.last_decision = decision
        shown = self.state.decisions
        shown.append(decision)
        del shown[:-_DECISIONS_SHOWN]
        self.emit(decision)

    def alert(self, kind: AlertKind, subject: str, summary: str) -> None:
        """Raise an alert once; while it is up, repeats are silent."""
        key = kind + "|" + subject
        if key in self.state.alerts:
            return
        self.state.alerts[key] = AlertState(kind=kind, subject=subject, summary=summary, since_ns=self.at_ns)
        self.emit(RaiseAlert(kind=kind, subject=subject, summary=summary))

    def resolve(self, kind: AlertKind, subject: str) -> None:
        """Take an alert down if it is up."""
        if self.state.alerts and self.state.alerts.pop(kind + "|" + subject, None) is not None:
            self.emit(ResolveAlert(kind=kind, subject=subject))

    def check(self, kind: AlertKind, subject: str, problem: str) -> None:
        """Hold an alert up exactly while `problem` is not empty."""
        if problem:
            self.alert(kind, subject, problem)
        elif self.state.alerts:
            self.resolve(kind, subject)

    def watch(self, kind: AlertKind, subject: str, problem: str, steady_ns: int = STEADY_NS) -> None:
        """Hold an alert up until `problem` was empty for `steady_ns`: a figure around its limit is one alert."""
        if problem:
            self.alert(kind, subject, problem)
        elif not self.state.alerts:
            return  # as nearly always: no key is made
        known = self.state.alerts.get(kind + "|" + subject)
        if known is None:
            return
        if problem:
            known.seen_ns = self.at_ns
        elif self.at_ns - known.seen_ns >= steady_ns:
            self.resolve(kind, subject)

    def set_mode(self, mode: Mode, reason: str, *, latched: bool = False) -> None:
        """Change the book's mode and record it; a latched HALTED is left only by `unlatch`."""
        state = self.state
        if state.latched or (state.mode is mode and not latched):
            return
        self.emit(RecordMode(before=state.mode, after=mode, reason=reason, latched=latched))
        state.mode, state.mode_reason, state.latched = mode, reason, latched

    def halt(self, reason: str, cause: str = "rule", *, underlying: str = "") -> None:
        """Enter HALTED, latched, because a rule fired by itself: nothing is sent any more, whatever was chosen before.

        With `underlying` that one alone is frozen, latched as well. The first reason stays; `cause` names the rule, and
        an operator must name it to lift the latch.
        """
        scope = KillScope.UNDERLYING if underlying else KillScope.ALL
        latch = self.state.latches.get(scope_key(scope, underlying))
        if latch is None:
            latch = Latch(
                scope=scope,
                name=underlying,
                action=KillAction.FREEZE,
                operator=RULES,
                reason=reason,
                since_ns=self.at_ns,
            )
        if cause in latch.causes or len(latch.causes) >= CAUSES_MAX:
            return
        latch.causes[cause] = reason
        if latch.in_force is not KillAction.FREEZE:
            latch.note = f"{latch.action} ended: {reason}"
        latch.action = KillAction.FREEZE
        self.hold(latch)

    def hold(self, latch: Latch) -> None:
        """Put a latch in force, or record that it changed; one of the whole book is HALTED."""
        key = scope_key(latch.scope, latch.name)
        self.state.latches[key] = latch
        self.record_latch(latch, held=True)
        reason = latch.reason if latch.operator == RULES else f"{latch.operator}: {latch.reason}"
        subject, words = "book", f"halted: {reason}"
        if latch.scope is KillScope.ALL:
            self.set_mode(Mode.HALTED, reason, latched=True)
        else:
            subject, words = key, f"{scope_words(latch.scope, latch.name)} was killed: {reason}"
        self.alert(AlertKind.KILL_ACTIVE, subject, words)

    def record_latch(self, latch: Latch, *, held: bool) -> None:
        """Record a latch as it stands, or that it was lifted."""
        self.emit(
            RecordLatch(
                scope=latch.scope,
                name=latch.name,
                action=latch.action,
                operator=latch.operator,
                reason=latch.reason,
                causes=tuple(latch.causes),
                done=latch.done,
                held=held,
            )
        )

    def lift(self, latch: Latch, reason: str) -> None:
        """Take a latch away; the caller has gone through the checklist, or the order it was for has ended."""
        key = scope_key(latch.scope, latch.name)
        if self.state.latches.pop(key, None) is None:
            return
        self.record_latch(latch, held=False)
        if latch.scope is KillScope.ALL:
            self.unlatch(reason)
        else:
            self.resolve(AlertKind.KILL_ACTIVE, key)

    def unlatch(self, reason: str) -> None:
        """Leave HALTED for RECOVERING; the caller has gone through the checklist."""
        self.emit(RecordMode(before=self.state.mode, after=Mode.RECOVERING, reason=reason, latched=False))
        self.state.mode, self.state.mode_reason, self.state.latched = Mode.RECOVERING, reason, False
        self.resolve(AlertKind.KILL_ACTIVE, "book")

    def adjust(self, account: str, subject: str, before: object, after: object, evidence: str) -> None:
        """Record that the ledger was moved to the venue's truth."""
        self.emit(
            RecordAdjustment(account=account, subject=subject, before=str(before), after=str(after), evidence=evidence)
        )

    def operator(self, operator: str, action: str, *, accepted: bool, explanation: str) -> None:
        """Record an operator's word and what came of it."""
        self.emit(RecordOperator(operator=operator, action=action, accepted=accepted, explanation=explanation))
