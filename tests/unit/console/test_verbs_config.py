import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from hedgebot.config.canonical import is_slip
from hedgebot.config.loader import load_config
from hedgebot.console.verbs_config import second_step
from hedgebot.core.engine import Engine
from hedgebot.daemon.loosened import FILE
from hedgebot.daemon.plugins import load_strategy
from hedgebot.journal.manifest import build_manifest
from hedgebot.journal.store import Journal
from tests.unit.console.conftest import StubDaemon


@pytest.fixture
def book(root: Path, tmp_path: Path) -> Path:
    text = (root / "config" / "demo.toml").read_text("utf-8")
    text = re.sub(r"(?m)^band_coin = .*$", "band_coin = 0.25", text)
    (tmp_path / "demo.toml").write_text(text.replace("demo-limits.toml", "limits.toml"), "utf-8")
    (tmp_path / "limits.toml").write_text((root / "config" / "limits.toml").read_text("utf-8"), "utf-8")
    return tmp_path / "demo.toml"


def changed(book: Path, old: str, new: str) -> Path:
    other = book.with_name("new.toml")
    other.write_text(book.read_text("utf-8").replace(old, new, 1), "utf-8")
    return other


def test_show_lists_every_setting(hedgebot: Callable[..., tuple[int, str, str]], book: Path) -> None:
    code, out, _ = hedgebot("config", "show", book)
    assert code == 0
    assert "underlyings.BTC.band_coin = 0.25" in out
    assert "limits.order_burst_max = 5" in out
    assert orjson.loads(hedgebot("config", "show", book, "--json")[1])["settings"]["book"]["name"] == "demo"


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("band_coin = 0.25", "bnad_coin = 0.25", "did you mean underlyings.BTC.band_coin?"),
        ("band_coin = 0.25", "band_usd = 500", "this key has another unit; did you mean underlyings.BTC.band_coin?"),
        ("band_coin = 0.25", "band_coin = -0.25", "must be above 0; it is a number of coins"),
        ("[strategies.delta_neutral]", "[strategies.gamma_neutral]", "is not a known strategy"),
        ('endpoint = "http://127.0.0.1:8787"', 'testnet = true\nkeyring = "nowhere"', "no API key in the key store"),
    ],
)
def test_each_bad_input_has_its_sentence_and_code(
    hedgebot: Callable[..., tuple[int, str, str]], book: Path, old: str, new: str, part: str
) -> None:
    code, _, err = hedgebot("config", "validate", changed(book, old, new))
    assert code == 6
    assert part in err
    assert "Traceback" not in err


COST_AWARE = "strategies.cost_aware.params"
FINITE = "it must be a finite number"
PATIENCE = '\n[strategies.patience]\nenabled = true\nunderlyings = ["BTC"]\n[strategies.patience.params]\n'
TARGET = PATIENCE.replace("patience", "target")


def options_book(root: Path, folder: Path, old: str, new: str) -> Path:
    """The shipped book of a backtest with one line changed, or lines added."""
    text = (root / "config" / "backtest.toml").read_text("utf-8")
    (folder / "demo-limits.toml").write_bytes((root / "config" / "demo-limits.toml").read_bytes())
    assert old in text
    path = folder / "book.toml"
    path.write_text(re.sub(rf"(?m)^{old}", new, text, count=1) if old else text + new + "\n", "utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("", f"{PATIENCE}dwell_s = nan", f"strategies.patience.params.dwell_s = nan is wrong: {FINITE}"),
        ("", f"{PATIENCE}dwell_s = inf", f"strategies.patience.params.dwell_s = inf is wrong: {FINITE}"),
        ("", f"{PATIENCE}dwell_s = 1e12", "strategies.patience.params.dwell_s is 1e+12, it must be at most a week"),
        ("", f"{TARGET}target_coin = nan", f"strategies.target.params.target_coin = nan is wrong: {FINITE}"),
        ("", f"{TARGET}target_coin = inf", f"strategies.target.params.target_coin = inf is wrong: {FINITE}"),
        ("", f"{TARGET}up_ratio = inf", f"strategies.target.params.up_ratio = inf is wrong: {FINITE}"),
        ("", f"{TARGET}up_ratio = 1e6", "strategies.target.params.up_ratio is 1e+06, it must be above zero and at"),
        ("cap_coin", "order_cost_usd = nan\ncap_coin", f"{COST_AWARE}.order_cost_usd = nan is wrong: {FINITE}"),
        ("cap_coin", "order_cost_usd = -3\ncap_coin", f"{COST_AWARE}.order_cost_usd is -3, it must not be negative"),
        ("cap_coin", "noise_floor_usd = nan\ncap_coin", f"{COST_AWARE}.noise_floor_usd = nan is wrong: {FINITE}"),
        ("cap_coin", "noise_floor_usd = -480\ncap_coin", f"{COST_AWARE}.noise_floor_usd is -480, it must not be neg"),
        (
            "reference_vol = 0.6",
            "reference_vol = 60",
            f"{COST_AWARE}.reference_vol is 60, it must be a fraction a year",
        ),
        (
            "tracking_error_usd = 500.0",
            "tracking_error_usd = 0.001",
            "is 0.001, it must be USD per square root of a day",
        ),
        ("cost_bps = 5.6", "cost_bps = 0.00056", "cost_bps = 0.00056 looks like a fraction or percent; must be basis"),
        ("cost_bps = 5.6", "cost_bps = 201", "cost_bps = 201 must be at most 200; it is a number of basis points"),
    ],
)
def test_a_parameter_that_cannot_be_meant_is_one_sentence_that_names_its_key(
    hedgebot: Callable[..., tuple[int, str, str]], root: Path, tmp_path: Path, old: str, new: str, part: str
) -> None:
    """They passed, and crashed the first decision or were silently something else."""
    code, _, err = hedgebot("config", "validate", options_book(root, tmp_path, old, new), "--no-secrets")
    assert code == 6
    assert part in err
    assert len(err.splitlines()) == 1


