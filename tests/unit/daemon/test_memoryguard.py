"""Memory near its limit is told; beyond it the daemon is stopped once, in order, and never in a crash loop's halt."""

import pytest

from hedgebot.daemon.memoryguard import CHECK_S, MB, READINGS_BEYOND, WARM_UP_S, MemoryGuard
from hedgebot.domain.alerts import AlertKind

NEAR, GROWN = "resident memory", "growth of resident memory"
WARM = round(WARM_UP_S / CHECK_S)


class Rig:
    def __init__(self, limit_mb: float = 1_000.0, growth_mb_max: float = 250.0) -> None:
        self.mb = 150.0
        self.up: dict[str, str] = {}
        self.stops: list[str] = []
        self.spared = ""
        self.guard = MemoryGuard(
            limit_mb,
            growth_mb_max,
            self.check,
            self.stops.append,
            lambda: self.spared,
            read=lambda: round(self.mb * MB),
        )

    def check(self, kind: AlertKind, subject: str, problem: str) -> None:
        assert kind is AlertKind.MEMORY_HIGH
        self.up[subject] = problem

    def look(self, mb: float, times: int = 1) -> None:
        self.mb = mb
        for _ in range(times):
            self.guard.look()

    @property
    def told(self) -> set[str]:
        return {subject for subject, problem in self.up.items() if problem}


@pytest.mark.parametrize(("mb", "told"), [(150.0, set()), (900.0, set()), (901.0, {NEAR}), (1_001.0, {NEAR})])
def test_memory_is_told_beyond_nine_tenths_of_its_limit_and_no_longer_than_that(mb: float, told: set[str]) -> None:
    rig = Rig()
    rig.look(mb)
    assert rig.told == told
    rig.look(150.0)
    assert rig.told == set()
    assert rig.stops == []


def test_growth_is_told_against_what_there_was_after_the_warm_up() -> None:
    rig = Rig()
    rig.look(600.0, WARM - 1)
    assert rig.told == set(), "a start may take what it likes below the limit"
    rig.look(150.0)
    rig.look(400.0)
    assert rig.told == set()
    rig.look(401.0)
    assert rig.told == {GROWN}
    assert rig.up[GROWN] == "401 MB are resident, 251 MB more than after the warm-up"
    rig.look(390.0)
    assert rig.told == set()


def test_beyond_the_limit_for_a_while_it_is_stopped_once_with_an_exit_code_that_restarts_it() -> None:
    rig = Rig()
    rig.look(1_200.0, READINGS_BEYOND - 1)
    rig.look(800.0)
    rig.look(1_200.0, READINGS_BEYOND - 1)
    assert (rig.stops, rig.guard.exit_code) == ([], 0), "a peak that goes is no reason"
    rig.look(1_200.0, 20)
    assert rig.stops == ["1,200 MB of resident memory, limit 1,000 MB"], "a second word would hasten the stop"
    assert rig.guard.exit_code == 1


def test_a_daemon_that_the_crash_guard_halted_stays_to_be_seen() -> None:
    rig = Rig()
    rig.spared = "crash-loop guard: 5 starts within 10 minutes did not come to a clean end"
    rig.look(1_200.0, 20)
    assert rig.told == {NEAR}
    assert (rig.stops, rig.guard.exit_code) == ([], 0)
    rig.spared = ""
    rig.look(1_200.0)
    assert len(rig.stops) == 1, "un-killed, it is held to the limit again"


def test_without_limits_nothing_is_told() -> None:
    rig = Rig(0.0, 0.0)
    rig.look(100.0, WARM)
    rig.look(50_000.0, 20)
    assert (rig.told, rig.stops) == (set(), [])
