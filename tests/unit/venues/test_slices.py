"""Bursts of market frames: in order, a few at a time, never without bound."""

import asyncio

import pytest

from hedgebot.venues import slices
from hedgebot.venues.slices import FRAMES_AT_ONCE, Frame, Slices


async def test_a_burst_is_taken_in_order_and_in_slices() -> None:
    taken: list[Frame] = []
    waiting = Slices(taken.append, overrun=lambda: None)
    frames = [str(number) for number in range(3 * FRAMES_AT_ONCE)]
    for frame in frames:
        waiting.put(frame)
    assert taken == frames[:FRAMES_AT_ONCE]
    await asyncio.sleep(0)
    assert taken == frames[: 2 * FRAMES_AT_ONCE]
    waiting.put("late")
    for _ in range(3):
        await asyncio.sleep(0)
    assert taken == [*frames, "late"]


async def test_a_frame_alone_does_not_wait() -> None:
    taken: list[Frame] = []
    waiting = Slices(taken.append, overrun=lambda: None)
    for number in range(3 * FRAMES_AT_ONCE):
        waiting.put(str(number))
        assert taken[-1] == str(number)
        await asyncio.sleep(0)


async def test_nothing_is_taken_after_the_connection_is_gone() -> None:
    taken: list[Frame] = []
    waiting = Slices(taken.append, overrun=lambda: None)
    for number in range(2 * FRAMES_AT_ONCE):
        waiting.put(str(number))
    waiting.close()
    waiting.put("after")
    await asyncio.sleep(0)
    assert len(taken) == FRAMES_AT_ONCE


async def test_what_comes_too_fast_ends_the_connection_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "FRAMES_MAX", 4)
    told: list[str] = []
    waiting = Slices(lambda frame: None, overrun=lambda: told.append("overrun"))
    for number in range(FRAMES_AT_ONCE + 10):
        waiting.put(str(number))
    assert told == ["overrun"]
