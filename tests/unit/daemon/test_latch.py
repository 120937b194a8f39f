"""The kill files: anything of such a name is a kill, and the name says of what."""

import stat
from pathlib import Path

import pytest

from hedgebot.daemon.latch import KillLatch, file_name
from hedgebot.domain.kill import KillAction, KillScope


def test_set_and_clear(tmp_path: Path) -> None:
    latch = KillLatch(tmp_path)
    assert not latch.is_set
    latch.set("ada", "smoke in\nthe room")
    assert latch.is_set
    assert not latch.is_untold
    after = KillLatch(tmp_path)
    assert after.is_untold, "it survives a restart"
    (found,) = after.found()
    assert (found.key, found.action, found.reason) == ("all", KillAction.FREEZE, "killed by ada: smoke in the room")
    assert stat.S_IMODE(latch.path.stat().st_mode) == 0o600
    latch.clear()
    assert not latch.is_set
    latch.clear()


@pytest.mark.parametrize("make", ["empty", "folder", "dangling", "binary"])
@pytest.mark.parametrize("name", ["KILL", "KILL.venue.bybit"])
def test_a_file_that_cannot_be_read_is_a_kill_with_a_reason(tmp_path: Path, make: str, name: str) -> None:
    path = tmp_path / name
    if make == "folder":
        path.mkdir()
    elif make == "dangling":
        path.symlink_to(tmp_path / "nowhere")
    else:
        path.write_bytes(b"" if make == "empty" else b"\xff\xfe\x00")
    latch = KillLatch(tmp_path)
    assert latch.is_set
    (found,) = latch.untold()
    assert found.reason
    assert found.action is KillAction.FREEZE
    assert found.key == ("all" if name == "KILL" else "venue:bybit")


@pytest.mark.parametrize("action", KillAction)
@pytest.mark.parametrize(
    ("scope", "name"),
    [
        (KillScope.ALL, ""),
        (KillScope.STRATEGY, "delta_neutral"),
        (KillScope.UNDERLYING, "BTC"),
        (KillScope.VENUE, "a/b.c"),
    ],
)
def test_each_scope_has_a_file_that_says_what_it_is(
    tmp_path: Path, scope: KillScope, name: str, action: KillAction
) -> None:
    KillLatch(tmp_path).set("ada", "smoke", scope, name, action)
    (found,) = KillLatch(tmp_path).found()
    assert (found.scope, found.name, found.action, found.file) == (scope, name, action, file_name(scope, name))
    assert found.reason == "killed by ada: smoke"


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("", KillAction.FREEZE),
        ("action: reduce", KillAction.REDUCE),
        ("stop it\naction = hedge-to-flat\n", KillAction.HEDGE_TO_FLAT),
        ("action: explode", KillAction.FREEZE),
        ("action: reduce\naction: flatten", KillAction.FREEZE),
        ("please take action: flatten", KillAction.FREEZE),
    ],
)
def test_a_line_chooses_the_action_and_everything_else_freezes(tmp_path: Path, text: str, action: KillAction) -> None:
    (tmp_path / "KILL").write_text(text)
    assert KillLatch(tmp_path).found()[0].action is action


@pytest.mark.parametrize("name", ["KILL.", "KILL.venue", "KILL.vneue.bybit", "KILL.txt", "KILL.all.x"])
def test_a_name_that_says_no_scope_stops_the_whole_book(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    (found,) = KillLatch(tmp_path).found()
    assert found.key == "all"
    assert "names no scope" in found.reason


def test_other_files_are_no_kill(tmp_path: Path) -> None:
    for name in ("KILLER", "journal.db", "kill", "XKILL"):
        (tmp_path / name).write_text("x")
    assert not KillLatch(tmp_path).is_set


def test_a_file_is_told_once_and_again_when_it_is_made_anew(tmp_path: Path) -> None:
    latch = KillLatch(tmp_path)
    (tmp_path / "KILL").write_text("x")
    latch.tell_file("KILL")
    assert not latch.is_untold
    assert latch.is_told(KillScope.ALL, "")
    latch.clear()
    (tmp_path / "KILL").write_text("y")
    assert latch.is_untold


def test_what_stands_for_no_latch_goes_with_the_books(tmp_path: Path) -> None:
    latch = KillLatch(tmp_path)
    latch.set("ada", "smoke", KillScope.VENUE, "bybit")
    for name in ("KILL.txt", "KILL.strategy.gone"):
        (tmp_path / name).write_text("x")
    latch.clear_others(frozenset({"venue:bybit"}))
    assert [one.key for one in latch.found()] == ["venue:bybit"]


def test_a_folder_that_cannot_be_read_is_a_kill(tmp_path: Path) -> None:
    latch = KillLatch(tmp_path / "absent")
    assert latch.is_set
    assert latch.is_untold
    assert latch.found()[0].key == "all"
    with pytest.raises(OSError, match="No such file"):
        latch.set("ada", "x")


def test_whether_the_next_start_finds_a_file(tmp_path: Path) -> None:
    latch = KillLatch(tmp_path)
    assert not latch.stands(KillScope.ALL, "")
    latch.set("ann", "why", KillScope.VENUE, "bybit")
    assert latch.stands(KillScope.VENUE, "bybit")
    assert not latch.stands(KillScope.VENUE, "other")
    assert not latch.stands(KillScope.ALL, "")
    latch.set("ann", "why")
    assert latch.stands(KillScope.VENUE, "other"), "the whole book's covers it"
    assert not KillLatch(tmp_path / "nowhere").stands(KillScope.ALL, ""), "what cannot be looked for is not promised"
