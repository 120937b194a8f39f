"""Criteria: met by a run that is sound, and each says what is wrong with one that is not."""

import msgspec
import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.kill import KillAction, KillScope
from hedgebot.domain.settings import HedgeLeg
from hedgebot.lab import criteria as must
from hedgebot.lab.evidence import Evidence, Sample
from hedgebot.lab.memory import MemoryJournal
from hedgebot.lab.oracle import Oracle, positions_of
from tests.unit.lab.bench import PERP, SETTINGS, Bench, S

METERED = Sample(at_ns=0, delta_coin=0.0, unhedged_coin=0.0, margin_use=0.1)


def played(seconds: float = 60.0) -> Evidence:
    """A sound minute, looked at as if it had been a mishap."""
    bench = Bench()
    oracle = Oracle(bench.exchange, "main", bench.host.journal, SETTINGS)
    bench.host.start()
    begun_ns = bench.timeline.now_ns
    bench.run(seconds)
    bench.exchange.set_client_flow(enabled=False)
    bench.run(5)
    return Evidence(
        hedge=PERP,
        settings=SETTINGS,
        oracle=oracle,
        journal=bench.host.journal,
        alert_log=bench.host.alert_log,
        begun_ns=begun_ns,
        ended_ns=bench.timeline.now_ns,
        back_ns=bench.timeline.now_ns,
        samples=[METERED],
        state=bench.host.engine.state,
    )


def mode(evidence: Evidence, at_s: float, after: cmd.Mode) -> None:
    """Journal a change of mode so many seconds after the begin."""
    command = cmd.RecordMode(before=cmd.Mode.ACTIVE, after=after, reason="test", latched=False)
    at_ns = evidence.begun_ns + round(at_s * S)
    evidence.journal.write([cmd.Issued(seq=10**6, index=1, at_ns=at_ns, command=command)], durable=True)


def test_a_sound_minute_meets_what_a_sound_minute_can() -> None:
    evidence = played()
    met = (
        must.struck,
        must.booked_within(10.0),
        must.booked_after_end(30.0),
        must.settled_after_end(30.0),
        must.as_in_order,
        must.back_within(1.0),
        must.never_flat,
        must.slippage_inside_collar,
        must.reducing_orders_pass,
        must.refusals_alerted,
        must.limit_breach_told,
        must.cost_decision_journaled,
        must.stale_once(from_s=0.0, until_s=60.0),
    )
    assert must.every(*met)(evidence) == ""


def test_each_says_what_is_not_met() -> None:
    evidence = played()
    wrong = {
        must.no_orders_after(1.0): "more than 1 s after",
        must.halts_within(10.0): "not halted",
        must.frozen_before_settlement: "not frozen",
        must.no_blind_entry(20.0): "nothing was deleveraged",
        must.one_retry_after_the_clock: "no order met the venue's window",
        must.orders_at_most(0.1): "orders within",
        must.tasks_told(("clock",)): "nobody was told of clock",
        must.nothing_arrives: "reached the venue",
        must.booked_within(-1.0): "at most -1 s",
    }
    for criterion, sentence in wrong.items():
        assert sentence in criterion(evidence), sentence


def test_what_is_said_of_the_main_hedge_leaves_another_one_alone() -> None:
    evidence = played()
    assert must.no_orders_after(1.0, on_hedge=True)(evidence) != ""
    assert must.hedge_held_after(30.0)(evidence) == evidence.begun_ns + 30 * S
    assert must.hedge_held_after(0.0)(evidence) is None
    contracts = positions_of(evidence.journal.entries)[evidence.hedge]
    turned = cmd.RecordAdjustment(
        account="main",
        subject=evidence.hedge,
        before=str(contracts),
        after=str(-contracts),
        evidence="test",
    )
    at_ns = evidence.begun_ns + 30 * S + S // 2
    evidence.journal.write([cmd.Issued(seq=10**6, index=1, at_ns=at_ns, command=turned)], durable=True)
    assert must.hedge_held_after(30.0)(evidence) is None, "it was turned at once"
    evidence.hedge = InstrumentId("bybit:linear:BTCUSDT-OTHER")
    assert must.no_orders_after(1.0, on_hedge=True)(evidence) == ""
    assert must.hedge_held_after(30.0)(evidence) is None


