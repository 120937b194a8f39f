"""Opens a file of recorded rows and gives its columns with true UTC times: the one module of the model that does IO.

Owns formats (Parquet, CSV, gzipped CSV, LEAN's zipped minutes) and the traps of time labels: local time, daylight
saving, labels that are late. What cannot be true is refused in a sentence; what the scenario explains is corrected.
Must not know what the rows mean.
"""

import io
import math
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hedgebot.domain.durations import NS_PER_HOUR
from hedgebot.domain.errors import DataError
from hedgebot.exchange.scenario import RecordedFile

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]
FileLike = RecordedFile | Path | str
Window = tuple[int | None, int | None]
"""Start and end, UTC ns, the end excluded; None is open."""

_MS_RANGE = (1_230_768_000_000, 4_102_444_800_000)
"""2009 to 2100 in milliseconds since 1970: before it there was no coin."""

_JUMP_MAX = 10.0
_DATE_NAMES = ("date", "timestamp", "time", "open_time", "Date", "fundingDateTime")
_LEAN = re.compile(r"_minute_.*_(\d{8})_(quote|trade)\.zip$")
_LEAN_TRADE = ("time", "open", "high", "low", "close", "volume")
_LEAN_SIDES = tuple(f"{side}_{what}" for side in ("bid", "ask") for what in ("open", "high", "low", "close", "size"))


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns of a file by the names asked for, with rising UTC times in ns."""

    path: str
    times_ns: Times
    columns: dict[str, Floats]

    def within(self, window: Window, least: int = 2) -> "Rows":
        """Rows whose time is in the window; DataError when there are fewer than `least`."""
        start, end = window
        first = 0 if start is None else int(np.searchsorted(self.times_ns, start))
        last = len(self.times_ns) if end is None else int(np.searchsorted(self.times_ns, end))
        if last - first < least:
            raise DataError(
                f"recording {self.path}: fewer than {_count(least)} between the chosen start and end; "
                f"it has {utc(self.times_ns[0])} to {utc(self.times_ns[-1])}"
            )
        chosen = slice(first, last)
        return Rows(self.path, self.times_ns[chosen], {name: one[chosen] for name, one in self.columns.items()})


@dataclass(frozen=True, slots=True)
class Captures:
    """Rows of whole captures: times (UTC ns) repeat within one and never fall; `words` and `moments` as asked for."""

    path: str
    times_ns: Times
    columns: dict[str, Floats]
    words: dict[str, list[str]]
    moments: dict[str, Times]


def _count(least: int) -> str:
    return "two rows" if least == 2 else "one row" if least == 1 else f"{least} rows"


def as_file(value: FileLike) -> RecordedFile:
    """A file by its path alone, or as the scenario explains it."""
    return value if isinstance(value, RecordedFile) else RecordedFile(file=str(value))


def column_names(value: FileLike) -> set[str]:
    """Names of a file's columns."""
    return set(_table(Path(as_file(value).file)).column_names)


def read_rows(
    value: FileLike,
    names: Mapping[str, tuple[str, ...]],
    optional: Mapping[str, tuple[str, ...]] | None = None,
) -> Rows:
    """Read columns, each under the first of its possible names that the file has. Numbers are not judged but for type.

    DataError names file, row and what would be right.
    """
    path, date, table, found = _open(value, names, optional or {})
    times = _true_times(as_file(value), _times(path, table.column(date), as_file(value).time_zone))
    columns = {name: _floats(path, word, table.column(word)) for name, word in found.items()}
    return Rows(str(path), times, columns)


def read_captures(
    value: FileLike,
    names: Mapping[str, tuple[str, ...]],
    optional: Mapping[str, tuple[str, ...]],
    *,
    words: tuple[str, ...],
    moments: tuple[str, ...],
) -> Captures:
    """Read columns of a file that holds many rows for each of its times; those named in `words` are text."""
    path, date, table, found = _open(value, {**names, **{one: (one,) for one in (*words, *moments)}}, optional)
    zone = as_file(value).time_zone
    times = _times(path, table.column(date), zone)
    if (np.diff(times) < 0).any():
        row = int(np.argmax(np.diff(times) < 0)) + 2
        raise DataError(f"recording {path}, row {row}: {utc(times[row - 1])} is older than the row before")
    return Captures(
        path=str(path),
        times_ns=times - int(as_file(value).late_hours * NS_PER_HOUR),
        columns={
            name: _floats(path, word, table.column(word)) for name, word in found.items() if name in {*names, *optional}
        },
        words={one: table.column(one).to_pylist() for one in words},
        moments={one: _times(path, table.column(one), zone) for one in moments},
    )