def test_strategies_that_hedge_nothing_are_refused_and_options_that_do_nothing_are_doubtful(
    hedgebot: Callable[..., tuple[int, str, str]], root: Path, tmp_path: Path
) -> None:
    ended = options_book(root, tmp_path, "", f'{PATIENCE}end_at = "2020-01-01T00:00:00"')
    code, _, err = hedgebot("config", "validate", ended, "--no-secrets")
    assert code == 6
    assert "nothing hedges BTC: the strategies cost_aware, patience keep no band of it at" in err
    capped = options_book(root, tmp_path, "cap_coin = 4.0", "cap_coin = 0.0001")
    code, out, _ = hedgebot("config", "validate", capped, "--no-secrets")
    assert code == 0
    assert "doubtful: strategies.cost_aware.params.cap_coin is 0.0001, below the narrowest band" in out


def test_a_good_file_is_said_to_be_good(hedgebot: Callable[..., tuple[int, str, str]], book: Path) -> None:
    code, out, _ = hedgebot("config", "validate", book, "--no-secrets", "--json")
    assert (code, orjson.loads(out)["ok"]) == (0, True)


def test_diff_marks_restarts_and_slips(hedgebot: Callable[..., tuple[int, str, str]], book: Path) -> None:
    other = changed(book, "band_coin = 0.25", "band_coin = 0.02")
    other.write_text(other.read_text("utf-8").replace('log_level = "info"', 'log_level = "debug"'))
    code, out, _ = hedgebot("config", "diff", book, other)
    assert code == 0
    assert 'daemon.log_level: "info" -> "debug"  (needs a restart)' in out
    assert "underlyings.BTC.band_coin: 0.25 -> 0.02  (check the unit)" in out
    assert hedgebot("config", "diff", book, book)[1] == "no difference\n"


def test_slips_are_large_or_turned() -> None:
    assert is_slip("a: 1 -> 10")
    assert is_slip("a: 1 -> -1")
    assert is_slip("a: 100.0 -> 0.9")
    assert not is_slip("a: 1 -> 9")
    assert not is_slip('a: "x" -> "y"')
    assert not is_slip("a: 0 -> 5")


def test_apply_checks_confirms_and_asks_the_daemon(
    hedgebot: Callable[..., tuple[int, str, str]], book: Path, daemon: StubDaemon
) -> None:
    daemon.answers["apply"] = {"data": {"explanation": "taken", "changes": ["a: 1 -> 2"]}}
    where = ("-s", daemon.state_dir, "--operator", "eve", "--reason", "wider")
    assert hedgebot("config", "apply", book, *where)[0] == 6
    assert daemon.asked == []
    code, out, _ = hedgebot("config", "apply", book, *where, "--confirm", "apply demo")
    assert (code, out) == (0, "applied: taken\n  a: 1 -> 2\n")
    assert daemon.asked == [{"verb": "apply", "operator": "eve", "reason": "wider", "path": str(book)}]
    assert hedgebot("config", "apply", "--dry-run", *where)[0] == 2


def test_a_bad_file_never_reaches_the_daemon(
    hedgebot: Callable[..., tuple[int, str, str]], book: Path, daemon: StubDaemon
) -> None:
    bad = changed(book, "band_coin = 0.25", "band_coin = 25")
    code, _, err = hedgebot("config", "apply", bad, "-s", daemon.state_dir, "--confirm", "apply demo")
    assert code == 6
    assert "must be below delta_limit_coin" in err
    assert daemon.asked == []


