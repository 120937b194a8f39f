"""One account of the exchange in process, behind VenuePort: the adapter's part on virtual time.

Owns when things are asked and told: a request leaves, is carried out when it arrives, and its answer comes back; news
travel on their own. What happens to them on the way is the link's business. It never decides, never retries an order.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import assert_never

import msgspec

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.durations import NS_PER_MS, NS_PER_S
from hedgebot.domain.instrument import Instrument, InstrumentId
from hedgebot.domain.ports import EventSink
from hedgebot.exchange.faults import Altered
from hedgebot.exchange.link import Link
from hedgebot.exchange.link_types import Call, Push
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.timeline import Timeline
from hedgebot.exchange.types import (
    Ack,
    InstrumentStatus,
    ListingChanged,
    Notice,
    OrderRequest,
    OrderType,
    Refusal,
    RefusalReason,
)
from hedgebot.lab.asking import Lookup, Snapshot, looked_up, lookup, no_snapshot, snapshot
from hedgebot.lab.pace import ORDINARY_PACE, Pace
from hedgebot.lab.seat import Seat
from hedgebot.lab.simcare import SimCare
from hedgebot.lab.simcollateral import SimCollateral
from hedgebot.lab.simreader import SimReader
from hedgebot.lab.simstatus import SimStatuses, statuses
from hedgebot.lab.translate import MarketFact, market_facts, private_fact, spoilt

ORDER_TIMEOUT_NS = 3 * NS_PER_S
QUERY_TIMEOUT_NS = 10 * NS_PER_S
_MARKET_STATE = (RefusalReason.INSTRUMENT_NOT_TRADING, RefusalReason.DELISTING)
_TOPICS: dict[type, str] = {
    ev.FillReceived: "execution",
    ev.FundingPaid: "funding",
    ev.OrderUpdated: "order",
    ev.PositionUpdated: "position",
    ev.WalletUpdated: "wallet",
    ev.Ticker: "market.ticker",
}


class SimVenue:
    """VenuePort of one account. `account` is the book's name for `holder`, the exchange's account."""

    def __init__(  # noqa: PLR0913  (the parts of one account, each by its name)
        self,
        *,
        account: str,
        holder: str,
        venue: str,
        exchange: Exchange,
        link: Link,
        timeline: Timeline,
        sink: EventSink,
        pace: Pace = ORDINARY_PACE,
        clock: Callable[[], int] | None = None,
        reader_link: Link | None = None,
    ) -> None:
        """`reader_link`: where it is given, a drop copy reads over it."""
        self._account = account
        self._holder = holder
        self._venue = venue
        self._exchange = exchange
        self._link = link
        self._timeline = timeline
        self._sink = sink
        # The process's clock decides; the wall clock, which the link has, signs: with what was last measured of it.
        self._clock = clock if clock is not None else lambda: timeline.now_ns
        seat = Seat(
            account=account,
            holder=holder,
            exchange=exchange,
            link=link,
            timeline=timeline,
            put=self._put,
            clock=self._clock,
        )
        self._care = SimCare(seat)
        self._statuses = SimStatuses(seat, venue)
        self._collateral = SimCollateral(seat, self._care.signing_ms)
        self._reader = SimReader(msgspec.structs.replace(seat, link=reader_link)) if reader_link is not None else None
        self._pace = pace
        self._watched: dict[InstrumentId, None] = {}
        self._running = False
        self._round = 0
        self._unlisten: Callable[[], None] = lambda: None
        self._heard_ns = dict.fromkeys(ev.Stream, timeline.now_ns)
        self._up = dict.fromkeys(ev.Stream, False)

    # --- life

    def start(self) -> None:
        """Load the instruments, measure the clock, open the streams."""
        self._running = True
        self._unlisten = self._exchange.listen(self._on_notice, market=False)
        self._load_instruments()
        self._care.start()
        if self._reader is not None:
            self._reader.start()
        self._collateral.start()
        self._statuses.start()
        self._link.streams.on_stream = self._on_stream
        for name in (ev.Stream.PUBLIC, ev.Stream.PRIVATE):
            if self._link.streams.is_up(name.value):
                self._tell_stream(name, up=True, reason="connected")
        self._tell_stream(ev.Stream.TRADE, up=True, reason="connected")
        self._beat()
        self._show_markets()

    def stop(self) -> None:
        """Let go: nothing is told any more, whatever is under way."""
        self._running = False
        self._care.stop()
        if self._reader is not None:
            self._reader.stop()
        self._collateral.stop()
        self._statuses.stop()
        self._unlisten()

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
                self._statuses.look(command.instruments)
                if any(self._exchange.listing(one) is None for one in command.instruments):
                    self._load_instruments()
            case cmd.ArmDeadMan():
                self._care.arm(command)
            case cmd.MoveCollateral():
                self._collateral.move(command)
            case cmd.QueryMove():
                self._collateral.look_up(command)
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

        def place() -> Ack | Refusal:
            return self._exchange.place(request)

        def answered(answer: Ack | Refusal) -> None:
            if isinstance(answer, Ack):
                # Acceptance is asynchronous: what became of the order is the stream's to say.
                self._put(
                    ev.OrderAccepted(
                        account=self._account, client_id=client_id, order_id=answer.order_id, definitive=False
                    )
                )
            elif answer.reason.proves_nothing:
                self._unknown(client_id, answer.reason.value, answer.detail)
            else:
                if answer.reason is RefusalReason.OUTSIDE_WINDOW:
                    self._care.ask_the_time()
                if answer.reason in _MARKET_STATE:
                    self._statuses.ask(intent.instrument)
                self._note_key(answer.reason.value)
                self._put(
                    ev.OrderRejected(
                        account=self._account,
                        client_id=client_id,
                        code=answer.reason.value,
                        message=answer.detail,
                        passing=answer.reason.is_passing,
                        of_market=answer.reason.is_of_market,
                    )
                )

        # The venue refuses a request that arrives later than its window: that makes absence after the deadline proof.
        window_ms = (intent.deadline_ns - self._clock()) // NS_PER_MS
        if window_ms <= 0:
            self._reject(client_id, "local:deadline", "the deadline passed, not sent", passing=True)
            return
        call: Call[Ack | Refusal] = Call(
            name="place",
            instrument=intent.instrument,
            sent_ms=self._care.signing_ms(),
            window_ms=window_ms,
            refuse=lambda refusal: refusal,
            pretend=lambda: Ack(order_id=f"never-{client_id}", client_id=client_id),
        )
        self._link.request(
            place, answered, lambda why: self._unknown(client_id, "timeout", why), ORDER_TIMEOUT_NS, call
        )

    def _reject(self, client_id: str, code: str, message: str, *, passing: bool = False) -> None:
        account = self._account
        self._put(ev.OrderRejected(account=account, client_id=client_id, code=code, message=message, passing=passing))

    def _note_key(self, reason: str) -> None:
        """A key that the venue does not take (any more): no request of the account will do."""
        if reason == RefusalReason.NO_PERMISSION:
            self._put(ev.AuthenticationFailed(account=self._account, code=reason, message="the key has no permission"))

    def _unknown(self, client_id: str, code: str, message: str) -> None:
        self._put(ev.OrderOutcomeUnknown(account=self._account, client_id=client_id, code=code, message=message))

    def _cancel(self, command: cmd.CancelOrder) -> None:
        def tell(code: str) -> None:
            self._put(
                ev.CancelAnswered(
                    account=self._account, client_id=command.client_id, accepted=not code, code=code, message=""
                )
            )

        def work() -> Ack | Refusal:
            return self._exchange.cancel(self._holder, command.instrument, client_id=command.client_id)

        def answered(answer: Ack | Refusal) -> None:
            tell("" if isinstance(answer, Ack) else answer.reason.value)

        call: Call[Ack | Refusal] = Call(
            name="cancel",
            instrument=command.instrument,
            sent_ms=self._care.signing_ms(),
            refuse=lambda refusal: refusal,
        )
        self._link.request(work, answered, tell, ORDER_TIMEOUT_NS, call)

    def _query(self, command: cmd.QueryOrder) -> None:
        asked_at_ns, account = self._clock(), self._account
        call: Call[Lookup] = Call(
            name="query.order",
            sent_ms=self._care.signing_ms(),
            instrument=command.instrument,
            empty=lambda _answer: (looked_up(account, command, asked_at_ns, None, complete=True),),
        )
        self._link.request(
            lambda: lookup(self._exchange, self._holder, account, command, asked_at_ns),
            self._put_all,
            lambda _why: self._put(looked_up(account, command, asked_at_ns, None, complete=False)),
            QUERY_TIMEOUT_NS,
            call,
        )

    def _snapshot(self, command: cmd.RequestSnapshot) -> None:
        asked_at_ns, account = self._clock(), self._account

        def flat(answer: Snapshot) -> Snapshot:
            """The positions list comes back empty, everything else as it is."""
            return tuple(
                msgspec.structs.replace(one, positions=()) if isinstance(one, ev.SnapshotTaken) else one
                for one in answer
            )

        def lost(why: str) -> None:
            self._note_key(why)
            self._put(no_snapshot(account, command, asked_at_ns, why))

        self._link.request(
            lambda: snapshot(self._exchange, self._holder, account, command, asked_at_ns),
            self._put_all,
            lost,
            QUERY_TIMEOUT_NS,
            Call(name="query.positions", sent_ms=self._care.signing_ms(), empty=flat),
        )

    # --- what comes by itself

    def _load_instruments(self) -> None:
        def answered(found: tuple[tuple[Instrument, ...], dict[InstrumentId, str]]) -> None:
            self._put(ev.InstrumentsLoaded(venue=self._venue, instruments=found[0]))
            self._statuses.take(found[1])

        self._link.request(
            lambda: (tuple(one.instrument for one in self._exchange.listings()), statuses(self._exchange)),
            answered,
            lambda _why: self._timeline.after(NS_PER_S, self._load_again),
            QUERY_TIMEOUT_NS,
            Call(name="query.instruments", sent_ms=self._exchange.now_ns // NS_PER_MS),
        )

    def _load_again(self) -> None:
        if self._running:
            self._load_instruments()

    def _beat(self) -> None:
        """Signs of life of both streams: pongs, which a muted topic does not stop."""
        if not self._running:
            return
        for stream in (ev.Stream.PUBLIC, ev.Stream.PRIVATE):
            alive = ev.StreamAlive(account=self._account, stream=stream)
            self._link.streams.alive(stream.value, partial(self._put, alive))
        self._care.heartbeat()
        self._watch_silence()
        self._timeline.after(self._pace.alive_ns, self._beat)

    def _watch_silence(self) -> None:
        """Drop a connection that has been silent for too long, as the adapter does."""
        for stream in (ev.Stream.PUBLIC, ev.Stream.PRIVATE):
            silent_ns = self._timeline.now_ns - self._heard_ns[stream]
            if silent_ns > self._pace.silence_ns_max and self._link.streams.is_up(stream.value):
                self._heard_ns[stream] = self._timeline.now_ns
                self._link.streams.drop(stream.value, "no frame for too long")

    def _on_stream(self, name: str, up: bool, reason: str) -> None:  # noqa: FBT001  (the link's own signature)
        stream = ev.Stream(name)
        self._heard_ns[stream] = self._timeline.now_ns
        self._tell_stream(stream, up=up, reason=reason)

    def _tell_stream(self, stream: ev.Stream, *, up: bool, reason: str) -> None:
        if up is self._up[stream]:
            return
        self._up[stream] = up
        self._put(ev.StreamChanged(account=self._account, stream=stream, up=up, reason=reason))

    def _show_markets(self) -> None:
        if not self._running:
            return
        self._round += 1
        for instrument in self._watched:
            listing = self._exchange.listing(instrument)
            if listing is None or (listing.instrument.kind.is_option and self._round % self._pace.options_every):
                continue
            if listing.status is InstrumentStatus.STALE:
                # Nothing is known of the market in a gap of a recording: the last prices grow old, as in a silent feed.
                continue
            for fact in market_facts(self._exchange, instrument):
                self._link.market(
                    Push(
                        deliver=partial(self._put, fact),
                        topic=_TOPICS.get(type(fact), "market"),
                        instrument=instrument,
                        unreadable=partial(self._quarantine, ev.Stream.PUBLIC, "market"),
                        altered=partial(self._altered, fact),
                    )
                )
        self._timeline.after(self._pace.market_ns, self._show_markets)

    def _on_notice(self, notice: Notice) -> None:
        fact = private_fact(self._exchange, notice, self._holder, self._account)
        if fact is not None:
            topic = _TOPICS.get(type(fact), "order")
            self._link.news(
                Push(
                    deliver=partial(self._put, fact),
                    topic=topic,
                    unreadable=partial(self._quarantine, ev.Stream.PRIVATE, topic),
                )
            )
        elif isinstance(notice, ListingChanged):
            listing = notice.listing.instrument
            self._link.market(lambda: self._put(ev.InstrumentsLoaded(venue=self._venue, instruments=(listing,))))

    def _put_all(self, facts: Iterable[ev.Event]) -> None:
        for fact in facts:
            self._put(fact)

    def _altered(self, fact: MarketFact, how: Altered) -> None:
        self._put(spoilt(fact, how))

    def _quarantine(self, stream: ev.Stream, topic: str) -> None:
        self._put(
            ev.FrameQuarantined(
                account=self._account, stream=stream, topic=topic, problem="it cannot be read", sample="{"
            )
        )

    def _put(self, fact: ev.Event) -> None:
        if isinstance(fact, ev.StreamAlive | ev.BookTop):
            stream = fact.stream if isinstance(fact, ev.StreamAlive) else ev.Stream.PUBLIC
            self._heard_ns[stream] = self._timeline.now_ns
        if self._running:
            self._sink.put(fact)
