"""Reads recorded candles, minutes and funding into price paths.

Owns what each kind of file must hold and the traps of its numbers; `recordfile.py` owns formats and times,
`playback.py` what is played. `date` is the OPEN time. A mid is the middle of the whole minute that starts at `date`, so
it stands at its half, and the minutes hide the extremes: only bars have them (data FACTS.md). A bar without volume is
stale: its price is the one before, and nothing trades in it.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from hedgebot.domain.durations import NS_PER_HOUR, NS_PER_S
from hedgebot.domain.errors import DataError
from hedgebot.exchange.chainfile import read_chain
from hedgebot.exchange.fundingtape import FundingTape
from hedgebot.exchange.pegtape import RecordedPeg
from hedgebot.exchange.playback import Bars, Beside, Minutes, RecordedPath, Times
from hedgebot.exchange.pricepath import PricePath
from hedgebot.exchange.recordfile import FileLike, Window, as_file, column_names, positive, read_rows, utc
from hedgebot.exchange.recordquotes import CANDLE_QUOTES, candle_quotes, has_quotes, read_quotes
from hedgebot.exchange.recordunits import (
    BESIDE_NAMES,
    check_chain,
    check_columns,
    check_prices,
    check_rates,
    paid_price,
)
from hedgebot.exchange.scenario import RecordedFile, RecordingSpec, Scenario, UnderlyingSpec

BAR_COLUMNS = ("open", "high", "low", "close")
MINUTE_COLUMNS = ("spot_mid", "perp_mid", "perp_mark", "index_price")
CHAIN_COLUMNS = ("option_type", "strike", "expiry_datetime")
_CURRENCY = "currency"
_BESIDE = {
    "volume": ("volume",),
    "turnover": ("turnover", "quote_volume", "quote_asset_volume", "quoteVolume"),
    **BESIDE_NAMES,
}
_RATE_NAMES = ("funding_rate", "funding rate", "fundingRate", "Funding Rate")
# Settlements are stamped some milliseconds late by their collectors.
_FUNDING_GRID_NS = 60 * NS_PER_S
# No venue has ever settled more than this at once (FACTS.md: caps); larger numbers are percent or annual rates.
_RATE_MAX = 0.05


def load_paths(scenario: Scenario) -> dict[str, PricePath]:
    """Load every recording of a scenario, by underlying. DataError names file, row and what would be right.

    All of them begin at one recorded moment: the latest of their first rows, or their `start`.
    """
    specs = {spec.name: spec for spec in scenario.underlyings}
    step_s = scenario.step_ms / 1_000
    sources = [(one, _sources(one)) for one in scenario.recordings]
    firsts = [rows.times_ns[0] for _, found in sources for rows in found if rows is not None]
    starts = [start for one in scenario.recordings if (start := moment_ns(one.start)) is not None]
    origin_ns = max(starts) if starts else int(max(firsts, default=0))
    return {one.underlying: _path(one, found, specs[one.underlying], step_s, origin_ns) for one, found in sources}


def load_pegs(scenario: Scenario, paths: Mapping[str, PricePath]) -> tuple[RecordedPeg, ...]:
    """Load the recorded pegs of a scenario, on the clock of its recorded paths (DataError where there are none)."""
    path = next((one for one in paths.values() if isinstance(one, RecordedPath)), None)
    found: list[RecordedPeg] = []
    for spec in scenario.pegs:
        if not spec.usd_bars:
            continue
        if path is None:
            raise DataError(f"peg of {spec.coin}: it is recorded, so it needs a recording whose clock it is played on")
        usd, coin = read_bars(spec.usd_bars), read_bars(spec.coin_bars)
        _, mine, theirs = np.intersect1d(usd.times_ns, coin.times_ns, return_indices=True)
        if coin.silent is not None:
            # In a bar without a trade the coin's price is the one before: it says nothing of the peg.
            known = ~coin.silent[theirs]
            mine, theirs = mine[known], theirs[known]
        if not len(mine):
            raise DataError(f"peg of {spec.coin}: usd_bars and coin_bars have no moment in common")
        found.append(
            RecordedPeg(
                coin=spec.coin,
                times_ns=usd.times_ns[mine].astype(np.float64),
                usd=usd.opens[mine] / coin.opens[theirs],
                origin_ns=path.origin_ns,
                speed=path.speed,
            )
        )
    return tuple(found)


_Sources = tuple[Bars | None, Bars | None, Minutes | None]


def _sources(spec: RecordingSpec) -> _Sources:
    window = (moment_ns(spec.start), moment_ns(spec.end))
    perp = read_bars(spec.perp_bars, window) if spec.perp_bars else None
    spot = read_bars(spec.spot_bars, window) if spec.spot_bars else None
    minutes = read_minutes(spec.minutes, window) if spec.minutes else None
    if perp is None and spot is None and minutes is None:
        raise DataError(f"recording of {spec.underlying}: name at least one of perp_bars, spot_bars, minutes")
    return perp, spot, minutes


def _path(
    spec: RecordingSpec, sources: _Sources, underlying: UnderlyingSpec, step_s: float, origin_ns: int
) -> RecordedPath:
    perp, spot, minutes = sources
    check_prices(spec, perp, spot, minutes, underlying)
    funding = read_funding(spec.funding, (origin_ns, moment_ns(spec.end))) if spec.funding else None
    path = RecordedPath(
        perp=perp,
        spot=spot,
        minutes=minutes,
        underlying=underlying,
        speed=spec.speed,
        step_s=step_s,
        beside=Beside(
            origin_ns=origin_ns,
            funding=funding,
            chain=read_chain(spec.chain, (origin_ns, moment_ns(spec.end)), spec.chain_width) if spec.chain else None,
        ),
    )
    check_chain(spec, path)
    return path


def recorded_scenario(
    base: Scenario, paths: Sequence[Path], *, start: datetime | None, end: datetime | None, speed: float
) -> Scenario:
    """The base scenario played over recorded files, told apart by columns and by names (BTCUSDT_perp_5m...).

    A chain of several coins serves each of them with its own rows.
    """
    found: dict[str, RecordingSpec] = {}
    for path in paths:
        slot, columns = _kind(path)
        named = _named(path, [one.name for one in base.underlyings])
        several = slot == "chain" and _CURRENCY in columns
        if len(named) > 1 and not several:
            raise DataError(f"recording {path}: its name has {' and '.join(named)}; it must be one underlying's")
        for underlying in named:
            spec = found.get(underlying, RecordingSpec(underlying=underlying, start=start, end=end, speed=speed))
            if known := getattr(spec, slot):
                raise DataError(f"recording {path}: {underlying} has {slot} already ({known}); give one of each")
            file = RecordedFile(file=str(path), rows={_CURRENCY: underlying}) if several else str(path)
            found[underlying] = msgspec.structs.replace(spec, **{slot: file})
    return msgspec.structs.replace(base, recordings=tuple(found.values()))


def _named(path: Path, underlyings: Sequence[str]) -> list[str]:
    """Underlyings that a file's name begins with, or has at the begin of one of its words (binance_BTCUSDT_8h)."""
    words = re.split(r"[^A-Z0-9]+", path.name.upper())
    first = [one for one in underlyings if words[0].startswith(one)]
    named = first or [one for one in underlyings if any(word.startswith(one) for word in words)]
    if not named:
        raise DataError(f"recording {path}: the file name must have its underlying in it, {' or '.join(underlyings)}")
    return named


