"""Once a day the journal is verified apart from the loop: a break is told, and the loop is not late for it."""

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from hedgebot.daemon import daily_verify
from hedgebot.daemon.daily_verify import DAY_S, FIRST_S, VERIFIED_FILE, DailyVerify
from hedgebot.domain.alerts import AlertKind
from tests.unit.journal.test_whole import edit, written

Told = list[tuple[AlertKind, str, str]]


@pytest.fixture(autouse=True)
def again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daily_verify, "AGAIN_S", 0.0)


def looker(folder: Path) -> tuple[DailyVerify, Told]:
    told: Told = []
    return DailyVerify(folder, lambda *one: told.append(one)), told


async def test_a_whole_journal_is_stamped_and_an_edited_row_is_told(tmp_path: Path) -> None:
    await written(tmp_path)
    daily, told = looker(tmp_path)
    assert await daily.look() == ""
    assert told == [(AlertKind.CHAIN_VERIFY_FAILED, "daily verification", "")]
    assert (tmp_path / VERIFIED_FILE).exists()
    (tmp_path / VERIFIED_FILE).unlink()
    edit(tmp_path, 3)
    said = await daily.look()
    assert "the journal does not verify" in said
    assert "row 3" in said
    assert told[-1] == (AlertKind.CHAIN_VERIFY_FAILED, "daily verification", said)
    assert not (tmp_path / VERIFIED_FILE).exists()


async def test_what_is_wrong_only_once_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    daily, told = looker(tmp_path)
    found = iter(["half a frame", ""])

    async def once() -> str:
        return next(found)

    monkeypatch.setattr(daily, "_look_once", once)
    assert await daily.look() == ""
    assert [one[2] for one in told] == [""]


async def test_a_journal_that_cannot_be_looked_at_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    daily, told = looker(tmp_path)
    assert "could not be verified" in await daily.look()
    assert "there is no journal here" in told[-1][2]
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    assert "could not be verified (No such file or directory)" in await daily.look()


async def test_the_loop_goes_on_meanwhile_and_a_look_that_lasts_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(tmp_path)
    daily, _ = looker(tmp_path)
    looking, lags = asyncio.ensure_future(daily.look()), []
    while not looking.done():
        began_s = time.monotonic()
        await asyncio.sleep(0.01)
        lags.append(time.monotonic() - began_s - 0.01)
    assert len(lags) > 3, "it was done within the loop"
    assert sorted(lags)[len(lags) // 2] < 0.05
    monkeypatch.setattr(daily_verify, "LOOK_S_MAX", 0.01)
    assert "was not verified within" in await daily.look()


def test_it_is_due_a_day_after_the_last_good_one_and_never_at_once(tmp_path: Path) -> None:
    daily, _ = looker(tmp_path)
    assert daily.due_s() == FIRST_S
    stamp = tmp_path / VERIFIED_FILE
    stamp.touch()
    assert DAY_S - 60.0 < daily.due_s() <= DAY_S
    for age_s in (DAY_S + 100.0, -3_600.0):
        os.utime(stamp, (time.time() - age_s,) * 2)
        assert daily.due_s() == FIRST_S


async def test_it_looks_for_ever_and_sooner_where_something_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daily, _ = looker(tmp_path)
    found, waits = ["", "broken", ""], []

    async def look() -> str:
        return found.pop(0)

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if not found:
            raise asyncio.CancelledError

    monkeypatch.setattr(daily, "look", look)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await daily.run()
    assert waits == [FIRST_S, FIRST_S, daily_verify.RETRY_S, FIRST_S]
