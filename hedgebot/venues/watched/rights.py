"""What the key of a watched account may do beside reading: it needs nothing else, and whoever steals it gets no more.

Owns the question and each venue's words. Sources: Deribit public/auth (client_signature, `scope`); OKX account/config
(`perm`); Binance sapi/v1/account/apiRestrictions. Changes nothing.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from hedgebot.venues.connection import VenueConnection
from hedgebot.venues.reading import FrameProblem, Raw, as_object, as_rows, text

DERIBIT_NEEDED = ("account", "trade")
"""Scopes that must be readable: summaries and positions."""

_DERIBIT_MORE = ("account", "trade", "wallet", "block_trade", "custody", "block_rfq")
_OKX_MORE = ("trade", "withdraw")
_BINANCE_READS = "enableReading"
_BINANCE_MORE = (
    "enableWithdrawals",
    "enableInternalTransfer",
    "permitsUniversalTransfer",
    "enableFutures",
    "enableMargin",
    "enableSpotAndMarginTrading",
    "enableVanillaOptions",
    "enablePortfolioMarginTrading",
)


class Rights(NamedTuple):
    """What a key lacks to be read with, and what it may do beyond that, in the venue's words."""

    lacks: tuple[str, ...]
    more: tuple[str, ...]


async def rights_of(connection: VenueConnection, client: Any, now_ms: int) -> Rights:  # noqa: ANN401  # ccxt is untyped
    """Ask the venue; raises the client's errors and FrameProblem."""
    match connection.venue:
        case "deribit":
            answer = as_object(await client.publicGetAuth(_proof(connection, now_ms)), "the answer")
            return deribit(text(as_object(answer.get("result"), "result"), "scope").split())
        case "okx":
            rows = as_rows(as_object(await client.privateGetAccountConfig({}), "the answer").get("data"), "data")
            return okx(rows)
        case _:
            return binance(as_object(await client.sapiGetAccountApiRestrictions({}), "the answer"))


def deribit(scope: Iterable[str]) -> Rights:
    """By the words of a scope, such as `trade:read_write`."""
    levels: Mapping[str, str] = dict(one.split(":", 1) for one in scope if ":" in one)
    lacks = tuple(f"{one}:read" for one in DERIBIT_NEEDED if not levels.get(one, "").startswith("read"))
    return Rights(lacks, tuple(f"{one}:read_write" for one in _DERIBIT_MORE if levels.get(one) == "read_write"))


def okx(rows: tuple[Raw, ...]) -> Rights:
    """By `perm`, such as `read_only,trade`. FrameProblem where the venue does not say."""
    if not rows:
        msg = "the account's configuration is empty"
        raise FrameProblem(msg)
    granted = text(rows[0], "perm").split(",")
    return Rights(() if "read_only" in granted else ("read_only",), tuple(one for one in _OKX_MORE if one in granted))


def binance(row: Raw) -> Rights:
    """By the restrictions of the key."""
    reads = row.get(_BINANCE_READS) is True
    return Rights(() if reads else (_BINANCE_READS,), tuple(one for one in _BINANCE_MORE if row.get(one) is True))


def _proof(connection: VenueConnection, now_ms: int) -> dict[str, str]:
    """The key's signature over the moment: the secret itself is never sent."""
    stamp, nonce = str(now_ms), "doctor"
    signed = hmac.new(connection.api_secret.encode(), f"{stamp}\n{nonce}\n".encode(), hashlib.sha256).hexdigest()
    return {
        "grant_type": "client_signature",
        "client_id": connection.api_key,
        "timestamp": stamp,
        "nonce": nonce,
        "signature": signed,
        "data": "",
    }
