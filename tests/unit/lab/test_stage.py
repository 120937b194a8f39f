"""The deeds that mishaps are made of: each does to the world what its name says."""

from decimal import Decimal

from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.faults import OrderFault, OrderFaultKind, RequestFault, RequestFaultKind
from hedgebot.exchange.trouble import PriceShock
from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.mishaps import BY_ID
from hedgebot.lab.stage import (
    Mishap,
    at_own_fill,
    at_own_order,
    both,
    client_trade,
    dropping,
    is_own,
    link,
    nothing,
    orders,
    strike,
)
from strategies.delta_neutral import STRATEGY
from tests.unit.lab.test_criteria import played

S = 1_000_000_000


def world() -> FaultWorld:
    made = FaultWorld(3, 5.0, STRATEGY.build, [BY_ID["P06"]])
    made.host.start()
    made.timeline.advance(made.timeline.now_ns + 10 * S)
    return made


def held(stage: FaultWorld, name: str) -> Decimal:
    found = (one.contracts for one in stage.exchange.positions(stage.holder) if one.instrument == InstrumentId(name))
    return next(found, Decimal(0))


def test_somebody_elses_trade_is_hedged_and_told_apart() -> None:
    stage = world()
    before, hedge = held(stage, "bybit:linear:BTCPERP"), held(stage, stage.hedge)
    client_trade("0.5")(stage)
    assert held(stage, "bybit:linear:BTCPERP") == before + Decimal("0.5")
    client_trade("-0.2", "by-hand", on_hedge=True)(stage)
    assert held(stage, stage.hedge) == hedge - Decimal("0.2")
    assert stage.oracle.own_executions == [] or all(is_own(one.order.client_id) for one in stage.oracle.own_executions)


def test_a_deed_waits_for_the_next_order_and_fill_of_ours_and_comes_once() -> None:
    stage = world()
    done: list[str] = []
    both(at_own_order(lambda _: done.append("order")), at_own_fill(lambda _: done.append("fill")))(stage)
    client_trade("0.5", on_hedge=False)(stage)
    assert done == [], "the client's own trade is none of ours"
    for _ in range(3):
        client_trade("0.5")(stage)
        stage.timeline.advance(stage.timeline.now_ns + 5 * S)
    assert sorted(done) == ["fill", "order"]


def test_faults_are_handed_to_the_link_and_to_the_matching() -> None:
    stage = world()
    both(
        dropping("private", RequestFault(kind=RequestFaultKind.REQUEST_LOST, request="place", count=1)),
        orders(OrderFault(kind=OrderFaultKind.OVERLOADED, count=1)),
        link(),
        nothing,
    )(stage)
    assert not stage.link.private_up
    assert not stage.exchange.order_faults.book.is_idle
    price = stage.exchange.index_price("BTC")
    strike(lambda one: PriceShock(underlying=one.underlying, ratio=0.5))(stage)
    stage.timeline.advance(stage.timeline.now_ns + 2 * S)
    assert stage.exchange.index_price("BTC") < 0.6 * price


def test_a_mishap_knows_its_fault() -> None:
    assert Mishap(id="M06n", title="x", begin=nothing).fault == "M06"


def test_an_alert_that_is_owed_and_late_missing_or_said_again_is_told() -> None:
    evidence = played(30.0)
    mishap = Mishap(id="N02", title="x", begin=nothing, alerts=(AlertKind.LOOP_LAG,), alert_s=5.0)

    def after(*seconds: float) -> str:
        evidence.alert_log[:] = [(evidence.begun_ns + round(one * S), AlertKind.LOOP_LAG.value, "a") for one in seconds]
        return mishap.untold(evidence)

    assert after(5.0) == ""
    assert after(6.0) == "I9: no alert LoopLag within 5 s, it came after 6.0 s"
    assert after() == "I9: no alert LoopLag within 5 s"
    assert after(1.0, 2.0) == "I9: the alert of a was raised 2 times"
    assert Mishap(id="N02", title="x", begin=nothing).untold(evidence) == ""
