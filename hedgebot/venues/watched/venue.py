"""One account that is only watched, behind VenuePort: its margin is read every few seconds, and nothing is ever sent.

Owns the rhythm: one reading at a time, longer pauses after failures and where the venue asks for one. No trouble of the
venue's keeps the daemon from starting or ends a task: what cannot be read is told, and grows old in the engine. Must
not decide what follows.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol, assert_never, cast

import ccxt

from hedgebot.domain.commands import (
    ArmDeadMan,
    CancelOrder,
    MoveCollateral,
    QueryMove,
    QueryOrder,
    RequestSnapshot,
    SubmitOrder,
    VenueCommand,
    WatchInstruments,
)
from hedgebot.domain.errors import ConfigError, VenueError
from hedgebot.domain.events import AuthenticationFailed, OrderRejected, Source, VenuePaused, WalletUpdated, WatchFailed
from hedgebot.domain.orders import OrderIntent
from hedgebot.domain.ports import EventSink
from hedgebot.domain.whatif import WantedOrder, WatchedNumbers
from hedgebot.venues.answers import PAUSE_MAX_S
from hedgebot.venues.clock import measure, sign_with
from hedgebot.venues.connection import VenueConnection
from hedgebot.venues.guard import FAULTS
from hedgebot.venues.replies import RawReply
from hedgebot.venues.tasks import TaskGroup
from hedgebot.venues.watched.binance import BinanceReader
from hedgebot.venues.watched.client import Client, open_client
from hedgebot.venues.watched.deribit import DeribitReader
from hedgebot.venues.watched.deribit_simulate import DeribitSimulator
from hedgebot.venues.watched.okx import OkxReader
from hedgebot.venues.watched.okx_builder import OkxBuilder
from hedgebot.venues.watched.pockets import Reading, report_of
from hedgebot.venues.watched.words import said

SLOWER_MAX = 6
"""Readings are at most so many times their interval apart."""

QUESTIONS_MAX = 20
"""A reading of many positions asks what each instrument is, once in its life."""

READING_S_MAX = 20.0
"""A reading that takes longer is given up: it would be old on arrival. What it learnt of instruments is kept."""

TOO_MANY = {418: 120.0, 429: 10.0}
"""HTTP statuses of rate limits, with the seconds to wait where the venue names none."""

_log = logging.getLogger(__name__)


class Reader(Protocol):
    """What reads one venue."""

    async def read(self) -> Reading:
        """Ask for everything; raises the client's errors and FrameProblem."""


class Oracle(Protocol):
    """What answers what-ifs of one venue."""

    async def ask(self, order: WantedOrder) -> WatchedNumbers:
        """Ask for one order; raises the client's errors, FrameProblem and VenueError."""


