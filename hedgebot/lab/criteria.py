"""The criteria of faults: the `pass` column of the project's table, as functions of what is known after the run.

Owns one function for each thing that rows ask for. A criterion answers with a sentence when it is not met. Invariants
are the oracle's: what holds in every run is not said again here.
"""

import itertools
from collections.abc import Callable
from decimal import Decimal

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_S
from hedgebot.exchange.reasons import RefusalReason
from hedgebot.lab.evidence import Evidence
from hedgebot.lab.journaljudge import moves_position
from hedgebot.lab.oracle import positions_of

Criterion = Callable[[Evidence], str]

REPORT_S = 5.0
"""How long after its turn a report of the margin may come and be acted on."""


def every(*criteria: Criterion) -> Criterion:
    """All of them; the first that is not met speaks."""
    return lambda evidence: next((said for one in criteria if (said := one(evidence))), "")


def struck(evidence: Evidence) -> str:
    """An order of ours met the fault: without one nothing was tried."""
    return "" if evidence.orders(evidence.ended_ns + 30 * NS_PER_S) else "no order of ours met it"


def booked_within(seconds: float) -> Criterion:
    """Each execution of ours is in the journal within so many seconds."""
    return lambda evidence: _late_booking(evidence, lambda at_ns: at_ns, seconds)


def booked_after_end(seconds: float) -> Criterion:
    """Each execution of ours is in the journal within so many seconds of the end of the fault."""
    return lambda evidence: _late_booking(evidence, lambda at_ns: max(at_ns, evidence.ended_ns), seconds)


def _late_booking(evidence: Evidence, since: Callable[[int], int], seconds: float) -> str:
    booked = evidence.booked_ns()
    for one in evidence.fills():
        at_ns = booked.get(one.exec_id)
        if at_ns is None:
            return f"execution {one.exec_id} of {one.order.client_id} was never booked"
        late_s = (at_ns - since(one.at_ns)) / NS_PER_S
        if late_s > seconds:
            return f"execution {one.exec_id} was booked {late_s:.1f} s after it, at most {seconds:g} s are allowed"
    return ""


def settled_after_end(seconds: float) -> Criterion:
    """Each order that was sent before the end is settled within so many seconds of it: at the venue and in the book."""

    def judge(evidence: Evidence) -> str:
        if evidence.state is None:
            return "no process runs at the end"
        sent = {client_id for _, client_id, _ in evidence.orders()}
        open_still = [one for one in evidence.state.unsettled if one in sent]
        if open_still:
            return f"order {open_still[0]} is not settled at the end"
        late_ns = evidence.ended_ns + round(seconds * NS_PER_S)
        asked = [
            one.command.client_id
            for one in evidence.commands(late_ns)
            if isinstance(one.command, cmd.QueryOrder) and one.command.client_id in sent
        ]
        return f"order {asked[0]} is asked for more than {seconds:g} s after the end" if asked else ""

    return judge


def never_flat(evidence: Evidence) -> str:
    """An empty list of positions moves nothing: no adjustment to zero."""
    moved = [one.command.subject for one in evidence.commands() if moves_position(one.command)]
    return f"{moved[0]} was moved because of an empty list" if moved else ""


def back_within(seconds: float) -> Criterion:
    """The true delta is in its band again within so many seconds of the end."""

    def judge(evidence: Evidence) -> str:
        if evidence.back_ns is None:
            return f"the delta was not seen in its band again, {seconds:g} s are allowed"
        took_s = (evidence.back_ns - evidence.ended_ns) / NS_PER_S
        return "" if took_s <= seconds else f"back in the band after {took_s:.0f} s, {seconds:g} s are allowed"

    return judge


def as_in_order(evidence: Evidence) -> str:
    """The ledger is what each execution once, in the venue's order, would have made of it."""
    state = evidence.state
    if state is None:
        return "no process runs at the end"
    contracts = positions_of(evidence.journal.entries)
    ours = {one.instrument: one.contracts for one in state.positions.values() if one.contracts}
    if {str(name): held for name, held in ours.items()} != contracts:
        return f"positions are {ours}, in order they would be {contracts}"
    fees: dict[str, Decimal] = {}
    booked: set[str] = set()
    # The state forgets its oldest orders.
    sent = {one.command.client_id for one in evidence.journal.orders() if isinstance(one.command, cmd.SubmitOrder)}
    own = 0
    for one in evidence.journal.entries:
        fill = one.event if isinstance(one, ev.Stamped) else None
        if isinstance(fill, ev.FillReceived) and fill.trade_id not in booked:
            booked.add(fill.trade_id)
            own += fill.client_id in sent
            fees[fill.fee_coin] = fees.get(fill.fee_coin, ZERO) + fill.fee
    totals = state.totals
    if (totals.fills, totals.own_fills) != (len(booked), own):
        return f"{totals.fills} fills are counted, {totals.own_fills} of ours; there were {len(booked)} and {own}"
    if {name: fee for name, fee in totals.fees.items() if fee} != {name: fee for name, fee in fees.items() if fee}:
        return f"fees are {totals.fees}, in order they would be {fees}"
    return ""


