"""Instruments and their contract maths, once, for every kind: contracts <-> coin <-> USD, profit, delta.

Conventions (hedging reference sections 1 and 3.1): quantities are in contracts, signed where they are positions (long
is positive); for linear products one contract is `contract_size` coins, for inverse ones `contract_size` quote units.
Must not know: venues' field names, margins, fees.
"""

import math
from decimal import Decimal
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import NewType

import msgspec

from hedgebot.domain.decimals import ZERO, floor_to_step, is_multiple, price_down, price_up
from hedgebot.domain.errors import ProgrammingError

InstrumentId = NewType("InstrumentId", str)
"""`venue:category:symbol`, for example `bybit:linear:BTCUSDT`; the category is part of it because symbols repeat."""

STABLECOINS = ("USD", "USDT", "USDC")
"""What counts as a dollar: the cash that everything but inverse contracts is quoted and settled in."""


class Side(StrEnum):
    """Direction of an order or a fill."""

    BUY = "buy"
    SELL = "sell"

    @cached_property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1

    @cached_property
    def opposite(self) -> "Side":
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY

    @classmethod
    def of(cls, signed_qty: Decimal | float) -> "Side":
        """Side of a signed, non-zero quantity."""
        return cls.BUY if signed_qty > 0 else cls.SELL


class InstrumentKind(StrEnum):
    """What is traded. "Linear" settles in a stablecoin, "inverse" and "coin option" in the underlying coin."""

    SPOT = "spot"
    LINEAR_PERP = "linear_perp"
    INVERSE_PERP = "inverse_perp"
    LINEAR_FUTURE = "linear_future"
    INVERSE_FUTURE = "inverse_future"
    LINEAR_OPTION = "linear_option"
    COIN_OPTION = "coin_option"

    @cached_property
    def is_option(self) -> bool:
        """Whether delta depends on a model."""
        return self in (InstrumentKind.LINEAR_OPTION, InstrumentKind.COIN_OPTION)

    @cached_property
    def is_inverse(self) -> bool:
        """Whether a contract is a fixed amount of quote currency settled in coin."""
        return self in (InstrumentKind.INVERSE_PERP, InstrumentKind.INVERSE_FUTURE)

    @cached_property
    def is_future(self) -> bool:
        """Whether it is delivered at an expiry at the underlying's price."""
        return self in (InstrumentKind.LINEAR_FUTURE, InstrumentKind.INVERSE_FUTURE)

    @cached_property
    def is_perp(self) -> bool:
        """Whether funding is paid on it."""
        return self in (InstrumentKind.LINEAR_PERP, InstrumentKind.INVERSE_PERP)


