"""Which sockets an account needs and what is read from them: private topics, the trade socket, market data on demand.

Facts reach the sink from here only: fills and orders when the client stores them (notifying caches), everything else
from the raw frame (the guard's reader).
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any

from hedgebot.domain.events import OrderUpdated, PositionUpdated, Source, Stream, WalletUpdated
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.ports import EventSink
from hedgebot.venues.caches import NotifyingCache
from hedgebot.venues.connection import VenueConnection
from hedgebot.venues.dials import Dials
from hedgebot.venues.guard import Guard
from hedgebot.venues.links import Link, LinkStates
from hedgebot.venues.normalise import Scope, category_of
from hedgebot.venues.normalise_account import execution, order, position, wallet
from hedgebot.venues.normalise_market import MarketReader
from hedgebot.venues.reading import FrameProblem, Raw, as_rows, ns_from_ms, text_or_none
from hedgebot.venues.runner import Patience, SocketRunner, Subscription
from hedgebot.venues.table import InstrumentTable
from hedgebot.venues.tasks import TaskGroup

CATEGORIES = ("spot", "linear", "inverse", "option")


class Streams:
    """Every socket of one account."""

    def __init__(
        self,
        connection: VenueConnection,
        client: Any,  # noqa: ANN401  # ccxt is untyped
        scope: Scope,
        table: InstrumentTable,
        sink: EventSink,
        tasks: TaskGroup,
        now_s: Callable[[], float],
    ) -> None:
        self._connection = connection
        self._client = client
        self._scope = scope
        self._table = table
        self._sink = sink
        self._tasks = tasks
        self._now_s = now_s
        self._market = MarketReader(scope.profile.venue)
        self._states = LinkStates(connection.account, sink, now_s)
        self._guard = Guard(connection.account, client, self._states, sink, self._read, now_s)
        # Every socket of the venue has the same host.
        self.dials = Dials(now_s)
        self._runners: dict[str, SocketRunner] = {}
        self._watched: set[InstrumentId] = set()
        self._trade: Link | None = None
        # Rows of the private frame in hand that the client has handed on.
        self._handed = 0
        self._private: tuple[Link, SocketRunner] | None = None
        self._extra: set[str] = set()

    def start(self) -> None:
        """Put hooks and caches in place and start the private sockets. Market sockets start when they are wanted."""
        client = self._client
        self._guard.attach()
        self._guard.handled = self._handled
        client.myTrades = NotifyingCache(self._on_execution)
        client.orders = NotifyingCache(self._on_order)
        sockets = client.urls["api"]["ws"]["private"]
        link = Link(client.implode_hostname(sockets["contract"]), Stream.PRIVATE, needs_auth=True)
        private = self._runner(link)
        self._private = (link, private)
        for topic, watch in (
            ("execution", client.watch_my_trades),
            ("order", client.watch_orders),
            ("position", client.watch_positions),
            ("wallet", client.watch_balance),
        ):
            private.add(Subscription(topics=frozenset({topic}), open=watch))
        self._tasks.lasting("private stream", private.run)
        if self._connection.order_entry == "ws" and self._connection.role.may_trade:
            self._trade = Link(client.implode_hostname(sockets["trade"]), Stream.TRADE, needs_auth=True)
            trade = self._runner(self._trade)
            trade.add(Subscription(topics=frozenset(), open=partial(client.authenticate, self._trade.url)))
            self._tasks.lasting("trade stream", trade.run)

    def subscribe_private(self, topic: str) -> None:
        """Want one more topic on the private socket, on each of its connections; repeats do nothing."""
        if self._private is None or topic in self._extra:
            return
        self._extra.add(topic)
        link, runner = self._private

        async def watch() -> None:
            await self._client.authenticate(link.url)
            await self._client.watch_topics(link.url, [topic], [topic])

        runner.add(Subscription(topics=frozenset({topic}), open=watch))

    def private_stands(self, topic: str) -> bool:
        """Whether the venue confirmed a topic on the living private connection."""
        return self._private is not None and self._private[0].up and topic in self._private[0].acked

    def listen(self, dial_refused: Callable[[object], float], on_trade_answer: Callable[[str, Raw], None]) -> None:
        """Say who hears of refused dials and of the trade socket's answers."""
        self._guard.dial_refused = dial_refused
        self._guard.on_trade_answer = on_trade_answer

    @property
    def trade_ready(self) -> bool:
        """Whether the trade socket is authenticated."""
        return self._trade is not None and self._trade.up

    def drop_trade(self, reason: str) -> None:
        """Dial the trade socket anew."""
        if self._trade is not None:
            self._guard.drop(self._trade, reason)

    @property
    def watched(self) -> tuple[InstrumentId, ...]:
        """What is subscribed, in a fixed order."""
        return tuple(sorted(self._watched))

    def watch(self, instruments: Iterable[InstrumentId]) -> tuple[InstrumentId, ...]:
        """Subscribe what is not subscribed yet; returns the instruments that the venue did not list."""
        unknown: list[InstrumentId] = []
        fresh: dict[str, list[InstrumentId]] = {}
        for instrument in sorted(set(instruments) - self._watched):
            if self._table.symbol(instrument) is None:
                unknown.append(instrument)
                continue
            self._watched.add(instrument)
            fresh.setdefault(self._table.instruments[instrument].category, []).append(instrument)
        for category, wanted in fresh.items():
            runner = self._market_runner(category)
            for subscription in self._subscriptions(category, wanted):
                runner.add(subscription)
        return tuple(unknown)

    def forget_ended(self, at_ns: int) -> None:
        """Want nothing any more of instruments that have expired.

        Their topics fall silent, which would count as a muted stream, and the next connection would be refused them.
        """
        rules = self._table.instruments
        ended = [one for one in self._watched if (expiry_ns := rules[one].expiry_ns) is not None and expiry_ns < at_ns]
        self._watched.difference_update(ended)
        for category in {rules[one].category for one in ended}:
            left = sorted(one for one in self._watched if rules[one].category == category)
            self._runners[category].want(self._subscriptions(category, left))
        for one in ended:
            for kept in (self._client.orderbooks, self._client.bidsasks):
                kept.pop(self._table.symbol(one), None)

    # --- subscribing --------------------------------------------------------------------------------------------------

    def _market_runner(self, category: str) -> SocketRunner:
        runner = self._runners.get(category)
        if runner is None:
            url = self._client.implode_hostname(self._client.urls["api"]["ws"]["public"][category])
            runner = self._runner(
                Link(url, Stream.PUBLIC, category=category), on_lost=partial(self._market.forget, category)
            )
            self._runners[category] = runner
            self._tasks.lasting(f"{category} market stream", runner.run)
        return runner

    def _subscriptions(self, category: str, instruments: list[InstrumentId]) -> list[Subscription]:
        """What is asked for of instruments of one category, in requests of the size that the venue takes."""
        found: list[Subscription] = []
        size = self._scope.profile.topics_per_request[category]
        for start in range(0, len(instruments), size):
            # The venue's name and the client's name of each.
            names = {
                self._table.instruments[instrument].symbol: str(self._table.symbol(instrument))
                for instrument in instruments[start : start + size]
            }
            if category != "option":
                found.append(_subscription("orderbook.1", names, self._client.watch_bids_asks))
            # Spot tickers carry neither mark nor funding.
            if category != "spot":
                found.append(_subscription("tickers", names, self._client.watch_tickers))
        return found

    def _runner(self, link: Link, on_lost: Callable[[], None] = lambda: None) -> SocketRunner:
        self._states.add(link)
        patience = Patience(
            ready_s=self._connection.ready_ms_max / 1_000,
            silence_s=self._connection.silence_ms_max / 1_000,
            content_s=self._content_s,
        )
        return SocketRunner(
            self._client,
            link,
            self._states,
            self._guard,
            patience,
            self.dials,
            self._now_s,
            on_lost=on_lost,
        )

    def _content_s(self, topic: str) -> float | None:
        own = self._connection.content_ms_max
        limit_ms = self._scope.profile.content_ms_max.get(topic.split(".", maxsplit=1)[0])
        if limit_ms is None:
            return None
        return (limit_ms if own is None else own) / 1_000

    # --- reading ------------------------------------------------------------------------------------------------------

    def _read(self, link: Link, frame: Raw) -> None:
        """Put the facts of a raw frame; raises FrameProblem when it cannot be read."""
        if link.stream is Stream.PUBLIC:
            fact = self._market.read(link.category, frame)
            if fact is not None:
                self._sink.put(fact)
            return
        self._handed = 0
        match frame.get("topic"):
            case "position":
                for row in as_rows(frame.get("data"), "data"):
                    self._sink.put(PositionUpdated(report=position(self._scope, category_of(row), row)))
            case "wallet":
                for row in as_rows(frame.get("data"), "data"):
                    # Only the unified account counts; older accounts push one row per account type.
                    if text_or_none(row, "accountType") in {None, "UNIFIED"}:
                        report = wallet(self._scope, row, ns_from_ms(frame, "creationTime"))
                        self._sink.put(WalletUpdated(report=report, source=Source.STREAM))
            case _:
                return

    def _handled(self, link: Link, frame: Raw) -> None:
        """Tell of rows that the client kept to itself: it drops those whose instrument it cannot name.

        Of market data it keeps each instrument's first ticker with its frame (5 KB), which nobody reads.
        """
        self._client.tickers.clear()
        if link.stream is not Stream.PRIVATE or frame.get("topic") not in {"execution", "order"}:
            return
        lost = len(as_rows(frame.get("data"), "data")) - self._handed
        if lost > 0:
            self._guard.quarantine(
                Stream.PRIVATE, str(frame["topic"]), f"{lost} rows name no instrument that the client knows", frame
            )

    def _on_execution(self, row: Raw) -> None:
        self._handed += 1
        try:
            fact = execution(self._scope, category_of(row), row, Source.STREAM)
        except FrameProblem as error:
            self._guard.quarantine(Stream.PRIVATE, "execution", str(error), row)
            return
        if fact is not None:
            self._sink.put(fact)

    def _on_order(self, row: Raw) -> None:
        self._handed += 1
        try:
            report = order(self._scope, category_of(row), row)
        except FrameProblem as error:
            self._guard.quarantine(Stream.PRIVATE, "order", str(error), row)
            return
        self._sink.put(OrderUpdated(report=report))


def _subscription(kind: str, names: Mapping[str, str], watch: Callable[[list[str]], Awaitable[Any]]) -> Subscription:
    parts = tuple(_subscription(kind, {name: names[name]}, watch) for name in names) if len(names) > 1 else ()
    return Subscription(
        topics=frozenset(f"{kind}.{name}" for name in names), open=partial(watch, list(names.values())), parts=parts
    )
