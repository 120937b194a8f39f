"""The file of hard limits: its keys, their defaults and the ranges they may have. Holds nothing against the book."""

from pydantic import Field, model_validator

from hedgebot.config.model import Count, Number, Section
from hedgebot.domain.settings import AdlPolicy

REPEATS = (2, 10_000)


class LimitsFile(Section):
    """Hard limits: the same keys and defaults as domain.settings.LimitSettings, with the ranges they may have.

    Besides `open_orders_max`, which bounds the configuration itself.
    """

    @model_validator(mode="before")
    @classmethod
    def _to_and_fro(cls, values: object) -> object:
        """Where it is left out, one side alone never comes to `strategy_orders_max`: its throttle stands before it."""
        repeats = values.get("repeat_orders_max") if isinstance(values, dict) else None
        if isinstance(values, dict) and isinstance(repeats, int) and REPEATS[0] <= repeats <= REPEATS[1]:
            return {"strategy_orders_max": repeats * 5 // 3} | values
        return values

    book_age_ms_max: Count = Field(5_000, ge=50, le=600_000, description="a number of milliseconds")
    mark_age_ms_max: Count = Field(10_000, ge=50, le=600_000, description="a number of milliseconds")
    option_age_ms_max: Count = Field(30_000, ge=50, le=3_600_000, description="a number of milliseconds")
    option_age_ms_stop: Count = Field(600_000, ge=100, le=86_400_000, description="a number of milliseconds")
    stale_band_ratio: Number = Field(1.5, ge=1, le=10, description="a ratio (1.5 is half as wide again)")
    margin_age_ms_max: Count = Field(60_000, ge=500, le=3_600_000, description="a number of milliseconds")
    funding_age_ms_max: Count = Field(120_000, ge=500, le=3_600_000, description="a number of milliseconds")
    private_silence_ms_max: Count = Field(15_000, ge=500, le=600_000, description="a number of milliseconds")
    private_silence_ms_halt: Count = Field(120_000, ge=1_000, le=3_600_000, description="a number of milliseconds")
    book_mark_gap_bps_max: Number = Field(200.0, gt=0, le=5_000, description="a number of basis points")
    frozen_ms_max: Count = Field(10_000, ge=500, le=600_000, description="a number of milliseconds")
    frozen_move_bps_max: Number = Field(25.0, gt=0, le=5_000, description="a number of basis points")
    price_jump_ratio_max: Number = Field(0.5, gt=0, le=10, description="a ratio (0.5 is 50 %)")
    option_delta_gap_max: Number = Field(0.05, gt=0, le=1, description="a difference of deltas (0.05 is 5 %)")
    order_top_ratio_max: Number = Field(100.0, gt=0, description="a ratio (100 is a hundred times what is shown)")
    adl_pause_ms: Count = Field(30_000, ge=0, le=3_600_000, description="a number of milliseconds")
    chase_bps_max: Number = Field(1_000.0, gt=0, le=10_000, description="a number of basis points")
    chase_window_ms: Count = Field(60_000, ge=1_000, le=3_600_000, description="a number of milliseconds")
    account_notional_usd_max: Number = Field(10_000_000.0, gt=0, description="a number of USD")
    book_delta_usd_max: Number = Field(1e12, gt=0, description="a number of USD (1e12 is no cap)")
    orders_per_second_max: Number = Field(5.0, gt=0, le=100, description="a number of orders per second")
    order_burst_max: Count = Field(5, ge=1, le=1_000, description="a number of orders")
    # What the slowest of a venue's categories lets a kill cancel one by one within two seconds (venues.pace).
    open_orders_max: Count = Field(40, ge=1, le=40, description="a number of orders (40: what Bybit cancels in 2 s)")
    canary_hours: Number = Field(0.0, ge=0, le=168, description="a number of hours (0 is none)")
    canary_ratio: Number = Field(0.25, gt=0, le=1, description="a ratio (0.25 is a quarter of an order's size)")
    strategy_orders_max: Count = Field(100, ge=1, le=20_000, description="a number of orders")
    repeat_orders_max: Count = Field(60, ge=REPEATS[0], le=REPEATS[1], description="a number of orders")
    repeat_window_ms: Count = Field(60_000, ge=1_000, le=3_600_000, description="a number of milliseconds")
    hedge_volume_ratio_max: Number = Field(1.5, ge=1, le=100, description="a ratio (1.5 is 150 %)")
    order_rejects_max: Count = Field(12, ge=3, le=1_000, description="a number of orders")
    order_deadline_ms: Count = Field(5_000, ge=500, le=120_000, description="a number of milliseconds")
    unknown_margin_ms: Count = Field(3_000, ge=500, le=120_000, description="a number of milliseconds")
    pause_ms_max: Count = Field(5_000, ge=500, le=60_000, description="a number of milliseconds")
    reconcile_interval_ms: Count = Field(15_000, ge=1_000, le=600_000, description="a number of milliseconds")
    reconcile_timeout_ms: Count = Field(20_000, ge=1_000, le=600_000, description="a number of milliseconds")
    margin_use_alert: Number = Field(0.50, gt=0, lt=1, description="a ratio (0.5 is 50 %)")
    margin_use_no_risk: Number = Field(0.70, gt=0, lt=1, description="a ratio (0.7 is 70 %)")
    margin_use_reduce: Number = Field(0.80, gt=0, lt=1, description="a ratio (0.8 is 80 %)")
    margin_use_clear: Number = Field(0.60, gt=0, lt=1, description="a ratio (0.6 is 60 %)")
    margin_use_high_vol: Number = Field(0.50, gt=0, lt=1, description="a ratio (0.5 is 50 %)")
    high_vol_year: Number = Field(1.0, gt=0, le=100, description="a volatility (1.0 is 100 % a year)")
    liquidation_distance_min: Number = Field(0.08, ge=0, lt=1, description="a ratio (0.08 is a move of 8 %)")
    margin_tolerance_ratio: Number = Field(0.01, gt=0, lt=1, description="a ratio (0.01 is 1 %)")
    margin_polls_max: Count = Field(3, ge=1, le=1_000, description="a number of reports")
    margin_diverged_ratio: Number = Field(1.1, ge=1, le=10, description="a ratio (1.1 is 10 % more)")
    collateral_shock_ratio: Number = Field(0.3333, ge=0, lt=1, description="a ratio (0.3333 is a third)")
    collateral_shock_in_floor: bool = Field(False, description="true or false")
    margin_hike_ratio: Number = Field(1.5, ge=1, le=10, description="a factor (1.5 is half as much again)")
    venue_equity_share_max: Number = Field(1.0, gt=0, le=1, description="a share of all equity (1.0 is no cap)")
    venue_equity_usd_max: Number = Field(1e12, gt=0, description="a number of USD")
    margin_parameters_age_days_max: Count = Field(90, ge=1, le=3_650, description="a number of days")
    funding_cost_usd_per_day_max: Number = Field(5_000.0, gt=0, description="a number of USD per day")
    funding_ratio_day_alert: Number = Field(0.003, gt=0, le=1_000, description="a ratio a day (0.003 is 0.3 %)")
    funding_share_day_max: Number = Field(0.01, gt=0, le=1_000, description="a ratio a day (0.01 is 1 %)")
    daily_loss_usd_alert: Number = Field(25_000.0, gt=0, description="a number of USD")
    daily_loss_usd_max: Number = Field(50_000.0, gt=0, description="a number of USD")
    drawdown_ratio_alert: Number = Field(0.1, gt=0, le=10, description="a ratio (0.1 is 10 %)")
    drawdown_ratio_max: Number = Field(0.2, gt=0, le=10, description="a ratio (0.2 is 20 %)")
    drawdown_window_days: Count = Field(30, ge=1, le=365, description="a number of days")
    bleed_usd_alert: Number = Field(5_000.0, gt=0, description="a number of USD")
    bleed_usd_max: Number = Field(25_000.0, gt=0, description="a number of USD")
    es_ratio_alert: Number = Field(0.04, gt=0, le=10, description="a ratio (0.04 is 4 %)")
    es_ratio_max: Number = Field(0.05, gt=0, le=10, description="a ratio (0.05 is 5 %)")
    risk_age_ms_max: Count = Field(300_000, ge=60_000, le=86_400_000, description="a number of milliseconds")
    unexplained_position_ms_max: Count = Field(30_000, ge=1_000, le=600_000, description="a number of milliseconds")
    blind_ms_halt: Count = Field(300_000, ge=10_000, le=86_400_000, description="a number of milliseconds")
    adl_policy: AdlPolicy = Field(AdlPolicy.FREEZE, description="freeze, rehedge_elsewhere or halt")
    settling_ms_halt: Count = Field(3_600_000, ge=1_000, le=86_400_000, description="a number of milliseconds")
