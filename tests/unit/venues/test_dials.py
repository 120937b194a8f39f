"""The pace of a host: a burst, then ten a minute; one probe while it is gone, and everybody when it is back."""

import asyncio
from collections.abc import Callable

from hedgebot.venues.dials import DIALS, PROBE_S_MAX, Dials, spread
from tests.support.fasttime import run_fast

FACTOR = 200.0


def test_a_burst_and_then_ten_a_minute() -> None:
    async def work(now_s: Callable[[], float]) -> None:
        dials, left = Dials(now_s), []

        async def insist(address: str) -> None:
            while True:
                await dials.turn(address, may_wait=address != "private")
                left.append((now_s(), address))
                dials.opened(address)
                await asyncio.sleep(0.5)

        began_s = now_s()
        storm = [asyncio.create_task(insist(name)) for name in ("private", "linear", "spot")]
        await asyncio.sleep(300.0)
        for task in storm:
            task.cancel()
        first = [one for one in left if one[0] < began_s + 60.0]
        assert DIALS.burst <= len(first) <= DIALS.burst + 12
        for minute in range(1, 5):
            within = [name for at_s, name in left if 60.0 * minute <= at_s - began_s < 60.0 * (minute + 1)]
            assert 8 <= len(within) <= 12, (minute, within)
            assert "private" in within

    run_fast(FACTOR, work)


def test_while_the_host_is_gone_only_one_probes_and_slower_and_slower() -> None:
    async def work(now_s: Callable[[], float]) -> None:
        dials, tried = Dials(now_s, jitter=lambda seconds: seconds), []
        back = asyncio.Event()
        connected: list[str] = []

        async def dial(address: str) -> None:
            while True:
                await dials.turn(address, may_wait=True)
                if back.is_set():
                    dials.opened(address)
                    connected.append(address)
                    return
                tried.append(now_s())
                dials.failed(address)

        waiting = [asyncio.create_task(dial(name)) for name in ("private", "linear", "spot", "option")]
        await asyncio.sleep(120.0)
        # One by one, whoever it is: at once, after 0.1, 0.2, 0.5, 1, 2, 5 and then every 6 seconds.
        assert len(tried) <= 7 + 20
        assert min(later - at_s for at_s, later in zip(tried[-9:], tried[-8:], strict=False)) > 5.0
        back.set()
        back_s = now_s()
        await asyncio.wait(waiting, timeout=30.0)
        assert sorted(connected) == ["linear", "option", "private", "spot"]
        assert now_s() - back_s < 10.0

    run_fast(FACTOR, work)


def test_a_probe_without_an_end_keeps_the_others_for_a_while_only() -> None:
    async def work(now_s: Callable[[], float]) -> None:
        dials = Dials(now_s)
        dials.failed("private")
        await dials.turn("private", may_wait=False)
        began_s = now_s()
        await dials.turn("linear", may_wait=True)
        assert PROBE_S_MAX - 1.0 < now_s() - began_s < PROBE_S_MAX + 5.0

    run_fast(FACTOR, work)


def test_jitter_stays_within_a_fifth() -> None:
    drawn = [spread(10.0) for _ in range(200)]
    assert all(8.0 <= one <= 12.0 for one in drawn)
    assert max(drawn) - min(drawn) > 1.0


def test_a_venue_that_wants_a_pause_gets_it() -> None:
    async def work(now_s: Callable[[], float]) -> None:
        dials, began_s = Dials(now_s), now_s()
        dials.pause_s = lambda: max(0.0, began_s + 40.0 - now_s())
        await dials.turn("private", may_wait=False)
        assert now_s() - began_s >= 40.0

    run_fast(FACTOR, work)
