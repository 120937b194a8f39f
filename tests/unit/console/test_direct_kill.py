"""`kill --direct`: whose orders are ours, what is said, and the exit code when something is not proven."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import orjson
import pytest

from hedgebot.config.loader import load_config
from hedgebot.console import direct_kill, order_strategies
from hedgebot.domain.client_id import ClientId
from hedgebot.domain.errors import ConfigError
from hedgebot.venues.direct import DirectCancel

OURS = ClientId(install=7, epoch=1, strategy=0, intent=1).encode()
OTHER = ClientId(install=8, epoch=1, strategy=0, intent=1).encode()

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with one account and its keys in the environment."""
    monkeypatch.setenv("HEDGEBOT_MAIN_API_KEY", "key-of-the-test")
    monkeypatch.setenv("HEDGEBOT_MAIN_API_SECRET", "secret-of-the-test")
    return Path("config/demo.toml")


def done(**changes: Any) -> DirectCancel:
    values: dict[str, Any] = {
        "account": "main",
        "cancelled": ("a", "b"),
        "left_alone": 0,
        "unproven": (),
        "last_request_s": 0.1,
        "verified_s": 0.3,
        **changes,
    }
    return DirectCancel(**values)


def answering(monkeypatch: pytest.MonkeyPatch, report: DirectCancel) -> list[Callable[[str | None], bool]]:
    """Put a report in place of the venue; the answer collects who would have been asked about."""
    asked: list[Callable[[str | None], bool]] = []

    async def cancel(connection: Any, is_ours: Callable[[str | None], bool], *, whole: bool = False) -> DirectCancel:
        asked.append(is_ours)
        return report

    monkeypatch.setattr(direct_kill, "_cancel", cancel)
    return asked


def test_it_says_that_it_is_proven(
    hedgebot: Run, config: Path, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, done(left_alone=2))
    code, out, _ = hedgebot("kill", "--direct", "-c", config, "-s", short_dir, "--reason", "drill")
    assert code == 0
    assert "the daemon did not answer: its next start stays killed" in out
    assert "main: 2 orders cancelled, 0 filled, none of ours alive after 0.3 s, 2 other orders left alone" in out
    assert "drill" in (short_dir / "KILL").read_text()


def test_what_is_not_proven_is_said_and_has_a_code_of_its_own(
    hedgebot: Run, config: Path, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, done(verified_s=None, cancelled=(), unproven=("order x was alive when last seen",)))
    code, out, _ = hedgebot("kill", "--direct", "-c", config, "-s", short_dir, "--json")
    assert code == 5
    answer = orjson.loads(out)
    assert (answer["killed"], answer["proven"]) == (True, False)
    assert answer["accounts"][0]["unproven"] == ["order x was alive when last seen"]


def test_ours_is_this_installation_or_any_hedgebot_where_it_is_unknown(
    hedgebot: Run, config: Path, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, done())
    hedgebot("kill", "--direct", "-c", config, "-s", short_dir)
    assert [asked[0](one) for one in (OURS, OTHER, "manual", None)] == [True, True, False, False]
    (short_dir / "install_id").write_text("00000007\n")
    hedgebot("kill", "--direct", "-c", config, "-s", short_dir)
    assert [asked[1](one) for one in (OURS, OTHER, "manual", None)] == [True, False, False, False]
    hedgebot("kill", "--direct", "--foreign", "-c", config, "-s", short_dir)
    assert all(asked[2](one) for one in (OURS, OTHER, "manual", None))


def test_whose_orders_were_taken_for_ours_is_said(
    hedgebot: Run, config: Path, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, done())
    words = "does not say which installation this is: orders of every hedgebot counted as ours"
    assert words in hedgebot("kill", "--direct", "-c", config, "-s", short_dir)[1]
    (short_dir / "install_id").write_text("00000007\n")
    assert words not in hedgebot("kill", "--direct", "-c", config, "-s", short_dir)[1]


