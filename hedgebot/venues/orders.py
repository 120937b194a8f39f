"""Order entry: one request, one answer. Every submission ends in exactly one of accepted, refused with proof, unknown.

Never retries. The outcome is read from the venue's raw code, not from the client's exception class (venue reference
section 3). Must not decide anything about an order beyond refusing to send one that may not be sent any more.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from hedgebot.domain.commands import CancelOrder, SubmitOrder
from hedgebot.domain.decimals import plain
from hedgebot.domain.durations import NS_PER_MS, NS_PER_S
from hedgebot.domain.events import (
    CancelAnswered,
    OrderAccepted,
    OrderOutcomeUnknown,
    OrderRejected,
)
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.orders import OrderIntent, TimeInForce
from hedgebot.domain.ports import EventSink
from hedgebot.venues.asking import NO_ANSWER, Said, ask, said_in_error
from hedgebot.venues.buckets import Budget, Purpose
from hedgebot.venues.cancels import CancelQueue, Named
from hedgebot.venues.connection import VenueConnection
from hedgebot.venues.guard import FAULTS
from hedgebot.venues.pace import Way
from hedgebot.venues.profile import Channel, VenueProfile, Verdict, classify
from hedgebot.venues.reading import Raw, as_object, as_rows
from hedgebot.venues.replies import MESSAGE_CHARS, RawReply, listen, note_headers
from hedgebot.venues.table import InstrumentTable

# Requests whose answer never came, kept until the socket closes; beyond that many the socket is not worth keeping.
ABANDONED_MAX = 50
# A limit counts the requests of one second; a time of recovery further off than this is no such limit's.
LIMIT_WINDOW_S, LIMIT_HOLD_MAX_S = 1.0, 2.0
_TIME_IN_FORCE = {
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.GTC: "GTC",
    TimeInForce.POST_ONLY: "PostOnly",
}
Answer = OrderAccepted | OrderRejected | OrderOutcomeUnknown
UNREADABLE = Said(verdict=Verdict.UNKNOWN, code="local:unreadable", message="the answer does not name each order")


class OrderEntry:
    """Creations and cancels of one account."""

    def __init__(
        self,
        connection: VenueConnection,
        profile: VenueProfile,
        client: Any,  # noqa: ANN401  # ccxt is untyped
        table: InstrumentTable,
        budget: Budget,
        sink: EventSink,
        now_ns: Callable[[], int],
    ) -> None:
        self._connection = connection
        self._profile = profile
        self._client = client
        self._table = table
        self._budget = budget
        self._sink = sink
        self._now_ns = now_ns
        self._pattern = re.compile(profile.client_id_pattern)
        self._abandoned: set[asyncio.Task[Any]] = set()
        # Orders that wait for the rate budget, and whether they were cancelled meanwhile: then they never leave.
        self._waiting: dict[str, bool] = {}
        self._cancels = CancelQueue(budget, lambda: self._by_socket, self._cancel_batch)
        # Categories of cancels under way on the trade socket: its answers name the order only.
        self._on_socket: dict[str, str] = {}
        # Set by the venue: whether the trade socket can be used now, how to drop it, what to do on a clock refusal.
        self.trade_ready: Callable[[], bool] = lambda: False
        self.drop_trade: Callable[[str], None] = lambda _reason: None
        # Asked right before a request leaves: why the order may not, in a sentence, or nothing.
        self.hold: Callable[[OrderIntent], str] = lambda _intent: ""
        # Whether one request took this cancel (category, symbol, client id) together with all others of its symbol.
        self.sweep: Callable[[str, str, str], Awaitable[bool]] = _no_sweep
        self.on_clock: Callable[[], None] = lambda: None
        # Called with the instrument of an order that its market's state refused.
        self.on_market: Callable[[InstrumentId], None] = lambda _instrument: None
        self.on_key_refused: Callable[[str, str], None] = lambda _code, _words: None
        # The venue's clock minus ours, as measured last.
        self.clock_offset_ms = 0.0

    async def submit(self, command: SubmitOrder) -> None:
        """Send one order and put its one answer, whatever happens on the way (being cancelled included)."""
        intent = command.approved.intent
        answer: Answer = self._unknown(intent, command.client_id, "local:task", "the sending task did not end")
        try:
            answer = await self._submit(intent, command.client_id)
        finally:
            self._sink.put(answer)

    async def cancel(self, command: CancelOrder) -> None:
        """Cancel by client id and put the venue's answer."""
        said = Said(verdict=Verdict.UNKNOWN, code="local:task", message="the cancelling task did not end")
        try:
            said = await self._cancel(command)
        finally:
            self._sink.put(
                CancelAnswered(
                    account=self._connection.account,
                    client_id=command.client_id,
                    accepted=said.verdict is Verdict.ACCEPTED,
                    code=said.code,
                    message=said.message,
                )
            )

    # --- creating -----------------------------------------------------------------------------------------------------

    async def _submit(self, intent: OrderIntent, client_id: str) -> Answer:
        symbol = self._table.symbol(intent.instrument)
        if not self._connection.role.may_trade:
            return self._refused(intent, client_id, "local:role", "this account is the book's: we never order there")
        if not self._pattern.fullmatch(client_id):
            return self._refused(
                intent, client_id, "local:client_id", f"client id {client_id!r} does not fit the venue"
            )
        if symbol is None:
            return self._refused(intent, client_id, "local:instrument", f"{intent.instrument} is not listed")
        category = self._table.instruments[intent.instrument].category
        left_s = (intent.deadline_ns - self._now_ns()) / NS_PER_S
        self._waiting[client_id] = False
        try:
            by_socket = await self._way(Purpose.ORDER, category, left_s)
        finally:
            withdrawn = self._waiting.pop(client_id)
        if withdrawn:
            why = "cancelled while it waited for the rate budget, not sent"
            return self._refused(intent, client_id, "local:withdrawn", why, passing=True)
        left_ms = (intent.deadline_ns - self._now_ns()) // NS_PER_MS
        if left_ms <= 0:
            why = f"the deadline passed {-left_ms} ms ago, not sent"
            return self._refused(intent, client_id, "local:deadline", why, passing=True)
        if by_socket is None:
            why = f"no request may leave for {self._budget.wait_s(Purpose.ORDER, category):.1f} s, not sent"
            return self._refused(intent, client_id, "local:throttled", why, passing=True)
        if held := self.hold(intent):
            return self._refused(intent, client_id, "local:held", f"{held}, not sent", passing=True)
        arguments = (
            symbol,
            "limit",
            intent.side.value,
            plain(intent.qty_contracts),
            plain(intent.limit_price),
            _parameters(intent, client_id),
        )
        # The venue refuses a request that arrives later than its window: that makes absence after the deadline proof.
        window_ms = int(min(self._connection.recv_window_ms, left_ms))
        if by_socket:
            said = await self._over_socket(window_ms, lambda: self._client.create_order_ws(*arguments))
        else:
            limit = (Purpose.ORDER, category)
            said = await self._over_http(window_ms, limit, lambda: self._client.create_order(*arguments))
        return self._answer(intent, client_id, said)

    def _answer(self, intent: OrderIntent, client_id: str, said: Said) -> Answer:
        if said.verdict is Verdict.ACCEPTED and said.order_id:
            # The venue took the request; whether the book took the order, the stream or a query will say.
            return OrderAccepted(account=intent.account, client_id=client_id, order_id=said.order_id, definitive=False)
        if said.verdict is Verdict.CLOCK:
            self.on_clock()
        if said.verdict is Verdict.VENUE_STATE:
            self.on_market(intent.instrument)
        if said.verdict.proves_refusal:
            return OrderRejected(
                account=intent.account,
                client_id=client_id,
                code=said.code,
                message=said.message,
                passing=said.verdict.is_passing,
                of_market=said.verdict.is_of_market,
            )
        return self._unknown(intent, client_id, said.code, said.message)

    def _refused(
        self, intent: OrderIntent, client_id: str, code: str, message: str, *, passing: bool = False
    ) -> OrderRejected:
        return OrderRejected(account=intent.account, client_id=client_id, code=code, message=message, passing=passing)

    def _unknown(self, intent: OrderIntent, client_id: str, code: str, message: str) -> OrderOutcomeUnknown:
        return OrderOutcomeUnknown(account=intent.account, client_id=client_id, code=code, message=message)

    # --- cancelling ---------------------------------------------------------------------------------------------------

    async def _cancel(self, command: CancelOrder) -> Said:
        if command.client_id in self._waiting:
            self._waiting[command.client_id] = True
            return Said(verdict=Verdict.REJECTED, code="local:unsent", message="it had not left, and will not")
        symbol = self._table.symbol(command.instrument)
        if symbol is None:
            return Said(
                verdict=Verdict.REJECTED, code="local:instrument", message=f"{command.instrument} is not listed"
            )
        listed = self._table.instruments[command.instrument]
        category = listed.category
        if command.whole and await self.sweep(category, listed.symbol, command.client_id):
            return Said(verdict=Verdict.ACCEPTED, code="0", message="with all orders of its instrument")
        said = await self._cancels.turn(category, Named(symbol=listed.symbol, client_id=command.client_id))
        if said is not None:
            return said
        # The client sends `clientOrderId` untranslated; only the venue's own parameter cancels by client id.
        arguments = (None, symbol, {"orderLinkId": command.client_id})
        window_ms = self._connection.recv_window_ms
        if self._by_socket:
            self._on_socket[command.client_id] = category
            try:
                return await self._over_socket(window_ms, lambda: self._client.cancel_order_ws(*arguments))
            finally:
                self._on_socket.pop(command.client_id, None)
        limit = (Purpose.CANCEL, category)
        return await self._over_http(window_ms, limit, lambda: self._client.cancel_order(*arguments))

    async def _cancel_batch(self, category: str, orders: Sequence[Named]) -> list[Said]:
        """One request for several cancels: what was said of each. Its limit is the same by socket and by HTTP."""
        named = [{"symbol": one.symbol, "orderLinkId": one.client_id} for one in orders]
        request, reply = {"category": category, "request": named}, listen()
        try:
            answer = await self._answer_to(
                self._connection.recv_window_ms, lambda: self._client.privatePostV5OrderCancelBatch(request)
            )
            codes = as_rows(as_object(as_object(answer, "answer").get("retExtInfo"), "retExtInfo").get("list"), "list")
            said = [self._of_batch(row) for row in codes]
        except TimeoutError:
            said = [NO_ANSWER] * len(orders)
        except FAULTS as error:
            said = [self._from_error(Channel.REST, reply, error)] * len(orders)
        throttled = any(one.verdict is Verdict.THROTTLED for one in said)
        self._note_cancels(Way.BATCH, category, reply, throttled=throttled, orders=len(orders))
        return said if len(said) == len(orders) else [UNREADABLE] * len(orders)

    def _of_batch(self, row: Raw) -> Said:
        code = str(row.get("code"))
        message = str(row.get("msg", ""))[:MESSAGE_CHARS]
        return Said(verdict=classify(self._profile, Channel.REST, code=code), code=code, message=message)

    # --- the two ways -------------------------------------------------------------------------------------------------

    @property
    def _by_socket(self) -> bool:
        """Nothing was sent yet, so a trade socket that is down costs nothing: the order goes by HTTP.

        The client stamps socket requests with our own clock, HTTP requests with the venue's: half of what the venue
        lets a stamp run ahead is where the socket ends.
        """
        trusted = abs(self.clock_offset_ms) < self._profile.window_ahead_ms / 2
        return self._connection.order_entry == "ws" and trusted and self.trade_ready()

    async def _way(self, purpose: Purpose, category: str, within_s: float) -> bool | None:
        """Wait for the budget. True: by the trade socket, False: by HTTP, None: neither may be used in time."""
        by_socket = self._by_socket
        if by_socket:
            if not await self._budget.acquire(purpose, category, within_s, http=False):
                return None
            if self._by_socket:
                return True
        return False if await self._budget.acquire(purpose, category, within_s) else None

    def note_socket_limit(self, op: str, frame: Raw) -> None:
        """What an answer on the trade socket says of its limit; of a creation's it does not say which category's."""
        reply = RawReply()
        note_headers(reply, frame.get("header"))
        throttled = str(frame.get("retCode")) == "10006"
        if op == "order.cancel":
            data = frame.get("data")
            client_id = str(data.get("orderLinkId")) if isinstance(data, dict) else ""
            self._note_cancels(Way.SINGLE, self._on_socket.get(client_id), reply, throttled=throttled)
        else:
            self._note_creations(None, reply, throttled=throttled)

    def _note_creations(self, category: str | None, reply: RawReply, *, throttled: bool) -> None:
        """Keep our bucket no fuller than the venue's: others on the account spend from the same limit."""
        if reply.left is None and not throttled:
            return
        left = reply.left or 0
        hold_s = LIMIT_WINDOW_S if throttled else 0.0
        if left == 0 and reply.full_at_ms is not None:
            venue_ms = self._now_ns() / NS_PER_MS + self.clock_offset_ms
            hold_s = max(hold_s, min((reply.full_at_ms - venue_ms) / 1_000, LIMIT_HOLD_MAX_S))
        self._budget.heard(category, left, hold_s)

    def _note_cancels(
        self, way: Way, category: str | None, reply: RawReply, *, throttled: bool, orders: int = 1
    ) -> None:
        self._budget.heard_of_cancels(way, category, orders, reply, hold_s=LIMIT_WINDOW_S if throttled else 0.0)

    async def _over_http(self, window_ms: int, limit: tuple[Purpose, str], call: Callable[[], Any]) -> Said:
        reply = listen()
        said = await self._ask(reply, window_ms, call)
        purpose, category = limit
        throttled = said.verdict is Verdict.THROTTLED
        if purpose is Purpose.CANCEL:
            self._note_cancels(Way.SINGLE, category, reply, throttled=throttled)
        else:
            self._note_creations(category, reply, throttled=throttled)
        return said

    async def _ask(self, reply: RawReply, window_ms: int, call: Callable[[], Any]) -> Said:
        try:
            order = await self._answer_to(window_ms, call)
        except TimeoutError:
            return NO_ANSWER
        except FAULTS as error:
            return self._from_error(Channel.REST, reply, error)
        return _accepted(order)

    async def _answer_to(self, window_ms: int, call: Callable[[], Any]) -> Any:  # noqa: ANN401  # ccxt's
        timeout_ms = self._connection.order_timeout_ms
        return await ask(self._client, call, window_ms=window_ms, timeout_ms=timeout_ms)

    async def _over_socket(self, window_ms: int, call: Callable[[], Any]) -> Said:
        self._client.options["recvWindow"] = window_ms
        task: asyncio.Task[Any] = asyncio.ensure_future(call())
        # Waited for, never cancelled: a cancelled request on a socket can spoil its authentication.
        await asyncio.wait({task}, timeout=self._connection.order_timeout_ms / 1_000)
        if not task.done():
            self._abandon(task)
            return NO_ANSWER
        if task.cancelled():
            return Said(verdict=Verdict.UNKNOWN, code="local:closed", message="the trade socket closed")
        error = task.exception()
        if error is None:
            return _accepted(task.result())
        if not isinstance(error, FAULTS):
            raise error
        return self._from_error(Channel.TRADE, RawReply(), error)

    def _from_error(self, channel: Channel, reply: RawReply, error: BaseException) -> Said:
        said = said_in_error(self._profile, channel, reply, error)
        if said.verdict is Verdict.AUTH:
            self.on_key_refused(said.code, said.message)
        return said

    def _abandon(self, task: "asyncio.Task[Any]") -> None:
        self._abandoned.add(task)
        task.add_done_callback(self._forget)
        if len(self._abandoned) > ABANDONED_MAX:
            self.drop_trade("too many requests without an answer")

    def _forget(self, task: "asyncio.Task[Any]") -> None:
        self._abandoned.discard(task)
        if not task.cancelled():
            task.exception()


async def _no_sweep(_category: str, _symbol: str, _client_id: str) -> bool:
    return False


def _parameters(intent: OrderIntent, client_id: str) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "clientOrderId": client_id,
        "timeInForce": _TIME_IN_FORCE[intent.time_in_force],
    }
    if intent.reduce_only:
        parameters["reduceOnly"] = True
    return parameters


def _accepted(order: Any) -> Said:  # noqa: ANN401  # ccxt's order
    """A positive answer; without an order id it proves nothing."""
    order_id = order.get("id") if isinstance(order, dict) else None
    if not order_id:
        return Said(verdict=Verdict.UNKNOWN, code="local:unreadable", message="the answer names no order")
    return Said(verdict=Verdict.ACCEPTED, code="0", message="", order_id=str(order_id))