def test_a_dry_run_shows_the_difference_to_what_runs(
    hedgebot: Callable[..., tuple[int, str, str]], book: Path, daemon: StubDaemon
) -> None:
    data = {"dry_run": True, "changes": ["a: 1 -> 20"], "config_hash": "new", "running_hash": "old"}
    daemon.answers["apply"] = {"data": data}
    code, out, _ = hedgebot("config", "apply", book, "-s", daemon.state_dir, "--dry-run")
    assert code == 0
    assert out.splitlines() == [
        f"running old, {book} new",
        "  a: 1 -> 20  (check the unit)",
        'dry run: nothing was changed; to apply it add --confirm "apply demo"',
    ]
    assert daemon.asked == [{"verb": "apply", "dry_run": True, "path": str(book)}]
    answer = orjson.loads(hedgebot("config", "apply", book, "-s", daemon.state_dir, "--dry-run", "--json")[1])
    assert answer["check_the_unit"] == ["a: 1 -> 20"]


def test_a_dry_run_without_a_daemon_says_that_there_is_nothing_to_compare_with(
    hedgebot: Callable[..., tuple[int, str, str]], book: Path, tmp_path: Path
) -> None:
    code, out, _ = hedgebot("config", "apply", book, "-s", tmp_path, "--dry-run")
    assert code == 0
    assert "is good; there is no running configuration to compare it with: no daemon runs on" in out


def test_what_the_daemon_would_refuse_is_told(
    hedgebot: Callable[..., tuple[int, str, str]], book: Path, daemon: StubDaemon
) -> None:
    daemon.answers["apply"] = {"ok": False, "code": 6, "error": "these settings need a restart: daemon.log_level"}
    code, _, err = hedgebot("config", "apply", book, "-s", daemon.state_dir, "--dry-run")
    assert code == 6
    assert "need a restart" in err


def test_the_second_step_is_a_piece_of_the_new_hash_behind_the_phrase() -> None:
    assert second_step("apply demo", "apply demo 0123abcd") == "0123abcd"
    for given in (None, "", "apply demo", "apply demo 0123", "apply other 0123abcd", "apply demo 0123abcX", "0123abcd"):
        assert second_step("apply demo", given) == ""


def test_confirm_names_exactly_one_configuration(
    hedgebot: Callable[..., tuple[int, str, str]], book: Path, short_dir: Path
) -> None:
    where = ("-s", short_dir, "--operator", "eve", "--reason", "a slow feed")
    code, _, err = hedgebot("config", "confirm", book, *where)
    (words,) = re.findall(r'--confirm "(loosen demo [0-9a-f]{8})"', err)
    assert code == 6
    code, out, _ = hedgebot("config", "confirm", book, *where, "--dry-run")
    assert (code, "no run to compare with" in out) == (0, True)
    assert not (short_dir / FILE).exists()
    other = changed(book, "band_coin = 0.25", "band_coin = 0.26")
    assert hedgebot("config", "confirm", other, *where, "--confirm", words)[0] == 6
    assert not (short_dir / FILE).exists()
    code, out, _ = hedgebot("config", "confirm", book, *where, "--confirm", words, "--json")
    told = orjson.loads((short_dir / FILE).read_bytes())
    assert (code, told["operator"], told["reason"]) == (0, "eve", "a slow feed")
    assert told["config_hash"] == orjson.loads(out)["config_hash"]
    assert told["config_hash"].startswith(words[-8:])
    code, _, err = hedgebot("config", "confirm", book, "-s", short_dir / "nowhere", "--confirm", words)
    assert (code, "nothing was confirmed" in err) == (6, True)


def test_confirm_shows_what_is_looser_than_in_the_last_run(
    hedgebot: Callable[..., tuple[int, str, str]], book: Path, short_dir: Path
) -> None:
    config = load_config(book, state_dir=short_dir)

    async def one_run() -> None:
        journal = await Journal.open(short_dir)
        await journal.recover(lambda _snapshot: Engine(load_strategy))
        await journal.begin_run(build_manifest(config.engine_settings(7), version="test"))
        await journal.close()

    asyncio.run(one_run())
    assert "nothing is looser" in hedgebot("config", "confirm", book, "-s", short_dir, "--dry-run")[1]
    limits = book.with_name("limits.toml")
    limits.write_text(limits.read_text("utf-8").replace("book_age_ms_max = 5000", "book_age_ms_max = 9000"), "utf-8")
    out = hedgebot("config", "confirm", book, "-s", short_dir, "--dry-run")[1]
    assert "limits.book_age_ms_max: 5000 -> 9000" in out
