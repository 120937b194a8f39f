"""S06 with the real process: hedging goes on while the alert's endpoint hangs, and the second one is told."""

import time

import pytest

from tests.e2e import checker
from tests.e2e.harness import World
from tests.support.hooks import Hook

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

FAILOVER_S_MAX = 10.0
LAG_MS_MAX = 1_000.0


def test_s06_hedging_goes_on_while_the_endpoint_hangs(world: World) -> None:
    with Hook(delay_s=60.0) as slow, Hook() as good:
        channels = "".join(
            f'\n[alerts.{name}]\nkind = "webhook"\nurl = "{hook.url}"\n'
            for name, hook in (("first", slow), ("second", good))
        )
        world.config.write_text(world.config.read_text("utf-8") + channels, "utf-8")
        daemon = world.daemon()
        before = daemon.until("hedging", lambda book: bool(book["hedges"] >= 1), 40)
        raised_s = time.monotonic()
        refused = daemon.ask("apply", path=str(world.folder / "gone.toml"), operator="eve")
        assert not refused["ok"]
        while "raised ConfigRejected gone.toml" not in good.states():
            assert time.monotonic() - raised_s < FAILOVER_S_MAX, f"the second channel was not told: {good.states()}"
            time.sleep(0.02)
        assert slow.asked >= 1, "the first channel was tried first"
        daemon.until("hedging on", lambda book: bool(book["hedges"] > before["hedges"]), 20)
        status = daemon.ask("status")["data"]["daemon"]
        first, second = status["alert_delivery"]["channels"][:2]
        assert "no answer within 3 s" in first["problem"] or "no end within 3 s" in first["problem"]
        assert second["problem"] == ""
        assert status["alert_delivery"]["latency"]["max_s"] < 5.0
        assert status["loop_lag_ms_max"] < LAG_MS_MAX
        # The operator's own look at it: each channel by itself.
        code, told = world.verb("alerts", "test", "--state-dir", str(world.state_dir))
        assert code == 3
        assert [bool(one["problem"]) for one in told["trials"]] == [True, False, False, False]
        assert daemon.stop() == 0, daemon.words()
        truth = checker.read_truth(world.admin("truth"))
        assert checker.order_problems(checker.read_rows(world.state_dir), truth) == []
