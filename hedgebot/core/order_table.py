"""The life of our orders: sent once, never again, UNKNOWN until proven otherwise. Owns the slot of each underlying.

An underlying has at most one order that is not settled. The slot is free again only when the order ended *and* every
execution the venue spoke of is booked: deciding between the two would hedge twice (safety reference section 3).
"""

from hedgebot.core import breakers, chase, deadman, forced, forgetting, shut
from hedgebot.core.state import EngineState, OrderRecord
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.client_id import ClientId, decode_client_id
from hedgebot.domain.commands import CancelOrder, DecisionCause, QueryOrder, SubmitOrder
from hedgebot.domain.deadman import DEAD_MAN_REASON
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.events import (
    ExecutionKind,
    FillReceived,
    OrderAccepted,
    OrderLookedUp,
    OrderOutcomeUnknown,
    OrderRejected,
)
from hedgebot.domain.orders import FORCED_REASON, TRANSITIONS, Approved, OrderStatus, move
from hedgebot.domain.reports import OrderReport

_FIRST_QUERY_NS = 200 * NS_PER_MS
_QUERY_NS_MAX = 5_000 * NS_PER_MS
_BACKOFF_FIRST_NS = 250 * NS_PER_MS
_BACKOFF_DOUBLINGS_MAX = 7
_MISS_DOUBLINGS_MAX = 3
_ORPHANS_KEPT = 1_000
_REJECTS_ALERT = 3


def send(
    step: Step, approved: Approved, *, arrival_mid: float, delta_before_coin: float, centre_coin: float = 0.0
) -> str:
    """Enter an approved intent into the table and emit its one SubmitOrder; returns its client id."""
    state, intent = step.state, approved.intent
    names = [strategy.name for strategy in state.settings.strategies]
    client_id = ClientId(
        install=state.settings.install,
        epoch=state.id_epoch,
        strategy=names.index(intent.strategy) if intent.strategy in names else len(names),
        intent=state.next_intent,
    ).encode()
    state.next_intent += 1
    # SENT before the first byte leaves: a crash in between finds an order to look up, never one to send again.
    record = state.orders[client_id] = OrderRecord(
        client_id=client_id,
        intent=intent,
        status=move(OrderStatus.PLANNED, OrderStatus.SENT),
        sent_at_ns=step.at_ns,
        arrival_mid=arrival_mid,
        delta_before_coin=delta_before_coin,
        centre_coin=centre_coin,
    )
    state.unsettled[client_id] = intent.underlying
    state.tokens -= 1.0
    forgetting.forget_orders(state, step.at_ns)
    chase.on_sent(step, record)
    breakers.on_sent(step, record)
    step.emit(SubmitOrder(approved=approved, client_id=client_id))
    return client_id


def on_accepted(step: Step, event: OrderAccepted) -> None:
    """The venue took the request; on an asynchronous venue that proves nothing about the order yet."""
    record = step.state.orders.get(event.client_id)
    if record is None:
        return
    record.order_id = event.order_id
    if event.definitive:
        _advance(step, record, OrderStatus.ACKED)


def on_rejected(step: Step, event: OrderRejected) -> None:
    """The venue refused with proof: the slot is free, after a pause that grows with each refusal in a row."""
    record = step.state.orders.get(event.client_id)
    if record is None:
        return
    if record.filled_contracts or record.reported_contracts:
        # Refused and filled cannot both be: another request was refused, or another order filled. Only the venue knows.
        if not record.status.is_terminal:
            summary = f"order {record.client_id} was refused ({event.code}) after {record.filled_contracts} were filled"
            step.alert(AlertKind.RECON_BREAK, record.client_id, summary)
            _suspect(step, record)
        return
    if _advance(step, record, OrderStatus.REJECTED):
        if event.of_market:
            shut.on_refused(step, record)
        _back_off(step, record, f"refused: {event.code} {event.message}", refused=not event.passing)
        breakers.on_rejected(step, record)


def on_unknown(step: Step, event: OrderOutcomeUnknown) -> None:
    """No definite answer: look it up now; nothing else happens on this underlying until there is proof."""
    record = step.state.orders.get(event.client_id)
    if record is not None and not record.status.is_terminal:
        _suspect(step, record)


