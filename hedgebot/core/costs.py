"""What a trade in one hedge instrument costs one way, and what it is made of (hedging reference sections 9.1 and 9.2).

Owns the model cost = fee + half the spread + Y * sigma_day * sqrt(|Q| / V_day), and the place of own fills beside it:
where the cost is measured, the model is what is believed before the first fill. Without a configured fee, cost_bps
stands for fee and spread, or half the spread where that is more. Owns, too, what the risk of an instrument's basis is
worth. Must not know which instrument is chosen, nor why.
"""

import math
from typing import NamedTuple

from hedgebot.core import market
from hedgebot.core.cost_state import CostEstimate
from hedgebot.core.state import EngineState
from hedgebot.core.volatility import vol_day_of
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.settings import CostSource, UnderlyingSettings

_BPS = 1e-4
_NOTHING = CostEstimate()


class HedgeCost(NamedTuple):
    """One way, in basis points of notional; None: not known. `cost_bps` is what choices are made of."""

    fee_bps: float | None
    half_spread_bps: float | None
    impact_bps: float | None
    measured_bps: float | None
    fills: int
    cost_bps: float

    @property
    def ratio(self) -> float:
        """The same as a share of notional."""
        return self.cost_bps * _BPS


def one_way(state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, coins: float = 0.0) -> HedgeCost:
    """The cost of trading so many coins (either sign) in a hedge instrument now."""
    quote, fee_bps = state.quotes.get(hedge), settings.hedge_fees_bps.get(hedge)
    spread_bps = market.spread_bps(quote) if quote else None
    half_bps = None if spread_bps is None else spread_bps / 2.0
    impact_bps = _impact_bps(state, settings, hedge, coins)
    known = None if fee_bps is None or half_bps is None else fee_bps + half_bps
    model_bps = (max(settings.cost_bps, half_bps or 0.0) if known is None else known) + (impact_bps or 0.0)
    own = state.underlyings[settings.underlying].drift.costs.instruments.get(hedge, _NOTHING)
    measures = settings.cost_source is CostSource.MEASURED
    return HedgeCost(
        fee_bps=fee_bps,
        half_spread_bps=half_bps,
        impact_bps=impact_bps,
        measured_bps=own.measured_bps,
        fills=own.fills,
        cost_bps=own.cost_bps(model_bps, settings, settings.cost_bps) if measures else model_bps,
    )


def basis_risk_day(
    state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, coins: float, held_coin: float = 0.0
) -> float:
    """What a trade of so many coins (signed) adds to the risk of a basis, in worth a day as a ratio of its notional.

    Half of risk aversion times the variance of the basis' P&L: of (held + trade)^2 less that of held^2, so that a trade
    which reduces what is held in the instrument comes out below zero. Nothing where the band in force has no aversion
    to risk, or the volatility of the basis is not configured.
    """
    underlying, vol = state.underlyings[settings.underlying], settings.hedge_basis_vols_day.get(hedge, 0.0)
    coins_of_risk = abs(coins) + math.copysign(2.0, coins) * held_coin
    return 0.5 * underlying.drift.risk_aversion * coins_of_risk * max(underlying.price, 0.0) * vol * vol


def _impact_bps(state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, coins: float) -> float | None:
    """What a trade moves the price by; None without a daily volume, a volatility or a price."""
    underlying, volume_usd = state.underlyings[settings.underlying], settings.hedge_day_volumes_usd.get(hedge)
    vol_day = vol_day_of(underlying)
    if volume_usd is None or vol_day is None or underlying.price <= 0.0:
        return None
    return settings.impact_ratio * vol_day * math.sqrt(abs(coins) * underlying.price / volume_usd) / _BPS
