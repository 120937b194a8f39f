import logging
import socket
import time

import pytest

from hedgebot.domain.commands import CancelOrder, SubmitOrder
from hedgebot.domain.errors import ConfigError, ExitCode, InstanceError, VenueError, VenueUnreachable
from hedgebot.domain.events import (
    AuthenticationFailed,
    CancelAnswered,
    ClockMeasured,
    InstrumentsLoaded,
    OrderAccepted,
    OrderOutcomeUnknown,
    OrderRejected,
    Stream,
    StreamChanged,
)
from hedgebot.venues.bybit import COMMANDS_MAX, BybitVenue
from tests.support.waiting import until
from tests.unit.venues.double import (
    BTC,
    BybitDouble,
    Sink,
    approved,
    connection,
    golden,
    ok,
    refusal,
    running,
)


async def test_start_tells_clock_instruments_and_stream_in_this_order() -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (_, sink):
        await sink.one(StreamChanged)
        kinds = [
            type(event) for event in sink.events if isinstance(event, (ClockMeasured, InstrumentsLoaded, StreamChanged))
        ]
        assert kinds == [ClockMeasured, InstrumentsLoaded, StreamChanged]
        assert sink.of(StreamChanged)[0].stream is Stream.PRIVATE
        loaded = sink.of(InstrumentsLoaded)[0].instruments
        assert {instrument.category for instrument in loaded} == {"spot", "linear", "inverse", "option"}
        assert abs(sink.of(ClockMeasured)[0].offset_ms) < 1_000


async def test_an_address_that_does_not_answer_is_one_clear_sentence() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    venue = BybitVenue(connection(endpoint), Sink(), time.time_ns)
    with pytest.raises(VenueUnreachable, match=f"bybit does not answer at {endpoint}") as caught:
        await venue.start()
    assert caught.value.exit_code == ExitCode.UNKNOWN
    assert "\n" not in str(caught.value)


async def test_a_key_that_can_withdraw_stops_the_start() -> None:
    double = BybitDouble()
    key = {**golden("query_api"), "permissions": {"Wallet": ["Withdraw"]}}
    double.scripts["v5/user/query-api"] = lambda asked: (200, ok(key))
    async with double.serving():
        venue = BybitVenue(connection(double.endpoint), Sink(), time.time_ns)
        with pytest.raises(ConfigError, match=r"account main: the API key may move money out \(Withdraw\)"):
            await venue.start()
    assert double.dials == 0


async def test_the_account_is_claimed_by_its_user_id_before_anything_is_subscribed_to() -> None:
    double = BybitDouble()
    claimed: list[str] = []

    def claim(uid: str) -> None:
        claimed.append(uid)
        raise InstanceError("account main is already run by process 7")

    async with double.serving():
        venue = BybitVenue(connection(double.endpoint), Sink(), time.time_ns)
        venue.claim_account(claim)
        with pytest.raises(InstanceError, match="account main is already run"):
            await venue.start()
    assert claimed == ["1"]
    assert double.dials == 0
    assert not [path for path, _, _ in double.requests if path not in {"v5/market/time", "v5/user/query-api"}]


async def test_a_refused_key_is_told_and_stops_the_start() -> None:
    double, sink = BybitDouble(), Sink()
    double.scripts["v5/user/query-api"] = lambda asked: (200, refusal(10003, "API key is invalid."))
    async with double.serving():
        venue = BybitVenue(connection(double.endpoint), sink, time.time_ns)
        with pytest.raises(ConfigError, match="refuses the API key"):
            await venue.start()
    assert sink.of(AuthenticationFailed)[0].code == "10003"


async def test_an_answer_of_another_shape_is_the_venues_fault() -> None:
    double = BybitDouble()
    double.scripts["v5/user/query-api"] = lambda asked: (200, ok(["surprise"]))
    async with double.serving():
        venue = BybitVenue(connection(double.endpoint), Sink(), time.time_ns)
        with pytest.raises(VenueError, match="cannot be worked with"):
            await venue.start()


async def test_after_stop_an_order_is_refused_with_proof() -> None:
    double = BybitDouble()
    async with double.serving():
        async with running(double) as (venue, sink):
            await sink.one(StreamChanged)
        venue.send(SubmitOrder(approved=approved(), client_id="a" * 32))
        assert (sink.of(OrderRejected)[0].code, double.asked("v5/order/create")) == ("local:stopped", [])


async def test_no_key_reaches_a_log_record(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    double = BybitDouble()
    double.scripts["v5/order/create"] = lambda asked: (200, refusal(10016))
    async with double.serving(), running(double) as (venue, sink):
        await sink.one(StreamChanged)
        venue.send(SubmitOrder(approved=approved(), client_id="a" * 32))
        await double.abort("private")
        await sink.until(lambda event: isinstance(event, StreamChanged) and not event.up)
    shown = caplog.text + "".join(str(event) for event in sink.events)
    assert "key-of-the-test" not in shown
    assert "secret-of-the-test" not in shown


async def test_the_clock_is_measured_again_and_again_also_after_a_failure() -> None:
    double = BybitDouble()
    async with double.serving(), running(double, clock_interval_s=0.05) as (venue, sink):
        await until(lambda: len(sink.of(ClockMeasured)) >= 3)
        double.scripts["v5/market/time"] = lambda asked: (500, "down")
        asked = len(double.asked("v5/market/time"))
        await until(lambda: len(double.asked("v5/market/time")) > asked + 1)
        double.scripts["v5/market/time"] = lambda asked: (
            200,
            {**ok({"timeSecond": "0"}), "time": time.time_ns() // 1_000_000 + 3_000},
        )
        await sink.until(lambda event: isinstance(event, ClockMeasured) and event.offset_ms > 2_500)
        # Requests are signed with what was measured, reloads included.
        assert abs(venue._stream.options["timeDifference"] + 3_000) < 500
        assert venue._query.options["timeDifference"] == venue._stream.options["timeDifference"]


async def test_more_commands_than_any_book_sends_are_refused_with_proof() -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (venue, sink):
        deadline_ns = time.time_ns() + 300_000_000
        for count in range(COMMANDS_MAX + 3):
            order = approved(deadline_ns=deadline_ns)
            venue.send(SubmitOrder(approved=order, client_id=f"{count:032x}"))
        busy = [event for event in sink.of(OrderRejected) if event.code == "local:busy"]
        assert len(busy) == 3
        # A cancel is never turned away.
        venue.send(CancelOrder(account="main", instrument=BTC, client_id="0" * 32, reason="kill"))
        await sink.one(CancelAnswered)
        answers = (OrderAccepted, OrderRejected, OrderOutcomeUnknown)
        await until(lambda: len(sink.of(*answers)) == COMMANDS_MAX + 3)
