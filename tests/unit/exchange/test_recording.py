from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest

from hedgebot.domain.errors import DataError
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.playback import RecordedPath
from hedgebot.exchange.recording import load_paths, read_bars, read_funding, read_minutes, recorded_scenario
from hedgebot.exchange.scenario import RecordedFile, RecordingSpec, Scenario
from tests.unit.exchange.conftest import calm_scenario

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


@pytest.fixture
def scenario() -> Scenario:
    """A world whose coins are worth about what these files say."""
    calm = calm_scenario()
    cheap = tuple(msgspec.structs.replace(one, start_price=100.0) for one in calm.underlyings)
    return msgspec.structs.replace(calm, underlyings=cheap)


def test_bars_are_read_with_their_times(tmp_path: Path) -> None:
    bars = read_bars(write(tmp_path, GOOD))
    assert bars.step_ns == 300_000_000_000
    assert datetime.fromtimestamp(int(bars.times_ns[0]) / 1e9, UTC) == datetime(2025, 10, 10, 21, tzinfo=UTC)
    assert bars.lows.tolist() == [95, 80, 89]


def test_row_numbers_of_a_written_table_are_no_index_prices(tmp_path: Path) -> None:
    rows = [f"{row},{number}" for number, row in enumerate(GOOD)]
    assert len(read_bars(write(tmp_path, rows, head=HEAD.replace("\n", ",index\n"))).closes) == len(GOOD)


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
        (GOOD, "date,o,h,l,c\n", r"it lacks open, high, low, close$"),
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
    with pytest.raises(DataError, match="must have its underlying in it, BTC or ETH"):
        recorded_scenario(scenario, [write(tmp_path, GOOD, "candles.csv")], start=None, end=None, speed=1.0)
    with pytest.raises(DataError, match="its name has BTC and ETH; it must be one underlying's"):
        recorded_scenario(scenario, [write(tmp_path, GOOD, "all_btc_eth.csv")], start=None, end=None, speed=1.0)


RATES = "date,funding_rate\n2026-01-01 00:00:00+00:00,0.0001\n2026-01-01 08:00:00+00:00,0.0002\n"
CHAIN = "timestamp,currency,option_type,strike,expiry_datetime,underlying,implied_volatility\n" + "".join(
    f"2026-01-01 00:00:00+00:00,{coin},{kind},{strike},2026-02-01 08:00:00+00:00,{forward},0.5\n"
    for coin, forward in (("BTC", 100.0), ("ETH", 10.0))
    for kind, strike in (("put", forward * 0.9), ("put", forward), ("call", forward), ("call", forward * 1.1))
)


@pytest.mark.parametrize("number", ["1760130000", "1760130000000000"])
def test_times_in_another_unit_are_told(tmp_path: Path, number: str) -> None:
    with pytest.raises(DataError, match=f"row 1: its time is {number}; numbers must be milliseconds since 1970"):
        read_bars(write(tmp_path, [f"{number},100,110,95,105", f"{int(number) + 300},105,106,80,90"]))


def test_a_change_of_unit_within_the_prices_is_told(tmp_path: Path) -> None:
    rows = [GOOD[0], "2025-10-10T21:05:00Z,10500,10600,8000,9000"]
    with pytest.raises(DataError, match="row 2: open goes from 100 to 10500 in one row; prices must keep one unit"):
        read_bars(write(tmp_path, rows))


def text(folder: Path, content: str, name: str) -> Path:
    path = folder / name
    path.write_text(content, "utf-8")
    return path