def test_each_instrument_that_is_hedged_with_has_its_own_orders() -> None:
    evidence = played()
    minutes = (evidence.ended_ns - evidence.begun_ns) / S / 60
    half = must.orders_at_most((len(evidence.orders()) - 1) / minutes / 2.0)
    assert "orders within" in half(evidence)
    other = HedgeLeg(instrument=InstrumentId("bybit:linear:BTCUSDT-OTHER"))
    one = msgspec.structs.replace(SETTINGS.underlyings[0], other_hedges=(other,))
    evidence.settings = msgspec.structs.replace(SETTINGS, underlyings=(one,))
    assert half(evidence) == ""


def test_what_was_not_seen_is_not_met() -> None:
    evidence = played(30.0)
    evidence.back_ns = None
    assert "not seen in its band" in must.back_within(5.0)(evidence)
    evidence.back_ns = evidence.ended_ns + 9 * S
    assert "back in the band after 9 s" in must.back_within(5.0)(evidence)
    evidence.state = None
    assert "no process" in must.as_in_order(evidence)
    assert "no process" in must.settled_after_end(1.0)(evidence)


def test_a_fill_that_counts_twice_is_found() -> None:
    evidence = played(30.0)
    assert evidence.state is not None
    evidence.state.totals.own_fills += 1
    assert "fills are counted" in must.as_in_order(evidence)


def test_a_fill_that_was_never_booked_is_found() -> None:
    evidence = played(30.0)
    empty = MemoryJournal()
    evidence.journal = empty
    assert "was never booked" in must.booked_within(10.0)(evidence)


@pytest.mark.parametrize(("at_s", "met"), [(5.0, True), (30.0, False)])
def test_modes_are_held_against_the_clock(at_s: float, met: bool) -> None:
    evidence = played(30.0)
    mode(evidence, at_s, cmd.Mode.HALTED)
    mode(evidence, at_s, cmd.Mode.REDUCING)
    assert (must.halts_within(10.0)(evidence) == "") is met
    assert must.reduces_before_liquidation(evidence) == ""
    evidence.samples = [msgspec_free(METERED, evidence.begun_ns, 1.2)]
    assert "120%" in must.reduces_before_liquidation(evidence)


@pytest.mark.parametrize(("reduced_s", "met"), [(24, True), (27, False)])
def test_a_book_is_reduced_by_the_first_report_beyond_the_configured_line(reduced_s: int, met: bool) -> None:
    """The line is 80 %, a report comes every 15 s: 20 s after it was passed the book must have been reduced."""
    evidence = played(60.0)
    mode(evidence, float(reduced_s), cmd.Mode.REDUCING)
    evidence.samples = [
        msgspec_free(METERED, evidence.begun_ns + second * NS_PER_S, 0.79 if second < 6 else 0.85)
        for second in range(40)
    ]
    said = must.reduces_before_liquidation(evidence)
    assert (said == "") is met
    assert met or "beyond 80%" in said


def test_a_book_below_the_line_has_nothing_to_reduce() -> None:
    evidence = played(30.0)
    for use, met in ((0.79, True), (0.81, False)):
        evidence.samples = [msgspec_free(METERED, evidence.begun_ns, use)]
        assert (must.reduces_before_liquidation(evidence) == "") is met
    evidence.samples = []
    assert "not reduced" in must.reduces_before_liquidation(evidence)


def msgspec_free(sample: Sample, at_ns: int, use: float) -> Sample:
    """The sample at another moment with another margin use."""
    return Sample(at_ns=at_ns, delta_coin=sample.delta_coin, unhedged_coin=sample.unhedged_coin, margin_use=use)


