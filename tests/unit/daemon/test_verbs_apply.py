"""The verb `apply`: what changed reaches the engine whole, or nothing does."""

import asyncio
from pathlib import Path

import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.errors import ExitCode
from tests.unit.daemon.fakes import CONFIG
from tests.unit.daemon.rig import Rig, no, yes


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
