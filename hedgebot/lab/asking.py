"""What an exchange in process answers to a lookup and to a snapshot, as the domain's events. Pure.

Owns the shape of the answers, also of those that never came or say nothing. When they travel is the venue's business.
"""

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.durations import NS_PER_S
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.types import SimOrder
from hedgebot.lab.translate import execution_fact, order_report, position_report, wallet_report

OVERLAP_NS = 60 * NS_PER_S

Lookup = tuple[ev.FillReceived | ev.OrderLookedUp, ...]
Snapshot = tuple[ev.FillReceived | ev.FundingPaid | ev.SnapshotTaken, ...]


def lookup(exchange: Exchange, holder: str, account: str, command: cmd.QueryOrder, asked_at_ns: int) -> Lookup:
    """An order with its executions before it."""
    order = exchange.order(holder, client_id=command.client_id)
    facts = [execution_fact(row, account, ev.Source.QUERY) for row in exchange.executions(holder)]
    fills = [one for one in facts if isinstance(one, ev.FillReceived) and one.client_id == command.client_id]
    return (*fills, looked_up(account, command, asked_at_ns, order, complete=True))


def looked_up(
    account: str, command: cmd.QueryOrder, asked_at_ns: int, order: SimOrder | None, *, complete: bool
) -> ev.OrderLookedUp:
    """The answer itself; without an order it is on no list, and not `complete` says that nobody answered."""
    return ev.OrderLookedUp(
        account=account,
        client_id=command.client_id,
        report=None if order is None else order_report(order, account),
        searched=("open", "history", "executions") if complete else (),
        complete=complete,
        asked_at_ns=asked_at_ns,
    )


def snapshot(exchange: Exchange, holder: str, account: str, command: cmd.RequestSnapshot, asked_at_ns: int) -> Snapshot:
    """Everything an account holds, with the executions since the cursor before it."""
    rows = exchange.executions(holder, command.executions_since_ns - OVERLAP_NS)
    taken = ev.SnapshotTaken(
        account=account,
        request=command.request,
        complete=True,
        problem="",
        positions=tuple(position_report(one, account) for one in exchange.positions(holder)),
        open_orders=tuple(order_report(one, account) for one in exchange.open_orders(holder)),
        wallet=wallet_report(exchange.wallet(holder), account),
        executions_since_ns=command.executions_since_ns,
        asked_at_ns=asked_at_ns,
    )
    return (*(execution_fact(row, account, ev.Source.QUERY) for row in rows), taken)


def no_snapshot(account: str, command: cmd.RequestSnapshot, asked_at_ns: int, why: str) -> ev.SnapshotTaken:
    """The question was not answered."""
    return ev.SnapshotTaken(
        account=account,
        request=command.request,
        complete=False,
        problem=why,
        positions=(),
        open_orders=(),
        wallet=None,
        executions_since_ns=command.executions_since_ns,
        asked_at_ns=asked_at_ns,
    )
