"""The venue at its worst, over real sockets: lost answers, muted topics, garbage, refusals."""

import pytest

from hedgebot.domain.commands import QueryOrder
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.events import (
    AuthenticationFailed,
    BookTop,
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
from tests.unit.venues.double import BTC
from tests.wire.venue_world import ID, world

pytestmark = pytest.mark.wire


@pytest.mark.parametrize("entry", ["rest", "ws"])
async def test_an_order_whose_answer_is_lost_is_unknown_and_found_once(entry: str) -> None:
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
async def test_a_request_or_an_answer_that_breaks_is_unknown(kind: str) -> None:
    async with world() as found:
        await found.top()
        await found.admin("faults", type="http", kind=kind, endpoint="/v5/order/create")
        await found.submit()
        await found.sink.one(OrderOutcomeUnknown)
        assert len(await found.orders()) == (1 if kind == "garble" else 0)


async def test_a_muted_topic_is_noticed_and_comes_back() -> None:
    async with world(keep_alive_ms=200, content_ms_max=700) as found:
        await found.top()
        await found.admin("faults", type="socket", kind="mute", channel="linear", topic="orderbook", seconds=1.5)
        down = await found.until_stream(Stream.PUBLIC, up=False)
        assert "muted" in down.reason
        after = found.sink.events.index(down)
        await found.sink.until(lambda event: isinstance(event, BookTop), after=after + 1)


async def test_garbage_is_quarantined_and_the_stream_recovers() -> None:
    async with world() as found:
        await found.top()
        await found.admin("faults", type="socket", kind="garble", channel="linear", count=1)
        spoiled = await found.sink.one(FrameQuarantined)
        after = found.sink.events.index(spoiled)
        await found.until_stream(Stream.PUBLIC, up=True, after=after)
        await found.sink.until(lambda event: isinstance(event, BookTop), after=after)
        assert found.sink.of(TaskFailed) == []


async def test_a_frozen_socket_is_dropped_and_comes_back() -> None:
    async with world(keep_alive_ms=200, silence_ms_max=700) as found:
        await found.until_stream(Stream.PRIVATE, up=True)
        await found.admin("faults", type="socket", kind="freeze", channel="private", seconds=1.2)
        down = await found.until_stream(Stream.PRIVATE, up=False)
        await found.until_stream(Stream.PRIVATE, up=True, after=found.sink.events.index(down), seconds=10)


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
