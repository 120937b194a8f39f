"""What the outside says, in the reports and events that carry its words."""

from decimal import Decimal

from hedgebot.domain import events as ev
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.reports import OrderReport, WalletReport, WatchedMargin
from tests.unit.daemon.fakes import BTC


def order_report(reason: str) -> OrderReport:
    return OrderReport(
        account="main",
        instrument=BTC,
        order_id="1",
        client_id="4b",
        status=OrderStatus.REJECTED,
        side=Side.BUY,
        qty_contracts=Decimal(1),
        filled_contracts=Decimal(0),
        limit_price=None,
        reason=reason,
        venue_at_ns=1,
    )


def wallet_report(problem: str | None) -> WalletReport:
    """Of a watched account; `problem` None: of one that is traded."""
    margin = None if problem is None else WatchedMargin(pocket="", pockets=1, equity_usd=None, problem=problem)
    return WalletReport(
        account="main",
        balances={"BTC": Decimal(1)},
        equity_usd=None,
        initial_margin_usd=None,
        maintenance_margin_usd=None,
        venue_at_ns=1,
        watched=margin,
    )


def snapshot_taken(*orders: OrderReport, wallet: WalletReport | None = None) -> ev.SnapshotTaken:
    return ev.SnapshotTaken(
        account="main",
        request=1,
        complete=True,
        problem="",
        positions=(),
        open_orders=orders,
        wallet=wallet,
        executions_since_ns=0,
        asked_at_ns=1,
    )


def looked_up(report: OrderReport | None) -> ev.OrderLookedUp:
    return ev.OrderLookedUp(
        account="main", client_id="4b", report=report, searched=("history",), complete=True, asked_at_ns=1
    )
