"""Reads recorded candles into price paths: the one module of the exchange's model that opens files.

Owns file formats, their checks and their traps; `playback.py` owns what is played. Two kinds of files (Parquet or CSV,
by suffix): bars (date, open, high, low, close) and minutes (date, spot_mid, perp_mid, perp_mark, index_price). `date`
is the OPEN time, UTC. A mid is the middle of the whole minute that starts at `date`, so it stands at its half, and the
minutes hide the extremes: only bars have them (data FACTS.md).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from hedgebot.domain.errors import DataError
from hedgebot.exchange.playback import Bars, Floats, Minutes, RecordedPath, Times
from hedgebot.exchange.pricepath import PricePath
from hedgebot.exchange.scenario import RecordingSpec, Scenario, UnderlyingSpec

BAR_COLUMNS = ("open", "high", "low", "close")
MINUTE_COLUMNS = ("spot_mid", "perp_mid", "perp_mark", "index_price")
_DATE_NAMES = ("date", "timestamp", "time")


def load_paths(scenario: Scenario) -> dict[str, PricePath]:
    """Load every recording of a scenario, by underlying. DataError names file, row and what would be right."""
    specs = {spec.name: spec for spec in scenario.underlyings}
    step_s = scenario.step_ms / 1_000
    return {one.underlying: _load(one, specs[one.underlying], step_s) for one in scenario.recordings}


def recorded_scenario(
    base: Scenario, paths: Sequence[Path], *, start: datetime | None, end: datetime | None, speed: float
) -> Scenario:
    """The base scenario played over recorded files, told apart by columns and by names (BTCUSDT_perp_5m...)."""
    found: dict[str, RecordingSpec] = {}
    for path in paths:
        underlying = next((one.name for one in base.underlyings if path.name.upper().startswith(one.name)), None)
        if underlying is None:
            names = " or ".join(one.name for one in base.underlyings)
            raise DataError(f"recording {path}: the file name must start with its underlying, {names}")
        empty = RecordingSpec(underlying=underlying, start=start, end=end, speed=speed)
        spec = found.get(underlying, empty)
        slot = _kind(path)
        if getattr(spec, slot):
            raise DataError(
                f"recording {path}: {underlying} has {slot} already ({getattr(spec, slot)}); give one of each"
            )
        found[underlying] = msgspec.structs.replace(spec, **{slot: str(path)})
    return msgspec.structs.replace(base, recordings=tuple(found.values()))


def _kind(path: Path) -> str:
    columns = set(_table(path).column_names)
    if columns.issuperset(MINUTE_COLUMNS):
        return "minutes"
    if columns.issuperset(BAR_COLUMNS):
        return "spot_bars" if "spot" in path.name.lower() else "perp_bars"
    raise DataError(
        f"recording {path}: columns {sorted(columns)}; bars need date, {', '.join(BAR_COLUMNS)}, "
        f"minutes need date, {', '.join(MINUTE_COLUMNS)}"
    )


def _load(spec: RecordingSpec, underlying: UnderlyingSpec, step_s: float) -> RecordedPath:
    window = (_ns(spec.start), _ns(spec.end))
    perp = read_bars(Path(spec.perp_bars), window) if spec.perp_bars else None
    spot = read_bars(Path(spec.spot_bars), window) if spec.spot_bars else None
    minutes = read_minutes(Path(spec.minutes), window) if spec.minutes else None
    if perp is None and spot is None and minutes is None:
        raise DataError(f"recording of {spec.underlying}: name at least one of perp_bars, spot_bars, minutes")
    return RecordedPath(perp=perp, spot=spot, minutes=minutes, underlying=underlying, speed=spec.speed, step_s=step_s)


def read_bars(path: Path, window: tuple[int | None, int | None] = (None, None)) -> Bars:
    """Read and check candles whose open time is in `window` (start and end, UTC ns, end excluded)."""
    times, columns = _columns(path, BAR_COLUMNS)
    opens, highs, lows, closes = (columns[name] for name in BAR_COLUMNS)
    wrong = (lows > np.minimum(opens, closes)) | (highs < np.maximum(opens, closes))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"recording {path}, row {row + 1}: open {opens[row]}, high {highs[row]}, low {lows[row]}, "
            f"close {closes[row]}; low must be the lowest and high the highest"
        )
    chosen = _window(path, times, window)
    return Bars(
        times_ns=times[chosen],
        step_ns=_step(times),
        opens=opens[chosen],
        highs=highs[chosen],
        lows=lows[chosen],
        closes=closes[chosen],
    )


def read_minutes(path: Path, window: tuple[int | None, int | None] = (None, None)) -> Minutes:
    """Read and check minute rows whose time is in `window`."""
    times, columns = _columns(path, MINUTE_COLUMNS)
    chosen = _window(path, times, window)
    spot, perp, mark, index = (columns[name][chosen] for name in MINUTE_COLUMNS)
    return Minutes(times_ns=times[chosen], step_ns=_step(times), spot=spot, perp=perp, mark=mark, index=index)


def _columns(path: Path, names: tuple[str, ...]) -> tuple[Times, dict[str, Floats]]:
    """Times and columns of a whole file, checked: times rise, prices are positive numbers."""
    table = _table(path)
    date = next((name for name in _DATE_NAMES if name in table.column_names), None)
    missing = [name for name in names if name not in table.column_names]
    if date is None or missing:
        raise DataError(
            f"recording {path}: columns {table.column_names}; it needs {date or 'date'} and {', '.join(names)}"
        )
    if table.num_rows < 2:
        raise DataError(f"recording {path}: {table.num_rows} rows; at least two candles are needed")
    times = _times(path, table.column(date))
    steps = np.diff(times)
    if (steps <= 0).any():
        row = int(np.argmax(steps <= 0)) + 1
        what = "repeats the time of the row before" if steps[row - 1] == 0 else "is older than the row before"
        raise DataError(f"recording {path}, row {row + 1}: {_utc(times[row])} {what}; times must rise, each once")
    columns = {name: _numbers(path, name, table.column(name)) for name in names}
    return times, columns


def _table(path: Path) -> Any:  # noqa: ANN401 - pyarrow has no types
    try:
        import pyarrow as pa
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError as error:
        raise DataError(f"recording {path}: reading it needs pyarrow; install hedgebot[recordings]") from error
    try:
        if path.suffix == ".parquet":
            return pyarrow.parquet.read_table(path)
        return pyarrow.csv.read_csv(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"recording {path}: cannot be read ({error}); give a Parquet or CSV file of candles") from error


def _times(path: Path, column: Any) -> Times:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa

    if column.null_count:
        raise DataError(f"recording {path}: {column.null_count} rows have no time; every candle needs one")
    if pa.types.is_timestamp(column.type):
        return _int64(column.cast(pa.timestamp("ns", tz="UTC")).cast(pa.int64()))
    if pa.types.is_integer(column.type):
        # Exports with numbers for times use milliseconds.
        return _int64(column.cast(pa.int64())) * 1_000_000
    raise DataError(f"recording {path}: times are {column.type}; they must be timestamps or milliseconds since 1970")


def _int64(column: Any) -> npt.NDArray[np.int64]:  # noqa: ANN401 - pyarrow has no types
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _numbers(path: Path, name: str, column: Any) -> Floats:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa

    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        raise DataError(f"recording {path}: column {name} is {column.type}; it must be numbers")
    values = np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    wrong = ~(np.isfinite(values) & (values > 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"recording {path}, row {row + 1}: {name} is {values[row]}; prices must be positive numbers")
    return values


def _window(path: Path, times: Times, window: tuple[int | None, int | None]) -> npt.NDArray[np.bool_]:
    start, end = window
    chosen = (times >= (times[0] if start is None else start)) & (times < (times[-1] + 1 if end is None else end))
    if int(chosen.sum()) < 2:
        raise DataError(
            f"recording {path}: fewer than two rows between the chosen start and end; "
            f"it has {_utc(times[0])} to {_utc(times[-1])}"
        )
    return chosen


def _step(times: Times) -> int:
    return int(np.median(np.diff(times)))


def _ns(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp()) * 1_000_000_000


def _utc(time_ns: int) -> str:
    return datetime.fromtimestamp(int(time_ns) / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
