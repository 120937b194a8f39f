"""A venue for recorded quotes: it fills at the quote, keeps positions and cash, and speaks as an adapter does.

Owns one account: immediate-or-cancel orders are filled whole at the side of the newest quote that they reach, or they
expire; fees, funding at the venue's hours, snapshots, tickers and signs of life. No queue, no impact, no latency:
whoever wants those runs `hedgebot backtest` on the simulated exchange. It knows the engine by its events only.
"""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_HOUR, NS_PER_S
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind, Side
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.reports import OrderReport, PositionReport, WalletReport
from hedgebot.exchange.fee_tiers import FeeTier, fee_rates

MAINTENANCE_RATIO = Decimal("0.005")
INITIAL_RATIO = Decimal("0.02")
"""Of notional, as Bybit's first tiers of large coins: a fixed share, for here margin is not what is looked at."""

CLOCK_EVERY_NS = 240 * NS_PER_S
"""An adapter measures once a minute; here oftener than an offset grows old is enough."""

_CENT = Decimal("0.01")


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What the account holds when the quotes begin: contracts by instrument, cash in `coin`; fee and funding ratios."""

    account: str
    venue: str
    instruments: tuple[Instrument, ...]
    hedge: InstrumentId
    contracts: dict[InstrumentId, Decimal] = {}
    cash: Decimal = Decimal(1_000_000)
    coin: str = "USDT"
    fee_ratio: Decimal = fee_rates(FeeTier.NO_VIP, InstrumentKind.LINEAR_PERP).taker
    funding_rate: float = 0.0001


class QuoteDesk:
    """The account. `show` tells it the newest quote; the other methods answer with events."""

    def __init__(self, opening: Opening) -> None:
        self.opening = opening
        self.rules = {one.id: one for one in opening.instruments}
        self.contracts = dict(opening.contracts)
        self.cash, self.fees, self.funding = opening.cash, ZERO, ZERO
        self.realised, self.fills = ZERO, 0
        self._averages: dict[InstrumentId, Decimal] = {}
        self._entries: dict[InstrumentId, Decimal] = {}
        self._paid_hour = self._clock_ns = 0
        self.bid = self.ask = ZERO

    def show(self, bid: Decimal, ask: Decimal, at_ns: int) -> None:
        """The newest quote. What was held at the first one was bought at its middle."""
        if not self._entries:
            self._paid_hour = at_ns // NS_PER_HOUR
            self._entries = dict.fromkeys(self.contracts, (bid + ask) / 2)
            self._averages = dict(self._entries)
        self.bid, self.ask = bid, ask

    def opened(self, at_ns: int) -> Iterator[ev.Event]:
        """What an adapter tells at a start."""
        account = self.opening.account
        # A recording of bid and ask does not say how much stood there.
        listed = tuple([msgspec.structs.replace(one, shows_sizes=False) for one in self.opening.instruments])
        yield ev.InstrumentsLoaded(venue=self.opening.venue, instruments=listed)
        yield self._clock(at_ns)
        for stream in (ev.Stream.PUBLIC, ev.Stream.PRIVATE, ev.Stream.TRADE):
            yield ev.StreamChanged(account=account, stream=stream, up=True, reason="connected")
        yield from self.care(at_ns)

    def care(self, at_ns: int) -> Iterator[ev.Event]:
        """Every few seconds: the mark, a sign of life; the clock and funding when they are due."""
        if at_ns - self._clock_ns >= CLOCK_EVERY_NS:
            yield self._clock(at_ns)
        if at_ns // NS_PER_HOUR != self._paid_hour:
            yield from self._funding(at_ns)
        middle = (self.bid + self.ask) / 2
        yield ev.Ticker(
            instrument=self.opening.hedge,
            mark=middle,
            index=middle,
            funding_rate=self.opening.funding_rate,
            funding_interval_hours=8.0,
            venue_at_ns=at_ns,
        )
        yield ev.StreamAlive(account=self.opening.account, stream=ev.Stream.PRIVATE)

    def _clock(self, at_ns: int) -> ev.ClockMeasured:
        """Both clocks are the quotes' own."""
        self._clock_ns = at_ns
        return ev.ClockMeasured(account=self.opening.account, offset_ms=0.0, round_trip_ms=1.0)

    def answer(self, command: cmd.Command, at_ns: int) -> Iterator[ev.Event]:
        """What comes of a command, at once; nothing of one that asks for nothing here."""
        match command:
            case cmd.SubmitOrder():
                yield from self._order(command, at_ns)
            case cmd.RequestSnapshot():
                yield self._snapshot(command.request, at_ns)
            case cmd.QueryOrder() | cmd.CancelOrder():
                msg = f"every order here has ended at once, and yet {type(command).__name__} asks for one"
                raise AssertionError(msg)
            case _:
                pass

    def _order(self, command: cmd.SubmitOrder, at_ns: int) -> Iterator[ev.Event]:
        intent = command.approved.intent
        price = self.ask if intent.side is Side.BUY else self.bid
        reached = price <= intent.limit_price if intent.side is Side.BUY else price >= intent.limit_price
        self.fills += reached
        order_id = f"q{self.fills}" if reached else f"x{at_ns}"
        yield ev.OrderAccepted(account=intent.account, client_id=command.client_id, order_id=order_id, definitive=False)
        if reached:
            yield self._fill(command, price, order_id, at_ns)
        yield ev.OrderUpdated(
            report=OrderReport(
                account=intent.account,
                instrument=intent.instrument,
                order_id=order_id,
                client_id=command.client_id,
                status=OrderStatus.FILLED if reached else OrderStatus.EXPIRED,
                side=intent.side,
                qty_contracts=intent.qty_contracts,
                filled_contracts=intent.qty_contracts if reached else ZERO,
                limit_price=intent.limit_price,
                reason="" if reached else "the quote was beyond its limit",
                venue_at_ns=at_ns,
            )
        )

    def _fill(self, command: cmd.SubmitOrder, price: Decimal, order_id: str, at_ns: int) -> ev.FillReceived:
        intent = command.approved.intent
        rules, signed = self.rules[intent.instrument], intent.qty_contracts * intent.side.sign
        notional = rules.notional_quote(intent.qty_contracts, price)
        fee = notional * self.opening.fee_ratio
        self._realise(rules, signed, price)
        # Linear contracts: what is held is worth contracts times price, and what was paid for it left the cash.
        self.cash -= notional * intent.side.sign + fee
        self.fees += fee
        return ev.FillReceived(
            account=intent.account,
            instrument=intent.instrument,
            trade_id=f"t{self.fills}",
            order_id=order_id,
            client_id=command.client_id,
            side=intent.side,
            qty_contracts=intent.qty_contracts,
            price=price,
            fee=fee,
            fee_coin=self.opening.coin,
            kind=ev.ExecutionKind.TRADE,
            source=ev.Source.STREAM,
            venue_at_ns=at_ns,
        )

    def _realise(self, rules: Instrument, signed: Decimal, price: Decimal) -> None:
        """Take a trade into its position: what is closed pays its profit into the wallet, the rest is averaged."""
        held = self.contracts.get(rules.id, ZERO)
        after, entry = held + signed, self._averages.get(rules.id, price)
        self.contracts[rules.id] = after
        if held * signed >= 0:
            worth = rules.value_settle(held, entry) + rules.value_settle(signed, price)
            self._averages[rules.id] = rules.average_price(after, worth)
            return
        self.realised += rules.pnl_settle(held if after * held <= 0 else -signed, entry, price)
        if after * held < 0:
            self._averages[rules.id] = price

    def _funding(self, at_ns: int) -> Iterator[ev.FundingPaid]:
        hour, held = at_ns // NS_PER_HOUR, self.contracts.get(self.opening.hedge, ZERO)
        due, self._paid_hour = hour > self._paid_hour and hour % 8 == 0, hour
        if not (due and held):
            return
        notional = self.rules[self.opening.hedge].notional_quote(held, (self.bid + self.ask) / 2)
        cost = notional * Decimal(repr(self.opening.funding_rate))
        self.cash -= cost
        self.funding += cost
        yield ev.FundingPaid(
            account=self.opening.account,
            instrument=self.opening.hedge,
            trade_id=f"f{hour}",
            cost=cost,
            coin=self.opening.coin,
            rate=self.opening.funding_rate,
            source=ev.Source.STREAM,
            venue_at_ns=at_ns,
        )

    def equity_usd(self) -> Decimal:
        """Cash and what positions are worth at the middle; opening positions by what they gained since."""
        middle, equity = (self.bid + self.ask) / 2, self.cash
        for name, contracts in self.contracts.items():
            rules, opened = self.rules[name], self.opening.contracts.get(name, ZERO)
            if rules.kind.is_inverse:
                entry = self._entries[name]
                equity += contracts * rules.contract_size * (1 / entry - 1 / middle) * middle
            else:
                equity += (contracts - opened) * rules.contract_size * middle
                equity += opened * rules.contract_size * (middle - self._entries.get(name, middle))
        return equity

    def _snapshot(self, request: int, at_ns: int) -> ev.SnapshotTaken:
        middle, account = (self.bid + self.ask) / 2, self.opening.account
        notional = sum((self._notional_usd(name, middle) for name in self.contracts), ZERO)
        positions = tuple(
            PositionReport(
                account=account,
                instrument=name,
                contracts=contracts,
                entry_price=self._averages.get(name),
                venue_at_ns=at_ns,
            )
            for name, contracts in self.contracts.items()
        )
        wallet = WalletReport(
            account=account,
            # A wallet holds what was realised: what contracts are worth is in the equity alone.
            balances={self.opening.coin: self.opening.cash + self.realised - self.fees - self.funding},
            equity_usd=self.equity_usd().quantize(_CENT),
            initial_margin_usd=(notional * INITIAL_RATIO).quantize(_CENT),
            maintenance_margin_usd=(notional * MAINTENANCE_RATIO).quantize(_CENT),
            venue_at_ns=at_ns,
        )
        return ev.SnapshotTaken(
            account=account,
            request=request,
            complete=True,
            problem="",
            positions=positions,
            open_orders=(),
            wallet=wallet,
            executions_since_ns=0,
            asked_at_ns=at_ns,
        )

    def _notional_usd(self, name: InstrumentId, middle: Decimal) -> Decimal:
        rules, contracts = self.rules[name], abs(self.contracts[name])
        return contracts * rules.contract_size * (1 if rules.kind.is_inverse else middle)
