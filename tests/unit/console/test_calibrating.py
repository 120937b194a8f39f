from hedgebot.console.calibrating import report
from hedgebot.domain.instrument import InstrumentKind
from hedgebot.exchange.calibration import Measured, Slope
from hedgebot.exchange.liquidity import BookLaw, load_liquidity

SLOPE = Slope(value=0.84, error=0.17)
MEASURED = Measured(
    symbol="BTCUSDT",
    kind="linear_perp",
    seconds=344.0,
    spread_bps=0.0185,
    spread_excess_bps=0.0023,
    spread_p99_bps=0.0162,
    one_tick_share=0.991,
    touch_usd=231_846.0,
    depth_usd=(3e5, 4e5, 6e5, 1.2e6, 2.4e6, 6.6e6, 9.4e6, 1.33e7),
    depth_exponent=1.63,
    trades_per_s=15.8,
    trade_median_usd=1_851.0,
    trade_mean_usd=27_565.0,
    trade_p99_usd=438_462.0,
    sign_persistence=0.2,
    sign_memory_trades=10.9,
    flow_follows_price=0.84,
    touch_half_life_s=0.2,
    touch_half_life_events=92,
    cancel_ahead_per_s_last=0.36,
    cancel_ahead_per_s_even=0.67,
    trade_ahead_per_s=0.24,
    impact_bps=((594.0, (0.07, 0.15, 0.06)), (3_154_698.0, (5.11, 2.74, 4.17))),
    impact_exponent=SLOPE,
    flow_slope_1s=SLOPE,
    flow_slope_10s=SLOPE,
    depth_vol_exponent=SLOPE,
    spread_vol_exponent=SLOPE,
    rate_vol_exponent=SLOPE,
    volatility=0.77,
    lag_ms=(2.5, 26.7, 43.1),
    publish_ms=(0.0, 2.0),
)


def law() -> BookLaw:
    return load_liquidity().book(InstrumentKind.LINEAR_PERP, "BTC")


def test_each_recording_is_a_column_with_its_errors() -> None:
    lines = report([MEASURED, MEASURED], [law(), law()])
    assert lines[0].split() == ["BTCUSDT", "linear_perp", "BTCUSDT", "linear_perp"]
    assert any(line.startswith("depth in 10 bps") and line.split()[-2:] == ["13300", "13300"] for line in lines)
    assert any(line.startswith("price on net flow") and line.endswith("0.84 +- 0.17") for line in lines)
    assert any(line.split() == ["3155", "+5.11", "+2.74", "+4.17"] for line in lines)
    assert any(line.split() == ["touch_usd", "232000", "232000"] for line in lines)