class OptionType(StrEnum):
    """Right of the holder."""

    CALL = "call"
    PUT = "put"


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """A tradable instrument with its exact trading rules, as the venue published them.

    `contract_size`: coins per contract (linear, options, spot = 1) or quote units per contract (inverse).
    `min_notional_quote` is in quote currency; `expiry_ns` is UTC nanoseconds, None for spot and perpetuals.
    `shows_sizes`: whether the venue's book says how much stands at a price; where not, depth cannot be checked.
    """

    id: InstrumentId
    venue: str
    category: str
    symbol: str
    kind: InstrumentKind
    underlying: str
    quote: str
    settle: str
    contract_size: Decimal
    tick_size: Decimal
    lot_size: Decimal
    qty_min: Decimal
    qty_max: Decimal | None = None
    min_notional_quote: Decimal = ZERO
    funding_interval_hours: float | None = None
    expiry_ns: int | None = None
    strike: Decimal | None = None
    option_type: OptionType | None = None
    shows_sizes: bool = True

    def __post_init__(self) -> None:
        """Refuse an instrument whose rules cannot be traded with: silent zeros here would become wrong hedges."""
        for name in ("contract_size", "tick_size", "lot_size", "qty_min"):
            value = getattr(self, name)
            if not (value.is_finite() and value > 0):
                msg = f"instrument {self.id}: {name} is {value}, it must be a positive number"
                raise ProgrammingError(msg)
        if self.kind.is_option and (self.strike is None or self.option_type is None or self.expiry_ns is None):
            msg = f"instrument {self.id}: an option needs strike, option_type and expiry_ns"
            raise ProgrammingError(msg)

    def coins(self, contracts: Decimal, price: Decimal) -> Decimal:
        """Coins of underlying that `contracts` stand for at `price` (> 0, quote per coin); signed like `contracts`."""
        nominal = contracts * self.contract_size
        return nominal / price if self.kind.is_inverse else nominal

    def contracts(self, coins: Decimal, price: Decimal) -> Decimal:
        """Contracts, unrounded, that stand for `coins` of underlying at `price` (> 0)."""
        nominal = coins * price if self.kind.is_inverse else coins
        return nominal / self.contract_size

    def notional_quote(self, contracts: Decimal, price: Decimal) -> Decimal:
        """Value in quote currency of `contracts` at `price`; signed like `contracts`.

        For an option `price` is the price of the underlying: notional, not premium.
        """
        nominal = contracts * self.contract_size
        return nominal if self.kind.is_inverse else nominal * price

    def value_settle(self, contracts: Decimal, price: Decimal) -> Decimal:
        """Value in the settlement currency of `contracts` at their own `price` (an option's premium); unrounded.

        Signed like `contracts`; spot counts in quote currency.
        """
        nominal = contracts * self.contract_size
        return nominal / price if self.kind.is_inverse else nominal * price

    def average_price(self, contracts: Decimal, value_settle: Decimal) -> Decimal:
        """Price, unrounded, at which `contracts` have that value (neither zero, same sign); harmonic if inverse."""
        nominal = contracts * self.contract_size
        return nominal / value_settle if self.kind.is_inverse else value_settle / nominal

    def pnl_settle(self, contracts: Decimal, entry_price: Decimal, exit_price: Decimal) -> Decimal:
        """Profit in the settlement currency of a signed position between two prices (both > 0 for inverse kinds)."""
        nominal = contracts * self.contract_size
        if self.kind.is_inverse:
            return nominal * (1 / entry_price - 1 / exit_price)
        return nominal * (exit_price - entry_price)

    def delivery_value(self, index_price: Decimal) -> Decimal:
        """What a linear contract is closed at when its underlying is delivered at a price: an option at its payoff."""
        if self.strike is None:
            return index_price
        above = index_price - self.strike
        return max(above if self.option_type is OptionType.CALL else -above, ZERO)

    def delta_coin(
        self, contracts: float, price: float, option_delta: float = 0.0, option_mark_coin: float = 0.0
    ) -> float:
        """Delta in coins of a signed position; long is positive.

        `option_delta` is the Black-Scholes delta per coin of contract; `option_mark_coin` the option's value in coin.
        A coin-settled option counts premium-adjusted (delta - mark), since its value itself is held in coin.
        """
        nominal, kind = contracts * float(self.contract_size), self.kind
        if kind.is_inverse:
            return nominal / price
        if not kind.is_option:
            return nominal
        return nominal * (option_delta - option_mark_coin if kind is InstrumentKind.COIN_OPTION else option_delta)

    def lot_coin(self, price: float) -> float:
        """The delta of one lot at a price (> 0); not of an option."""
        return self.delta_coin(float(self.lot_size), price)

    def least_coin(self, price: float) -> float:
        """The delta of the smallest order that the venue takes at a price (> 0), whole lots; not of an option."""
        lot = self.lot_coin(price)
        least = max(self.delta_coin(float(self.qty_min), price), float(self.min_notional_quote) / price)
        # Sums of floats: a quantity that is whole lots must not become one lot more.
        return max(math.ceil(least / lot * (1.0 - 1e-9)), 1) * lot

    def floor_qty(self, contracts: Decimal) -> Decimal:
        """Largest tradable quantity not above `contracts` (>= 0): floored to the lot, zero below the minimum."""
        floored = floor_to_step(contracts, self.lot_size)
        return ZERO if floored < self.qty_min else floored

    def protective_price(self, price: Decimal, side: Side) -> Decimal:
        """Round a limit price to its tick in the direction that never pays more: buys down, sells up."""
        return price_down(price, self.tick_size) if side is Side.BUY else price_up(price, self.tick_size)

    def order_problem(self, contracts: Decimal, price: Decimal | None) -> str | None:
        """Say why an order of `contracts` (> 0) at limit `price` breaks the trading rules; None if it does not."""
        if contracts < self.qty_min or not is_multiple(contracts, self.lot_size):
            return f"quantity {contracts} is not a multiple of lot {self.lot_size} at or above {self.qty_min}"
        if self.qty_max is not None and contracts > self.qty_max:
            return f"quantity {contracts} is above the maximum {self.qty_max}"
        if price is None:
            return None
        if price <= 0 or not is_multiple(price, self.tick_size):
            return f"price {price} is not a positive multiple of tick {self.tick_size}"
        if not self.kind.is_option and self.notional_quote(contracts, price) < self.min_notional_quote:
            return f"notional {self.notional_quote(contracts, price)} is below the minimum {self.min_notional_quote}"
        return None


def instrument_id(venue: str, category: str, symbol: str) -> InstrumentId:
    """Build the id of an instrument from the venue's own words."""
    return InstrumentId(f"{venue}:{category}:{symbol}")


@lru_cache(maxsize=4_096)
def venue_of(instrument: InstrumentId) -> str:
    """The venue part of an instrument id. Ages ask for it many times an event."""
    return instrument.split(":", 1)[0]


def category_of(instrument: InstrumentId) -> str:
    """The category part of an instrument id, in the venue's word: linear, inverse, option, spot."""
    return instrument.split(":", 2)[1]


def symbol_of(instrument: InstrumentId) -> str:
    """The symbol part of an instrument id, in the venue's own spelling."""
    return instrument.split(":", 2)[2]
