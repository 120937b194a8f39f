"""A world in which troubles are felt: prices, marks and statuses are bent on their way into it.

Owns what a halted index, other volatility, a pause, a wrong mark and a suspension do to a step. With no trouble it is
the plain world, number for number. Must not know how long anything lasts.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.floor import Coin, cents, priced
from hedgebot.exchange.market import Market
from hedgebot.exchange.pricepath import PathBlock
from hedgebot.exchange.types import InstrumentStatus
from hedgebot.exchange.world import SHIFT_MAX, SHIFT_MIN, World


@dataclass(slots=True)
class Bend:
    """What troubles do to one underlying's path."""

    is_index_halted: bool = False
    volatility: float = 1.0
    path_index: float = 0.0


class BentWorld(World):
    """All markets of a scenario, with what troubles make of them."""

    # Class-wide defaults: the plain world moves once while it is made.
    bends: Mapping[str, Bend] = {}
    is_paused = False
    mark_ratios: Mapping[InstrumentId, float] = {}
    suspended: frozenset[InstrumentId] = frozenset()

    def bend(self, name: str) -> Bend:
        """The bend of an underlying, made straight at first sight. KeyError for an unknown one."""
        coin = self.coins[name]
        if name not in self.bends:
            self.bends = {**self.bends, name: Bend(path_index=coin.index / coin.shifted)}
        return self.bends[name]

    def _move(self, coin: Coin, offset: int) -> None:
        """Move a coin by its block's step, bent."""
        block, bend = coin.block, self.bends.get(coin.spec.name)
        if bend is None and not self.is_paused:
            super()._move(coin, offset)
            return
        coin.block = self._bent(coin, block, offset, bend or Bend())
        super()._move(coin, offset)
        coin.block = block

    def _bent(self, coin: Coin, block: PathBlock, offset: int, bend: Bend) -> PathBlock:
        """The block with one step of it bent; the path's own arrays are shared and stay as they are."""
        path_index = float(block.index[offset])
        if bend.volatility != 1.0 and bend.path_index > 0.0 and not self.is_paused:
            shifted = coin.shifted * (path_index / bend.path_index) ** (bend.volatility - 1.0)
            coin.shifted = min(max(shifted, SHIFT_MIN), SHIFT_MAX)
        bend.path_index = path_index
        index, mark, stress, live = block.index.copy(), block.mark.copy(), block.stress.copy(), block.live.copy()
        stress[offset] *= max(bend.volatility, 1.0)
        live[offset] = bool(live[offset]) and not self.is_paused
        if bend.is_index_halted:
            index[offset] = coin.index / coin.shifted
            # Marks follow by their own rule, also where a recording has them.
            mark[offset] = math.nan
        return replace(block, index=index, mark=mark, stress=stress, live=live)

    def mark(self, market: Market) -> Decimal:
        """Mark price of an instrument (spot: the index), or what a trouble makes of it."""
        right = super().mark(market)
        ratio = self.mark_ratios.get(market.id) if self.mark_ratios else None
        if ratio is None:
            return right
        bent = float(right) * ratio
        return cents(bent) if market.instrument.kind.is_option else priced(bent)

    def status(self, market: Market) -> InstrumentStatus:
        """Status of an instrument that has not been settled."""
        return InstrumentStatus.SUSPENDED if market.id in self.suspended else super().status(market)
