"""Shows what recorded frames say about liquidity, one column for each recording. Estimates nothing."""

from collections.abc import Callable, Sequence

from hedgebot.console.output import table
from hedgebot.exchange.calibration import Measured, Slope
from hedgebot.exchange.calibration_frames import PROFILE_BPS
from hedgebot.exchange.liquidity import BookLaw

_ROWS: tuple[tuple[str, Callable[[Measured], str]], ...] = (
    ("recorded, s", lambda one: f"{one.seconds:.0f}"),
    ("volatility, % a year", lambda one: f"{one.volatility * 100:.0f}"),
    ("spread, bps: mean / 99 %", lambda one: f"{one.spread_bps:.4f} / {one.spread_p99_bps:.4f}"),
    ("spread is one tick, % of time", lambda one: f"{one.one_tick_share * 100:.1f}"),
    ("touch, thousand USD", lambda one: _thousand(one.touch_usd)),
    *(
        (f"depth in {bps:g} bps, thousand USD", lambda one, place=place: _thousand(one.depth_usd[place]))
        for place, bps in enumerate(PROFILE_BPS)
        if bps >= 1.0
    ),
    ("depth grows with distance to the power", lambda one: f"{one.depth_exponent:.2f}"),
    ("takers a second", lambda one: f"{one.trades_per_s:.2f}"),
    (
        "taker, thousand USD: median / mean / 99 %",
        lambda one: (
            f"{one.trade_median_usd / 1e3:.2f} / {one.trade_mean_usd / 1e3:.2f} / {one.trade_p99_usd / 1e3:.0f}"
        ),
    ),
    ("sign correlation, and takers to 1/e", lambda one: f"{one.sign_persistence:.2f}, {one.sign_memory_trades:.1f}"),
    ("flow and moving price agree (-1 to 1)", lambda one: f"{one.flow_follows_price:.2f}"),
    (
        "eaten touch half back, s (events)",
        lambda one: f"{one.touch_half_life_s:.3f} ({one.touch_half_life_events})",
    ),
    (
        "queue lost to cancels, 1/s: newest first / all alike",
        lambda one: f"{one.cancel_ahead_per_s_last:.2f} / {one.cancel_ahead_per_s_even:.2f}",
    ),
    ("queue lost to trades, 1/s", lambda one: f"{one.trade_ahead_per_s:.2f}"),
    ("impact in 1 s: USD to the power", lambda one: _slope(one.impact_exponent)),
    ("price on net flow, bps a million: 1 s", lambda one: _slope(one.flow_slope_1s)),
    ("price on net flow, bps a million: 10 s", lambda one: _slope(one.flow_slope_10s)),
    ("depth with volatility: power", lambda one: _slope(one.depth_vol_exponent)),
    ("spread beyond a tick with volatility: power", lambda one: _slope(one.spread_vol_exponent)),
    ("takers with volatility: power", lambda one: _slope(one.rate_vol_exponent)),
    ("push, ms over its minimum: 50 / 99 / 99.9 %", lambda one: " / ".join(f"{ms:.1f}" for ms in one.lag_ms)),
    ("trade to push at the venue, ms: 50 / 99 %", lambda one: f"{one.publish_ms[0]:.0f} / {one.publish_ms[1]:.0f}"),
)


def report(measured: Sequence[Measured], laws: Sequence[BookLaw]) -> list[str]:
    """The measurements, each recording's impact by size, and the parameters that follow."""
    names = tuple(f"{one.symbol} {one.kind}" for one in measured)
    rows = [("", *names), *((name, *(show(one) for one in measured)) for name, show in _ROWS)]
    lines = [*table(rows), "", "+- is one standard error. Impact: mean move towards the taker's side, bps"]
    for name, one in zip(names, measured, strict=True):
        moves = [(_thousand(usd), *(f"{move:+.2f}" for move in after)) for usd, after in one.impact_bps]
        lines += ["", *table([(f"{name}, thousand USD", "0.1 s", "1 s", "20 s"), *moves])]
    parameters = [(key, *(f"{getattr(law, key):g}" for law in laws)) for key in BookLaw.__struct_fields__]
    return [*lines, "", "Parameters", *table([("", *names), *parameters])]


def _thousand(usd: float) -> str:
    return f"{usd / 1e3:.3g}" if usd < 1e6 else f"{usd / 1e3:.0f}"


def _slope(slope: Slope) -> str:
    return f"{slope.value:.2f} +- {slope.error:.2f}"
