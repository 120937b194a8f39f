"""Doubles of the daemon's neighbours: a sink, a journal, and a venue that answers like a quiet market."""

import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.errors import JournalError
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind, Side
from hedgebot.domain.orders import Approved, OrderIntent, TimeInForce
from hedgebot.domain.ports import EventSink
from hedgebot.domain.reports import WalletReport

BTC = InstrumentId("bybit:linear:BTCUSDT")
CLIENT_ID = "4b" + "0" * 30


class ListSink:
    """Keeps what was put."""

    def __init__(self) -> None:
        self.events: list[ev.Event] = []

    def put(self, event: ev.Event) -> None:
        self.events.append(event)


class OrderBlock:
    """The gate of orders as a switch sees it."""

    def __init__(self) -> None:
        self.kills, self.blocked = 0, False

    def block_orders(self) -> None:
        self.kills += 1
        self.blocked = True

    def unblock_orders(self, kills: int) -> bool:
        self.blocked = self.blocked and kills != self.kills
        return kills == self.kills


class MemoryJournal:
    """Keeps what was written; can be told to fail."""

    def __init__(self) -> None:
        self.entries: list[ev.Stamped | cmd.Issued] = []
        self.durable: list[bool] = []
        self.snapshots: list[int] = []
        self.problem: str | None = None
        self.before_write: Callable[[], None] = lambda: None

    async def write(self, entries: Sequence[ev.Stamped | cmd.Issued], *, durable: bool) -> None:
        self.before_write()
        self.entries += entries
        self.durable.append(durable)
        if self.problem is not None:
            raise JournalError(self.problem)

    async def snapshot(self, seq: int, state_bytes: bytes) -> None:
        if self.problem is not None:
            raise JournalError(self.problem)
        self.snapshots.append(seq)

    @property
    def events(self) -> list[ev.Event]:
        return [entry.event for entry in self.entries if isinstance(entry, ev.Stamped)]


def perpetual() -> Instrument:
    return Instrument(
        id=BTC,
        venue="bybit",
        category="linear",
        symbol="BTCUSDT",
        kind=InstrumentKind.LINEAR_PERP,
        underlying="BTC",
        quote="USDT",
        settle="USDT",
        contract_size=Decimal(1),
        tick_size=Decimal("0.1"),
        lot_size=Decimal("0.001"),
        qty_min=Decimal("0.001"),
        funding_interval_hours=8.0,
    )


def submit(client_id: str = CLIENT_ID, account: str = "main") -> cmd.SubmitOrder:
    intent = OrderIntent(
        account=account,
        instrument=BTC,
        underlying="BTC",
        strategy="delta_neutral",
        side=Side.SELL,
        qty_contracts=Decimal("0.1"),
        limit_price=Decimal(60_000),
        time_in_force=TimeInForce.IOC,
        reduce_only=False,
        delta_effect_coin=-0.1,
        notional_usd=6_000.0,
        deadline_ns=0,
        reason="test",
    )
    return cmd.SubmitOrder(approved=Approved(intent=intent, checks=(), risk_reducing=True), client_id=client_id)


class QuietVenue:
    """A venue port whose account is empty and whose market stands still; fills what it is sent, when told to."""

    def __init__(self, account: str, sink: EventSink) -> None:
        self.account = account
        self.sink = sink
        self.sent: list[cmd.VenueCommand] = []
        self.stopped = False
        self.price = Decimal(60_000)

    async def start(self) -> None:
        self.sink.put(ev.InstrumentsLoaded(venue="bybit", instruments=(perpetual(),)))
        self.sink.put(ev.ClockMeasured(account=self.account, offset_ms=0.0, round_trip_ms=1.0))
        for stream in ev.Stream:
            self.sink.put(ev.StreamChanged(account=self.account, stream=stream, up=True, reason="open"))

    async def stop(self) -> None:
        self.stopped = True

    def send(self, command: cmd.VenueCommand) -> None:
        self.sent.append(command)
        if isinstance(command, cmd.RequestSnapshot):
            self.sink.put(self._snapshot(command))
        elif isinstance(command, cmd.WatchInstruments):
            self.tick(time.time_ns())

    def tick(self, venue_at_ns: int) -> None:
        half = Decimal("0.5")
        one = Decimal(1)
        self.sink.put(
            ev.BookTop(
                instrument=BTC,
                bid=self.price - half,
                bid_qty=one,
                ask=self.price + half,
                ask_qty=one,
                venue_at_ns=venue_at_ns,
            )
        )
        self.sink.put(
            ev.Ticker(
                instrument=BTC,
                mark=self.price,
                index=self.price,
                funding_rate=None,
                funding_interval_hours=None,
                venue_at_ns=venue_at_ns,
            )
        )

    def _snapshot(self, command: cmd.RequestSnapshot) -> ev.SnapshotTaken:
        wallet = WalletReport(
            account=self.account,
            balances={"USDT": Decimal(100_000)},
            equity_usd=Decimal(100_000),
            initial_margin_usd=Decimal(0),
            maintenance_margin_usd=Decimal(0),
            venue_at_ns=1,
        )
        return ev.SnapshotTaken(
            account=self.account,
            request=command.request,
            complete=True,
            problem="",
            positions=(),
            open_orders=(),
            wallet=wallet,
            executions_since_ns=command.executions_since_ns,
            asked_at_ns=time.time_ns(),
        )


CONFIG = """
limits = "limits.toml"
[book]
name = "test"
[accounts.main]
venue = "bybit"
role = "shared"
endpoint = "http://127.0.0.1:9"
[underlyings.BTC]
band_coin = 0.25
delta_limit_coin = 1.0
hedge_account = "main"
hedge_instrument = "bybit:linear:BTCUSDT"
order_qty_coin_max = 2.0
order_notional_usd_max = 250000.0
[strategies.delta_neutral]
enabled = true
underlyings = ["BTC"]
[daemon]
stop_timeout_s = 2.0
"""


def write_config(folder: Path, text: str = CONFIG) -> Path:
    """A small book's files in `folder`."""
    (folder / "limits.toml").write_text("")
    path = folder / "book.toml"
    path.write_text(text)
    return path
