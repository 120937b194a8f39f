from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from tests.unit.console.conftest import StubDaemon


def test_status_shows_the_book_and_passes_the_code_on(
    hedgebot: Callable[..., tuple[int, str, str]], daemon: StubDaemon
) -> None:
    code, out, _ = hedgebot("status", "-s", daemon.state_dir)
    assert code == 0
    assert "net delta +0.1834 BTC" in out
    daemon.answers["status"] |= {"code": 4}
    code, out, _ = hedgebot("status", "-s", daemon.state_dir, "--json")
    assert code == 4
    assert orjson.loads(out)["book"]["mode"] == "active"


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["why-not"],
        ["greeks"],
        ["health"],
        ["disable", "x"],
        ["enable", "x"],
        ["unkill", "--operator", "e", "--reason", "r"],
    ],
)
def test_without_a_daemon_the_state_is_unknown(
    hedgebot: Callable[..., tuple[int, str, str]], short_dir: Path, words: list[str]
) -> None:
    code, out, err = hedgebot(*words, "-s", short_dir)
    assert (code, out) == (5, "")
    assert err.startswith(f"hedgebot: no daemon runs on {short_dir}; start one with: hedgebot run")


def test_greeks_answer_for_one_or_all(hedgebot: Callable[..., tuple[int, str, str]], daemon: StubDaemon) -> None:
    code, out, _ = hedgebot("greeks", "-s", daemon.state_dir)
    assert code == 0
    assert "delta coin" in out
    code, out, _ = hedgebot("greeks", "BTC", "-s", daemon.state_dir, "--json")
    assert code == 0
    assert '"by_venue"' in out
    code, _, err = hedgebot("greeks", "DOGE", "-s", daemon.state_dir)
    assert code == 2
    assert "DOGE is not an underlying of this book" in err


def test_why_not_answers_for_each_underlying(hedgebot: Callable[..., tuple[int, str, str]], daemon: StubDaemon) -> None:
    code, out, _ = hedgebot("why-not", "-s", daemon.state_dir)
    assert code == 0
    assert "BTC: abs delta 0.1834 BTC is inside the band 0.25 BTC" in out
    assert "ETH: " in out
    code, out, _ = hedgebot("why-not", "ETH", "-s", daemon.state_dir)
    assert "BTC: " not in out
    code, _, err = hedgebot("why-not", "SOL", "-s", daemon.state_dir)
    assert (code, err) == (2, "hedgebot: SOL is not an underlying of this book (known: BTC, ETH)\n")


def test_health_has_a_code_for_monitors(hedgebot: Callable[..., tuple[int, str, str]], daemon: StubDaemon) -> None:
    daemon.answers["health"] = {
        "code": 3,
        "data": {"live": True, "ready": False, "not_ready": ["the book is recovering"]},
    }
    assert hedgebot("health", "-s", daemon.state_dir)[:2] == (3, "not ready\n  the book is recovering\n")
    assert hedgebot("health", "--live", "-s", daemon.state_dir)[:2] == (0, "live\n")
    assert hedgebot("health", "--live", "--ready", "-s", daemon.state_dir)[0] == 2
    daemon.answers["health"] = {"code": 0, "data": {"live": True, "ready": True}}
    assert hedgebot("health", "--ready", "-s", daemon.state_dir)[:2] == (0, "ready\n")


def test_a_dry_run_changes_nothing(hedgebot: Callable[..., tuple[int, str, str]], daemon: StubDaemon) -> None:
    code, out, _ = hedgebot("enable", "delta_neutral", "-s", daemon.state_dir, "--dry-run")
    assert code == 0
    assert "would let delta_neutral hedge" in out
    assert "net delta +0.1834 BTC" in out
    assert "dry run: nothing was changed" in out
    assert [one["verb"] for one in daemon.asked] == ["status"]


def test_strategies_are_switched_with_who_and_why(
    hedgebot: Callable[..., tuple[int, str, str]], daemon: StubDaemon
) -> None:
    daemon.answers |= {"enable": {"data": {}}, "disable": {"data": {"explanation": "off"}}}
    words = ("-s", daemon.state_dir, "--operator", "eve", "--reason", "test")
    assert hedgebot("enable", "x", *words, "--confirm", "enable x")[:2] == (0, "enable taken: done\n")
    assert hedgebot("disable", "x", *words)[:2] == (0, "disable taken: off\n")
    assert daemon.asked[-1] == {"verb": "disable", "strategy": "x", "operator": "eve", "reason": "test"}


def test_pause_switches_every_strategy_off(hedgebot: Callable[..., tuple[int, str, str]], daemon: StubDaemon) -> None:
    daemon.answers["disable"] = {"data": {"explanation": "off"}}
    code, out, _ = hedgebot("pause", "-s", daemon.state_dir, "--operator", "eve", "--reason", "noon", "--json")
    assert code == 0
    paused = orjson.loads(out)["paused"]
    assert paused
    assert [one["strategy"] for one in daemon.asked if one["verb"] == "disable"] == paused
