import gzip
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from hedgebot.domain.errors import DataError
from hedgebot.exchange.recordfile import as_file, read_rows, utc
from hedgebot.exchange.scenario import RecordedFile

pytest.importorskip("pyarrow")

NAMES = {"price": ("price", "close")}


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_rows_are_chosen_by_words_and_the_first_known_name_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "many.csv.gz"
    path.write_bytes(
        gzip.compress(
            b"time,exchange,close\n2024-01-01 00:00:00,a,1\n2024-01-01 00:00:00,b,5\n"
            b"2024-01-01 01:00:00,a,2\n2024-01-01 01:00:00,b,6\n"
        )
    )
    rows = read_rows(RecordedFile(file=str(path), rows={"exchange": "b"}), NAMES)
    assert rows.columns["price"].tolist() == [5, 6]
    assert utc(rows.times_ns[1]) == "2024-01-01 01:00:00 UTC"
    with pytest.raises(DataError, match=r"no row has exchange = 'c'; it has a, b"):
        read_rows(RecordedFile(file=str(path), rows={"exchange": "c"}), NAMES)
    with pytest.raises(DataError, match="no column 'venue' to choose rows by"):
        read_rows(RecordedFile(file=str(path), rows={"venue": "c"}), NAMES)
    with pytest.raises(DataError, match=r"repeats the time of the row before"):
        read_rows(str(path), NAMES)


# Every 8 hours of London, over the change to summer time (2024-03-31) and back (2024-10-27), labelled by its clocks.
LONDON = [
    *(f"2024-03-{day} {hour:02d}:00:00" for day in (29, 30) for hour in (0, 8, 16)),
    *(f"2024-03-31 {hour:02d}:00:00" for hour in (0, 9, 17)),
    *(f"2024-04-01 {hour:02d}:00:00" for hour in (1, 9, 17)),
    *(f"2024-04-02 {hour:02d}:00:00" for hour in (1, 8, 16)),
]


def test_local_time_is_refused_and_with_its_zone_corrected(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "time,price\n" + "\n".join(f"{one},1" for one in LONDON) + "\n")
    with pytest.raises(DataError, match=r"row 8: 2024-03-31 09:00:00 UTC comes an hour too late .*time_zone = "):
        read_rows(str(path), NAMES)
    rows = read_rows(RecordedFile(file=str(path), time_zone="Europe/London", late_hours=4), NAMES)
    # 00:00 of winter is 00:00 UTC, the label is four hours late; 09:00 of summer is 08:00 UTC.
    assert utc(rows.times_ns[0]) == "2024-03-28 20:00:00 UTC"
    assert utc(rows.times_ns[7]) == "2024-03-31 04:00:00 UTC"
    assert len(read_rows(RecordedFile(file=str(path), time_zone="UTC"), NAMES).times_ns) == 15
    with pytest.raises(DataError, match="no IANA name like Europe/London"):
        read_rows(RecordedFile(file=str(path), time_zone="Europe/Lodon"), NAMES)


def test_a_zone_beside_labels_that_have_one_is_refused(tmp_path: Path) -> None:
    text = "open_time,price\n2024-01-01 00:00:00+00:00,1\n2024-01-01 01:00:00+00:00,2\n"
    path = write(tmp_path / "x.csv", text)
    assert utc(read_rows(str(path), NAMES).times_ns[0]) == "2024-01-01 00:00:00 UTC"
    with pytest.raises(DataError, match="say their zone themselves; leave time_zone = 'Asia/Tokyo' out"):
        read_rows(RecordedFile(file=str(path), time_zone="Asia/Tokyo"), NAMES)


def test_words_for_times_are_read_where_they_are_times(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    path = tmp_path / "x.parquet"
    times = pa.array(["2023-03-01 00:00:00+00:00", "2023-03-01 00:01:00+00:00"], pa.large_string())
    pyarrow.parquet.write_table(pa.table({"open_time": times, "price": [1.0, 2.0]}), path)
    assert utc(read_rows(str(path), NAMES).times_ns[1]) == "2023-03-01 00:01:00 UTC"
    pyarrow.parquet.write_table(pa.table({"open_time": ["soon", "later"], "price": [1.0, 2.0]}), path)
    with pytest.raises(DataError, match="times are words"):
        read_rows(str(path), NAMES)


def test_lean_minutes_are_quotes_middles_and_trades(tmp_path: Path) -> None:
    quotes, trades = tmp_path / "x_minute_btcusdt_20221213_quote.zip", tmp_path / "x_minute_btcusdt_20221213_trade.zip"
    with zipfile.ZipFile(quotes, "w") as archive:
        archive.writestr("q.csv", "0,10,14,8,12,1,12,16,10,14,1\n120000,10,14,8,12,1,12,16,10,14,1\n")
    with zipfile.ZipFile(trades, "w") as archive:
        archive.writestr("t.csv", "0,10,14,8,12,3.5\n60000,12,14,8,12,0\n")
    names = {name: (name,) for name in ("open", "high", "low", "close")}
    rows = read_rows(str(quotes), names)
    assert [rows.columns[name][0] for name in names] == [11, 15, 9, 13]
    assert utc(rows.times_ns[1]) == "2022-12-13 00:02:00 UTC"
    assert read_rows(str(trades), names, {"volume": ("volume",)}).columns["volume"].tolist() == [3.5, 0.0]
    other = tmp_path / "candles.zip"
    other.write_bytes(quotes.read_bytes())
    with pytest.raises(DataError, match="must be LEAN's minutes of a day"):
        read_rows(str(other), names)


def test_a_window_keeps_what_is_inside(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.csv", "date,price\n" + "\n".join(f"2024-01-0{day}T00:00:00Z,{day}" for day in range(1, 6))
    )
    rows = read_rows(str(path), NAMES)
    second, fourth = (int(datetime(2024, 1, day, tzinfo=UTC).timestamp()) * 10**9 for day in (2, 4))
    assert rows.within((second, fourth)).columns["price"].tolist() == [2, 3]
    assert rows.within((None, None)).times_ns is not None
    assert len(rows.within((fourth, None)).times_ns) == 2
    with pytest.raises(DataError, match="fewer than two rows"):
        rows.within((fourth + 1, None))
    assert np.diff(rows.times_ns).min() > 0
    assert as_file("x.csv") == RecordedFile(file="x.csv")