def test_one_account_that_cannot_be_asked_does_not_end_the_others(
    hedgebot: Run, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other's cancels take longer than the refusal of this one."""

    async def cancel(connection: Any, is_ours: Callable[[str | None], bool], *, whole: bool = False) -> DirectCancel:
        if connection == "bad":
            raise ConfigError("account bad: its address is not allowed")
        await asyncio.sleep(0.05)
        return done(account=connection)

    monkeypatch.setattr(direct_kill, "_cancel", cancel)
    monkeypatch.setattr(direct_kill, "_tell_daemon", lambda *_: False)
    cancels = {one: cancel(one, lambda _: True) for one in ("bad", "main")}
    found = asyncio.run(direct_kill.all_of(cancels))
    assert [(one.account, one.unproven) for one in found] == [
        ("bad", ("ConfigError: account bad: its address is not allowed",)),
        ("main", ()),
    ]


def test_a_daemon_that_has_halted_proves_nothing_about_what_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last request may have left a moment before, and the venue takes it as long as its window is open."""
    waits: list[float] = []

    async def cancel_directly(*_: Any, settle_s: Callable[[], float], **__: Any) -> DirectCancel:
        waits.append(settle_s())
        return done(unproven=("orders were not listed (refused: api_key=key-of-the-test)",))

    monkeypatch.setattr("hedgebot.venues.direct.cancel_directly", cancel_directly)
    monkeypatch.setenv("HEDGEBOT_MAIN_API_KEY", "key-of-the-test")
    monkeypatch.setenv("HEDGEBOT_MAIN_API_SECRET", "secret-of-the-test")
    (connection,) = load_config(Path("config/demo.toml")).connections()
    told = asyncio.run(direct_kill._cancel(connection, lambda _: True, whole=False))
    assert told.unproven == ("orders were not listed (refused: api_key=***)",), "a venue may repeat the key"
    assert waits == [connection.recv_window_ms / 1_000]


def test_it_needs_the_keys(hedgebot: Run, short_dir: Path) -> None:
    code, _, err = hedgebot("kill", "--direct", "-s", short_dir)
    assert (code, err) == (2, "hedgebot: --direct needs --config FILE: the keys are looked up there\n")
    code, _, err = hedgebot("kill", "--foreign", "-s", short_dir)
    assert (code, err) == (2, "hedgebot: --foreign goes with --direct\n")
    assert not (short_dir / "KILL").exists()


def test_scopes_are_told_by_client_ids(
    hedgebot: Run, config: Path, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, done())
    (short_dir / "install_id").write_text("00000007\n")
    other_strategy = ClientId(install=7, epoch=1, strategy=5, intent=2).encode()
    words = ("-c", config, "-s", short_dir)
    assert hedgebot("kill", "--direct", "--order", OURS, *words)[0] == 0
    assert [asked[0](one) for one in (OURS, other_strategy, OTHER)] == [True, False, False]
    code, out, _ = hedgebot("kill", "--direct", "--strategy", "delta_neutral", *words)
    assert code == 0
    # Without a journal nobody can say whose an order of ours is: places in the present file are no answer.
    assert "which strategy sent an order" in out
    assert "all of ours were taken" in out
    assert [asked[1](one) for one in (OURS, other_strategy, OTHER)] == [True, True, False]
    assert hedgebot("kill", "--direct", "--venue", "bybit", *words)[0] == 0
    assert [asked[2](one) for one in (OURS, other_strategy, OTHER)] == [True, True, False]
    for scope, words_said in (("--venue", "no venue okx"), ("--underlying", "name no underlying")):
        code, _, err = hedgebot("kill", "--direct", scope, "okx", *words)
        assert code == 2
        assert words_said in err


@pytest.mark.parametrize(
    ("role", "options", "expected"),
    [
        ("hedge", [], True),
        ("hedge", ["--venue", "bybit"], True),
        ("hedge", ["--strategy", "delta_neutral"], False),
        ("shared", [], False),
        ("shared", ["--foreign"], True),
    ],
)
def test_only_an_account_of_our_own_is_emptied_as_a_whole(
    hedgebot: Run,
    config: Path,
    short_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    role: str,
    options: list[str],
    *,
    expected: bool,
) -> None:
    wholes: list[bool] = []

    async def cancel(_connection: Any, _is_ours: Any, *, whole: bool) -> DirectCancel:
        wholes.append(whole)
        return done()

    monkeypatch.setattr(direct_kill, "_cancel", cancel)
    file = short_dir / "book.toml"
    text = config.read_text("utf-8").replace('role = "shared"', f'role = "{role}"')
    file.write_text(text.replace('limits = "', f'limits = "{config.parent.absolute()}/'), "utf-8")
    assert hedgebot("kill", "--direct", "-c", file, "-s", short_dir, *options)[0] == 0
    assert wholes == [expected]


def test_another_action_is_cancel_only_from_here_and_says_so(
    hedgebot: Run, config: Path, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, done(filled=("x: 0.5 filled (filled)",)))
    code, out, _ = hedgebot("kill", "--direct", "--action", "flatten", "-c", config, "-s", short_dir)
    assert code == 0
    assert "cancelled only, flatten is the daemon's to do" in out
    assert "FILLED x: 0.5 filled (filled): a position came of it" in out
    assert "action: flatten" in (short_dir / "KILL").read_text()


def test_orders_of_a_strategy_are_told_by_the_journal_not_by_places_in_the_file(
    hedgebot: Run, config: Path, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file was reordered since: place 0 is another strategy's now."""
    asked = answering(monkeypatch, done())
    (short_dir / "install_id").write_text("00000007\n")
    first, second, unknown = (ClientId(install=7, epoch=1, strategy=at, intent=1).encode() for at in (0, 1, 2))
    sent = {first: "patience", second: "delta_neutral"}
    monkeypatch.setattr(order_strategies, "JournalReader", lambda _folder: FakeJournal(sent))
    code, out, _ = hedgebot("kill", "--direct", "--strategy", "delta_neutral", "-c", config, "-s", short_dir)
    assert code == 0
    assert "taken" not in out
    assert [asked[0](one) for one in (first, second, unknown, OTHER)] == [False, True, True, False]


class FakeJournal:
    """A journal that knows who sent what."""

    def __init__(self, sent: dict[str, str]) -> None:
        self._sent = sent

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def strategies(self, _count: int) -> dict[str, str]:
        return self._sent


@pytest.mark.parametrize("scope", [(), ("--strategy", "delta_neutral")])
def test_a_kill_that_no_file_and_no_daemon_holds_is_said_to_be_none(
    hedgebot: Run, config: Path, short_dir: Path, monkeypatch: pytest.MonkeyPatch, scope: tuple[str, ...]
) -> None:
    answering(monkeypatch, done())
    nowhere = short_dir / "nowhere"
    code, out, err = hedgebot("kill", "--direct", *scope, "-c", config, "-s", nowhere)
    assert code == 5
    assert "could not be written" in err
    assert "stays killed" not in out
    assert out.startswith(f"NOT LATCHED: the daemon did not answer and {nowhere / 'KILL'}")
    code, out, _ = hedgebot("kill", "--direct", *scope, "-c", config, "-s", nowhere, "--json")
    said = orjson.loads(out)
    assert (code, said["killed"], said["daemon"], said["proven"]) == (5, False, False, False)


def test_a_daemon_that_took_the_kill_holds_it_without_a_file(
    hedgebot: Run, config: Path, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, done())
    monkeypatch.setattr(direct_kill, "_tell_daemon", lambda _config, _words: True)
    code, out, _ = hedgebot("kill", "--direct", "-c", config, "-s", short_dir / "nowhere")
    assert code == 0
    assert "killed; the daemon has taken it" in out
