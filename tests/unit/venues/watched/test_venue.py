"""The port of a watched account: it starts whether the venue answers or not, and nothing is ever sent by it."""

import time
from decimal import Decimal

import pytest

from hedgebot.domain.commands import RequestSnapshot, SubmitOrder
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.events import OrderRejected
from hedgebot.domain.ports import VenuePort
from hedgebot.domain.settings import AccountRole
from hedgebot.venues.watched.binance import BinanceReader
from hedgebot.venues.watched.deribit import DeribitReader
from hedgebot.venues.watched.okx import OkxReader
from hedgebot.venues.watched.venue import WatchedVenue, reader_of
from tests.unit.venues.double import Sink, approved, connection

WATCHED = {"venue": "deribit", "role": AccountRole.WATCHED}


async def test_an_order_is_refused_with_proof_and_everything_else_is_left() -> None:
    sink = Sink()
    port: VenuePort = (venue := WatchedVenue(connection("http://127.0.0.1:1", **WATCHED), sink, time.time_ns))
    venue.hold_orders(lambda _intent: "")
    order = approved(qty_contracts=Decimal(1), limit_price=Decimal(100))
    port.send(SubmitOrder(approved=order, client_id="c1"))
    port.send(RequestSnapshot(account="main", request=1, executions_since_ns=0, reason="none"))
    await venue.stop()
    (refused,) = sink.events
    assert isinstance(refused, OrderRejected)
    assert (refused.client_id, refused.code) == ("c1", "local:watched")


async def test_a_missing_key_is_named() -> None:
    with pytest.raises(ConfigError, match="account main: no API key"):
        WatchedVenue(connection("http://127.0.0.1:1", **WATCHED, api_key=""), Sink(), time.time_ns)


@pytest.mark.parametrize(
    ("venue", "reader"), [("deribit", DeribitReader), ("okx", OkxReader), ("binance", BinanceReader)]
)
def test_each_venue_has_its_reader(venue: str, reader: type) -> None:
    assert isinstance(reader_of(connection("http://127.0.0.1:1", venue=venue), None, time.time_ns), reader)
