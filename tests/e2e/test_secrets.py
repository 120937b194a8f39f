"""S01: canaries stand for key, secret and passphrase in every end-to-end run; none may be in anything it leaves.

The harness plants and looks in every world (`harness.World`); here the places where a secret is nearest to a leak are
visited on purpose, and the look itself is shown to find what leaked.
"""

import base64
import signal
import sqlite3
from pathlib import Path

import pytest
import zstandard

from tests.e2e.canaries import Canaries
from tests.e2e.harness import World

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_s01_no_canary_byte_in_logs_journal_exports_tracebacks_or_answers(world: World) -> None:
    daemon = world.daemon(HEDGEBOT_DAEMON__LOG_LEVEL="debug")
    daemon.until("hedging", lambda book: bool(book["hedges"] >= 2), 40)
    limits = Path(f"/proc/{daemon.process.pid}/limits")
    if limits.exists():
        (core,) = (line for line in limits.read_text("ascii").splitlines() if line.startswith("Max core file size"))
        assert core.split()[4:6] == ["0", "0"], "a core file would hold the keys"
    world.admin("drop", channel="private", account="main")
    daemon.until_active()
    state = ("-s", str(world.state_dir))
    world.verb("config", "show", str(world.config))
    world.verb("config", "validate", str(world.config))
    world.verb("doctor", "--config", str(world.config))
    world.verb("status", *state)
    world.verb("journal", "tail", "-n", "50", *state)
    world.verb("journal", "export", "--out", str(world.folder / "export.jsonl"), *state)
    # A key that is refused: the venue's words about it, and our alert, name the key's label only.
    world.admin("key", account="main", state="revoked")
    daemon.until("told", lambda book: bool(book["mode"] == "halted"), 60)
    world.verb("kill", "--direct", "--config", str(world.config), "--reason", "drill", *state)
    world.admin("key", account="main", state="good")
    # The last words of a process that dies of a signal.
    daemon.process.signal(signal.SIGABRT)
    assert daemon.process.wait() == -signal.SIGABRT
    assert world.leaks() == []
    assert (world.folder / "asked.log").stat().st_size > 1_000
    assert (world.folder / "export.jsonl").stat().st_size > 1_000


def test_s01_the_look_finds_a_leak_in_every_writing_and_place(tmp_path: Path) -> None:
    canaries = Canaries(tmp_path)
    assert canaries.leaks(tmp_path) == []
    basic = base64.b64encode(f"user:{canaries.secret}".encode())
    packed = zstandard.ZstdCompressor().compress(f"... {canaries.key} ...".encode() * 3)
    leaks = {
        "plain.log": f"api key is {canaries.key}".encode(),
        "url.log": canaries.secret.replace("/", "%2F").replace("+", "%2B").encode(),
        "basic.log": b"Authorization: Basic " + basic,
        "dump.hex": canaries.passphrase.encode().hex().encode(),
        "core": bytes(500) + canaries.secret.encode() + bytes(500),
        "0001.tape": b"HBTAPE1\n" + packed,
    }
    for name, data in leaks.items():
        (tmp_path / name).write_bytes(data)
    link = sqlite3.connect(tmp_path / "journal.db")
    link.execute("CREATE TABLE snapshots (state BLOB)")
    link.execute("INSERT INTO snapshots VALUES (?)", (packed,))
    link.commit()
    link.close()
    found = {Path(one.split(" (")[0].split(": ")[0]).name for one in canaries.leaks(tmp_path)}
    assert found == {*leaks, "journal.db"}
