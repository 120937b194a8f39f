"""`hedgebot alerts test`: what each channel did, by the daemon or from here."""

from collections.abc import Callable
from pathlib import Path

from tests.support.hooks import Hook, nobody
from tests.unit.console.conftest import StubDaemon
from tests.unit.daemon.fakes import CONFIG, write_config

Run = Callable[..., tuple[int, str, str]]
TRIALS = [
    {"channel": "ops", "kind": "webhook", "problem": "it answered with status 500", "seconds": 0.01},
    {"channel": "stderr", "kind": "stderr", "problem": "", "seconds": 0.0},
]


def test_the_daemon_is_asked_when_one_runs(daemon: StubDaemon, hedgebot: Run) -> None:
    daemon.answers["alerts-test"] = {"code": 3, "data": {"trials": TRIALS}}
    code, out, _ = hedgebot("alerts", "test", "--state-dir", daemon.state_dir, "--operator", "eve")
    assert code == 3
    assert "tested by the daemon" in out
    assert "it answered with status 500" in out
    assert "RB-30" in out
    assert daemon.asked[-1]["operator"] == "eve"


def test_without_a_daemon_it_is_tried_from_here(tmp_path: Path, hedgebot: Run) -> None:
    with Hook() as hook:
        sections = (
            f'[alerts.a]\nkind = "webhook"\nurl = "{nobody()}"\n[alerts.b]\nkind = "webhook"\nurl = "{hook.url}"\n'
        )
        path = write_config(tmp_path, CONFIG + sections)
        code, out, _ = hedgebot("alerts", "test", "-c", path, "-s", tmp_path / "state", "--json")
        assert code == 3
        assert hook.states() == ["test AlertDeliveryFailed test"]
    assert '"channel":"a"' in out
    assert "cannot be reached" in out


def test_without_a_daemon_and_a_configuration_nothing_can_be_tried(tmp_path: Path, hedgebot: Run) -> None:
    code, _, err = hedgebot("alerts", "test", "--state-dir", tmp_path)
    assert code == 5
    assert "no daemon runs" in err
