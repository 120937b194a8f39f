from decimal import Decimal

import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.reports import OrderReport
from hedgebot.journal.order_life import OrderLife, OrderLives
from tests.unit.journal.test_order_checks import client_id, of
from tests.unit.journal.world import PERP, decision_for, fill, order

ID = client_id()
SUBMIT = order(ID, Side.SELL, Decimal("0.3"), Decimal(100), 1)
ACCEPTED = ev.OrderAccepted(account="main", client_id=ID, order_id="o1", definitive=False)
UNKNOWN = ev.OrderOutcomeUnknown(account="main", client_id=ID, code="timeout", message="5 s")


def report(status: OrderStatus, filled: str = "0") -> OrderReport:
    return OrderReport(
        account="main",
        instrument=PERP,
        order_id="o1",
        client_id=ID,
        status=status,
        side=Side.SELL,
        qty_contracts=Decimal("0.3"),
        filled_contracts=Decimal(filled),
        limit_price=Decimal(100),
        reason="",
        venue_at_ns=1,
    )


def updated(status: OrderStatus, filled: str = "0") -> ev.OrderUpdated:
    return ev.OrderUpdated(report=report(status, filled))


def looked_up(found: OrderReport | None) -> ev.OrderLookedUp:
    return ev.OrderLookedUp(
        account="main", client_id=ID, report=found, searched=("open", "history"), complete=False, asked_at_ns=1
    )


def part(trade_id: str, qty: str, price: str = "101") -> ev.FillReceived:
    return fill(trade_id, Side.SELL, qty, client_id=ID, price=price, instrument=PERP)


def life(*values: ev.Event | cmd.Command) -> OrderLife:
    lives = OrderLives()
    for number, value in enumerate((SUBMIT, *values)):
        lives.take(of(value, number))
    found = lives.get(ID)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ([], OrderStatus.SENT),
        ([ACCEPTED], OrderStatus.SENT),
        ([ACCEPTED, updated(OrderStatus.OPEN)], OrderStatus.OPEN),
        ([part("1", "0.1")], OrderStatus.PARTIAL),
        ([part("1", "0.1"), part("1", "0.1"), part("2", "0.1")], OrderStatus.PARTIAL),
        ([part("1", "0.1"), part("2", "0.2")], OrderStatus.FILLED),
        ([updated(OrderStatus.CANCELLED), part("1", "0.1")], OrderStatus.CANCELLED),
        ([updated(OrderStatus.CANCELLED), part("1", "0.3")], OrderStatus.FILLED),
        ([UNKNOWN], OrderStatus.UNKNOWN),
        ([UNKNOWN, looked_up(None)], OrderStatus.UNKNOWN),
        ([UNKNOWN, looked_up(report(OrderStatus.CANCELLED))], OrderStatus.CANCELLED),
        ([ev.OrderRejected(account="main", client_id=ID, code="1", message="")], OrderStatus.REJECTED),
        ([updated(OrderStatus.CANCELLED), updated(OrderStatus.OPEN)], OrderStatus.CANCELLED),
    ],
)
def test_where_an_order_stands(said: list[ev.Event], status: OrderStatus) -> None:
    assert life(*said).status is status


def test_fills_add_up_once_each() -> None:
    found = life(ACCEPTED, part("1", "0.1", "100"), part("1", "0.1", "100"), part("2", "0.2", "103"))
    assert found.filled_contracts == Decimal("0.3")
    assert found.average_price == Decimal(102)
    assert found.order_id == "order-2"
    assert [step.age_ms for step in found.steps] == [0.0, 1_000.0, 2_000.0, 4_000.0]


def test_everything_said_is_a_line() -> None:
    cancel = cmd.CancelOrder(account="main", instrument=PERP, client_id=ID, reason="too late")
    answer = ev.CancelAnswered(account="main", client_id=ID, accepted=False, code="gone", message="")
    query = cmd.QueryOrder(account="main", instrument=PERP, client_id=ID)
    found = life(ACCEPTED, UNKNOWN, cancel, answer, query, looked_up(None), updated(OrderStatus.EXPIRED))
    assert [step.what for step in found.steps[1:]] == [
        "request taken, not yet accepted",
        "outcome unknown: timeout 5 s",
        "cancel asked: too late",
        "cancel refused gone",
        "look-up asked",
        "looked up, not found in open, history (incomplete)",
        "venue says expired, filled 0",
    ]


def test_what_is_not_about_a_sent_order_is_passed_over() -> None:
    lives = OrderLives()
    assert lives.take(of(decision_for(ID, 0.1))) is None
    assert lives.take(of(part("1", "0.1"))) is None
    assert lives.take(of(ev.TimerFired())) is None
    assert lives.get(ID) is None
