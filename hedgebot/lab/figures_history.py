"""Figures of the paper of record on recorded prices: calls hedged through BTC's hours, proxy hedge, daily risk."""

from pathlib import Path

import numpy as np

from hedgebot.domain.durations import NS_PER_HOUR
from hedgebot.domain.errors import DataError
from hedgebot.exchange.recordfile import Rows, positive, read_rows
from hedgebot.lab.bandsim import Bands, Clock, joined, play
from hedgebot.lab.experiment import Experiment, Figures, Setting
from hedgebot.lab.figures_rivals import play_zakamouline
from hedgebot.lab.frontier import dearer_percent, frontier
from hedgebot.lab.worlds import RecordedCalls, hourly_windows
from hedgebot.pricing.black76 import Floats
from hedgebot.pricing.riskstats import ewma_hedge_ratio, filtered_exceptions, hedging_effectiveness

FOLDER = "m25_binance_hourly_daily_closes"
"""Closes of Binance spot; the klines are public on the exchange."""

WIDTHS = (0.006, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.085, 0.1, 0.13, 0.16, 0.2)
RISK_AVERSIONS = (0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0)
EVERY = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48)
DEVIATIONS = (0.10, 0.15, 0.20)
_SETTLED = 365


def closes(data: Path | None, name: str) -> Rows:
    """Rows of one of the folder's files; DataError where it is absent or holds no prices."""
    path = (data or Path()) / FOLDER / name
    if data is None or not path.exists():
        raise DataError(f"there are no recorded prices at {path}")
    rows = read_rows(path, {"close": ("close",)})
    positive(rows, ("close",))
    return rows


def each_hour(rows: Rows) -> Floats:
    """Closes of every hour from the first to the last row; one that is missing has the last one's."""
    hours = int((rows.times_ns[-1] - rows.times_ns[0]) // NS_PER_HOUR) + 1
    moments = rows.times_ns[0] + np.arange(hours, dtype=np.int64) * NS_PER_HOUR
    return np.asarray(rows.columns["close"][np.searchsorted(rows.times_ns, moments, side="right") - 1])


def _calls(setting: Setting) -> Figures:
    world = RecordedCalls(hourly_windows(each_hour(closes(setting.data, "BTC_h.csv.gz"))))
    scales = tuple(one ** (-1.0 / 3.0) for one in RISK_AVERSIONS)
    policies = (
        Bands("band-edge", WIDTHS, 1.0),
        Bands("band-zero", WIDTHS, 0.0),
        Bands("ww-edge", scales, 1.0, scaled=True),
        Bands("ww-rho75", scales, 0.75, scaled=True),
        Clock("time", EVERY),
    )
    premium = float(world.premium.mean())
    lines = {
        name: frontier(one.deviation / premium, one.mean_cost / premium)
        for name, one in play(world.blocks(), policies, world.cost_ratio).items()
    }
    theirs = joined([play_zakamouline(world, one) for one in RISK_AVERSIONS], axis=0)
    lines["zakamouline"] = frontier(theirs.deviation / premium, theirs.mean_cost / premium)
    found = {
        "btc-real-ww-rho75-vs-edge": dearer_percent(lines["ww-rho75"], lines["band-edge"], 0.15),
        "btc-real-ww-rho75-vs-zero": dearer_percent(lines["ww-rho75"], lines["band-zero"], 0.15),
    }
    for deviation in DEVIATIONS:
        at = f"{100 * deviation:g}"
        found[f"table-btc-band-edge-{at}"] = 100.0 * lines["band-edge"].cost_at(deviation)
        for name in _CHANGES:
            found[f"table-btc-{name}-{at}"] = dearer_percent(lines[name], lines["band-edge"], deviation)
    return found


def _returns(rows: Rows) -> Floats:
    close = rows.columns["close"]
    return np.asarray(np.diff(close) / close[:-1])


def _cross(setting: Setting) -> Figures:
    bitcoin, ether = closes(setting.data, "BTC_d.csv.gz"), closes(setting.data, "ETH_d.csv.gz")
    if not np.array_equal(bitcoin.times_ns, ether.times_ns):
        raise DataError(f"{bitcoin.path} and {ether.path} do not have the same days")
    proxy, position = _returns(bitcoin), _returns(ether)
    ratio = ewma_hedge_ratio(position, proxy)
    return {
        "cross-hedge-ewma": hedging_effectiveness(position[_SETTLED:], proxy[_SETTLED:], ratio[_SETTLED:]),
        "cross-hedge-naive": hedging_effectiveness(position[_SETTLED:], proxy[_SETTLED:], 1.0),
    }


def _tail(setting: Setting) -> Figures:
    return {"fhs-btc-99": float(filtered_exceptions(_returns(closes(setting.data, "BTC_d.csv.gz"))).sum())}


_CHANGES = ("band-zero", "ww-edge", "ww-rho75", "zakamouline", "time")
_TABLE = tuple(f"table-btc-{name}-{100 * deviation:g}" for name in ("band-edge", *_CHANGES) for deviation in DEVIATIONS)

EXPERIMENTS = (
    Experiment(ids=("cross-hedge-ewma", "cross-hedge-naive"), find=_cross, folder=FOLDER, seconds=0.1),
    Experiment(ids=("fhs-btc-99",), find=_tail, folder=FOLDER, seconds=0.1),
    Experiment(
        ids=("btc-real-ww-rho75-vs-edge", "btc-real-ww-rho75-vs-zero", *_TABLE),
        find=_calls,
        folder=FOLDER,
        seconds=2.0,
    ),
)