def test_funding_and_chains_find_their_places_too(tmp_path: Path, scenario: Scenario) -> None:
    perp = write(tmp_path, GOOD)
    funding = text(tmp_path, RATES, "binance_BTCUSDT_funding.csv")
    chain = text(tmp_path, CHAIN, "deribit_btc_eth_chain.csv")
    btc, eth = recorded_scenario(scenario, [perp, funding, chain], start=None, end=None, speed=1.0).recordings
    assert (btc.perp_bars, btc.funding) == (str(perp), str(funding))
    assert btc.chain == RecordedFile(file=str(chain), rows={"currency": "BTC"})
    assert (eth.underlying, eth.chain) == ("ETH", RecordedFile(file=str(chain), rows={"currency": "ETH"}))
    rows = CHAIN.replace("currency,", "").replace("BTC,", "").splitlines(keepends=True)
    alone = text(tmp_path, "".join(one for one in rows if "ETH" not in one), "BTC_chain.csv")
    (only,) = recorded_scenario(scenario, [alone], start=None, end=None, speed=1.0).recordings
    assert only.chain == str(alone)
    with pytest.raises(DataError, match="chains need timestamp, option_type, strike, expiry_datetime and implied"):
        recorded_scenario(
            scenario, [text(tmp_path, "date,x\n2026-01-01,1\n", "BTC_x.csv")], start=None, end=None, speed=1.0
        )


@pytest.mark.needs_data
def test_the_crash_day_is_played_through_its_true_low(shared_data: Path) -> None:
    """2025-10-10: true perpetual low 101,516.5 in the 5-minute bars; the minutes alone stop at 103,876 (FACTS.md)."""
    bars = shared_data / "m10_5m_spot_perp_btc_eth_sol_20250701_20260219" / "BTCUSDT_perp_5m.parquet"
    minutes = (
        shared_data / "m09_btc_1m_spot_perp_mark_index_20250509_20260228" / "BTCUSDT_1m_spot_perp_mark_index.parquet"
    )
    start, end = datetime(2025, 10, 10, 21, 0, tzinfo=UTC), datetime(2025, 10, 10, 22, 0, tzinfo=UTC)
    made = recorded_scenario(calm_scenario(), [bars, minutes], start=start, end=end, speed=60.0)
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


def settlements(folder: Path, hours: list[int], rate: str = "0.0001") -> Path:
    rows = [f"BTC-USDT,2021-01-{1 + hour // 24:02d} {hour % 24:02d}:00:00.003,{rate}" for hour in hours]
    return write(folder, rows, "funding.csv", "Symbol,Date,Funding Rate\n")


def test_funding_in_local_time_is_refused_and_with_its_hours_corrected(tmp_path: Path) -> None:
    path = settlements(tmp_path, [3, 11, 19, 27])
    with pytest.raises(DataError, match=r"row 1: 2021-01-01 03:00:00 UTC .*labels of local time need late_hours = 3"):
        read_funding(str(path))
    tape = read_funding(RecordedFile(file=str(path), late_hours=3))
    assert [datetime.fromtimestamp(one / 1e9, UTC).hour for one in tape.times_ns.tolist()] == [0, 8, 16, 0]
    assert read_funding(RecordedFile(file=str(path), time_zone="UTC")).times_ns[0] % (24 * 3_600 * 10**9) != 0


def test_funding_may_change_its_interval_and_is_a_fraction(tmp_path: Path) -> None:
    tape = read_funding(str(settlements(tmp_path, [0, 8, 16, 24, 26, 28, 32, 40, 48])))
    assert np.diff(tape.times_ns).tolist()[3:5] == [2 * 3_600 * 10**9] * 2
    with pytest.raises(DataError, match=r"a funding rate of 0.51; it must be a fraction"):
        read_funding(str(settlements(tmp_path, [0, 8, 16], "0.51")))


def test_a_bar_without_volume_is_stale(tmp_path: Path, scenario: Scenario) -> None:
    rows = [f"2025-10-10T21:{number:02d}:00Z,100,100,100,100,{number % 3}" for number in range(12)]
    path = write(tmp_path, rows, head="date,open,high,low,close,volume\n")
    spec = RecordingSpec(underlying="BTC", perp_bars=str(path), speed=60.0)
    recorded = load_paths(msgspec.structs.replace(scenario, recordings=(spec,)))["BTC"]
    assert isinstance(recorded, RecordedPath)
    live = recorded.next_block().live[:120].reshape(12, 10)
    assert live.all(axis=1).tolist() == [number % 3 != 0 for number in range(12)]
    assert recorded.gaps == ()
    silent = write(tmp_path, [row.rsplit(",", 1)[0] + ",0" for row in rows], head="date,open,high,low,close,volume\n")
    assert read_bars(str(silent)).silent is None


