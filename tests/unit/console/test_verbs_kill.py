"""The verbs of the kill switch: the file first, then the daemon; what is asked for wrongly is refused before either."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from hedgebot.domain.client_id import ClientId
from tests.unit.console.conftest import StubDaemon

Run = Callable[..., tuple[int, str, str]]
ORDER = ClientId(install=7, epoch=1, strategy=0, intent=1).encode()


def test_kill_writes_the_file_and_tells_the_daemon(
    hedgebot: Callable[..., tuple[int, str, str]], daemon: StubDaemon
) -> None:
    daemon.answers["kill"] = {"data": {"explanation": "halted by eve"}}
    code, out, _ = hedgebot("kill", "-s", daemon.state_dir, "--operator", "eve", "--reason", "drill")
    assert (code, out) == (0, "killed: halted by eve\n")
    assert (daemon.state_dir / "KILL").read_text() == "killed by eve: drill\n"
    assert daemon.asked == [
        {"verb": "kill", "operator": "eve", "reason": "drill", "scope": "all", "name": "", "action": "freeze"}
    ]


def test_what_is_not_proven_is_told(hedgebot: Run, daemon: StubDaemon) -> None:
    daemon.answers["kill"] = {"data": {"explanation": "halted", "unproven": ["order 4b00 is unknown"]}}
    code, out, _ = hedgebot("kill", "-s", daemon.state_dir)
    assert (code, out) == (0, "killed: halted\n  not proven: order 4b00 is unknown\n")


def test_kill_works_with_the_daemon_dead(hedgebot: Callable[..., tuple[int, str, str]], short_dir: Path) -> None:
    code, out, _ = hedgebot("kill", "-s", short_dir, "--json")
    assert code == 0
    assert orjson.loads(out)["daemon"] is False
    assert (short_dir / "KILL").exists()


def test_a_kill_that_reached_nothing_says_so(hedgebot: Callable[..., tuple[int, str, str]], short_dir: Path) -> None:
    code, _, err = hedgebot("kill", "-s", short_dir / "no")
    assert code == 1
    assert "NOT KILLED" in err


def test_a_kill_without_the_file_still_halts_and_warns(
    hedgebot: Callable[..., tuple[int, str, str]], daemon: StubDaemon
) -> None:
    (daemon.state_dir / "KILL").mkdir()
    daemon.answers["kill"] = {"data": {"explanation": "halted"}}
    code, out, err = hedgebot("kill", "-s", daemon.state_dir)
    assert (code, out) == (0, "killed: halted\n")
    assert "a restart may forget this kill" in err


def test_unkill_needs_operator_reason_and_phrase(
    hedgebot: Callable[..., tuple[int, str, str]], daemon: StubDaemon
) -> None:
    assert hedgebot("unkill", "-s", daemon.state_dir)[0] == 2
    words = ("unkill", "-s", daemon.state_dir, "--operator", "eve", "--reason", "over")
    code, _, err = hedgebot(*words)
    assert code == 6
    assert err == 'hedgebot: nothing was changed: this can add risk, confirm it with --confirm "unkill demo"\n'
    assert [one["verb"] for one in daemon.asked] == ["status"]
    daemon.answers["unkill"] = {"ok": False, "code": 6, "error": "unkill refused: orders unknown"}
    assert hedgebot(*words, "--confirm", "unkill demo")[::2] == (6, "hedgebot: unkill refused: orders unknown\n")
    daemon.answers["unkill"] = {"data": {"explanation": "active again"}}
    assert hedgebot(*words, "--confirm", "unkill demo")[:2] == (0, "unkill taken: active again\n")


@pytest.mark.parametrize(
    ("options", "file", "scope", "name"),
    [
        (["--order", ORDER], f"KILL.order.{ORDER}", "order", ORDER),
        (["--strategy", "delta_neutral"], "KILL.strategy.delta_neutral", "strategy", "delta_neutral"),
        (["--underlying", "BTC"], "KILL.underlying.BTC", "underlying", "BTC"),
        (["--account", "main"], "KILL.account.main", "account", "main"),
        (["--venue", "bybit"], "KILL.venue.bybit", "venue", "bybit"),
        (["--all"], "KILL", "all", ""),
    ],
)
def test_each_scope_has_its_file_and_its_word(
    hedgebot: Run, daemon: StubDaemon, options: list[str], file: str, scope: str, name: str
) -> None:
    daemon.answers["kill"] = {"data": {"explanation": "told"}}
    assert hedgebot("kill", *options, "-s", daemon.state_dir)[:2] == (0, "killed: told\n")
    assert (daemon.state_dir / file).exists()
    assert (daemon.asked[-1]["scope"], daemon.asked[-1]["name"]) == (scope, name)


def test_reduce_is_a_kill_that_reduces(hedgebot: Run, daemon: StubDaemon) -> None:
    daemon.answers["kill"] = {"data": {}}
    assert hedgebot("reduce", "--underlying", "BTC", "-s", daemon.state_dir)[0] == 0
    assert daemon.asked[-1]["action"] == "reduce"
    assert "action: reduce" in (daemon.state_dir / "KILL.underlying.BTC").read_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--order", "4b", "--venue", "bybit"], "not several"),
        (["--venue", "bybit", "--all"], "not several"),
        (["--order", "4b", "--action", "flatten"], "an order can only be cancelled"),
        (["--strategy", "s", "--action", "flatten"], "positions are not kept by strategy"),
    ],
)
def test_what_makes_no_sense_writes_nothing(hedgebot: Run, daemon: StubDaemon, options: list[str], words: str) -> None:
    code, _, err = hedgebot("kill", *options, "-s", daemon.state_dir)
    assert code == 2
    assert words in err
    assert daemon.asked == []
    assert not list(daemon.state_dir.glob("KILL*"))


def test_unkill_names_the_scope_and_what_was_reviewed(hedgebot: Run, daemon: StubDaemon) -> None:
    daemon.answers["unkill"] = {"data": {"explanation": "lifted"}}
    words = ("unkill", "-s", daemon.state_dir, "--operator", "eve", "--reason", "over", "--venue", "bybit")
    code, _, err = hedgebot(*words)
    assert (code, 'confirm it with --confirm "unkill demo venue:bybit"' in err) == (6, True)
    reviewed = ("--reviewed", "task:clock", "--reviewed", "throttle:delta_neutral")
    assert hedgebot(*words, *reviewed, "--confirm", "unkill demo venue:bybit")[0] == 0
    asked = daemon.asked[-1]
    assert (asked["scope"], asked["name"]) == ("venue", "bybit")
    assert asked["reviewed"] == ["task:clock", "throttle:delta_neutral"]
    assert asked["version"]


@pytest.mark.parametrize("verb", ["adopt", "forget"])
def test_an_order_needs_evidence_and_a_phrase(hedgebot: Run, daemon: StubDaemon, verb: str) -> None:
    daemon.answers[verb] = {"data": {"explanation": "ended"}}
    words = (verb, "4b00", "-s", daemon.state_dir, "--operator", "eve")
    assert hedgebot(*words)[0] == 2, "evidence is missing"
    assert hedgebot(*words, "--evidence", "seen")[0] == 6
    assert daemon.asked == []
    assert hedgebot(*words, "--evidence", "seen", "--confirm", f"{verb} 4b00")[0] == 0
    assert daemon.asked[-1] == {"verb": verb, "order": "4b00", "operator": "eve", "reason": "seen"}