def no_orders_after(seconds: float, *, on_hedge: bool = False) -> Criterion:
    """Nothing was sent while it lasted, once so many seconds had passed; `on_hedge`: nothing in the main hedge."""

    def judge(evidence: Evidence) -> str:
        orders = [one for one in evidence.orders() if not on_hedge or one[2].instrument == evidence.hedge]
        late = [one for one in orders if one[0] > evidence.begun_ns + seconds * NS_PER_S]
        return f"order {late[0][1]} was sent more than {seconds:g} s after the begin" if late else ""

    return judge


def halts_within(seconds: float) -> Criterion:
    """The book is HALTED, and within so many seconds of the begin."""

    def judge(evidence: Evidence) -> str:
        at_ns = evidence.entered(cmd.Mode.HALTED)
        if at_ns is None:
            return "the book was not halted"
        took_s = (at_ns - evidence.begun_ns) / NS_PER_S
        return "" if took_s <= seconds else f"the book was halted after {took_s:.0f} s, {seconds:g} s are allowed"

    return judge


def reduces_before_liquidation(evidence: Evidence) -> str:
    """The book enters REDUCING by the first report beyond its configured line, and nothing of it is ever liquidated.

    The line is the floor of its buffer: the distance to liquidation that is configured where no model tells one. A book
    whose use never came to the line of REDUCING, or not for as long as reports are apart, has nothing to reduce.
    """
    at_ns = evidence.entered(cmd.Mode.REDUCING)
    if at_ns is None:
        # The samples of a mishap are a second apart.
        lasted = evidence.settings.limits.reconcile_interval_ms // 1_000
        uses = [one.margin_use for one in evidence.samples] or [0.0]
        worst = max(min(uses[at : at + lasted]) for at in range(max(len(uses) - lasted, 0) + 1))
        if 0.0 < worst < evidence.settings.limits.margin_use_reduce:
            return ""
        return f"the book was not reduced; its margin use came to {worst:.0%}"
    use = max((one.margin_use for one in evidence.samples if one.at_ns <= at_ns), default=0.0)
    if use >= 1.0:
        return f"the book was reduced at a margin use of {use:.0%}"
    if late := _reduced_late(evidence, at_ns):
        return late
    # All that melted is back in one moment, which no market does: what comes after it is not judged.
    forced = [
        one.event
        for one in evidence.events()
        if isinstance(one.event, ev.FillReceived)
        and one.event.kind in _FORCED
        and not 0 < evidence.ended_ns < one.at_ns
    ]
    return f"{forced[0].kind} of {forced[0].instrument}" if forced else ""


def _reduced_late(evidence: Evidence, at_ns: int) -> str:
    """Whether its margin use stood beyond the line for longer than reports are apart before the book was reduced."""
    most = evidence.settings.limits
    since_ns: int | None = None
    for one in evidence.samples:
        if one.at_ns > at_ns:
            break
        since_ns = (since_ns or one.at_ns) if one.margin_use >= most.margin_use_reduce else None
        beyond_s = (one.at_ns - since_ns) / NS_PER_S if since_ns else 0.0
        if beyond_s > most.reconcile_interval_ms / 1_000 + REPORT_S:
            return f"the book was reduced after {beyond_s:.0f} s beyond {most.margin_use_reduce:.0%} of its margin"
    return ""


_FORCED = (ev.ExecutionKind.LIQUIDATION, ev.ExecutionKind.ADL)


