"""The venue at its worst, over real sockets: lost answers, muted topics, garbage, refusals."""

import time
from decimal import Decimal

import pytest

from hedgebot.domain.commands import CancelOrder, QueryOrder, SubmitOrder
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.events import (
    AuthenticationFailed,
    BookTop,
    CancelAnswered,
    FillReceived,
    FrameQuarantined,
    OrderAccepted,
    OrderLookedUp,
    OrderOutcomeUnknown,
    OrderRejected,
    Stream,
    TaskFailed,
)
from hedgebot.domain.orders import OrderStatus
from tests.support.waiting import until
from tests.unit.venues.double import BTC, approved
from tests.wire.venue_world import ID, world

pytestmark = pytest.mark.wire


@pytest.mark.parametrize("entry", ["rest", "ws"])
async def test_n05_an_order_whose_answer_is_lost_is_unknown_and_found_once(entry: str) -> None:
    async with world(order_entry=entry, order_timeout_ms=300) as found:
        if entry == "ws":
            await found.until_stream(Stream.TRADE, up=True)
        await found.top()
        await found.admin("faults", type="http", kind="ack_lost", endpoint="/v5/order/create")
        await found.submit()
        assert (await found.sink.one(OrderOutcomeUnknown)).client_id == ID
        found.venue.send(QueryOrder(account="main", instrument=BTC, client_id=ID))
        answer = await found.sink.one(OrderLookedUp)
        assert answer.report is not None
        assert answer.report.status is OrderStatus.FILLED
        assert len({fill.trade_id for fill in found.sink.of(FillReceived)}) >= 1
        assert len(await found.orders()) == 1


async def test_the_same_client_id_again_is_unknown_and_makes_no_second_order() -> None:
    async with world() as found:
        await found.submit()
        await found.sink.one(OrderAccepted)
        await found.submit()
        again = await found.sink.one(OrderOutcomeUnknown)
        assert again.code in {"110072", "170141"}
        assert len(await found.orders()) == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [(110007, OrderRejected), (110003, OrderRejected), (10016, OrderOutcomeUnknown), (10006, OrderOutcomeUnknown)],
)
async def test_return_codes(code: int, kind: type) -> None:
    async with world() as found:
        await found.top()
        await found.admin("faults", type="http", kind="ret_code", endpoint="/v5/order/create", code=code)
        await found.submit()
        assert (await found.sink.one(kind)).code == str(code)


@pytest.mark.parametrize("kind", ["request_lost", "garble"])
async def test_n05_a_request_or_an_answer_that_breaks_is_unknown(kind: str) -> None:
    async with world() as found:
        await found.top()
        await found.admin("faults", type="http", kind=kind, endpoint="/v5/order/create")
        await found.submit()
        await found.sink.one(OrderOutcomeUnknown)
        assert len(await found.orders()) == (1 if kind == "garble" else 0)


async def test_a_banned_address_is_left_alone_but_for_cancels() -> None:
    async with world() as found:
        await found.top()
        await found.admin("faults", type="http", kind="status", endpoint="/v5/order/create", status=403)
        await found.submit()
        answer = await found.sink.one(OrderOutcomeUnknown)
        assert answer.code == "http:403"
        told = await found.until_stream(Stream.TRADE, up=False)
        assert "pause for 600 s" in told.reason
        await found.submit(client_id=ID.replace("ff", "fe"))
        assert (await found.sink.one(OrderRejected)).code == "local:throttled"
        snapshot = await found.snapshot()
        assert (snapshot.complete, snapshot.wallet) == (False, None)
        found.venue.send(CancelOrder(account="main", instrument=BTC, client_id=ID, reason="test"))
        # It reached the venue, which knows no such order.
        assert (await found.sink.one(CancelAnswered)).code == "110001"
        assert await found.orders() == []


async def test_retry_after_says_how_long() -> None:
    async with world() as found:
        path = "/v5/account/wallet-balance"
        await found.admin("faults", type="http", kind="status", endpoint=path, status=429, retry_after_s=1)
        assert not (await found.snapshot()).complete
        assert "pause for 1 s" in (await found.until_stream(Stream.TRADE, up=False)).reason
        # The next one waits for the end of the pause and is whole.
        assert (await found.snapshot()).complete