def _kind(path: Path) -> tuple[str, set[str]]:
    columns = column_names(path)
    if columns.issuperset(MINUTE_COLUMNS):
        return "minutes", columns
    if columns.issuperset(BAR_COLUMNS):
        return "spot_bars" if "spot" in path.name.lower() else "perp_bars", columns
    if columns.issuperset(CHAIN_COLUMNS):
        return "chain", columns
    if has_quotes(columns):
        return "spot_bars" if "spot" in path.name.lower() else "perp_bars", columns
    if columns.intersection(_RATE_NAMES):
        return "funding", columns
    raise DataError(
        f"recording {path}: columns {sorted(columns)}; bars need date, {', '.join(BAR_COLUMNS)}, "
        f"quotes need date, bid, ask, minutes need date, {', '.join(MINUTE_COLUMNS)}, "
        f"funding needs date, {_RATE_NAMES[0]}, "
        f"chains need timestamp, {', '.join(CHAIN_COLUMNS)} and implied_volatility"
    )


def read_bars(file: FileLike, window: Window = (None, None)) -> Bars:
    """Read and check candles whose open time is in `window`; quotes become candles of their middle, with a spread."""
    columns = column_names(file)
    if has_quotes(columns) and not columns.issuperset(BAR_COLUMNS):
        return read_quotes(file, window)
    spreads = CANDLE_QUOTES if columns.issuperset(CANDLE_QUOTES) else ()
    rows = read_rows(file, {name: (name,) for name in (*BAR_COLUMNS, *spreads)}, _BESIDE)
    positive(rows, BAR_COLUMNS)
    opens, highs, lows, closes = (rows.columns[name] for name in BAR_COLUMNS)
    wrong = (lows > np.minimum(opens, closes)) | (highs < np.maximum(opens, closes))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"recording {rows.path}, row {row + 1}: open {opens[row]}, high {highs[row]}, low {lows[row]}, "
            f"close {closes[row]}; low must be the lowest and high the highest"
        )
    check_columns(rows, "close", closes)
    step_ns = _step(rows.times_ns)
    chosen = rows.within(window)
    volume = chosen.columns.get("volume")
    return Bars(
        times_ns=chosen.times_ns,
        step_ns=step_ns,
        opens=chosen.columns["open"],
        highs=chosen.columns["high"],
        lows=chosen.columns["low"],
        closes=chosen.columns["close"],
        # A file whose volumes are all zero has none: what it says of them is no news.
        silent=volume == 0.0 if volume is not None and volume.any() else None,
        paid=paid_price(volume, chosen.columns.get("turnover")),
        quotes=candle_quotes(rows, step_ns, chosen) if spreads else None,
    )


