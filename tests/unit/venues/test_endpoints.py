from typing import Any

import pytest

from hedgebot.domain.errors import ConfigError
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.endpoints import addresses, check_addresses, check_endpoint, is_loopback, loopback_urls
from tests.unit.venues.double import connection

TREE: dict[str, Any] = {
    "public": "https://api.{hostname}",
    "ws": {"public": {"spot": "wss://stream.{hostname}/v5/public/spot"}, "trade": "wss://stream.bybit.com/v5/trade"},
}


def test_the_host_moves_into_the_path() -> None:
    assert loopback_urls(TREE, "http://127.0.0.1:8700", "bybit.com") == {
        "public": "http://127.0.0.1:8700/api.bybit.com",
        "ws": {
            "public": {"spot": "ws://127.0.0.1:8700/stream.bybit.com/v5/public/spot"},
            "trade": "ws://127.0.0.1:8700/stream.bybit.com/v5/trade",
        },
    }


@pytest.mark.parametrize(
    "endpoint", ["http://example.org:80", "https://127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1/x"]
)
def test_only_a_plain_loopback_address_is_an_endpoint(endpoint: str) -> None:
    with pytest.raises(ConfigError, match="must be a loopback address"):
        check_endpoint(endpoint)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        (None, False),
        ("10.0.0.1", False),
        ("api.bybit.com", False),
    ],
)
def test_loopback(host: str | None, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_loopback_mode_refuses_one_real_address_among_many() -> None:
    mapped = loopback_urls(TREE, "http://127.0.0.1:8700", "bybit.com")
    check_addresses(mapped, "bybit.com", connection("http://127.0.0.1:8700"), BYBIT)
    mapped["ws"]["trade"] = TREE["ws"]["trade"]
    with pytest.raises(ConfigError, match=r"stream\.bybit\.com/v5/trade is not allowed in loopback mode"):
        check_addresses(mapped, "bybit.com", connection("http://127.0.0.1:8700"), BYBIT)


def test_testnet_never_holds_a_live_address_and_live_no_test_address() -> None:
    live, testnet = connection("", endpoint=None), connection("", endpoint=None, testnet=True)
    check_addresses(TREE, "bybit.com", live, BYBIT)
    with pytest.raises(ConfigError, match="not allowed in testnet mode"):
        check_addresses(TREE, "bybit.com", testnet, BYBIT)
    with pytest.raises(ConfigError, match="not allowed in live mode"):
        check_addresses({"public": "https://api-testnet.bybit.com"}, "bybit.com", live, BYBIT)
    with pytest.raises(ConfigError, match="not allowed in live mode"):
        check_addresses({"public": "http://api.bybit.com"}, "bybit.com", live, BYBIT)


def test_every_address_is_seen() -> None:
    assert len(list(addresses(TREE))) == 3
