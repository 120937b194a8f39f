"""The kill file: anything of that name is a kill."""

import stat
from pathlib import Path

import pytest

from hedgebot.daemon.latch import KillLatch


def test_set_and_clear(tmp_path: Path) -> None:
    latch = KillLatch(tmp_path)
    assert not latch.is_set
    latch.set("ada", "smoke in\nthe room")
    assert latch.is_set
    assert KillLatch(tmp_path).is_set, "it survives a restart"
    assert latch.reason() == "killed by ada: smoke in the room"
    assert latch.told
    assert stat.S_IMODE(latch.path.stat().st_mode) == 0o600
    latch.clear()
    assert not latch.is_set
    assert not latch.told
    latch.clear()


@pytest.mark.parametrize("make", ["empty", "folder", "dangling", "binary"])
def test_a_file_that_cannot_be_read_is_a_kill_with_a_reason(tmp_path: Path, make: str) -> None:
    path = tmp_path / "KILL"
    if make == "folder":
        path.mkdir()
    elif make == "dangling":
        path.symlink_to(tmp_path / "nowhere")
    else:
        path.write_bytes(b"" if make == "empty" else b"\xff\xfe\x00")
    latch = KillLatch(tmp_path)
    assert latch.is_set
    assert latch.reason()
    assert not latch.told


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        KillLatch(tmp_path / "absent").set("ada", "x")
