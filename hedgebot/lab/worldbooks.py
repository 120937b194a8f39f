"""What the book of a fault world hedges with: one instrument, two, or the cheaper of two.

Owns the kinds of books, which seed has which, and what is special about each. A kind is drawn from a stream of the
seed that nothing else draws from: worlds of one hedge are what they were before there were others.
"""

import random
from collections.abc import Callable
from enum import StrEnum

import msgspec

from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.settings import EngineSettings, FundingAction, HedgeLeg, HedgeRole
from hedgebot.exchange.expiries import linear_future_expiries, linear_future_symbol
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.trouble import FundingChange
from hedgebot.lab.worldspec import HEDGE, HOLDER, SCENARIO, START_NS, UNDERLYING

SHARE = 0.125
"""Of all worlds: with two hedge instruments, and as many with a choice between two."""

CAPS_COIN = (0.0, 0.1, 0.4)
"""What of the hedges may stand against each other: nothing, about two bands, more than what is ever hedged."""

HOLD_DAYS = 7.0
"""How long a hedge is held: long enough that opening the other one is often cheaper than closing what is held."""

DEAR_RATE = 0.0008
"""Of eight hours: 24 bps a day are within the limit of 30, and far above what the other instrument costs."""

MOVE_S = (35.0, 120.0)
"""When the main hedge becomes dear, in seconds from the start: between these, so that mishaps meet the move."""

_DELIVERY = linear_future_expiries(SCENARIO.underlyings[0], START_NS)[0]
FUTURE = InstrumentId(f"bybit:linear:{linear_future_symbol(UNDERLYING, 'USDT', _DELIVERY)}")
"""The dated future of the world, on which nobody else trades; it is delivered days after the world's end."""


class BookKind(StrEnum):
    """How many instruments a book hedges with."""

    ONE = "one"
    TWO = "two"
    SWITCH = "switch"


class WorldBook(msgspec.Struct, frozen=True, kw_only=True):
    """One book. `role` is the side that the future is for; from `dear_s` on the main hedge costs a lot (0: never)."""

    kind: BookKind = BookKind.ONE
    role: HedgeRole = HedgeRole.BUY
    opposed_coin_max: float = 0.0
    dear_s: float = 0.0

    def settings(self, settings: EngineSettings) -> EngineSettings:
        """The same settings with this book's hedges for the first underlying."""
        if self.kind is BookKind.ONE:
            return settings
        first, *others = settings.underlyings
        switches = self.kind is BookKind.SWITCH
        role = HedgeRole.ALTERNATIVE if switches else self.role
        first = msgspec.structs.replace(
            first,
            other_hedges=(HedgeLeg(instrument=FUTURE, role=role),),
            opposed_coin_max=self.opposed_coin_max,
            hedge_hold_days=HOLD_DAYS,
            funding_action=FundingAction.SWITCH if switches else first.funding_action,
        )
        return msgspec.structs.replace(settings, underlyings=(first, *others))

    def begin(self, exchange: Exchange, later: Callable[[float, Callable[[], None]], None]) -> None:
        """What happens in its world beside the mishaps: where there is a choice, the main hedge becomes dear."""
        if self.dear_s:
            later(self.dear_s, lambda: _make_dear(exchange))


def book_of(seed: int, kind: BookKind | None = None) -> WorldBook:
    """The book of a seed; `kind` None: as it is drawn for campaigns. The rest is drawn as ever."""
    chance = random.Random(f"{seed}/book")
    drawn, role = chance.random(), chance.choice((HedgeRole.BUY, HedgeRole.SELL))
    cap, dear_s = chance.choice(CAPS_COIN), chance.uniform(*MOVE_S)
    if kind is None:
        kind = BookKind.TWO if drawn < SHARE else BookKind.SWITCH if drawn < 2.0 * SHARE else BookKind.ONE
    if kind is BookKind.ONE:
        return WorldBook()
    if kind is BookKind.TWO:
        return WorldBook(kind=kind, role=role, opposed_coin_max=cap)
    return WorldBook(kind=kind, opposed_coin_max=cap, dear_s=dear_s)


def _make_dear(exchange: Exchange) -> None:
    """Whatever side the main hedge is on pays from now on; with nothing held it is the longs."""
    held = sum(one.contracts for one in exchange.positions(HOLDER) if one.instrument == HEDGE)
    rate = -DEAR_RATE if held < 0 else DEAR_RATE
    exchange.strike(FundingChange(instrument=HEDGE, next_rate=rate))