def test_all_recordings_begin_at_one_moment(tmp_path: Path, scenario: Scenario) -> None:
    early = write(tmp_path, GOOD, "BTC.csv")
    late = write(tmp_path, GOOD[1:], "ETH.csv")
    specs = tuple(RecordingSpec(underlying=name, perp_bars=str(path)) for name, path in (("BTC", early), ("ETH", late)))
    paths = load_paths(msgspec.structs.replace(scenario, recordings=specs))
    origins = {one.origin_ns for one in paths.values() if isinstance(one, RecordedPath)}
    assert origins == {int(datetime(2025, 10, 10, 21, 5, tzinfo=UTC).timestamp()) * 10**9}
    assert paths["BTC"].start_price == pytest.approx(105.0, rel=1e-3)
    asked = tuple(msgspec.structs.replace(one, start=datetime(2025, 10, 10, 21, 2, tzinfo=UTC)) for one in specs)
    paths = load_paths(msgspec.structs.replace(scenario, recordings=asked))
    blocks = {name: path.next_block() for name, path in paths.items()}
    assert not blocks["BTC"].live[:1].any()
    assert isinstance(paths["BTC"], RecordedPath)
    assert paths["BTC"].origin_ns == int(datetime(2025, 10, 10, 21, 2, tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.needs_data
def test_venues_of_one_file_are_told_apart_and_their_labels_mended(shared_data: Path) -> None:
    """m21: local time, and Bybit's candles labelled four hours late. Against hourly closes of another source (m15)."""
    file = str(shared_data / "m21_multi_venue_8h_spot_perp_coinm_funding" / "all_exchanges.csv.gz")
    rows = {"exchange": "bybit", "pair": "BTC/USDT", "contract": "spot"}
    with pytest.raises(DataError, match="as local time does twice a year"):
        read_bars(RecordedFile(file=file, rows=rows))
    hourly = read_bars(str(shared_data / "m15_perp_1h_2020_2023" / "BTCUSDT_spot_1h.parquet"))

    def worst(late_hours: float) -> float:
        bars = read_bars(RecordedFile(file=file, rows=rows, time_zone="Europe/London", late_hours=late_hours))
        _, mine, theirs = np.intersect1d(bars.times_ns, hourly.times_ns, return_indices=True)
        assert len(mine) > 1_000
        return float(np.median(np.abs(bars.opens[mine] / hourly.opens[theirs] - 1.0)))

    assert worst(4.0) < 0.0005
    assert worst(0.0) > 0.003


@pytest.mark.needs_data
def test_recorded_funding_agrees_between_sources_once_labels_are_mended(shared_data: Path) -> None:
    folder = shared_data / "m16_funding"
    utc = read_funding(str(folder / "binance_BTCUSDT_8h_2020_202511.csv.gz"))
    file = str(folder / "supervik_BTC-USDT_binance_2020-01-01_2024-01-01_funding_history.csv.gz")
    with pytest.raises(DataError, match="late_hours = 3"):
        read_funding(file)
    mended = read_funding(RecordedFile(file=file, late_hours=3))
    _, mine, theirs = np.intersect1d(mended.times_ns, utc.times_ns, return_indices=True)
    assert len(mine) == 4_383
    assert np.abs(mended.rates[mine] - utc.rates[theirs]).max() < 1e-8


@pytest.mark.needs_data
def test_an_outage_is_kept(shared_data: Path) -> None:
    """m11: the venue was down on 2021-04-25 from 04:00 to 08:45 (FACTS.md)."""
    file = str(shared_data / "m11_crash_20210519_spot_1m" / "BTCUSDT_spot_1m.parquet")
    start = datetime(2021, 4, 25, 3, 0, tzinfo=UTC)
    spec = RecordingSpec(underlying="BTC", spot_bars=file, start=start, end=datetime(2021, 4, 25, 10, tzinfo=UTC))
    world = msgspec.structs.replace(calm_scenario(), recordings=(spec,), step_ms=60_000)
    live = load_paths(world)["BTC"].next_block().live[:420]
    assert live[:60].all()
    assert not live[62:344].any()
    assert live[346:].all()
