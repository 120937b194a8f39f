"""Which volatility an underlying has: what its held options imply, or what its price showed.

Owns the choice between the two; the estimates are `drift.py`'s. Must not know bands, costs, hedges or orders, which all
ask it.
"""

from hedgebot.core.drift import implied_vol_root_day
from hedgebot.core.state import UnderlyingState


def vol_day_of(underlying: UnderlyingState) -> float | None:
    """Volatility per root day: what held options imply, weighted by vega; realised where none are held."""
    implied = _implied(underlying)
    return implied if implied is not None else underlying.drift.realised_vol_root_day()


def vol_source(underlying: UnderlyingState) -> str:
    """Which volatility `vol_day_of` gives: implied or realised; empty where it gives none."""
    if _implied(underlying) is not None:
        return "implied"
    return "realised" if underlying.drift.realised_vol_root_day() is not None else ""


def _implied(underlying: UnderlyingState) -> float | None:
    return implied_vol_root_day(underlying.option_vol) if underlying.option_count else None
