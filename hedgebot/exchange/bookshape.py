"""Makes the form of one simulated book from its law: US dollars and basis points become lots and ticks of the grid.

Owns the conversion and the bound on permanent impact. Knows no orders and no time beyond the grid's step.
"""

import math
from decimal import Decimal

from hedgebot.domain.instrument import Instrument
from hedgebot.exchange.crowd import CrowdShape
from hedgebot.exchange.fee_tiers import FeeTier, fee_rates
from hedgebot.exchange.ladder import DEPTH_MAX, SIZE_MAX, LadderShape
from hedgebot.exchange.liquidity import BookLaw, LiquiditySet

_SPACING_BPS = 0.25
_FAR_BPS = 10.0
# Sizes of the crowd's orders are drawn anew this often.
_RESIZE_S = 4.0
# Option books: no recording; the depth of a level at the mark's price of the underlying, growing over forty levels.
_OPTION_DEPTH_USD = 600_000.0
_OPTION_GROWTH, _OPTION_FAR_TICKS = 3.2, 40.0
_OPTION_HALF_LIFE_S, _OPTION_CANCELS_PER_S = 1.7, 0.1


def lots_of(instrument: Instrument, price: float, usd: float) -> float:
    """Lots that a value in USD is worth at a price."""
    return usd / float(instrument.notional_quote(instrument.lot_size, Decimal(str(price))))


def option_shape(instrument: Instrument, price: float, step_s: float, seed: int) -> LadderShape:
    """The form of an option's book; its half spread comes with each quote. `price` is the underlying's."""
    lots = max(int(lots_of(instrument, price, _OPTION_DEPTH_USD)), 1)
    return LadderShape(
        seed=seed,
        touch_lots=lots,
        near_lots=float(lots),
        far_lots=_OPTION_GROWTH * lots,
        far_ticks=_OPTION_FAR_TICKS,
        growth=1.0,
        spacing_ticks=1,
        half_spread_ticks=0.5,
        half_life_steps=_OPTION_HALF_LIFE_S / step_s,
        resize_steps=_resize_steps(step_s),
        ahead_kept=math.exp(-_OPTION_CANCELS_PER_S * step_s),
    )


def ladder_shape(
    instrument: Instrument,
    price: float,
    step_s: float,
    seed: int,
    laws: LiquiditySet,
    taker_rate: float | None = None,
) -> LadderShape:
    """The form of one book, option or not. `taker_rate` is the lowest that anybody pays; None: the lowest tier's."""
    if instrument.kind.is_option:
        return option_shape(instrument, price, step_s, seed)
    law = laws.book(instrument.kind, instrument.underlying)
    ticks_per_bps = price * 1e-4 / float(instrument.tick_size)
    touch = max(round(lots_of(instrument, price, law.touch_usd)), 1)
    spacing = max(round(_SPACING_BPS * ticks_per_bps), 1)
    # The density of the law at 10 bps, over one level.
    behind = lots_of(instrument, price, law.depth_10bps_usd - law.touch_usd)
    return LadderShape(
        seed=seed,
        touch_lots=touch,
        near_lots=0.0,
        far_lots=behind * law.depth_exponent * spacing / (_FAR_BPS * ticks_per_bps),
        far_ticks=max(_FAR_BPS * ticks_per_bps, 1.0),
        growth=max(law.depth_exponent - 1.0, 0.0),
        spacing_ticks=spacing,
        half_spread_ticks=law.spread_excess_bps * ticks_per_bps / 2.0,
        half_life_steps=max(law.half_life_s / step_s, 1e-3),
        resize_steps=_resize_steps(step_s),
        lots_per_tick=_lots_per_tick(instrument, price, law, touch, taker_rate),
        depth_power=laws.stress.depth_exponent,
        spread_power=laws.stress.spread_exponent,
        ahead_kept=math.exp(-law.cancel_ahead_per_s * step_s),
    )


def crowd_shape(instrument: Instrument, price: float, step_s: float, laws: LiquiditySet) -> CrowdShape:
    """The takers of one book that is no option's."""
    law = laws.book(instrument.kind, instrument.underlying)
    return CrowdShape(
        trades_per_step=law.trades_per_s * step_s,
        median_lots=lots_of(instrument, price, law.trade_median_usd),
        mean_lots=lots_of(instrument, price, law.trade_mean_usd),
        persistence=law.sign_persistence,
        memory_trades=law.sign_memory_trades,
        rate_power=laws.stress.rate_exponent,
    )


def _lots_per_tick(
    instrument: Instrument, price: float, law: BookLaw, touch_lots: int, taker_rate: float | None
) -> float:
    """Lots of net taking that move the middle by a tick: the law's, or more where that would pay who pushes.

    Someone who buys touch after touch and sells the same way earns what two touches move the price, less a tick of
    spread and two fees. So two of the largest touches may move it at most as far.
    """
    if taker_rate is None:
        taker_rate = min(float(fee_rates(tier, instrument.kind).taker) for tier in FeeTier)
    ticks_per_bps = price * 1e-4 / float(instrument.tick_size)
    ticks_per_lot = law.permanent_bps_per_musd * ticks_per_bps / lots_of(instrument, price, 1e6)
    fee_ticks = max(taker_rate, 0.0) * 1e4 * ticks_per_bps
    touches = 2.0 * SIZE_MAX * DEPTH_MAX * touch_lots + 1.0
    bound = touches / math.floor(1.0 + 2.0 * fee_ticks)
    return max(1.0 / ticks_per_lot, bound) if ticks_per_lot > 0.0 else math.inf


def _resize_steps(step_s: float) -> int:
    return max(round(_RESIZE_S / step_s), 1)
