"""The control socket: one reply for each line, whatever the line was."""

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hedgebot.daemon.control import LINE_BYTES_MAX, ControlServer, Reply, Request, parse_request
from hedgebot.domain.errors import ConfigError, ExitCode, JournalError


async def echo(request: Request) -> Reply:
    if request.verb == "refuse":
        raise ConfigError("the key is wrong")
    if request.verb == "break":
        raise JournalError("the disk is full")
    if request.verb == "disk":
        raise OSError(28, "No space left on device")
    return Reply(ok=True, data={"verb": request.verb, **request.args})


async def ask(path: Path, *lines: bytes) -> list[dict[str, Any]]:
    reader, writer = await asyncio.open_unix_connection(path)
    replies = []
    for line in lines:
        writer.write(line + b"\n")
        await writer.drain()
        replies.append(json.loads(await asyncio.wait_for(reader.readline(), 2)))
    writer.close()
    await writer.wait_closed()
    return replies


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("c")


async def test_it_answers_line_by_line_and_only_its_owner_may_open_it(folder: Path) -> None:
    server = ControlServer(folder, echo)
    await server.start()
    assert stat.S_IMODE(server.path.stat().st_mode) == 0o600
    one, two = await ask(server.path, b'{"verb":"status"}', b'{"verb":"kill","reason":"smoke"}')
    assert one == {"ok": True, "code": 0, "data": {"verb": "status"}, "error": None}
    assert two["data"] == {"verb": "kill", "reason": "smoke"}
    await server.stop()
    assert not server.path.exists()


@pytest.mark.parametrize(
    "line", [b"", b"hello", b"[]", b"{}", b'{"verb":7}', b'{"verb":null}', b"\xff\xfe", b'{"verb":"x"', b"42"]
)
async def test_garbage_gets_a_sentence_and_the_connection_lives_on(folder: Path, line: bytes) -> None:
    server = ControlServer(folder, echo)
    await server.start()
    bad, good = await ask(server.path, line, b'{"verb":"status"}')
    assert (bad["ok"], bad["code"]) == (False, ExitCode.USAGE)
    assert "verb" in bad["error"]
    assert good["ok"]
    await server.stop()


@pytest.mark.parametrize(
    ("verb", "code", "words"), [("refuse", 6, "key is wrong"), ("break", 1, "disk is full"), ("disk", 1, "No space")]
)
async def test_errors_of_a_verb_become_replies(folder: Path, verb: str, code: int, words: str) -> None:
    server = ControlServer(folder, echo)
    await server.start()
    (reply,) = await ask(server.path, json.dumps({"verb": verb}).encode())
    assert (reply["ok"], reply["code"]) == (False, code)
    assert words in reply["error"]
    await server.stop()


async def test_a_line_without_end_is_cut_off(folder: Path) -> None:
    server = ControlServer(folder, echo)
    await server.start()
    (reply,) = await ask(server.path, b"x" * (2 * LINE_BYTES_MAX))
    assert reply["code"] == ExitCode.USAGE
    await server.stop()


async def test_idle_connections_do_not_keep_a_kill_out(folder: Path) -> None:
    server = ControlServer(folder, echo)
    await server.start()
    held = [await asyncio.open_unix_connection(server.path) for _ in range(16)]
    await asyncio.sleep(0.01)
    assert (await ask(server.path, b'{"verb":"kill"}'))[0]["ok"]
    assert await asyncio.wait_for(held[0][0].read(), 2) == b"", "the one that was idle for longest made room"
    for _, other in held:
        other.close()
    await server.stop()


async def test_connections_at_work_are_bounded(folder: Path) -> None:
    release = asyncio.Event()

    async def busy(_request: Request) -> Reply:
        await release.wait()
        return Reply(ok=True)

    server = ControlServer(folder, busy)
    await server.start()
    held = [await asyncio.open_unix_connection(server.path) for _ in range(16)]
    for _, writer in held:
        writer.write(b'{"verb":"status"}\n')
    await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_unix_connection(server.path)
    assert b"connections are open" in await asyncio.wait_for(reader.readline(), 2)
    release.set()
    for _, other in [*held, (reader, writer)]:
        other.close()
    await asyncio.sleep(0.01)
    assert (await ask(server.path, b'{"verb":"status"}'))[0]["ok"]
    await server.stop()


async def test_whoever_does_not_read_is_cut_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hedgebot.daemon.control.DRAIN_S_MAX", 0.05)

    async def much(_request: Request) -> Reply:
        return Reply(ok=True, data={"text": "x" * (4 << 20)})

    server = ControlServer(folder, much)
    await server.start()
    _, writer = await asyncio.open_unix_connection(server.path)
    writer.write(b'{"verb":"status"}\n')
    async with asyncio.timeout(2):
        while not server._connections:  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.01)
        while server._connections:  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.01)
    assert not server._connections, "it holds the place of somebody who wants to kill"
    writer.close()
    await server.stop()


async def test_a_socket_that_a_dead_daemon_left_is_replaced(folder: Path) -> None:
    first = ControlServer(folder, echo)
    await first.start()
    second = ControlServer(folder, echo)
    await second.start()
    assert (await ask(second.path, b'{"verb":"status"}'))[0]["ok"]
    await second.stop()
    await first.stop()


async def test_stop_does_not_wait_for_idle_connections(folder: Path) -> None:
    server = ControlServer(folder, echo)
    await server.start()
    reader, writer = await asyncio.open_unix_connection(server.path)
    await asyncio.sleep(0.01)
    await asyncio.wait_for(server.stop(), 1)
    assert await asyncio.wait_for(reader.read(), 1) == b"", "the idle connection was left open"
    writer.close()


async def test_a_path_too_long_for_a_socket_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="103 bytes"):
        await ControlServer(tmp_path / ("x" * 120), echo).start()


def test_arguments_stand_beside_the_verb() -> None:
    assert parse_request(b'{"verb":"kill","reason":"r"}') == Request(verb="kill", args={"reason": "r"})
    with pytest.raises(msgspec.ValidationError):
        parse_request(b'{"reason":"r"}')
