"""Criteria of faults that ask what became of orders: in flight, as the venue has them, throttled, none that opens.

Owns these parts of the `pass` column of the project's table; the others are in `criteria.py`. Like those, a criterion
answers with a sentence when it is not met, and reads the venue's side beside the journal.
"""

import itertools
from collections.abc import Sequence

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.orders import OrderIntent, OrderStatus
from hedgebot.exchange.records import ExecKind
from hedgebot.exchange.requests import Origin
from hedgebot.exchange.types import Execution
from hedgebot.lab.evidence import Evidence
from hedgebot.lab.stage import Criterion, Due

GOES_ON_NS = 200_000_000
"""An order that follows another one sooner than this goes on with its hedge: a new swing of the price takes longer."""

OPEN_NS, SEEN_COIN = 5 * NS_PER_S, 0.02
"""A delta that is so long and so far out of its band is out of it for the engine, too, whose view is a little older."""

OFFSET_MS_MAX, TIMER_GAP_S_MAX = 500.0, 2.0
"""As far as the clock that decides may seem off by its own measurement; and its timers fire four times a second."""


def in_flight(number: int, seconds: float) -> Criterion:
    """So many orders were live, unknown to the book, when the lines died: `seconds` before the fault's end at least."""

    def judge(evidence: Evidence) -> str:
        died_ns = evidence.ended_ns - round(seconds * NS_PER_S)
        known = {trade_id for trade_id, at_ns in evidence.booked_ns().items() if at_ns <= died_ns}
        booked = {one.order.client_id for one in evidence.fills() if one.exec_id in known}
        live = [client_id for _, client_id, _ in evidence.orders(died_ns) if client_id not in booked]
        return "" if len(live) >= number else f"{len(live)} orders were in flight, {number} should have been"

    return judge


def only_shrinking_after(seconds: float) -> Criterion:
    """Once so many seconds had passed nothing was sent while it lasted but what only shrinks a position."""

    def judge(evidence: Evidence) -> str:
        from_ns = evidence.begun_ns + round(seconds * NS_PER_S)
        late = [one for one in evidence.orders() if one[0] > from_ns and not one[2].reduce_only]
        return f"order {late[0][1]} was sent more than {seconds:g} s after the begin, and opens" if late else ""

    return judge


def as_the_venue_has_them(evidence: Evidence) -> str:
    """No order is marked failed or forgotten that the venue took: each has ended with what was executed of it."""
    state = evidence.state
    if state is None:
        return "no process runs at the end"
    refused = {one.event.client_id for one in evidence.events() if isinstance(one.event, ev.OrderRejected)}
    for order in evidence.arrived():
        record = state.orders.get(order.client_id or "")
        if record is None:
            return f"order {order.client_id} was dropped"
        if order.client_id in refused or record.status in (OrderStatus.REJECTED, OrderStatus.EXPIRED):
            return f"order {order.client_id} was marked failed, the venue had taken it"
        rows = evidence.oracle.own_executions
        filled = sum((one.qty_contracts for one in rows if one.order.client_id == order.client_id), start=ZERO)
        if record.filled_contracts != filled:
            return f"of order {order.client_id} {record.filled_contracts} are booked, {filled} were executed"
    return ""


def forced_booked_within(seconds: float) -> Criterion:
    """What the venue closed by force is in the journal within so many seconds, and as what it was."""

    def judge(evidence: Evidence) -> str:
        forced = [one for one in evidence.oracle.forced if evidence.begun_ns <= one.at_ns <= evidence.ended_ns]
        booked = evidence.booked_fills()
        for one in forced:
            at_ns, kind = booked.get(one.exec_id, (None, None))
            if at_ns is None or at_ns - one.at_ns > seconds * NS_PER_S:
                late = "never" if at_ns is None else f"{(at_ns - one.at_ns) / NS_PER_S:.1f} s later"
                return f"the forced close {one.exec_id} was booked {late}, {seconds:g} s are allowed"
            if kind is not _FORCED[one.kind]:
                return f"the forced close {one.exec_id} was booked as a {kind}, it was a {one.kind}"
        return "" if forced else "nothing was closed by force"

    return judge


def no_entry_once_known(quiet_s: float) -> Criterion:
    """Once a forced close of a hedge is in the journal, nothing opens a hedge again for a while.

    What the venue closes beside it arrives in any order: until the hedge's own close is known, the rest is hedged.
    """

    def judge(evidence: Evidence) -> str:
        hedges, booked = evidence.settings.underlyings[0].hedge_instruments, evidence.booked_ns()
        rows = [one for one in evidence.oracle.forced if one.at_ns >= evidence.begun_ns and one.instrument in hedges]
        closed = [booked[one.exec_id] for one in rows if one.exec_id in booked]
        for at_ns, client_id, intent in evidence.orders(evidence.ended_ns + round(quiet_s * NS_PER_S)):
            last_ns = max((one for one in closed if one < at_ns), default=0)
            if last_ns and at_ns - last_ns < quiet_s * NS_PER_S and not intent.reduce_only:
                return f"order {client_id} went in {(at_ns - last_ns) / NS_PER_S:.1f} s after the hedge was closed"
        return "" if closed else "no hedge was closed by force"

    return judge


