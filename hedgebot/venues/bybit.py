"""One account at Bybit behind VenuePort: start, carry out commands, answer through the event sink, stop.

This module connects the parts and owns none of their rules: orders.py enters orders, lookup.py finds them, snapshot.py
lists everything, streams.py listens. It never decides and never retries an order.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import assert_never

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
from hedgebot.domain.errors import ConfigError, InstanceError, VenueError, VenueUnreachable
from hedgebot.domain.events import InstrumentsLoaded, KeyRightsAccepted, OrderRejected
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.orders import OrderIntent
from hedgebot.domain.ports import EventSink
from hedgebot.domain.whatif import VenueNumbers
from hedgebot.venues.answers import Answers
from hedgebot.venues.buckets import Budget
from hedgebot.venues.bybit_deadman import BybitDeadMan
from hedgebot.venues.bybit_precheck import pre_check
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.client import open_clients, open_query_client
from hedgebot.venues.clock import measure, sign_with
from hedgebot.venues.collateral import CollateralDesk
from hedgebot.venues.connection import VenueConnection
from hedgebot.venues.dropcopy import DropCopy, FillWatch
from hedgebot.venues.fundinglog import FundingLog
from hedgebot.venues.guard import FAULTS
from hedgebot.venues.keys import account_uid, key_problem, move_problem, moving_rights
from hedgebot.venues.lookup import look_up
from hedgebot.venues.markets import carry_over, load_apart
from hedgebot.venues.normalise import Scope
from hedgebot.venues.orders import OrderEntry
from hedgebot.venues.queries import Queries
from hedgebot.venues.reading import as_object
from hedgebot.venues.replies import reply_in_error, sentence
from hedgebot.venues.snapshot import Snapshots
from hedgebot.venues.statuses import MarketStatuses
from hedgebot.venues.streams import Streams
from hedgebot.venues.sweep import Sweeper
from hedgebot.venues.table import InstrumentTable
from hedgebot.venues.tasks import TaskGroup

# More commands at once than any book sends; beyond it something is wrong and nothing more leaves.
COMMANDS_MAX = 500
RELOAD_PAUSE_S = 60.0
# Expired instruments stay known for so long: their delivery is a fill like any other and may be read late.
ENDED_KEPT_NS = 8 * 86_400 * 1_000_000_000
_log = logging.getLogger(__name__)


class BybitVenue:
    """VenuePort for one account. `now_ns` is the wall clock, in UTC nanoseconds."""

    def __init__(self, connection: VenueConnection, sink: EventSink, now_ns: Callable[[], int]) -> None:
        if not connection.has_key:
            msg = f"account {connection.account}: no API key and secret"
            raise ConfigError(msg)
        self._connection = connection
        sink = self._sink = FillWatch(sink, now_ns)
        self._now_ns = now_ns
        budget = Budget(BYBIT, time.monotonic)
        self._budget = budget
        self._answers = Answers(connection.account, BYBIT, budget, sink, time.monotonic)
        self._stream, self._query = open_clients(connection, self._answers.observe)
        self._copy_client = open_query_client(connection, self._answers.observe) if connection.drop_copy else None
        self._tasks = TaskGroup(connection.account, sink)
        self._table = InstrumentTable()
        self._scope = Scope(account=connection.account, profile=BYBIT, instruments=self._table.instruments)
        queries = Queries(self._query, BYBIT, budget, connection.query_timeout_ms / 1_000)
        self._queries = queries
        self._snapshots = Snapshots(self._scope, queries, sink, now_ns)
        self._streams = Streams(connection, self._stream, self._scope, self._table, sink, self._tasks, time.monotonic)
        self._orders = OrderEntry(connection, BYBIT, self._stream, self._table, budget, sink, now_ns)
        self._orders.trade_ready = lambda: self._streams.trade_ready
        self._orders.drop_trade = self._streams.drop_trade
        self._orders.on_key_refused = self._answers.key_refused
        self._orders.sweep = Sweeper(self._query, queries, budget).reached
        self._answers.trade_ready = lambda: self._streams.trade_ready
        self._streams.dials.pause_s = lambda: budget.paused_s
        self._streams.listen(self._answers.dial_refused, self._orders.note_socket_limit)
        self._statuses = MarketStatuses(BYBIT.venue, queries, sink, self._table)
        self._statuses.watched = lambda: (*self._streams.watched, *self._unlisted)
        self._orders.on_market = lambda one: self._tasks.once(f"status of {one}", self._statuses.ask(one))
        self._orders.on_clock = lambda: self._tasks.once("clock", self._measure_unless_paused())
        self._dead_man = BybitDeadMan(connection.account, BYBIT, self._query, budget, sink, now_ns)
        self._dead_man.subscribe = self._streams.subscribe_private
        self._dead_man.stands = self._streams.private_stands
        self._collateral = CollateralDesk(connection, BYBIT, self._stream, queries, budget, sink, now_ns)
        self._unlisted: set[InstrumentId] = set()
        self._reload = asyncio.Event()
        self._statuses.reload = self._reload.set
        self._running = False
        self._claim: Callable[[str], None] = lambda _uid: None

    async def start(self) -> None:
        """Measure the clock, check the key, load the instruments, open the streams.

        Raises VenueUnreachable when the address does not answer, ConfigError when the key must not be used or is
        refused, InstanceError when another daemon has the account, VenueError when the venue answers something else.
        """
        try:
            await self._prepare()
        except (ConfigError, InstanceError):
            await self._close()
            raise
        except ccxt.AuthenticationError as error:
            await self._close()
            code, words = reply_in_error(error)
            self._answers.key_refused(code or "", words)
            msg = f"account {self._connection.account}: {BYBIT.venue} refuses the API key ({code}: {words})"
            raise ConfigError(msg) from error
        except ccxt.NetworkError as error:
            await self._close()
            msg = f"{BYBIT.venue} does not answer at {self._address}; check address and network ({sentence(error)})"
            raise VenueUnreachable(msg) from error
        except FAULTS as error:
            await self._close()
            msg = f"{BYBIT.venue} at {self._address} cannot be worked with: {sentence(error)}"
            raise VenueError(msg) from error
        self._running = True
        self._streams.start()
        self._tasks.lasting("clock", self._keep_clock)
        self._tasks.lasting("instruments", self._keep_instruments)
        self._tasks.lasting("market statuses", self._statuses.run)
        if self._connection.moves_collateral:
            self._tasks.lasting("funding wallet", self._collateral.run)
        if self._copy_client is not None:
            copy = DropCopy(self._connection.account, BYBIT, self._copy_client, self._budget, self._sink, self._now_ns)
            self._tasks.lasting("drop copy", copy.run)
            log = FundingLog(copy.account, BYBIT, copy.queries, self._sink, self._now_ns)
            self._tasks.lasting("funding log", log.run)

    async def stop(self) -> None:
        """Let orders under way get their answers, then close every socket and session."""
        self._running = False
        await self._tasks.drain(self._connection.order_timeout_ms / 1_000 + 1.0)
        await self._close()

    def hold_orders(self, problem: Callable[[OrderIntent], str]) -> None:
        """Ask `problem` right before each order leaves; a sentence keeps it back, answered as not sent."""
        self._orders.hold = problem

    def claim_account(self, claim: Callable[[str], None]) -> None:
        """Call `claim` at the start with the user id that the key belongs to; what it raises ends the start."""
        self._claim = claim

    async def margin_what_if(self, intent: OrderIntent) -> VenueNumbers:
        """What the venue says that one order would do to the margin; VenueError where it says nothing."""
        return await pre_check(self._query, self._budget, intent)

    def send(self, command: VenueCommand) -> None:
        """Start carrying out a command and return at once."""
        match command:
            case SubmitOrder():
                if self._may_send(command):
                    self._tasks.once(f"submit {command.client_id}", self._orders.submit(command))
            case CancelOrder():
                self._tasks.once(f"cancel {command.client_id}", self._orders.cancel(command))
            case QueryOrder():
                work = look_up(command, self._scope, self._queries, self._sink, self._now_ns)
                self._tasks.once(f"look up {command.client_id}", work)
            case RequestSnapshot():
                self._tasks.once(f"snapshot {command.request}", self._snapshots.take(command))
            case ArmDeadMan():
                self._tasks.once("dead man's switch", self._dead_man.arm(command))
            case MoveCollateral():
                if self._running and self._tasks.busy < COMMANDS_MAX:
                    self._tasks.once(f"move {command.move.number}", self._collateral.move(command))
                else:
                    self._collateral.refused(command, "local:stopped", "not sent: stopped, or too much under way")
            case QueryMove():
                self._tasks.once(f"look up move {command.transfer_id}", self._collateral.look_up(command))
            case WatchInstruments():
                self._watch(command.instruments)
            case _:
                assert_never(command)

    # --- orders -------------------------------------------------------------------------------------------------------

    def _may_send(self, command: SubmitOrder) -> bool:
        """Whether an order may leave; one that may not is answered here, with proof that it was not sent."""
        if self._running and self._tasks.busy < COMMANDS_MAX:
            return True
        code, words = ("local:busy", "too many commands under way") if self._running else ("local:stopped", "stopped")
        self._sink.put(
            OrderRejected(
                account=self._connection.account, client_id=command.client_id, code=code, message=f"not sent: {words}"
            )
        )
        return False

    # --- starting -----------------------------------------------------------------------------------------------------

    async def _prepare(self) -> None:
        await self._measure()
        result = as_object(await self._query.privateGetV5UserQueryApi(), "the key's answer").get("result")
        accepted_by, rights = self._connection.rights_accepted_by, as_object(result, "result")
        moves = self._connection.moves_collateral
        problem = key_problem(BYBIT, self._connection.role, rights, accepted=bool(accepted_by), moves=moves)
        if problem is not None:
            msg = f"account {self._connection.account}: {problem}"
            raise ConfigError(msg)
        self._claim(account_uid(rights))
        if moves and (lacks := move_problem(BYBIT, rights)):
            _log.warning("account %s: %s", self._connection.account, lacks)
        accepted_by = accepted_by or ("the treasury's configuration" if moves else "")
        if accepted_by and (movers := moving_rights(BYBIT, rights)):
            account = self._connection.account
            self._sink.put(KeyRightsAccepted(account=account, venue=BYBIT.venue, rights=movers, operator=accepted_by))
        # The client asks what sort of account this is before its first private call; once is enough.
        await self._stream.is_unified_enabled()
        await self._load()

    async def _close(self) -> None:
        clients = (self._stream, self._query, self._copy_client)
        await asyncio.gather(*(one.close() for one in clients if one is not None))

    @property
    def _address(self) -> str:
        return self._connection.endpoint or str(self._stream.implode_hostname(self._stream.urls["api"]["public"]))

    # --- clock and instruments ----------------------------------------------------------------------------------------

    async def _measure(self) -> None:
        measured = await measure(self._connection.account, self._stream, self._now_ns)
        sign_with(measured, *(one for one in (self._stream, self._query, self._copy_client) if one is not None))
        self._orders.clock_offset_ms = measured.offset_ms
        self._sink.put(measured)

    async def _measure_unless_paused(self) -> None:
        if not self._budget.paused_s:
            await self._measure()

    async def _keep_clock(self) -> None:
        while True:
            await asyncio.sleep(self._connection.clock_interval_s)
            self._streams.forget_ended(self._now_ns())
            await self._budget.over_pause()
            try:
                await self._measure()
            except FAULTS as error:
                _log.warning("the clock could not be measured: %s", sentence(error))

    async def _load(self) -> None:
        clock = {"timeDifference": self._stream.options["timeDifference"]}
        loaded = await load_apart(self._connection, BYBIT.venue, clock, self._answers.observe)
        watched = (self._table.symbol(one) for one in self._streams.watched)
        carry_over(self._stream, loaded.source, [one for one in watched if one is not None])
        # References only: the frames handled meanwhile saw the old tables, the next ones see the new.
        self._stream.set_markets_from_exchange(loaded.source)
        self._table.forget_ended(self._now_ns() - ENDED_KEPT_NS)
        self._table.take(loaded.instruments, loaded.symbols)
        for problem in loaded.problems[:10]:
            _log.warning("instrument left out: %s", problem)
        self._sink.put(InstrumentsLoaded(venue=BYBIT.venue, instruments=loaded.instruments))
        await self._statuses.take(loaded.statuses)

    async def _keep_instruments(self) -> None:
        """Read the instruments again on schedule, and soon after one was wanted that is not listed."""
        while True:
            try:
                async with asyncio.timeout(self._connection.reload_interval_s):
                    await self._reload.wait()
            except TimeoutError:
                pass
            self._reload.clear()
            await self._budget.over_pause()
            try:
                await self._load()
            except FAULTS as error:
                _log.warning("instruments could not be read again: %s", sentence(error))
            self._unlisted = set(self._streams.watch(self._unlisted))
            await asyncio.sleep(min(RELOAD_PAUSE_S, self._connection.reload_interval_s))

    def _watch(self, instruments: Iterable[InstrumentId]) -> None:
        wanted = tuple(instruments)
        unlisted = set(self._streams.watch(wanted))
        self._tasks.once("statuses", self._statuses.look(wanted))
        if unlisted - self._unlisted:
            self._reload.set()
        self._unlisted |= unlisted
