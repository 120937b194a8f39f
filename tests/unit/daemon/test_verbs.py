"""What the verbs mean: the engine's answer is passed on, never invented."""

import asyncio
import threading
from pathlib import Path

import pytest

from hedgebot.core.state import Latch
from hedgebot.daemon.health import Health
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command, Mode, RecordMode
from hedgebot.domain.errors import ExitCode
from hedgebot.domain.kill import KillAction, KillScope
from tests.unit.daemon.rig import Rig, no, yes


def latched(action: KillAction = KillAction.FREEZE) -> Latch:
    return Latch(scope=KillScope.ALL, name="", action=action, operator="ada", reason="smoke", since_ns=1)


async def test_an_unknown_verb_lists_the_known_ones(tmp_path: Path) -> None:
    reply = await Rig(tmp_path).ask("explode")
    assert (reply.ok, reply.code) == (False, ExitCode.USAGE)
    assert "unkill" in (reply.error or "")
    assert ((await Rig(tmp_path).ask("risk-book")).data or {})["at_ns"] == 1
    assert (await Rig(tmp_path).ask("margin-what-if", order={"qty": "1"})).data == {"order": {"qty": "1"}}


async def test_the_test_of_the_alert_channels_says_what_came_of_each(tmp_path: Path) -> None:
    reply = await Rig(tmp_path).ask("alerts-test", operator="ada")
    assert (reply.ok, reply.code) == (True, ExitCode.DEGRADED)
    assert reply.data is not None
    assert [one["problem"] for one in reply.data["trials"]] == ["no answer to ada", ""]


@pytest.mark.parametrize(
    ("mode", "code"), [(Mode.ACTIVE, 0), (Mode.RECOVERING, 3), (Mode.REDUCING, 3), (Mode.HALTED, 4)]
)
async def test_the_code_of_status_is_the_mode(tmp_path: Path, mode: Mode, code: int) -> None:
    reply = await Rig(tmp_path, mode=mode).ask("status")
    assert (reply.ok, reply.code) == (True, code)


async def test_the_code_of_health(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    assert (await rig.ask("health")).code == 0
    rig.health = Health(live=True, ready=False, not_live=(), not_ready=("x",))
    assert (await rig.ask("health")).code == ExitCode.DEGRADED
    rig.health = Health(live=False, ready=False, not_live=("x",), not_ready=("x",))
    assert (await rig.ask("health")).code == ExitCode.FAILED


async def test_kill_blocks_and_tells_the_engine_before_any_disk(tmp_path: Path) -> None:
    halted = RecordMode(before=Mode.ACTIVE, after=Mode.HALTED, reason="r", latched=True)
    rig = Rig(tmp_path, lambda event: (halted, *yes(event)))
    reply = await rig.ask("kill", operator="ada", reason="smoke")
    assert reply.ok
    assert rig.blocked_at_event == [True]
    assert rig.latched_at_event == [False], "the engine waits for no file"
    assert rig.latch.is_set, "the operator's answer does"
    assert rig.events == [ev.OperatorKilled(operator="ada", reason="smoke")]
    assert reply.data is not None
    assert reply.data["mode"] == "halted"


async def test_kill_goes_on_without_a_disk_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rig.latch, "set", full)
    reply = await rig.ask("kill")
    assert rig.events == [ev.OperatorKilled(operator="local", reason="no reason given")]
    assert reply.data is not None
    assert "No space left" in reply.data["warning"]


