"""A venue restarts, its dead-man's switch fires, all our orders are gone: on virtual time, by several venues' rules.

Nothing of ours rests by itself, so that here alone the shaped orders are made to rest far from the market.
"""

import itertools
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from hedgebot.core import decide
from hedgebot.core.shaping import NoLot
from hedgebot.core.shaping import shape as real_shape
from hedgebot.domain import commands as cmd
from hedgebot.domain.deadman import DEAD_MAN_REASON, DeadManChanged, DeadManKind, DeadManStatus
from hedgebot.domain.events import OrderLookedUp, OrderUpdated, Stamped
from hedgebot.domain.orders import TERMINAL, OrderIntent, TimeInForce
from hedgebot.exchange.faults import LineFault, LineFaultKind
from hedgebot.exchange.types import EndReason
from tests.unit.lab.bench import PERP, Bench

WINDOW_S = 5.0
RESTART_S = 10.0
VENUES = ("kraken_futures", "binance", "deribit", "bybit")


def resting_shape(*arguments: Any) -> OrderIntent | NoLot:
    """The shaped order, half a percent away from the market and good till cancelled."""
    shaped = real_shape(*arguments)
    if isinstance(shaped, NoLot):
        return shaped
    rules = arguments[0].instruments[shaped.instrument]
    price = rules.protective_price(arguments[3] * (1 - shaped.side.sign * Decimal("0.005")), shaped.side)
    return msgspec.structs.replace(shaped, limit_price=price, time_in_force=TimeInForce.GTC)


def resting(rules: str) -> Bench:
    """A book with an order that rests in the venue."""
    bench = Bench(venue_rules=rules, dead_man_s=WINDOW_S)
    bench.host.start()
    for _ in range(60):
        bench.run(1)
        if bench.exchange.open_orders("main"):
            return bench
    raise AssertionError("no order came to rest")


def entries(bench: Bench) -> list[Stamped | cmd.Issued]:
    return list(bench.host.journal.entries)


def armed_before_each_order(bench: Bench) -> int:
    """The number of orders, each of which the journal shows to have left while the switch was armed."""
    armed, orders = False, 0
    for entry in entries(bench):
        match entry:
            case Stamped(event=DeadManChanged(status=status)):
                armed = status is DeadManStatus.ARMED
            case Stamped(event=OrderUpdated(report=report) | OrderLookedUp(report=report)) if report is not None:
                armed = armed and report.reason != DEAD_MAN_REASON
            case cmd.Issued(command=cmd.SubmitOrder()):
                assert armed, f"order {orders + 1} left without an armed switch"
                orders += 1
            case _:
                pass
    return orders


@pytest.mark.parametrize("rules", VENUES)
def test_v08_a_restart_fires_the_switch_and_it_is_armed_again_before_the_next_order(
    rules: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decide, "shape", resting_shape)
    bench = resting(rules)
    (order,) = bench.exchange.open_orders("main")
    before = armed_before_each_order(bench)
    bench.link.add(LineFault(kind=LineFaultKind.REFUSE, seconds=RESTART_S))
    bench.link.streams.drop("")
    bench.run(RESTART_S)
    assert bench.exchange.open_orders("main") == ()
    gone = bench.exchange.order("main", client_id=order.client_id)
    assert gone is not None
    assert gone.end_reason is EndReason.DEAD_MAN
    bench.run(20)
    ours = bench.host.engine.state.orders[str(order.client_id)]
    assert ours.status in TERMINAL
    assert armed_before_each_order(bench) > before, "hedging goes on"
    state = bench.host.engine.state.accounts["main"].dead_man
    assert state.status is DeadManStatus.ARMED
    assert ("DmsNotArmed", "main") not in bench.host.alerts


@pytest.mark.parametrize("rules", ["kraken_futures", "binance"])
def test_a_timer_never_fires_while_we_live(rules: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide, "shape", resting_shape)
    bench = resting(rules)
    (order,) = bench.exchange.open_orders("main")
    bench.run(60)
    found = bench.exchange.order("main", client_id=order.client_id)
    assert found is not None
    assert found.end_reason is not EndReason.DEAD_MAN
    asked = [
        one.at_ns for one in entries(bench) if isinstance(one, cmd.Issued) and isinstance(one.command, cmd.ArmDeadMan)
    ]
    assert max(later - earlier for earlier, later in itertools.pairwise(asked)) <= WINDOW_S / 3 * 1e9


def test_without_a_switch_nothing_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The venue grants none: the gate refuses each order that would rest, and the alert is up."""
    monkeypatch.setattr(decide, "shape", resting_shape)
    bench = Bench(dead_man_s=None)
    bench.host.start()
    bench.run(60)
    refused = [
        one.command.refused.check.rule
        for one in entries(bench)
        if isinstance(one, cmd.Issued) and isinstance(one.command, cmd.RecordRefusal)
    ]
    assert set(refused) == {"dead_man"}
    assert bench.host.journal.orders() == []
    assert bench.exchange.open_orders("main") == ()


def test_a_dead_process_leaves_nothing_resting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide, "shape", resting_shape)
    bench = resting("kraken_futures")
    held = bench.perp_contracts()
    bench.host.crash()
    bench.run(WINDOW_S + 1)
    assert bench.exchange.open_orders("main") == ()
    assert bench.perp_contracts() == held, "a switch cancels orders and keeps positions"
    assert PERP in bench.exchange.positions("main")[0].instrument or held == 0


def test_d6_a_graceful_stop_disarms_the_timer_last(monkeypatch: pytest.MonkeyPatch) -> None:
    from hedgebot.domain.events import StopRequested

    monkeypatch.setattr(decide, "shape", resting_shape)
    bench = resting("kraken_futures")
    bench.host.put(StopRequested(reason="SIGTERM"))
    bench.run(10)
    assert bench.host.ended
    assert bench.exchange.dead_man.states("main") == ()
    assert bench.exchange.open_orders("main") == ()
    told = [one.event for one in entries(bench) if isinstance(one, Stamped) and isinstance(one.event, DeadManChanged)]
    assert told[-1].status is DeadManStatus.OFF
    assert told[-1].kind is DeadManKind.NATIVE_TIMER
