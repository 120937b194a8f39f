"""Which volatility an underlying has: what its held options imply, or what its price showed.

Owns the choice between the two; the estimates are `drift.py`'s. Must not know bands, costs, hedges or orders, which all
ask it.
"""

from hedgebot.core.drift import implied_vol_root_day
from hedgebot.core.state import UnderlyingState


def vol_day_of(underlying: UnderlyingState) -> float | None:
    """Volatility per root day: what held options imply, weighted by vega; realised where none are held."""
    return with_source(underlying)[0]


def with_source(underlying: UnderlyingState) -> tuple[float | None, str]:
    """That volatility, and which it is: implied or realised; empty where there is none."""
    implied = _implied(underlying)
    if implied is not None:
        return implied, "implied"
    realised = underlying.drift.realised_vol_root_day()
    return realised, "" if realised is None else "realised"


def _implied(underlying: UnderlyingState) -> float | None:
    return implied_vol_root_day(underlying.option_vol) if underlying.option_count else None
