"""`hedgebot lab quotes`: recorded quotes through the engine, with and without the skip; a sentence for wrong use."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Run = Callable[..., tuple[int, str, str]]
HOLD = ("--hold", "bybit:inverse:BTCUSD=5000000", "--hold", "bybit:linear:BTCUSDT=-50")
CONFIG = """
limits = "limits.toml"
[book]
name = "quotes"
run_mode = "paper"
[accounts.main]
venue = "bybit"
role = "shared"
endpoint = "http://127.0.0.1:8787"
[underlyings.BTC]
band_coin = 0.02
delta_limit_coin = 5.0
hedge_account = "main"
hedge_instrument = "bybit:linear:BTCUSDT"
delta_convention = "coin_neutral"
order_qty_coin_max = 4.0
order_notional_usd_max = 500000.0
[strategies.delta_neutral]
enabled = true
underlyings = ["BTC"]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "limits.toml").write_text("book_age_ms_max = 5000\n")
    file = tmp_path / "quotes.toml"
    file.write_text(CONFIG)
    return file


def recorded(folder: Path, bid_name: str = "bid_price", off: float = 0.0) -> Path:
    """Two minutes of quotes, a tenth of a second apart."""
    random = np.random.default_rng(1)
    bid = np.rint(1_000_000 * np.exp(np.cumsum(random.standard_normal(1_200)) * 2e-5)) / 10.0
    at_ns = 1_790_000_000_000_000_000 + np.arange(1_200, dtype=np.int64) * 100_000_000
    times = pa.array(at_ns, pa.timestamp("ns", tz="UTC"))
    file = folder / "quotes.parquet"
    pq.write_table(pa.table({"timestamp": times, bid_name: bid + off, "ask_price": bid + 0.2}), file)
    return file


def test_both_ways_tell_the_same(hedgebot: Run, config: Path, tmp_path: Path) -> None:
    file, found = recorded(tmp_path), []
    for flags in ((), ("--every-event",)):
        code, out, err = hedgebot("lab", "quotes", str(config), str(file), *HOLD, *flags, "--json")
        assert (code, err) == (0, "")
        found.append(orjson.loads(out))
    skipped, full = found
    assert skipped["orders"] == skipped["filled"] > 0
    assert (skipped["left_out"] > 600, full["left_out"]) == (True, 0)
    for name in ("digest", "orders", "fees_usd", "gain_usd", "tracking_error_usd", "mode"):
        assert skipped[name] == full[name]


def test_lines_for_people(hedgebot: Run, config: Path, tmp_path: Path) -> None:
    code, out, _ = hedgebot("lab", "quotes", str(config), str(recorded(tmp_path, "bid")), *HOLD)
    assert code == 0
    assert out.startswith("1,200 quotes over 0.00139 days: ")
    assert "events left out by proof" in out


def test_wrong_use_is_one_sentence(hedgebot: Run, config: Path, tmp_path: Path) -> None:
    file = recorded(tmp_path)
    for hold, words in (
        ("bybit:option:X=1", "'bybit:option:X' is no perpetual that is known here"),
        ("bybit:inverse:BTCUSD=many", "'many' is no number of contracts"),
    ):
        code, _, err = hedgebot("lab", "quotes", str(config), str(file), "--hold", hold)
        assert (code, words in err) == (2, True)
    code, _, err = hedgebot("lab", "quotes", str(config), str(recorded(tmp_path, off=0.03)))
    assert code != 0
    assert "is no multiple of" in err
