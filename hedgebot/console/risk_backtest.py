"""The series and books that `hedgebot stress --backtest` tests the VaR on. The test itself is `hedgebot.margin`'s."""

from functools import partial
from pathlib import Path

import numpy as np

from hedgebot.console.errors import WrongUse
from hedgebot.domain.errors import DataError
from hedgebot.domain.riskbook import RiskBook
from hedgebot.exchange.recordfile import positive, read_rows
from hedgebot.lab.figures_history import FOLDER
from hedgebot.lab.reproduce import find_recordings
from hedgebot.margin.revaluation import Columns
from hedgebot.margin.var_backtest import Backtest, backtest
from hedgebot.pricing.black76 import Floats

_SHIPPED_SEPARATELY = {"BTC": "BTC_d.csv.gz", "ETH": "ETH_d.csv.gz"}


def daily_returns(closes: list[str]) -> tuple[tuple[str, ...], Floats]:
    """Coins and their joint daily returns, shape (days, coins), from COIN=FILE words or the recordings beside us."""
    files = named_files(closes) if closes else _found()
    series = {}
    for coin, path in files.items():
        rows = read_rows(path, {"close": ("close",)})
        positive(rows, ("close",))
        series[coin] = dict(zip(rows.times_ns.tolist(), rows.columns["close"].tolist(), strict=True))
    joint = sorted(set.intersection(*(set(one) for one in series.values())))
    prices = np.array([[one[moment] for one in series.values()] for moment in joint])
    return tuple(series), np.asarray(np.diff(prices, axis=0) / prices[:-1])


def named_files(words: list[str]) -> dict[str, Path]:
    """Files by coin from COIN=FILE words; WrongUse for another shape, or a file that is not there."""
    files = {}
    for word in words:
        coin, mark, name = word.partition("=")
        if not mark or not coin or not Path(name).is_file():
            raise WrongUse(f"--closes {word!r} must be COIN=FILE with a file that exists, like BTC=BTC_d.csv.gz")
        files[coin] = Path(name)
    return files


def _found() -> dict[str, Path]:
    folder = find_recordings((Path.cwd() / "here", Path.cwd(), Path(__file__).resolve().parents[2]))
    files = {coin: folder / FOLDER / name for coin, name in _SHIPPED_SEPARATELY.items()} if folder else {}
    if not files or not all(path.is_file() for path in files.values()):
        raise WrongUse("there are no recorded closes beside this folder: name files with --closes COIN=FILE")
    return files


def backtests(
    names: tuple[str, ...], returns: Floats, book: RiskBook | None, tails_per_mille: tuple[int, ...]
) -> list[Backtest]:
    """Long and short each coin, and the book, at each level."""
    found = []
    for tail in tails_per_mille:
        for number, name in enumerate(names):
            for word, sign in (("long", 1.0), ("short", -1.0)):
                column = returns[:, number : number + 1]
                found.append(backtest(f"{word} {name}", partial(_signed, sign), column, tail))
        if book is not None:
            found.append(_of_book(book, names, returns, tail))
    return found


def _signed(sign: float, moves: Floats) -> Floats:
    return np.asarray(sign * moves[:, 0])


def _of_book(book: RiskBook, names: tuple[str, ...], returns: Floats, tail: int) -> Backtest:
    pockets = Columns.of(book).pockets
    if absent := sorted({one.underlying for one in pockets} - set(names)):
        raise DataError(f"the book holds {', '.join(absent)}: name its closes with --closes")
    if not pockets:
        raise DataError("the book holds nothing: there is no VaR to test")

    def profit(moves: Floats) -> Floats:
        calm = np.zeros(len(moves))
        return np.asarray(np.sum([one.profits(moves[:, names.index(one.underlying)], calm) for one in pockets], axis=0))

    return backtest("the book", profit, returns, tail)
