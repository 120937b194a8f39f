"""Addresses: which ones each mode may contain, and the map of a venue's addresses onto a simulated exchange.

A client pointed at loopback must not hold one real address, and a test key must never reach the live venue.
"""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any, Protocol
from urllib.parse import urlsplit

from hedgebot.domain.errors import ConfigError
from hedgebot.venues.connection import VenueConnection

Tree = dict[str, Any]
"""ccxt's `urls['api']`: nested dictionaries with addresses at the leaves."""


def is_loopback(host: str | None) -> bool:
    """Whether a host name or address means this machine."""
    if host is None:
        return False
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_endpoint(endpoint: str) -> str:
    """The base address of a simulated exchange without a trailing slash; raises ConfigError when it is not one."""
    parts = urlsplit(endpoint)
    if parts.scheme != "http" or not is_loopback(parts.hostname) or parts.path not in {"", "/"}:
        msg = f"endpoint is {endpoint!r}, it must be a loopback address such as http://127.0.0.1:8700"
        raise ConfigError(msg)
    return endpoint.rstrip("/")


def loopback_urls(tree: Tree, endpoint: str, hostname: str) -> Tree:
    """Map each `scheme://host/path` to `endpoint/host/path`, web sockets with the scheme ws.

    The host stays in the path, so that one server can tell the venue's hosts apart.
    """
    base = check_endpoint(endpoint)
    mapped: Tree = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            mapped[key] = loopback_urls(value, endpoint, hostname)
            continue
        parts = urlsplit(str(value).replace("{hostname}", hostname))
        start = base.replace("http://", "ws://", 1) if parts.scheme in {"ws", "wss"} else base
        mapped[key] = f"{start}/{parts.netloc}{parts.path}"
    return mapped


def addresses(tree: Tree) -> Iterator[str]:
    """Every address of a tree."""
    for value in tree.values():
        if isinstance(value, dict):
            yield from addresses(value)
        else:
            yield str(value)


class Hosts(Protocol):
    """The hosts that a venue's client may ask."""

    @property
    def live_hosts(self) -> frozenset[str]:
        """For real money."""

    @property
    def testnet_hosts(self) -> frozenset[str]:
        """In the test network."""


def check_addresses(tree: Tree, hostname: str, connection: VenueConnection, profile: Hosts) -> None:
    """Hold every address against the mode's allow-list; raises ConfigError that names the first one outside of it.

    Loopback mode: loopback hosts over plain http and ws. Otherwise: the mode's hosts over https and wss.
    """
    if connection.endpoint is not None:
        mode, hosts, schemes = "loopback", None, {"http", "ws"}
    elif connection.testnet:
        mode, hosts, schemes = "testnet", profile.testnet_hosts, {"https", "wss"}
    else:
        mode, hosts, schemes = "live", profile.live_hosts, {"https", "wss"}
    for address in addresses(tree):
        parts = urlsplit(address.replace("{hostname}", hostname))
        allowed = is_loopback(parts.hostname) if hosts is None else parts.hostname in hosts
        if parts.scheme not in schemes or not allowed:
            msg = f"account {connection.account}: the address {address} is not allowed in {mode} mode"
            raise ConfigError(msg)
