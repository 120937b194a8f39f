"""The crowd's side of a book: how much others offer at each price, as integers of ticks and lots.

Owns depth as a function of price, time and market stress, what takers have eaten of it (which grows back: the temporary
part of their impact) and how far net taking has moved the middle for good (the permanent part). Knows no orders,
accounts or decimals. Sizes belong to prices, not to ranks, so a book that moves keeps its shape.

Why nobody earns by pushing the price: the permanent part is a function of the participants' net quantity alone, so
every lot that is bought on the way up is sold on the way down. As long as an order walks at least the ticks that its
quantity moves (`lots_per_tick` is made so, `bookshape.py`), no such pair of trades earns. A concave permanent part
would let many small orders push a price that one large order then uses (Huberman and Stanzl, Econometrica 72, 2004).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from hedgebot.domain.instrument import Side

_MASK = 0xFFFFFFFF
# What is eaten is forgotten after so many half-lives.
_FORGET_HALF_LIVES = 20.0
# The deepest book in calm times, against normal ones.
DEPTH_MAX = 1.5
# Sizes vary by chance between these parts of their mean.
SIZE_MIN, SIZE_MAX = 0.4, 1.6
LEVELS_MAX = 400
# The touch moves with the middle, so what is eaten there belongs to its side and not to its price. No price is below 1.
_TOUCH = {Side.BUY: 0, Side.SELL: -1}
_NOT_RECORDED: tuple[int | None, int | None] = (None, None)
# A recorded price is a tick of its venue: what floating point makes of it must not be the next one.
_TICK_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderShape:
    """Form of one book in normal times.

    Behind the touch of `touch_lots`, levels stand every `spacing_ticks`; one at distance d has `near_lots` +
    `far_lots` (d / `far_ticks`)^`growth`, and no more beyond `far_ticks`. `lots_per_tick` of net taking move the middle
    by a tick for good (infinity: never). Depth goes with stress to the power of -`depth_power`, the half spread with
    stress to `spread_power`. `ahead_kept` is what cancels leave in a step of the volume ahead of a resting order.
    """

    seed: int
    touch_lots: int
    near_lots: float
    far_lots: float
    far_ticks: float
    growth: float
    spacing_ticks: int
    half_spread_ticks: float
    half_life_steps: float
    resize_steps: int
    lots_per_tick: float = math.inf
    depth_power: float = 1.0
    spread_power: float = 1.0
    ahead_kept: float = 1.0

    @property
    def eaten_kept(self) -> float:
        """What is left at a step's end of lots that were eaten at even times within it."""
        steps = self.half_life_steps / math.log(2.0)
        return steps * (1.0 - math.exp(-1.0 / steps))


