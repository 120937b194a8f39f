"""Stands between the client and its sockets: sees every frame first, and turns each fault into a lost link.

As shipped, an exception in the client's handler or a frame of broken JSON ends its receive loop in silence, while pongs
keep the socket "alive". Here each of them drops the connection at once; the runner dials again. Uses the client's own
hooks (instance attributes, read when a connection is made); owns no meaning of data frames.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import ccxt
from aiohttp import ClientWSTimeout

from hedgebot.domain.errors import HedgebotError
from hedgebot.domain.events import AuthenticationFailed, FrameQuarantined, Stream
from hedgebot.domain.ports import EventSink
from hedgebot.venues.links import Link, LinkStates
from hedgebot.venues.reading import FrameProblem, Raw, sample
from hedgebot.venues.slices import Slices

# What untyped parsing of a stranger's frame can raise. Anything else is a bug of ours and ends the task that hits it.
FAULTS = (
    ccxt.BaseError,
    HedgebotError,
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)

# No frame of the topics that we ask for comes near it; a larger one is not parsed.
FRAME_CHARS_MAX = 1_000_000
SAMPLED_CHARS = 1_000
CLOSE_S_MAX = 0.5


class Guard:
    """The hooks of one client. `read` gets each data frame of a link before the client does."""

    def __init__(
        self,
        account: str,
        client: Any,  # noqa: ANN401  # ccxt is untyped
        states: LinkStates,
        sink: EventSink,
        read: Callable[[Link, Raw], None],
        now_s: Callable[[], float],
    ) -> None:
        self._account = account
        self._client = client
        self._states = states
        self._sink = sink
        self._read = read
        self._now_s = now_s
        self._handle = client.handle_message
        self._connected = client.on_connected
        self._errored = client.on_error
        self._closed = client.on_close
        # Set by the streams: what a failed dial says about the next one, in seconds; what the trade socket answered.
        self.dial_refused: Callable[[object], float] = lambda _error: 0.0
        self.on_trade_answer: Callable[[str, Raw], None] = lambda _op, _frame: None
        # Set by the streams: hears of each data frame once the client is done with it.
        self.handled: Callable[[Link, Raw], None] = lambda _link, _frame: None
        self._closing: set[asyncio.Task[None]] = set()

    def attach(self) -> None:
        """Put the hooks in place; must happen before the first watch."""
        self._client.handle_message = self.on_message
        self._client.on_connected = self.on_connected
        self._client.on_error = self.on_error
        self._client.on_close = self.on_close

    def drop(self, link: Link, reason: str) -> None:
        """End a link's connection, so that every watcher of it learns of it and the runner dials again."""
        connection = self._client.clients.get(link.url)
        if connection is None:
            self._states.lose(link, reason)
        else:
            connection.on_error(ccxt.NetworkError(reason))

    def quarantine(self, stream: Stream, topic: str, problem: str, frame: object) -> None:
        """Tell of a frame or row that could not be understood."""
        self._sink.put(
            FrameQuarantined(
                account=self._account, stream=stream, topic=topic, problem=problem[:200], sample=sample(frame)
            )
        )

    # --- the client's hooks: names and arguments are its own ----------------------------------------------------------

    def on_connected(self, connection: Any, message: Any = None) -> None:  # noqa: ANN401
        """A socket is open: see its text before the JSON parser does."""
        self._connected(connection, message)
        link = self._states.at(connection.url)
        if link is None:
            return
        if not self._is_current(link, connection):
            # Given up while it was still being dialled: left open it would feed the link beside its successor.
            task = asyncio.ensure_future(connection.close(1006))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            return
        link.connection = connection
        # As shipped the goodbye is waited for ten seconds, on a line that is dead (safety reference, section 5).
        connection.connection._timeout = ClientWSTimeout(ws_close=CLOSE_S_MAX)  # noqa: SLF001  # no other way in
        parse = connection.handle_text_or_binary_message

        def guarded(data: str | bytes) -> None:
            if len(data) > FRAME_CHARS_MAX:
                self._spoiled(link, connection, f"a frame of {len(data)} characters", data[:SAMPLED_CHARS])
                return
            try:
                parse(data)
            except ValueError as error:
                self._spoiled(link, connection, f"no JSON: {error}", data)

        if link.stream is not Stream.PUBLIC:
            connection.handle_text_or_binary_message = guarded
            return
        slices = Slices(
            guarded, overrun=lambda: connection.on_error(ccxt.NetworkError("market frames come faster than we read"))
        )
        connection.handle_text_or_binary_message = slices.put
        if link.slices is not None:
            link.slices.close()
        link.slices = slices

    def on_error(self, connection: Any, error: Any) -> None:  # noqa: ANN401
        """A connection failed, or was made to fail."""
        link = self._states.at(connection.url)
        if link is not None and error.args:
            # A refused handshake stands behind the client's own exception.
            link.retry_after_s = max(link.retry_after_s, self.dial_refused(error.args[0]))
        self._gone(connection, f"{type(error).__name__}: {error}")
        self._errored(connection, error)

    def on_close(self, connection: Any, code: Any) -> None:  # noqa: ANN401
        """The venue closed a connection."""
        self._gone(connection, f"closed by the venue with code {code}")
        self._closed(connection, code)

    def on_message(self, connection: Any, message: Any) -> None:  # noqa: ANN401
        """A parsed frame: note it, read it, then let the client have it."""
        link = self._states.at(connection.url)
        if link is None:
            self._handle(connection, message)
            return
        if not self._is_current(link, connection):
            self._left_over(link, connection, message)
            return
        self._states.alive(link)
        if not isinstance(message, dict):
            self._spoiled(link, connection, "not a JSON object", message)
            return
        try:
            if "topic" in message and "data" in message:
                known = link.up and message["topic"] in link.handed_on
                self._data(link, message)
                # The client needs the first frame of a market topic, which ends its subscribing; nobody reads the
                # caches that it would fill from the others, and filling them takes longer than all that we do.
                if known and link.stream is Stream.PUBLIC:
                    return
                link.handed_on.add(str(message["topic"]))
            else:
                self._control(link, connection, message)
            self._handle(connection, message)
            self.handled(link, message)
            _forget_request(connection, message)
        except FAULTS as error:
            self._spoiled(link, connection, f"{type(error).__name__}: {error}", message)

    # --- what the frames say ------------------------------------------------------------------------------------------

    def _data(self, link: Link, frame: Raw) -> None:
        topic = str(frame.get("topic"))
        if topic in link.wanted:
            link.seen_s[topic] = self._now_s()
            if topic not in link.acked:
                self._confirm(link, (topic,))
        try:
            self._read(link, frame)
        except FrameProblem as error:
            self.quarantine(link.stream, topic, str(error), frame)

    def _control(self, link: Link, connection: Any, frame: Raw) -> None:  # noqa: ANN401
        op, kind = frame.get("op"), frame.get("type")
        accepted = frame.get("success") is True or str(frame.get("retCode", "")) == "0"
        if op == "auth" or kind == "AUTH_RESP":
            self._authenticated(link, frame, accepted=accepted)
        elif kind == "COMMAND_RESP":
            outcome = frame.get("data")
            if isinstance(outcome, dict):
                self._confirm(link, outcome.get("successTopics") or ())
                if outcome.get("failTopics"):
                    self.quarantine(link.stream, "subscribe", f"refused: {outcome['failTopics']}", frame)
        elif op == "subscribe":
            if accepted:
                self._confirm(link, _topics_of(connection, str(frame.get("req_id"))))
            else:
                self.quarantine(link.stream, "subscribe", str(frame.get("ret_msg")), frame)
        elif isinstance(op, str) and op.startswith("order."):
            self.on_trade_answer(op, frame)

    def _authenticated(self, link: Link, frame: Raw, *, accepted: bool) -> None:
        if accepted:
            link.authenticated = True
            self._states.settle(link)
            return
        link.refused = True
        code = str(frame.get("retCode", frame.get("ret_code", "")))
        words = str(frame.get("retMsg") or frame.get("ret_msg") or "authentication refused")[:200]
        self._sink.put(AuthenticationFailed(account=self._account, code=code, message=words))

    def _confirm(self, link: Link, topics: Any) -> None:  # noqa: ANN401
        link.confirm((str(topic) for topic in topics), self._now_s())
        self._states.settle(link)

    def _gone(self, connection: Any, reason: str) -> None:  # noqa: ANN401
        link = self._states.at(connection.url)
        # An old connection may end twice, the second time when its successor is on its way or there already.
        if link is not None and self._client.clients.get(connection.url) is connection:
            if link.slices is not None:
                link.slices.close()
            self._states.lose(link, reason)

    def _is_current(self, link: Link, connection: Any) -> bool:  # noqa: ANN401
        """Whether a connection is the one that the link lives on now."""
        return not link.lost.is_set() and self._client.clients.get(link.url) is connection

    def _left_over(self, link: Link, connection: Any, message: object) -> None:  # noqa: ANN401
        """A frame that was buffered when its connection was given up.

        Market data is old news by the time it could count, and merged deltas would spoil the next connection's books.
        A fill is a fill whichever connection brought it: the client's caches tell it, and the backfill repeats it.
        """
        if link.stream is not Stream.PRIVATE or not isinstance(message, dict) or "topic" not in message:
            return
        with suppress(*FAULTS):
            self._handle(connection, message)

    def _spoiled(self, link: Link, connection: Any, problem: str, frame: object) -> None:  # noqa: ANN401
        """What the frame carried is lost: only a new connection and a snapshot bring it back."""
        topic = str(frame.get("topic", "")) if isinstance(frame, dict) else ""
        self.quarantine(link.stream, topic, problem, frame)
        connection.on_error(ccxt.NetworkError(f"unreadable frame: {problem}"))


def _topics_of(connection: Any, request_id: str) -> tuple[str, ...]:  # noqa: ANN401
    """The topics of a subscription, which the venue's answer names only by the request's number."""
    found: list[str] = []
    for subscription in connection.subscriptions.values():
        if isinstance(subscription, dict) and str(subscription.get("id")) == request_id:
            found.extend(topic for topic in subscription.get("topics", ()) if topic not in found)
    return tuple(found)


def _forget_request(connection: Any, frame: Raw) -> None:  # noqa: ANN401
    """Free what the client keeps of an order request for as long as its socket lives."""
    request = frame.get("reqId")
    if isinstance(request, str) and str(frame.get("op")).startswith("order."):
        connection.subscriptions.pop(request, None)
        connection.rejections.pop(request, None)
