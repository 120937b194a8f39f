"""Evidence answers from the venue's side, the journal and the alert log, within the time of its mishap."""

import msgspec

from hedgebot.core.switch_state import MOVE_STRATEGY
from hedgebot.domain import commands as cmd
from hedgebot.domain.alerts import AlertKind
from tests.unit.lab.bench import S
from tests.unit.lab.test_criteria import mode, played


def test_orders_and_fills_are_those_of_its_time() -> None:
    evidence = played(60.0)
    everything = len(evidence.orders())
    assert everything == len(evidence.arrived()) > 0
    assert evidence.fills()
    span = evidence.begun_ns, evidence.fills()[-1].at_ns
    assert evidence.turnover_coin(*span) == sum(one.qty_contracts for one in evidence.fills()[:-1])
    assert evidence.booked_ns().keys() >= {one.exec_id for one in evidence.fills()}
    evidence.begun_ns = evidence.orders()[0][0] + 1
    assert len(evidence.orders()) == everything - 1
    evidence.ended_ns = evidence.begun_ns
    assert evidence.orders() == []
    assert len(evidence.orders(evidence.begun_ns + 3_600 * S)) == everything - 1


def test_moves_between_hedges_are_no_hedging() -> None:
    evidence = played(60.0)
    rows = evidence.hedging()
    assert rows == evidence.fills()
    moved = rows[0].order.client_id
    entries = evidence.journal._entries
    for number, one in enumerate(entries):
        command = one.command if isinstance(one, cmd.Issued) else None
        if isinstance(command, cmd.SubmitOrder) and command.client_id == moved:
            intent = msgspec.structs.replace(command.approved.intent, strategy=MOVE_STRATEGY)
            approved = msgspec.structs.replace(command.approved, intent=intent)
            entries[number] = msgspec.structs.replace(one, command=msgspec.structs.replace(command, approved=approved))
    assert evidence.hedging() == [one for one in rows if one.order.client_id != moved]
    assert evidence.turnover_coin(0, evidence.ended_ns) == sum(one.qty_contracts for one in evidence.hedging())


def test_modes_and_alerts_are_asked_by_kind_and_moment() -> None:
    evidence = played(30.0)
    mode(evidence, 7.0, cmd.Mode.HALTED)
    assert evidence.entered(cmd.Mode.HALTED) == evidence.begun_ns + 7 * S
    assert evidence.entered(cmd.Mode.REDUCING) is None
    evidence.alert_log[:] = [(evidence.begun_ns - 1, "LoopLag", "a"), (evidence.begun_ns + 1, "LoopLag", "b")]
    assert evidence.alerts(AlertKind.LOOP_LAG) == [(evidence.begun_ns + 1, "b")]
    assert len(evidence.alerts(AlertKind.LOOP_LAG, since_ns=0)) == 2
    assert evidence.alerts(AlertKind.CLOCK_SKEW, since_ns=0) == []
    assert evidence.band_coin == 0.05


def test_alerts_that_stand_at_the_begin_are_those_raised_and_not_ended_before() -> None:
    evidence = played(30.0)
    entries, at_ns = evidence.journal._entries, evidence.begun_ns - S
    up = cmd.RaiseAlert(kind=AlertKind.TASK_FAILED, subject="journal", summary="it failed")
    over = cmd.ResolveAlert(kind=AlertKind.TASK_FAILED, subject="journal")
    entries.append(cmd.Issued(seq=0, index=0, at_ns=at_ns, command=up))
    assert evidence.standing(AlertKind.TASK_FAILED) == {"journal"}
    assert evidence.standing(AlertKind.KILL_ACTIVE) == set()
    entries.append(cmd.Issued(seq=0, index=1, at_ns=at_ns + 2 * S, command=over))
    assert evidence.standing(AlertKind.TASK_FAILED) == {"journal"}, "it ended later"
    entries.append(cmd.Issued(seq=0, index=2, at_ns=at_ns, command=over))
    assert evidence.standing(AlertKind.TASK_FAILED) == set()
