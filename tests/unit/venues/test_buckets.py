import asyncio

from hedgebot.venues.buckets import Budget, Purpose, TokenBucket
from hedgebot.venues.bybit_profile import BYBIT
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


async def test_orders_of_one_category_do_not_slow_another() -> None:
    budget = Budget(BYBIT, Clock())
    for _ in range(10):
        await budget.acquire(Purpose.ORDER, "linear")
    assert budget.wait_s(Purpose.ORDER, "linear") > 0.0
    assert budget.wait_s(Purpose.ORDER, "spot") == 0.0
    assert budget.wait_s(Purpose.CANCEL, "linear") == 0.0


async def test_waiting_ends_when_tokens_come() -> None:
    loop = asyncio.get_running_loop()
    budget = Budget(BYBIT, loop.time)
    started = loop.time()
    for _ in range(12):
        await budget.acquire(Purpose.ORDER, "linear")
    assert 0.15 < loop.time() - started < 1.0