def no_blind_entry(quiet_s: float) -> Criterion:
    """While the venue deleverages, and for a while after, nothing makes the position larger again."""

    def judge(evidence: Evidence) -> str:
        forced = [one for one in evidence.oracle.forced if one.at_ns >= evidence.begun_ns]
        if not forced:
            return "nothing was deleveraged"
        for at_ns, client_id, intent in evidence.orders(evidence.ended_ns + round(quiet_s * NS_PER_S)):
            last_ns = max((one.at_ns for one in forced if one.at_ns <= at_ns), default=0)
            if last_ns and at_ns - last_ns < quiet_s * NS_PER_S and not intent.reduce_only:
                return f"order {client_id} went in again {(at_ns - last_ns) / NS_PER_S:.1f} s after the deleveraging"
        return ""

    return judge


def reducing_orders_pass(evidence: Evidence) -> str:
    """An order that only reduces was taken where there was one, whatever the throttle refused."""
    taken = {one.client_id for one in evidence.arrived()}
    for _, client_id, intent in evidence.orders():
        if intent.reduce_only and client_id not in taken:
            return f"order {client_id} only reduces and did not come through"
    return ""


def refusals_alerted(evidence: Evidence) -> str:
    """Three refusals in a row, with no execution of ours between them, are told within five seconds of the third."""
    times = [one.at_ns for one in evidence.events() if isinstance(one.event, ev.OrderRejected)]
    done = [one.at_ns for one in evidence.oracle.own_executions]
    rows = zip(times, times[2:], strict=False)
    third = next((last for first, last in rows if not any(first < at_ns < last for at_ns in done)), None)
    if third is None or evidence.ended_ns - third < 5 * NS_PER_S:
        return ""
    told = [at_ns for at_ns, _ in evidence.alerts(AlertKind.ORDER_REJECTED)]
    in_time = any(at_ns <= third + 5 * NS_PER_S for at_ns in told)
    return "" if in_time else f"{len(times)} refusals and no alert of them"


def one_retry_after_the_clock(evidence: Evidence) -> str:
    """A refusal because of the time is followed by a look at the clock and one more try, and counts as no refusal."""
    refused = [
        one
        for one in evidence.events()
        if isinstance(one.event, ev.OrderRejected) and one.event.code == RefusalReason.OUTSIDE_WINDOW
    ]
    if not refused:
        return "no order met the venue's window"
    told = [at_ns for at_ns, _ in evidence.alerts(AlertKind.ORDER_REJECTED)]
    if any(one.at_ns <= at_ns <= one.at_ns + NS_PER_S for one in refused for at_ns in told):
        return "the refusals were counted as refusals of orders"
    measured = [one.at_ns for one in evidence.events() if isinstance(one.event, ev.ClockMeasured)]
    for one in refused:
        if not any(one.at_ns <= at_ns <= one.at_ns + NS_PER_S for at_ns in measured):
            return "the clock was not measured anew within a second of the refusal"
    close = [b.at_ns - a.at_ns for a, b in itertools.pairwise(refused) if b.at_ns - a.at_ns < 10 * NS_PER_S]
    return f"{len(close) + 1} tries were refused in a row" if close else ""


def slippage_inside_collar(evidence: Evidence) -> str:
    """No execution of ours was worse than its order's limit."""
    for one in evidence.fills():
        limit = one.order.limit_price
        if limit is not None and (one.price - limit) * one.side.sign > 0:
            return f"execution {one.exec_id} at {one.price} is beyond its limit {limit}"
    return ""


def limit_breach_told(evidence: Evidence) -> str:
    """Time beyond the delta limit is told within five seconds."""
    limit = evidence.settings.underlyings[0].delta_limit_coin
    beyond = [one.at_ns for one in evidence.samples if abs(one.delta_coin) > limit + 0.05]
    if len(beyond) < 2:
        return ""
    told = [at_ns for at_ns, _ in evidence.alerts(AlertKind.DELTA_OUTSIDE_LIMIT)]
    in_time = any(at_ns <= beyond[0] + 5 * NS_PER_S for at_ns in told)
    return "" if in_time else "the delta was beyond its limit and nobody was told"


def orders_at_most(per_minute: float) -> Criterion:
    """No more orders than so many a minute for each hedge instrument, however the price goes to and fro."""

    def judge(evidence: Evidence) -> str:
        minutes = (evidence.ended_ns - evidence.begun_ns) / NS_PER_S / 60
        sent, most = len(evidence.orders()), per_minute * len(evidence.settings.underlyings[0].hedge_instruments)
        return "" if sent <= most * minutes + 1 else f"{sent} orders within {minutes:.1f} minutes"

    return judge


