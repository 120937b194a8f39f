"""The drop copy through real clients: it sees what the adapter's own ways do not bring, and asks little for it."""

import time

import pytest

from hedgebot.domain.dropcopy import ExecutionsRead
from hedgebot.domain.events import Event, FillReceived, OrderAccepted
from hedgebot.venues import dropcopy
from hedgebot.venues.bybit_profile import BYBIT
from tests.wire.venue_world import world

pytestmark = pytest.mark.wire


def told(event: Event) -> bool:
    return isinstance(event, ExecutionsRead) and bool(event.executions)


async def test_a_fill_whose_news_are_lost_is_seen_by_the_second_reader_within_a_reading() -> None:
    async with world(drop_copy=True, keep_alive_ms=500) as found:
        await found.top()
        await found.admin("faults", type="socket", kind="mute", channel="private", topic="execution", seconds=30)
        executed_s = time.monotonic()
        await found.submit()
        await found.sink.one(OrderAccepted)
        read = await found.sink.until(told, seconds=15.0)
        took_s = time.monotonic() - executed_s
        # The engine adds its grace of 3 s to this; the break must be found within 15 s.
        assert took_s <= dropcopy.EVERY_S + 2.0
        assert found.sink.of(FillReceived) == [], "the adapter itself has not seen it"
        before = len(found.sink.events)
        await found.snapshot()
        fills = [one for one in found.sink.events[before:] if isinstance(one, FillReceived)]
        assert fills
        mine = {f"main|bybit:linear|{one.trade_id}" for one in fills}
        assert mine <= set(read.executions), "the same identity by two readings"


async def test_it_has_a_client_of_its_own_and_is_off_unless_asked_for() -> None:
    async with world(drop_copy=True) as found:
        venue = found.venue
        assert venue._copy_client is not None
        assert venue._copy_client not in (venue._stream, venue._query)
        assert venue._copy_client.session is not venue._query.session or venue._query.session is None
    async with world() as found:
        assert found.venue._copy_client is None


def test_what_it_asks_is_a_small_part_of_the_budget() -> None:
    per_s = len(BYBIT.executions) / dropcopy.EVERY_S
    assert per_s <= 0.02 * BYBIT.ip_rate.per_s
