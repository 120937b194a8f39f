"""Room that is kept for the journal's last words: made where it fits, given up once, made again."""

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from hedgebot.journal.ballast import BALLAST_FILE, LOOK_INTERVAL_S, Ballast

SIZE = 300_000


def names(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir()]


def room(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(total=1 << 40, used=0, free=free))


async def test_it_takes_real_room_and_gives_it_back_once(tmp_path: Path) -> None:
    ballast, file = Ballast(tmp_path, SIZE), tmp_path / BALLAST_FILE
    await ballast.keep()
    assert (file.stat().st_size, ballast.problem) == (SIZE, "")
    assert file.stat().st_blocks * 512 >= SIZE
    assert names(tmp_path) == [BALLAST_FILE]
    assert await ballast.free()
    assert not file.exists()
    assert ballast.problem.startswith(f"{file}: the disk is full; 0.3 MB of ballast were given to the journal")
    told = ballast.problem
    assert not await ballast.free()
    assert ballast.problem == told


async def test_it_is_made_again_when_there_is_room_again_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ballast, file = Ballast(tmp_path, SIZE), tmp_path / BALLAST_FILE
    await ballast.keep()
    await ballast.free()
    room(monkeypatch, 2 * SIZE - 1)
    await ballast.keep(now=True)
    assert not file.exists()
    assert "the disk is full" in ballast.problem
    room(monkeypatch, 2 * SIZE)
    await ballast.keep()  # it has just looked
    assert not file.exists()
    monkeypatch.setattr("hedgebot.journal.ballast.time.monotonic", lambda: 1e9 + LOOK_INTERVAL_S)
    await ballast.keep()
    assert (file.stat().st_size, ballast.problem) == (SIZE, "")


async def test_a_disk_without_room_for_it_is_told_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ballast = Ballast(tmp_path, SIZE)
    room(monkeypatch, SIZE)
    await ballast.keep()
    assert names(tmp_path) == []
    assert "the ballast of 0.3 MB for a full disk has no room: 0.3 MB are free, 2 times its size are needed" in (
        ballast.problem
    )


async def test_a_disk_that_fills_up_meanwhile_keeps_no_half_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ballast = Ballast(tmp_path, SIZE)

    def full(_handle: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "write", full)
        await ballast.keep()
    assert names(tmp_path) == []
    assert ballast.problem.endswith("cannot be made (No space left on device)")
    await ballast.keep(now=True)
    assert ballast.problem == ""


async def test_another_size_is_made_anew_and_none_is_removed(tmp_path: Path) -> None:
    await Ballast(tmp_path, SIZE).keep()
    await Ballast(tmp_path, 2 * SIZE).keep()
    assert (tmp_path / BALLAST_FILE).stat().st_size == 2 * SIZE
    none = Ballast(tmp_path, 0)
    await none.keep()
    assert names(tmp_path) == []
    await none.free()
    assert none.problem == ""