def on_report(step: Step, report: OrderReport) -> None:
    """The venue described one of our orders. Reports older than what is known already are ignored."""
    record = step.state.orders.get(report.client_id or "")
    if record is None:
        note_seen(step, report.account, report.client_id)
        return
    if not _is_described(record, report):
        # Another order under our client id (a venue that lets ids repeat) says nothing about this one.
        summary = f"{report.side} {report.qty_contracts} {report.instrument} goes by the id {record.client_id} of ours"
        step.alert(AlertKind.RECON_BREAK, record.client_id, summary)
        return
    record.order_id = report.order_id or record.order_id
    # FILLED says the whole quantity, whatever else the report says.
    filled = record.intent.qty_contracts if report.status is OrderStatus.FILLED else report.filled_contracts
    record.reported_contracts = max(record.reported_contracts, filled)
    record.listed = record.listed and not report.status.is_terminal
    if not _advance(step, record, report.status):
        return
    if report.reason == DEAD_MAN_REASON:
        deadman.on_fired(step, step.state.accounts[record.intent.account])
    if report.reason == FORCED_REASON:
        forced.note_coming(step, record.intent.account, record.intent.instrument)
    if report.status is OrderStatus.REJECTED:
        # After its acknowledgement: by the market itself, which knows neither our clock nor our key.
        shut.on_refused(step, record)
        _back_off(step, record, f"refused: {report.reason}", refused=True)
        breakers.on_rejected(step, record)
    elif report.status.is_terminal and not record.reported_contracts:
        # Not refused, but not filled either: the market ran away. Without a pause this repeats at the order rate.
        shut.on_taken(step, record)
        _back_off(step, record, "not filled within its price limit", refused=False)


def on_looked_up(step: Step, event: OrderLookedUp) -> None:
    """Take the answer of a lookup. Absence is proof only when every source answered after the venue's deadline."""
    record = step.state.orders.get(event.client_id)
    if record is None:
        return
    if event.report is not None:
        on_report(step, event.report)
        return
    # Hedges are IOC: after the deadline one that is on no list is over, with what was filled until then.
    if event.complete and event.asked_at_ns >= proof_after_ns(step.state, record):
        record.listed = False
        ended = OrderStatus.CANCELLED if record.filled_contracts > ZERO else OrderStatus.EXPIRED
        _advance(step, record, ended)


def on_fill(step: Step, fill: FillReceived) -> OrderRecord | None:
    """Count a booked fill towards its order; returns the order when it is one of ours. The table is not asked.

    What the venue takes back is no fill of the order, whatever id it carries.
    """
    if fill.kind is ExecutionKind.ROLLBACK:
        return None
    record = step.state.orders.get(fill.client_id or "")
    if record is None:
        note_seen(step, fill.account, fill.client_id)
        _note_orphan(step.state, fill)
        return None
    step.state.totals.own_fills += 1
    record.filled_contracts += fill.qty_contracts
    record.order_id = record.order_id or fill.order_id
    if record.filled_contracts > record.intent.qty_contracts:
        filled = f"order {record.client_id} was filled {record.filled_contracts} of {record.intent.qty_contracts}"
        step.halt(filled, f"overfill:{record.client_id}")
    if record.filled_contracts >= record.intent.qty_contracts:
        _advance(step, record, OrderStatus.FILLED)
    underlying = step.state.underlyings[record.intent.underlying]
    underlying.rejects = underlying.refusals = 0
    shut.on_taken(step, record)
    _settle(step, record)
    return record


def note_seen(step: Step, account: str, client_id: str | None) -> None:
    """Hear of an id of ours that no order here has. Where it is newer than ours, go on beyond it.

    The journal came from a backup, then, and runs that it does not know have sent orders: their ids are taken.
    """
    state, made_by = step.state, decode_client_id(client_id)
    if made_by is None or made_by.install != state.settings.install:
        return
    if made_by.epoch < state.id_epoch or (made_by.epoch == state.id_epoch and made_by.intent < state.next_intent):
        return
    state.id_epoch, state.next_intent = made_by.epoch + 1, 1
    summary = f"{client_id} is ours and newer than this journal (a restored backup?): ids go on from {state.id_epoch}"
    step.alert(AlertKind.RECON_BREAK, f"{account} client ids", summary)


