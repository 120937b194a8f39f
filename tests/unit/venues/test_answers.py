"""Refused keys and pauses, in the small and with the whole adapter."""

import asyncio
from typing import Any

import pytest

from hedgebot.domain.commands import CancelOrder, QueryOrder, RequestSnapshot, SubmitOrder
from hedgebot.domain.events import (
    AuthenticationFailed,
    CancelAnswered,
    OrderLookedUp,
    OrderRejected,
    SnapshotTaken,
    Stream,
    StreamChanged,
    VenuePaused,
)
from hedgebot.venues.answers import PAUSE_MAX_S, REPEAT_S, Answers
from hedgebot.venues.buckets import Budget, Purpose
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.replies import RawReply
from tests.support.waiting import until
from tests.unit.venues.double import BTC, BybitDouble, Sink, approved, refusal, running

ID = "4b0000000100000101000000010000ff"


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Refusal(OSError):
    def __init__(self, status: int, headers: dict[str, str]) -> None:
        super().__init__("handshake refused")
        self.status, self.headers = status, headers


def ear() -> tuple[Answers, Budget, Sink, Clock]:
    clock, sink = Clock(), Sink()
    budget = Budget(BYBIT, clock)
    return Answers("main", BYBIT, budget, sink, clock), budget, sink, clock


@pytest.mark.parametrize(
    ("status", "code", "asked_s", "paused_s"),
    [
        (403, None, None, 600.0),
        (403, None, 30.0, 30.0),
        (418, None, None, 120.0),
        (429, None, None, 5.0),
        (429, None, 12.0, 12.0),
        (429, None, 1.0, 1.0),
        (200, "10018", None, 5.0),
        (429, None, 86_400.0, PAUSE_MAX_S),
        (200, "10006", None, 0.0),
        (503, None, 30.0, 0.0),
        (200, "0", None, 0.0),
    ],
)
def test_how_long_the_address_pauses(status: int, code: str | None, asked_s: float | None, paused_s: float) -> None:
    answers, budget, sink, clock = ear()
    answers.observe(RawReply(status=status, code=code, retry_after_s=asked_s))
    assert budget.paused_s == paused_s
    told = sink.of(StreamChanged)
    assert [(event.stream, event.up) for event in told] == ([(Stream.TRADE, False)] if paused_s else [])
    if paused_s:
        assert f"pause for {paused_s:.0f} s" in told[0].reason
        assert budget.wait_s(Purpose.POLL, "") >= paused_s
        assert budget.wait_s(Purpose.ORDER, "linear") >= paused_s
        assert budget.wait_s(Purpose.ORDER, "linear", http=False) == 0.0
        assert budget.wait_s(Purpose.CANCEL, "linear") == 0.0
        (paused,) = sink.of(VenuePaused)
        assert paused.seconds == paused_s
        clock.now += paused_s
        assert budget.wait_s(Purpose.ORDER, "linear") == 0.0


def test_a_burst_of_bans_is_told_once_and_never_shortened() -> None:
    answers, budget, sink, clock = ear()
    for _ in range(5):
        answers.observe(RawReply(status=403))
        clock.now += 0.1
    answers.observe(RawReply(status=429, retry_after_s=1.0))
    assert budget.paused_s > 599.0
    assert len(sink.of(StreamChanged)) == 1


def test_a_refused_dial_says_how_long() -> None:
    answers, budget, _, _ = ear()
    assert answers.dial_refused(Refusal(403, {})) == 600.0
    assert budget.paused_s == 600.0
    answers, budget, _, _ = ear()
    assert answers.dial_refused(Refusal(503, {"Retry-After": "7"})) == 7.0
    assert budget.paused_s == 0.0
    assert answers.dial_refused(OSError("refused")) == 0.0
    assert answers.dial_refused("words") == 0.0


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (200, "10003", "10003"),
        (200, "10004", "10004"),
        (200, "33004", "33004"),
        (401, None, "http:401"),
        (502, "10003", None),
        (200, "10016", None),
        (200, "0", None),
    ],
)
def test_a_refused_key_is_told(status: int, code: str | None, told: str | None) -> None:
    answers, _, sink, _ = ear()
    answers.observe(RawReply(status=status, code=code, message="words"))
    assert [event.code for event in sink.of(AuthenticationFailed)] == ([] if told is None else [told])


def test_a_refused_key_is_told_once_in_a_while_and_not_by_every_poll() -> None:
    answers, _, sink, clock = ear()
    for _ in range(50):
        answers.key_refused("10003", "no")
    assert len(sink.of(AuthenticationFailed)) == 1
    answers.key_refused("33004", "expired")
    clock.now += REPEAT_S
    answers.key_refused("10003", "no")
    assert [event.code for event in sink.of(AuthenticationFailed)] == ["10003", "33004", "10003"]


