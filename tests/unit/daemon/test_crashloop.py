from pathlib import Path

from hedgebot.daemon.crashloop import FILE, STARTS_MAX, WINDOW_S, CrashLoop

NOW_S = 1_790_000_000.0


def crash(folder: Path, times: int, *, every_s: float = 60.0) -> float:
    """Starts that never ended; the moment after the last."""
    for number in range(times):
        CrashLoop(folder, NOW_S + number * every_s)
    return NOW_S + times * every_s


def test_five_crashes_in_ten_minutes_halt_the_next_start(tmp_path: Path) -> None:
    after_s = crash(tmp_path, STARTS_MAX - 1)
    guard = CrashLoop(tmp_path, after_s)
    assert guard.problem == ""
    guard = CrashLoop(tmp_path, after_s + 60)
    assert guard.problem == "5 starts within 10 minutes did not come to a clean end"
    assert oct((tmp_path / FILE).stat().st_mode & 0o777) == "0o600"


def test_slow_crashes_do_not_count(tmp_path: Path) -> None:
    after_s = crash(tmp_path, 20, every_s=WINDOW_S / 4)
    assert CrashLoop(tmp_path, after_s).problem == ""


def test_a_clean_end_forgives(tmp_path: Path) -> None:
    after_s = crash(tmp_path, STARTS_MAX + 2)
    guard = CrashLoop(tmp_path, after_s)
    assert guard.problem
    guard.ended_cleanly()
    assert CrashLoop(tmp_path, after_s + 1).problem == ""


def test_a_venue_that_is_not_there_is_no_crash(tmp_path: Path) -> None:
    """A machine that boots before its network: the service manager tries again and again."""
    after_s = crash(tmp_path, STARTS_MAX - 1, every_s=1.0)
    for number in range(20):
        CrashLoop(tmp_path, after_s + number).never_began()
    assert CrashLoop(tmp_path, after_s + 20).problem == ""
    assert CrashLoop(tmp_path, after_s + 21).problem, "real crashes before it still count"


def test_a_file_that_cannot_be_read_counts_as_nothing(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("yesterday")
    assert CrashLoop(tmp_path, NOW_S).problem == ""
    assert CrashLoop(tmp_path / "missing", NOW_S).problem == ""


def test_the_file_stays_small(tmp_path: Path) -> None:
    crash(tmp_path, 100, every_s=1.0)
    assert len((tmp_path / FILE).read_text().split()) <= 2 * STARTS_MAX
