"""The anonymous others who hold a contract: against them an account's place in the deleveraging queue is measured.

Owns how large, how leveraged and how far in profit they are: seeded once, with entries around a slow average of the
mark, so that a move puts one side into profit. Must not know accounts, orders or money.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.market import Market
from hedgebot.exchange.pricepath import stream

# Entries lie this far (a standard deviation, in logs) around the average; leverages are spread evenly in logs.
_ENTRY_SPREAD = 0.03
_LEVERAGE_MIN, _LEVERAGE_MAX = 1.0, 50.0
_AVERAGE_HOURS = 12.0
_OPEN_INTEREST_USD = 4e9


@dataclass(slots=True)
class Other:
    """One of the crowd on one side of a contract."""

    entry_log: float  # against the average mark
    leverage: float
    contracts: float


@dataclass(slots=True)
class Holders:
    """One contract's crowd by side, and the average that their entries lie around."""

    average: float
    at_ns: int
    others: dict[Side, list[Other]]


class Crowd:
    """Holders of all contracts; a contract's are drawn when somebody first asks."""

    def __init__(self, seed: int, count: int) -> None:
        self._seed, self._count = seed, count
        self._holders: dict[InstrumentId, Holders] = {}

    def scored(self, market: Market, side: Side, mark: float, now_ns: int) -> list[tuple[float, Other]]:
        """Everyone on a side who still holds something, with his score at this mark."""
        holders = self._of(market, mark, now_ns)
        pull = 1.0 - math.exp(-(now_ns - holders.at_ns) / (_AVERAGE_HOURS * 3.6e12))
        holders.average += pull * (mark - holders.average)
        holders.at_ns = now_ns
        found = []
        for one in holders.others[side]:
            if one.contracts > 0.0:
                ratio = side.sign * (mark / (holders.average * math.exp(one.entry_log)) - 1.0)
                found.append((score(ratio, one.leverage), one))
        return found

    def keep(self, alive: Collection[InstrumentId]) -> None:
        """Forget the holders of every other contract."""
        for name in [name for name in self._holders if name not in alive]:
            del self._holders[name]

    def _of(self, market: Market, mark: float, now_ns: int) -> Holders:
        found = self._holders.get(market.id)
        if found is None:
            draw = stream(self._seed, "holders", market.id)
            each = max(_OPEN_INTEREST_USD / mark / max(self._count, 1), float(market.lot_size))
            span = math.log(_LEVERAGE_MAX / _LEVERAGE_MIN)
            others = {
                side: [
                    Other(
                        entry_log=_ENTRY_SPREAD * float(draw.standard_normal()),
                        leverage=_LEVERAGE_MIN * math.exp(span * float(draw.random())),
                        contracts=each * float(draw.exponential()),
                    )
                    for _ in range(self._count)
                ]
                for side in Side
            }
            found = self._holders[market.id] = Holders(mark, now_ns, others)
        return found


def score(profit_ratio: float, leverage: float) -> float:
    """Place in the queue, higher is sooner: profit times effective leverage, a loss divided by it.

    Source: Bybit's help page on auto-deleveraging names both factors; the formula is BitMEX's published one.
    """
    return profit_ratio * leverage if profit_ratio > 0.0 else profit_ratio / leverage
