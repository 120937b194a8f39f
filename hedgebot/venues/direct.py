"""The last way to cancel: a process and a client of its own, without daemon, journal, engine or websocket.

Lists what is alive in every category, cancels what is ours, and lists again until nothing of ours is left or the time
is up. Says what it could not prove; must not open, change or close a position.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from hedgebot.domain.orders import OrderStatus
from hedgebot.venues.buckets import Budget
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.client import open_query_client
from hedgebot.venues.clock import measure, sign_with
from hedgebot.venues.connection import VenueConnection
from hedgebot.venues.guard import FAULTS
from hedgebot.venues.queries import Queries
from hedgebot.venues.reading import Raw, number_or_none, text, text_or_none

# [D] order/batch-cancel: ten orders a request are allowed in every category. [D] rate-limit: ten cancels a second.
BATCH_MAX = 10
PER_SECOND = 10
PAUSE_S = 0.2
END_ASKS_MAX = 10
CLOCK_WAIT_S = 2.0

IsOurs = Callable[[str | None], bool]
"""Whether an order with this client id is ours to cancel."""


class DirectCancel(msgspec.Struct, frozen=True, kw_only=True):
    """What was done for one account. Seconds count from the start; None where it did not come to that.

    Of the orders that were alive `cancelled` names those that the venue says were cancelled with nothing filled,
    `filled` those that were filled, whole or in part (with how much): a position came of them. `unproven` has a
    sentence for each thing that could not be proven: empty means that a whole listing shows nothing of ours, and that
    the venue said how each order ended. `left_alone` counts other people's.
    """

    account: str
    cancelled: tuple[str, ...]
    left_alone: int
    unproven: tuple[str, ...]
    filled: tuple[str, ...] = ()
    last_request_s: float | None
    verified_s: float | None


async def cancel_directly(
    connection: VenueConnection,
    is_ours: IsOurs,
    *,
    within_s: float,
    settle_s: Callable[[], float],
    now_ns: Callable[[], int],
    now_s: Callable[[], float],
) -> DirectCancel:
    """Cancel every order of ours on one account; never raises for trouble of the venue or the network.

    A daemon that hangs may have sent an order that the venue still accepts: only a listing asked for `settle_s()`
    seconds after the start proves anything. `now_ns` is the wall clock, `now_s` a monotonic one. Raises ConfigError for
    an address that is not allowed.
    """
    client = open_query_client(connection, observe=lambda _reply: None)
    # Its limiter would queue cancels behind listings; the venue's own limits are met by asking again.
    client.enableRateLimit = False
    work = _Work(connection, client, is_ours, now_s)
    try:
        async with asyncio.timeout(within_s):
            await work.set_clock(now_ns)
            await work.run(settle_s)
            await work.learn_ends()
    except TimeoutError:
        work.out_of_time(within_s)
    finally:
        await client.close()
    return work.report()


class _End(msgspec.Struct, frozen=True, kw_only=True):
    """How an order ended, by the venue's own word; `filled` is None where it did not say how much."""

    status: OrderStatus
    filled: Decimal | None

    @property
    def is_clean(self) -> bool:
        """Whether nothing came of it."""
        return self.status is not OrderStatus.FILLED and self.filled is not None and not self.filled

    def words(self, name: str) -> str:
        """The order with what was filled of it."""
        much = "an amount that the venue does not say" if self.filled is None else f"{self.filled:f}"
        return f"{name}: {much} filled ({self.status})"


