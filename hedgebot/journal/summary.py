"""Figures of a time window: hedges by cause, and each breach of a band from its beginning to the fill that ended it."""

import sqlite3
from collections import Counter
from decimal import Decimal

import msgspec

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.decimals import ZERO
from hedgebot.journal.chain import Row
from hedgebot.journal.codec import decode_command, decode_event
from hedgebot.journal.order_life import OrderLife, OrderLives
from hedgebot.journal.rows import read_rows

# A float delta that a fill has brought back to its target may miss the band's edge by rounding.
EDGE_TOLERANCE = 1e-9
_KINDS = tuple(
    kind.__name__
    for kind in (
        cmd.RecordDecision,
        cmd.SubmitOrder,
        cmd.RecordRefusal,
        cmd.RaiseAlert,
        ev.FillReceived,
        ev.OrderRejected,
        ev.OrderOutcomeUnknown,
        ev.OrderUpdated,
        ev.OrderLookedUp,
    )
)


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """One time outside of the band: from the event that left it to the fill that came back, None while it lasts.

    `hedges` are the client ids sent meanwhile; `delta_coin` is the delta at the first decision, `band_coin` how far the
    band reached on its side.
    """

    underlying: str
    cause: cmd.DecisionCause
    started_at_ns: int
    decided_at_ns: int
    ended_at_ns: int | None
    delta_coin: float
    band_coin: float
    hedges: tuple[str, ...]

    @property
    def seconds(self) -> float | None:
        """From the beginning to the end."""
        return None if self.ended_at_ns is None else (self.ended_at_ns - self.started_at_ns) / 1e9


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What was done in a window. `hedges_by_cause` counts orders sent, `fees` is by coin, of our own orders."""

    from_ns: int
    to_ns: int | None
    hedges: int
    hedges_by_cause: dict[str, int]
    hedges_filled: int
    fills_ours: int
    fills_of_book: int
    refusals: int
    rejects: int
    unknown_outcomes: int
    alerts: dict[str, int]
    fees: dict[str, Decimal]
    breaches: tuple[Breach, ...]


def summarise(connection: sqlite3.Connection, from_ns: int, to_ns: int | None) -> Summary:
    """Read a window of the journal, both ends included."""
    marks = ", ".join("?" * len(_KINDS))
    window = _Window()
    parameters = [*_KINDS, from_ns, (1 << 62) if to_ns is None else to_ns]
    for row in read_rows(connection, f"kind IN ({marks}) AND at_ns >= ? AND at_ns <= ?", parameters):
        window.take(row)
    return window.summary(from_ns, to_ns)


class _Window:
    """Collects the figures, row by row."""

    def __init__(self) -> None:
        self._lives = OrderLives()
        self._sent: dict[str, cmd.RecordDecision | None] = {}
        self._filled: set[str] = set()
        self._trades: set[tuple[str, str, str]] = set()
        self._counts: Counter[str] = Counter()
        self._alerts: Counter[str] = Counter()
        self._fees: dict[str, Decimal] = {}
        self._open: dict[str, Breach] = {}
        self._closed: list[Breach] = []
        self._delta: dict[str, float] = {}
        self._decided: dict[str, cmd.RecordDecision] = {}

    def take(self, row: Row) -> None:
        """One row, in order."""
        self._counts[row.kind] += 1
        life = self._lives.take(row)
        if row.kind == cmd.RecordDecision.__name__:
            self._decide(row)
        elif row.kind == cmd.SubmitOrder.__name__ and row.client_id is not None:
            self._sent[row.client_id] = self._decided.get(row.client_id)
        elif row.kind == cmd.RaiseAlert.__name__:
            alert = decode_command(row.payload)
            if isinstance(alert, cmd.RaiseAlert):
                self._alerts[alert.kind] += 1
        elif row.kind == ev.FillReceived.__name__:
            event = decode_event(row.payload)
            if isinstance(event, ev.FillReceived):
                self._take_fill(row, event, life)

    def summary(self, from_ns: int, to_ns: int | None) -> Summary:
        """Everything collected."""
        causes = Counter(decision.cause.value for decision in self._sent.values() if decision is not None)
        breaches = sorted(
            (*self._closed, *self._open.values()), key=lambda breach: (breach.started_at_ns, breach.underlying)
        )
        return Summary(
            from_ns=from_ns,
            to_ns=to_ns,
            hedges=len(self._sent),
            hedges_by_cause=dict(causes),
            hedges_filled=len(self._filled),
            fills_ours=self._counts["fills of ours"],
            fills_of_book=self._counts["fills of book"],
            refusals=self._counts[cmd.RecordRefusal.__name__],
            rejects=self._counts[ev.OrderRejected.__name__],
            unknown_outcomes=self._counts[ev.OrderOutcomeUnknown.__name__],
            alerts=dict(self._alerts),
            fees=self._fees,
            breaches=tuple(breaches),
        )

    def _decide(self, row: Row) -> None:
        decision = decode_command(row.payload)
        if not isinstance(decision, cmd.RecordDecision):
            return
        name = decision.underlying
        if row.client_id is not None:
            self._decided[row.client_id] = decision
        self._delta[name] = decision.delta_coin
        known = self._open.get(name)
        if _inside(decision.delta_coin, decision):
            self._end(name, row.at_ns)
            return
        if known is None:
            known = _began(row, decision)
        hedges = known.hedges if row.client_id is None else (*known.hedges, row.client_id)
        self._open[name] = msgspec.structs.replace(known, hedges=hedges)

    def _take_fill(self, row: Row, fill: ev.FillReceived, life: OrderLife | None) -> None:
        identity = (fill.account, fill.instrument, fill.trade_id)
        if identity in self._trades:
            return
        self._trades.add(identity)
        self._counts["fills of book" if life is None else "fills of ours"] += 1
        if life is not None:
            self._take_our_fill(row, fill, life.submit)

    def _take_our_fill(self, row: Row, fill: ev.FillReceived, submit: cmd.SubmitOrder) -> None:
        self._filled.add(submit.client_id)
        self._fees[fill.fee_coin] = self._fees.get(fill.fee_coin, ZERO) + fill.fee
        intent = submit.approved.intent
        name = intent.underlying
        decision = self._decided.get(submit.client_id)
        if decision is None or name not in self._delta:
            return
        self._delta[name] += intent.delta_effect_coin * float(fill.qty_contracts / intent.qty_contracts)
        if _inside(self._delta[name], decision):
            self._end(name, row.at_ns)

    def _end(self, name: str, at_ns: int) -> None:
        breach = self._open.pop(name, None)
        if breach is not None:
            self._closed.append(msgspec.structs.replace(breach, ended_at_ns=at_ns))


def _began(row: Row, decision: cmd.RecordDecision) -> Breach:
    since = decision.evidence.get("breach_since_ns")
    began_ns = int(since) if isinstance(since, int | float) and 0 < since <= row.at_ns else row.at_ns
    return Breach(
        underlying=decision.underlying,
        cause=decision.cause,
        started_at_ns=began_ns,
        decided_at_ns=row.at_ns,
        ended_at_ns=None,
        delta_coin=decision.delta_coin,
        band_coin=decision.reach_coin(decision.delta_coin),
        hedges=(),
    )


def _inside(delta_coin: float, decision: cmd.RecordDecision) -> bool:
    return abs(delta_coin - decision.target_coin) <= decision.reach_coin(delta_coin) * (1 + EDGE_TOLERANCE)
