"""A playbook: events go in, commands come out. The engine as one reads a conversation, without shell or venue.

`Playbook` starts an engine with one shared account at one venue and BTC hedged with a linear perpetual; `ready()`
brings it to ACTIVE the way a real start does.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import TypeVar

import msgspec

from hedgebot.core.engine import Engine, LoadStrategy
from hedgebot.core.kill_rules import CHECK
from hedgebot.core.state import EngineState
from hedgebot.core.unkill import to_review
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command, Mode, RaiseAlert, RecordDecision, RequestSnapshot, SubmitOrder
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind, OptionType, Side
from hedgebot.domain.kill import KillScope
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.reports import OrderReport, PositionReport, WalletReport
from hedgebot.domain.settings import (
    AccountRole,
    AccountSettings,
    EngineSettings,
    LimitSettings,
    StrategySettings,
    UnderlyingSettings,
)
from strategies.delta_neutral import STRATEGY

START_NS = 1_760_000_000_000_000_000
MS = 1_000_000
ACCOUNT = "main"
BTC_PERP = InstrumentId("bybit:linear:BTCUSDT")
BTC_USDC = InstrumentId("bybit:linear:BTCPERP")
BTC_SPOT = InstrumentId("bybit:spot:BTCUSDT")
BTC_CALL = InstrumentId("bybit:option:BTC-27NOV26-100000-C-USDT")
BTC_INVERSE = InstrumentId("bybit:inverse:BTCUSD")
PRICE = Decimal(100_000)

C = TypeVar("C", bound=Command)


def instrument(name: InstrumentId, kind: InstrumentKind = InstrumentKind.LINEAR_PERP, **changes: object) -> Instrument:
    """An instrument with ordinary rules; `changes` replace fields."""
    venue, category, symbol = name.split(":", 2)
    rules = Instrument(
        id=name,
        venue=venue,
        category=category,
        symbol=symbol,
        kind=kind,
        underlying="BTC",
        quote="USDT",
        settle="USDT",
        contract_size=Decimal(1),
        tick_size=Decimal("0.1"),
        lot_size=Decimal("0.001"),
        qty_min=Decimal("0.001"),
        qty_max=Decimal(100),
        min_notional_quote=Decimal(5),
        funding_interval_hours=8.0 if kind.is_perp else None,
        strike=Decimal(100_000) if kind.is_option else None,
        expiry_ns=START_NS + 30 * 86_400 * 1_000 * MS if kind.is_option else None,
        option_type=OptionType.CALL if kind.is_option else None,
    )
    return msgspec.structs.replace(rules, **changes)


INSTRUMENTS = (
    instrument(BTC_PERP),
    instrument(BTC_USDC, quote="USDC", settle="USDC"),
    instrument(BTC_SPOT, InstrumentKind.SPOT),
    instrument(BTC_CALL, InstrumentKind.LINEAR_OPTION, lot_size=Decimal("0.01"), qty_min=Decimal("0.01")),
    instrument(BTC_INVERSE, InstrumentKind.INVERSE_PERP, quote="USD", settle="BTC", lot_size=Decimal(1)),
)


def settings(**limits: float) -> EngineSettings:
    """Settings of the playbook's book; keyword arguments replace limits."""
    return EngineSettings(
        config_hash="cafe",
        install=7,
        accounts=(AccountSettings(name=ACCOUNT, venue="bybit", role=AccountRole.SHARED),),
        underlyings=(
            UnderlyingSettings(
                underlying="BTC",
                hedge_account=ACCOUNT,
                hedge_instrument=BTC_PERP,
                band_coin=0.05,
                target_ratio=0.75,
                delta_limit_coin=5.0,
                collar_bps=20.0,
                spread_bps_max=50.0,
                order_qty_coin_max=1.0,
                order_notional_usd_max=200_000.0,
            ),
        ),
        strategies=(StrategySettings(name="delta_neutral", enabled=True, underlyings=("BTC",)),),
        limits=msgspec.structs.replace(LimitSettings(), **limits),
    )


