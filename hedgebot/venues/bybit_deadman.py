"""Bybit's disconnection protection for one account: its window, its reading back, and the topics that make it count.

The venue cancels a product's orders when every private socket that subscribed the product's `dcp` topic is gone for the
window ([D] order/dcp, websocket/private/dcp, account/dcp-info). The client library sets windows and never subscribes
the topic, so that its orders would outlive it: the topics are subscribed here, over its own private socket. The venue
sets the protection up per account and for institutional clients only; nothing here can turn it on or off.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from hedgebot.domain.commands import ArmDeadMan
from hedgebot.domain.deadman import DeadManChanged, DeadManKind, DeadManStatus
from hedgebot.domain.instrument import InstrumentId, category_of
from hedgebot.domain.ports import EventSink
from hedgebot.venues.buckets import Budget, Purpose
from hedgebot.venues.guard import FAULTS
from hedgebot.venues.profile import Channel, VenueProfile, classify
from hedgebot.venues.reading import as_object, as_rows
from hedgebot.venues.replies import reply_in_error

PRODUCTS: Mapping[str, tuple[str, str]] = {
    "linear": ("DERIVATIVES", "dcp.future"),
    "inverse": ("DERIVATIVES", "dcp.future"),
    "option": ("OPTIONS", "dcp.option"),
    "spot": ("SPOT", "dcp.spot"),
}
"""Category -> the product of a window, and the private topic that keeps it from firing."""

# [D] order/dcp: a change takes some time; query or set again after 10 s.
READ_AFTER_S = (0.0, 1.0, 3.0, 8.0)
TOPIC_S_MAX = 5.0
REQUEST_S_MAX = 5.0
Standing = tuple[DeadManStatus, str]


class BybitDeadMan:
    """The switch of one account. `now_ns` is the wall clock, in UTC nanoseconds."""

    def __init__(
        self,
        account: str,
        profile: VenueProfile,
        client: Any,  # noqa: ANN401  # ccxt is untyped
        budget: Budget,
        sink: EventSink,
        now_ns: Callable[[], int],
    ) -> None:
        self._account = account
        self._profile = profile
        self._client = client
        self._budget = budget
        self._sink = sink
        self._now_ns = now_ns
        # Set by the venue: subscribe a private topic (repeats do nothing); whether it stands on a living socket.
        self.subscribe: Callable[[str], None] = lambda _topic: None
        self.stands: Callable[[str], bool] = lambda _topic: False

    async def arm(self, command: ArmDeadMan) -> None:
        """Carry the command out and put its one answer."""
        asked_at_ns = self._now_ns()
        standing: Standing = (DeadManStatus.FAILED, "the task did not end")
        try:
            standing = await self._arm(command.seconds, command.instruments)
        except FAULTS as error:
            standing = self._failure(error)
        finally:
            self._sink.put(
                DeadManChanged(
                    account=self._account,
                    kind=DeadManKind.WS_DISCONNECT,
                    status=standing[0],
                    seconds=command.seconds,
                    read_back=standing[0] is DeadManStatus.ARMED,
                    detail=standing[1],
                    asked_at_ns=asked_at_ns,
                )
            )

    async def windows(self) -> dict[str, str]:
        """The window in seconds by product, as the venue has it; only those that it has turned on."""
        await self._leave()
        answer = as_object(await self._client.privateGetV5AccountQueryDcpInfo(), "the answer")
        rows = as_rows(as_object(answer.get("result"), "result").get("dcpInfos"), "dcpInfos")
        return {str(row.get("product")): str(row.get("timeWindow")) for row in rows if row.get("dcpStatus") == "ON"}

    async def _arm(self, seconds: float, instruments: tuple[InstrumentId, ...]) -> Standing:
        if not seconds:
            return DeadManStatus.OFF, "the venue's own protection stays as it is set up"
        window = str(round(seconds))
        wanted = dict(PRODUCTS[category_of(one)] for one in instruments)
        found = await self.windows()
        if absent := sorted(wanted.keys() - found.keys()):
            return DeadManStatus.REFUSED, f"the venue has not set it up for this account ({', '.join(absent)})"
        for product in sorted(wanted):
            if found[product] != window:
                await self._leave()
                await self._client.privatePostV5OrderDisconnectedCancelAll(
                    {"product": product, "timeWindow": int(window)}
                )
        problem = await self._read_back(wanted, window, found)
        if problem:
            return DeadManStatus.FAILED, problem
        for topic in wanted.values():
            self.subscribe(topic)
        missing = await self._missing(tuple(wanted.values()))
        if missing:
            return DeadManStatus.FAILED, f"the topic {missing} is not confirmed"
        return DeadManStatus.ARMED, ""

    async def _read_back(self, wanted: Mapping[str, str], window: str, found: Mapping[str, str]) -> str:
        """What does not read back as it was set; empty when all does."""
        problem = ""
        for after_s in READ_AFTER_S:
            wrong = sorted(product for product in wanted if found.get(product) != window)
            if not wrong:
                return ""
            problem = f"the window of {wrong[0]} reads back as {found.get(wrong[0])} s, {window} s was set"
            await asyncio.sleep(after_s)
            found = await self.windows()
        wrong = sorted(product for product in wanted if found.get(product) != window)
        return problem if wrong else ""

    async def _missing(self, topics: tuple[str, ...]) -> str:
        """The first topic that does not stand in time; empty when all do."""
        for _ in range(int(TOPIC_S_MAX / 0.05)):
            if all(map(self.stands, topics)):
                return ""
            await asyncio.sleep(0.05)
        return next((topic for topic in topics if not self.stands(topic)), "")

    async def _leave(self) -> None:
        if not await self._budget.acquire(Purpose.POLL, "", within_s=REQUEST_S_MAX):
            raise TimeoutError("the venue wants no requests now")

    def _failure(self, error: BaseException) -> Standing:
        code, words = reply_in_error(error)
        refused = classify(self._profile, Channel.REST, code=code).proves_refusal
        return (DeadManStatus.REFUSED if refused else DeadManStatus.FAILED), f"{code or type(error).__name__}: {words}"[
            :200
        ]
