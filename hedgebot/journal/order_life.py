"""What became of an order, read from the journal's rows: one line for each thing that was said about it."""

from decimal import Decimal

import msgspec

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.orders import TERMINAL, OrderStatus
from hedgebot.domain.reports import OrderReport
from hedgebot.journal.chain import Row
from hedgebot.journal.codec import decode_command, decode_event


class LifeStep(msgspec.Struct, frozen=True, kw_only=True):
    """One thing said about the order; `status` is where it stands by then. `age_ms` counts from sending."""

    seq: int
    at_ns: int
    age_ms: float
    status: OrderStatus
    what: str


class OrderLife(msgspec.Struct, frozen=True, kw_only=True):
    """An order with its history. `average_price` is None while nothing is filled."""

    client_id: str
    order_id: str | None
    submit: cmd.SubmitOrder
    seq: int
    sent_at_ns: int
    status: OrderStatus
    filled_contracts: Decimal
    average_price: Decimal | None
    fills: tuple[ev.FillReceived, ...]
    steps: tuple[LifeStep, ...]


class OrderLives:
    """Collects orders from rows, given in order."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lives: dict[str, OrderLife] = {}

    def get(self, client_id: str) -> OrderLife | None:
        """One order, as far as its rows were given."""
        return self._lives.get(client_id)

    def take(self, row: Row) -> OrderLife | None:
        """Look at a row; gives the order that it changed."""
        client_id = row.client_id
        if client_id is None or row.idx < 0:
            return None
        value = decode_event(row.payload) if row.idx == 0 else decode_command(row.payload)
        if isinstance(value, cmd.SubmitOrder):
            self._lives[client_id] = _begin(row, value)
            return self._lives[client_id]
        life = self._lives.get(client_id)
        if life is None or isinstance(value, cmd.RecordDecision):
            return None
        self._lives[client_id] = _continue(life, row, value)
        return self._lives[client_id]


def _begin(row: Row, submit: cmd.SubmitOrder) -> OrderLife:
    intent = submit.approved.intent
    what = f"{intent.side} {intent.qty_contracts} {intent.instrument} at {intent.limit_price} {intent.time_in_force}"
    return OrderLife(
        client_id=submit.client_id,
        order_id=None,
        submit=submit,
        seq=row.seq,
        sent_at_ns=row.at_ns,
        status=OrderStatus.SENT,
        filled_contracts=ZERO,
        average_price=None,
        fills=(),
        steps=(LifeStep(seq=row.seq, at_ns=row.at_ns, age_ms=0.0, status=OrderStatus.SENT, what=what),),
    )


def _continue(life: OrderLife, row: Row, value: ev.Event | cmd.Command) -> OrderLife:
    fills, order_id = life.fills, life.order_id
    if isinstance(value, ev.FillReceived):
        if any(fill.trade_id == value.trade_id for fill in fills):
            return life
        fills, order_id = (*fills, value), value.order_id
    filled = sum((fill.qty_contracts for fill in fills), ZERO)
    spent = sum((fill.qty_contracts * fill.price for fill in fills), ZERO)
    said, what = _said(value)
    status = _next(life, said, filled)
    if isinstance(value, ev.OrderAccepted):
        order_id = value.order_id
    age_ms = (row.at_ns - life.sent_at_ns) / 1e6
    step = LifeStep(seq=row.seq, at_ns=row.at_ns, age_ms=age_ms, status=status, what=what)
    return msgspec.structs.replace(
        life,
        order_id=order_id,
        status=status,
        filled_contracts=filled,
        average_price=spent / filled if filled else None,
        fills=fills,
        steps=(*life.steps, step),
    )


def _next(life: OrderLife, said: OrderStatus | None, filled: Decimal) -> OrderStatus:
    """The status after something was said: an end stays an end, but for the fill that completes it."""
    if filled >= life.submit.approved.intent.qty_contracts:
        return OrderStatus.FILLED
    if life.status in TERMINAL:
        return life.status
    if said is not None:
        return said
    return OrderStatus.PARTIAL if filled else life.status


def _said(value: ev.Event | cmd.Command) -> tuple[OrderStatus | None, str]:
    match value:
        case ev.OrderAccepted(definitive=definitive):
            return (OrderStatus.ACKED, "accepted") if definitive else (None, "request taken, not yet accepted")
        case ev.OrderRejected(code=code, message=message):
            return OrderStatus.REJECTED, f"rejected: {code} {message}"
        case ev.OrderOutcomeUnknown(code=code, message=message):
            return OrderStatus.UNKNOWN, f"outcome unknown: {code} {message}"
        case ev.OrderUpdated(report=report):
            return (
                report.status,
                f"venue says {report.status}, filled {report.filled_contracts} {report.reason}".strip(),
            )
        case ev.OrderLookedUp(report=None, searched=searched, complete=complete):
            return None, f"looked up, not found in {', '.join(searched)}{'' if complete else ' (incomplete)'}"
        case ev.OrderLookedUp(report=OrderReport() as report):
            return report.status, f"looked up: {report.status}, filled {report.filled_contracts}"
        case ev.FillReceived(qty_contracts=qty, price=price, fee=fee, fee_coin=coin):
            return None, f"filled {qty} at {price}, fee {fee} {coin}"
        case ev.CancelAnswered(accepted=accepted, code=code):
            return None, f"cancel {'taken' if accepted else 'refused'} {code}".strip()
        case cmd.CancelOrder(reason=reason):
            return None, f"cancel asked: {reason}"
        case cmd.QueryOrder():
            return None, "look-up asked"
        case _:
            return None, type(value).__name__