def taken_back_within(seconds: float) -> Criterion:
    """What the venue took back is in the journal within so many seconds, and as what it is: no trade of anybody."""

    def judge(evidence: Evidence) -> str:
        booked, rows = evidence.booked_fills(), _taken_back(evidence)
        for one in rows:
            at_ns, kind = booked.get(one.exec_id, (None, None))
            if at_ns is None or at_ns - one.at_ns > seconds * NS_PER_S:
                return f"execution {one.exec_id}, which takes one back, was not booked within {seconds:g} s"
            if kind is not ev.ExecutionKind.ROLLBACK:
                return f"execution {one.exec_id}, which takes one back, was booked as a {kind}"
        return "" if rows else "nothing was taken back"

    return judge


def first_taken_back(evidence: Evidence) -> int | None:
    """When the venue took something back first."""
    return next((one.at_ns for one in _taken_back(evidence)), None)


def _taken_back(evidence: Evidence) -> list[Execution]:
    rows = (one for one in evidence.oracle.executions if evidence.begun_ns <= one.at_ns <= evidence.ended_ns)
    return [one for one in rows if one.order.origin is Origin.ADMIN]


def keeps_to_rules(within_s: float) -> Criterion:
    """The hedge's new rules are known within so many seconds, and each order from then on fits the newest of them."""

    def judge(evidence: Evidence) -> str:
        rules: Instrument | None = None
        changed_ns = 0
        for entry in evidence.journal.entries:
            if isinstance(entry, ev.Stamped):
                if not isinstance(entry.event, ev.InstrumentsLoaded):
                    continue
                newest = next((one for one in entry.event.instruments if one.id == evidence.hedge), rules)
                if entry.at_ns >= evidence.begun_ns and newest != rules:
                    changed_ns = changed_ns or entry.at_ns
                rules = newest
            elif isinstance(entry.command, cmd.SubmitOrder) and entry.at_ns >= evidence.begun_ns and rules is not None:
                intent = entry.command.approved.intent
                if intent.instrument == evidence.hedge and (told := _misfit(intent, rules)):
                    return f"order {entry.command.client_id} {told}"
        if not changed_ns:
            return "the new rules never came"
        late_s = (changed_ns - evidence.begun_ns) / NS_PER_S
        return "" if late_s <= within_s else f"the new rules were known after {late_s:.1f} s"

    return judge


def _misfit(intent: OrderIntent, rules: Instrument) -> str:
    """What of an order does not fit its instrument's rules; empty where all does."""
    qty, price = intent.qty_contracts, intent.limit_price
    if qty % rules.lot_size:
        return f"asks for {qty}, the lot is {rules.lot_size}"
    if price is not None and price % rules.tick_size:
        return f"has the limit {price}, the tick is {rules.tick_size}"
    if qty < rules.qty_min or (rules.qty_max is not None and qty > rules.qty_max):
        return f"asks for {qty}, from {rules.qty_min} to {rules.qty_max} may be asked for"
    return ""


def time_goes_on(evidence: Evidence) -> str:
    """The clock that decides agrees with the venue's at each measurement meanwhile, and each turn's timer fires on."""
    until_ns = evidence.ended_ns + 5 * NS_PER_S
    seen = [one for one in evidence.events() if one.at_ns <= until_ns]
    offsets = [one.event.offset_ms for one in seen if isinstance(one.event, ev.ClockMeasured)]
    if not offsets:
        return "the clock was not measured"
    if max(map(abs, offsets)) > OFFSET_MS_MAX:
        return f"the clock that decides was {max(offsets, key=abs):+.0f} ms off"
    timers = [one.at_ns for one in seen if isinstance(one.event, ev.TimerFired)]
    gap_s = max((b - a for a, b in itertools.pairwise(timers)), default=0) / NS_PER_S
    return "" if 0 < gap_s <= TIMER_GAP_S_MAX else f"no timer fired for {gap_s:.1f} s"


def never_back(evidence: Evidence) -> str:
    """What is journaled never runs back in time."""
    moments = [one.at_ns for one in evidence.journal.entries]
    back = next((b for a, b in itertools.pairwise(moments) if b < a), None)
    return "" if back is None else f"the journal's time runs back to {back}"


_FORCED = {ExecKind.ADL: ev.ExecutionKind.ADL, ExecKind.BUST: ev.ExecutionKind.LIQUIDATION}


def all_booked_within(seconds: float) -> Criterion:
    """Each execution of the account, also of others' orders, is in the journal within so many seconds."""

    def judge(evidence: Evidence) -> str:
        booked, rows = evidence.booked_ns(), evidence.oracle.executions
        seen = [one for one in rows if evidence.begun_ns <= one.at_ns <= evidence.ended_ns - seconds * NS_PER_S]
        for one in seen:
            at_ns = booked.get(one.exec_id)
            if at_ns is None or at_ns - one.at_ns > seconds * NS_PER_S:
                late = "never" if at_ns is None else f"{(at_ns - one.at_ns) / NS_PER_S:.1f} s later"
                return f"execution {one.exec_id} was booked {late}, {seconds:g} s are allowed"
        return "" if seen else "nothing was executed"

    return judge


