"""Our greeks against those that Deribit published: both layouts from small files, and the recorded chains in full."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hedgebot.domain.errors import DataError
from hedgebot.lab.published import CAPTURES, MS_PER_YEAR, TICKERS, Published, read_captures, read_tickers
from hedgebot.pricing.black76 import greeks
from hedgebot.pricing.implied import NoVol, implied_vol

AT_MS = 1_768_000_000_000
FORWARD, STRIKES = 90_000.0, np.array([80_000.0, 90_000.0, 140_000.0])


def tickers_file(folder: Path, *, delta_off: float = 0.0) -> None:
    """Three calls that expire in 20 days, published as our own greeks say, but for the first delta."""
    years = np.full(3, 20 / 365)
    found = greeks(np.full(3, FORWARD), STRIKES, years, np.full(3, 0.5), np.ones(3, dtype=np.bool_))
    columns = {
        "strike": STRIKES,
        "expiration_timestamp": np.full(3, AT_MS + 20 * 86_400_000),
        "timestamp": np.full(3, AT_MS),
        "mark_iv": np.full(3, 50.0),
        "underlying_price": np.full(3, FORWARD),
        "mark_price": found.premium / FORWARD,
        "option_type": ["call"] * 3,
        "greeks_delta": found.delta + np.array([delta_off, 0.0, 0.0]),
        "greeks_gamma": found.gamma,
        "greeks_vega": found.vega / 100.0,
        "greeks_theta": found.theta,
    }
    pq.write_table(pa.table(columns), folder / "deribit_btc_options_1.parquet")


def test_an_error_stands_in_its_cell(tmp_path: Path) -> None:
    tickers_file(tmp_path, delta_off=0.01)
    rows = read_tickers(tmp_path)
    assert rows.days == pytest.approx(np.full(3, 20.0))
    cells = rows.cells("delta")
    assert set(cells) == {("7-30 d", ".05-.15"), ("7-30 d", "< .05"), ("7-30 d", "> .4")}
    assert cells["7-30 d", ".05-.15"] == pytest.approx(0.01)
    assert cells["7-30 d", "< .05"] == 0.0
    assert max(rows.cells("gamma").values()) == 0.0
    assert max(rows.cells("vega").values()) < 1e-12


def test_forwards_of_a_capture_move_with_its_index(tmp_path: Path) -> None:
    """The second row's greeks came when the index stood 1 % higher; its forward is moved by as much."""
    moved = np.array([1.0, 1.01, 1.0])
    years = np.array([20 / 365, 20 / 365, -1 / 365])
    found = greeks(FORWARD * moved, STRIKES, np.abs(years), np.full(3, 0.5), np.ones(3, dtype=np.bool_))
    at_us = np.full(3, AT_MS * 1_000)
    columns = {
        "strike": STRIKES,
        "implied_volatility": np.full(3, 0.5),
        "underlying": np.full(3, FORWARD),
        "delta": found.delta,
        "vega": found.vega / 100.0,
        "index_price": 89_000.0 * moved,
        "mark_price": found.premium / FORWARD,
        "timestamp": pa.array(at_us, pa.timestamp("us", tz="UTC")),
        "expiry_datetime": pa.array(
            at_us + (years * MS_PER_YEAR * 1_000).astype(np.int64), pa.timestamp("us", tz="UTC")
        ),
        "option_type": ["call"] * 3,
        "currency": ["BTC"] * 3,
    }
    file = tmp_path / "chain.parquet"
    pq.write_table(pa.table(columns), file)
    rows = read_captures(file)
    assert len(rows.days) == 2  # the third had expired
    assert rows.error("delta").max() < 1e-9


def test_what_is_no_chain_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no deribit_btc_options"):
        read_tickers(tmp_path)
    (tmp_path / "deribit_btc_options_1.parquet").write_text("no parquet")
    with pytest.raises(DataError, match="a Parquet file of an option chain was expected"):
        read_tickers(tmp_path)
    pq.write_table(pa.table({"strike": [1.0]}), tmp_path / "chain.parquet")
    with pytest.raises(DataError, match="of an option chain was expected"):
        read_captures(tmp_path / "chain.parquet")


@pytest.fixture(scope="module")
def synchronous(shared_data: Path) -> Published:
    return read_tickers(shared_data / TICKERS)


@pytest.mark.needs_data
def test_synchronous_deltas_gammas_and_vegas_are_the_venues(synchronous: Published) -> None:
    """The volatility is published with two decimals of a point, delta with five of one, gamma with five."""
    assert len(synchronous.days) == 3_978
    delta = synchronous.cells("delta")
    assert len(delta) >= 17
    assert max(delta.values()) < 1.01e-4
    assert max(error for (tenor, _), error in delta.items() if tenor not in {"< 1 d", "1-7 d"}) < 4.3e-5
    assert max(synchronous.cells("gamma").values()) < 5.01e-6
    assert max(synchronous.cells("vega").values()) < 0.0375


@pytest.mark.needs_data
def test_synchronous_thetas_are_the_venues_where_it_does_not_cut_them(synchronous: Published) -> None:
    """Beyond five days; below it Deribit cuts the theta of cheap options (data FACTS.md)."""
    columns, our = synchronous.columns, synchronous.our
    long = (synchronous.days > 5.0) & (np.abs(columns["theta"]) > 1.0)
    assert long.sum() > 2_000
    assert np.abs(our.theta[long] / columns["theta"][long] - 1.0).max() < 0.01


@pytest.mark.needs_data
def test_the_premium_in_coin_and_its_volatility_are_the_venues(synchronous: Published) -> None:
    """Forwards back: the coin mark; backwards: the mark's implied volatility where a rounded mark says one."""
    columns, our = synchronous.columns, synchronous.our
    assert np.abs(our.premium / columns["forward"] - columns["mark"]).max() < 4.4e-4
    quoted = columns["mark"] * columns["forward"]
    found = implied_vol(quoted, columns["forward"], columns["strike"], columns["years"], synchronous.is_call)
    clear = (our.vega > 0.01 * columns["forward"] * np.sqrt(columns["years"])) & (synchronous.days > 1.0)
    assert clear.sum() > 2_500
    assert (found.reason[clear] == NoVol.FOUND).mean() > 0.99
    known = clear & (found.reason == NoVol.FOUND)
    error = np.abs(found.vol[known] - columns["iv"][known] / 100.0)
    # The mark in coin has four decimals, at times with a forward of its own: two points at worst, mostly a tenth.
    assert np.quantile(error, 0.5) < 0.002
    assert np.quantile(error, 0.99) < 0.025


@pytest.mark.needs_data
def test_deltas_of_the_captures_that_were_not_synchronous(shared_data: Path) -> None:
    """349,510 rows of BTC and ETH over two months with a crash; what is left is the index's move within a capture."""
    rows = read_captures(shared_data / CAPTURES / "deribit_btc_eth_chain_6h.parquet")
    largest = rows.cells("delta")
    assert len(rows.days) > 340_000
    assert max(value for (tenor, _), value in largest.items() if tenor != "< 1 d") < 0.0275
    assert max(value for (tenor, _), value in largest.items() if tenor not in {"< 1 d", "1-7 d"}) < 0.0155
    assert np.quantile(rows.error("delta"), 0.5) < 5e-5
