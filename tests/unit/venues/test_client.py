import logging

import pytest

from hedgebot.domain.errors import ConfigError
from hedgebot.venues.client import open_clients
from hedgebot.venues.endpoints import addresses
from hedgebot.venues.replies import RawReply
from tests.unit.venues.double import connection

seen: list[RawReply] = []


async def test_everything_that_is_pinned() -> None:
    stream, query = open_clients(connection("http://127.0.0.1:8700"), seen.append)
    for client in (stream, query):
        assert client.options["maxRetriesOnFailure"] == 0
        assert client.options["fetchMarkets"]["loadAllOptions"] is True
        assert client.options["adjustForTimeDifference"] is False
        assert client.number is str
        assert client.verbose is False
    assert not stream.enableRateLimit
    assert stream.options["ws"]["cost"] == 0
    assert stream.options["watchMyTrades"]["execType"] is None
    assert stream.options["watchPositions"]["fetchPositionsSnapshot"] is False
    assert stream.streaming["keepAlive"] == 5_000
    assert query.enableRateLimit
    assert query.rateLimiterAlgorithm == "rollingWindow"


async def test_in_loopback_mode_no_real_address_is_left() -> None:
    for client in open_clients(connection("http://127.0.0.1:8700"), seen.append):
        assert all("://127.0.0.1:8700/" in address for address in addresses(client.urls["api"]))


async def test_testnet_and_live_hold_their_own_addresses() -> None:
    (live, _), (testnet, _) = (
        open_clients(connection("", endpoint=None), seen.append),
        open_clients(connection("", endpoint=None, testnet=True), seen.append),
    )
    assert all("testnet" not in address for address in addresses(live.urls["api"]))
    assert all("-testnet." in address for address in addresses(testnet.urls["api"]))


async def test_an_endpoint_elsewhere_is_refused() -> None:
    with pytest.raises(ConfigError, match="loopback"):
        open_clients(connection("http://192.0.2.1:80"), seen.append)


async def test_the_library_never_logs_at_debug(monkeypatch: pytest.MonkeyPatch) -> None:
    logger = logging.getLogger("ccxt")
    monkeypatch.setattr(logger, "level", logging.DEBUG)
    open_clients(connection("http://127.0.0.1:8700"), seen.append)
    assert logger.getEffectiveLevel() >= logging.INFO
