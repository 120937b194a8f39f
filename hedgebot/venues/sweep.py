"""One request in place of many: cancels that are all meant, of one symbol, on an account where nobody else orders.

The venue takes ten single cancels a second, and ten in batches: fifty would take two seconds. Looks first whether an
order of anybody else is listed there; then none goes by the whole. Owns no single cancel and no outcome: what a
sweep did not reach, its caller cancels by itself.
"""

import asyncio
from typing import Any

from hedgebot.domain.client_id import decode_client_id
from hedgebot.domain.errors import VenueError
from hedgebot.venues.buckets import Budget
from hedgebot.venues.guard import FAULTS
from hedgebot.venues.pace import Way
from hedgebot.venues.queries import Queries
from hedgebot.venues.reading import as_object, as_rows, text_or_none
from hedgebot.venues.replies import listen

# Fewer need no sweep: they leave at once by themselves.
SWEEP_MIN = 5
SWEEP_S_MAX = 1.0


class Sweeper:
    """Sweeps of one account, one at a time for a symbol; a cancel that comes meanwhile joins in."""

    def __init__(self, client: Any, queries: Queries, budget: Budget) -> None:  # noqa: ANN401  # ccxt is untyped
        self._client = client
        self._queries = queries
        self._budget = budget
        self._waiting: dict[tuple[str, str], set[str]] = {}
        self._running: dict[tuple[str, str], asyncio.Task[frozenset[str]]] = {}

    async def reached(self, category: str, symbol: str, client_id: str) -> bool:
        """Whether a sweep took this order's cancel; False soon, whatever happens."""
        key = (category, symbol)
        self._waiting.setdefault(key, set()).add(client_id)
        if key not in self._running:
            self._running[key] = asyncio.create_task(self._sweep(key), name=f"sweep {symbol}")
        return client_id in await asyncio.shield(self._running[key])

    async def _sweep(self, key: tuple[str, str]) -> frozenset[str]:
        """Client ids whose cancel the venue took; none where a sweep is not allowed, not worth it, or failed."""
        try:
            await asyncio.sleep(0)  # a kill's cancels come together
            meant = self._waiting[key]
            if len(meant) < SWEEP_MIN:
                return frozenset()
            async with asyncio.timeout(SWEEP_S_MAX):
                return await self._ask(*key, {_maker(one) for one in meant})
        except (*FAULTS, VenueError, TimeoutError):
            return frozenset()
        finally:
            del self._running[key], self._waiting[key]

    async def _ask(self, category: str, symbol: str, us: set[int | None]) -> frozenset[str]:
        rows = await self._queries.orders(category, symbol=symbol)
        makers = {_maker(text_or_none(row, "orderLinkId")) for row in rows}
        if None in makers or makers - us:
            return frozenset()
        if not self._budget.wholes(category, 1):
            return frozenset()
        reply = listen()
        answer = await self._client.privatePostV5OrderCancelAll({"category": category, "symbol": symbol})
        self._budget.heard_of_cancels(Way.WHOLE, category, 1, reply, hold_s=0.0)
        taken = as_rows(as_object(as_object(answer, "the answer").get("result"), "result").get("list"), "list")
        return frozenset(one for row in taken if (one := text_or_none(row, "orderLinkId")) is not None)


def _maker(client_id: str | None) -> int | None:
    """The installation that made an order; None for one that no hedgebot made."""
    made_by = decode_client_id(client_id)
    return None if made_by is None else made_by.install