def pending_delta_coin(state: EngineState, underlying: str) -> tuple[float, float]:
    """What orders that may still fill could take from the delta of an underlying, and add to it, in coins.

    Any part of them may fill, so both count: a pending buy is never netted against a pending sell.
    """
    effects = [
        unfilled_delta_coin(state.orders[client_id])
        for client_id, name in state.unsettled.items()
        if name == underlying and client_id in state.orders
    ]
    return sum(min(0.0, one) for one in effects), sum(max(0.0, one) for one in effects)


def end_by_word(step: Step, record: OrderRecord, status: OrderStatus) -> None:
    """An operator says that an order has ended: executions that were told of and never came are not waited for."""
    record.reported_contracts, record.listed = record.filled_contracts, False
    if not record.status.is_terminal:
        record.status = move(OrderStatus.UNKNOWN, status)
        record.ended_at_ns = step.at_ns
    _settle(step, record)


def reopen(step: Step, record: OrderRecord) -> None:
    """The venue lists an order that was taken for ended: its slot is taken again until it is really gone."""
    record.listed = True
    _settle(step, record)


def release_ended(step: Step, account: str, listed: set[str | None]) -> None:
    """Free the slots of an account's reopened orders that its venue does not list any more."""
    for record in live_orders(step.state):
        if record.listed and record.intent.account == account and record.client_id not in listed:
            record.listed = False
            _settle(step, record)


def suspect_all(step: Step) -> None:
    """At a start every order without a proven end is UNKNOWN: what happened while we were down is not known."""
    for record in step.state.orders.values():
        if not record.status.is_terminal:
            _suspect(step, record, ask=False)


def sweep(step: Step) -> None:
    """Look after orders that time has made doubtful: silent ones become UNKNOWN, UNKNOWN ones are asked for again."""
    silence_ns = step.state.limits.unknown_margin_ms * NS_PER_MS
    for record in live_orders(step.state):
        if record.status is OrderStatus.SENT and step.at_ns - record.sent_at_ns > silence_ns:
            _suspect(step, record)
        elif step.at_ns >= record.query_at_ns and _is_doubtful(step, record):
            _ask(step, record)
        if step.at_ns > proof_after_ns(step.state, record):
            step.alert(
                AlertKind.UNKNOWN_ORDER_AGE,
                record.client_id,
                f"order {record.client_id} on {record.intent.instrument} is not settled beyond its deadline",
            )


def live_orders(state: EngineState) -> list[OrderRecord]:
    """Orders that are not settled: in flight, open, unknown, or ended with executions still to come."""
    return [state.orders[client_id] for client_id in state.unsettled]


def order_of(state: EngineState, underlying: str) -> str:
    """Client id of the order that holds the slot of an underlying; empty when the slot is free."""
    return next((client_id for client_id, name in state.unsettled.items() if name == underlying), "")


def unfilled_delta_coin(record: OrderRecord) -> float:
    """Signed delta of the part that may still fill."""
    rest = record.intent.qty_contracts - record.filled_contracts
    return record.intent.delta_effect_coin * float(rest / record.intent.qty_contracts) if rest > 0 else 0.0


def _is_doubtful(step: Step, record: OrderRecord) -> bool:
    if record.status.is_terminal:
        return not record.is_settled
    stuck_ns = step.at_ns - max(record.intent.deadline_ns, record.query_at_ns)
    return record.status is OrderStatus.UNKNOWN or stuck_ns > step.state.limits.unknown_margin_ms * NS_PER_MS


def _suspect(step: Step, record: OrderRecord, *, ask: bool = True) -> None:
    if record.status is not OrderStatus.UNKNOWN:
        record.status = move(record.status, OrderStatus.UNKNOWN)
        record.queries, record.query_at_ns = 0, step.at_ns
    if ask:
        _ask(step, record)


