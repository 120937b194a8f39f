from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from hedgebot.domain.errors import DataError
from hedgebot.domain.instrument import OptionType
from hedgebot.exchange.chainfile import read_chain
from hedgebot.exchange.recording import read_minutes
from hedgebot.exchange.scenario import RecordedFile
from hedgebot.pricing import black76

pytest.importorskip("pyarrow")

HEAD = "timestamp,strike,expiry_datetime,option_type,underlying,implied_volatility,index_price"
FIRST, SECOND = "2026-01-01 00:00:00", "2026-01-01 06:00:00"
S = 1_000_000_000


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * S


def row(at: str, strike: float, kind: str, iv: float | str, *, index: float = 100.0, forward: float = 101.0) -> str:
    return f"{at},{strike},2026-01-30 08:00:00,{kind},{forward},{iv},{index}"


def write(folder: Path, rows: list[str]) -> str:
    path = folder / "chain.csv"
    path.write_text("\n".join([HEAD, *rows]) + "\n", "utf-8")
    return str(path)


def chain_rows(at: str) -> list[str]:
    return [row(at, strike, kind, 0.4 + strike / 1_000) for strike in (80, 101, 120) for kind in ("call", "put")]


def test_captures_and_options_are_read_and_the_window_begins_with_the_capture_before(tmp_path: Path) -> None:
    path = write(tmp_path, [*chain_rows(FIRST), *chain_rows(SECOND), row(SECOND, 140, "put", 0.7)])
    tape = read_chain(path, (None, None), 0.0)
    assert [one.at_ns for one in tape.captures] == [ns(FIRST), ns(SECOND)]
    assert len(tape.listed(ns(FIRST))) == 6
    assert {one.option_type for one in tape.listed(ns(SECOND)) if one.strike == 140} == {OptionType.PUT}
    later = read_chain(path, (ns(SECOND) - S, None), 0.0)
    assert [one.at_ns for one in later.captures] == [ns(FIRST), ns(SECOND)]
    assert [one.at_ns for one in read_chain(path, (None, ns(SECOND)), 0.0).captures] == [ns(FIRST)]
    assert len(read_chain(path, (None, None), 0.1).options) == 2
    with pytest.raises(DataError, match=r"no chain in the window; it has 2026-01-01 00:00:00 UTC to"):
        read_chain(path, (None, ns(FIRST)), 0.0)


@pytest.mark.parametrize(
    ("iv", "words"),
    [
        ("", r"column implied_volatility is empty; options have no value without a volatility between 0\.01 and 5 a"),
        (0.0, r"column implied_volatility is about 0 in its middle; .*\(a fraction, 0\.5 is 50 %\)$"),
        (-55.0, r"column implied_volatility is about -55 in its middle; .*\(a fraction, 0\.5 is 50 %\)$"),
        (55.0, r"column implied_volatility is about 55 in its middle; .*these look like percent: divide them by 100$"),
    ],
)
def test_a_chain_without_volatilities_or_with_percent_is_told(tmp_path: Path, iv: float | str, words: str) -> None:
    rows = [row(FIRST, strike, "call", iv) for strike in (80, 101, 120)]
    with pytest.raises(DataError, match=words):
        read_chain(write(tmp_path, rows), (None, None), 0.0)


def test_a_chain_of_too_few_strikes_is_told(tmp_path: Path) -> None:
    rows = [row(FIRST, strike, "call", 0.5) for strike in (80, 101)]
    with pytest.raises(DataError, match="no expiry in the window has 3 strikes with a volatility in column"):
        read_chain(write(tmp_path, rows), (None, None), 0.0)


def test_a_chain_without_a_forward_is_told_what_columns_would_do(tmp_path: Path) -> None:
    path = Path(write(tmp_path, chain_rows(FIRST)))
    path.write_text(path.read_text("utf-8").replace("underlying,", "spot,"), "utf-8")
    with pytest.raises(DataError, match=r"it lacks underlying \(or underlying_price, forward\)$"):
        read_chain(str(path), (None, None), 0.0)


