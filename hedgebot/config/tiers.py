"""Which settings are hard limits and which way each of them is loosened; what is soft, and what is no limit at all.

HARD (safety reference section 11): tightened at run time, loosened by a changed file, a restart and a confirmation
(daemon.loosened). SOFT: an operator may raise it for a while (`hedgebot limit raise`, core.raises). A key stands in
exactly one table here: a test holds it against the models of the files, and one that stands in none counts as hard.
"""

from collections.abc import Mapping
from types import MappingProxyType

LOOSER_LARGER = frozenset(
    {
        # age of data, silence, blindness
        "book_age_ms_max",
        "mark_age_ms_max",
        "option_age_ms_max",
        "option_age_ms_stop",
        "stale_band_ratio",
        "margin_age_ms_max",
        "funding_age_ms_max",
        "risk_age_ms_max",
        "private_silence_ms_max",
        "private_silence_ms_halt",
        "blind_ms_halt",
        "pause_ms_max",
        "reconcile_interval_ms",
        "reconcile_timeout_ms",
        "unexplained_position_ms_max",
        # sanity of the market
        "book_mark_gap_bps_max",
        "frozen_ms_max",
        "frozen_move_bps_max",
        "price_jump_ratio_max",
        "option_delta_gap_max",
        "spread_bps_max",
        "order_top_ratio_max",
        # orders: price, size, number
        "collar_bps",
        "chase_bps_max",
        "order_qty_coin_max",
        "order_notional_usd_max",
        "account_notional_usd_max",
        "delta_limit_coin",
        "book_delta_usd_max",
        "opposed_coin_max",
        "orders_per_second_max",
        "order_burst_max",
        "open_orders_max",
        "order_deadline_ms",
        "order_rejects_max",
        "repeat_orders_max",
        "hedge_volume_ratio_max",
        "canary_ratio",
        # margin and money
        "margin_use_no_risk",
        "margin_use_reduce",
        "margin_use_clear",
        "margin_use_high_vol",
        "high_vol_year",
        "funding_cost_usd_per_day_max",
        "funding_share_day_max",
        "daily_loss_usd_max",
        "drawdown_ratio_max",
        "bleed_usd_max",
        "es_ratio_max",
    }
)
"""Hard limits that are looser the larger they are."""

LOOSER_SMALLER = frozenset(
    {
        "canary_hours",
        "repeat_window_ms",  # the same number of hedges in less time is more of them
        "chase_window_ms",  # the chase begins anew sooner
        "unknown_margin_ms",  # absence is taken for proof sooner
        "adl_pause_ms",
        "settling_ms_halt",
        "liquidation_distance_min",
        "margin_diverged_ratio",
        "collateral_shock_ratio",
        "drawdown_window_days",  # the highest equity is forgotten sooner
    }
)
"""Hard limits that are looser the smaller they are."""

LOOSEST: Mapping[str, tuple[object, ...]] = MappingProxyType(
    {
        "adl_policy": ("rehedge_elsewhere", "freeze"),
        "collateral_shock_in_floor": (False,),
        "funding_action": ("alert",),
    }
)
"""Hard choices, each with the values that are looser than any other, the loosest first."""

HARD = LOOSER_LARGER | LOOSER_SMALLER | frozenset(LOOSEST)
"""All of them."""

SOFT = frozenset(
    {
        "es_ratio_alert",
        "daily_loss_usd_alert",
        "drawdown_ratio_alert",
        "bleed_usd_alert",
        "funding_ratio_day_alert",
        "venue_equity_share_max",
        "venue_equity_usd_max",
        "strategy_orders_max",
    }
)
"""Soft limits: the same as core.raises has."""

NO_LIMIT = frozenset(
    {
        # what is told, and when; nothing is stopped by it
        "margin_use_alert",
        "margin_tolerance_ratio",
        "margin_polls_max",
        "margin_hike_ratio",
        "margin_parameters_age_days_max",
        # how an underlying is hedged: the limits above bound what comes of it
        "band_coin",
        "target_ratio",
        "hedge_account",
        "hedge_instrument",
        "hedge_instrument_buy",
        "hedge_instrument_sell",
        "hedge_alternatives",
        "hedge_hold_days",
        "funding_saving_day_min",
        "cost_bps",
        "cost_source",
        "check_interval_s",
        "cost_prior_orders",
        "cost_factor_max",
        "hedge_fees_bps",
        "hedge_day_volumes_usd",
        "hedge_basis_vols_day",
        "impact_ratio",
        "settlement_window_s",
        "skew_stickiness",
        "delta_convention",
        # what a wallet's coins count for: told by a name and journaled, as those of holdings are
        "tokens",
        "token_jump_coin_max",
    }
)
"""Settings of the same sections that bound nothing by themselves."""


def loosens(key: str, old: object, new: object) -> bool:
    """Whether a hard limit of this name (without its section) becomes looser; what is sorted nowhere, by any change."""
    if old == new or key in SOFT or key in NO_LIMIT:
        return False
    if key in LOOSEST:
        order = [*LOOSEST[key], *(one for one in (old, new) if one not in LOOSEST[key])]
        return order.index(new) < min(order.index(old), len(LOOSEST[key]))
    if key in LOOSER_LARGER | LOOSER_SMALLER and isinstance(old, int | float) and isinstance(new, int | float):
        return new > old if key in LOOSER_LARGER else new < old
    return True
