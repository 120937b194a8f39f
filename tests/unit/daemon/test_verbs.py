"""What the verbs mean: the engine's answer is passed on, never invented."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from hedgebot.config.loader import load_config
from hedgebot.core.state import Latch
from hedgebot.daemon.control import Reply, Request
from hedgebot.daemon.delivery import Trial
from hedgebot.daemon.health import Health
from hedgebot.daemon.killswitch import KillSwitch
from hedgebot.daemon.latch import KillLatch
from hedgebot.daemon.receipts import Receipts
from hedgebot.daemon.verbs import Shell, Verbs
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command, Issued, Mode, RecordMode, RecordOperator
from hedgebot.domain.errors import ExitCode
from hedgebot.domain.kill import KillAction, KillScope
from hedgebot.domain.riskbook import RiskBook
from tests.unit.daemon.fakes import CONFIG, write_config

Answer = Callable[[ev.Event], tuple[Command, ...]]


def yes(_event: ev.Event) -> tuple[Command, ...]:
    return (RecordOperator(operator="ada", action="a", accepted=True, explanation="done"),)


def no(_event: ev.Event) -> tuple[Command, ...]:
    return (RecordOperator(operator="ada", action="a", accepted=False, explanation="order 7 is unknown"),)


def latched(action: KillAction = KillAction.FREEZE) -> Latch:
    return Latch(scope=KillScope.ALL, name="", action=action, operator="ada", reason="smoke", since_ns=1)


class Rig:
    """Verbs whose engine answers at once."""

    def __init__(self, folder: Path, answer: Answer | None = yes, mode: Mode = Mode.ACTIVE) -> None:
        self.folder = folder
        self.path = write_config(folder)
        self.events: list[ev.Event] = []
        self.stops: list[str] = []
        self.alerts: list[tuple[AlertKind, str, str]] = []
        self.answer = answer
        self.on_disk = True
        self.kills, self.blocked = 0, False
        self.blocked_at_event: list[bool] = []
        self.latch = KillLatch(folder)
        self.latches: dict[str, Latch] = {}
        self.against: tuple[str, ...] = ()
        self.latched_at_event: list[bool] = []
        self.receipts = Receipts(self)
        self.health = Health(live=True, ready=True, not_live=(), not_ready=())
        self.mode = mode
        self.verbs = Verbs(
            shell=Shell(
                status=lambda: {"book": {}},
                health=lambda: self.health,
                mode=lambda: self.mode,
                request_stop=self.stops.append,
                alert=lambda kind, subject, problem: self.alerts.append((kind, subject, problem)),
                try_alerts=self.try_alerts,
                risk_book=lambda: RiskBook(at_ns=1, underlyings=()),
                what_if=lambda args: asyncio.sleep(0, Reply(ok=True, data=args)),
            ),
            receipts=self.receipts,
            switch=KillSwitch(
                gate=self,
                standing=lambda: self.latches,
                unproven=lambda _latch: [],
                unmet=self.unmet,
                latch=self.latch,
                receipts=self.receipts,
                sink=self,
            ),
            config=load_config(self.path, state_dir=folder),
            install=7,
        )

    def put(self, event: ev.Event) -> None:
        self.events.append(event)
        self.latched_at_event.append(self.latch.is_set)
        self.blocked_at_event.append(self.blocked)
        if self.answer is not None:
            issued = [Issued(seq=1, index=n, at_ns=0, command=one) for n, one in enumerate(self.answer(event), 1)]
            see = self.receipts.observe if self.on_disk else self.receipts.observe_unwritten
            see([ev.Stamped(seq=1, at_ns=0, event=event), *issued])

    async def unmet(self, _told: Mapping[str, Any]) -> tuple[str, ...]:
        return self.against

    def block_orders(self) -> None:
        self.kills += 1
        self.blocked = True

    def unblock_orders(self, kills: int) -> bool:
        self.blocked = self.blocked and kills != self.kills
        return kills == self.kills

    async def try_alerts(self, operator: str) -> tuple[Trial, ...]:
        return (
            Trial(channel="ops", kind="webhook", problem=f"no answer to {operator}", seconds=3.0),
            Trial(channel="page", kind="command", problem="", seconds=0.1),
        )

    async def ask(self, verb: str, **args: Any) -> Reply:
        return await self.verbs.handle(Request(verb=verb, args=args))


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


async def test_apply_tells_the_engine_what_changed(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.path.write_text(CONFIG.replace("band_coin = 0.25", "band_coin = 0.3"))
    reply = await rig.ask("apply", path=str(rig.path), operator="ada")
    assert reply.ok
    (event,) = rig.events
    assert isinstance(event, ev.ConfigApplied)
    assert event.changes == ("underlyings.BTC.band_coin: 0.25 -> 0.3",)
    assert event.settings.underlyings[0].band_coin == 0.3
    again = await rig.ask("apply", path=str(rig.path))
    assert again.data is not None
    assert again.data["explanation"] == "nothing changed"


async def test_other_verbs_are_answered_while_a_configuration_waits_for_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hedgebot.daemon.killswitch.ANSWER_S_MAX", 0.01)
    rig = Rig(tmp_path, None)
    rig.path.write_text(CONFIG.replace("band_coin = 0.25", "band_coin = 0.3"))
    under_way = asyncio.ensure_future(rig.ask("apply", path=str(rig.path), operator="ada"))
    await asyncio.sleep(0.01)
    assert [type(one) for one in rig.events] == [ev.ConfigApplied]
    for verb, code in (("status", ExitCode.OK), ("health", ExitCode.OK), ("kill", ExitCode.UNKNOWN)):
        assert (await asyncio.wait_for(rig.ask(verb), 1.0)).code == code
    assert rig.blocked
    assert rig.latch.is_set
    assert not under_way.done()
    under_way.cancel()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("band_coin = 0.25", "band_coin = -0.25", "band_coin"),
        ("[book]", 'margin_parameters = "no.json"\n[book]', "no.json cannot be read"),
        ("stop_timeout_s = 2.0", "stop_timeout_s = 3.0", "restart"),
        ('role = "shared"', 'role = "hedge"', "restart"),
    ],
)
async def test_a_configuration_that_is_refused_changes_nothing(tmp_path: Path, old: str, new: str, words: str) -> None:
    rig = Rig(tmp_path)
    rig.path.write_text(CONFIG.replace(old, new))
    reply = await rig.ask("apply", path=str(rig.path))
    assert (reply.ok, reply.code) == (False, ExitCode.REFUSED)
    assert reply.error is not None
    assert words in reply.error
    assert "stays" in reply.error
    assert rig.events == []
    assert [kind for kind, _, problem in rig.alerts if problem] == [AlertKind.CONFIG_REJECTED]
    rig.path.write_text(CONFIG)
    assert (await rig.ask("apply", path=str(rig.path))).ok
    assert rig.alerts[-1] == (AlertKind.CONFIG_REJECTED, "book.toml", "")


async def test_a_refusal_of_the_engine_keeps_the_old_configuration(tmp_path: Path) -> None:
    rig = Rig(tmp_path, no)
    rig.path.write_text(CONFIG.replace("band_coin = 0.25", "band_coin = 0.3"))
    assert not (await rig.ask("apply", path=str(rig.path))).ok
    rig.answer = yes
    reply = await rig.ask("apply", path=str(rig.path))
    assert reply.data is not None
    assert reply.data["changes"], "the first, refused apply must not count as applied"


async def test_stop_is_passed_on(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    assert (await rig.ask("stop", operator="ada", reason="night")).ok
    assert rig.stops == ["ada: night"]


async def test_a_dry_run_compares_with_what_runs_and_changes_nothing(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    running = (await rig.ask("apply", path=str(rig.path), dry_run=True)).data
    assert running is not None
    assert running["changes"] == []
    assert running["config_hash"] == running["running_hash"]
    rig.path.write_text(CONFIG.replace("band_coin = 0.25", "band_coin = 0.3"))
    reply = await rig.ask("apply", path=str(rig.path), dry_run=True)
    assert reply.data is not None
    assert reply.data["changes"] == ["underlyings.BTC.band_coin: 0.25 -> 0.3"]
    assert reply.data["running_hash"] == running["running_hash"]
    rig.path.write_text(CONFIG.replace("stop_timeout_s = 2.0", "stop_timeout_s = 3.0"))
    refused = await rig.ask("apply", path=str(rig.path), dry_run=True)
    assert (refused.ok, refused.code) == (False, ExitCode.REFUSED)
    assert "would stay" in (refused.error or "")
    assert rig.events == []
    assert [one for one in rig.alerts if one[2]] == []


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


@pytest.mark.parametrize("dry_run", [True, False])
async def test_parameters_that_a_strategy_refuses_never_reach_the_engine(tmp_path: Path, dry_run: bool) -> None:
    rig = Rig(tmp_path)
    rig.path.write_text(CONFIG.replace("[daemon]", "[strategies.delta_neutral.params]\nsurprise = 1.0\n[daemon]"))
    reply = await rig.ask("apply", path=str(rig.path), dry_run=dry_run)
    assert (reply.ok, reply.code) == (False, ExitCode.REFUSED)
    assert "surprise" in (reply.error or "")
    assert rig.events == []
    rig.path.write_text(CONFIG.replace("band_coin = 0.25", "band_coin = 0.3"))
    assert (await rig.ask("apply", path=str(rig.path))).ok


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
