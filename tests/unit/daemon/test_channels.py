"""Channels: what they hand over, what counts as a failure, and what they never give away."""

import asyncio
import json
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest

from hedgebot.config.loader import load_config
from hedgebot.daemon import channels as module
from hedgebot.daemon.channels import (
    FILE,
    ActiveAlert,
    AlertLine,
    ChannelError,
    Command,
    RecordFile,
    StandardError,
    Webhook,
    build_channels,
    channel_secrets,
    encode,
    in_thread,
)
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.errors import ConfigError
from tests.support.hooks import Hook, nobody
from tests.support.waiting import until
from tests.unit.daemon.fakes import CONFIG, write_config

KIND = AlertKind.RECON_BREAK


def line(summary: str = "the venue holds 0.5 BTC more", state: str = "raised") -> AlertLine:
    alert = ActiveAlert(
        kind=KIND, severity=KIND.severity, runbook=KIND.runbook, subject="main", summary=summary, raised_at_ns=7
    )
    return AlertLine(at_ns=8, state=state, alert=alert, book="desk")


async def test_a_webhook_posts_a_batch_as_one_request() -> None:
    with Hook() as hook:
        await Webhook("ops", hook.url).send([line(), line(state="resolved")])
        assert hook.states() == ["raised ReconBreak main", "resolved ReconBreak main"]
        assert hook.asked == 1
        assert hook.headers["Content-Type"] == "application/json"
        (_, body) = hook.taken[0]
    assert body["alerts"][0]["alert"]["runbook"] == "RB-08"
    assert body["alerts"][0]["alert"]["severity"] == "crit"
    assert body["text"].startswith("CRIT ReconBreak main: the venue holds 0.5 BTC more (desk RB-08)\nRESOLVED ")


@pytest.mark.parametrize("status", [301, 400, 404, 429, 500, 503])
async def test_any_status_but_success_is_a_failure(status: int) -> None:
    with Hook(status=status) as hook, pytest.raises(ChannelError, match=str(status)):
        await Webhook("ops", hook.url).send([line()])
    assert hook.asked == 1


async def test_an_address_is_never_part_of_a_failure() -> None:
    url = nobody() + "/T00/secret-token"
    with pytest.raises(ChannelError) as caught:
        await Webhook("ops", url).send([line()])
    assert "secret-token" not in str(caught.value)
    assert "cannot be reached" in str(caught.value)


async def test_a_slow_webhook_ends_in_its_own_time() -> None:
    with Hook(delay_s=30) as hook, pytest.raises(ChannelError, match=r"no answer within 0\.2 s"):
        await Webhook("ops", hook.url, timeout_s=0.2).send([line()])


def test_shapes() -> None:
    assert encode([line()], "text")[0].decode().endswith("(desk RB-08)\n")
    assert json.loads(encode([line()], "slack")[0]).keys() == {"text"}
    discord = json.loads(encode([line("@everyone")], "discord")[0])
    assert discord["allowed_mentions"] == {"parse": []}
    assert len(json.loads(encode([line("x" * 9_000)], "discord")[0])["content"]) < 2_000


async def test_a_program_gets_the_batch_and_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYBIT_API_SECRET", "canary-secret")
    out = tmp_path / "out.json"
    script = "import json,os,sys; json.dump([sys.stdin.read(), dict(os.environ)], open(sys.argv[1], 'w'))"
    await Command("page", [sys.executable, "-c", script, str(out)]).send([line()])
    body, environment = json.loads(out.read_text())
    assert json.loads(body)["alerts"][0]["alert"]["kind"] == "ReconBreak"
    assert "canary-secret" not in str(environment)
    assert "PATH" in environment


async def test_a_program_that_fails_is_a_failure() -> None:
    with pytest.raises(ChannelError, match="ended with code 3"):
        await Command("page", [sys.executable, "-c", "raise SystemExit(3)"]).send([line()])
    with pytest.raises(ChannelError, match="cannot be started"):
        await Command("page", ["/nowhere/page"]).send([line()])


async def test_a_program_that_hangs_is_killed_with_all_it_started(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    script = f"(sleep 1.5; touch {alive}) & sleep 60"
    start_s = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await Command("page", ["/bin/sh", "-c", script]).send([line()])
    assert time.monotonic() - start_s < 1.3
    await asyncio.sleep(1.6)
    assert not alive.exists()


async def test_the_record_holds_a_line_each_and_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = RecordFile(tmp_path)
    await record.send([line(), line(state="resolved")])
    path = tmp_path / FILE
    kept = [msgspec.json.decode(one, type=AlertLine) for one in path.read_bytes().splitlines()]
    assert [one.state for one in kept] == ["raised", "resolved"]
    assert path.stat().st_mode & 0o777 == 0o600
    monkeypatch.setattr(module, "BYTES_MAX", 10)
    await record.send([line()])
    assert (tmp_path / (FILE + ".1")).exists()
    assert len(path.read_bytes().splitlines()) == 1


async def test_a_record_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ChannelError, match="No such file"):
        await RecordFile(tmp_path / "gone").send([line()])


async def test_a_write_that_hangs_holds_no_second_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    record = RecordFile(tmp_path)
    monkeypatch.setattr(record, "_write", lambda _lines: go.wait(10))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await record.send([line()])
    with pytest.raises(ChannelError, match="has not come back"):
        await record.send([line()])
    go.set()
    await until(lambda: not record._working)
    await record.send([line()])


async def test_standard_error_is_harmless_for_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    await StandardError().send([line("clear\x1b[2Jme")])
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert "hedgebot: alert: CRIT ReconBreak main: clear\\x1b[2Jme" in err


async def test_a_thread_passes_a_failure_on() -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        await in_thread(fail)


def test_channels_stand_in_the_order_of_their_sections(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text("https://hooks.example.com/T00/secret\n")
    sections = """
[alerts.ops]
kind = "webhook"
url_file = "hook"
timeout_s = 2.0
[alerts.page]
kind = "command"
command = ["/usr/bin/page", "--now"]
"""
    config = load_config(write_config(tmp_path, CONFIG + sections), state_dir=tmp_path)
    built = build_channels(config)
    assert [one.name for one in built] == ["ops", "page", "record", "stderr"]
    assert built[0].timeout_s == 2.0
    assert channel_secrets(config) == ["https://hooks.example.com/T00/secret"]


def test_an_address_that_is_not_there_is_told_at_the_start(tmp_path: Path) -> None:
    sections = '[alerts.ops]\nkind = "webhook"\nurl_file = "hook"\n'
    config = load_config(write_config(tmp_path, CONFIG + sections), state_dir=tmp_path)
    with pytest.raises(ConfigError, match=r"alerts\.ops\.url_file = .* cannot be read"):
        channel_secrets(config)
    (tmp_path / "hook").write_text("hooks.example.com")
    with pytest.raises(ConfigError, match="begins with https://"):
        build_channels(config)