class Playbook:
    """An engine in conversation. `send` returns the commands of one event; `heard` has all of them."""

    def __init__(self, engine_settings: EngineSettings | None = None, load: LoadStrategy = STRATEGY.build) -> None:
        """Start an engine with RunStarted as its first event; without `load` every strategy is delta_neutral."""
        self.settings = engine_settings or settings()
        self.engine = Engine(load)
        self.at_ns = START_NS
        self.seq = 0
        self.heard: list[Command] = []
        self.log: list[ev.Stamped] = []
        self.trades = 0
        self.may_fail = False
        """Whether a look of the engine may fail: a test broke what it reads."""
        self.start(epoch=1)

    @property
    def state(self) -> EngineState:
        """The engine's state."""
        return self.engine.state

    def mode(self) -> Mode:
        """The book's mode."""
        return self.state.mode

    def start(self, epoch: int) -> tuple[Command, ...]:
        """Begin a run, as the daemon does."""
        return self.send(
            ev.RunStarted(run_id=f"run-{epoch}", epoch=epoch, settings=self.settings, version="test"), after_ms=0
        )

    def send(self, event: ev.Event, after_ms: float = 1.0) -> tuple[Command, ...]:
        """Feed one event `after_ms` later."""
        self.at_ns += round(after_ms * MS)
        self.seq += 1
        stamped = ev.Stamped(seq=self.seq, at_ns=self.at_ns, event=event)
        self.log.append(stamped)
        commands = self.engine.step(stamped)
        self.heard += commands
        failed = [one for latch in self.state.latches.values() for one in latch.causes if one.startswith(CHECK)]
        assert self.may_fail or not failed, failed
        return commands

    def ready(self, positions: Iterable[PositionReport] = (), btc: str = "0") -> None:
        """Bring the book to ACTIVE: rules, streams, clock, snapshot, margin, fresh market."""
        self.send(ev.InstrumentsLoaded(venue="bybit", instruments=INSTRUMENTS))
        self.send(ev.ClockMeasured(account=ACCOUNT, offset_ms=0.0, round_trip_ms=1.0))
        self.connect()
        self.send(self.book())
        self.send(self.ticker())
        self.adopt(positions, btc=btc)
        self.send(self.book())
        self.tick()

    def adopt(self, positions: Iterable[PositionReport] = (), btc: str = "0") -> None:
        """The account's snapshots until it is adopted: a flat one is asked for again, it may be an empty answer."""
        held = tuple(positions)
        self.snapshot(held, btc=btc)
        while not self.state.accounts[ACCOUNT].adopted:
            self.snapshot(held, btc=btc)

    def agree(self) -> tuple[Command, ...]:
        """The venue answers with what the ledger has, and the wallet that it reported last."""
        account, coin = self.state.accounts[ACCOUNT], self.state.coins.get(f"{ACCOUNT}|BTC")
        held = [one for one in self.state.positions.values() if one.account == ACCOUNT and one.contracts]
        balances = {"BTC": coin.qty if coin else Decimal(0), "USDT": Decimal(500_000)}
        wallet = account.wallet or self.wallet()
        return self.snapshot(
            [self.position(str(one.contracts), one.instrument) for one in held],
            wallet=msgspec.structs.replace(wallet, balances=wallet.balances | balances, venue_at_ns=self.at_ns),
        )

    def connect(self) -> tuple[Command, ...]:
        """The private stream comes up."""
        return self.send(ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=True, reason="connected"))

    def tick(self, after_ms: float = 1.0) -> tuple[Command, ...]:
        """The timer fires."""
        return self.send(ev.TimerFired(), after_ms)

    def book(self, mid: Decimal | str = PRICE, name: InstrumentId = BTC_PERP, spread: str = "1") -> ev.BookTop:
        """A two-sided book around `mid`, stamped by the venue with the moment it is sent at."""
        half, qty = Decimal(spread) / 2, Decimal(1_000_000 if name == BTC_INVERSE else 10)
        return ev.BookTop(
            instrument=name,
            bid=Decimal(mid) - half,
            bid_qty=qty,
            ask=Decimal(mid) + half,
            ask_qty=qty,
            venue_at_ns=self.at_ns + MS,
        )

    def ticker(
        self, mark: Decimal | str = PRICE, rate: float | None = 0.0001, name: InstrumentId = BTC_PERP
    ) -> ev.Ticker:
        """A mark price with its funding rate."""
        return ev.Ticker(
            instrument=name,
            mark=Decimal(mark),
            index=Decimal(mark),
            funding_rate=rate,
            funding_interval_hours=8.0,
            venue_at_ns=self.at_ns + MS,
        )

    def option(self, iv: float | None = 0.6, delta: float | None = None, forward: float = 100_000.0) -> ev.OptionQuote:
        """A surface point of the call."""
        return ev.OptionQuote(
            instrument=BTC_CALL,
            bid=Decimal(6_000),
            ask=Decimal(6_200),
            mark=Decimal(6_100),
            index=PRICE,
            forward=forward,
            iv=iv,
            delta=delta,
            gamma=None,
            vega=None,
            theta=None,
            venue_at_ns=self.at_ns + MS,
        )

    def fill(
        self,
        side: Side,
        qty: str,
        name: InstrumentId = BTC_USDC,
        *,
        price: Decimal = PRICE,
        client_id: str | None = None,
        trade_id: str | None = None,
        fee: str = "0",
        fee_coin: str = "USDT",
    ) -> ev.FillReceived:
        """An execution; without a client id it is somebody else's."""
        self.trades += 1
        return ev.FillReceived(
            account=ACCOUNT,
            instrument=name,
            trade_id=trade_id or f"t{self.trades}",
            order_id=f"o{self.trades}",
            client_id=client_id,
            side=side,
            qty_contracts=Decimal(qty),
            price=price,
            fee=Decimal(fee),
            fee_coin=fee_coin,
            kind=ev.ExecutionKind.TRADE,
            source=ev.Source.STREAM,
            venue_at_ns=self.at_ns + MS,
        )

    def report(self, order: SubmitOrder, status: OrderStatus, filled: str = "0") -> OrderReport:
        """The venue's report of one of our orders."""
        intent = order.approved.intent
        return OrderReport(
            account=ACCOUNT,
            instrument=intent.instrument,
            order_id="v1",
            client_id=order.client_id,
            status=status,
            side=intent.side,
            qty_contracts=intent.qty_contracts,
            filled_contracts=Decimal(filled),
            limit_price=intent.limit_price,
            reason="",
            venue_at_ns=self.at_ns,
        )

    def snapshot(
        self,
        positions: Iterable[PositionReport] = (),
        *,
        btc: str = "0",
        orders: tuple[OrderReport, ...] = (),
        complete: bool = True,
        wallet: WalletReport | None = None,
    ) -> tuple[Command, ...]:
        """Answer the newest snapshot request."""
        request = self.state.accounts[ACCOUNT].request
        return self.send(
            ev.SnapshotTaken(
                account=ACCOUNT,
                request=request,
                complete=complete,
                problem="" if complete else "positions: timeout",
                positions=tuple(positions),
                open_orders=orders,
                wallet=wallet or self.wallet(btc=btc),
                executions_since_ns=0,
                asked_at_ns=self.at_ns,
            ),
            after_ms=5.0,
        )

    def wallet(
        self, *, btc: str = "0", equity: str | None = "1000000", maintenance: str | None = "10000"
    ) -> WalletReport:
        """Balances and margin of the account."""
        return WalletReport(
            account=ACCOUNT,
            balances={"BTC": Decimal(btc), "USDT": Decimal(500_000)},
            equity_usd=None if equity is None else Decimal(equity),
            initial_margin_usd=Decimal(20_000),
            maintenance_margin_usd=None if maintenance is None else Decimal(maintenance),
            venue_at_ns=self.at_ns,
        )

    def position(self, contracts: str, name: InstrumentId = BTC_PERP) -> PositionReport:
        """The venue's view of a position."""
        return PositionReport(
            account=ACCOUNT, instrument=name, contracts=Decimal(contracts), entry_price=PRICE, venue_at_ns=self.at_ns
        )

    def done(self, order: SubmitOrder) -> tuple[Command, ...]:
        """The venue fills one of our orders whole and reports it filled."""
        intent = order.approved.intent
        qty = str(intent.qty_contracts)
        heard = self.send(self.fill(intent.side, qty, intent.instrument, client_id=order.client_id))
        return heard + self.send(ev.OrderUpdated(report=self.report(order, OrderStatus.FILLED, qty)))

    def unkill(self, operator: str = "ann", reason: str = "explained") -> tuple[Command, ...]:
        """An operator who has looked at everything that there is to review asks to leave HALTED."""
        latch = self.state.latches.get(KillScope.ALL)
        reviewed = tuple(name for name, _ in to_review(self.state, latch)) if latch else ()
        return self.send(ev.OperatorUnkilled(operator=operator, reason=reason, reviewed=reviewed))

    def is_up(self, kind: AlertKind) -> bool:
        """Whether an alert of this kind is up."""
        return any(one.kind is kind for one in self.state.alerts.values())


def of_type(commands: Iterable[Command], kind: type[C]) -> list[C]:
    """The commands of one type, in order."""
    return [one for one in commands if isinstance(one, kind)]


def orders(commands: Iterable[Command]) -> list[SubmitOrder]:
    """The orders among commands."""
    return of_type(commands, SubmitOrder)


def the_order(commands: Iterable[Command]) -> SubmitOrder:
    """The one order among commands."""
    found = orders(commands)
    assert len(found) == 1, f"expected one order, found {len(found)}"
    return found[0]


def decisions(commands: Iterable[Command]) -> list[RecordDecision]:
    """The decisions among commands."""
    return of_type(commands, RecordDecision)


def snapshots(commands: Iterable[Command]) -> list[RequestSnapshot]:
    """The snapshot requests among commands."""
    return of_type(commands, RequestSnapshot)


def alerts(commands: Iterable[Command]) -> set[AlertKind]:
    """Kinds of the alerts raised."""
    return {one.kind for one in of_type(commands, RaiseAlert)}
