from pathlib import Path

import pytest

from hedgebot.domain.errors import DataError
from hedgebot.exchange.playback import RecordedPath
from hedgebot.exchange.recording import load_paths, recorded_scenario
from hedgebot.exchange.recordquotes import has_quotes, read_quotes
from hedgebot.exchange.scenario import Scenario

pytest.importorskip("pyarrow")

S = 1_000_000_000


def write(folder: Path, rows: list[str], name: str = "BTCUSDT_quotes.csv", head: str = "date,bid,ask") -> Path:
    path = folder / name
    path.write_text(head + "\n" + "\n".join(f"2025-05-10T00:{row}" for row in rows) + "\n", "utf-8")
    return path


def test_quotes_become_candles_of_their_middle(tmp_path: Path) -> None:
    rows = ["00:00.1,99,101", "00:00.4,104,106", "00:00.8,89,91", "00:01.0,99,101", "00:01.3,101,103", "00:01.6,97,99"]
    bars = read_quotes(write(tmp_path, rows))
    assert bars.step_ns == S
    assert [bars.opens.tolist(), bars.highs.tolist()] == [[100, 100], [105, 102]]
    assert [bars.lows.tolist(), bars.closes.tolist()] == [[90, 98], [90, 98]]
    assert (bars.times_ns % S == 0).all()


def test_a_quote_stands_until_the_next_one_and_not_for_ever(tmp_path: Path) -> None:
    rows = ["00:00,99,101", "00:01,100,102", "00:02,101,103", "00:30,109,111", "00:31,110,112", "02:00,119,121"]
    bars = read_quotes(write(tmp_path, rows))
    seconds = ((bars.times_ns - bars.times_ns[0]) // S).tolist()
    assert seconds == [*range(32), 120]
    assert set(bars.closes[2:30].tolist()) == {102.0}
    assert (bars.closes[30], bars.closes[-1]) == (110.0, 120.0)


def test_quotes_once_a_minute_have_candles_of_a_minute(tmp_path: Path) -> None:
    bars = read_quotes(write(tmp_path, [f"{minute:02d}:00,99,101" for minute in range(5)]))
    assert (bars.step_ns, len(bars.times_ns)) == (60 * S, 5)


def test_a_crossed_quote_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"row 2: bid 101.0, ask 101.0; the bid must be below the ask"):
        read_quotes(write(tmp_path, ["00:00,99,101", "00:01,101,101"]))


def test_quotes_find_their_place_and_are_played(tmp_path: Path, scenario: Scenario) -> None:
    assert has_quotes({"timestamp", "bid_price", "ask_price"})
    assert not has_quotes({"date", "bid"})
    quotes = write(tmp_path, [f"00:{second:02d},{90_000 + second},{90_001 + second}" for second in range(60)])
    spot = write(
        tmp_path, ["00:00,90010,90011", "00:30,90010,90011"], "BTCUSDT_spot.csv", "timestamp,bid_price,ask_price"
    )
    world = recorded_scenario(scenario, [quotes, spot], start=None, end=None, speed=1.0)
    (spec,) = world.recordings
    assert (spec.perp_bars, spec.spot_bars) == (str(quotes), str(spot))
    path = load_paths(world)["BTC"]
    assert isinstance(path, RecordedPath)
    block = path.next_block()
    assert block.live[:300].all()
    assert block.perp[200] == pytest.approx(90_020.5, abs=0.6)
    assert block.spot[200] == pytest.approx(90_010.5)
    kilo = write(tmp_path, [f"00:{second:02d},90.000,90.001" for second in range(60)])
    with pytest.raises(DataError, match=r"BTCUSDT_quotes.csv: column bid is about 90.0005, where the scenario has BTC"):
        load_paths(recorded_scenario(scenario, [kilo], start=None, end=None, speed=1.0))
