"""Files of closes as operators have them, with the traps that public data showed (time zones, units, gaps, labels)."""

import gzip
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from hedgebot.daemon.closes_file import daily_closes, read_closes
from hedgebot.domain.errors import DataError

Rows = list[tuple[datetime, float]]
FIRST = date(2025, 1, 1)
DAY0 = (FIRST - date(1970, 1, 1)).days


def daily(days: int = 300, hours_off: int = 0) -> list[tuple[datetime, float]]:
    start = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=hours_off)
    return [(start + timedelta(days=number), 100.0 + number % 7) for number in range(days)]


def hourly(days: int = 260) -> list[tuple[datetime, float]]:
    start = datetime(2025, 1, 1, tzinfo=UTC)
    return [(start + timedelta(hours=number), 100.0 + number % 24) for number in range(days * 24)]


def written(folder: Path, rows: list[tuple[object, float]], name: str = "x.csv", head: str = "date,close") -> Path:
    file = folder / name
    content = "\n".join([head, *(f"{moment},{close}" for moment, close in rows)]).encode()
    file.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return file


def words(rows: list[tuple[datetime, float]], form: str) -> list[tuple[object, float]]:
    made: list[tuple[object, float]] = []
    for moment, close in rows:
        epoch = int(moment.timestamp())
        known: dict[str, object] = {
            "iso": moment.isoformat(),
            "day": moment.date(),
            "plain": f"{moment:%Y-%m-%d %H:%M:%S}",
        }
        known |= {"s": epoch, "ms": epoch * 1_000, "us": epoch * 1_000_000, "ns": epoch * 1_000_000_000}
        known["east"] = moment.astimezone(timezone(timedelta(hours=3))).isoformat()
        made.append((known[form], close))
    return made


@pytest.mark.parametrize("form", ["iso", "day", "plain", "s", "ms", "us", "ns", "east"])
def test_times_are_understood_in_every_common_form(tmp_path: Path, form: str) -> None:
    found = daily_closes(written(tmp_path, words(daily(), form)))
    assert next(iter(found)) == DAY0
    assert list(found.values())[:3] == [100.0, 101.0, 102.0]
    assert len(found) == 300


def test_hours_give_the_close_of_the_hour_that_ends_the_day(tmp_path: Path) -> None:
    found = daily_closes(written(tmp_path, words(hourly(), "iso")))
    assert len(found) == 260
    assert set(found.values()) == {123.0}  # the row labelled 23:00, which ends at midnight
    assert next(iter(found)) == DAY0


def test_a_gzipped_file_and_other_names_of_columns(tmp_path: Path) -> None:
    assert len(daily_closes(written(tmp_path, words(daily(), "ms"), "x.csv.gz", "open_time,Close"))) == 300


def test_several_coins_make_one_history(tmp_path: Path) -> None:
    one, other = written(tmp_path, words(daily(), "day")), written(tmp_path, words(daily(280), "day"), "y.csv")
    history = read_closes({"BTC": one, "SOL": other})
    assert history.coins == ("BTC", "SOL")
    assert len(history.by_day("SOL")) == 280
    assert history.source == "x.csv, y.csv"


@pytest.mark.parametrize(
    ("spoil", "part"),
    [
        (lambda rows: rows[:100], "100 rows, at least 250 days"),
        (lambda rows: [*rows[:5], rows[4], *rows[5:]], "row 6: 2025-01-05 00:00 UTC is there twice"),
        (lambda rows: [*rows[:5], rows[3], *rows[5:]], "row 6: 2025-01-04 00:00 UTC is older than the row before"),
        (lambda rows: [*rows[:100], *rows[150:]], "50 of 300 days are missing, most after 2025-04-10"),
        (lambda rows: [*rows[:100], (rows[100][0], 0.0), *rows[101:]], "row 101: the close is '0.0'"),
        (
            lambda rows: [*rows[:200], *((at, 100.0 * close) for at, close in rows[200:])],
            "another unit or another coin",
        ),
    ],
)
def test_what_cannot_be_true_is_refused_with_its_row(tmp_path: Path, spoil: Callable[[Rows], Rows], part: str) -> None:
    with pytest.raises(DataError) as told:
        daily_closes(written(tmp_path, words(spoil(daily()), "iso")))
    assert part in str(told.value)


def test_days_of_another_time_zone_are_refused(tmp_path: Path) -> None:
    # The trap of a public set: labels in UTC+3 without saying so.
    with pytest.raises(DataError, match="the file is in another time zone"):
        daily_closes(written(tmp_path, words(daily(hours_off=3), "plain")))


def test_steps_that_do_not_fill_a_day_are_refused(tmp_path: Path) -> None:
    start = datetime(2025, 1, 1, tzinfo=UTC)
    rows = [(start + timedelta(hours=7 * number), 100.0) for number in range(400)]
    with pytest.raises(DataError, match="25200 s apart"):
        daily_closes(written(tmp_path, words(rows, "iso")))


def test_a_day_that_is_missing_is_a_gap_and_no_return_goes_over_it(tmp_path: Path) -> None:
    rows = daily()
    found = daily_closes(written(tmp_path, words([*rows[:50], *rows[51:]], "iso")))
    assert DAY0 + 50 not in found
    assert len(found) == 299


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("a,b\n1,2\n", "it needs a time (one of"),
        ("date,close\n", "no rows under a line"),
        ("date,close\n2025-01-01\n", "row 1: 1 columns"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, content: str, part: str) -> None:
    (tmp_path / "x.csv").write_text(content)
    with pytest.raises(DataError) as told:
        daily_closes(tmp_path / "x.csv")
    assert part in str(told.value)


@pytest.mark.parametrize("moment", ["yesterday", "12345"])
def test_a_time_that_is_none_is_refused(tmp_path: Path, moment: str) -> None:
    rows = words(daily(), "iso")
    with pytest.raises(DataError, match=f"{moment}"):
        daily_closes(written(tmp_path, [*rows[:3], (moment, 1.0), *rows[4:]]))


def test_parquet_is_read_as_well(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    rows = daily()
    table = pa.table({"timestamp": [at for at, _ in rows], "close": [close for _, close in rows]})
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet")
    assert len(daily_closes(tmp_path / "x.parquet")) == 300
    (tmp_path / "bad.parquet").write_bytes(b"no")
    with pytest.raises(DataError, match="cannot be read"):
        daily_closes(tmp_path / "bad.parquet")


@pytest.mark.needs_data
def test_recorded_closes_are_good(shared_data: Path) -> None:
    folder = shared_data / "m25_binance_hourly_daily_closes"
    btc = daily_closes(folder / "BTC_d.csv.gz")
    assert len(btc) > 2_000
