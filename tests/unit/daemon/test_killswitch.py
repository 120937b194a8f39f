"""The kill switch: files, rules and the verb end in the same latch, and a kill never waits for a disk."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from hedgebot.core.state import Latch
from hedgebot.daemon.killswitch import CANCEL_ONLY, KillSwitch
from hedgebot.daemon.latch import KillLatch
from hedgebot.daemon.receipts import Receipts
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Issued, RecordLatch, RecordOperator
from hedgebot.domain.errors import ExitCode
from hedgebot.domain.kill import FROM_FILE, KillAction, KillScope
from hedgebot.domain.operator_events import Resolution
from tests.unit.daemon.fakes import OrderBlock
from tests.unit.daemon.rig import Rig as VerbsRig


class Rig(OrderBlock):
    """A switch whose engine answers as told."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.events: list[ev.Event] = []
        self.latches: dict[str, Latch] = {}
        self.accept = True
        self.on_disk = True
        self.latch = KillLatch(folder)
        self.receipts = Receipts(self)
        self.switch = KillSwitch(
            gate=self,
            standing=lambda: self.latches,
            unproven=lambda latch: [f"left open under {latch.scope}"],
            unmet=self.unmet,
            latch=self.latch,
            receipts=self.receipts,
            sink=self,
        )

    async def unmet(self, _told: Mapping[str, Any]) -> tuple[str, ...]:
        return ()

    def put(self, event: ev.Event) -> None:
        self.events.append(event)
        word = RecordOperator(operator="ada", action="kill", accepted=self.accept, explanation="told")
        entries: list[ev.Stamped | Issued] = [
            ev.Stamped(seq=1, at_ns=0, event=event),
            Issued(seq=1, index=1, at_ns=0, command=word),
        ]
        (self.receipts.observe if self.on_disk else self.receipts.observe_unwritten)(entries)


def kill(action: KillAction = KillAction.FREEZE, scope: KillScope = KillScope.ALL, name: str = "") -> ev.OperatorKilled:
    return ev.OperatorKilled(operator="ada", reason="smoke", scope=scope, name=name, action=action)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


async def test_files_are_told_once_each_and_block(rig: Rig) -> None:
    (rig.folder / "KILL").touch()
    (rig.folder / "KILL.strategy.delta_neutral").write_text("action: reduce\n")
    rig.switch.tell_files()
    rig.switch.tell_files()
    told = [one for one in rig.events if isinstance(one, ev.OperatorKilled)]
    assert [(one.operator, one.scope, one.name, one.action) for one in told] == [
        (FROM_FILE, KillScope.ALL, "", KillAction.FREEZE),
        (FROM_FILE, KillScope.STRATEGY, "delta_neutral", KillAction.REDUCE),
    ]
    assert rig.blocked


async def test_what_a_rule_latched_gets_a_file_too(rig: Rig) -> None:
    record = RecordLatch(
        scope=KillScope.ALL,
        name="",
        action=KillAction.FREEZE,
        operator="rules",
        reason="2 fills did not hedge",
        causes=("effectiveness:BTC",),
        done=False,
        held=True,
    )
    rig.switch.observe([Issued(seq=1, index=1, at_ns=0, command=record)])
    for _ in range(100):
        if rig.latch.is_set:
            break
        await asyncio.sleep(0.01)
    assert "2 fills did not hedge" in (rig.folder / "KILL").read_text()
    assert not rig.latch.is_untold


async def test_what_is_left_open_is_told_with_the_kill(rig: Rig) -> None:
    rig.latches["all"] = Latch(
        scope=KillScope.ALL, name="", action=KillAction.FREEZE, operator="ada", reason="smoke", since_ns=0
    )
    reply = await rig.switch.kill(kill())
    assert reply.data is not None
    assert reply.data["unproven"] == ["left open under all"]


async def test_without_the_journal_an_action_is_cancel_only_and_says_so(rig: Rig) -> None:
    rig.on_disk = False
    reply = await rig.switch.kill(kill(KillAction.FLATTEN))
    assert reply.data is not None
    assert CANCEL_ONLY in reply.data["explanation"]


async def test_a_refused_kill_leaves_no_file(rig: Rig) -> None:
    rig.accept = False
    reply = await rig.switch.kill(kill(scope=KillScope.VENUE, name="okx"))
    assert not reply.ok
    assert not rig.latch.is_set


async def test_unkill_of_the_book_takes_files_away_that_stand_for_nothing(rig: Rig) -> None:
    await rig.switch.kill(kill())
    (rig.folder / "KILL.txt").touch()
    reply = await rig.switch.unkill(ev.OperatorUnkilled(operator="ada", reason="over"), {})
    assert reply.ok
    assert not rig.latch.is_set
    assert not rig.blocked


async def test_unkill_of_a_part_leaves_the_books_file(rig: Rig) -> None:
    await rig.switch.kill(kill())
    await rig.switch.kill(kill(scope=KillScope.VENUE, name="bybit"))
    lift = ev.OperatorUnkilled(operator="ada", reason="over", scope=KillScope.VENUE, name="bybit")
    assert (await rig.switch.unkill(lift, {})).ok
    assert [one.key for one in rig.latch.found()] == ["all"]
    assert rig.blocked


@pytest.mark.parametrize("verb", Resolution)
async def test_an_order_is_adopted_or_forgotten_with_evidence(tmp_path: Path, verb: Resolution) -> None:
    rig = VerbsRig(tmp_path)
    assert (await rig.ask(verb.value)).code == ExitCode.USAGE
    assert (await rig.ask(verb.value, order="4b", operator="ada", reason="seen on the order page")).ok
    assert rig.events == [
        ev.OrderResolved(operator="ada", reason="seen on the order page", client_id="4b", resolution=verb)
    ]


def told_of_a_file(rig: Rig, scope: KillScope, name: str) -> None:
    """A kill file is told, and the engine has stepped what it says."""
    rig.switch.tell_files()
    event = next(one for one in rig.events if isinstance(one, ev.OperatorKilled))
    assert (event.scope, event.name) == (scope, name)
    rig.switch.observe([ev.Stamped(seq=1, at_ns=0, event=event)])


async def test_the_file_of_an_order_that_has_ended_goes(rig: Rig) -> None:
    """Written while the daemon was down, for an order that has ended since: the engine knows nothing to stop."""
    file = rig.latch.path_of(KillScope.ORDER, "4b")
    file.write_text("killed by ada: stop it\n")
    told_of_a_file(rig, KillScope.ORDER, "4b")
    await until(lambda: not file.exists())
    assert not rig.latch.is_set
    file.write_text("killed by ada: again\n")
    await until(lambda: rig.latch.is_untold)


async def test_the_file_of_an_order_that_lives_and_of_any_other_scope_stays(rig: Rig) -> None:
    file = rig.latch.path_of(KillScope.ORDER, "4b")
    file.write_text("killed by ada: stop it\n")
    rig.latches["order:4b"] = Latch(
        scope=KillScope.ORDER, name="4b", action=KillAction.FREEZE, operator="ada", reason="r", since_ns=0
    )
    told_of_a_file(rig, KillScope.ORDER, "4b")
    other = rig.latch.path_of(KillScope.STRATEGY, "gone")
    other.touch()
    rig.events.clear()
    told_of_a_file(rig, KillScope.STRATEGY, "gone")
    await asyncio.sleep(0.1)
    assert file.exists()
    assert other.exists()


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never happened")
