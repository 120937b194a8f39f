"""A kill's scope: names are looked up before anything is written, for a kill file with a wrong one stops the book."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hedgebot.console import kill_scope
from hedgebot.domain.client_id import ClientId
from tests.unit.console.conftest import StubDaemon

Run = Callable[..., tuple[int, str, str]]
CONFIG = Path("config/demo.toml")


def untouched(folder: Path) -> bool:
    return not list(folder.glob("KILL*"))


@pytest.mark.parametrize("verb", ["kill", "reduce"])
@pytest.mark.parametrize(
    ("option", "typo", "said"),
    [
        ("--strategy", "delta_neutrl", "there is no strategy delta_neutrl here, did you mean delta_neutral;"),
        ("--underlying", "BTX", "there is no underlying BTX here"),
        ("--account", "mian", "there is no account mian here, did you mean main; there are: main"),
        ("--venue", "bibit", "there is no venue bibit here, did you mean bybit; there are: bybit"),
    ],
)
@pytest.mark.parametrize("by_config", [True, False])
def test_a_typo_writes_no_file_and_tells_no_daemon(
    hedgebot: Run, daemon: StubDaemon, verb: str, option: str, typo: str, said: str, *, by_config: bool
) -> None:
    config = ("-c", CONFIG) if by_config else ()
    code, _, err = hedgebot(verb, option, typo, "-s", daemon.state_dir, *config)
    assert code == 2
    assert said in err
    assert untouched(daemon.state_dir)
    assert [one["verb"] for one in daemon.asked] == ([] if by_config else ["status"])


def test_an_order_is_named_by_a_client_id(hedgebot: Run, daemon: StubDaemon) -> None:
    code, _, err = hedgebot("kill", "--order", "4b00", "-s", daemon.state_dir)
    assert (code, "--order 4b00 is no client id" in err) == (2, True)
    assert untouched(daemon.state_dir)
    daemon.answers["kill"] = {"data": {}}
    order = ClientId(install=7, epoch=1, strategy=0, intent=1).encode()
    assert hedgebot("kill", "--order", order, "-s", daemon.state_dir)[0] == 0
    assert [one["verb"] for one in daemon.asked] == ["kill"], "the book's kill and an order's ask for no names"


def test_where_nobody_tells_the_names_the_kill_goes_on(
    hedgebot: Run, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kill_scope, "NAMES_WAIT_S", 0.2)
    assert hedgebot("kill", "--strategy", "any", "-s", short_dir)[0] == 0
    assert (short_dir / "KILL.strategy.any").exists()


def test_a_direct_kill_of_an_underlying_writes_nothing(hedgebot: Run, short_dir: Path) -> None:
    code, _, err = hedgebot("kill", "--direct", "--underlying", "BTC", "-c", CONFIG, "-s", short_dir)
    assert (code, "name no underlying" in err) == (2, True)
    assert untouched(short_dir)
