"""`hedgebot lab floor`: what an error in volatility leaves of a book, and whether a tracking budget can be had.

Owns the files, the words and the verdict. The estimate is `hedgebot.lab.noisefloor`'s, the limit the pricing's.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hedgebot.console.backtest_report import money, number
from hedgebot.console.errors import WrongUse
from hedgebot.console.output import emit, plain
from hedgebot.console.place import JsonFlag
from hedgebot.domain.durations import NS_PER_DAY
from hedgebot.domain.errors import DataError, ExitCode
from hedgebot.domain.settings import BUDGET, FLOOR

if TYPE_CHECKING:
    from hedgebot.config.loader import Config
    from hedgebot.lab.noisefloor import Held, NoiseFloor, Series

_REFERENCE_DAYS = 30.0
_VOL_NAMES = ("vol", "iv", "implied_volatility", "dvol_close", "close")
_POINTS_ABOVE = 3.0
"""Volatilities whose middle is above it are points (60), not fractions (0.6): no coin has 300 % for half a history."""
_VOL_MIN, _VOL_MAX = 0.02, 20.0


def floor(
    closes: Annotated[str, typer.Argument(help="COIN=FILE of closes, an hour or less apart, CSV or Parquet.")],
    book: Annotated[
        Path | None,
        typer.Option("--book", help="The book, as `hedgebot stress --save` writes it. Default: one call sold."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="Hold the tracking budgets of this configuration against it.")
    ] = None,
    vols: Annotated[
        Path | None,
        typer.Option("--vols", help="Volatility that hedges rest on, by time. Default: what closes did before."),
    ] = None,
    trailing_days: Annotated[
        float, typer.Option("--trailing-days", min=1.0, max=365.0, help="Without --vols: days that are looked back.")
    ] = 30.0,
    as_json: JsonFlag = False,
) -> None:
    """Estimate the tracking error below which no band can bring a book of options, in USD per square root of a day.

    The book is held through every window of history and hedged with the volatility that was known then; the smallest
    deviation over all widths is the floor. Exit code: 0, or 6 where a budget of --config is too close to it.
    """
    from hedgebot.lab.noisefloor import noise_floor

    coin, series = _closes(closes)
    held, price_usd = _held(book, coin, float(series.values[-1]))
    found = noise_floor(
        series, held, price_usd, vols=None if vols is None else _vols(vols), trailing_days=trailing_days
    )
    how = f"the volatility of the {trailing_days:g} days before" if vols is None else f"the volatility in {vols}"
    told, refused = _verdicts(config, coin, found)
    whose = "one call sold at the money, 30 days" if book is None else f"{len(held)} options of {book}"
    emit(
        {"underlying": coin, "floor": found, "least_budget_usd": _least(found), "told": told},
        [*floor_lines(coin, whose, how, found), *told],
        as_json=as_json,
    )
    raise typer.Exit(ExitCode.REFUSED if refused else ExitCode.OK)


def floor_lines(coin: str, whose: str, how: str, found: "NoiseFloor") -> list[str]:
    """The estimate in words."""
    head = (
        f"{plain(coin)}: {plain(whose)}, hedged with {plain(how)}, a look every {number(found.check_hours)} h; "
        f"{found.windows:,} windows of history ({found.independent:.0f} that do not overlap)"
    )
    estimate = (
        f"noise floor {money(found.floor_usd)} USD/sqrt(day) over a mean life of {number(found.days)} days: "
        f"{money(found.deviation_usd)} USD, {found.premium_share:.1%} of the {money(found.premium_usd)} USD that the "
        "options are worth, however tight the band"
    )
    known = f"with a volatility that is known in advance these looks would leave {money(found.known_usd)} USD/sqrt(day)"
    keys = (
        f"for the configuration: noise_floor_usd = {found.floor_usd:.4g}, and tracking_error_usd at least "
        f"{_least(found):.4g} (10 % above it: tighter costs more and tracks no better)"
    )
    return [head, estimate, known, keys]


def _least(found: "NoiseFloor") -> float:
    from hedgebot.pricing.band import least_budget

    return least_budget(found.floor_usd)


def _closes(words: str) -> "tuple[str, Series]":
    from hedgebot.console.risk_backtest import named_files
    from hedgebot.exchange.recordfile import positive, read_rows
    from hedgebot.lab.noisefloor import Series

    (coin, path), *_ = named_files([words]).items()
    rows = read_rows(path, {"close": ("close",)})
    positive(rows, ("close",))
    return coin, Series.of(rows, "close")


def _vols(path: Path) -> "Series":
    """Fractions a year; points are told by their size. DataError for what is no volatility."""
    import numpy as np

    from hedgebot.exchange.recordfile import read_rows
    from hedgebot.lab.noisefloor import Series

    rows = read_rows(path, {"vol": _VOL_NAMES})
    values = rows.columns["vol"]
    scale = 0.01 if float(np.median(values[np.isfinite(values)])) > _POINTS_ABOVE else 1.0
    wrong = ~((values * scale >= _VOL_MIN) & (values * scale <= _VOL_MAX))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"recording {path}, row {row + 1}: a volatility of {values[row]:g}; it must be a fraction a year (0.6) or "
            "points (60), in all rows alike"
        )
    rows.columns["vol"] = values * scale
    return Series.of(rows, "vol")


def _held(book: Path | None, coin: str, last_usd: float) -> "tuple[list[Held], float]":
    """A book's options of a coin and its price; one call sold at the money where there is no book."""
    from hedgebot.console.verbs_stress import book_from_file
    from hedgebot.lab.noisefloor import Held

    if book is None:
        return [Held(-1.0, 1.0, _REFERENCE_DAYS)], last_usd
    chosen = book_from_file(book)
    point = next((one for one in chosen.underlyings if one.underlying == coin), None)
    if point is None:
        known = ", ".join(one.underlying for one in chosen.underlyings)
        raise WrongUse(f"--book {book} has no {coin}; it has {known or 'nothing'}")
    held = [
        Held(one.coins, one.strike / one.forward, (one.expiry_ns - chosen.at_ns) / NS_PER_DAY, one.is_call)
        for one in chosen.options
        if one.underlying == coin and one.coins and one.expiry_ns > chosen.at_ns
    ]
    return held, point.price_usd


