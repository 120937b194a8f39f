"""A market that was recorded: minute candles that swing, from a given moment on, and a wish to play them."""

from datetime import UTC, datetime

import msgspec
import numpy as np

from hedgebot.domain.settings import EngineSettings, StrategySettings
from hedgebot.exchange.playback import Bars, RecordedPath
from hedgebot.lab.backtest import Wish
from hedgebot.lab.worldspec import SCENARIO, SETTINGS, UNDERLYING

MINUTE_NS = 60_000_000_000
STEP_S = 20.0
BEGAN = datetime(2025, 5, 10, tzinfo=UTC)
WORLD = msgspec.structs.replace(SCENARIO, step_ms=round(STEP_S * 1_000))


def recorded_path(minutes: int, *, gap: slice = slice(0)) -> RecordedPath:
    """Candles of a price that swings by a hundredth around 90,000 every fifty minutes; those of a gap are missing."""
    times = round(BEGAN.timestamp()) * 1_000_000_000 + np.arange(minutes, dtype=np.int64) * MINUTE_NS
    prices = 90_000.0 * (1.0 + 0.01 * np.sin(np.arange(minutes + 1) / 8.0))
    opens, closes = prices[:-1], prices[1:]
    bars = Bars(
        times_ns=np.delete(times, gap),
        step_ns=MINUTE_NS,
        opens=np.delete(opens, gap),
        highs=np.delete(np.maximum(opens, closes) * 1.0002, gap),
        lows=np.delete(np.minimum(opens, closes) * 0.9998, gap),
        closes=np.delete(closes, gap),
    )
    return RecordedPath(perp=bars, spot=None, minutes=None, underlying=WORLD.underlyings[0], speed=1.0, step_s=STEP_S)


def recorded_wish(minutes: int, *strategies: StrategySettings) -> Wish:
    """A run over so many recorded minutes, with strategies beside a fixed band."""
    return Wish(
        scenario=WORLD,
        settings=with_strategies(*strategies),
        days=minutes / 1_440.0,
        paths={UNDERLYING: recorded_path(minutes + 20)},
    )


def with_strategies(*strategies: StrategySettings) -> EngineSettings:
    """The world's settings with strategies that refine its fixed band."""
    return msgspec.structs.replace(SETTINGS, strategies=(*SETTINGS.strategies, *strategies))


def refining(name: str, **params: float | str | bool) -> StrategySettings:
    """A plug-in on the world's underlying."""
    return StrategySettings(name=name, enabled=True, underlyings=(UNDERLYING,), params=params)
