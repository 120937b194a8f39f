"""One unified account's books: coins, positions and what they cost. Exact: nothing is lost or made by rounding.

Owns how an execution or a funding payment changes balances: fees + profit + funding equal the wallet's change to the
last decimal (`position.py` says how profit is kept exact). Must not know margin, matching or time.
"""

from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_EVEN, Decimal

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind, Side
from hedgebot.exchange.fee_tiers import FeeTier
from hedgebot.exchange.margin_state import MarginState
from hedgebot.exchange.modes import PositionModes
from hedgebot.exchange.position import FEE_STEP, MONEY_STEP, Position, PositionKey, booked_value
from hedgebot.exchange.records import Execution
from hedgebot.exchange.requests import PositionIndex

# Most of an option's premium that a fee takes.
PREMIUM_FEE_MAX = Decimal("0.07")


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """What a trade did: `changes` are (coin, cash flow, fee) whose sum was added to the balances."""

    closed_contracts: Decimal
    realised_pnl: Decimal
    changes: tuple[tuple[str, Decimal, Decimal], ...]


@dataclass(slots=True)
class Account:
    """Coins and positions of one account."""

    name: str
    leverage: int
    coins: dict[str, Decimal]
    positions: dict[PositionKey, Position] = field(default_factory=dict)
    realised: dict[str, Decimal] = field(default_factory=dict)
    # Chosen by instrument; everything else has the account's first leverage.
    leverages: dict[InstrumentId, Decimal] = field(default_factory=dict)
    # Accounts of one group do not trade with each other where an order asks for that; 0 is no group.
    self_trade_group: int = 0
    fee_tier: FeeTier = FeeTier.NO_VIP
    modes: PositionModes = field(default_factory=PositionModes)
    margin: MarginState = field(default_factory=MarginState)
    # Coins of the funding wallet: neither collateral nor equity of this account.
    funding: dict[str, Decimal] = field(default_factory=dict)

    def leverage_of(self, instrument: InstrumentId) -> Decimal:
        """Leverage that an instrument's margin is counted at."""
        return self.leverages.get(instrument, Decimal(self.leverage))

    def copied(self) -> "Account":
        """Books of one's own with the same content, to try something on."""
        return replace(
            self,
            coins=dict(self.coins),
            positions={name: replace(one) for name, one in self.positions.items()},
            realised=dict(self.realised),
            leverages=dict(self.leverages),
            modes=self.modes.copied(),
            margin=self.margin.copied(),
            funding=dict(self.funding),
        )

    def position(self, instrument: Instrument, index: PositionIndex = PositionIndex.ONE_WAY) -> Position:
        """One position in an instrument, made flat at first sight."""
        found = self.positions.get((instrument.id, index))
        if found is None:
            found = self.positions[instrument.id, index] = Position(instrument, index)
        return found

    def held(self, instrument: InstrumentId) -> tuple[Position, ...]:
        """The positions in an instrument that are not flat, by index."""
        found = (self.positions.get((instrument, index)) for index in PositionIndex)
        return tuple(one for one in found if one is not None and one.contracts)

    def contracts(self, instrument: InstrumentId, index: PositionIndex = PositionIndex.ONE_WAY) -> Decimal:
        """Signed contracts of one position; zero where nothing ever was."""
        found = self.positions.get((instrument, index))
        return found.contracts if found is not None else ZERO

    def forget(self, instrument: InstrumentId) -> None:
        """Drop what is kept of an instrument that is gone; it is flat."""
        for index in PositionIndex:
            self.positions.pop((instrument, index), None)
        self.leverages.pop(instrument, None)
        self.modes.by_instrument.pop(instrument, None)

    def book_trade(  # one value for each column of an execution
        self,
        instrument: Instrument,
        side: Side,
        qty: Decimal,
        price: Decimal,
        fee: Decimal,
        index: PositionIndex = PositionIndex.ONE_WAY,
    ) -> Booking:
        """Book one execution; `fee` is in `fee_coin(instrument, side)`.

        Spot exchanges coins; an option's premium is paid at once; a contract only realises profit when it closes.
        """
        signed, value = qty * side.sign, booked_value(instrument, qty, price) * side.sign
        closed, realised = ZERO, ZERO
        changes: tuple[tuple[str, Decimal, Decimal], ...]
        match instrument.kind:
            case InstrumentKind.SPOT:
                fee_base, fee_quote = (fee, ZERO) if side is Side.BUY else (ZERO, fee)
                changes = ((instrument.underlying, signed, fee_base), (instrument.quote, -value, fee_quote))
            case InstrumentKind.LINEAR_OPTION:
                closed, realised = self._trade(instrument, index, signed, price)
                changes = ((instrument.settle, -value, fee),)
            case _:
                closed, realised = self._trade(instrument, index, signed, price)
                changes = ((instrument.settle, realised, fee),)
        return self._book(instrument, Booking(closed_contracts=closed, realised_pnl=realised, changes=changes))

    def take_back(self, instrument: Instrument, taken: Execution) -> Booking:
        """Undo a trade to the last decimal: the newest one of its position, or any one of a spot pair."""
        signed, value = taken.side.sign * taken.qty_contracts, taken.side.sign * taken.value
        closed, flows = ZERO, {instrument.settle: -taken.realised_pnl}
        if instrument.kind is InstrumentKind.SPOT:
            flows = {instrument.underlying: -signed, instrument.quote: value}
        else:
            position = self.position(instrument, taken.order.position_index)
            before = abs(position.contracts)
            closed = position.take_back(signed, value, taken.realised_pnl)
            if closed:
                self.margin.closed(position.key, closed / before)
        if instrument.kind.is_option:
            flows = {instrument.settle: value}
        changes = tuple((coin, cash, -taken.fee if coin == taken.fee_coin else ZERO) for coin, cash in flows.items())
        return self._book(
            instrument, Booking(closed_contracts=closed, realised_pnl=-taken.realised_pnl, changes=changes)
        )

    def _book(self, instrument: Instrument, booking: Booking) -> Booking:
        """Add what a trade did to the balances."""
        for coin, cash, coin_fee in booking.changes:
            self.coins[coin] = self.coins.get(coin, ZERO) + cash - coin_fee
        realised = booking.realised_pnl
        if not instrument.kind.is_option and realised:
            self.realised[instrument.settle] = self.realised.get(instrument.settle, ZERO) + realised
        return booking

    def _trade(
        self, instrument: Instrument, index: PositionIndex, signed: Decimal, price: Decimal
    ) -> tuple[Decimal, Decimal]:
        """Trade one position; margin that was added to what it closes is free again."""
        position = self.position(instrument, index)
        before = abs(position.contracts)
        closed, realised = position.trade(signed, price)
        if closed:
            self.margin.closed(position.key, closed / before)
        return closed, realised

    def pay(self, coin: str, cost: Decimal) -> None:
        """Take a cost (negative: a receipt) from a coin."""
        self.coins[coin] = self.coins.get(coin, ZERO) - cost


def fee_coin(instrument: Instrument, side: Side) -> str:
    """Where the fee is taken: from what a spot buyer receives, otherwise from the quote or settlement coin."""
    return instrument.underlying if instrument.kind is InstrumentKind.SPOT and side is Side.BUY else instrument.settle


def trade_fee(
    instrument: Instrument, side: Side, qty: Decimal, price: Decimal, index: Decimal, rate: Decimal
) -> Decimal:
    """Fee of an execution in `fee_coin`, rounded to 8 decimals (10 in coin).

    Options pay on the index, at most a part of the premium (Bybit's option fee rule).
    """
    match instrument.kind:
        case InstrumentKind.SPOT if side is Side.BUY:
            fee = qty * rate
        case InstrumentKind.LINEAR_OPTION:
            fee = qty * min(rate * index, PREMIUM_FEE_MAX * price)
        case _:
            fee = instrument.value_settle(qty, price) * rate
    return fee.quantize(payment_step(instrument), rounding=ROUND_HALF_EVEN)


def payment_step(instrument: Instrument) -> Decimal:
    """The step to which fees and funding are rounded."""
    return MONEY_STEP if instrument.kind.is_inverse else FEE_STEP
