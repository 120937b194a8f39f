"""Readings: numbers and JSON from files and addresses; everything else is one sentence, never a zero."""

import asyncio
import os
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from hedgebot.config.model import HoldingSection
from hedgebot.daemon.holdings import BYTES_MAX, HoldingReader, parse
from hedgebot.domain import events as ev
from hedgebot.domain.errors import DataError
from hedgebot.domain.holdings import HoldingReported

NOW_NS = 1_790_000_000_000_000_000


class Sink:
    """Keeps what is put."""

    def __init__(self) -> None:
        self.events: list[ev.Event] = []
        self.twice = asyncio.Event()

    def put(self, event: ev.Event) -> None:
        self.events.append(event)
        if len(self.events) > 1:
            self.twice.set()


def _reader(folder: Path, **changes: object) -> tuple[HoldingReader, Sink]:
    keys = {"kind": "file", "coin": "BTC", "path": "vault.txt", "age_s_max": 60.0, "jump_coin_max": 1.0} | changes
    sink = Sink()
    return HoldingReader("vault", HoldingSection.model_validate(keys), folder, sink, lambda: NOW_NS), sink


@pytest.mark.parametrize(
    ("body", "qty", "at_ns"),
    [
        (b"12.5\n", "12.5", 0),
        (b'{"qty": 0.1}', "0.1", 0),
        (b'{"qty": "3", "at": "2026-01-31T08:00:00Z"}', "3", 1_769_846_400_000_000_000),
        (b'{"qty": 7, "at": "2026-01-31T09:00:00+01:00"}', "7", 1_769_846_400_000_000_000),
    ],
)
def test_a_number_or_json_is_read(body: bytes, qty: str, at_ns: int) -> None:
    assert parse(body) == (Decimal(qty), at_ns)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b" \n", "it is empty"),
        (b"twelve", "its quantity is 'twelve', it must be a number"),
        (b"NaN", "it must be a number"),
        (b"1E+9999999", r"its quantity is '1E\+9999999', it must be a number of at most 1E\+18"),
        (b'{"qty": -1E+9999999}', "it must be a number of at most"),
        (b"9" * 60_000, "it must be a number of at most"),
        (b"{", "it is not valid JSON"),
        (b'{"amount": 1}', "its JSON object has no qty"),
        (b'{"qty": null}', "it must be a number"),
        (b'{"qty": 1, "at": "2026-01-31T08:00:00"}', "it must be a time with its zone"),
        (b'{"qty": 1, "at": 5}', "it must be a time with its zone"),
        (b"\xff\xfe", "it is not UTF-8 text"),
        (b"1" * (BYTES_MAX + 1), "it is longer than 65536 bytes"),
    ],
)
def test_anything_else_is_told_in_a_sentence(body: bytes, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        parse(body)


async def test_a_file_is_as_old_as_its_date(tmp_path: Path) -> None:
    reader, _ = _reader(tmp_path)
    missing = await reader.read()
    assert missing.qty is None
    assert missing.problem == "it cannot be read: No such file or directory"
    (tmp_path / "vault.txt").write_text("4.25")
    os.utime(tmp_path / "vault.txt", ns=(5_000, 1_700_000_000_000_000_000))
    assert await reader.read() == HoldingReported(name="vault", qty=Decimal("4.25"), as_of_ns=1_700_000_000_000_000_000)


async def test_it_is_read_again_and_again(tmp_path: Path) -> None:
    (tmp_path / "vault.txt").write_text("1")
    reader, sink = _reader(tmp_path, every_s=0.1)
    task = asyncio.create_task(reader.run())
    async with asyncio.timeout(5):
        await sink.twice.wait()
    task.cancel()
    assert all(isinstance(one, HoldingReported) and one.qty == 1 for one in sink.events)


ANSWERS = {"/good": (200, b'{"qty": "8.5"}'), "/moved": (302, b""), "/down": (503, b"later"), "/empty": (200, b"")}


@pytest.fixture
def treasury() -> Iterator[str]:
    """An endpoint on loopback; /slow does not answer until the end."""
    over = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/slow":
                over.wait(10)
            status, body = ANSWERS.get(self.path, (404, b""))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/good")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("path", "qty", "problem"),
    [
        ("/good", Decimal("8.5"), ""),
        ("/moved", None, "its address answers with status 302, it must be 200"),
        ("/down", None, "its address answers with status 503, it must be 200"),
        ("/empty", None, "it is empty: it must be a number or a JSON object with qty"),
        ("/slow", None, "no answer within 0.2 s"),
    ],
)
async def test_an_address_is_read(treasury: str, tmp_path: Path, path: str, qty: Decimal | None, problem: str) -> None:
    timeout_s = 0.2 if path == "/slow" else 5.0
    reader, _ = _reader(tmp_path, kind="http", path=None, url=f"{treasury}{path}", timeout_s=timeout_s)
    found = await reader.read()
    assert (found.qty, found.problem) == (qty, problem)
    assert found.as_of_ns == (NOW_NS if qty is not None else 0)


async def test_an_address_where_nobody_listens_is_told(tmp_path: Path) -> None:
    reader, _ = _reader(tmp_path, kind="http", path=None, url="http://127.0.0.1:1/")
    assert (await reader.read()).problem.startswith("its address does not answer: ")