def test_of_a_strike_the_side_out_of_the_money_counts_and_the_index_moves_the_forward(tmp_path: Path) -> None:
    rows = [row(FIRST, 101, "call", 0.5), row(FIRST, 90, "call", 0.99), row(FIRST, 90, "put", 0.6)]
    rows += [row(FIRST, 110, "call", 0.55, index=102.0), row(FIRST, 110, "put", 0.98, index=102.0)]
    smile = next(iter(read_chain(write(tmp_path, rows), (None, None), 0.0).captures[0].smiles.values()))
    assert smile.iv.tolist() == [0.6, 0.5, 0.55]
    assert smile.log_moneyness.tolist() == pytest.approx(np.log([90 / 101, 1.0, 110 / (101 * 1.02)]).tolist())


def test_what_says_nothing_is_left_out(tmp_path: Path) -> None:
    rows = [*chain_rows(FIRST), row(FIRST, 95, "put", 0.0), row(FIRST, 96, "put", 9.0)]
    rows.append(f"{FIRST},100,2025-12-31 08:00:00,put,101,0.5,100")
    (capture,) = read_chain(write(tmp_path, rows), (None, None), 0.0).captures
    assert [len(one.iv) for one in capture.smiles.values()] == [3]
    with pytest.raises(DataError, match="option_type is 'straddle'; it must be call or put"):
        read_chain(write(tmp_path, [*chain_rows(FIRST), row(FIRST, 95, "straddle", 0.5)]), (None, None), 0.0)


@pytest.mark.needs_data
def test_the_recorded_chain_is_valued_as_it_was_published(shared_data: Path) -> None:
    """m19 against its own marks and greeks, with forwards on the index that m09's minutes play."""
    file = str(shared_data / "m19_deribit_chain_6h_20251230_20260228" / "deribit_btc_eth_chain_6h.parquet")
    minutes = read_minutes(
        shared_data / "m09_btc_1m_spot_perp_mark_index_20250509_20260228" / "BTCUSDT_1m_spot_perp_mark_index.parquet"
    )
    start = ns("2026-02-05 00:00:00")
    tape = read_chain(RecordedFile(file=file, rows={"currency": "BTC"}), (start, ns("2026-02-06 12:00:00")), 0.0)
    table = _published(file)
    gaps_bps: list[float] = []
    gaps_delta: list[float] = []
    for capture in tape.captures[1:]:
        index = float(np.interp(capture.at_ns, minutes.times_ns, minutes.index))
        for expiry_ns in capture.smiles:
            mine = (table["timestamp"] == capture.at_ns) & (table["expiry"] == expiry_ns)
            strikes, is_call = table["strike"][mine], table["is_call"][mine].astype(np.bool_)
            forward = tape.forward(
                expiry_ns,
                capture.at_ns,
                index,
                lambda at_ns: float(np.interp(at_ns, minutes.times_ns, minutes.index)),
            )
            iv = tape.iv(expiry_ns, capture.at_ns, np.log(strikes / forward))
            years = np.full(len(strikes), (expiry_ns - capture.at_ns) / black76.NS_PER_YEAR)
            forwards = np.full(len(strikes), forward)
            mark = black76.price(forwards, strikes, years, iv, is_call)
            delta = black76.greeks(forwards, strikes, years, iv, is_call).delta
            gaps_bps += (np.abs(mark - table["mark"][mine] * table["forward"][mine]) / forward * 1e4).tolist()
            gaps_delta += np.abs(delta - table["delta"][mine]).tolist()
    assert len(gaps_bps) > 3_000
    # The two wildest days of the recording: the index moved by up to 113 bps inside a capture (FACTS.md).
    assert np.percentile(gaps_bps, 50) < 0.6
    assert np.percentile(gaps_bps, 99) < 12.0
    assert np.percentile(gaps_delta, 50) < 1e-3
    assert np.percentile(gaps_delta, 99) < 0.03


def _published(file: str) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(file)
    table = table.filter(pc.equal(table.column("currency").cast(pa.string()), "BTC"))

    def times(name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        found: np.ndarray[tuple[int], np.dtype[np.float64]] = (
            table.column(name).cast(pa.timestamp("ns", tz="UTC")).cast(pa.int64()).to_numpy()
        )
        return found

    numbers = {
        name: np.asarray(table.column(column).to_numpy())
        for name, column in (
            ("strike", "strike"),
            ("mark", "mark_price"),
            ("forward", "underlying"),
            ("delta", "delta"),
        )
    }
    is_call = np.array([one == "call" for one in table.column("option_type").to_pylist()])
    return {**numbers, "is_call": is_call, "timestamp": times("timestamp"), "expiry": times("expiry_datetime")}
