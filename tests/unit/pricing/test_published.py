"""Our greeks against those that Deribit published with recorded chains: the largest error by moneyness and tenor.

m18 is synchronous (each row one ticker); m19 is not: its forward comes from one call and the greeks from others minutes
later, so the forward is moved by the index inside a capture (data FACTS.md). Run with -s to see the tables.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hedgebot.pricing.black76 import Bools, Floats, Greeks, greeks
from hedgebot.pricing.implied import NoVol, implied_vol

TENORS = {
    "< 1 d": (0.0, 1.0),
    "1-7 d": (1.0, 7.0),
    "7-30 d": (7.0, 30.0),
    "30-90 d": (30.0, 90.0),
    "> 90 d": (90.0, 1e9),
}
WINGS = {"|k| < .05": (0.0, 0.05), ".05-.15": (0.05, 0.15), ".15-.4": (0.15, 0.4), "> .4": (0.4, 1e9)}
MS_PER_YEAR = 365 * 86_400_000


class Published(NamedTuple):
    """Columns of rows with the venue's own numbers; `our` are the greeks at its mark volatility."""

    days: Floats
    log_moneyness: Floats
    columns: Mapping[str, Floats]
    is_call: Bools
    our: Greeks


def _read(table: pa.Table, names: Mapping[str, str]) -> dict[str, Floats]:
    return {ours: np.asarray(table[theirs].to_numpy(), dtype=np.float64) for ours, theirs in names.items()}


@pytest.fixture(scope="module")
def synchronous(shared_data: Path) -> Published:
    files = sorted((shared_data / "m18_deribit_btc_chain_full_greeks").glob("deribit_btc_options_*.parquet"))
    names = {
        "strike": "strike",
        "expiry": "expiration_timestamp",
        "at": "timestamp",
        "iv": "mark_iv",
        "forward": "underlying_price",
        "mark": "mark_price",
        **{name: f"greeks_{name}" for name in ("delta", "gamma", "vega", "theta")},
    }
    tables = [pq.read_table(file, columns=[*names.values(), "option_type"]) for file in files]
    read = [_read(table, names) for table in tables]
    columns = {name: np.concatenate([one[name] for one in read]) for name in names}
    is_call = np.concatenate([np.array(table["option_type"].to_pylist()) == "call" for table in tables])
    columns["years"] = (columns["expiry"] - columns["at"]) / MS_PER_YEAR
    return _valued(columns, is_call, columns["iv"] / 100.0)


@pytest.fixture(scope="module")
def captures(shared_data: Path) -> Published:
    file = shared_data / "m19_deribit_chain_6h_20251230_20260228" / "deribit_btc_eth_chain_6h.parquet"
    names = {"strike": "strike", "iv": "implied_volatility", "forward": "underlying", "delta": "delta", "vega": "vega"}
    names |= {"index": "index_price", "mark": "mark_price"}
    moments = ["timestamp", "expiry_datetime"]
    table = pq.read_table(file, columns=[*names.values(), *moments, "option_type", "currency"])
    columns = _read(table, names)
    at, expiry = (table[name].cast(pa.int64()).to_numpy() for name in moments)
    groups = at * 2 + (np.asarray(table["currency"].cast(pa.string()).to_pylist()) == "BTC")
    # One index per capture: the forwards were taken with the first row's.
    _, first, mine = np.unique(groups, return_index=True, return_inverse=True)
    columns["forward"] = columns["forward"] * columns["index"] / columns["index"][first][mine]
    columns["years"] = (expiry - at) / (MS_PER_YEAR * 1_000.0)
    alive = columns["years"] > 0.0
    is_call = np.asarray(table["option_type"].cast(pa.string()).to_pylist()) == "call"
    return _valued({name: column[alive] for name, column in columns.items()}, is_call[alive], columns["iv"][alive])


def _valued(columns: dict[str, Floats], is_call: Bools, vol: Floats) -> Published:
    our = greeks(columns["forward"], columns["strike"], columns["years"], vol, is_call)
    log_moneyness = np.log(columns["strike"] / columns["forward"])
    return Published(columns["years"] * 365.0, log_moneyness, columns, is_call, our)


def error_table(name: str, rows: Published, error: Floats) -> dict[tuple[str, str], float]:
    """Largest error of each cell that has rows; printed."""
    found: dict[tuple[str, str], float] = {}
    print(f"\n{name:>26}" + "".join(f"{wing:>12}" for wing in WINGS))
    for tenor, (days_min, days_max) in TENORS.items():
        line = f"{tenor:>26}"
        for wing, (near, far) in WINGS.items():
            distance = np.abs(rows.log_moneyness)
            mine = (rows.days >= days_min) & (rows.days < days_max) & (distance >= near) & (distance < far)
            if mine.any():
                found[tenor, wing] = float(error[mine].max())
            line += f"{found.get((tenor, wing), np.nan):>12.3g}"
        print(line)
    return found


@pytest.mark.needs_data
def test_synchronous_deltas_gammas_and_vegas_are_the_venues(synchronous: Published) -> None:
    columns, our = synchronous.columns, synchronous.our
    assert len(columns["delta"]) == 3_978
    delta = error_table("delta, m18", synchronous, np.abs(our.delta - columns["delta"]))
    gamma = error_table("gamma, m18", synchronous, np.abs(our.gamma - columns["gamma"]))
    vega = error_table("vega USD per point, m18", synchronous, np.abs(our.vega / 100.0 - columns["vega"]))
    # The volatility is published with two decimals of a point and delta with five of one.
    assert max(delta.values()) < 1.01e-4
    assert max(error for (tenor, _), error in delta.items() if tenor[0] != "<" and tenor != "1-7 d") < 4.3e-5
    assert max(gamma.values()) < 5.01e-6
    assert max(vega.values()) < 0.038
    assert len(delta) >= 17


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
    coin = error_table("mark in coin, m18", synchronous, np.abs(our.premium / columns["forward"] - columns["mark"]))
    assert max(coin.values()) < 4.4e-4
    found = implied_vol(
        columns["mark"] * columns["forward"],
        columns["forward"],
        columns["strike"],
        columns["years"],
        synchronous.is_call,
    )
    clear = (our.vega > 0.01 * columns["forward"] * np.sqrt(columns["years"])) & (synchronous.days > 1.0)
    assert clear.sum() > 2_500
    assert (found.reason[clear] == NoVol.FOUND).mean() > 0.99
    known = clear & (found.reason == NoVol.FOUND)
    error = np.abs(found.vol[known] - columns["iv"][known] / 100.0)
    # The mark in coin has four decimals, at times with a forward of its own: two points at worst, mostly a tenth.
    assert np.quantile(error, 0.5) < 0.002
    assert np.quantile(error, 0.99) < 0.025


@pytest.mark.needs_data
def test_deltas_of_the_captures_that_were_not_synchronous(captures: Published) -> None:
    """349,510 rows of BTC and ETH over two months with a crash; what is left is the index's move within a capture."""
    columns, our = captures.columns, captures.our
    error = np.abs(our.delta - columns["delta"])
    largest = error_table("delta, m19", captures, error)
    error_table("vega USD per point, m19", captures, np.abs(our.vega / 100.0 - columns["vega"]))
    assert len(error) > 340_000
    assert max(value for (tenor, _), value in largest.items() if tenor != "< 1 d") < 0.03
    assert max(value for (tenor, _), value in largest.items() if tenor not in {"< 1 d", "1-7 d"}) < 0.016
    assert np.quantile(error, 0.5) < 5e-5