async def test_an_engine_that_does_not_answer_is_unknown_not_ok(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("verbs", "killswitch"):
        monkeypatch.setattr(f"hedgebot.daemon.{module}.ANSWER_S_MAX", 0.01)
    monkeypatch.setattr("hedgebot.daemon.killswitch.LATCH_S_MAX", 0.005)
    rig = Rig(tmp_path, None)
    for verb, args in (("kill", {}), ("unkill", {"reason": "r"}), ("enable", {"strategy": "delta_neutral"})):
        reply = await rig.ask(verb, **args)
        assert (reply.ok, reply.code) == (False, ExitCode.UNKNOWN)
    assert rig.latch.is_set


async def test_unkill_clears_the_file_only_when_the_engine_agrees(tmp_path: Path) -> None:
    rig = Rig(tmp_path, no, mode=Mode.HALTED)
    rig.latch.set("ada", "smoke")
    rig.latches["all"] = latched()
    reply = await rig.ask("unkill", reason="smoke is gone")
    assert (reply.ok, reply.code) == (False, ExitCode.REFUSED)
    assert reply.error is not None
    assert "order 7 is unknown" in reply.error
    assert rig.latch.is_set
    rig.answer = lambda _event: ()
    assert not (await rig.ask("unkill", reason="r")).ok, "silence is no"
    assert rig.latch.is_set
    rig.blocked = True
    rig.answer = yes
    assert (await rig.ask("unkill", reason="smoke is gone")).ok
    assert not rig.latch.is_set
    assert not rig.blocked


async def test_unkill_needs_a_reason(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    assert (await rig.ask("unkill")).code == ExitCode.USAGE
    assert rig.events == []


async def test_strategies_are_switched_by_name(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    assert (await rig.ask("disable", strategy="delta_neutral", reason="quiet night")).ok
    assert rig.events == [
        ev.StrategySwitched(strategy="delta_neutral", enabled=False, operator="local", reason="quiet night")
    ]
    reply = await rig.ask("enable", strategy="delta_neutrl")
    assert (reply.code, "delta_neutral" in (reply.error or "")) == (ExitCode.REFUSED, True)
    assert (await rig.ask("disable", strategy="funding_switch")).code == ExitCode.REFUSED
    assert len(rig.events) == 1
    assert (await rig.ask("enable", strategy="funding_switch")).ok, "moves that a throttle latched off"


async def test_stop_is_passed_on(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    assert (await rig.ask("stop", operator="ada", reason="night")).ok
    assert rig.stops == ["ada: night"]


async def test_a_kill_that_comes_during_an_unkill_stands(tmp_path: Path) -> None:
    rig = Rig(tmp_path)

    def meanwhile(event: ev.Event) -> tuple[Command, ...]:
        rig.block_orders()
        return yes(event)

    rig.latch.set("ada", "smoke")
    rig.answer = meanwhile
    assert (await rig.ask("unkill", reason="over")).code == ExitCode.REFUSED
    assert rig.latch.is_set
    assert rig.blocked


async def test_a_kill_does_not_wait_for_a_disk_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hedgebot.daemon.killswitch.LATCH_S_MAX", 0.02)
    rig = Rig(tmp_path)
    release = threading.Event()
    monkeypatch.setattr(rig.latch, "set", lambda *_: release.wait(5))
    reply = await asyncio.wait_for(rig.ask("kill"), 1)
    release.set()
    assert rig.events == [ev.OperatorKilled(operator="local", reason="no reason given")]
    assert reply.data is not None
    assert "has not answered" in reply.data["warning"]


async def test_a_word_that_is_not_on_disk_is_told_as_in_force_only(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.on_disk = False
    for verb, args in (("kill", {}), ("disable", {"strategy": "delta_neutral"})):
        reply = await rig.ask(verb, **args)
        assert reply.data is not None
        assert "In force, not on disk" in reply.data["explanation"]
        assert reply.data["on_disk"] is False


async def test_an_unkill_whose_answer_was_lost_can_be_given_again(tmp_path: Path) -> None:
    rig = Rig(tmp_path, no, mode=Mode.RECOVERING)
    rig.latch.set("ada", "smoke")
    rig.block_orders()
    assert (await rig.ask("unkill", reason="over")).code == ExitCode.REFUSED
    assert not rig.latch.is_set
    assert not rig.blocked


async def test_a_refusal_at_a_door_is_journaled_and_nothing_else(tmp_path: Path) -> None:
    rig = Rig(tmp_path, answer=no)
    reply = await rig.ask("refused", operator="dashboard", action="POST /api/v1/kill", reason="403: no CSRF token")
    assert (reply.ok, reply.data) == (True, {"on_disk": True})
    assert rig.events == [
        ev.AccessRefused(operator="dashboard", action="POST /api/v1/kill", reason="403: no CSRF token")
    ]
    assert not rig.blocked


async def test_scope_and_action_reach_the_engine_and_the_file(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    assert (await rig.ask("kill", scope="venue", name="bybit", action="reduce", operator="ada", reason="slow")).ok
    (event,) = rig.events
    assert event == ev.OperatorKilled(
        operator="ada", reason="slow", scope=KillScope.VENUE, name="bybit", action=KillAction.REDUCE
    )
    assert "action: reduce" in (tmp_path / "KILL.venue.bybit").read_text()


async def test_a_frozen_book_stays_blocked_and_another_action_does_not(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    for action, blocked in ((KillAction.REDUCE, False), (KillAction.FREEZE, True)):
        rig.latches["all"] = latched(action)
        assert (await rig.ask("kill", action=action.value)).ok
        rig.verbs._switch.observe([ev.Stamped(seq=1, at_ns=0, event=rig.events[-1])])
        assert rig.blocked is blocked


@pytest.mark.parametrize("args", [{"scope": "vneue"}, {"action": "explode"}])
async def test_a_word_that_is_none_is_usage(tmp_path: Path, args: dict[str, str]) -> None:
    rig = Rig(tmp_path)
    assert (await rig.ask("kill", **args)).code == ExitCode.USAGE
    assert rig.events == []


async def test_what_the_shell_has_against_an_unkill_reaches_the_engine(tmp_path: Path) -> None:
    rig = Rig(tmp_path, no)
    rig.latches["all"] = latched()
    rig.against = ("the journal's chain is not sound: row 3",)
    await rig.ask("unkill", reason="over", reviewed=["task:journal"])
    (event,) = rig.events
    assert isinstance(event, ev.OperatorUnkilled)
    assert (event.unmet, event.reviewed) == (rig.against, ("task:journal",))
