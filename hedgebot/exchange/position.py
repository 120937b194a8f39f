"""One position's books, exact: it keeps the sum it cost, not a rounded average.

Owns what a trade does to a position. What is taken out of the cost on closing is what is booked, so that profits and
open costs sum to what was traded, to the last decimal. A position costs money of its settlement coin: an inverse one
keeps coins, whose values are rounded once, when a trade is booked. Must not know accounts, margin, matching or time.
"""

from dataclasses import dataclass
from decimal import Decimal

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument, InstrumentId
from hedgebot.exchange.records import PositionStatus
from hedgebot.exchange.requests import PositionIndex

# The finest step of money that is booked; of fees and payments in stablecoins, as the venue writes them.
MONEY_STEP = Decimal("1e-10")
FEE_STEP = Decimal("1e-8")

PositionKey = tuple[InstrumentId, PositionIndex]


def booked_value(instrument: Instrument, contracts: Decimal, price: Decimal) -> Decimal:
    """Value of `contracts` in the settlement coin as it is booked: exact, or rounded once where it cannot be exact."""
    value = instrument.value_settle(contracts, price)
    return value.quantize(MONEY_STEP) if instrument.kind.is_inverse else value


@dataclass(slots=True)
class Position:
    """A derivative position; `cost` is the signed sum of settlement coin at which the open contracts were entered."""

    instrument: Instrument
    index: PositionIndex = PositionIndex.ONE_WAY
    contracts: Decimal = ZERO
    cost: Decimal = ZERO
    realised_pnl: Decimal = ZERO
    created_at_ns: int = 0
    updated_at_ns: int = 0
    seq: int = 0
    status: PositionStatus = PositionStatus.NORMAL
    # From 1 to 5 while it is open; ranked anew now and then, a fresh one stands in the middle.
    adl_rank: int = 3

    @property
    def key(self) -> PositionKey:
        """What it is filed under."""
        return self.instrument.id, self.index

    @property
    def entry_price(self) -> Decimal | None:
        """Average entry price, rounded for display; None when flat."""
        # A trade so small that its coins round to nothing has no average either.
        if not self.contracts or not self.cost:
            return None
        return self.instrument.average_price(self.contracts, self.cost).quantize(FEE_STEP)

    def unrealised(self, mark: Decimal) -> Decimal:
        """Profit at a mark price, in the settlement coin."""
        return self._profit(booked_value(self.instrument, self.contracts, mark), self.cost)

    def trade(self, signed_contracts: Decimal, price: Decimal) -> tuple[Decimal, Decimal]:
        """Apply a trade; (contracts closed, profit realised in the settlement coin)."""
        held = self.contracts
        value = booked_value(self.instrument, signed_contracts, price)
        closing = min(abs(signed_contracts), abs(held)) if held * signed_contracts < 0 else ZERO
        realised = ZERO
        if closing:
            whole, all_of_it = closing == abs(held), closing == abs(signed_contracts)
            cost = self.cost if whole else (self.cost * closing / abs(held)).quantize(MONEY_STEP)
            closed = closing if held > 0 else -closing
            proceeds = -value if all_of_it else booked_value(self.instrument, closed, price)
            realised = self._profit(proceeds, cost)
            self.cost -= cost
            value += proceeds
        self.cost += value
        self.contracts = held + signed_contracts
        self.realised_pnl += realised
        return closing, realised

    def take_back(self, signed_contracts: Decimal, value: Decimal, realised: Decimal) -> Decimal:
        """Undo its newest trade, of a signed `value` as it was booked; contracts that this closes."""
        held = self.contracts
        closing = min(abs(signed_contracts), abs(held)) if held * signed_contracts > 0 else ZERO
        self.cost -= value - realised if self.instrument.kind.is_inverse else value + realised
        self.contracts = held - signed_contracts
        self.realised_pnl -= realised
        return closing

    def _profit(self, value: Decimal, cost: Decimal) -> Decimal:
        """Of contracts worth `value` that cost `cost`: an inverse contract gains the coins that it no longer takes."""
        return cost - value if self.instrument.kind.is_inverse else value - cost
