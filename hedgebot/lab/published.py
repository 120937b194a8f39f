"""Our greeks against those that a venue published with recorded option chains: largest errors by moneyness and tenor.

Owns the two layouts and what is not synchronous in one of them: in m19 forwards come from one call and greeks from
others minutes later, so each forward is moved by the index since its capture began (data FACTS.md). m18's rows are one
ticker each. The venue publishes Black-Scholes deltas on the expiry's own forward, vega per volatility point.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hedgebot.domain.errors import DataError
from hedgebot.lab.experiment import Experiment, Figures, Setting
from hedgebot.pricing.black76 import Bools, Floats, Greeks, greeks

TICKERS = "m18_deribit_btc_chain_full_greeks"
CAPTURES = "m19_deribit_chain_6h_20251230_20260228"

TENORS = {
    "< 1 d": (0.0, 1.0),
    "1-7 d": (1.0, 7.0),
    "7-30 d": (7.0, 30.0),
    "30-90 d": (30.0, 90.0),
    "> 90 d": (90.0, 1e9),
}
"""Days to expiry."""
WINGS = {"< .05": (0.0, 0.05), ".05-.15": (0.05, 0.15), ".15-.4": (0.15, 0.4), "> .4": (0.4, 1e9)}
"""Distance |ln(K/F)|."""
MS_PER_YEAR = 365 * 86_400_000


class Published(NamedTuple):
    """Rows with the venue's own numbers by name, and our greeks at its mark volatility."""

    days: Floats
    distance: Floats
    columns: Mapping[str, Floats]
    is_call: Bools
    our: Greeks

    def error(self, name: str) -> Floats:
        """Absolute error of delta, gamma or vega (USD per volatility point)."""
        ours = {"delta": self.our.delta, "gamma": self.our.gamma, "vega": self.our.vega / 100.0}[name]
        return np.abs(ours - self.columns[name])

    def cells(self, name: str) -> dict[tuple[str, str], float]:
        """Largest error of each tenor and wing that has rows."""
        error, found = self.error(name), {}
        for tenor, (days_min, days_max) in TENORS.items():
            for wing, (near, far) in WINGS.items():
                mine = (self.days >= days_min) & (self.days < days_max)
                mine &= (self.distance >= near) & (self.distance < far)
                if mine.any():
                    found[tenor, wing] = float(error[mine].max())
        return found


def read_tickers(folder: Path) -> Published:
    """Chains of whole tickers (m18's layout); DataError where the folder has none."""
    names = {
        "strike": "strike",
        "expiry": "expiration_timestamp",
        "at": "timestamp",
        "iv": "mark_iv",
        "forward": "underlying_price",
        "mark": "mark_price",
        **{name: f"greeks_{name}" for name in ("delta", "gamma", "vega", "theta")},
    }
    files = sorted(folder.glob("deribit_btc_options_*.parquet"))
    if not files:
        raise DataError(f"{folder} holds no deribit_btc_options_*.parquet")
    tables = [_table(file, [*names.values(), "option_type"]) for file in files]
    columns = {name: np.concatenate([_floats(table, word) for table in tables]) for name, word in names.items()}
    columns["years"] = (columns["expiry"] - columns["at"]) / MS_PER_YEAR
    is_call = np.concatenate([_is(table, "option_type", "call") for table in tables])
    return _valued(columns, is_call, columns["iv"] / 100.0)


def read_captures(file: Path) -> Published:
    """Chains whose forwards and greeks come from different moments (m19's layout)."""
    import pyarrow as pa

    names = {"strike": "strike", "iv": "implied_volatility", "forward": "underlying", "delta": "delta", "vega": "vega"}
    names |= {"index": "index_price", "mark": "mark_price"}
    table = _table(file, [*names.values(), "timestamp", "expiry_datetime", "option_type", "currency"])
    columns = {name: _floats(table, word) for name, word in names.items()}
    at, expiry = (table[name].cast(pa.int64()).to_numpy() for name in ("timestamp", "expiry_datetime"))
    # One capture of one coin; its first row's index is the one that its forwards were taken with.
    _, first, mine = np.unique(at * 2 + _is(table, "currency", "BTC"), return_index=True, return_inverse=True)
    columns["forward"] = columns["forward"] * columns["index"] / columns["index"][first][mine]
    columns["years"] = (expiry - at) / (MS_PER_YEAR * 1_000.0)
    alive = columns["years"] > 0.0
    is_call = _is(table, "option_type", "call")
    return _valued({name: column[alive] for name, column in columns.items()}, is_call[alive], columns["iv"][alive])


def _table(file: Path, names: list[str]) -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(file, columns=names)
    except (OSError, pa.ArrowInvalid) as problem:
        raise DataError(f"recording {file}: {problem}; a Parquet file of an option chain was expected") from None


def _floats(table: Any, name: str) -> Floats:  # noqa: ANN401
    return np.asarray(table[name].to_numpy(), dtype=np.float64)


def _is(table: Any, name: str, word: str) -> Bools:  # noqa: ANN401
    return np.array([one == word for one in table[name].to_pylist()], dtype=np.bool_)


def _valued(columns: dict[str, Floats], is_call: Bools, vol: Floats) -> Published:
    our = greeks(columns["forward"], columns["strike"], columns["years"], vol, is_call)
    distance = np.abs(np.log(columns["strike"] / columns["forward"]))
    return Published(columns["years"] * 365.0, distance, columns, is_call, our)


def _tickers(setting: Setting) -> Figures:
    rows = read_tickers((setting.data or Path()) / TICKERS)
    return {f"published-m18-{name}": float(rows.error(name).max()) for name in ("delta", "gamma", "vega")}


def _captures(setting: Setting) -> Figures:
    rows = read_captures((setting.data or Path()) / CAPTURES / "deribit_btc_eth_chain_6h.parquet")
    error = rows.error("delta")
    return {
        "published-m19-delta-1d": float(error[rows.days > 1.0].max()),
        "published-m19-delta-7d": float(error[rows.days > 7.0].max()),
    }


EXPERIMENTS = (
    Experiment(
        ids=tuple(f"published-m18-{name}" for name in ("delta", "gamma", "vega")), find=_tickers, folder=TICKERS
    ),
    Experiment(ids=("published-m19-delta-1d", "published-m19-delta-7d"), find=_captures, folder=CAPTURES, seconds=2.0),
)
