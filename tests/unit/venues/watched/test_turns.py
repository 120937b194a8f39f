"""Turns: one call in so many seconds, in the order in which they are asked for."""

import asyncio
import time

from hedgebot.venues.watched.turns import Turns


async def test_each_waits_for_its_turn() -> None:
    turns, order = Turns(0.1), list[int]()

    async def one(number: int) -> None:
        await turns.take()
        order.append(number)

    begun_s = time.monotonic()
    await asyncio.gather(*(one(number) for number in range(3)))
    assert order == [0, 1, 2]
    assert 0.19 < time.monotonic() - begun_s < 2.0
