"""The two instances of the unmodified client, and everything that is pinned in them.

One carries streams and orders without a limiter (our own budget bounds it), the other queries, with one. Owns
construction only; must not be asked for markets or money.
"""

import logging
from collections.abc import Callable
from typing import Any

import ccxt.pro

from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.connection import VenueConnection
from hedgebot.venues.endpoints import check_addresses, loopback_urls
from hedgebot.venues.replies import RawReply, rest_response_hook

Client = Any
"""An instance of ccxt.pro.bybit; ccxt is untyped."""


def open_clients(connection: VenueConnection, observe: Callable[[RawReply], None]) -> tuple[Client, Client]:
    """The client for streams and orders, and the client for queries; raises ConfigError for an address not allowed.

    `observe` sees every HTTP answer before the client does.
    """
    # At DEBUG the library writes keys and signatures into its log records.
    logger = logging.getLogger("ccxt")
    if logger.getEffectiveLevel() < logging.INFO:
        logger.setLevel(logging.INFO)
    stream = _construct(connection, _stream_settings(connection), observe)
    return stream, open_query_client(connection, observe)


def open_query_client(connection: VenueConnection, observe: Callable[[RawReply], None]) -> Client:
    """One client for queries; raises ConfigError for an address not allowed."""
    return _construct(connection, _query_settings(connection), observe)


def _construct(connection: VenueConnection, settings: dict[str, Any], observe: Callable[[RawReply], None]) -> Client:
    client = ccxt.pro.bybit(settings)
    if connection.testnet and connection.endpoint is None:
        client.set_sandbox_mode(True)
    check_addresses(client.urls["api"], client.hostname, connection, BYBIT)
    client.on_rest_response = rest_response_hook(client.on_rest_response, observe)
    return client


def _common(connection: VenueConnection) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "apiKey": connection.api_key,
        "secret": connection.api_secret,
        # Exact strings end to end; Decimal at our boundary.
        "number": str,
        "verbose": False,
    }
    if connection.endpoint is not None:
        plain = ccxt.pro.bybit()
        # The pause after closing is for encrypted connections.
        settings["timeout_on_exit"] = 0
        settings["urls"] = {"api": loopback_urls(plain.urls["api"], connection.endpoint, plain.hostname)}
    return settings


def _options(connection: VenueConnection) -> dict[str, Any]:
    return {
        # A create that failed is never sent again by the library: that is how one order becomes two.
        "maxRetriesOnFailure": 0,
        "recvWindow": connection.recv_window_ms,
        "adjustForTimeDifference": False,
        "fetchMarkets": {
            "types": ["spot", "linear", "inverse", "option"],
            "options": list(BYBIT.option_coins),
            # One page of options is not all of them.
            "loadAllOptions": True,
        },
    }


def _stream_settings(connection: VenueConnection) -> dict[str, Any]:
    options = _options(connection)
    # Every execution type: the default drops deliveries and block trades, which move the position.
    options["watchMyTrades"] = {"execType": None}
    # Its own snapshot knows neither USDC contracts nor options; ours is complete.
    options["watchPositions"] = {"fetchPositionsSnapshot": False, "awaitPositionsSnapshot": False}
    # Without its limiter and without compression, which costs more than it saves on small frames.
    options["ws"] = {"cost": 0, "compress": 0}
    return {
        **_common(connection),
        "enableRateLimit": False,
        # Ours ends first: two clocks for one deadline would give two sorts of answers.
        "timeout": connection.order_timeout_ms + 1_000,
        "options": options,
        "streaming": {"keepAlive": connection.keep_alive_ms},
    }


def _query_settings(connection: VenueConnection) -> dict[str, Any]:
    return {
        **_common(connection),
        "enableRateLimit": True,
        # Gives credit for idle time; 5 tokens a call and 500 in 5 s are 20 calls a second, of 50 allowed.
        "rateLimiterAlgorithm": "rollingWindow",
        "rateLimit": 10,
        "timeout": connection.query_timeout_ms,
        "options": _options(connection),
    }