class WatchedVenue:
    """VenuePort for one account. `now_ns` is the wall clock, in UTC nanoseconds."""

    def __init__(self, connection: VenueConnection, sink: EventSink, now_ns: Callable[[], int]) -> None:
        if not connection.has_key:
            msg = f"account {connection.account}: no API key and secret"
            raise ConfigError(msg)
        self._connection = connection
        self._sink = sink
        self._now_ns = now_ns
        self._paused_until_s = 0.0
        self._client = open_client(connection, self._observe)
        self._reader = reader_of(connection, self._client, now_ns)
        self._oracle = oracle_of(self._client, self._reader)
        self._tasks = TaskGroup(connection.account, sink)

    async def start(self) -> None:
        """Begin to read. Does not wait for the venue: a book must be hedged whether this one answers or not."""
        self._tasks.lasting("watch", self._watch)

    async def stop(self) -> None:
        """End every task and close the session."""
        await self._tasks.drain(0.1)
        await self._client.close()

    def hold_orders(self, problem: Callable[[OrderIntent], str]) -> None:
        """Nothing is ever sent here."""

    def claim_account(self, claim: Callable[[str], None]) -> None:
        """An account that is only watched is nobody's own."""

    def send(self, command: VenueCommand) -> None:
        """Refuse what would trade; nothing else is asked of an account that is only watched."""
        match command:
            case SubmitOrder():
                account, words = self._connection.account, "not sent: the account is only watched"
                self._sink.put(
                    OrderRejected(account=account, client_id=command.client_id, code="local:watched", message=words)
                )
            case (
                ArmDeadMan()
                | CancelOrder()
                | MoveCollateral()
                | QueryMove()
                | QueryOrder()
                | RequestSnapshot()
                | WatchInstruments()
            ):
                _log.warning("account %s is only watched: %s is left", self._connection.account, type(command).__name__)
            case _:
                assert_never(command)

    async def watched_what_if(self, order: WantedOrder) -> WatchedNumbers:
        """What the venue says that one order would do to the margin; VenueError where it says nothing."""
        if (left_s := self._paused_until_s - time.monotonic()) > 0.0:
            msg = f"not asked: the venue wants no requests for {left_s:.0f} s more"
            raise VenueError(msg)
        try:
            return await self._oracle.ask(order)
        except VenueError:
            raise
        except FAULTS as error:
            raise VenueError(said(error)[1]) from error

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        failures, clock_due_s = 0, 0.0
        while True:
            await self._over_pause()
            try:
                longest_s = self._connection.query_timeout_ms * QUESTIONS_MAX / 1_000
                async with asyncio.timeout(min(longest_s, READING_S_MAX)):
                    if time.monotonic() >= clock_due_s:
                        await self._measure()
                        clock_due_s = time.monotonic() + self._connection.clock_interval_s
                    await self._read()
                failures = 0
            except FAULTS as error:
                failures += 1
                self._failed(error, failures)
            await asyncio.sleep(self._connection.watch_interval_s * min(max(failures, 1), SLOWER_MAX))

    async def _measure(self) -> None:
        measured = await measure(self._connection.account, self._client, self._now_ns)
        sign_with(measured, self._client)
        self._sink.put(measured)

    async def _read(self) -> None:
        report = report_of(self._connection.account, await self._reader.read())
        self._sink.put(WalletUpdated(report=report, source=Source.QUERY))

    def _failed(self, error: Exception, failures: int) -> None:
        account, (code, words) = self._connection.account, said(error)
        _log.warning("account %s could not be read (%d in a row): %s", account, failures, words)
        if isinstance(error, ccxt.AuthenticationError):
            self._sink.put(AuthenticationFailed(account=account, code=code, message=words))
        if isinstance(error, ccxt.DDoSProtection | ccxt.RateLimitExceeded) and time.monotonic() >= self._paused_until_s:
            # Not every venue says it by a status: Deribit has a code of its own.
            self._pause(TOO_MANY[429], words)
        self._sink.put(WatchFailed(account=account, failures=failures, problem=words))

    # --- pauses -------------------------------------------------------------------------------------------------------

    def _observe(self, reply: RawReply) -> None:
        """A rate limit: nothing is asked for as long as the venue says."""
        pause_s = TOO_MANY.get(reply.status or 0)
        if pause_s is None:
            return
        self._pause(min(reply.retry_after_s or pause_s, PAUSE_MAX_S), f"HTTP {reply.status}")

    def _pause(self, pause_s: float, why: str) -> None:
        self._paused_until_s = max(self._paused_until_s, time.monotonic() + pause_s)
        reason = f"{why}: its margin is not read for {pause_s:.0f} s"
        self._sink.put(VenuePaused(account=self._connection.account, seconds=pause_s, reason=reason))

    async def _over_pause(self) -> None:
        await asyncio.sleep(max(self._paused_until_s - time.monotonic(), 0.0))


def oracle_of(client: Client, reader: Reader) -> Oracle:
    """What answers what-ifs at the venue of a reader."""
    if isinstance(reader, DeribitReader):
        return DeribitSimulator(client, reader)
    if isinstance(reader, OkxReader):
        return OkxBuilder(client, reader)
    return cast("BinanceReader", reader)


def reader_of(connection: VenueConnection, client: Client, now_ns: Callable[[], int]) -> Reader:
    """What reads the account at its venue."""
    match connection.venue:
        case "deribit":
            return DeribitReader(client, now_ns)
        case "okx":
            return OkxReader(client, now_ns)
        case _:
            return BinanceReader(client, now_ns, portfolio=connection.portfolio_margin)
