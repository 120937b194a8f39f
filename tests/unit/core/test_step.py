"""The workbench of a step: alerts once, halts latched, causes ranked."""

import pytest

from hedgebot.core.state import EngineState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import (
    DecisionCause,
    Mode,
    RaiseAlert,
    RecordAdjustment,
    RecordLatch,
    RecordMode,
    RecordOperator,
    RecordRefusal,
    ResolveAlert,
)
from hedgebot.domain.instrument import Side
from hedgebot.domain.kill import KillAction, KillScope
from hedgebot.domain.orders import Refused, RuleCheck
from tests.support.playbook import MS, Playbook, settings, the_order


def _step(mode: Mode = Mode.ACTIVE) -> Step:
    return Step(EngineState(settings=settings(), epoch=1, run_id="r", mode=mode), seq=1, at_ns=5)


def test_an_alert_is_raised_once_until_resolved() -> None:
    step = _step()
    for summary in ("first", "second"):
        step.alert(AlertKind.CLOCK_SKEW, "main", summary)
    step.alert(AlertKind.CLOCK_SKEW, "other", "first")
    step.alert(AlertKind.RECON_BREAK, "main", "first")
    assert len(step.commands) == 3
    step.resolve(AlertKind.CLOCK_SKEW, "main")
    step.resolve(AlertKind.CLOCK_SKEW, "main")
    assert step.commands[3:] == [ResolveAlert(kind=AlertKind.CLOCK_SKEW, subject="main")]
    step.alert(AlertKind.CLOCK_SKEW, "main", "again")
    assert step.commands[-1] == RaiseAlert(kind=AlertKind.CLOCK_SKEW, subject="main", summary="again")


def test_a_check_holds_an_alert_up_while_there_is_a_problem() -> None:
    step = _step()
    for problem in ("", "old", "older", "", ""):
        step.check(AlertKind.STALE_MARKET_DATA, "BTC", problem)
    assert [type(one) for one in step.commands] == [RaiseAlert, ResolveAlert]
    assert not step.state.alerts


def test_a_mode_is_recorded_when_it_changes() -> None:
    step = _step()
    step.set_mode(Mode.ACTIVE, "again")
    assert not step.commands
    step.set_mode(Mode.REDUCING, "margin")
    assert step.commands == [RecordMode(before=Mode.ACTIVE, after=Mode.REDUCING, reason="margin", latched=False)]


@pytest.mark.parametrize("mode", Mode)
def test_a_latched_halt_is_left_only_by_unlatching(mode: Mode) -> None:
    step = _step()
    step.halt("first")
    said = len(step.commands)
    step.set_mode(mode, "some rule")
    step.halt("second")
    assert (step.state.mode, step.state.latched, step.state.mode_reason) == (Mode.HALTED, True, "first")
    assert len(step.commands) == said
    step.unlatch("operator")
    assert (step.state.mode, step.state.latched) == (Mode.RECOVERING, False)
    assert not step.state.alerts


@pytest.mark.parametrize("mode", [Mode.RECOVERING, Mode.ACTIVE, Mode.REDUCING])
def test_a_halt_is_recorded_and_said(mode: Mode) -> None:
    step = _step(mode)
    step.halt("why")
    assert step.commands == [
        RecordLatch(
            scope=KillScope.ALL,
            name="",
            action=KillAction.FREEZE,
            operator="rules",
            reason="why",
            causes=("rule",),
            done=False,
            held=True,
        ),
        RecordMode(before=mode, after=Mode.HALTED, reason="why", latched=True),
        RaiseAlert(kind=AlertKind.KILL_ACTIVE, subject="book", summary="halted: why"),
    ]


def test_a_fill_outranks_other_causes() -> None:
    step = _step()
    for cause in (DecisionCause.PRICE, DecisionCause.FILL, DecisionCause.PRICE, DecisionCause.OPERATOR):
        step.touch("BTC", cause)
    step.touch("", DecisionCause.FILL)
    assert step.touched == {"BTC": DecisionCause.FILL}


def test_records_carry_what_they_are_told() -> None:
    step = _step()
    step.adjust("main", "BTC", 1, 2, "snapshot 3")
    step.operator("op", "kill", accepted=True, explanation="why")
    assert step.commands == [
        RecordAdjustment(account="main", subject="BTC", before="1", after="2", evidence="snapshot 3"),
        RecordOperator(operator="op", action="kill", accepted=True, explanation="why"),
    ]


def test_a_reason_is_news_once_and_again_after_half_a_minute() -> None:
    book = Playbook()
    underlying = book.state.underlyings["BTC"]
    moments = [(0, "spread"), (29, "spread"), (31, "spread"), (32, "no_lot"), (33, "spread")]
    told = [Step(book.state, seq=1, at_ns=at_s * 10**9 + 1).is_news(underlying, key) for at_s, key in moments]
    assert told == [True, False, True, True, True]


def test_each_refusal_is_a_row_or_is_counted_by_the_next_one() -> None:
    book = Playbook()
    book.ready()
    underlying = book.state.underlyings["BTC"]
    intent = the_order(book.send(book.fill(Side.BUY, "0.2"))).approved.intent
    refused = Refused(intent=intent, check=RuleCheck(rule="spread_bps", value=9.0, limit=5.0), explanation="wide")
    rows: list[object] = []
    for at_ms in range(0, 62_000, 250):
        step = Step(book.state, seq=1, at_ns=book.at_ns + at_ms * MS)
        assert step.refuse(underlying, "spread_bps", refused) is bool(step.commands)
        rows += step.commands
    # Every half minute one, and none is lost: 3 rows and what they left out are all looks but those since the last.
    assert rows == [RecordRefusal(refused=refused, left_out=count) for count in (0, 119, 119)]
    assert underlying.left_out == 62 * 4 - 3 - 2 * 119
    assert book.state.totals.refusals == 3


def test_a_watched_alert_ends_once_its_problem_stayed_away() -> None:
    state, heard = Playbook().state, []
    for at_s, problem in ((1, "low"), (2, ""), (9, "lower"), (18, ""), (19, ""), (20, "")):
        step = Step(state, seq=1, at_ns=at_s * 10**9)
        step.watch(AlertKind.MARGIN_BUFFER_LOW, "main", problem)
        heard += [(at_s, type(one).__name__) for one in step.commands]
    assert heard == [(1, "RaiseAlert"), (19, "ResolveAlert")]
