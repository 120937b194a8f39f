import asyncio

import pytest

from hedgebot.venues.buckets import Budget, Purpose, TokenBucket
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.pace import Share
from hedgebot.venues.profile import Rate


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_gives_its_burst_then_its_rate() -> None:
    clock = Clock()
    bucket = TokenBucket(Rate(per_s=10.0, burst=2.0), clock)
    for _ in range(2):
        assert bucket.wait_s() == 0.0
        bucket.take()
    assert bucket.wait_s() == 0.1
    clock.now += 0.1
    assert bucket.wait_s() < 1e-9
    clock.now += 60.0
    bucket.take()
    bucket.take()
    assert bucket.wait_s() > 0.0


def test_polls_cannot_take_what_is_kept_for_orders_nor_orders_what_is_kept_for_cancels() -> None:
    clock = Clock()
    budget = Budget(BYBIT, clock)
    polls = orders = 0
    while budget.wait_s(Purpose.POLL, "") == 0.0:
        budget._address.take()
        polls += 1
    while budget._address.wait_s(BYBIT.ip_reserve_cancels) == 0.0:
        budget._address.take()
        orders += 1
    assert polls == int(BYBIT.ip_rate.burst - BYBIT.ip_reserve_orders - BYBIT.ip_reserve_cancels)
    assert orders == int(BYBIT.ip_reserve_orders)
    assert budget.wait_s(Purpose.POLL, "") > 0.0
    assert budget.wait_s(Purpose.ORDER, "linear") > 0.0
    assert budget.wait_s(Purpose.CANCEL, "linear") == 0.0


@pytest.mark.parametrize(("category", "limit"), [("linear", 10), ("inverse", 10), ("option", 10), ("spot", 20)])
def test_no_second_sees_more_creations_than_the_venues_limit_less_one(category: str, limit: int) -> None:
    clock = Clock()
    budget = Budget(BYBIT, clock)
    left: list[float] = []
    while clock.now < 105.0:
        own = budget._create[category]
        while own.wait_s() <= 0.0:
            own.take()
            left.append(clock.now)
        clock.now += 0.01
    busiest = max(sum(1 for at in left if start <= at < start + 1.0) for start in left)
    # One is left for somebody else.
    assert limit / 2 < busiest < limit


def test_what_the_venue_says_is_left_counts_more_than_our_own_count() -> None:
    clock = Clock()
    budget = Budget(BYBIT, clock)
    budget.heard("linear", 9, 0.0)
    assert budget.wait_s(Purpose.ORDER, "linear") == 0.0
    # Two are left to others: nothing of ours leaves for three fifths of a second.
    budget.heard("linear", 0, 0.0)
    assert budget.wait_s(Purpose.ORDER, "linear") == pytest.approx(0.6)
    assert budget.wait_s(Purpose.CANCEL, "linear") == 0.0
    assert budget.wait_s(Purpose.ORDER, "spot") == 0.0
    budget.heard(None, 10, 1.5)
    for category in ("linear", "spot"):
        assert budget.wait_s(Purpose.ORDER, category) == pytest.approx(1.5)
    clock.now += 1.5
    assert budget.wait_s(Purpose.ORDER, "linear") == 0.0


async def test_a_request_that_cannot_leave_in_time_is_told_at_once_and_not_counted() -> None:
    clock = Clock()
    budget = Budget(BYBIT, clock)
    budget.pause(600.0)
    assert not await budget.acquire(Purpose.ORDER, "linear", within_s=5.0)
    assert not await budget.acquire(Purpose.POLL, "", within_s=10.0)
    assert await budget.acquire(Purpose.ORDER, "linear", within_s=0.0, http=False)
    clock.now += 600.0
    assert await budget.acquire(Purpose.ORDER, "linear", within_s=0.0)


def test_in_a_pause_one_cancel_probes_and_no_batch_leaves() -> None:
    clock = Clock()
    budget = Budget(BYBIT, clock)
    budget.pause(600.0)
    assert budget.wholes("linear", 1) == 0
    assert budget.cancels("linear", 30, http=True) == Share(singles=1)
    assert budget.cancels("linear", 30, http=True) == Share()
    assert budget.wait_s(Purpose.CANCEL, "linear") == 600.0
    # An open socket is no visit.
    assert budget.cancels("linear", 30, http=False) == Share(singles=9)


def test_cancels_start_with_the_whole_limit_and_take_what_polls_and_orders_may_not() -> None:
    budget = Budget(BYBIT, Clock())
    while not budget._address.wait_s(budget._reserves[Purpose.ORDER]):
        budget._address.take()
    assert budget.cancels("linear", 50, http=True) == Share(singles=10, batches=(10,))
    assert budget.cancels("spot", 50, http=True).singles == BYBIT.ip_reserve_cancels - 11
    assert budget.wait_s(Purpose.CANCEL, "spot") > 0.0


async def test_orders_of_one_category_do_not_slow_another() -> None:
    budget = Budget(BYBIT, Clock())
    for _ in range(int(BYBIT.create_rates["linear"].burst)):
        await budget.acquire(Purpose.ORDER, "linear")
    assert budget.wait_s(Purpose.ORDER, "linear") > 0.0
    assert budget.wait_s(Purpose.ORDER, "inverse") > 0.0, "[D] rate-limit: one limit for both"
    assert budget.wait_s(Purpose.ORDER, "spot") == 0.0
    assert budget.wait_s(Purpose.CANCEL, "linear") == 0.0


async def test_waiting_ends_when_tokens_come() -> None:
    loop = asyncio.get_running_loop()
    budget = Budget(BYBIT, loop.time)
    started = loop.time()
    for _ in range(6):
        await budget.acquire(Purpose.ORDER, "linear")
    assert 0.35 < loop.time() - started < 1.0
