"""Cancels that wait for the venue's limits: those of one moment leave together, singly and in batches side by side.

Owns the waiting and who goes which way; how a request is made and what its answer means is `orders.py`'s. Never sends
one again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from hedgebot.venues.asking import Said
from hedgebot.venues.buckets import Budget, Purpose
from hedgebot.venues.profile import Verdict

# A ban or a hold may end, and the trade socket may come up, while cancels wait: so often that is looked at.
LOOK_S = 0.25
WAIT_S_MIN = 0.001


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """An order to cancel, as a batch names it."""

    symbol: str
    client_id: str


SendBatch = Callable[[str, Sequence[Named]], Awaitable[Sequence[Said]]]
"""Sends one batch of a category: what was said of each order, in order."""

_TWICE = Said(verdict=Verdict.UNKNOWN, code="local:twice", message="the same cancel was waiting already and leaves now")


class CancelQueue:
    """Cancels of one account. `by_socket` tells whether single ones would go over the trade socket now."""

    def __init__(self, budget: Budget, by_socket: Callable[[], bool], send_batch: SendBatch) -> None:
        self._budget = budget
        self._by_socket = by_socket
        self._send_batch = send_batch
        self._waiting: dict[str, dict[str, tuple[Named, asyncio.Future[Said | None]]]] = {}
        self._pumps: dict[str, asyncio.Task[None]] = {}
        self._batches: set[asyncio.Future[Sequence[Said]]] = set()

    async def turn(self, category: str, order: Named) -> Said | None:
        """Wait for an order's turn: None when its caller sends it now, or what was said of it in a batch."""
        waiting = self._waiting.setdefault(category, {})
        if order.client_id in waiting:
            said = await asyncio.shield(waiting[order.client_id][1])
            return _TWICE if said is None else said
        future: asyncio.Future[Said | None] = asyncio.get_running_loop().create_future()
        waiting[order.client_id] = (order, future)
        if category not in self._pumps:
            pump = asyncio.create_task(self._pump(category), name=f"cancels {category}")
            pump.add_done_callback(lambda ended: _settle(ended, [one for _, one in waiting.values()]))
            self._pumps[category] = pump
        try:
            return await asyncio.shield(future)
        finally:
            # A caller that is cancelled waits no more; the same cancel may wait anew by now.
            if waiting.get(order.client_id) == (order, future):
                del waiting[order.client_id]

    async def _pump(self, category: str) -> None:
        waiting = self._waiting[category]
        try:
            await asyncio.sleep(0)  # a kill's cancels come together
            while waiting:
                http = not self._by_socket()
                share = self._budget.cancels(category, len(waiting), http=http)
                for _, future in self._first(category, share.singles):
                    future.set_result(None)
                for size in share.batches:
                    self._start(category, self._first(category, size))
                if waiting:
                    wait_s = self._budget.wait_s(Purpose.CANCEL, category, http=http)
                    await asyncio.sleep(min(max(wait_s, WAIT_S_MIN), LOOK_S))
        finally:
            del self._pumps[category]

    def _first(self, category: str, count: int) -> list[tuple[Named, "asyncio.Future[Said | None]"]]:
        """Take the oldest ones out."""
        waiting = self._waiting[category]
        return [waiting.pop(name) for name in list(waiting)[:count]]

    def _start(self, category: str, taken: "list[tuple[Named, asyncio.Future[Said | None]]]") -> None:
        sending = self._send_batch(category, [order for order, _ in taken])
        task = asyncio.ensure_future(sending)
        self._batches.add(task)
        task.add_done_callback(self._batches.discard)
        task.add_done_callback(lambda ended: _settle(ended, [future for _, future in taken]))


def _settle(ended: "asyncio.Future[Any]", futures: "list[asyncio.Future[Said | None]]") -> None:
    """Hand on what a task came to; its error is raised where its orders are waited for, by tasks that are watched."""
    error = None if ended.cancelled() else ended.exception()
    said = ended.result() if error is None and not ended.cancelled() else None
    for place, future in enumerate(futures):
        if future.done():
            continue
        if ended.cancelled():
            future.cancel()
        elif error is not None:
            future.set_exception(error)
        elif said is not None:
            future.set_result(said[place])
