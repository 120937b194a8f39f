"""Bad input, each as a real process: one clear sentence (what, where, what would be right), its exit code, no loss.

Every message is printed, so that `pytest -s` (or a failure) shows what an operator would read.
"""

import contextlib
import os
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e import checker
from tests.e2e.harness import World

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(150)]

ROOT = Path(__file__).parents[2]
INTERPRETER_S_MAX = 4.0


class Told(NamedTuple):
    """What a verb answered."""

    code: int
    words: str
    output: str
    seconds: float


def run(*words: object, **environment: str) -> Told:
    """Run a verb to its end; no bad input may show a traceback or more than one line for each mistake."""
    began_s = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "hedgebot.console.main", *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=100,
        check=False,
    )
    told = Told(done.returncode, done.stderr.strip(), done.stdout.strip(), time.monotonic() - began_s)
    sys.stdout.write(f"\n$ hedgebot {' '.join(map(str, words))}\n{told.words}\n-> exit code {told.code}\n")
    assert "Traceback" not in told.words + told.output
    return told


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: a socket's must be."""
    with tempfile.TemporaryDirectory(prefix="hb") as made:
        yield Path(made)


@pytest.fixture
def book(folder: Path) -> Path:
    """The end-to-end tests' book, at an address where nobody listens."""
    for name in ("book.toml", "limits.toml"):
        shutil.copy(Path(__file__).parent / name, folder / name)
    return folder / "book.toml"


def start(book: Path, **environment: str) -> Told:
    state_dir = book.parent / "state"
    home = {"XDG_STATE_HOME": str(book.parent / "xdg"), "XDG_RUNTIME_DIR": ""}
    return run("run", "--config", book, "--state-dir", state_dir, **home | environment)


SPOILT = [
    pytest.param(
        "band_coin = 0.25",
        "bnad_coin = 0.25",
        "underlyings.BTC.bnad_coin = 0.25 is not a known key; did you mean underlyings.BTC.band_coin?",
        id="misspelt key",
    ),
    pytest.param(
        "band_coin = 0.25",
        "band_usd = 20000",
        "underlyings.BTC.band_usd = 20000 is not a known key; this key has another unit; "
        "did you mean underlyings.BTC.band_coin?",
        id="wrong unit",
    ),
    pytest.param(
        "band_coin = 0.25",
        "band_coin = -0.25",
        "underlyings.BTC.band_coin = -0.25 must be above 0; it is a number of coins",
        id="negative band",
    ),
    pytest.param(
        "[strategies.delta_neutral]",
        "[strategies.delta_netural]",
        "strategies.delta_netural is not a known strategy; did you mean delta_neutral?",
        id="unknown strategy",
    ),
]


@pytest.mark.parametrize(("old", "new", "sentence"), SPOILT)
def test_a_wrong_configuration_starts_nothing(book: Path, old: str, new: str, sentence: str) -> None:
    text = book.read_text("utf-8")
    assert old in text
    book.write_text(text.replace(old, new, 1), "utf-8")
    told = start(book)
    assert told.code == 6
    assert told.words.startswith(f"hedgebot: {book}: ")
    assert sentence in told.words
    assert len(told.words.splitlines()) == 1
    assert not (book.parent / "state").exists()


