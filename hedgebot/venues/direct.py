"""The last way to cancel: a process and a client of its own, without daemon, journal, engine or websocket.

Lists what is alive in every category, cancels what is ours, and lists again until nothing of ours is left or the time
is up; then looks for executions that came meanwhile. Says what it could not prove; must not open, change or close a
position.
"""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from typing import Any

import msgspec

from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.orders import OrderStatus
from hedgebot.venues.buckets import Budget, Purpose
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.client import open_query_client
from hedgebot.venues.clock import measure, sign_with
from hedgebot.venues.connection import VenueConnection
from hedgebot.venues.guard import FAULTS
from hedgebot.venues.orders import LIMIT_WINDOW_S
from hedgebot.venues.pace import Share, Way
from hedgebot.venues.profile import SubQuery
from hedgebot.venues.queries import Queries
from hedgebot.venues.reading import Raw, number_or_none, text, text_or_none
from hedgebot.venues.replies import bare_sentence, listen

# Of so many orders and fewer each goes by itself, also where one request could take them all.
FEW_MAX = 10
# So often many orders that are still alive go as a whole; then one by one, whatever the reason was.
WHOLES_MAX = 3
PAUSE_S = 0.2
# Orders that the venue takes within this time are asked for from the listing at hand, and at that very moment.
SOON_S = 0.5
END_ASKS_MAX = 10
EXECUTION_ASKS_MAX = 3
CLOCK_WAIT_S = 2.0
THROTTLED = "10006"
_ENDPOINTS = {Way.SINGLE: "Cancel", Way.BATCH: "CancelBatch", Way.WHOLE: "CancelAll"}

Ask = Callable[..., Awaitable[tuple[Raw, ...]]]
IsOurs = Callable[[str | None], bool]
"""Whether an order with this client id is ours to cancel."""