@dataclass(slots=True)
class Ladder:
    """One instrument's crowd. `requote` moves it; `take` eats from it; `levels` shows what is left.

    `liquidity` multiplies depth and divides the spread, from the next `requote` on: how a regime changes a book.
    """

    shape: LadderShape
    bid_tick: int = 0
    ask_tick: int = 0
    step: int = 0
    stress: float = 1.0
    liquidity: float = 1.0
    _depth: float = 1.0
    _width: float = 1.0
    _set_for: tuple[float, float] = (1.0, 1.0)
    _moved_ticks: float = 0.0
    _eaten: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    # Lots that a recording has at the touch of bids and asks; None where it is the shape's.
    _recorded: tuple[int | None, int | None] = _NOT_RECORDED

    def requote(self, middle_ticks: float, step: int, stress: float, half_spread_ticks: float | None = None) -> bool:
        """Put the touch around a middle price (in ticks), moved by what net taking moved it for good.

        True when the touch moved. A bid tick below 1 = no bids.
        """
        if (stress, self.liquidity) != self._set_for:
            self._set(stress)
        half = (self.shape.half_spread_ticks if half_spread_ticks is None else half_spread_ticks) * self._width
        middle_ticks += round(self._moved_ticks)
        return self._put(math.floor(middle_ticks - half), math.ceil(middle_ticks + half), step, _NOT_RECORDED)

    def stand(
        self, bid_ticks: float, ask_ticks: float, step: int, stress: float, lots: tuple[int | None, int | None]
    ) -> bool:
        """Put the touch where a recording has it, with its lots of bids and asks (None: the shape's).

        Neither stress nor net taking moves it: a recording's touch is what the market made of both. Prices between two
        ticks go outwards. True when it changed.
        """
        if (stress, self.liquidity) != self._set_for:
            self._set(stress)
        return self._put(math.floor(bid_ticks + _TICK_ROUNDING), math.ceil(ask_ticks - _TICK_ROUNDING), step, lots)

    def _put(self, bid: int, ask: int, step: int, lots: tuple[int | None, int | None]) -> bool:
        ask = max(ask, bid + 1, 1)
        moved = (bid, ask) != (self.bid_tick, self.ask_tick) or lots != self._recorded
        self.bid_tick, self.ask_tick, self.step, self._recorded = bid, ask, step, lots
        if self._eaten:
            self._forget()
        return moved

    def _set(self, stress: float) -> None:
        """Fit depth and width to stress and liquidity."""
        self.stress, self._set_for = stress, (stress, self.liquidity)
        self._depth = min(stress**-self.shape.depth_power, DEPTH_MAX) * self.liquidity
        self._width = stress**self.shape.spread_power / self.liquidity

    # --- what is offered

    def touch(self, side: Side) -> int:
        """Best tick of the crowd's bids (BUY) or asks (SELL), whether or not lots are left there."""
        return self.bid_tick if side is Side.BUY else self.ask_tick

    def levels(self, side: Side) -> Iterator[tuple[int, int]]:
        """(tick, lots) of the crowd's bids (BUY) or asks (SELL), best first, at most `LEVELS_MAX`; no empty levels."""
        spacing, touch = self.shape.spacing_ticks, self.touch(side)
        tick = touch
        for _ in range(LEVELS_MAX):
            if tick < 1:
                return
            lots = self._left(side, tick, touch)
            if lots > 0:
                yield tick, lots
            # Behind the touch, levels stand on a grid of prices, so that they stay where they are when the touch moves.
            tick = (tick - 1) // spacing * spacing if side is Side.BUY else tick // spacing * spacing + spacing

    def queue_at(self, side: Side, tick: int) -> int:
        """Lots of the crowd that an order which comes now stands behind at a price.

        Between the grid's prices behind the touch it is a price's part of the level: the grid stands for all of them.
        """
        touch = self.touch(side)
        behind = (touch - tick) * side.sign
        if tick < 1 or behind < 0:
            return 0
        if behind == 0 or tick % self.shape.spacing_ticks == 0:
            return self._left(side, tick, touch)
        return int(self._size(side, tick, behind) / self.shape.spacing_ticks)

    def _left(self, side: Side, tick: int, touch: int) -> int:
        """Lots at a level, without what is eaten and has not grown back."""
        lots = int(self._size(side, tick, abs(tick - touch)))
        eaten = self._eaten.get(_TOUCH[side] if tick == touch else tick)
        return lots if eaten is None else lots - self._missing(eaten, lots)

    def _size(self, side: Side, tick: int, distance: int) -> float:
        """Whole lots of a level: thicker behind the touch, thinned by stress, varied by a draw that lasts a while."""
        shape = self.shape
        if distance == 0 and (recorded := self._recorded[side is Side.SELL]) is not None:
            return float(recorded)
        draw = _mix(tick * 2_654_435_761 ^ (self.step // shape.resize_steps) * 40_503 ^ shape.seed)
        if distance == 0:
            mean = float(shape.touch_lots)
        else:
            mean = shape.near_lots + shape.far_lots * min(distance / shape.far_ticks, 1.0) ** shape.growth
        return mean * (SIZE_MIN + (SIZE_MAX - SIZE_MIN) * draw) * self._depth

    # --- what takers do

    def take(self, side: Side, tick: int, lots: int) -> None:
        """Eat lots from a price of the crowd's bids (BUY) or asks (SELL)."""
        touch = self.touch(side)
        key = _TOUCH[side] if tick == touch else tick
        size = int(self._size(side, tick, abs(tick - touch)))
        # Last place in the row: `_forget` looks at the oldest alone.
        before = self._eaten.pop(key, None)
        if before is not None:
            lots += self._missing(before, size)
        self._eaten[key] = (lots, size, self.step)

    def graze(self, side: Side, tick: int, lots: int) -> None:
        """Eat what the crowd's own takers do; a recorded touch is what they left, so nothing of it."""
        if tick != self.touch(side) or self._recorded[side is Side.SELL] is None:
            self.take(side, tick, lots)

    def press(self, side: Side, lots: int) -> None:
        """Count lots that a participant bought from (BUY) or sold to the crowd: moves the middle from the next step."""
        self._moved_ticks += side.sign * lots / (self.shape.lots_per_tick * max(self.liquidity, 1.0))

    def _missing(self, eaten: tuple[int, int, int], size: int) -> int:
        """What has not grown back at a level that has a size now, of what was eaten (lots of which size, at a step).

        Sizes change with time, so later it is a part of the size, and some of any size has always grown back.
        """
        lots, of_size, step = eaten
        if step == self.step:
            return lots
        share = min(lots / of_size, 1.0) if of_size else 1.0
        return int(size * share * 0.5 ** ((self.step - step) / self.shape.half_life_steps))

    def _forget(self) -> None:
        """Drop what has grown back: bounds the memory to the prices eaten within some half-lives."""
        kept_steps = _FORGET_HALF_LIVES * self.shape.half_life_steps
        while self._eaten:
            key, (_, _, step) = next(iter(self._eaten.items()))
            if self.step - step <= kept_steps:
                return
            del self._eaten[key]


def _mix(word: int) -> float:
    """Spread an integer evenly over 0 to 1 (a finaliser of 32-bit multiplications and shifts)."""
    word &= _MASK
    word = (word ^ word >> 16) * 0x45D9F3B & _MASK
    word = (word ^ word >> 16) * 0x45D9F3B & _MASK
    return (word ^ word >> 16) / _MASK
