"""The unmodified client of a venue that is only read, and everything that is pinned in it.

Owns construction, and which hosts each venue's client may hold. Never retries by itself; numbers keep the digits that
the venue printed. Must not know an endpoint.
"""

import json
import logging
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import ccxt.async_support

from hedgebot.domain.errors import ConfigError
from hedgebot.venues.connection import VenueConnection
from hedgebot.venues.endpoints import addresses, check_addresses, loopback_urls
from hedgebot.venues.replies import RawReply, rest_response_hook

Client = Any
"""An instance of a class of ccxt.async_support; ccxt is untyped."""

WATCHED = ("deribit", "okx", "binance")


class Hosts(NamedTuple):
    """The hosts that a venue's client may ask, for real money and in its test network."""

    live_hosts: frozenset[str]
    testnet_hosts: frozenset[str]


_BINANCE = frozenset({"api", "fapi", "dapi", "eapi", "papi"})
HOSTS = {
    "deribit": Hosts(frozenset({"www.deribit.com"}), frozenset({"test.deribit.com"})),
    # The test network is the same host, asked with a header.
    "okx": Hosts(frozenset({"www.okx.com"}), frozenset({"www.okx.com"})),
    "binance": Hosts(
        frozenset(f"{one}.binance.com" for one in _BINANCE),
        frozenset({"testnet.binance.vision", "testnet.binancefuture.com"}),
    ),
}


def open_client(connection: VenueConnection, observe: Callable[[RawReply], None]) -> Client:
    """One client for queries; raises ConfigError for a venue that cannot be watched or an address not allowed.

    `observe` sees every HTTP answer before the client does.
    """
    if connection.venue not in HOSTS:
        msg = f"account {connection.account}: venue is {connection.venue!r}, watched can be: {', '.join(WATCHED)}"
        raise ConfigError(msg)
    # At DEBUG the library writes keys and signatures into its log records.
    logger = logging.getLogger("ccxt")
    if logger.getEffectiveLevel() < logging.INFO:
        logger.setLevel(logging.INFO)
    make = getattr(ccxt.async_support, connection.venue)
    client = make(_settings(connection))
    hostname = client.hostname or ""
    if connection.endpoint is not None:
        client.urls["api"] = loopback_urls(client.urls["api"], connection.endpoint, hostname)
    elif connection.testnet:
        client.set_sandbox_mode(True)
    hosts = HOSTS[connection.venue]
    check_addresses(client.urls["api"], hostname, connection, hosts)
    if connection.venue == "deribit":
        # It signs with the local clock whatever was measured; the other venues' clients subtract it themselves.
        client.milliseconds = lambda: time.time_ns() // 1_000_000 - client.options["timeDifference"]
    # As shipped numbers become floats, and what the venue printed is lost.
    client.on_json_response = _exact
    client.on_rest_response = rest_response_hook(client.on_rest_response, observe)
    return client


def address_of(client: Client) -> str:
    """One address that the client asks, for a sentence."""
    return next(addresses(client.urls["api"]), "").replace("{hostname}", client.hostname or "")


def _exact(body: str) -> Any:  # noqa: ANN401  # whatever the venue wrote
    return json.loads(body, parse_float=str)


def _settings(connection: VenueConnection) -> dict[str, Any]:
    return {
        "apiKey": connection.api_key,
        "secret": connection.api_secret,
        "password": connection.api_passphrase,
        "number": str,
        "verbose": False,
        "enableRateLimit": True,
        "timeout": connection.query_timeout_ms,
        "timeout_on_exit": 0 if connection.endpoint is not None else 250,
        "options": {
            "maxRetriesOnFailure": 0,
            "recvWindow": connection.recv_window_ms,
            "adjustForTimeDifference": False,
            # Measured and set by `clock.sign_with`.
            "timeDifference": 0,
        },
    }