def _open(
    value: FileLike, names: Mapping[str, tuple[str, ...]], optional: Mapping[str, tuple[str, ...]]
) -> tuple[Path, str, Any, dict[str, str]]:
    """The table, the name of its time column, and the name that it has for each column asked for."""
    file = as_file(value)
    path = Path(file.file)
    table = _chosen_rows(file, _table(path))
    found = {name: _first(table, words) for name, words in {**names, **optional}.items()}
    # A column of whole days says less than a moment beside it.
    named = [word for word in _DATE_NAMES if word in table.column_names]
    date = next((word for word in named if not _is_day(table.column(word))), named[0] if named else None)
    missing = [words for name, words in names.items() if found[name] is None]
    if date is None or missing:
        missing = [_DATE_NAMES, *missing] if date is None else missing
        wanted = [f"{first} (or {', '.join(others)})" if others else first for first, *others in missing]
        raise DataError(f"recording {path}: columns {table.column_names}; it lacks {', '.join(wanted)}")
    if table.num_rows < 2:
        raise DataError(f"recording {path}: {table.num_rows} rows; at least two candles are needed")
    return path, date, table, {name: word for name, word in found.items() if word is not None}


def positive(rows: Rows, names: tuple[str, ...]) -> None:
    """DataError at the first number of these columns that is no price."""
    for name in names:
        values = rows.columns[name]
        wrong = ~(np.isfinite(values) & (values > 0))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise DataError(
                f"recording {rows.path}, row {row + 1}: {name} is {values[row]}; prices must be positive numbers"
            )
        jumps = np.abs(np.diff(np.log(values))) > math.log(_JUMP_MAX)
        if jumps.any():
            row = int(np.argmax(jumps)) + 1
            raise DataError(
                f"recording {rows.path}, row {row + 1}: {name} goes from {values[row - 1]:g} to {values[row]:g} in one "
                f"row; prices must keep one unit (no market moves {_JUMP_MAX:g} times at once)"
            )


