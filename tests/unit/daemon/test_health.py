"""Live is about the process, ready is about hedging."""

import asyncio
import contextlib
from typing import Any

import msgspec
import pytest

from hedgebot.core.view import book_view
from hedgebot.daemon.health import (
    LAG_S_MAX,
    Facts,
    Health,
    LoopWatch,
    describe,
    feed_problems,
    judge,
    resident_bytes,
)
from hedgebot.domain.settings import LimitSettings
from tests.support.playbook import BTC_USDC
from tests.support.switches import ready as switch_ready
from tests.support.switches import switchable
from tests.unit.core.test_hedges import ready, two_legged

WELL = Facts(
    loop_problem=None,
    turn_busy_s=0.0,
    mode="active",
    feed_problems=(),
    starting="",
    journal_problem="",
    killed=False,
    tasks_given_up=(),
    stopping=False,
)


def test_all_well_is_live_and_ready() -> None:
    assert judge(WELL) == Health(live=True, ready=True, not_live=(), not_ready=())
    assert judge(msgspec.structs.replace(WELL, mode="reducing")).ready


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mode": "recovering"}, "recovering"),
        ({"mode": "halted"}, "halted"),
        ({"killed": True}, "unkill"),
        ({"journal_problem": "the disk is full"}, "disk is full"),
        ({"starting": "main is starting"}, "main is starting"),
        ({"tasks_given_up": ("feed",)}, "feed"),
        ({"stopping": True}, "stopping"),
        ({"feed_problems": ("the book of X is not fresh",)}, "fresh"),
    ],
)
def test_trouble_outside_is_not_ready_but_live(change: dict[str, Any], words: str) -> None:
    health = judge(msgspec.structs.replace(WELL, **change))
    assert health.live
    assert not health.ready
    assert words in health.not_ready[0]


@pytest.mark.parametrize("change", [{"loop_problem": "the event loop was late"}, {"turn_busy_s": 60.0}])
def test_trouble_of_the_process_is_neither(change: dict[str, Any]) -> None:
    health = judge(msgspec.structs.replace(WELL, **change))
    assert not health.live
    assert not health.ready
    assert list(describe(health)["not_live"]) == list(health.not_live)


async def test_the_loop_watch_sees_a_blocked_loop() -> None:
    watch = LoopWatch()
    task = asyncio.create_task(watch.watch())
    await asyncio.sleep(0.02)
    assert watch.problem is None
    watch.measured(LAG_S_MAX + 1)
    assert watch.problem is not None
    assert watch.lag_s_max == LAG_S_MAX + 1
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def test_memory_is_told_in_bytes() -> None:
    assert 5_000_000 < resident_bytes() < 10**11


def test_an_alternative_that_only_stands_by_keeps_nobody_from_being_ready() -> None:
    """As at a start and at unkill: the hedge does not depend on it until it is chosen or held."""
    book = switch_ready(switchable())
    del book.state.quotes[BTC_USDC]
    assert feed_problems(book_view(book.state, book.at_ns), LimitSettings()) == ()
    book.state.underlyings["BTC"].switch.chosen["sell"] = BTC_USDC
    assert feed_problems(book_view(book.state, book.at_ns), LimitSettings()) == (
        f"the book of {BTC_USDC} is not fresh",
        f"the mark price of {BTC_USDC} is not fresh",
    )


def test_every_hedge_instrument_needs_a_fresh_book() -> None:
    book = ready(two_legged())
    assert feed_problems(book_view(book.state, book.at_ns), LimitSettings()) == ()
    del book.state.quotes[BTC_USDC]
    assert feed_problems(book_view(book.state, book.at_ns), LimitSettings()) == (
        f"the book of {BTC_USDC} is not fresh",
        f"the mark price of {BTC_USDC} is not fresh",
    )


def test_every_hedge_instrument_needs_a_fresh_mark() -> None:
    book = ready(two_legged())
    book.state.quotes[BTC_USDC].mark_at_ns -= 11_000_000_000
    assert feed_problems(book_view(book.state, book.at_ns), LimitSettings()) == (
        f"the mark price of {BTC_USDC} is not fresh",
    )
