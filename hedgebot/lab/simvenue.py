"""One account of the exchange in process, behind VenuePort: the adapter's part on virtual time.

Owns when things are asked and told: a request leaves, is carried out when it arrives, and its answer comes back; news
travel on their own. What happens to them on the way is the line's business. It never decides, never retries an order.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol, TypeVar, assert_never

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.ports import EventSink
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.types import (
    Ack,
    Executed,
    FundingSettled,
    ListingChanged,
    Notice,
    OrderChanged,
    OrderRequest,
    OrderType,
    PositionChanged,
    Refusal,
    RefusalReason,
    WalletChanged,
)
from hedgebot.lab.agenda import Agenda
from hedgebot.lab.translate import execution_fact, market_facts, order_report, position_report, wallet_report

NS_PER_MS = 1_000_000
NS_PER_S = 1_000 * NS_PER_MS
MARKET_EVERY_NS = 250 * NS_PER_MS
OPTIONS_EVERY = 4
ALIVE_EVERY_NS = NS_PER_S
CLOCK_EVERY_NS = 60 * NS_PER_S
ORDER_TIMEOUT_NS = 3 * NS_PER_S
QUERY_TIMEOUT_NS = 10 * NS_PER_S
OVERLAP_NS = 60 * NS_PER_S
# Refusals that say nothing about what happened: everything else proves that nothing was executed.
_NO_PROOF = frozenset({RefusalReason.DUPLICATE_CLIENT_ID, RefusalReason.RATE_LIMITED})

T = TypeVar("T")


class Line(Protocol):
    """What stands between the adapter and the exchange."""

    def request(
        self, work: Callable[[], T], answered: Callable[[T], None], lost: Callable[[str], None], timeout_ns: int
    ) -> None:
        """Have work done at the venue and its result brought back; `lost` after the timeout, with a reason, if not.

        Exactly one of `answered` and `lost` is called; work may have been done all the same.
        """

    def news(self, deliver: Callable[[], None]) -> None:
        """Bring private news, as far as the private stream works."""

    def market(self, deliver: Callable[[], None]) -> None:
        """Bring market data, as far as the public streams work."""

    @property
    def private_up(self) -> bool:
        """Whether the private stream is connected."""


class SimVenue:
    """VenuePort of one account. `account` is the book's name for `holder`, the exchange's account."""

    def __init__(
        self, *, account: str, holder: str, venue: str, exchange: Exchange, line: Line, agenda: Agenda, sink: EventSink
    ) -> None:
        self._account = account
        self._holder = holder
        self._venue = venue
        self._exchange = exchange
        self._line = line
        self._agenda = agenda
        self._sink = sink
        self._watched: dict[InstrumentId, None] = {}
        self._running = False
        self._round = 0
        self._unlisten: Callable[[], None] = lambda: None
        self._private_was_up = False

    # --- life

    def start(self) -> None:
        """Load the instruments, measure the clock, open the streams."""
        self._running = True
        self._unlisten = self._exchange.listen(self._on_notice)
        self._load_instruments()
        self._measure_clock()
        for stream in (ev.Stream.PUBLIC, ev.Stream.TRADE):
            self._sink.put(ev.StreamChanged(account=self._account, stream=stream, up=True, reason="connected"))
        self._beat()
        self._show_markets()

    def stop(self) -> None:
        """Let go: nothing is told any more, whatever is under way."""
        self._running = False
        self._unlisten()

    def stream_changed(self, *, up: bool, reason: str) -> None:
        """The line says that the private stream came up or went down."""
        if self._running:
            self._tell_private(up=up, reason=reason)

    # --- commands

    def send(self, command: cmd.VenueCommand) -> None:
        """Start carrying out a command and return at once."""
        match command:
            case cmd.SubmitOrder():
                self._submit(command)
            case cmd.CancelOrder():
                self._cancel(command)
            case cmd.QueryOrder():
                self._query(command)
            case cmd.RequestSnapshot():
                self._snapshot(command)
            case cmd.WatchInstruments():
                self._watched |= dict.fromkeys(command.instruments)
                if any(self._exchange.listing(one) is None for one in command.instruments):
                    self._load_instruments()
            case _:
                assert_never(command)

    def _submit(self, command: cmd.SubmitOrder) -> None:
        intent, client_id = command.approved.intent, command.client_id
        request = OrderRequest(
            account=self._holder,
            instrument=intent.instrument,
            side=intent.side,
            type=OrderType.LIMIT,
            qty_contracts=intent.qty_contracts,
            limit_price=intent.limit_price,
            time_in_force=intent.time_in_force,
            reduce_only=intent.reduce_only,
            client_id=client_id,
        )

        def place() -> Ack | Refusal | None:
            # The venue's own deadline: a request that comes too late is refused unread.
            return self._exchange.place(request) if self._agenda.now_ns <= intent.deadline_ns else None

        def answered(answer: Ack | Refusal | None) -> None:
            if answer is None:
                self._reject(client_id, "clock", "the request came after its deadline")
            elif isinstance(answer, Ack):
                # Acceptance is asynchronous: what became of the order is the stream's to say.
                self._put(
                    ev.OrderAccepted(
                        account=self._account, client_id=client_id, order_id=answer.order_id, definitive=False
                    )
                )
            elif answer.reason in _NO_PROOF:
                self._unknown(client_id, answer.reason.value, answer.detail)
            else:
                self._reject(client_id, answer.reason.value, answer.detail)

        self._line.request(place, answered, lambda why: self._unknown(client_id, "timeout", why), ORDER_TIMEOUT_NS)

    def _reject(self, client_id: str, code: str, message: str) -> None:
        self._put(ev.OrderRejected(account=self._account, client_id=client_id, code=code, message=message))

    def _unknown(self, client_id: str, code: str, message: str) -> None:
        self._put(ev.OrderOutcomeUnknown(account=self._account, client_id=client_id, code=code, message=message))

    def _cancel(self, command: cmd.CancelOrder) -> None:
        def tell(*, accepted: bool, code: str) -> None:
            self._put(
                ev.CancelAnswered(
                    account=self._account, client_id=command.client_id, accepted=accepted, code=code, message=""
                )
            )

        self._line.request(
            lambda: self._exchange.cancel(self._holder, command.instrument, client_id=command.client_id),
            lambda answer: tell(
                accepted=isinstance(answer, Ack), code="" if isinstance(answer, Ack) else answer.reason.value
            ),
            lambda why: tell(accepted=False, code=why),
            ORDER_TIMEOUT_NS,
        )

    def _query(self, command: cmd.QueryOrder) -> None:
        asked_at_ns = self._agenda.now_ns

        def look() -> tuple[ev.FillReceived | ev.OrderLookedUp, ...]:
            order = self._exchange.order(self._holder, client_id=command.client_id)
            rows = self._exchange.executions(self._holder)
            facts = [execution_fact(row, self._account, ev.Source.QUERY) for row in rows]
            fills = [one for one in facts if isinstance(one, ev.FillReceived) and one.client_id == command.client_id]
            found = ev.OrderLookedUp(
                account=self._account,
                client_id=command.client_id,
                report=None if order is None else order_report(order, self._account),
                searched=("open", "history", "executions"),
                complete=True,
                asked_at_ns=asked_at_ns,
            )
            return (*fills, found)

        def lost(_why: str) -> None:
            self._put(
                ev.OrderLookedUp(
                    account=self._account,
                    client_id=command.client_id,
                    report=None,
                    searched=(),
                    complete=False,
                    asked_at_ns=asked_at_ns,
                )
            )

        self._line.request(look, self._put_all, lost, QUERY_TIMEOUT_NS)

    def _snapshot(self, command: cmd.RequestSnapshot) -> None:
        asked_at_ns = self._agenda.now_ns

        def look() -> tuple[ev.FillReceived | ev.FundingPaid | ev.SnapshotTaken, ...]:
            exchange, holder = self._exchange, self._holder
            facts = [
                execution_fact(row, self._account, ev.Source.QUERY)
                for row in exchange.executions(holder, command.executions_since_ns - OVERLAP_NS)
            ]
            taken = ev.SnapshotTaken(
                account=self._account,
                request=command.request,
                complete=True,
                problem="",
                positions=tuple(position_report(one, self._account) for one in exchange.positions(holder)),
                open_orders=tuple(order_report(one, self._account) for one in exchange.open_orders(holder)),
                wallet=wallet_report(exchange.wallet(holder), self._account),
                executions_since_ns=command.executions_since_ns,
                asked_at_ns=asked_at_ns,
            )
            return (*facts, taken)

        def lost(why: str) -> None:
            self._put(
                ev.SnapshotTaken(
                    account=self._account,
                    request=command.request,
                    complete=False,
                    problem=why,
                    positions=(),
                    open_orders=(),
                    wallet=None,
                    executions_since_ns=command.executions_since_ns,
                    asked_at_ns=asked_at_ns,
                )
            )

        self._line.request(look, self._put_all, lost, QUERY_TIMEOUT_NS)

    # --- what comes by itself

    def _load_instruments(self) -> None:
        self._line.request(
            lambda: tuple(one.instrument for one in self._exchange.listings()),
            lambda found: self._put(ev.InstrumentsLoaded(venue=self._venue, instruments=found)),
            lambda _why: self._agenda.after(NS_PER_S, self._load_again),
            QUERY_TIMEOUT_NS,
        )

    def _load_again(self) -> None:
        if self._running:
            self._load_instruments()

    def _measure_clock(self) -> None:
        if not self._running:
            return
        asked_at_ns = self._agenda.now_ns

        def answered(venue_ns: int) -> None:
            round_trip_ns = self._agenda.now_ns - asked_at_ns
            offset_ns = venue_ns - (asked_at_ns + round_trip_ns / 2)
            self._put(
                ev.ClockMeasured(
                    account=self._account,
                    offset_ms=offset_ns / NS_PER_MS,
                    round_trip_ms=round_trip_ns / NS_PER_MS,
                )
            )

        self._line.request(lambda: self._exchange.now_ns, answered, lambda _why: None, QUERY_TIMEOUT_NS)
        self._agenda.after(CLOCK_EVERY_NS, self._measure_clock)

    def _beat(self) -> None:
        """Signs of life, and the private stream's ups and downs."""
        if not self._running:
            return
        up = self._line.private_up
        if up is not self._private_was_up:
            self._tell_private(up=up, reason="connected" if up else "the connection was lost")
        if up:
            self._line.news(lambda: self._put(ev.StreamAlive(account=self._account, stream=ev.Stream.PRIVATE)))
        self._agenda.after(ALIVE_EVERY_NS, self._beat)

    def _tell_private(self, *, up: bool, reason: str) -> None:
        if up is self._private_was_up:
            return
        self._private_was_up = up
        self._put(ev.StreamChanged(account=self._account, stream=ev.Stream.PRIVATE, up=up, reason=reason))

    def _show_markets(self) -> None:
        if not self._running:
            return
        self._round += 1
        for instrument in self._watched:
            listing = self._exchange.listing(instrument)
            if listing is None or (listing.instrument.kind.is_option and self._round % OPTIONS_EVERY):
                continue
            facts = market_facts(self._exchange, instrument)
            self._line.market(partial(self._put_all, facts))
        self._agenda.after(MARKET_EVERY_NS, self._show_markets)

    def _on_notice(self, notice: Notice) -> None:
        fact = self._fact(notice)
        if fact is not None:
            self._line.news(lambda: self._put(fact))
        elif isinstance(notice, ListingChanged):
            listing = notice.listing.instrument
            self._line.market(lambda: self._put(ev.InstrumentsLoaded(venue=self._venue, instruments=(listing,))))

    def _fact(self, notice: Notice) -> ev.Event | None:
        """The private news in a notice; None for what concerns others."""
        mine = self._holder
        match notice:
            case Executed(execution=row) if row.account == mine:
                return execution_fact(row, self._account, ev.Source.STREAM)
            case FundingSettled(settlement=row) if row.account == mine:
                return execution_fact(row, self._account, ev.Source.STREAM)
            case OrderChanged(order=order) if order.account == mine:
                return ev.OrderUpdated(report=order_report(order, self._account))
            case PositionChanged(position=position) if position.account == mine:
                return ev.PositionUpdated(report=position_report(position, self._account))
            case WalletChanged(account=account) if account == mine:
                report = wallet_report(self._exchange.wallet(mine), self._account)
                return ev.WalletUpdated(report=report, source=ev.Source.STREAM)
            case _:
                return None

    def _put_all(self, facts: Iterable[ev.Event]) -> None:
        for fact in facts:
            self._put(fact)

    def _put(self, fact: ev.Event) -> None:
        if self._running:
            self._sink.put(fact)
