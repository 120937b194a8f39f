"""One unified account's books: coins, positions and what they cost. Exact: nothing is lost or made by rounding.

Owns how an execution or a funding payment changes balances. A position keeps the sum it cost, not a rounded average;
what is taken out of that sum on closing is what is booked, so fees + profit + funding equal the wallet's change to the
last decimal. Must not know margin, matching or time.
"""

from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_EVEN, Decimal

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind, Side

_EXACT = Decimal("1e-10")
FEE_STEP = Decimal("1e-8")


@dataclass(slots=True)
class Position:
    """A derivative position; `cost_quote` is the signed sum at which the open contracts were entered."""

    instrument: Instrument
    contracts: Decimal = ZERO
    cost_quote: Decimal = ZERO
    realised_pnl: Decimal = ZERO
    created_at_ns: int = 0
    updated_at_ns: int = 0
    seq: int = 0

    @property
    def entry_price(self) -> Decimal | None:
        """Average entry price, rounded for display; None when flat."""
        return (self.cost_quote / self.contracts).quantize(FEE_STEP) if self.contracts else None

    def trade(self, signed_contracts: Decimal, price: Decimal) -> tuple[Decimal, Decimal]:
        """Apply a trade; (contracts closed, profit realised in the settlement coin)."""
        held = self.contracts
        closing = min(abs(signed_contracts), abs(held)) if held * signed_contracts < 0 else ZERO
        realised = ZERO
        if closing:
            direction = 1 if held > 0 else -1
            whole = closing == abs(held)
            cost = self.cost_quote if whole else (self.cost_quote * closing / abs(held)).quantize(_EXACT)
            realised = direction * closing * price - cost
            self.cost_quote -= cost
        opening = abs(signed_contracts) - closing
        self.cost_quote += opening * price if signed_contracts > 0 else -opening * price
        self.contracts = held + signed_contracts
        self.realised_pnl += realised
        return closing, realised


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
    positions: dict[InstrumentId, Position] = field(default_factory=dict)
    realised: dict[str, Decimal] = field(default_factory=dict)
    # Chosen by instrument; everything else has the account's first leverage.
    leverages: dict[InstrumentId, Decimal] = field(default_factory=dict)

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
        )

    def position(self, instrument: Instrument) -> Position:
        """The position in an instrument, made flat at first sight."""
        found = self.positions.get(instrument.id)
        if found is None:
            found = self.positions[instrument.id] = Position(instrument)
        return found

    def contracts(self, instrument: InstrumentId) -> Decimal:
        """Signed contracts held; zero where nothing ever was."""
        found = self.positions.get(instrument)
        return found.contracts if found is not None else ZERO

    def book_trade(self, instrument: Instrument, side: Side, qty: Decimal, price: Decimal, fee: Decimal) -> Booking:
        """Book one execution; `fee` is in `fee_coin(instrument, side)`.

        Spot exchanges coins; an option's premium is paid at once; a perpetual only realises profit when it closes.
        """
        signed, value = qty * side.sign, qty * price * side.sign
        closed, realised = ZERO, ZERO
        changes: tuple[tuple[str, Decimal, Decimal], ...]
        match instrument.kind:
            case InstrumentKind.SPOT:
                fee_base, fee_quote = (fee, ZERO) if side is Side.BUY else (ZERO, fee)
                changes = ((instrument.underlying, signed, fee_base), (instrument.quote, -value, fee_quote))
            case InstrumentKind.LINEAR_OPTION:
                closed, realised = self.position(instrument).trade(signed, price)
                changes = ((instrument.settle, -value, fee),)
            case _:
                closed, realised = self.position(instrument).trade(signed, price)
                changes = ((instrument.settle, realised, fee),)
        for coin, cash, coin_fee in changes:
            self.coins[coin] = self.coins.get(coin, ZERO) + cash - coin_fee
        if not instrument.kind.is_option and realised:
            self.realised[instrument.settle] = self.realised.get(instrument.settle, ZERO) + realised
        return Booking(closed_contracts=closed, realised_pnl=realised, changes=changes)

    def pay(self, coin: str, cost: Decimal) -> None:
        """Take a cost (negative: a receipt) from a coin."""
        self.coins[coin] = self.coins.get(coin, ZERO) - cost


def fee_coin(instrument: Instrument, side: Side) -> str:
    """Where the fee is taken: from what a spot buyer receives, otherwise from the quote or settlement coin."""
    return instrument.underlying if instrument.kind is InstrumentKind.SPOT and side is Side.BUY else instrument.settle


def trade_fee(
    instrument: Instrument, side: Side, qty: Decimal, price: Decimal, index: Decimal, rate: Decimal
) -> Decimal:
    """Fee of an execution in `fee_coin`, rounded to 8 decimals.

    Options pay on the index, at most 7 % of the premium (Bybit's option fee rule).
    """
    match instrument.kind:
        case InstrumentKind.SPOT if side is Side.BUY:
            fee = qty * rate
        case InstrumentKind.LINEAR_OPTION:
            fee = qty * min(rate * index, Decimal("0.07") * price)
        case _:
            fee = qty * price * rate
    return fee.quantize(FEE_STEP, rounding=ROUND_HALF_EVEN)
