"""The crowd's side of a book: how much others offer at each price, as integers of ticks and lots.

Owns depth as a function of price, time and market stress, and what takers have eaten of it (which grows back). Knows no
orders, accounts or decimals. Sizes belong to prices, not to ranks, so a book that moves keeps its shape.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from hedgebot.domain.instrument import Side

_MASK = 0xFFFFFFFF
_REGROWTH_STEPS = 25.0
_FORGET_STEPS = 250
# Sizes of the crowd's orders are drawn anew this often.
_RESIZE_STEPS = 40
LEVELS_MAX = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderShape:
    """Form of one book: lots at a level in calm markets, ticks between levels behind the touch, half spread."""

    seed: int
    level_lots: int
    spacing_ticks: int
    half_spread_ticks: float


@dataclass(slots=True)
class Ladder:
    """One instrument's crowd. `requote` moves it; `take` eats from it; `levels` shows what is left."""

    shape: LadderShape
    bid_tick: int = 0
    ask_tick: int = 0
    step: int = 0
    stress: float = 1.0
    _eaten: dict[int, tuple[float, int]] = field(default_factory=dict)

    def requote(self, middle_ticks: float, step: int, stress: float, half_spread_ticks: float | None = None) -> bool:
        """Put the touch around a middle price (in ticks); True when the touch moved. A bid tick below 1 = no bids."""
        half = (self.shape.half_spread_ticks if half_spread_ticks is None else half_spread_ticks) * stress
        bid = math.floor(middle_ticks - half)
        ask = max(math.ceil(middle_ticks + half), bid + 1, 1)
        moved = (bid, ask) != (self.bid_tick, self.ask_tick)
        self.bid_tick, self.ask_tick, self.step, self.stress = bid, ask, step, stress
        if self._eaten:
            self._forget()
        return moved

    def levels(self, side: Side) -> Iterator[tuple[int, int]]:
        """(tick, lots) of the crowd's bids (BUY) or asks (SELL), best first, at most `LEVELS_MAX`; no empty levels."""
        spacing = self.shape.spacing_ticks
        tick = self.bid_tick if side is Side.BUY else self.ask_tick
        for number in range(LEVELS_MAX):
            if tick < 1:
                return
            lots = self.lots_at(tick, number)
            if lots > 0:
                yield tick, lots
            # Behind the touch, levels stand on a grid of prices, so that they stay where they are when the touch moves.
            tick = (tick - 1) // spacing * spacing if side is Side.BUY else tick // spacing * spacing + spacing

    def lots_at(self, tick: int, rank: int) -> int:
        """Lots left at a price that is `rank` levels behind the touch: deeper levels are thicker, stress thins all."""
        draw = _mix(tick * 2_654_435_761 ^ (self.step // _RESIZE_STEPS) * 40_503 ^ self.shape.seed)
        thickness = (0.4 + 1.2 * draw) * (1.0 + 0.08 * min(rank, 40)) / self.stress
        lots = self.shape.level_lots * thickness
        eaten = self._eaten.get(tick)
        if eaten is not None:
            lots -= eaten[0] * math.exp(-(self.step - eaten[1]) / _REGROWTH_STEPS)
        return int(lots)

    def take(self, tick: int, lots: int) -> None:
        """Eat lots from a price."""
        eaten = self._eaten.get(tick)
        before = eaten[0] * math.exp(-(self.step - eaten[1]) / _REGROWTH_STEPS) if eaten is not None else 0.0
        self._eaten[tick] = (before + lots, self.step)

    def _forget(self) -> None:
        """Drop what has grown back: bounds the memory to the prices eaten within the last `_FORGET_STEPS`."""
        oldest = next(iter(self._eaten.values()))[1]
        if self.step - oldest > _FORGET_STEPS:
            self._eaten = {tick: one for tick, one in self._eaten.items() if self.step - one[1] <= _FORGET_STEPS}


def _mix(word: int) -> float:
    """Spread an integer evenly over 0 to 1 (a finaliser of 32-bit multiplications and shifts)."""
    word &= _MASK
    word = (word ^ word >> 16) * 0x45D9F3B & _MASK
    word = (word ^ word >> 16) * 0x45D9F3B & _MASK
    return (word ^ word >> 16) / _MASK