class DirectCancel(msgspec.Struct, frozen=True, kw_only=True):
    """What was done for one account. Seconds count from the start; None where it did not come to that.

    Of the orders that were alive `cancelled` names those that the venue says were cancelled with nothing filled,
    `filled` those that were filled, whole or in part (with how much), also one that came and went between two listings:
    a position came of them. `unproven` has a sentence for each thing that could not be proven: empty means that a whole
    listing shows nothing of ours, and that the venue said how each order ended. `left_alone` counts other people's.
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
    whole: bool = False,
    within_s: float,
    settle_s: Callable[[], float],
    now_ns: Callable[[], int],
    now_s: Callable[[], float],
) -> DirectCancel:
    """Cancel every order of ours on one account; never raises for trouble of the venue or the network.

    A daemon that hangs may have sent an order that the venue still accepts: only a listing asked for `settle_s()`
    seconds after the start proves anything. With `whole` (nobody else orders on this account, or everybody's orders are
    meant) many orders of a symbol go by one request, where none but ours is listed there. Without it never: an order
    that somebody else places between the listing and that request would be cancelled with ours. `now_ns` is the wall
    clock, `now_s` a monotonic one. Raises ConfigError for an address that is not allowed.
    """
    client = open_query_client(connection, observe=lambda _reply: None)
    # Its limiter would queue cancels behind listings; the venue's limits of cancels are kept here.
    client.enableRateLimit = False
    work = _Work(connection, client, is_ours, now_s, whole=whole)
    try:
        async with asyncio.timeout(within_s):
            await work.set_clock(now_ns)
            await work.run(settle_s)
            await work.find_executed()
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
        *,
        whole: bool,
    ) -> None:
        self._connection = connection
        self._client = client
        self._is_ours = is_ours
        self._now_s = now_s
        self._whole = whole
        self._started_s = now_s()
        self._started_ms = 0
        self._budget = Budget(BYBIT, now_s)
        self._queries = Queries(client, BYBIT, self._budget)
        # How often each order was asked for: one that was not yet comes first.
        self._asked: Counter[str] = Counter()
        self._seen: dict[str, str] = {}
        self._where: dict[str, tuple[str, str]] = {}
        self._ends: dict[str, _End] = {}
        self._alive: dict[str, str] = {}
        self._others = 0
        self._mixed: set[tuple[str, str]] = set()
        self._wiped: Counter[tuple[str, str]] = Counter()
        self._problems: list[str] = ["nothing was listed"]
        self._last_request_s: float | None = None
        self._verified_s: float | None = None

    async def set_clock(self, now_ns: Callable[[], int]) -> None:
        """Sign with the venue's time where it can be had; a wrong clock must not stop a kill that would work."""
        self._started_ms = now_ns() // NS_PER_MS
        with contextlib.suppress(*FAULTS, TimeoutError):
            async with asyncio.timeout(CLOCK_WAIT_S):
                measured = await measure(self._connection.account, self._client, now_ns)
                sign_with(measured, self._client)
                self._started_ms += round(measured.offset_ms)

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

    async def find_executed(self) -> None:
        """Orders of ours that came and were filled between two listings: their executions since the start tell.

        What cannot be listed is asked for again: a first request of a new connection may be too old when it comes.
        """
        since, parts = {"startTime": str(self._started_ms)}, BYBIT.executions
        for left in reversed(range(EXECUTION_ASKS_MAX)):
            failed = []
            for part, rows in await self._ask_all(self._queries.executions, parts, since):
                if not isinstance(rows, BaseException):
                    self._note_executed(part, rows)
                elif left:
                    failed.append(part)
                else:
                    self._problems.append(
                        f"executions of {part.label} were not listed ({bare_sentence(rows)}): what came and was filled "
                        "between two looks is not known"
                    )
            if not (parts := tuple(failed)):
                return
            await asyncio.sleep(PAUSE_S)

    def _note_executed(self, part: SubQuery, rows: tuple[Raw, ...]) -> None:
        for row in rows:
            if self._is_ours(text_or_none(row, "orderLinkId")) and text_or_none(row, "orderId"):
                self._note(part.category, row)

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
        found: dict[str, list[Raw]] = defaultdict(list)
        self._alive, self._problems, self._others, self._mixed = {}, [], 0, set()
        for part, rows in await self._ask_all(self._queries.orders, BYBIT.open_orders, {}):
            if isinstance(rows, BaseException):
                self._problems.append(f"open orders of {part.label} were not listed ({bare_sentence(rows)})")
                continue
            for row in rows:
                if self._is_ours(text_or_none(row, "orderLinkId")):
                    order_id = self._note(part.category, row)
                    self._alive[order_id] = self._seen[order_id]
                    found[part.category].append(row)
                else:
                    self._others += 1
                    self._mixed.add((part.category, _reach(part.category, row)))
        return found

    async def _ask_all(
        self, ask: Ask, parts: tuple[SubQuery, ...], narrow: dict[str, str]
    ) -> list[tuple[SubQuery, tuple[Raw, ...] | BaseException]]:
        """All parts of a listing at once, each with its rows or with the trouble of the venue or the network."""
        listed = await asyncio.gather(
            *(ask(part.category, **part.narrow, **narrow) for part in parts), return_exceptions=True
        )
        for rows in listed:
            if isinstance(rows, BaseException) and not isinstance(rows, FAULTS):
                raise rows
        return list(zip(parts, listed, strict=True))

    def _note(self, category: str, row: Raw) -> str:
        """Remember an order of ours, and where it is asked about; its id at the venue."""
        order_id = text(row, "orderId")
        self._seen[order_id] = text_or_none(row, "orderLinkId") or order_id
        self._where[order_id] = (category, text(row, "symbol"))
        return order_id

    async def _cancel(self, category: str, rows: list[Raw]) -> None:
        """Ask for as many cancels as the venue takes soon: whole symbols where they are ours alone, singly, in batches.

        Each way has a limit of its own (`pace.py`). Whatever an answer says, the next listing judges, and what is still
        alive is asked for again, order by order.
        """
        asked = []
        for reach in self._whole_reaches(category, rows):
            self._wiped[category, reach] += 1
            whole = {"category": category, **({"symbol": reach} if reach else {})}
            asked.append(asyncio.create_task(self._ask(Way.WHOLE, whole)))
            rows = [row for row in rows if _reach(category, row) != reach]
        named = sorted(rows, key=lambda row: self._asked[text(row, "orderId")])
        soon_s = self._now_s() + SOON_S
        while named:
            share = self._budget.cancels(category, len(named), http=True)
            mine, named = named[: share.orders], named[share.orders :]
            asked += [asyncio.create_task(self._ask(*one)) for one in self._requests(category, mine, share)]
            wait_s = self._budget.wait_s(Purpose.CANCEL, category)
            if not named or self._now_s() + wait_s > soon_s:
                break
            await asyncio.sleep(wait_s)
        await asyncio.gather(*asked)

    def _requests(self, category: str, rows: list[Raw], share: Share) -> Iterator[tuple[Way, dict[str, Any]]]:
        """The requests that take these orders, each counted as asked for."""
        names = [{"symbol": text(row, "symbol"), "orderId": text(row, "orderId")} for row in rows]
        self._asked.update(one["orderId"] for one in names)
        for one in names[: share.singles]:
            yield Way.SINGLE, {"category": category, **one}
        at = share.singles
        for size in share.batches:
            yield Way.BATCH, {"category": category, "request": names[at : at + size]}
            at += size

    def _whole_reaches(self, category: str, rows: list[Raw]) -> list[str]:
        """Symbols to cancel as a whole: several orders, all of them ours by the listing just taken."""
        if not self._whole or len(rows) <= FEW_MAX:
            return []
        held = Counter(_reach(category, row) for row in rows)
        barred = self._mixed | {one for one, count in self._wiped.items() if count >= WHOLES_MAX}
        meant = [one for one, count in held.most_common() if count > 1 and (category, one) not in barred]
        return meant[: self._budget.wholes(category, len(meant))]

    async def _ask(self, way: Way, request: dict[str, Any]) -> None:
        self._last_request_s = self._elapsed_s()
        reply = listen()
        with contextlib.suppress(*FAULTS):
            await getattr(self._client, f"privatePostV5Order{_ENDPOINTS[way]}")(request)
        hold_s = LIMIT_WINDOW_S if reply.code == THROTTLED else 0.0
        orders = len(request.get("request", (request,)))
        self._budget.heard_of_cancels(way, request["category"], orders, reply, hold_s=hold_s)

    def _elapsed_s(self) -> float:
        return round(self._now_s() - self._started_s, 3)


def _reach(category: str, row: Raw) -> str:
    """What one request for all orders covers: a symbol, or (empty) all options, of which it takes one a second."""
    return "" if category == "option" else text(row, "symbol")
