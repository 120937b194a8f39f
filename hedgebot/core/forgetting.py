"""What the engine forgets, and when it may: settled orders, trade ids of booked executions, expired instruments.

By age, so that at any pace the tables are as large after a quarter of an hour as they will ever be. The journal has
everything for ever. Owns no booking and no order's life.
"""

from hedgebot.core.state import AccountState, EngineState, OrderRecord
from hedgebot.domain.durations import NS_PER_S

ORDERS_KEPT_MIN, ORDERS_KEPT = 100, 300
ORDER_KEPT_NS = 600 * NS_PER_S
ORDER_LATE_NS = 60 * NS_PER_S
"""Longer than a lookup takes: what it finds of an order that hung until now must meet its record."""

DEDUPE_WINDOW_NS = 900 * NS_PER_S
"""Trade ids are remembered for so long before the cursor. Snapshots and the drop copy go back two minutes."""

INSTRUMENT_KEPT_NS = 8 * 86_400 * NS_PER_S
"""Expired instruments are remembered for so long before the cursor: a delivery may be read late."""


def forget_orders(state: EngineState, at_ns: int) -> None:
    """Forget settled orders, the oldest first, once ORDERS_KEPT_MIN younger ones are known."""
    spare = len(state.orders) - ORDERS_KEPT_MIN
    for record in list(state.orders.values())[: max(spare, 0)]:
        too_many = len(state.orders) > ORDERS_KEPT
        if not too_many and at_ns - record.sent_at_ns <= ORDER_KEPT_NS:
            return
        if record.client_id not in state.unsettled and (
            _may_go(record, at_ns) if too_many else at_ns - _heard_at_ns(record) > ORDER_KEPT_NS
        ):
            del state.orders[record.client_id]


def _may_go(record: OrderRecord, at_ns: int) -> bool:
    """Whether a settled order can go at once. One that hung for long was looked up until now: an answer may come."""
    heard_at_ns = _heard_at_ns(record)
    return heard_at_ns - record.sent_at_ns < ORDER_KEPT_NS or at_ns - heard_at_ns > ORDER_LATE_NS


def forget_executions(state: EngineState, account: AccountState) -> None:
    """Forget trade ids that nobody can bring again; called where the account's cursor moves.

    Snapshots ask from the cursor on, with overlaps far smaller than the window. A lookup asks for one order, however
    old: everything since the oldest order that may still be looked up stays known.
    """
    floor_ns = account.cursor_ns - DEDUPE_WINDOW_NS
    for order in state.orders.values():
        if order.client_id in state.unsettled or _heard_at_ns(order) > floor_ns:
            floor_ns = min(floor_ns, order.sent_at_ns)
    mine, gone = f"{account.name}|", []
    for key, seen_ns in state.executions.items():
        # In the order in which they were seen: behind one that stays nothing is older.
        if seen_ns >= floor_ns:
            break
        if key.startswith(mine):
            gone.append(key)
    for key in gone:
        del state.executions[key]


def forget_instruments(state: EngineState, venue: str, at_ns: int) -> None:
    """Forget what expired at a venue so long ago that nobody brings an execution of it; called with each new listing.

    A venue lists new options every day: kept for ever they would weigh on the state and on each snapshot of it. What a
    position or an order names stays.
    """
    cursors_ns = [one.cursor_ns for one in state.accounts.values() if one.venue == venue]
    before_ns = min([at_ns, *cursors_ns]) - INSTRUMENT_KEPT_NS
    named = {one.instrument for one in state.positions.values()}
    named |= {one.intent.instrument for one in state.orders.values()}
    named |= {hedge for one in state.settings.underlyings for hedge in one.hedge_instruments}
    for rules in list(state.instruments.values()):
        if rules.venue == venue and (rules.expiry_ns or at_ns) < before_ns and rules.id not in named:
            for table in (state.instruments, state.quotes, state.options, state.watched):
                table.pop(rules.id, None)


def _heard_at_ns(record: OrderRecord) -> int:
    """When an order ended or was asked for last: an answer about it may come for a while after that."""
    return max(record.ended_at_ns, record.query_at_ns)