def _ask(step: Step, record: OrderRecord) -> None:
    pause_ns = min(_FIRST_QUERY_NS << min(record.queries, _BACKOFF_DOUBLINGS_MAX), _QUERY_NS_MAX)
    record.queries += 1
    record.query_at_ns = step.at_ns + pause_ns
    intent = record.intent
    step.emit(QueryOrder(account=intent.account, instrument=intent.instrument, client_id=record.client_id))
    if step.at_ns > proof_after_ns(step.state, record) and (record.listed or not record.status.is_terminal):
        # A hedge has no business at the venue any more; a cancel of what is gone does no harm.
        step.emit(
            CancelOrder(
                account=intent.account,
                instrument=intent.instrument,
                client_id=record.client_id,
                reason=f"it is {record.status} beyond its deadline",
            )
        )


def _advance(step: Step, record: OrderRecord, status: OrderStatus) -> bool:
    """Move as far as the table allows; False for a report that arrived late or says nothing new."""
    if status is record.status or status not in TRANSITIONS[record.status]:
        _settle(step, record)
        return False
    record.status = move(record.status, status)
    if status.is_terminal:
        record.ended_at_ns = step.at_ns
        record.queries, record.query_at_ns = 0, step.at_ns + _FIRST_QUERY_NS
    _settle(step, record)
    return True


def _settle(step: Step, record: OrderRecord) -> None:
    """Free the slot when nothing more can come of the order; take it back when a late report says otherwise."""
    unsettled, underlying = step.state.unsettled, record.intent.underlying
    if not record.is_settled:
        unsettled[record.client_id] = underlying
    elif unsettled.pop(record.client_id, None) is not None:
        step.resolve(AlertKind.UNKNOWN_ORDER_AGE, record.client_id)
        step.resolve(AlertKind.RECON_BREAK, record.client_id)
        step.touch(underlying, DecisionCause.PRICE)


def _back_off(step: Step, record: OrderRecord, why: str, *, refused: bool) -> None:
    """Pause after an order that did nothing, longer after each one in a row; any fill of ours starts anew.

    `refused` is the order itself. An order that missed its limit was taken by the venue: it ends a row of refusals. One
    that was refused for the moment neither counts nor ends it, but it asks for as much patience.
    """
    underlying = step.state.underlyings[record.intent.underlying]
    step.state.totals.rejects += 1
    underlying.rejects += 1
    missed = record.status is not OrderStatus.REJECTED
    underlying.refusals = 0 if missed else underlying.refusals + refused
    doublings = min(underlying.rejects - 1, _MISS_DOUBLINGS_MAX if missed else _BACKOFF_DOUBLINGS_MAX)
    underlying.retry_at_ns = step.at_ns + (_BACKOFF_FIRST_NS << doublings)
    if underlying.rejects >= _REJECTS_ALERT:
        step.watch(
            AlertKind.ORDER_REJECTED,
            underlying.name,
            f"{underlying.rejects} hedge orders on {underlying.name} in a row did nothing, the last {why}",
        )


def proof_after_ns(state: EngineState, record: OrderRecord) -> int:
    """From this moment on the venue can no longer accept the order: only then can absence be proof."""
    return record.intent.deadline_ns + state.limits.unknown_margin_ms * NS_PER_MS


def _is_described(record: OrderRecord, report: OrderReport) -> bool:
    intent = record.intent
    return (report.instrument, report.side, report.qty_contracts) == (
        intent.instrument,
        intent.side,
        intent.qty_contracts,
    )


def _note_orphan(state: EngineState, fill: FillReceived) -> None:
    """Remember what was filled under a client id of ours that no order has: its order may be restored later."""
    made_by = decode_client_id(fill.client_id)
    if made_by is None or made_by.install != state.settings.install or fill.client_id is None:
        return
    orphans = state.orphan_fills
    orphans[fill.client_id] = orphans.get(fill.client_id, ZERO) + fill.qty_contracts
    if len(orphans) > _ORPHANS_KEPT:
        del orphans[next(iter(orphans))]