def test_a_missing_secret_names_the_file_that_is_not_there(book: Path) -> None:
    text = book.read_text("utf-8").replace('endpoint = "http://127.0.0.1:8787"', "testnet = true")
    keys = 'api_key_file = "keys/key"\napi_secret_file = "keys/secret"\n'
    book.write_text(text.replace('role = "shared"\n', f'role = "shared"\n{keys}'), "utf-8")
    told = start(book)
    assert told.code == 6
    assert f"{book}: accounts.main: no API key in the file {book.parent}/keys/key (it does not exist)" in told.words
    assert len(told.words.splitlines()) == 1
    assert not (book.parent / "state").exists()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_an_exchange_that_was_never_there_is_one_sentence(folder: Path, book: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    book.write_text(book.read_text("utf-8").replace("http://127.0.0.1:8787", address), "utf-8")
    told = start(book)
    assert told.code == 5
    assert f"does not answer at {address}" in told.words
    assert len(told.words.splitlines()) == 1
    looked = run("doctor", "--config", book, "--state-dir", folder / "state")
    assert looked.code == 1
    (line,) = (one for one in looked.output.splitlines() if one.startswith("FAIL"))
    sys.stdout.write(f"{line}\n")
    assert f"{address} does not answer" in line


def test_an_exchange_that_went_away_is_waited_for_and_nothing_is_sent(world: World) -> None:
    daemon = world.daemon()
    daemon.until_active()
    world.exchange.close()
    seen = daemon.until("without its venue", lambda one: bool(one["alerts"]), 30)
    for one in seen["alerts"]:
        sys.stdout.write(f"{one['severity']} {one['kind']} {one['subject']}: {one['summary']}\n")
    time.sleep(2.0)
    sent = checker.submitted(checker.read_rows(world.state_dir)).total()
    time.sleep(3.0)
    code, answer = world.verb("status", "--state-dir", str(world.state_dir))
    assert daemon.process.code is None
    assert code in {0, 3, 4}, answer
    assert checker.submitted(checker.read_rows(world.state_dir)).total() == sent
    assert daemon.stop() == 0
    assert world.verb("journal", "verify", "--state-dir", str(world.state_dir))[0] == 0


def test_a_garbage_frame_is_put_aside_and_the_feed_recovers(world: World) -> None:
    daemon = world.daemon()
    daemon.until_active()
    world.admin("faults", type="socket", kind="garble", channel="private", count=3)
    world.admin("faults", type="socket", kind="garble", channel="linear", count=20)
    quarantined: list[checker.Row] = []
    until_s = time.monotonic() + 20
    while len({one.payload["stream"] for one in quarantined}) < 2 and time.monotonic() < until_s:
        time.sleep(0.3)
        quarantined = [one for one in checker.read_rows(world.state_dir) if one.kind == "FrameQuarantined"]
    for one in quarantined[:3]:
        sys.stdout.write(f"{one.payload['topic']}: {one.payload['problem']}: {one.payload['sample']}\n")
    assert {one.payload["stream"] for one in quarantined} == {"private", "public"}
    assert daemon.process.code is None
    hedges = daemon.book()["hedges"]
    daemon.until("hedging again", lambda one: bool(one["mode"] == "active" and one["hedges"] > hedges), 40)
    world.admin("flow", enabled=False)
    time.sleep(4.0)
    truth = checker.read_truth(world.admin("truth"))
    assert daemon.stop() == 0
    rows = checker.read_rows(world.state_dir)
    assert checker.position_problems(checker.positions(rows), truth) == []
    assert checker.order_problems(rows, truth) == []
    assert world.verb("journal", "verify", "--state-dir", str(world.state_dir))[0] == 0


HEADER = "date,open,high,low,close\n"


def candles(*minutes: int) -> str:
    """Candles of a minute that rise by a dollar."""
    starts = ((f"2026-01-01 00:{minute:02d}:00", 90_000.0 + minute) for minute in minutes)
    return "".join(f"{date},{price},{price + 10},{price - 10},{price + 1}\n" for date, price in starts)


RECORDINGS = [
    pytest.param(
        candles(0, 1, 2, 2, 3),
        "row 4: 2026-01-01 00:02:00 UTC repeats the time of the row before; times must rise, each once",
        id="duplicates",
    ),
    pytest.param(
        candles(0, 1, 3, 2, 4),
        "row 4: 2026-01-01 00:02:00 UTC is older than the row before; times must rise, each once",
        id="unsorted",
    ),
    pytest.param(
        candles(0, 1) + "2026-01-01 00:02:00,90000.0,89000.0,91000.0,90000.0\n",
        "row 3: open 90000.0, high 89000.0, low 91000.0, close 90000.0; low must be the lowest and high the highest",
        id="low above high",
    ),
    pytest.param(
        candles(0, 1) + "2026-01-01 00:02:00,-1.0,90010.0,-2.0,90000.0\n",
        "row 3: open is -1.0; prices must be positive numbers",
        id="negative price",
    ),
]


@pytest.mark.parametrize(("rows", "sentence"), RECORDINGS)
def test_a_broken_recording_is_refused_by_file_and_row(folder: Path, rows: str, sentence: str) -> None:
    pytest.importorskip("pyarrow")
    path = folder / "BTCUSDT-perp.csv"
    path.write_text(HEADER + rows, "utf-8")
    told = run("demo", "--seconds", 5, "--plain", "--data", path, "--state-dir", folder / "demo")
    assert told.code == 1
    assert f"recording {path}, {sentence}" in told.words
    assert len(told.words.splitlines()) == 1


def test_a_gap_in_a_recording_is_told_and_nothing_trades_in_it(folder: Path) -> None:
    pytest.importorskip("pyarrow")
    path = folder / "BTCUSDT-perp.csv"
    path.write_text(HEADER + candles(*range(10), *range(20, 40)), "utf-8")
    words = ("demo", "--seconds", 8, "--plain", "--data", path, "--speed", 30, "--state-dir", folder / "demo")
    told = run(*words)
    hole = "no candles from 2026-01-01 00:10:00 UTC to 2026-01-01 00:20:00 UTC"
    gap = f"recording {path}: {hole}; nothing trades in between"
    sys.stdout.write(f"{told.output[-3000:]}\n")
    assert f"note              {gap}" in told.output
    assert gap in (folder / "demo" / "exchange.err").read_text("utf-8")


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """The state directory of a daemon that hedged and ended well."""
    with tempfile.TemporaryDirectory(prefix="hb") as made, World(Path(made)) as world:
        daemon = world.daemon()
        daemon.until("hedging", lambda one: bool(one["hedges"] >= 2), 40)
        assert daemon.stop() == 0
        yield world.state_dir


@pytest.fixture
def used(book: Path, state: Path) -> Path:
    """A book whose state directory has a journal."""
    shutil.copytree(state, book.parent / "state", ignore=shutil.ignore_patterns("*.sock", "*.lock"))
    return book


def journal_of(book: Path) -> Path:
    return book.parent / "state" / "journal.db"


def test_a_journal_from_a_newer_schema_is_left_alone(used: Path) -> None:
    path = journal_of(used)
    with contextlib.closing(sqlite3.connect(path)) as link:
        link.execute("PRAGMA user_version=99")
    before = path.read_bytes()
    for told in (start(used), run("journal", "verify", "--state-dir", path.parent)):
        assert told.code == 6
        assert f"{path}: written by a newer hedgebot (schema 99, not 1); install that version" in told.words
        assert len(told.words.splitlines()) == 1
    assert path.read_bytes() == before


def test_a_changed_byte_in_the_journal_stops_the_start(used: Path) -> None:
    path = journal_of(used)
    with contextlib.closing(sqlite3.connect(path)) as link:
        ((row, payload),) = link.execute(
            "SELECT row, payload FROM rows WHERE kind = 'SubmitOrder' ORDER BY row LIMIT 1"
        ).fetchall()
        link.execute("UPDATE rows SET payload = ? WHERE row = ?", (payload.replace(b"buy", b"bUy"), row))
        link.execute("UPDATE rows SET payload = ? WHERE row = ?", (payload.replace(b"sell", b"sEll"), row))
        link.commit()
    told = start(used)
    assert told.code == 6
    assert told.words.startswith(f"hedgebot: {path}: ")
    assert f"row {row} (SubmitOrder" in told.words
    assert "was changed after it was written" in told.words
    assert len(told.words.splitlines()) == 1
    checked = run("journal", "verify", "--state-dir", path.parent)
    assert checked.code == 6
    assert f"row {row} (SubmitOrder" in checked.output


def test_a_damaged_database_file_says_restore(used: Path) -> None:
    path = journal_of(used)
    with path.open("r+b") as file:
        file.write(b"no database")
    told = start(used)
    assert told.code == 6
    assert f"{path}: this is not an intact database" in told.words
    assert len(told.words.splitlines()) == 1


def test_a_key_that_others_can_read_is_refused(used: Path) -> None:
    key = journal_of(used).with_name("journal.key")
    key.chmod(0o644)
    told = start(used)
    assert told.code == 6
    assert f"{key}: others can read the journal's key (mode 0644); run: chmod 600 {key}" in told.words
    assert len(told.words.splitlines()) == 1
    assert stat.S_IMODE(key.stat().st_mode) == 0o644


def test_a_state_directory_that_cannot_be_written(book: Path) -> None:
    blocked = book.parent / "state"
    if os.geteuid() == 0:
        # Root may write anywhere; a file in the way is as final.
        blocked.write_text("")
        words = "File exists"
    else:
        blocked.mkdir(mode=0o500)
        words = "ermission denied"
    told = start(book)
    assert told.code == 6
    assert f"state directory {blocked}" in told.words
    assert words in told.words
    assert "name a directory that this user may write" in told.words
    assert len(told.words.splitlines()) == 1


def test_a_second_daemon_on_the_account_ends_at_once(world: World) -> None:
    interpreter_s = run("version").seconds
    first = world.daemon()
    first.until_active()
    second = run("run", "--config", world.config, "--state-dir", world.folder / "other", **world.environment)
    assert second.code == 7
    assert f"account main is already run by process {first.process.pid}" in second.words
    assert len(second.words.splitlines()) == 1
    assert second.seconds - interpreter_s < 2.0
    assert not (world.folder / "other" / "journal.db").exists()
    assert first.book()["mode"] == "active"
