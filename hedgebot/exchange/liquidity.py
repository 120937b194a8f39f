"""How deep, wide and busy each simulated book is: one law for each kind of product and coin, from a dated file.

Owns the parameters, which recording they come from, and which law a book gets when its coin was not recorded. Must not
simulate: `ladder.py` and `crowd.py` do.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec

from hedgebot.domain.decoding import decoded
from hedgebot.domain.instrument import InstrumentKind
from hedgebot.exchange.latency import Latencies

LIQUIDITY_FILE = "liquidity_20240808.json"
# The law of coins that have none of their own.
OTHERS = "*"


class BookLaw(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One book in normal times. USD on one side; `spread_excess_bps` is what the mean spread has beyond one tick.

    Depth within d basis points of the middle is `touch_usd` + (`depth_10bps_usd` - `touch_usd`) (d / 10) to the
    `depth_exponent`, straight on beyond 10. `half_life_s`: of what takers have eaten. `cancel_ahead_per_s`: share of
    the volume ahead of a resting order that is cancelled. `permanent_bps_per_musd`: what a million USD of net volume
    moves the middle for good. Trades are log-normal by median and mean; neighbouring takers have one side more often
    than not by `sign_persistence`, fading by 1/e in `sign_memory_trades`.
    """

    touch_usd: float
    depth_10bps_usd: float
    depth_exponent: float
    spread_excess_bps: float
    trades_per_s: float
    trade_median_usd: float
    trade_mean_usd: float
    sign_persistence: float
    sign_memory_trades: float
    half_life_s: float
    cancel_ahead_per_s: float
    permanent_bps_per_musd: float

    def __post_init__(self) -> None:
        """Refuse what no book can be."""
        for name in self.__struct_fields__:
            if not 0.0 <= getattr(self, name) < 1e12:
                msg = f"{name} is {getattr(self, name)}, it must be 0 or more"
                raise ValueError(msg)
        if not 0.0 < self.touch_usd < self.depth_10bps_usd:
            msg = (
                f"touch_usd is {self.touch_usd}, it must be above 0 and below depth_10bps_usd ({self.depth_10bps_usd})"
            )
            raise ValueError(msg)
        if not 0.0 < self.trade_median_usd <= self.trade_mean_usd or self.sign_persistence > 1.0:
            msg = "trade_median_usd must be above 0 and at most trade_mean_usd, sign_persistence at most 1"
            raise ValueError(msg)

    def scaled(self, size: float) -> "BookLaw":
        """The law of a market of another size: depth and volume go by size, trade rate and trade size by its root."""
        root = size**0.5
        return msgspec.structs.replace(
            self,
            touch_usd=self.touch_usd * size,
            depth_10bps_usd=self.depth_10bps_usd * size,
            spread_excess_bps=self.spread_excess_bps / root,
            trades_per_s=self.trades_per_s * root,
            trade_median_usd=self.trade_median_usd * root,
            trade_mean_usd=self.trade_mean_usd * root,
            permanent_bps_per_musd=self.permanent_bps_per_musd / size,
        )


class StressLaw(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Powers of stress (current over normal volatility): depth falls, the spread's excess and trading grow."""

    depth_exponent: float
    spread_exponent: float
    rate_exponent: float


class LiquiditySet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All laws as of one day; `source` and `notes` say where each figure comes from, and which are assumptions.

    `others_size` is a coin's without a law of its own against the one under `*`, `future_size` a dated future's
    against the perpetual's of its coin.
    """

    id: str
    as_of: str
    source: str
    notes: tuple[str, ...]
    books: Mapping[InstrumentKind, Mapping[str, BookLaw]]
    others_size: float
    future_size: float
    stress: StressLaw
    latency: Latencies

    def book(self, kind: InstrumentKind, coin: str) -> BookLaw:
        """The law of one book; KeyError for an option, whose book follows its volatility instead."""
        if kind in _FUTURES:
            return self.book(_FUTURES[kind], coin).scaled(self.future_size)
        laws = self.books[kind]
        return laws[coin] if coin in laws else laws[OTHERS].scaled(self.others_size)


_FUTURES = {
    InstrumentKind.LINEAR_FUTURE: InstrumentKind.LINEAR_PERP,
    InstrumentKind.INVERSE_FUTURE: InstrumentKind.INVERSE_PERP,
}


def parse_liquidity(content: bytes, name: str) -> LiquiditySet:
    """Read a parameter file's content; DataError names the file and the key that is wrong."""
    return decoded(content, LiquiditySet, "liquidity parameters", name)


@cache
def load_liquidity() -> LiquiditySet:
    """The laws that ship with hedgebot."""
    return parse_liquidity(files("hedgebot.exchange").joinpath(LIQUIDITY_FILE).read_bytes(), LIQUIDITY_FILE)
