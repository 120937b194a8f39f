"""The backtest on files: the reference's exceptions on recorded days, a book through its days, and bad words."""

from pathlib import Path

import numpy as np
import pytest

from hedgebot.console.errors import WrongUse
from hedgebot.console.risk_backtest import backtests, daily_returns
from hedgebot.domain.errors import DataError
from tests.support.riskbooks import book, coins, option

FOLDER = "m25_binance_hourly_daily_closes"


def closes(folder: Path, coin: str, days: int = 560, seed: int = 1) -> str:
    random = np.random.default_rng(seed)
    prices = 100.0 * np.cumprod(1.0 + random.normal(0.0, 0.02, days))
    moments = np.datetime64("2024-01-01") + np.arange(days)
    path = folder / f"{coin}.csv"
    rows = [f"{moment}T00:00:00Z,{price}" for moment, price in zip(moments, prices, strict=True)]
    path.write_text("\n".join(["date,close", *rows]) + "\n", encoding="utf-8")
    return f"{coin}={path}"


def test_long_short_and_the_book_are_tested_at_both_levels(tmp_path: Path) -> None:
    names, returns = daily_returns([closes(tmp_path, "BTC"), closes(tmp_path, "ETH", seed=2)])
    assert (names, returns.shape) == (("BTC", "ETH"), (559, 2))
    one = book(coins("BTC", 1.0), option("ETH", -5.0, price=4_000.0, strike=4_000.0))
    found = backtests(names, returns, one, (25,))
    assert [row.name for row in found] == ["long BTC", "short BTC", "long ETH", "short ETH", "the book"]
    assert {row.days for row in found} == {59}
    assert len(backtests(names, returns, None, (10, 25))) == 8


def test_a_book_needs_closes_of_all_it_holds(tmp_path: Path) -> None:
    names, returns = daily_returns([closes(tmp_path, "BTC")])
    with pytest.raises(DataError, match="the book holds ETH"):
        backtests(names, returns, book(coins("ETH", 1.0)), (25,))
    with pytest.raises(DataError, match="holds nothing"):
        backtests(names, returns, book(), (25,))


@pytest.mark.parametrize("word", ["BTC", "=x.csv", "BTC=/none/such.csv"])
def test_a_word_that_names_no_file_is_refused(word: str) -> None:
    with pytest.raises(WrongUse, match="must be COIN=FILE"):
        daily_returns([word])


@pytest.mark.needs_data
def test_the_references_exceptions_come_out(shared_data: Path) -> None:
    """HEDGING 11.1: BTC 29 of 24.2 at 99 % (p .34, cc .42), 67 of 60.6 at 97.5 % (p .41), 2,423 days."""
    files = [f"{coin}={shared_data / FOLDER / f'{coin}_d.csv.gz'}" for coin in ("BTC", "ETH")]
    names, returns = daily_returns(files)
    rows = {(one.name, round(one.level, 3)): one for one in backtests(names, returns, None, (10, 25))}
    at99, at975 = rows["long BTC", 0.99], rows["long BTC", 0.975]
    assert at99.days == 2_423
    assert at99.exceptions == pytest.approx(29, abs=2)
    assert at99.kupiec_p == pytest.approx(0.34, abs=0.02)
    assert at99.christoffersen_p == pytest.approx(0.42, abs=0.02)
    assert at975.exceptions == pytest.approx(67, abs=2)
    assert at975.kupiec_p == pytest.approx(0.41, abs=0.05)
    assert at975.es_ratio == pytest.approx(0.99, abs=0.03)