def read_minutes(file: FileLike, window: Window = (None, None)) -> Minutes:
    """Read and check minute rows whose time is in `window`."""
    rows = read_rows(file, {name: (name,) for name in MINUTE_COLUMNS})
    positive(rows, MINUTE_COLUMNS)
    chosen = rows.within(window)
    spot, perp, mark, index = (chosen.columns[name] for name in MINUTE_COLUMNS)
    return Minutes(times_ns=chosen.times_ns, step_ns=_step(rows.times_ns), spot=spot, perp=perp, mark=mark, index=index)


def read_funding(file: FileLike, window: Window = (None, None)) -> FundingTape:
    """Read and check settlements in `window`, on recorded time. Rows without a rate are no settlements.

    Settlements fall on whole hours of UTC, and those that are 8 hours apart on 0, 8 and 16: other labels are local time
    (FACTS.md: UTC+3) and are refused unless the scenario says by how much they are late, even if that is 0.
    """
    rows = read_rows(file, {"rate": _RATE_NAMES})
    rates = rows.columns["rate"]
    settled = np.isfinite(rates)
    wrong = settled & (np.abs(rates) > _RATE_MAX)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"recording {rows.path}, row {row + 1}: a funding rate of {rates[row]}; "
            f"it must be a fraction per interval, at most {_RATE_MAX}"
        )
    times = np.rint(rows.times_ns / _FUNDING_GRID_NS).astype(np.int64) * _FUNDING_GRID_NS
    explained = as_file(file)
    if explained.late_hours == 0.0 and explained.time_zone is None:
        _check_grid(rows.path, times[settled])
    check_rates(rows.path, _rate_name(file), times[settled], rates[settled])
    start, end = window
    settled &= (times > (start or 0)) & (times < (end if end is not None else times[-1] + 1))
    return FundingTape(times[settled], rates[settled])


def _rate_name(file: FileLike) -> str:
    """What the file calls its rates."""
    return next(one for one in _RATE_NAMES if one in column_names(file))


def _check_grid(path: str, times: Times) -> None:
    interval = _step(times) if len(times) > 1 else NS_PER_HOUR
    off = times % interval
    if (off != 0).mean() > 0.5:
        row = int(np.argmax(off != 0))
        raise DataError(
            f"recording {path}, row {row + 1}: {utc(times[row])} is no multiple of {interval / NS_PER_HOUR:g} hours of "
            f"UTC as settlements are; labels of local time need late_hours = {float(np.median(off)) / NS_PER_HOUR:g} "
            '(if they are UTC all the same, say time_zone = "UTC")'
        )


def _step(times: Times) -> int:
    return int(np.median(np.diff(times)))


def moment_ns(moment: datetime | None) -> int | None:
    """A moment in UTC nanoseconds; one without a zone is of UTC."""
    if moment is None:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * NS_PER_S