def cost_decision_journaled(evidence: Evidence) -> str:
    """Decisions meanwhile carry the funding rate that they knew, or what each of several hedges costs by it."""
    decisions = [one.command for one in evidence.commands() if isinstance(one.command, cmd.RecordDecision)]
    told = ("funding_rate", f"carry_day {evidence.hedge}", f"cost_day {evidence.hedge}")
    bare = [one for one in decisions if all(one.evidence.get(name) is None for name in told)]
    if not decisions:
        return "nothing was decided meanwhile"
    return "a decision does not say the funding rate" if bare else ""


def hedge_held_after(seconds: float) -> Callable[[Evidence], int | None]:
    """The moment so long after the begin, if the main hedge was held then and a second later, long or short both times.

    What is not held costs nothing, and what is closed or turned at once need not be told.
    """

    def due(evidence: Evidence) -> int | None:
        moment_ns = evidence.begun_ns + round(seconds * NS_PER_S)
        sides = {_side_held(evidence, at_ns) for at_ns in (moment_ns, moment_ns + NS_PER_S)}
        return moment_ns if sides in ({-1}, {1}) else None

    return due


def _side_held(evidence: Evidence, at_ns: int) -> int:
    """1 where the main hedge is long at a moment, -1 where it is short, else 0."""
    held = positions_of([one for one in evidence.journal.entries if one.at_ns <= at_ns]).get(evidence.hedge, 0)
    return (held > 0) - (held < 0)


def frozen_before_settlement(evidence: Evidence) -> str:
    """The underlying is frozen before its hedge is settled, and the book is not halted for it."""
    frozen = [
        one.at_ns
        for one in evidence.commands()
        if isinstance(one.command, cmd.RecordLatch)
        and one.command.held
        and f"settling:{evidence.hedge}" in one.command.causes
    ]
    if not frozen:
        return "its underlying was not frozen"
    if evidence.entered(cmd.Mode.HALTED) is not None:
        return "the whole book was halted"
    return "" if frozen[0] < evidence.ended_ns else "its underlying was frozen after the settlement"


def first_forced(evidence: Evidence) -> int | None:
    """When the venue closed something by force."""
    return next((one.at_ns for one in evidence.oracle.forced if one.at_ns >= evidence.begun_ns), None)


def asks_before_it_acts(evidence: Evidence) -> str:
    """After a pause nothing is sent before the venue was asked anew."""
    asked_ns = None
    for one in evidence.journal.entries:
        if one.at_ns < evidence.ended_ns:
            continue
        if isinstance(one, ev.Stamped) and isinstance(one.event, ev.SnapshotTaken):
            asked_ns = one.at_ns if one.event.asked_at_ns >= evidence.ended_ns else asked_ns
        elif isinstance(one, cmd.Issued) and isinstance(one.command, cmd.SubmitOrder) and asked_ns is None:
            return f"order {one.command.client_id} was sent before the venue was asked"
    return "" if asked_ns is not None else "the venue was not asked after the pause"


def tasks_told(tasks: tuple[str, ...]) -> Criterion:
    """Each task that failed has its own alert; one may be up from before."""

    def judge(evidence: Evidence) -> str:
        told = {subject for _, subject in evidence.alerts(AlertKind.TASK_FAILED)}
        told |= evidence.standing(AlertKind.TASK_FAILED)
        return f"nobody was told of {min(set(tasks) - told)}" if set(tasks) - told else ""

    return judge


def nothing_arrives(evidence: Evidence) -> str:
    """No order reached the venue while it lasted; one that was on its way at the begin may."""
    arrived = [one for one in evidence.arrived() if one.created_at_ns > evidence.begun_ns + NS_PER_S]
    return f"order {arrived[0].client_id} reached the venue" if arrived else ""


def stale_once(*, from_s: float, until_s: float) -> Criterion:
    """Market data are called stale when they stand still, not before, and not in the minute after the end."""

    def judge(evidence: Evidence) -> str:
        until_ns = evidence.ended_ns + 60 * NS_PER_S
        told = [at_ns for at_ns, _ in evidence.alerts(AlertKind.STALE_MARKET_DATA) if at_ns <= until_ns]
        moments = [(at_ns - evidence.begun_ns) / NS_PER_S for at_ns in told]
        wrong = [one for one in moments if not from_s < one < until_s + 1.0]
        return f"called stale {wrong[0]:.1f} s after the begin, they stood still from {from_s:g} s on" if wrong else ""

    return judge