@pytest.mark.parametrize("code", [10003, 10004, 33004])
async def test_a_key_revoked_in_mid_run_is_told_by_the_next_query(code: int) -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (venue, sink):
        for path in ("position/list", "order/realtime", "account/wallet-balance", "execution/list"):
            double.scripts[f"v5/{path}"] = lambda asked: (200, refusal(code, "gone"))
        venue.send(RequestSnapshot(account="main", request=1, executions_since_ns=0, reason="test"))
        assert not (await sink.one(SnapshotTaken)).complete
        assert [(event.code, event.message) for event in sink.of(AuthenticationFailed)] == [(str(code), "gone")]


async def test_a_key_revoked_is_told_by_a_cancel_too() -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (venue, sink):
        double.scripts["v5/order/cancel"] = lambda asked: (200, refusal(10003, "gone"))
        venue.send(CancelOrder(account="main", instrument=BTC, client_id=ID, reason="test"))
        await sink.one(CancelAnswered)
        assert len(sink.of(AuthenticationFailed)) == 1


async def test_a_banned_address_asks_nothing_sends_no_order_and_still_cancels() -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (venue, sink):
        await sink.one(StreamChanged)
        double.scripts["v5/account/wallet-balance"] = lambda asked: (403, "forbidden")
        venue.send(RequestSnapshot(account="main", request=1, executions_since_ns=0, reason="test"))
        assert not (await sink.one(SnapshotTaken)).complete
        told = [event for event in sink.of(StreamChanged) if event.stream is Stream.TRADE]
        assert "HTTP 403: requests and dials pause for 600 s" in told[0].reason
        asked, before = len(double.requests), len(sink.events)
        venue.send(RequestSnapshot(account="main", request=2, executions_since_ns=0, reason="test"))
        snapshot = await sink.one(SnapshotTaken, after=before)
        assert "wants no requests for" in snapshot.problem
        venue.send(QueryOrder(account="main", instrument=BTC, client_id=ID))
        answer = await sink.one(OrderLookedUp)
        assert (answer.complete, answer.searched) == (False, ())
        venue.send(SubmitOrder(approved=approved(), client_id=ID))
        assert (await sink.one(OrderRejected)).code == "local:throttled"
        assert len(double.requests) == asked
        venue.send(CancelOrder(account="main", instrument=BTC, client_id=ID, reason="kill"))
        assert (await sink.one(CancelAnswered)).accepted


async def test_no_dial_leaves_while_the_address_is_banned() -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (venue, sink):
        await sink.one(StreamChanged)
        double.refused_dials["private"] = [429]
        venue._answers._profile = paused_for(0.8)
        dials = double.dials
        await double.abort("private")
        await until(lambda: double.dials == dials + 1)
        await asyncio.sleep(0.6)
        assert double.dials == dials + 1
        before = len(sink.events)
        await sink.until(lambda event: isinstance(event, StreamChanged) and event.up, after=before)
        assert double.dials == dials + 2


def paused_for(seconds: float) -> Any:
    import msgspec.structs

    return msgspec.structs.replace(BYBIT, pause_statuses_s={429: seconds})


async def test_v02_a_rate_limit_and_then_a_ban_let_one_probe_through_each() -> None:
    """429 with Retry-After 30, then 418 for 120 s, on a clock of its own: tenth by tenth, everybody asks to leave."""
    answers, budget, sink, clock = ear()
    probes = []
    for status, asked_s, window_s in ((429, 30.0, 30.0), (418, None, 120.0)):
        answers.observe(RawReply(status=status, retry_after_s=asked_s))
        left = 0
        for _ in range(round(window_s * 10) - 1):
            clock.now += 0.1
            for purpose in Purpose:
                if purpose is Purpose.CANCEL:
                    left += budget.cancels("linear", 1, http=True).orders
                else:
                    left += await budget.acquire(purpose, "linear", within_s=0.0)
        probes.append(left)
        clock.now += 0.2
        assert budget.wait_s(Purpose.POLL, "") == 0.0, "the window is over"
    assert probes == [1, 1]
    assert [one.seconds for one in sink.of(VenuePaused)] == [30.0, 120.0]


async def test_a_probe_that_hears_the_ban_again_gets_no_second_one() -> None:
    answers, budget, _, clock = ear()
    answers.observe(RawReply(status=418))
    assert budget.cancels("linear", 1, http=True).orders == 1
    clock.now += 1.0
    answers.observe(RawReply(status=418, retry_after_s=300.0))
    assert budget.cancels("linear", 1, http=True).orders == 0
    assert budget.paused_s == 300.0
    assert budget.cancels("linear", 1, http=False).orders == 1, "an open socket is no visit"
