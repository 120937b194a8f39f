"""Connected sockets: one session each, with an outbox that has a bound and a pump that empties it.

Bound: 1,000 frames. A public socket that is slower than its topics loses what waits and gets snapshots when it has
caught up; a private or trade socket is closed instead, because account news must never be dropped silently. Owns no
topic and no message.
"""

import asyncio
import logging
from collections import deque
from typing import NamedTuple

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from hedgebot.exchange.wire import mangle
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.faults import PUBLIC, FaultPlane, SocketFault, SocketFaultKind, matches

OUTBOX_MAX = 1_000
FROZEN_LOOK_S = 0.05
# Topics whose frames are counted; beyond it (years of listings) new ones are not.
TOPICS_COUNTED_MAX = 20_000

log = logging.getLogger(__name__)


class _Frame(NamedTuple):
    """A frame that waits: not before `due_s`; `topic` is None for replies and pongs."""

    due_s: float
    topic: str | None
    payload: bytes


class Session:
    """One client's socket. `account` is None until it logged in."""

    def __init__(self, number: int, channel: str, ws: web.WebSocketResponse, request: web.Request, api: Api) -> None:
        self.id = f"sim{number:x}-{channel}"
        self.channel = channel
        self.account: str | None = None
        self.topics: dict[str, None] = {}
        self.req_ids: dict[str, None] = {}
        # Frames were dropped: each topic owes this socket a snapshot once the outbox is empty.
        self.lagging = False
        self.sent = 0
        self.dropped = 0
        self._ws = ws
        self._request = request
        self._faults: FaultPlane = api.faults
        self._delivered = api.delivered
        self._queue: deque[_Frame] = deque()
        self._wake = asyncio.Event()
        # A frame that a fault holds back until the next one has been queued.
        self._held: tuple[str, bytes] | None = None

    @property
    def is_public(self) -> bool:
        """Whether market data may be dropped here."""
        return self.channel in PUBLIC

    @property
    def is_half_open(self) -> bool:
        """Whether a fault has it neither read nor send."""
        return self._faults.half_open(self.channel, self.account, self.id)

    @property
    def is_silent(self) -> bool:
        """Whether a fault has it send nothing, not even pongs."""
        return self.is_half_open or self._faults.frozen(self.channel, self.account, self.id)

    @property
    def waiting(self) -> int:
        """Frames in the outbox."""
        return len(self._queue)

    def reply(self, message: dict[str, object], delay_s: float = 0.0) -> None:
        """Queue an answer or a pong."""
        self.answer(orjson.dumps(message), delay_s)

    def answer(self, payload: bytes, delay_s: float = 0.0) -> None:
        """Queue an answer that is written already."""
        if self.is_half_open:
            return
        self._put(None, payload, delay_s)

    def push(self, topic: str, payload: bytes, delay_s: float = 0.0) -> None:
        """Queue a frame of a topic, as far as the fault plane lets it through."""
        if self.is_half_open:
            return
        fault = self._faults.for_frame(self.channel, self.account, topic, self.id)
        if fault is not None:
            match fault.kind:
                case SocketFaultKind.MUTE:
                    return
                case SocketFaultKind.DUPLICATE:
                    self._put(topic, payload, delay_s)
                case SocketFaultKind.DELAY:
                    delay_s += fault.delay_ms / 1_000
                case SocketFaultKind.REORDER if self._held is None:
                    self._held = (topic, payload)
                    asyncio.get_running_loop().call_later(fault.delay_ms / 1_000, self._release, self._held)
                    return
                case _:
                    payload = spoilt(payload, fault)
        self._put(topic, payload, delay_s)
        self._release()

    def _release(self, only: tuple[str, bytes] | None = None) -> None:
        """Queue the frame that was held back, if there is one (and it is the one that a timer was set for)."""
        held = self._held
        if held is not None and (only is None or only is held):
            self._held = None
            self._put(*held, 0.0)

    def _put(self, topic: str | None, payload: bytes, delay_s: float) -> None:
        if len(self._queue) >= OUTBOX_MAX:
            self._overflow()
        due_s = asyncio.get_running_loop().time() + delay_s if delay_s > 0 else 0.0
        self._queue.append(_Frame(due_s, topic, payload))
        self._wake.set()

    def _overflow(self) -> None:
        if not self.is_public:
            log.warning("%s does not read its account news: closed with %d frames waiting", self.id, len(self._queue))
            self.abort()
            self._queue.clear()
            return
        kept = [frame for frame in self._queue if frame.topic is None]
        self.dropped += len(self._queue) - len(kept)
        self._queue = deque(kept[-OUTBOX_MAX // 2 :])
        self.lagging = True

    async def pump(self) -> None:
        """Send what waits, in order, until the connection ends."""
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                pause_s = self._queue[0].due_s - loop.time()
                if pause_s > 0:
                    await asyncio.sleep(pause_s)
                if self._faults.frozen(self.channel, self.account, self.id):
                    await asyncio.sleep(FROZEN_LOOK_S)
                elif self._queue:
                    frame = self._queue.popleft()
                    await self._ws.send_frame(frame.payload, WSMsgType.TEXT)
                    self.sent += 1
                    if frame.topic is not None:
                        self._count(frame.topic)

    def _count(self, topic: str) -> None:
        # What reached the wire, kept after the socket is gone: a test that saw nothing must not pass for one that did.
        name = (self.channel, self.account or "", topic)
        delivered = self._delivered
        if name in delivered or len(delivered) < TOPICS_COUNTED_MAX:
            delivered[name] = delivered.get(name, 0) + 1

    def abort(self) -> None:
        """Cut the connection without a closing handshake."""
        transport = self._request.transport
        if transport is not None:
            transport.abort()

    async def close(self, code: int = WSCloseCode.GOING_AWAY) -> None:
        """Close with a code."""
        await self._ws.close(code=code)


def spoilt(payload: bytes, fault: SocketFault) -> bytes:
    """A frame as a fault of its content leaves it."""
    if fault.kind is SocketFaultKind.GARBLE:
        return mangle.GARBAGE
    spoiler = mangle.SPOILERS.get(fault.kind)
    return spoiler(payload, fault.altered) if spoiler else payload


class Sessions:
    """All connected sockets, in the order in which they came."""

    def __init__(self) -> None:
        self._all: dict[Session, None] = {}
        self._count = 0

    def next_number(self) -> int:
        """A number for the next socket."""
        self._count += 1
        return self._count

    def add(self, session: Session) -> None:
        """Remember a socket."""
        self._all[session] = None

    def remove(self, session: Session) -> None:
        """Forget a socket."""
        self._all.pop(session, None)

    def chosen(self, channel: str = "", account: str = "") -> list[Session]:
        """Sockets of a channel ("" any, "public" all public ones) and account ("" any)."""
        return [one for one in self._all if matches(channel, one.channel) and (not account or one.account == account)]