def first_booked_after(seconds: float) -> Due:
    """The moment of the first execution that was not in the journal so many seconds later."""

    def due(evidence: Evidence) -> int | None:
        booked, late_ns = evidence.booked_ns(), round(seconds * NS_PER_S)
        rows = [one for one in evidence.oracle.executions if evidence.begun_ns <= one.at_ns <= evidence.ended_ns]
        late = [one.at_ns for one in rows if booked.get(one.exec_id, one.at_ns + late_ns) - one.at_ns >= late_ns]
        return late[0] if late else None

    return due


def throttled(number: int, window_s: float) -> Criterion:
    """The repeat throttle trips as configured: never more than `number` + 1 orders of a side in the window, then none.

    It counts by strategy and instrument, and a hedge that closes one side and opens the other as one. Nobody re-arms it
    while the fault lasts.
    """

    def judge(evidence: Evidence) -> str:
        orders = evidence.orders()
        for key in {(one.strategy, one.instrument, one.side) for _, _, one in orders}:
            same = [(at_ns, one) for at_ns, _, one in orders if (one.strategy, one.instrument, one.side) == key]
            moments = [at_ns for at_ns, one in same if not _goes_on(at_ns, one, same)]
            side = key[2]
            for first, last in itertools.zip_longest(moments, moments[number + 1 :]):
                if last is not None and last - first <= window_s * NS_PER_S:
                    return f"{number + 2} {side} orders within {window_s:g} s, the throttle stands at {number}"
        tripped = [at_ns for at_ns, _ in evidence.alerts(AlertKind.ORDER_REJECTED)]
        if not tripped:
            return "the throttle did not trip"
        late = [client_id for at_ns, client_id, _ in orders if at_ns > tripped[0]]
        return f"order {late[0]} was sent after the throttle had tripped" if late else ""

    return judge


def _goes_on(at_ns: int, order: OrderIntent, same: Sequence[tuple[int, OrderIntent]]) -> bool:
    """Whether an order opens what another one has closed just before: one hedge that crosses a position of nothing."""
    closed = any(one.reduce_only and 0 < at_ns - moment <= GOES_ON_NS for moment, one in same)
    return closed and not order.reduce_only


def hedged_once(seconds: float) -> Criterion:
    """When the venue is back the gap is hedged once: no more than the gap, what moved it since, and two bands."""

    def judge(evidence: Evidence) -> str:
        until_ns = evidence.back_ns or evidence.ended_ns + round(seconds * NS_PER_S)
        rows = [one for one in evidence.hedging() if evidence.ended_ns < one.at_ns <= until_ns]
        traded = float(sum((one.qty_contracts for one in rows), start=ZERO))
        after = [one for one in evidence.samples if evidence.ended_ns <= one.at_ns <= until_ns]
        moved = sum(abs(b.unhedged_coin - a.unhedged_coin) for a, b in itertools.pairwise(after))
        before = [one for one in evidence.samples if one.at_ns <= evidence.ended_ns]
        gap = abs(before[-1].delta_coin) if before else 0.0
        limit = gap + moved + 2 * evidence.band_coin
        return "" if traded <= limit else f"{traded:.3f} were traded after the end for a gap of {gap:.3f}"

    return judge


def refused_at_most(number: int) -> Criterion:
    """A market that takes no orders is believed: no more than so many of ours were refused while it lasted."""

    def judge(evidence: Evidence) -> str:
        refused = _refusals(evidence)
        return "" if len(refused) <= number else f"{len(refused)} orders were refused, {number} were enough to know"

    return judge


def wanted_in_vain(evidence: Evidence) -> int | None:
    """Five seconds before the delta was first so far out of its band for so long that a hedge was surely wanted.

    The engine may have seen it out a little sooner. None: a fill hedged it meanwhile, or the client's next trade.
    """
    edge_coin = evidence.band_coin + SEEN_COIN
    for outside, run in itertools.groupby(evidence.samples, lambda one: abs(one.delta_coin) > edge_coin):
        moments = [one.at_ns for one in run if one.at_ns <= evidence.ended_ns]
        if outside and moments and moments[-1] - moments[0] >= OPEN_NS:
            return max(evidence.begun_ns, moments[0] - OPEN_NS)
    return None


def first_refusal(evidence: Evidence) -> int | None:
    """When the venue refused an order of ours first."""
    return next(iter(_refusals(evidence)), None)


def third_refusal(evidence: Evidence) -> int | None:
    """When the venue refused an order of ours for the third time."""
    return next(iter(_refusals(evidence)[2:]), None)


def _refusals(evidence: Evidence) -> list[int]:
    events = (one for one in evidence.events() if one.at_ns <= evidence.ended_ns)
    return [one.at_ns for one in events if isinstance(one.event, ev.OrderRejected)]
