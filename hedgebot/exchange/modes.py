"""One-way mode and hedge mode: which position of an instrument an order is about, and what it may do to it.

Owns the rules, from docs/v5/position/position-mode.mdx: a symbol's own setting goes before its settlement coin's, and
both before one-way, the default; of the unified account only USDT perpetuals have a hedge mode. In hedge mode the long
and the short position live side by side: an order names one of them and never turns it round. Pure; must not know
accounts or orders beyond the values handed in.
"""

from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind, Side
from hedgebot.exchange.requests import OrderRequest, OrderType, PositionIndex

_LEG_SIDE = {PositionIndex.LONG: Side.BUY, PositionIndex.SHORT: Side.SELL}


def has_hedge_mode(instrument: Instrument) -> bool:
    """Whether an instrument can hold a long and a short position at once."""
    return instrument.kind is InstrumentKind.LINEAR_PERP and instrument.settle == "USDT"


@dataclass(slots=True)
class PositionModes:
    """What an account has chosen, True for hedge mode."""

    by_coin: dict[str, bool] = field(default_factory=dict)
    by_instrument: dict[InstrumentId, bool] = field(default_factory=dict)

    def copied(self) -> "PositionModes":
        """The same choices, apart."""
        return PositionModes(dict(self.by_coin), dict(self.by_instrument))

    def is_hedged(self, instrument: Instrument) -> bool:
        """Whether an instrument is in hedge mode."""
        if not has_hedge_mode(instrument):
            return False
        chosen = self.by_instrument.get(instrument.id)
        return self.by_coin.get(instrument.settle, False) if chosen is None else chosen

    def indices(self, instrument: Instrument) -> tuple[PositionIndex, ...]:
        """The positions that an order can be about now."""
        return (PositionIndex.LONG, PositionIndex.SHORT) if self.is_hedged(instrument) else (PositionIndex.ONE_WAY,)


def as_understood(request: OrderRequest) -> OrderRequest:
    """The request as the venue takes it: a market order has no price, and the wrong side of a leg can only reduce it.

    That is a sell of the long position and a buy of the short one.
    """
    if request.type is OrderType.MARKET and request.limit_price is not None:
        request = msgspec.structs.replace(request, limit_price=None)
    opening = _LEG_SIDE.get(request.position_index)
    if opening is None or request.side is opening:
        return request
    return msgspec.structs.replace(request, reduce_only=True)


def reducible(held: Decimal, side: Side) -> Decimal:
    """Contracts that an order of `side` can take off a position; zero when it would add to it."""
    return abs(held) if held * side.sign < 0 else ZERO
