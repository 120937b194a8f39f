"""The simulated adapter's care: the clock is measured, the dead-man's switch of several venues armed and read back."""

import pytest

from hedgebot.domain.commands import ArmDeadMan
from hedgebot.domain.deadman import DeadManChanged, DeadManKind, DeadManStatus
from hedgebot.domain.events import ClockMeasured, Event
from hedgebot.exchange.faults import RequestFault, RequestFaultKind
from hedgebot.lab.simcare import SimCare
from tests.unit.lab.bench import PERP, Bench


def care_of(bench: Bench) -> tuple[SimCare, list[Event]]:
    told: list[Event] = []
    return SimCare(bench.seat(told.append)), told


def arm(bench: Bench, seconds: float) -> DeadManChanged:
    care, told = care_of(bench)
    care.arm(ArmDeadMan(account="book", seconds=seconds, instruments=(PERP,)))
    bench.run(4)
    (answer,) = told
    assert isinstance(answer, DeadManChanged)
    assert answer.account == "book"
    return answer


def test_the_clock_is_measured_until_it_stops() -> None:
    bench = Bench(flow=False)
    care, told = care_of(bench)
    care.start()
    bench.run(61)
    assert [type(one) for one in told] == [ClockMeasured, ClockMeasured]
    care.stop()
    bench.run(130)
    assert len(told) == 2


@pytest.mark.parametrize(
    ("rules", "key", "kind"),
    [
        ("kraken_futures", "", DeadManKind.NATIVE_TIMER),
        ("okx", "", DeadManKind.NATIVE_TIMER),
        ("hyperliquid", "", DeadManKind.NATIVE_TIMER),
        ("binance", PERP, DeadManKind.NATIVE_TIMER),
        ("binance_options", "BTC", DeadManKind.NATIVE_TIMER),
        ("deribit", "", DeadManKind.WS_DISCONNECT),
        ("bybit", "derivatives", DeadManKind.WS_DISCONNECT),
    ],
)
def test_each_venues_switch_is_armed_over_what_it_covers_and_reads_back(
    rules: str, key: str, kind: DeadManKind
) -> None:
    bench = Bench(flow=False, venue_rules=rules, dead_man_s=12.0)
    answer = arm(bench, 12.0)
    assert (answer.kind, answer.status, answer.seconds) == (kind, DeadManStatus.ARMED, 12.0), answer.detail
    states = {one.key: one for one in bench.exchange.dead_man.states("main")}
    assert states[key].seconds == 12.0
    assert (states[key].fires_at_ns is not None) is (kind is DeadManKind.NATIVE_TIMER)


def test_zero_disarms_a_timer() -> None:
    bench = Bench(flow=False, venue_rules="kraken_futures", dead_man_s=60.0)
    assert arm(bench, 60.0).status is DeadManStatus.ARMED
    assert arm(bench, 0.0).status is DeadManStatus.OFF
    assert bench.exchange.dead_man.states("main") == ()


def test_what_the_venue_refuses_is_refused_and_what_is_lost_has_failed() -> None:
    bench = Bench(flow=False)
    assert arm(bench, 10.0).status is DeadManStatus.REFUSED
    allowed = Bench(flow=False, venue_rules="okx", dead_man_s=30.0)
    assert arm(allowed, 5.0).status is DeadManStatus.REFUSED, "OKX takes 10 to 120 s"
    allowed.link.add(RequestFault(kind=RequestFaultKind.REQUEST_LOST, request="dead_man", count=1))
    assert arm(allowed, 30.0).status is DeadManStatus.FAILED