def _verdicts(config: Path | None, coin: str, found: "NoiseFloor") -> tuple[list[str], bool]:
    """What the floor says of each budget that is configured, and whether one is refused."""
    if config is None:
        return [], False
    from hedgebot.config.loader import load_config

    loaded = load_config(config)
    budgets = _budgets(loaded, coin)
    if not budgets:
        return [f"{config}: no strategy of {coin} has a tracking budget"], False
    told = [_verdict(key, budget, stated, found) for key, budget, stated in budgets]
    return told, any(budget < _least(found) for _, budget, _ in budgets)


def _budgets(config: "Config", coin: str) -> list[tuple[str, float, float]]:
    """Key, tracking budget and stated floor of each strategy of a coin that has one."""
    from hedgebot.console.verbs_tune import budget_strategies

    return [
        (f"strategies.{one.name}.params", float(one.params[BUDGET]), float(one.params.get(FLOOR, 0.0)))
        for one in budget_strategies(config, coin)
    ]


def _verdict(key: str, budget: float, stated: float, found: "NoiseFloor") -> str:
    least, floor_usd = _least(found), found.floor_usd
    if budget < floor_usd:
        said = (
            f"REFUSED: {key}.tracking_error_usd is {budget:g}, below the noise floor of {floor_usd:.4g} that "
            f"volatility alone leaves: it cannot be had; at least {least:.4g}"
        )
    elif budget < least:
        said = (
            f"REFUSED: {key}.tracking_error_usd is {budget:g}, within 10 % of the noise floor of {floor_usd:.4g}: the "
            f"band would cost more than a fixed one and track no better; at least {least:.4g}"
        )
    elif floor_usd <= 0.0:
        said = f"{key}.tracking_error_usd = {budget:g}: this book has no noise floor: good"
    else:
        said = f"{key}.tracking_error_usd = {budget:g} is {budget / floor_usd - 1.0:.0%} above the noise floor: good"
    if not 0.8 * floor_usd <= stated <= 1.25 * floor_usd:
        said += f"; its noise_floor_usd is {stated:g}, this history says {floor_usd:.4g}"
    return said
