"""Criteria of orders: met by a run that is sound, and each says what is wrong with one that is not."""

from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.orders import OrderStatus
from hedgebot.lab import criteria_orders as became
from hedgebot.lab.evidence import Sample
from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.mishaps import MISHAPS
from hedgebot.lab.worldbooks import BookKind
from strategies.delta_neutral import STRATEGY
from tests.unit.lab.bench import S
from tests.unit.lab.test_criteria import played


def sample(at_ns: int, delta: float, unhedged: float = 0.0) -> Sample:
    return Sample(at_ns=at_ns, delta_coin=delta, unhedged_coin=unhedged, margin_use=0.1)


def test_a_sound_minute_is_as_the_venue_has_it() -> None:
    evidence = played()
    assert became.as_the_venue_has_them(evidence) == ""
    assert became.all_booked_within(10.0)(evidence) == ""
    assert became.first_booked_after(9.0)(evidence) is None


def test_an_order_that_is_marked_failed_or_dropped_is_told() -> None:
    evidence = played()
    assert evidence.state is not None
    client_id = evidence.arrived()[0].client_id or ""
    record = evidence.state.orders[client_id]
    record.status = OrderStatus.REJECTED
    assert "was marked failed" in became.as_the_venue_has_them(evidence)
    record.status = OrderStatus.FILLED
    record.filled_contracts *= 2
    assert "were executed" in became.as_the_venue_has_them(evidence)
    del evidence.state.orders[client_id]
    assert "was dropped" in became.as_the_venue_has_them(evidence)
    evidence.state = None
    assert "no process" in became.as_the_venue_has_them(evidence)


def test_a_refusal_that_no_venue_gave_is_told() -> None:
    evidence = played()
    client_id = evidence.arrived()[0].client_id or ""
    lie = ev.OrderRejected(account="main", client_id=client_id, code="network", message="reset", passing=True)
    evidence.journal.write([ev.Stamped(seq=10**6, at_ns=evidence.ended_ns, event=lie)], durable=True)
    assert "was marked failed" in became.as_the_venue_has_them(evidence)


def test_a_hedge_is_wanted_in_vain_once_the_delta_stays_out() -> None:
    evidence = played()
    begun, edge = evidence.begun_ns, evidence.band_coin + became.SEEN_COIN
    evidence.ended_ns = begun + 20 * S

    def due(*deltas: float) -> int | None:
        evidence.samples = [sample(begun + number * S, delta) for number, delta in enumerate(deltas)]
        return became.wanted_in_vain(evidence)

    out = edge + 0.01
    assert due(0.0, *[out] * 5, 0.0) is None, "hedged, or traded back, within five seconds"
    assert due(*[0.0] * 8, *[-out] * 6) == begun + 3 * S
    assert due(*[out] * 6) == begun, "never before the begin"
    assert due(*[edge - 0.01] * 20) is None, "the engine may have seen it inside"
    assert due(*[0.0] * 19, *[out] * 6) is None, "out of its band after the end"


def test_orders_in_flight_are_those_that_nobody_has_heard_of() -> None:
    evidence = played()
    assert "were in flight" in became.in_flight(1, 0.0)(evidence)
    evidence.journal._entries = [
        one
        for one in evidence.journal.entries
        if not (isinstance(one, ev.Stamped) and isinstance(one.event, ev.FillReceived))
    ]
    assert became.in_flight(1, 0.0)(evidence) == ""
    assert "booked never" in became.all_booked_within(10.0)(evidence)
    assert became.first_booked_after(9.0)(evidence) == evidence.oracle.executions[0].at_ns


def test_a_throttle_that_does_not_trip_or_does_not_stop_is_told() -> None:
    evidence = played()
    assert "did not trip" in became.throttled(1_000, 60.0)(evidence)
    evidence.alert_log.append((evidence.begun_ns, AlertKind.ORDER_REJECTED.value, "delta_neutral"))
    assert "after the throttle had tripped" in became.throttled(1_000, 60.0)(evidence)
    assert "the throttle stands at 0" in became.throttled(0, 60.0)(evidence)


def test_a_hedge_that_closes_and_opens_is_one_for_the_throttle() -> None:
    outcome = FaultWorld(411, 5.0, STRATEGY.build, MISHAPS, begins=(("M04t", 48.403),), book=BookKind.SWITCH).run()
    assert outcome.passed, (outcome.stuck, outcome.violations, outcome.unmet)


def test_a_gap_that_is_hedged_twice_is_told() -> None:
    evidence = played()
    evidence.begun_ns, evidence.ended_ns = 0, evidence.begun_ns
    evidence.back_ns = None
    evidence.samples = [sample(evidence.ended_ns, 100.0)]
    assert became.hedged_once(60.0)(evidence) == ""
    evidence.samples = [sample(evidence.ended_ns, 0.0)]
    assert "for a gap of 0.000" in became.hedged_once(60.0)(evidence)
    evidence.samples += [sample(evidence.ended_ns + number * S, 0.0, number % 2) for number in range(60)]
    assert became.hedged_once(60.0)(evidence) == ""


def test_more_refusals_than_it_takes_to_know_are_told() -> None:
    evidence = played()
    assert became.refused_at_most(0)(evidence) == ""
    assert became.first_refusal(evidence) is None
    for number in range(3):
        lie = ev.OrderRejected(account="main", client_id=f"c{number}", code="110074", message="no", passing=True)
        at_ns = evidence.begun_ns + (number + 1) * S
        evidence.journal.write([ev.Stamped(seq=10**6 + number, at_ns=at_ns, event=lie)], durable=True)
    assert became.refused_at_most(3)(evidence) == ""
    assert became.refused_at_most(2)(evidence) == "3 orders were refused, 2 were enough to know"
    assert became.first_refusal(evidence) == evidence.begun_ns + S


def test_an_order_that_opens_where_only_shrinking_ones_may_go_is_told() -> None:
    evidence = played()
    assert "opens" in became.only_shrinking_after(0.0)(evidence)
    assert became.only_shrinking_after(10_000.0)(evidence) == ""
