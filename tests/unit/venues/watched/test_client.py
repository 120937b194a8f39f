"""The client of a watched venue: only the addresses of its mode, no retries, exact numbers."""

import time

import pytest

from hedgebot.domain.errors import ConfigError
from hedgebot.domain.settings import AccountRole
from hedgebot.venues.connection import VenueConnection
from hedgebot.venues.endpoints import addresses
from hedgebot.venues.watched.client import HOSTS, WATCHED, address_of, open_client


def connection(venue: str, **changes: object) -> VenueConnection:
    fields: dict[str, object] = {"account": "options", "venue": venue, "role": AccountRole.WATCHED}
    return VenueConnection(**(fields | {"api_key": "k", "api_secret": "s"} | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("venue", WATCHED)
@pytest.mark.parametrize("testnet", [False, True])
async def test_real_and_test_addresses_are_those_of_the_mode(venue: str, testnet: bool) -> None:
    client = open_client(connection(venue, testnet=testnet), lambda _reply: None)
    hosts = HOSTS[venue].testnet_hosts if testnet else HOSTS[venue].live_hosts
    assert any(host in address_of(client) for host in hosts)
    if venue == "okx":
        assert ("x-simulated-trading" in (client.headers or {})) is testnet
    await client.close()


@pytest.mark.parametrize("venue", WATCHED)
async def test_on_loopback_no_real_address_is_left(venue: str) -> None:
    client = open_client(connection(venue, endpoint="http://127.0.0.1:8700"), lambda _reply: None)
    assert all(one.startswith("http://127.0.0.1:8700/") for one in addresses(client.urls["api"]))
    assert client.options["maxRetriesOnFailure"] == 0
    assert client.on_json_response('{"a": 0.10, "b": [1e-8], "c": 3}') == {"a": "0.10", "b": ["1e-8"], "c": 3}
    await client.close()


def test_a_venue_that_cannot_be_watched_says_which_can() -> None:
    with pytest.raises(ConfigError, match="'kraken', watched can be: deribit, okx, binance"):
        open_client(connection("kraken"), lambda _reply: None)


def test_an_address_off_this_machine_is_no_endpoint() -> None:
    with pytest.raises(ConfigError, match="must be a loopback address"):
        open_client(connection("deribit", endpoint="http://example.com"), lambda _reply: None)


async def test_deribit_signs_with_the_time_that_was_measured() -> None:
    client = open_client(connection("deribit"), lambda _reply: None)
    client.options["timeDifference"] = -60_000
    assert 59_000 < client.milliseconds() - time.time_ns() // 1_000_000 < 61_000
    await client.close()
