"""The oracle's eye for what the journal alone proves: silent repairs, orders sent blind, floods, lost events.

Owns invariants I6 (adjustments), I11 (all messages), I14 (nothing overflows) and I15 (who cannot know stops) of the
safety reference, section 2. Imports nothing of the engine: it reads events and commands in their order.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeGuard

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.settings import EngineSettings

Entries = Sequence[ev.Stamped | cmd.Issued]
Found = tuple[str, int, str]
"""Invariant, moment, sentence."""

QUESTIONS_PER_SECOND_MAX = 20
"""Lookups, snapshots, cancels and armings in any one second; worlds with six orders in doubt come to half of it."""

_QUESTIONS = (cmd.CancelOrder, cmd.QueryOrder, cmd.RequestSnapshot, cmd.ArmDeadMan)


def judge_journal(entries: Entries, settings: EngineSettings) -> Iterator[Found]:
    """Everything that the journal itself shows to be wrong."""
    yield from _silent_repairs(entries)
    yield from _sent_blind(entries, settings)
    yield from _floods(entries)
    yield from _lost(entries)


def moves_position(command: cmd.Command) -> TypeGuard[cmd.RecordAdjustment]:
    """Whether a position was set to the venue's number: the subject is an instrument's id.

    Coins, rules, orders and single executions (`account|venue:category|id`) are adjusted as well.
    """
    return isinstance(command, cmd.RecordAdjustment) and command.subject.count(":") == 2


def _silent_repairs(entries: Entries) -> Iterator[Found]:
    """Executions explain every position: only the opening snapshot of an account may set one to the venue's number."""
    opened: dict[str, int] = {}
    for one in entries:
        if isinstance(one, ev.Stamped):
            if isinstance(one.event, ev.SnapshotTaken) and one.event.complete:
                opened.setdefault(one.event.account, one.seq)
            continue
        command = one.command
        if not moves_position(command):
            continue
        # A venue that was not asked to the end is asked again: until then this is still the opening.
        if one.seq > opened.get(command.account, one.seq) and not command.evidence.startswith("opening position"):
            moved = f"{command.subject} was moved from {command.before} to {command.after} ({command.evidence})"
            yield "I6", one.at_ns, f"{moved}, and no execution explains it"


class _Sight:
    """What the book can know of the venue: its private stream stands and the venue was asked since it does."""

    def __init__(self, settings: EngineSettings) -> None:
        self._accounts = {one.name for one in settings.accounts}
        self._since_ns: dict[str, int] = {}
        self._failed = ""

    def take(self, event: ev.Event, at_ns: int) -> None:
        """Follow one event."""
        match event:
            case ev.RunStarted():
                self._since_ns = dict.fromkeys(self._accounts, at_ns)
            case ev.StreamChanged(stream=ev.Stream.PRIVATE):
                self._since_ns[event.account] = at_ns
            case ev.SnapshotTaken(complete=True):
                if event.asked_at_ns >= self._since_ns.get(event.account, 0):
                    self._since_ns.pop(event.account, None)
            case ev.TaskFailed(restarting=False):
                self._failed = event.task
            case _:
                pass

    def accepted_unkill(self) -> None:
        """An operator has gone through the checklist."""
        self._failed = ""

    @property
    def problem(self) -> str:
        """Why nothing may be sent; empty when it may."""
        if self._failed:
            return f"task {self._failed} had failed for good"
        blind = next(iter(self._since_ns), "")
        return f"the venue had not been asked since the private stream of {blind} changed" if blind else ""


def _sent_blind(entries: Entries, settings: EngineSettings) -> Iterator[Found]:
    """I15: a book that cannot know what it holds, or whose task is dead, sends nothing."""
    sight = _Sight(settings)
    for one in entries:
        if isinstance(one, ev.Stamped):
            sight.take(one.event, one.at_ns)
        elif isinstance(one.command, cmd.RecordOperator):
            if one.command.action == "unkill" and one.command.accepted:
                sight.accepted_unkill()
        elif isinstance(one.command, cmd.SubmitOrder) and sight.problem:
            yield "I15", one.at_ns, f"order {one.command.client_id} was sent although {sight.problem}"


def _floods(entries: Entries) -> Iterator[Found]:
    """I11: questions have a pace, too; a storm of them is how an address gets banned."""
    moments = [one.at_ns for one in entries if isinstance(one, cmd.Issued) and isinstance(one.command, _QUESTIONS)]
    first = 0
    for number, moment in enumerate(moments):
        while moment - moments[first] > NS_PER_S:
            first += 1
        if number - first + 1 > QUESTIONS_PER_SECOND_MAX:
            yield "I11", moment, f"{number - first + 1} questions within a second, at most {QUESTIONS_PER_SECOND_MAX}"
            return


def _lost(entries: Entries) -> Iterator[Found]:
    """I14: the inbox is bounded, and no world comes near its bound."""
    lost: dict[str, int] = defaultdict(int)
    for one in entries:
        if isinstance(one, ev.Stamped) and isinstance(one.event, ev.InboxOverflowed):
            lost[one.event.kind] += one.event.dropped
            yield "I14", one.at_ns, f"{lost[one.event.kind]} events of kind {one.event.kind} were dropped"