def utc(time_ns: int | np.int64) -> str:
    """A moment in words."""
    return datetime.fromtimestamp(int(time_ns) / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


# --- files


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
        if path.suffix == ".zip":
            return _lean_table(path)
        return pyarrow.csv.read_csv(path)
    except (OSError, pa.ArrowInvalid, zipfile.BadZipFile) as error:
        raise DataError(f"recording {path}: cannot be read ({error}); give a Parquet or CSV file of candles") from error


def _lean_table(path: Path) -> Any:  # noqa: ANN401 - pyarrow has no types
    """LEAN's minutes of one day: times are milliseconds of the day, quotes are candles of bid and ask."""
    import pyarrow as pa
    import pyarrow.csv

    named = _LEAN.search(path.name)
    if named is None:
        raise DataError(
            f"recording {path}: a zip file must be LEAN's minutes of a day, "
            "named like x_minute_btcusdt_20221213_quote.zip"
        )
    names = _LEAN_TRADE if named.group(2) == "trade" else ("time", *_LEAN_SIDES)
    with zipfile.ZipFile(path) as archive:
        data = archive.read(archive.namelist()[0])
    table = pyarrow.csv.read_csv(io.BytesIO(data), read_options=pyarrow.csv.ReadOptions(column_names=names))
    midnight = datetime.strptime(named.group(1), "%Y%m%d").replace(tzinfo=UTC)
    # A row's time is its end in no LEAN file: it is the start of the minute.
    times_ms = table.column("time").to_numpy().astype(np.int64) + int(midnight.timestamp()) * 1_000
    if names is _LEAN_TRADE:
        columns = {name: table.column(name) for name in _LEAN_TRADE[1:]}
    else:
        columns = {
            what: pa.array((table.column(f"bid_{what}").to_numpy() + table.column(f"ask_{what}").to_numpy()) / 2.0)
            for what in ("open", "high", "low", "close")
        }
        columns |= {name: table.column(name) for name in _LEAN_SIDES if name.endswith(("_open", "_close"))}
    return pa.table({"date": pa.array(times_ms), **columns})


def _chosen_rows(file: RecordedFile, table: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa
    import pyarrow.compute as pc

    for name, word in file.rows.items():
        if name not in table.column_names:
            raise DataError(f"recording {file.file}: no column {name!r} to choose rows by; it has {table.column_names}")
        column = table.column(name).cast(pa.string())
        chosen = table.filter(pc.equal(column, word))
        if chosen.num_rows == 0:
            known = ", ".join(sorted(map(str, pc.unique(column).to_pylist()))[:10])
            raise DataError(f"recording {file.file}: no row has {name} = {word!r}; it has {known}")
        table = chosen
    return table


def _first(table: Any, words: tuple[str, ...]) -> str | None:  # noqa: ANN401 - pyarrow has no types
    return next((word for word in words if word in table.column_names), None)


def _is_day(column: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa

    return bool(pa.types.is_date(column.type))


def _floats(path: Path, name: str, column: Any) -> Floats:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa

    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type) or pa.types.is_null(column.type)):
        raise DataError(f"recording {path}: column {name} is {column.type}; it must be numbers")
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


# --- times


def _times(path: Path, column: Any, zone: str | None) -> Times:  # noqa: ANN401 - pyarrow has no types
    """Labels as UTC ns, in the zone that they have or that the scenario gives them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.null_count:
        raise DataError(f"recording {path}: {column.null_count} rows have no time; every candle needs one")
    if pa.types.is_integer(column.type):
        # Exports with numbers for times use milliseconds; a number has no zone.
        numbers = _int64(column.cast(pa.int64()))
        if (wrong := (numbers < _MS_RANGE[0]) | (numbers > _MS_RANGE[1])).any():
            row = int(np.argmax(wrong))
            raise DataError(
                f"recording {path}, row {row + 1}: its time is {numbers[row]}; numbers must be milliseconds since 1970 "
                "(13 digits; seconds have 10, microseconds 16)"
            )
        return numbers * 1_000_000
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = _parsed(path, column)
    if not pa.types.is_timestamp(column.type):
        raise DataError(
            f"recording {path}: times are {column.type}; they must be timestamps or milliseconds since 1970"
        )
    if column.type.tz is not None and zone not in {None, "UTC"}:
        raise DataError(f"recording {path}: its times say their zone themselves; leave time_zone = {zone!r} out")
    if column.type.tz is None and zone not in {None, "UTC"}:
        try:
            column = pc.assume_timezone(column, zone, ambiguous="earliest", nonexistent="earliest")
        except (pa.ArrowInvalid, ValueError) as error:
            raise DataError(f"recording {path}: time_zone = {zone!r} is no IANA name like Europe/London") from error
    return _int64(column.cast(pa.timestamp("ns", tz="UTC")).cast(pa.int64()))


def _parsed(path: Path, column: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa

    for kind in (pa.timestamp("us"), pa.timestamp("us", tz="UTC")):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    raise DataError(f"recording {path}: times are words; they must be timestamps or milliseconds since 1970")


def _true_times(file: RecordedFile, labels: Times) -> Times:
    """Times that rise and are not local labels in disguise."""
    steps = np.diff(labels)
    if (steps <= 0).any():
        row = int(np.argmax(steps <= 0)) + 1
        what = "repeats the time of the row before" if steps[row - 1] == 0 else "is older than the row before"
        raise DataError(f"recording {file.file}, row {row + 1}: {utc(labels[row])} {what}; times must rise, each once")
    usual = int(np.median(steps))
    early, late = steps == usual - NS_PER_HOUR, steps == usual + NS_PER_HOUR
    if usual > NS_PER_HOUR and early.any() and late.any() and file.time_zone is None:
        row = int(np.argmax(early | late)) + 1
        what = "soon" if early[row - 1] else "late"
        raise DataError(
            f"recording {file.file}, row {row + 1}: {utc(labels[row])} comes an hour too {what} after "
            "the row before, as local time does twice a year; say whose it is: "
            'time_zone = "Europe/London" (or "UTC" if it is right)'
        )
    return labels - int(file.late_hours * NS_PER_HOUR)


def _int64(column: Any) -> Times:  # noqa: ANN401 - pyarrow has no types
    return np.asarray(column.to_numpy(), dtype=np.int64)