class _Work:
    """One account's listing and cancelling, over and over."""

    def __init__(
        self,
        connection: VenueConnection,
        client: Any,  # noqa: ANN401  # ccxt is untyped
        is_ours: IsOurs,
        now_s: Callable[[], float],
    ) -> None:
        self._connection = connection
        self._client = client
        self._is_ours = is_ours
        self._now_s = now_s
        self._started_s = now_s()
        self._queries = Queries(client, BYBIT, Budget(BYBIT, now_s))
        self._seen: dict[str, str] = {}
        self._where: dict[str, tuple[str, str]] = {}
        self._ends: dict[str, _End] = {}
        self._alive: dict[str, str] = {}
        self._others = 0
        self._problems: list[str] = ["nothing was listed"]
        self._last_request_s: float | None = None
        self._verified_s: float | None = None

    async def set_clock(self, now_ns: Callable[[], int]) -> None:
        """Sign with the venue's time where it can be had; a wrong clock must not stop a kill that would work."""
        try:
            async with asyncio.timeout(CLOCK_WAIT_S):
                sign_with(await measure(self._connection.account, self._client, now_ns), self._client)
        except (*FAULTS, TimeoutError):
            return

    async def run(self, settle_s: Callable[[], float]) -> None:
        """Until a whole listing, asked for late enough, shows nothing of ours."""
        while True:
            asked_s = self._elapsed_s()
            by_category = await self._list()
            if asked_s >= settle_s() and not self._alive and not self._problems:
                self._verified_s = self._elapsed_s()
                return
            await asyncio.gather(*(self._cancel(category, rows) for category, rows in by_category.items()))
            await asyncio.sleep(PAUSE_S)

    async def learn_ends(self) -> None:
        """How each order that was alive ended: one that is gone may have been filled before its cancel came."""
        for _ in range(END_ASKS_MAX):
            left = [one for one in self._seen if one not in self._ends and one not in self._alive]
            if not left:
                return
            await asyncio.gather(*(self._learn_end(one) for one in left))
            if any(one not in self._ends for one in left):
                await asyncio.sleep(PAUSE_S)

    async def _learn_end(self, order_id: str) -> None:
        category, symbol = self._where[order_id]
        for ask in (self._queries.orders, self._queries.order_history):
            narrow = {"symbol": symbol, "orderId": order_id}
            if ask == self._queries.orders:
                narrow["openOnly"] = "1"
            with contextlib.suppress(*FAULTS):
                for row in await ask(category, **narrow):
                    status = BYBIT.order_statuses.get(text_or_none(row, "orderStatus") or "")
                    if row.get("orderId") == order_id and status is not None and status.is_terminal:
                        self._ends[order_id] = _End(status=status, filled=number_or_none(row, "cumExecQty"))
                        return

    def out_of_time(self, within_s: float) -> None:
        """Note that the time was up before there was proof."""
        self._problems.append(f"not done within {within_s:g} s")

    def report(self) -> DirectCancel:
        """What came of it."""
        unproven = [*self._problems, *(f"order {name} was alive when last seen" for name in self._alive.values())]
        ends = {name: self._ends.get(key) for key, name in self._seen.items() if key not in self._alive}
        unproven += [
            f"order {name} is not open any more, and how it ended the venue has not said"
            for name, end in ends.items()
            if end is None
        ]
        return DirectCancel(
            account=self._connection.account,
            cancelled=tuple(name for name, end in ends.items() if end is not None and end.is_clean),
            filled=tuple(end.words(name) for name, end in ends.items() if end is not None and not end.is_clean),
            left_alone=self._others,
            unproven=tuple(unproven),
            last_request_s=self._last_request_s,
            verified_s=self._verified_s,
        )

    async def _list(self) -> dict[str, list[Raw]]:
        """Orders of ours by category; what could not be listed is a problem, and then nothing is proven."""
        problems: list[str] = []
        found: dict[str, list[Raw]] = defaultdict(list)
        others = 0
        listed = await asyncio.gather(
            *(self._queries.orders(part.category, **part.narrow) for part in BYBIT.open_orders),
            return_exceptions=True,
        )
        alive: dict[str, str] = {}
        for part, rows in zip(BYBIT.open_orders, listed, strict=True):
            if isinstance(rows, BaseException):
                if not isinstance(rows, FAULTS):
                    raise rows
                problems.append(f"open orders of {part.label} were not listed ({_sentence(rows)})")
                continue
            for row in rows:
                client_id = text_or_none(row, "orderLinkId")
                if not self._is_ours(client_id):
                    others += 1
                    continue
                order_id = text(row, "orderId")
                alive[order_id] = client_id or order_id
                self._where[order_id] = (part.category, text(row, "symbol"))
                found[part.category].append(row)
        self._alive, self._problems, self._others = alive, problems, others
        self._seen |= alive
        return found

    async def _cancel(self, category: str, rows: list[Raw]) -> None:
        """Ask for as many cancels as the venue takes in a second, both ways: singly and in a batch.

        Batches and single requests have limits of their own ([D] rate-limit). Whatever an answer says, the next listing
        judges, and what is still alive is asked for again.
        """
        named = [{"symbol": text(row, "symbol"), "orderId": text(row, "orderId")} for row in rows]
        single, batch = named[:PER_SECOND], named[PER_SECOND : PER_SECOND + BATCH_MAX]
        asked = [self._ask("Cancel", {"category": category, **one}) for one in single]
        if batch:
            asked.append(self._ask("CancelBatch", {"category": category, "request": batch}))
        await asyncio.gather(*asked)

    async def _ask(self, what: str, request: dict[str, Any]) -> None:
        self._last_request_s = self._elapsed_s()
        with contextlib.suppress(*FAULTS):
            await getattr(self._client, f"privatePostV5Order{what}")(request)

    def _elapsed_s(self) -> float:
        return round(self._now_s() - self._started_s, 3)


def _sentence(error: BaseException) -> str:
    """The error without anything that a request carried."""
    words = str(error).partition("\n")[0].partition("?")[0]
    return f"{type(error).__name__}: {words[:120]}"