def test_alerts_are_held_against_what_was_seen() -> None:
    evidence = played(30.0)
    beyond = Sample(at_ns=evidence.begun_ns + S, delta_coin=9.0, unhedged_coin=9.0, margin_use=0.1)
    evidence.samples = [beyond, beyond]
    assert "beyond its limit" in must.limit_breach_told(evidence)
    evidence.alert_log.append((evidence.begun_ns + 2 * S, AlertKind.DELTA_OUTSIDE_LIMIT.value, "BTC"))
    assert must.limit_breach_told(evidence) == ""
    evidence.alert_log.append((evidence.begun_ns + 2 * S, AlertKind.STALE_MARKET_DATA.value, "BTC"))
    assert "called stale 2.0 s" in must.stale_once(from_s=10.0, until_s=20.0)(evidence)
    evidence.alert_log[:] = [(evidence.ended_ns + 61 * S, AlertKind.STALE_MARKET_DATA, "BTC")]
    assert must.stale_once(from_s=10.0, until_s=20.0)(evidence) == "", "another mishap's"


def refuse(evidence: Evidence, at_ns: int, code: str) -> None:
    """Journal an order of ours that was refused."""
    refused = ev.OrderRejected(account="main", client_id="x", code=code, message="", passing=True)
    evidence.journal.write([ev.Stamped(seq=10**6, at_ns=at_ns, event=refused)], durable=True)


def test_three_refusals_are_a_row_where_nothing_of_ours_was_done_between() -> None:
    evidence = played(30.0)
    done_ns = evidence.oracle.own_executions[-1].at_ns
    for at_ns in (done_ns - 1, done_ns + S, done_ns + 2 * S):
        refuse(evidence, at_ns, "overloaded")
    evidence.ended_ns = done_ns + 60 * S
    assert must.refusals_alerted(evidence) == "", "an execution broke the row"
    refuse(evidence, done_ns + 3 * S, "overloaded")
    assert must.refusals_alerted(evidence) == "4 refusals and no alert of them"
    evidence.alert_log.append((done_ns + 9 * S, AlertKind.ORDER_REJECTED.value, "BTC"))
    assert must.refusals_alerted(evidence) == "4 refusals and no alert of them"
    evidence.alert_log.append((done_ns + 7 * S, AlertKind.ORDER_REJECTED.value, "BTC"))
    assert must.refusals_alerted(evidence) == ""


def test_a_refusal_for_the_time_wants_the_clock_measured() -> None:
    evidence = played(30.0)
    for seconds in (10.2, 12.2):
        refuse(evidence, evidence.begun_ns + round(seconds * S), "outside_window")
    assert "not measured anew" in must.one_retry_after_the_clock(evidence)
    measured = ev.ClockMeasured(account="main", offset_ms=0.0, round_trip_ms=1.0)
    for seconds in (10.3, 12.3):
        entry = ev.Stamped(seq=10**6, at_ns=evidence.begun_ns + round(seconds * S), event=measured)
        evidence.journal.write([entry], durable=True)
    refuse(evidence, evidence.begun_ns + 20 * S, "instrument_not_trading")
    evidence.alert_log.append((evidence.begun_ns + 20 * S, AlertKind.ORDER_REJECTED.value, "BTC"))
    assert "2 tries were refused in a row" in must.one_retry_after_the_clock(evidence), "the last is another mishap's"
    evidence.alert_log.append((evidence.begun_ns + round(12.2 * S), AlertKind.ORDER_REJECTED.value, "BTC"))
    assert "counted as refusals" in must.one_retry_after_the_clock(evidence)


def test_the_end_of_a_hedge_freezes_its_underlying_in_time_and_no_more() -> None:
    evidence = played(30.0)

    def latch(at_s: float, cause: str) -> None:
        command = cmd.RecordLatch(
            scope=KillScope.UNDERLYING,
            name="BTC",
            action=KillAction.FREEZE,
            operator="rules",
            reason="test",
            causes=(cause,),
            done=False,
            held=True,
        )
        at_ns = evidence.begun_ns + round(at_s * S)
        evidence.journal.write([cmd.Issued(seq=10**6, index=1, at_ns=at_ns, command=command)], durable=True)

    latch(1.0, "settling:another")
    assert must.frozen_before_settlement(evidence) == "its underlying was not frozen"
    latch(40.0, f"settling:{PERP}")
    assert must.frozen_before_settlement(evidence) == "its underlying was frozen after the settlement"
    evidence.ended_ns += 30 * S
    assert must.frozen_before_settlement(evidence) == ""
    mode(evidence, 50.0, cmd.Mode.HALTED)
    assert must.frozen_before_settlement(evidence) == "the whole book was halted"
