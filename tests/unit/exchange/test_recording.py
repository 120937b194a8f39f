from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from hedgebot.domain.errors import DataError
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.recording import load_paths, read_bars, read_minutes, recorded_scenario
from hedgebot.exchange.scenario import Scenario

pytest.importorskip("pyarrow")

START_NS = 1_795_485_600_000_000_000
HEAD = "date,open,high,low,close\n"
GOOD = [
    "2025-10-10T21:00:00Z,100,110,95,105",
    "2025-10-10T21:05:00Z,105,106,80,90",
    "2025-10-10T21:10:00Z,90,99,89,98",
]


def write(folder: Path, rows: list[str], name: str = "BTCUSDT_perp_5m.csv", head: str = HEAD) -> Path:
    path = folder / name
    path.write_text(head + "\n".join(rows) + "\n", "utf-8")
    return path


def test_bars_are_read_with_their_times(tmp_path: Path) -> None:
    bars = read_bars(write(tmp_path, GOOD))
    assert bars.step_ns == 300_000_000_000
    assert datetime.fromtimestamp(int(bars.times_ns[0]) / 1e9, UTC) == datetime(2025, 10, 10, 21, tzinfo=UTC)
    assert bars.lows.tolist() == [95, 80, 89]


def test_millisecond_times_are_understood(tmp_path: Path) -> None:
    rows = [f"{1_760_130_000_000 + number * 60_000},10.5,11.5,9.5,10" for number in range(3)]
    bars = read_bars(write(tmp_path, rows))
    assert bars.step_ns == 60_000_000_000
    assert int(bars.times_ns[0]) == 1_760_130_000_000_000_000


@pytest.mark.parametrize(
    ("rows", "head", "sentence"),
    [
        ([GOOD[0], GOOD[1], GOOD[1]], HEAD, r"row 3: 2025-10-10 21:05:00 UTC repeats"),
        ([GOOD[1], GOOD[0], GOOD[2]], HEAD, r"row 2: 2025-10-10 21:00:00 UTC is older"),
        ([*GOOD, "2025-10-10T21:15:00Z,98,97,90,95"], HEAD, r"row 4: open 98.*low must be the lowest"),
        ([*GOOD, "2025-10-10T21:15:00Z,98,99,0,95"], HEAD, r"row 4: low is 0.*positive"),
        ([*GOOD, "2025-10-10T21:15:00Z,98,99,90,"], HEAD, r"row 4: close is nan.*positive"),
        (GOOD[:1], HEAD, r"1 rows; at least two"),
        (GOOD, "date,o,h,l,c\n", r"it needs date and open, high, low, close"),
        (["yesterday,1,1,1,1", "today,1,1,1,1"], HEAD, r"must be timestamps or milliseconds"),
        (["2025-10-10T21:00:00Z,a,b,c,d", "2025-10-10T21:05:00Z,a,b,c,d"], HEAD, r"open is string.*numbers"),
    ],
)
def test_a_broken_file_says_which_row_and_what_is_right(
    tmp_path: Path, rows: list[str], head: str, sentence: str
) -> None:
    path = write(tmp_path, rows, head=head)
    with pytest.raises(DataError, match=sentence) as caught:
        read_bars(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_wrong_format_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_bars(tmp_path / "absent.parquet")
    garbage = tmp_path / "BTC.parquet"
    garbage.write_bytes(b"not parquet at all")
    with pytest.raises(DataError, match="cannot be read"):
        read_bars(garbage)


def test_a_window_outside_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"fewer than two rows.*2025-10-10 21:00:00 UTC to 2025-10-10 21:10:00 UTC"):
        read_bars(write(tmp_path, GOOD), (0, 1))


def test_files_find_their_places(tmp_path: Path, scenario: Scenario) -> None:
    perp = write(tmp_path, GOOD)
    spot = write(tmp_path, GOOD, "BTCUSDT_spot_5m.csv")
    made = recorded_scenario(scenario, [perp, spot], start=None, end=None, speed=10.0)
    (one,) = made.recordings
    assert (one.perp_bars, one.spot_bars, one.speed) == (str(perp), str(spot), 10.0)
    assert load_paths(made)["BTC"].start_price == pytest.approx(100.0)
    with pytest.raises(DataError, match="has perp_bars already"):
        recorded_scenario(scenario, [perp, perp], start=None, end=None, speed=1.0)
    with pytest.raises(DataError, match="must start with its underlying, BTC or ETH"):
        recorded_scenario(scenario, [write(tmp_path, GOOD, "candles.csv")], start=None, end=None, speed=1.0)


@pytest.mark.needs_data
def test_the_crash_day_is_played_through_its_true_low(shared_data: Path, scenario: Scenario) -> None:
    """2025-10-10: true perpetual low 101,516.5 in the 5-minute bars; the minutes alone stop at 103,876 (FACTS.md)."""
    bars = shared_data / "m10_5m_spot_perp_btc_eth_sol_20250701_20260219" / "BTCUSDT_perp_5m.parquet"
    minutes = (
        shared_data / "m09_btc_1m_spot_perp_mark_index_20250509_20260228" / "BTCUSDT_1m_spot_perp_mark_index.parquet"
    )
    start, end = datetime(2025, 10, 10, 21, 0, tzinfo=UTC), datetime(2025, 10, 10, 22, 0, tzinfo=UTC)
    made = recorded_scenario(scenario, [bars, minutes], start=start, end=end, speed=60.0)
    block = load_paths(made)["BTC"].next_block()
    assert block.perp.min() == 101_516.5
    assert np.isfinite(block.mark).all()
    assert block.live.all()
    window = (int(start.timestamp()) * 10**9, int(end.timestamp()) * 10**9)
    alone = read_minutes(minutes, window)
    assert alone.perp.min() == pytest.approx(103_876, abs=1)
    exchange = Exchange(made, START_NS, load_paths(made))
    exchange.advance(START_NS + 30_000_000_000)
    assert exchange.index_price("BTC") < 112_000
