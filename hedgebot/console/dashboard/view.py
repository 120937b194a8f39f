"""What the page and `/api/v1/snapshot` show: the snapshot, its alerts and decisions in words, and what is red and why.

A pure function of the snapshot. Every red thing names the action: what to type, or where to read.
"""

import msgspec

from hedgebot.console import words
from hedgebot.console.snapshot import AccountRow, AlertRow, Snapshot, UnderlyingRow

DECISIONS_MAX = 20
LAG_MS_TOLD = 250.0
OFFSET_MS_TOLD = 500.0


class Red(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong: `key` is the place on the page, `action` what to do about it."""

    key: str
    what: str
    action: str


class DecisionLine(msgspec.Struct, frozen=True, kw_only=True):
    """One decision in words."""

    at_ns: int
    outcome: str
    line: str


class View(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `/api/v1/snapshot`. `snapshot` is empty while `reachable` is false, and then `problem` says why."""

    reachable: bool
    problem: str
    age_ms: float
    snapshot: Snapshot
    alerts: tuple[AlertRow, ...]
    decisions: tuple[DecisionLine, ...]
    triggers: dict[str, str]
    reds: tuple[Red, ...]


def build_view(snapshot: Snapshot | None, problem: str, age_s: float) -> View:
    """Everything that is shown, worst alerts first, newest decisions first."""
    known = snapshot or Snapshot()
    order = {"crit": 0, "warn": 1, "info": 2}
    return View(
        reachable=snapshot is not None,
        problem=problem,
        age_ms=round(age_s * 1e3, 1),
        snapshot=known,
        alerts=tuple(sorted(known.alerts, key=lambda one: order.get(one.severity, 0))),
        decisions=tuple(
            DecisionLine(at_ns=one.at_ns, outcome=one.outcome, line=words.decision_line(one))
            for one in reversed(known.book.decisions[-DECISIONS_MAX:])
        ),
        triggers={one.underlying: words.triggers(one) for one in known.book.underlyings},
        reds=_reds(known) if snapshot is not None else (_unreachable(problem),),
    )


def _unreachable(problem: str) -> Red:
    action = "hedgebot kill --direct -c FILE cancels at the venue itself; then look for the daemon"
    return Red(key="daemon", what=f"the state of the book is not known: {problem}", action=action)


def _reds(snapshot: Snapshot) -> tuple[Red, ...]:
    book = snapshot.book
    reds = _process(snapshot)
    for one in book.underlyings:
        reds += _underlying(one)
    for account in book.accounts:
        reds += _account(account)
    if book.unknown_orders:
        what = f"{book.unknown_orders} orders have an unknown outcome"
        reds.append(Red(key="orders", what=what, action="they are looked up; RB-07 says when to step in"))
    cost, limit = book.funding_usd_per_day, book.funding_limit_usd_per_day
    if cost is not None and limit is not None and cost > limit:
        reds.append(Red(key="funding", what="funding costs more than its limit", action="RB-14"))
    return tuple(reds)


def _process(snapshot: Snapshot) -> list[Red]:
    book, daemon = snapshot.book, snapshot.daemon
    reds = []
    if book.mode == "halted" or daemon.kill_file:
        action = "when the cause is over, on the machine: hedgebot unkill (RB-17)"
        reds.append(
            Red(key="mode", what=f"the book is halted: {book.mode_reason or 'the kill file is there'}", action=action)
        )
    if daemon.journal_failing:
        reds.append(Red(key="journal", what="the journal does not answer: no order leaves", action="RB-25"))
    if daemon.loop_lag_ms_max is not None and (daemon.loop_lag_ms or 0.0) > LAG_MS_TOLD:
        reds.append(Red(key="loop", what="the daemon's loop is late", action="RB-23"))
    reds += [
        Red(key=f"channel.{one.name}", what=f"alerts do not go out by {one.name}: {one.problem}", action="RB-30")
        for one in daemon.alert_delivery.channels
        if one.problem
    ]
    return reds


def _underlying(one: UnderlyingRow) -> list[Red]:
    name, reds = one.underlying, []
    if one.delta_coin is None:
        reds.append(Red(key=f"{name}.delta", what=f"the net delta of {name} is unknown", action=one.why_not or "RB-04"))
    elif one.limit_coin is not None and abs(one.delta_coin) > one.limit_coin:
        what = f"net delta of {name} is beyond its limit: {one.why_not}"
        reds.append(Red(key=f"{name}.delta", what=what, action="RB-01"))
    if one.worst_case_coin is not None and one.limit_coin is not None and one.worst_case_coin > one.limit_coin:
        reds.append(Red(key=f"{name}.worst", what=f"worst-case delta of {name} is beyond its limit", action="RB-01"))
    return reds


def _account(account: AccountRow) -> list[Red]:
    name = account.account
    reds = [
        Red(
            key=f"{name}.{one.stream}",
            what=f"the {one.stream} stream of {name} is down",
            action="RB-05" if one.stream == "private" else "RB-04",
        )
        for one in account.streams
        if not one.up
    ]
    if not account.reconciled and not account.watched:
        what = f"{name} is not reconciled{': ' if account.differences else ''}{'; '.join(account.differences)}"
        reds.append(Red(key=f"{name}.recon", what=what, action="RB-08"))
    offset = account.clock_offset_ms
    if offset is not None and abs(offset) > OFFSET_MS_TOLD:
        reds.append(Red(key=f"{name}.clock", what=f"our clock is {offset:+.0f} ms off {name}'s", action="RB-22"))
    return reds