async def test_many_orders_at_once_are_never_throttled_by_the_venue() -> None:
    async with world(order_timeout_ms=2_000) as found:
        top = await found.top()
        assert top.ask is not None
        deadline_ns = time.time_ns() + 3_000_000_000
        for count in range(20):
            order = approved(limit_price=top.ask + Decimal(200), deadline_ns=deadline_ns)
            found.venue.send(SubmitOrder(approved=order, client_id=f"{count:032x}"))
        answers = (OrderAccepted, OrderRejected, OrderOutcomeUnknown)
        await until(lambda: len(found.sink.of(*answers)) == 20)
        assert found.sink.of(OrderOutcomeUnknown) == []
        assert {event.code for event in found.sink.of(OrderRejected)} <= {"local:throttled"}
        assert len(found.sink.of(OrderAccepted)) >= 15


async def test_n02_a_muted_topic_is_noticed_and_comes_back() -> None:
    async with world(keep_alive_ms=200, content_ms_max=700) as found:
        await found.top()
        await found.admin("faults", type="socket", kind="mute", channel="linear", topic="orderbook", seconds=1.5)
        down = await found.until_stream(Stream.PUBLIC, up=False)
        assert "muted" in down.reason
        after = found.sink.events.index(down)
        await found.sink.until(lambda event: isinstance(event, BookTop), after=after + 1)


async def test_n11_garbage_is_quarantined_and_the_stream_recovers() -> None:
    async with world() as found:
        await found.top()
        await found.admin("faults", type="socket", kind="garble", channel="linear", count=1)
        spoiled = await found.sink.one(FrameQuarantined)
        after = found.sink.events.index(spoiled)
        await found.until_stream(Stream.PUBLIC, up=True, after=after)
        await found.sink.until(lambda event: isinstance(event, BookTop), after=after)
        assert found.sink.of(TaskFailed) == []


async def test_n02_a_frozen_socket_is_dropped_and_comes_back() -> None:
    async with world(keep_alive_ms=200, silence_ms_max=700) as found:
        await found.until_stream(Stream.PRIVATE, up=True)
        await found.admin("faults", type="socket", kind="freeze", channel="private", seconds=1.2)
        down = await found.until_stream(Stream.PRIVATE, up=False)
        after = found.sink.events.index(down)
        assert (await found.until_stream(Stream.PRIVATE, up=True, after=after, seconds=10)).up
        assert found.sink.of(TaskFailed) == []


async def test_a_refused_login_is_told() -> None:
    async with world(start=False) as found:
        await found.admin("faults", type="socket", kind="refuse_auth", channel="private", count=1)
        await found.venue.start()
        assert (await found.sink.one(AuthenticationFailed)).account == "main"


async def test_a_wrong_secret_is_refused_at_start() -> None:
    async with world(start=False, api_secret="another") as found:
        with pytest.raises(ConfigError, match="refuses the API key"):
            await found.venue.start()
        assert found.sink.of(AuthenticationFailed)[0].code in {"10003", "10004"}


async def test_o06_a_key_revoked_while_it_runs_is_told_without_the_key_and_nothing_is_retried() -> None:
    async with world() as found:
        await found.top()
        for code, path in ((33004, "/v5/account/wallet-balance"), (10003, "/v5/order/create")):
            before = len(found.sink.events)
            await found.admin("faults", type="http", kind="ret_code", endpoint=path, code=code, count=50)
            if path.endswith("create"):
                await found.submit()
                refused = await found.sink.one(OrderRejected, after=before)
                assert refused.code == str(code), "proof that it was not accepted"
            else:
                assert not (await found.snapshot()).complete
            told = await found.sink.one(AuthenticationFailed, after=before)
            assert (told.account, told.code) == ("main", str(code))
            assert "key-of-the-test" not in repr(found.sink.events)
            assert "secret-of-the-test" not in repr(found.sink.events)
        assert len(await found.orders()) == 0
