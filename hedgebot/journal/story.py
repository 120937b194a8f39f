"""`explain HEDGE`: one hedge from the event that caused it to its last fill, with every number that decided.

Reads the journal and, for market data, the tape. Computes nothing that the engine should have decided.
"""

import sqlite3
from decimal import Decimal

import msgspec

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.errors import JournalCorrupt
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.orders import RuleCheck
from hedgebot.journal.chain import Row
from hedgebot.journal.codec import decode_command, decode_event
from hedgebot.journal.order_life import LifeStep, OrderLife, OrderLives
from hedgebot.journal.rows import read_rows
from hedgebot.journal.tape_reader import TapeReader

MARKET_LOOKBACK_SEQS = 20_000
_LAST_FOREIGN_FILL = """row = (
    SELECT max(row) FROM rows AS fill WHERE kind = 'FillReceived' AND seq <= ? AND at_ns <= ? AND NOT EXISTS (
        SELECT 1 FROM rows AS sent WHERE sent.client_id = fill.client_id AND sent.kind = 'SubmitOrder'))"""


class HedgeStory(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one hedge, in the order in which it happened.

    Delta in coin. `cause` is the event that moved the exposure out of its band, None when it is no longer on the tape;
    `trigger` the event at which the order was decided (often the same). `slippage_bps` > 0 is worse than the middle of
    the book on arrival. `delta_after_coin` counts the order's own fills only. `order` is None for a decision without
    one.
    """

    number: int
    seq: int
    run_id: str
    epoch: int
    decided_at_ns: int
    decision: cmd.RecordDecision
    cause: ev.Event | None
    cause_at_ns: int | None
    trigger: ev.Event | None
    arrival: ev.BookTop | None
    order: OrderLife | None
    checks: tuple[RuleCheck, ...]
    timeline: tuple[LifeStep, ...]
    cause_to_decision_ms: float | None
    decision_to_fill_ms: float | None
    cause_to_fill_ms: float | None
    arrival_mid: Decimal | None
    average_price: Decimal | None
    slippage_bps: float | None
    fees: dict[str, Decimal]
    delta_before_coin: float
    delta_after_coin: float


def tell(connection: sqlite3.Connection, tape: TapeReader, row: Row) -> HedgeStory:
    """Tell the story of the decision in `row`; raises JournalCorrupt where the row is no decision."""
    decision = decode_command(row.payload)
    if not isinstance(decision, cmd.RecordDecision):
        raise JournalCorrupt(f"row {row.row} is not a decision")
    order = _order(connection, row.client_id)
    instrument = None if order is None else order.submit.approved.intent.instrument
    market = _market(tape, row.seq)
    trigger = _event(connection, market, row.seq)
    cause_at_ns, cause = _cause(connection, market, row, decision, trigger)
    arrival = _arrival(market, instrument)
    last_fill_ns = _last_fill_ns(order)
    mid = None if arrival is None or arrival.bid is None or arrival.ask is None else (arrival.bid + arrival.ask) / 2
    average = None if order is None else order.average_price
    return HedgeStory(
        number=row.row,
        seq=row.seq,
        run_id=row.run_id,
        epoch=row.epoch,
        decided_at_ns=row.at_ns,
        decision=decision,
        cause=cause,
        cause_at_ns=cause_at_ns,
        trigger=None if trigger is None else trigger.event,
        arrival=arrival,
        order=order,
        checks=() if order is None else order.submit.approved.checks,
        timeline=() if order is None else order.steps,
        cause_to_decision_ms=_ms(cause_at_ns, row.at_ns),
        decision_to_fill_ms=_ms(row.at_ns, last_fill_ns),
        cause_to_fill_ms=_ms(cause_at_ns, last_fill_ns),
        arrival_mid=mid,
        average_price=average,
        slippage_bps=_slippage(order, mid),
        fees=_fees(order),
        delta_before_coin=decision.delta_coin,
        delta_after_coin=decision.delta_coin + _effect(order),
    )


def _order(connection: sqlite3.Connection, client_id: str | None) -> OrderLife | None:
    if client_id is None:
        return None
    lives = OrderLives()
    for row in read_rows(connection, "client_id = ?", (client_id,)):
        lives.take(row)
    return lives.get(client_id)


def _market(tape: TapeReader, seq: int) -> list[ev.Stamped]:
    """Market events up to `seq`: what the decision could have seen, as far back as is worth looking."""
    found: list[ev.Stamped] = []
    for stamped in tape.events(max(seq - MARKET_LOOKBACK_SEQS, 0)):
        if stamped.seq > seq:
            break
        found.append(stamped)
    return found


def _event(connection: sqlite3.Connection, market: list[ev.Stamped], seq: int) -> ev.Stamped | None:
    for row in read_rows(connection, "seq = ? AND idx = 0", (seq,)):
        return ev.Stamped(seq=seq, at_ns=row.at_ns, event=decode_event(row.payload))
    return market[-1] if market and market[-1].seq == seq else None


def _cause(
    connection: sqlite3.Connection,
    market: list[ev.Stamped],
    row: Row,
    decision: cmd.RecordDecision,
    trigger: ev.Stamped | None,
) -> tuple[int | None, ev.Event | None]:
    """When the breach began (the decision's own evidence says) and the event that began it."""
    since = decision.evidence.get("breach_since_ns")
    began_ns = int(since) if isinstance(since, int | float) and 0 < since <= row.at_ns else None
    if decision.cause is cmd.DecisionCause.FILL:
        for last in read_rows(connection, _LAST_FOREIGN_FILL, (row.seq, began_ns or row.at_ns)):
            return last.at_ns, decode_event(last.payload)
    if decision.cause is cmd.DecisionCause.PRICE and began_ns is not None:
        for stamped in reversed(market):
            if stamped.at_ns <= began_ns:
                return stamped.at_ns, stamped.event
    if trigger is None:
        return began_ns, None
    return (began_ns or trigger.at_ns), trigger.event


def _arrival(market: list[ev.Stamped], instrument: InstrumentId | None) -> ev.BookTop | None:
    for stamped in reversed(market):
        if isinstance(stamped.event, ev.BookTop) and stamped.event.instrument == instrument:
            return stamped.event
    return None


def _last_fill_ns(order: OrderLife | None) -> int | None:
    if order is None or not order.fills:
        return None
    return max(step.at_ns for step in order.steps if step.what.startswith("filled "))


def _slippage(order: OrderLife | None, mid: Decimal | None) -> float | None:
    if order is None or order.average_price is None or not mid:
        return None
    return float((order.average_price / mid - 1) * 10_000) * order.submit.approved.intent.side.sign


def _fees(order: OrderLife | None) -> dict[str, Decimal]:
    fees: dict[str, Decimal] = {}
    for fill in () if order is None else order.fills:
        fees[fill.fee_coin] = fees.get(fill.fee_coin, ZERO) + fill.fee
    return fees


def _effect(order: OrderLife | None) -> float:
    if order is None:
        return 0.0
    intent = order.submit.approved.intent
    return intent.delta_effect_coin * float(order.filled_contracts / intent.qty_contracts)


def _ms(start_ns: int | None, end_ns: int | None) -> float | None:
    return None if start_ns is None or end_ns is None else (end_ns - start_ns) / 1e6
