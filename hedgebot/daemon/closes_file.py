"""A file of closes that an operator names: read, checked, and made into one close for each UTC day.

Owns the checks: rows out of order or twice, steps that do not fill a day, another time zone or unit, gaps. CSV
(plain or gzipped) needs nothing, Parquet needs pyarrow. A row's time is the begin of what it covers, as exchanges label
candles; a day's close is the close of the row that ends at midnight UTC. DataError says what is wrong, where, and what
would be right.
"""

import csv
import gzip
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from hedgebot.domain.errors import DataError
from hedgebot.margin.tail_risk import SCENARIOS_MIN, History

TIME_NAMES = ("date", "timestamp", "time", "open_time", "datetime")
CLOSE_NAMES = ("close", "price")
GAP_RATIO_MAX = 0.05
"""More days than this share missing, and a file is not a history: ask for another one."""

MOVE_MAX = 3.0
"""A close more than so many times the one before, or less than one so-manieth, is another unit or another coin."""

_DAY_S = 86_400
# Epoch numbers by size: seconds, milliseconds, microseconds, nanoseconds of 2001 to 2286.
_UNITS = ((1e9, 1e10, 1.0), (1e12, 1e13, 1e-3), (1e15, 1e16, 1e-6), (1e18, 1e19, 1e-9))


def read_closes(files: dict[str, Path]) -> History:
    """The history of several coins, each from its own file."""
    closes = {coin: tuple(daily_closes(path).items()) for coin, path in files.items()}
    names = ", ".join(path.name for path in files.values())
    return History(
        id="operator's closes", source=names, status="recorded by the operator", first_day="1970-01-01", dated=closes
    )


def daily_closes(path: Path) -> dict[int, float]:
    """Closes by day since 1970-01-01, oldest first."""
    rows = _rows(path)
    times = [_seconds(path, number, row[0]) for number, row in enumerate(rows, start=1)]
    prices = [_price(path, number, row[1]) for number, row in enumerate(rows, start=1)]
    if len(times) < SCENARIOS_MIN:
        raise DataError(f"closes {path}: {len(times)} rows, at least {SCENARIOS_MIN} days are needed")
    step_s = _step(path, times)
    found = {
        int(at_s + step_s) // _DAY_S - 1: price
        for at_s, price in zip(times, prices, strict=True)
        if (at_s + step_s) % _DAY_S == 0
    }
    _check_days(path, found)
    return found


def _step(path: Path, times: Sequence[float]) -> int:
    """Seconds that a row covers: the commonest distance of two; rows must rise and stand on its grid in UTC."""
    for number, (before, after) in enumerate(pairwise(times), start=2):
        if after == before:
            raise DataError(f"closes {path}, row {number}: {_utc(after)} is there twice; keep one row for each time")
        if after < before:
            raise DataError(f"closes {path}, row {number}: {_utc(after)} is older than the row before; sort the rows")
    steps = [round(after - before) for before, after in pairwise(times)]
    step_s = max(set(steps), key=steps.count)
    if _DAY_S % step_s:
        raise DataError(f"closes {path}: rows are {step_s} s apart, which does not fill a day; give days or hours")
    off = next((at_s for at_s in times if at_s % step_s), None)
    if off is not None:
        raise DataError(
            f"closes {path}: a row stands at {_utc(off)}, rows of {step_s} s must begin on the clock of UTC: "
            "the file is in another time zone, or labelled by its end in part"
        )
    return step_s


def _check_days(path: Path, closes: dict[int, float]) -> None:
    days = list(closes)
    if len(days) < SCENARIOS_MIN:
        raise DataError(f"closes {path}: {len(days)} whole UTC days, at least {SCENARIOS_MIN} are needed")
    span = days[-1] - days[0] + 1
    if span - len(days) > GAP_RATIO_MAX * span:
        wide = max(pairwise(days), key=lambda pair: pair[1] - pair[0])
        raise DataError(
            f"closes {path}: {span - len(days)} of {span} days are missing, most after {_utc(wide[0] * _DAY_S)}; "
            f"at most {GAP_RATIO_MAX:.0%} may be"
        )
    for before, after in pairwise(days):
        if after - before == 1 and not 1.0 / MOVE_MAX < closes[after] / closes[before] < MOVE_MAX:
            raise DataError(
                f"closes {path}: {closes[before]:g} becomes {closes[after]:g} on {_utc(after * _DAY_S)}: "
                "another unit or another coin from there on?"
            )


def _price(path: Path, number: int, value: object) -> float:
    try:
        price = float(str(value))
    except ValueError:
        price = 0.0
    if not 0.0 < price < float("inf"):
        raise DataError(f"closes {path}, row {number}: the close is {value!r}, it must be a price above zero")
    return price


def _seconds(path: Path, number: int, value: object) -> float:
    """Seconds since 1970 in UTC. Words without a zone are UTC; numbers are epochs by their size."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    words = str(value).strip()
    try:
        epoch = float(words)
    except ValueError:
        epoch = None
    if epoch is not None:
        for low, high, factor in _UNITS:
            if low <= epoch < high:
                return round(epoch * factor, 3)
        raise DataError(f"closes {path}, row {number}: time {words} is no epoch in s, ms, us or ns")
    try:
        moment = datetime.fromisoformat(words.removesuffix(" UTC"))
    except ValueError as error:
        raise DataError(f"closes {path}, row {number}: time {words!r} is not like 2026-01-31 or an epoch") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _rows(path: Path) -> list[tuple[Any, Any]]:
    names, columns = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    lower = [one.strip().lower() for one in names]
    picked = [next((lower.index(one) for one in words if one in lower), None) for words in (TIME_NAMES, CLOSE_NAMES)]
    if None in picked:
        raise DataError(f"closes {path}: columns {names}; it needs a time (one of {', '.join(TIME_NAMES)}) and a close")
    first, second = (columns[one] for one in picked if one is not None)
    return list(zip(first, second, strict=True))


def _csv(path: Path) -> tuple[list[str], list[list[Any]]]:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"closes {path}: cannot be read ({error}); give a CSV or Parquet file of closes") from error
    lines = [row for row in csv.reader(io.StringIO(text)) if row]
    if len(lines) < 2:
        raise DataError(f"closes {path}: no rows under a line of column names")
    short = next((number for number, row in enumerate(lines) if len(row) != len(lines[0])), None)
    if short is not None:
        raise DataError(f"closes {path}, row {short}: {len(lines[short])} columns, the first line has {len(lines[0])}")
    return lines[0], [list(column) for column in zip(*lines[1:], strict=True)]


def _parquet(path: Path) -> tuple[list[str], list[list[Any]]]:
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError as error:
        raise DataError(f"closes {path}: Parquet needs pyarrow; install hedgebot[recordings], or give CSV") from error
    try:
        table = pyarrow.parquet.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"closes {path}: cannot be read ({error}); give a CSV or Parquet file of closes") from error
    return list(table.column_names), [column.to_pylist() for column in table.columns]


def _utc(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
