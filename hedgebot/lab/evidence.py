"""What is known of one mishap after the run: when it was, what the venue saw, what was journaled, what was alerted.

Owns the questions that criteria ask. It judges nothing and changes nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from hedgebot.core.state import EngineState
from hedgebot.core.switch_state import MOVE_STRATEGY
from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.orders import OrderIntent
from hedgebot.domain.settings import EngineSettings
from hedgebot.exchange.types import Execution, SimOrder
from hedgebot.lab.memory import MemoryJournal
from hedgebot.lab.oracle import Oracle


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The truth at one moment: net delta in coins, its part without the hedge, and maintenance margin over equity.

    `vols` are what held options are marked with; `late_coin` is how much larger the delta seems with those of the
    sample before.
    """

    at_ns: int
    delta_coin: float
    unhedged_coin: float
    margin_use: float
    vols: Mapping[str, float] = field(default_factory=dict)
    late_coin: float = 0.0


@dataclass(slots=True, kw_only=True)
class Evidence:
    """One mishap. `ended_ns` is its end, `back_ns` when the book was back in its band after it (None: not seen).

    `samples` are taken each second while it lasts and until the book is back.
    """

    hedge: InstrumentId
    settings: EngineSettings
    oracle: Oracle
    journal: MemoryJournal
    alert_log: list[tuple[int, str, str]]
    begun_ns: int
    ended_ns: int = 0
    back_ns: int | None = None
    samples: list[Sample] = field(default_factory=list)
    # The engine's state at the end; None while no process runs.
    state: EngineState | None = None

    @property
    def band_coin(self) -> float:
        """Half the width of the band."""
        return self.settings.underlyings[0].band_coin

    def alerts(self, *kinds: AlertKind, since_ns: int | None = None) -> list[tuple[int, str]]:
        """When alerts of these kinds were raised, with their subjects, from the begin (or a moment) on."""
        since_ns = self.begun_ns if since_ns is None else since_ns
        return [(at_ns, subject) for at_ns, kind, subject in self.alert_log if at_ns >= since_ns and kind in kinds]

    def standing(self, kind: AlertKind) -> set[str]:
        """Subjects of the alerts of a kind that were up at the begin."""
        up: set[str] = set()
        for one in self.journal.entries:
            if one.at_ns >= self.begun_ns or not isinstance(one, cmd.Issued):
                continue
            match one.command:
                case cmd.RaiseAlert(kind=raised, subject=subject) if raised is kind:
                    up.add(subject)
                case cmd.ResolveAlert(kind=ended, subject=subject) if ended is kind:
                    up.discard(subject)
                case _:
                    pass
        return up

    def orders(self, until_ns: int | None = None) -> list[tuple[int, str, OrderIntent]]:
        """Orders that were journaled while it lasted (or from its begin to another moment)."""
        until_ns = self.ended_ns if until_ns is None else until_ns
        return [
            (one.at_ns, one.command.client_id, one.command.approved.intent)
            for one in self.journal.orders()
            if self.begun_ns <= one.at_ns < until_ns and isinstance(one.command, cmd.SubmitOrder)
        ]

    def fills(self) -> list[Execution]:
        """Executions of our orders while it lasted."""
        return [one for one in self.oracle.own_executions if self.begun_ns <= one.at_ns <= self.ended_ns]

    def hedging(self) -> list[Execution]:
        """Executions of our orders that hedge, in order: a move from one hedge to another answers no drift."""
        moves = {
            one.command.client_id
            for one in self.journal.orders()
            if isinstance(one.command, cmd.SubmitOrder) and one.command.approved.intent.strategy == MOVE_STRATEGY
        }
        return [one for one in self.oracle.own_executions if one.order.client_id not in moves]

    def arrived(self) -> list[SimOrder]:
        """Our orders that the venue took while it lasted."""
        return [one for one in self.oracle.own_orders if self.begun_ns <= one.created_at_ns <= self.ended_ns]

    def events(self, since_ns: int | None = None) -> Iterator[ev.Stamped]:
        """Events that were journaled from the begin (or a moment) on."""
        since_ns = self.begun_ns if since_ns is None else since_ns
        return (one for one in self.journal.entries if isinstance(one, ev.Stamped) and one.at_ns >= since_ns)

    def commands(self, since_ns: int | None = None) -> Iterator[cmd.Issued]:
        """Commands that were journaled from the begin (or a moment) on."""
        since_ns = self.begun_ns if since_ns is None else since_ns
        return (one for one in self.journal.entries if isinstance(one, cmd.Issued) and one.at_ns >= since_ns)

    def booked_ns(self) -> dict[str, int]:
        """When each execution was journaled first, by its trade id."""
        return {trade_id: at_ns for trade_id, (at_ns, _) in self.booked_fills().items()}

    def booked_fills(self) -> dict[str, tuple[int, ev.ExecutionKind]]:
        """When each execution was journaled first, and as what, by its trade id."""
        found: dict[str, tuple[int, ev.ExecutionKind]] = {}
        for one in self.journal.entries:
            if isinstance(one, ev.Stamped) and isinstance(one.event, ev.FillReceived):
                found.setdefault(one.event.trade_id, (one.at_ns, one.event.kind))
        return found

    def modes(self, since_ns: int | None = None) -> list[tuple[int, cmd.Mode]]:
        """Changes of the book's mode from the begin (or a moment) on."""
        return [
            (one.at_ns, one.command.after) for one in self.commands(since_ns) if isinstance(one.command, cmd.RecordMode)
        ]

    def entered(self, mode: cmd.Mode) -> int | None:
        """When a mode was entered first since the begin; None when it was not."""
        return next((at_ns for at_ns, after in self.modes() if after is mode), None)

    def turnover_coin(self, from_ns: int, until_ns: int) -> Decimal:
        """What our hedges traded between two moments while it lasted, in contracts of linear hedges."""
        until_ns = min(until_ns, self.ended_ns + 1)
        traded = (one.qty_contracts for one in self.hedging() if from_ns <= one.at_ns < until_ns)
        return sum(traded, start=Decimal(0))
