"""Client of the simulated exchange's admin plane: its truth, and the switch of its client's trading. Loopback only."""

import http.client
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import msgspec
import orjson

from hedgebot.domain.errors import DataError, VenueUnreachable

TIMEOUT_S = 10.0


class TruthOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order as the exchange has it; `client_id` is None where none was given."""

    instrument: str
    client_id: str | None


class TruthPosition(msgspec.Struct, frozen=True, kw_only=True):
    """One derivative position; `contracts` signed."""

    instrument: str
    contracts: Decimal


class TruthCoin(msgspec.Struct, frozen=True, kw_only=True):
    """One coin's cash."""

    coin: str
    wallet: Decimal


class TruthWallet(msgspec.Struct, frozen=True, kw_only=True):
    """All coins of an account."""

    coins: tuple[TruthCoin, ...]


class TruthFunding(msgspec.Struct, frozen=True, kw_only=True):
    """One funding payment; `cost` > 0 was paid by the account, in `coin`."""

    exec_id: str
    cost: Decimal
    coin: str
    at_ns: int


class TruthExecution(msgspec.Struct, frozen=True, kw_only=True):
    """One execution as the exchange has it; `kind` is its word for why."""

    instrument: str
    kind: str
    qty_contracts: Decimal


class TruthAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One account as the exchange has it: every order, executions, funding payments, open positions, coins."""

    orders: tuple[TruthOrder, ...]
    executions: tuple[TruthExecution, ...] = ()
    funding: tuple[TruthFunding, ...] = ()
    positions: tuple[TruthPosition, ...]
    wallet: TruthWallet


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the exchange knows and the daemon can only hear of."""

    accounts: dict[str, TruthAccount]


class Admin:
    """The admin plane of one simulated exchange."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80

    def truth(self) -> Truth:
        """What there really is; raises VenueUnreachable, or DataError for another shape."""
        answer = self._ask("GET", "/admin/truth")
        try:
            return msgspec.convert(answer, Truth, strict=False)
        except msgspec.ValidationError as error:
            raise DataError(f"the exchange's truth cannot be read: {error}") from None

    def client_flow(self, *, enabled: bool) -> None:
        """Switch the simulated client's trading on or off."""
        self._ask("POST", "/admin/flow", {"enabled": enabled})

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401  (JSON)
        link = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        try:
            text = b"" if body is None else orjson.dumps(body)
            link.request(method, path, body=text, headers={"Content-Type": "application/json"})
            reply = link.getresponse()
            data = reply.read()
        except OSError as error:
            raise VenueUnreachable(
                f"the simulated exchange at {self._host}:{self._port} does not answer: {error}"
            ) from None
        finally:
            link.close()
        if reply.status != http.client.OK:
            raise DataError(f"the simulated exchange answered {method} {path} with {reply.status}")
        return orjson.loads(data) if data else None
