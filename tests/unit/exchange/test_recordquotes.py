import zipfile
from pathlib import Path

import msgspec
import numpy as np
import pytest

from hedgebot.domain.errors import DataError
from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.playback import RecordedPath
from hedgebot.exchange.recording import load_paths, read_bars, recorded_scenario
from hedgebot.exchange.recordquotes import has_quotes, read_quotes
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.trouble import Regime

pytest.importorskip("pyarrow")

S = 1_000_000_000
START = 1_790_000_000 * S


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


def head(size: bool) -> str:
    return "date,bid,ask,bid_size,ask_size" if size else "date,bid,ask"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("102,101", r"row 2: bid 102.0, ask 101.0: the quote is crossed; the bid must be below the ask; so are 1 rows"),
        ("101,101", r"row 2: bid 101.0, ask 101.0: its spread is zero, where hedging would cost fees alone"),
        ("-99,101", r"row 2: bid is -99.0; prices must be positive numbers"),
        (",", r"row 2: bid is nan; prices must be positive numbers"),
        ("inf,inf", r"row 2: bid is inf; prices must be positive numbers"),
        ("99,", r"row 2: bid 99.0 and no ask: the quote is one-sided, so it has no spread to be played"),
        ("0,101", r"row 2: ask 101.0 and no bid: the quote is one-sided"),
        ("99,101,3,0", r"row 2: bid 99.0 and no ask: the quote is one-sided"),
        ("99,101,3,", r"row 2: ask_size is nan; sizes must be coins, above 0"),
        ("99,101,-3,1", r"row 2: bid_size is -3.0; sizes must be coins, above 0"),
    ],
)
def test_a_quote_that_is_none_is_told(tmp_path: Path, row: str, words: str) -> None:
    sizes = ",1,1" if row.count(",") == 3 else ""
    rows = [f"00:00,99,101{sizes}", f"00:01,{row}", f"00:02,{row}", f"00:03,99,101{sizes}"]
    with pytest.raises(DataError, match=words):
        read_quotes(write(tmp_path, rows, head=head(bool(sizes))))


def test_sizes_that_are_contracts_are_told(tmp_path: Path) -> None:
    rows = [f"00:0{second},90000,90001,500000,2" for second in range(3)]
    with pytest.raises(DataError, match=r"bid_size is 500000 in its middle, worth 4.5e\+10 in quote currency"):
        read_quotes(write(tmp_path, rows, head=head(size=True)))


PERP = InstrumentId("bybit:linear:BTCUSDT")


def played(tmp_path: Path, scenario: Scenario, rows: list[str], *, size: bool = True) -> Exchange:
    """An exchange of the scenario that plays these quotes."""
    file = write(tmp_path, rows, head=head(size))
    world = recorded_scenario(scenario, [file], start=None, end=None, speed=1.0)
    return Exchange(world, START, load_paths(world))


@pytest.mark.parametrize("step_ms", [100, 10_000])
def test_the_book_has_the_recorded_bid_and_ask_and_their_sizes(
    tmp_path: Path, scenario: Scenario, step_ms: int
) -> None:
    scenario = msgspec.structs.replace(scenario, step_ms=step_ms)
    # Spreads of 2.2, 22 and 0.1 dollars: the last is a tick, where floating point is one off at once.
    quotes = [(90_000 + 7 * n, 90_000 + 7 * n + (2.2, 22.0, 0.1)[n % 3], 0.5 + n, 40 - n) for n in range(36)]
    rows = [
        f"{n // 6:02d}:{10 * (n % 6):02d},{bid},{ask},{have},{want}" for n, (bid, ask, have, want) in enumerate(quotes)
    ]
    exchange = played(tmp_path, scenario, rows)
    for number, (bid, ask, have, want) in enumerate(quotes[:-1]):
        exchange.advance(START + (10 * number + 5 if step_ms < 10_000 else 10 * number) * S)
        book = exchange.book(PERP, 1)
        shown = [float(one) for level in (*book.bids, *book.asks) for one in level]
        assert shown == pytest.approx([bid, have, ask, want])


def test_sizes_that_were_not_recorded_are_the_models_and_events_thin_what_was(
    tmp_path: Path, scenario: Scenario
) -> None:
    thinner = tuple(msgspec.structs.replace(one, depth_ratio=0.5) for one in scenario.underlyings)
    scenario = msgspec.structs.replace(scenario, underlyings=thinner)
    exchange = played(tmp_path, scenario, [f"00:{n:02d},90000,90018,8,8" for n in range(59)])
    exchange.advance(START + S)
    book = exchange.book(PERP, 1)
    assert (float(book.asks[0][0] - book.bids[0][0]), float(book.asks[0][1])) == (18.0, 8.0)
    exchange.strike(Regime(underlying="BTC", liquidity=0.25))
    exchange.advance(START + 2 * S)
    book = exchange.book(PERP, 1)
    assert (float(book.asks[0][0] - book.bids[0][0]), float(book.asks[0][1])) == (72.0, 2.0)
    without = played(tmp_path, scenario, [f"00:{n:02d},90000,90018" for n in range(59)], size=False)
    without.advance(START + S)
    assert float(without.book(PERP, 1).asks[0][1]) not in {0.0, 8.0}


def test_a_mean_spread_counts_each_quote_as_long_as_it_stands(tmp_path: Path) -> None:
    quotes = read_quotes(write(tmp_path, ["00:00,9999,10001", "00:30,9990,10010", "00:40,9999,10001"])).quotes
    assert quotes is not None
    first = int(quotes.times_ns[0])
    assert quotes.mean_bps(first, first + 40 * S) == pytest.approx((30 * 2 + 10 * 20) / 40)
    assert quotes.mean_bps(first + 30 * S, first + 35 * S) == pytest.approx(20.0)


def test_candles_of_quotes_have_their_own_spread(tmp_path: Path) -> None:
    named = tmp_path / "cryptofuture_bybit_minute_btcusdt_20221213_quote.zip"
    bids, asks = "17000,17030,16990,17005", "17002,17032,16992,17025"
    with zipfile.ZipFile(named, "w") as archive:
        archive.writestr("x.csv", f"0,{bids},135.7,{asks},17.7\n60000,{bids},135.7,{asks},17.7\n")
    bars = read_bars(named)
    assert bars.quotes is not None
    shown = bars.quotes.at(np.array([bars.times_ns[0], bars.times_ns[0] + 31 * S], dtype=np.float64))
    assert shown.half_ratio * 2e4 == pytest.approx([2 / 17_001 * 1e4, 20 / 17_015 * 1e4])
    assert np.isnan(shown.bid_coin).all()


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
    with pytest.raises(
        DataError, match=r"BTCUSDT_quotes.csv: column bid is about 90.0005, where BTC was worth 74508 to"
    ):
        load_paths(recorded_scenario(scenario, [kilo], start=None, end=None, speed=1.0))
