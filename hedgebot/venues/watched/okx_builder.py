"""OKX's own what-if: POST account/position-builder on the real positions, without and with one more. Owns the request.

Amounts are in USD and make the use; `marginRatio` of the answer (down is bad) is not read: no published number of it
was ever reproduced (margin reference section 6.4). Not in single-currency margin; two calls in two seconds. The initial
margin of multi-currency margin hangs on a leverage that the order's words do not name: unknown. Places nothing.
"""

from decimal import Decimal
from typing import Any

from hedgebot.domain.decimals import plain
from hedgebot.domain.errors import VenueError
from hedgebot.domain.health import AccountHealth
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.reports import WatchedPosition
from hedgebot.domain.whatif import OrderKind, VenueNumbers, WantedOrder, WatchedNumbers
from hedgebot.venues.reading import FrameProblem, Raw, as_object, as_rows, float_or_none, number, text
from hedgebot.venues.watched.okx import OkxReader
from hedgebot.venues.watched.sizes import contracts_of
from hedgebot.venues.watched.turns import Turns

CALL_S = 1.0
_PORTFOLIO = "4"
JUDGED = {"3": "multi-currency margin", _PORTFOLIO: "portfolio margin"}
"""Levels of an account (acctLv) that the call knows."""


class OkxBuilder:
    """Asks for one account."""

    def __init__(self, client: Any, reader: OkxReader) -> None:  # noqa: ANN401  # ccxt is untyped
        self._client = client
        self._reader = reader
        self._turns = Turns(CALL_S)

    async def ask(self, order: WantedOrder) -> WatchedNumbers:
        """The account's margins before and after; raises the client's errors, FrameProblem and VenueError."""
        if order.kind is not OrderKind.PERP:
            msg = f"the builder is asked for perpetuals; a {order.kind} is not"
            raise VenueError(msg)
        rules = await self._reader.instrument(f"{order.underlying}-USDT-SWAP", "SWAP")
        mark = await self._mark(rules)
        contracts = contracts_of(order, rules, mark)
        signed = contracts * order.side.sign
        level = await self._level()
        before = await self._build(level, [])
        added = {"instId": rules.symbol, "pos": plain(signed), "avgPx": plain(mark)}
        after = await self._build(level, [added])
        theirs = VenueNumbers(
            initial_before=before.initial_use if level == _PORTFOLIO else None,
            initial_after=after.initial_use if level == _PORTFOLIO else None,
            maintenance_before=before.use,
            maintenance_after=after.use,
        )
        position = WatchedPosition(rules=rules, contracts=float(signed), mark=float(mark))
        return WatchedNumbers(position=position, theirs=theirs)

    async def _level(self) -> str:
        """How the account margins; VenueError where the call does not know that."""
        level = text(_first(await self._client.privateGetAccountConfig({})), "acctLv")
        if level not in JUDGED:
            msg = f"the account is at level {level}: the venue's what-if knows {' and '.join(JUDGED.values())}"
            raise VenueError(msg)
        return level

    async def _mark(self, rules: Instrument) -> Decimal:
        wanted = {"instType": "SWAP", "instId": rules.symbol}
        return number(_first(await self._client.publicGetPublicMarkPrice(wanted)), "markPx")

    async def _build(self, level: str, added: list[dict[str, str]]) -> AccountHealth:
        await self._turns.take()
        wish: dict[str, Any] = {"acctLv": level, "inclRealPosAndEq": True}
        if added:
            wish["simPos"] = added
        return account_of(_first(await self._client.privatePostAccountPositionBuilder(wish)))


def _first(answer: object) -> Raw:
    rows = as_rows(as_object(answer, "the answer").get("data"), "data")
    if not rows:
        msg = "the answer has no data"
        raise FrameProblem(msg)
    return rows[0]


def account_of(row: Raw) -> AccountHealth:
    """The account of one answer, in USD."""
    return AccountHealth(
        venue="okx",
        account="position builder",
        unit="USD",
        equity=float_or_none(row, "eq"),
        initial=float_or_none(row, "totalImr"),
        maintenance=float_or_none(row, "totalMmr"),
    )
