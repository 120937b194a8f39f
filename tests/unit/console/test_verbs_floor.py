"""`hedgebot lab floor`: the estimate in the budget's unit, the book's own options, the verdict on a configuration."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
import pytest

Run = Callable[..., tuple[int, str, str]]
HOURS, PER_DAY = 4, 6
AT_NS = 1_700_000_000_000_000_000


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred days of a walk around 60,000 whose volatility is 40 % for a month, then 80 %."""
    vol = np.repeat(np.where((np.arange(200) // 30) % 2 == 0, 0.4, 0.8), PER_DAY) / np.sqrt(365.0 * PER_DAY)
    prices = 60_000.0 * np.exp(np.cumsum(vol * np.random.default_rng(5).standard_normal(len(vol))))
    prices *= 60_000.0 / prices[-1]
    rows = [f"{1_700_000_000_000 // 86_400_000 * 86_400_000 + n * HOURS * 3_600_000},{p}" for n, p in enumerate(prices)]
    path = tmp_path_factory.mktemp("floor") / "hours.csv"
    path.write_text("timestamp,close\n" + "\n".join(rows) + "\n")
    return path


def book_of(folder: Path, *options: tuple[float, float, float, bool]) -> Path:
    """A book as `hedgebot stress --save` writes it: coins, strike, days, whether it is a call."""
    legs = [
        {
            "account": "main",
            "underlying": "BTC",
            "instrument": f"bybit:option:{number}",
            "coins": coins,
            "forward": 60_000.0,
            "strike": strike,
            "expiry_ns": AT_NS + round(days * 86_400e9),
            "vol": 0.6,
            "is_call": is_call,
        }
        for number, (coins, strike, days, is_call) in enumerate(options)
    ]
    account = {"account": "main", "equity_usd": 1e6, "maintenance_margin_usd": 0.0}
    book = {
        "at_ns": AT_NS,
        "underlyings": [{"underlying": "BTC", "price_usd": 60_000.0}],
        "accounts": [account],
        "options": legs,
    }
    path = folder / "book.json"
    path.write_bytes(orjson.dumps(book))
    return path


def configured(root: Path, folder: Path, budget_usd: float, extra: str = "") -> Path:
    """The shipped configuration of backtests with another budget."""
    text = (root / "config" / "backtest.toml").read_text("utf-8")
    assert "tracking_error_usd = 500.0" in text
    path = folder / "mine.toml"
    path.write_text(text.replace("tracking_error_usd = 500.0", f"tracking_error_usd = {budget_usd}\n{extra}"), "utf-8")
    (folder / "demo-limits.toml").write_text((root / "config" / "demo-limits.toml").read_text("utf-8"), "utf-8")
    return path


def floor_usd(hedgebot: Run, *words: object) -> float:
    code, out, err = hedgebot("lab", "floor", *words, "--json")
    assert code in {0, 6}, err
    return float(orjson.loads(out)["floor"]["floor_usd"])


def test_the_floor_is_told_in_the_budgets_unit_and_of_the_premium(hedgebot: Run, history: Path) -> None:
    code, out, _ = hedgebot("lab", "floor", f"BTC={history}")
    assert code == 0
    assert "BTC: one call sold at the money, 30 days, hedged with the volatility of the 30 days before, a look" in out
    assert "noise floor " in out
    assert " USD/sqrt(day) over a mean life of 30 days: " in out
    assert "% of the " in out
    assert "for the configuration: noise_floor_usd = " in out
    card = orjson.loads(hedgebot("lab", "floor", f"BTC={history}", "--json")[1])
    assert card["least_budget_usd"] == pytest.approx(1.1007 * card["floor"]["floor_usd"], rel=1e-4)


def test_the_books_own_options_are_what_is_held(hedgebot: Run, history: Path, tmp_path: Path) -> None:
    one = floor_usd(hedgebot, f"BTC={history}", "--book", book_of(tmp_path, (-1.0, 60_000.0, 30.0, True)))
    assert one == pytest.approx(floor_usd(hedgebot, f"BTC={history}"), rel=1e-6)
    five = floor_usd(hedgebot, f"BTC={history}", "--book", book_of(tmp_path, (-5.0, 60_000.0, 30.0, True)))
    assert five == pytest.approx(5.0 * one)
    code, _, err = hedgebot("lab", "floor", f"BTC={history}", "--book", book_of(tmp_path))
    assert (code, "the book holds no options" in err) == (1, True)
    code, _, err = hedgebot("lab", "floor", f"ETH={history}", "--book", book_of(tmp_path))
    assert (code, "has no ETH; it has BTC" in err) == (2, True)


@pytest.mark.parametrize(
    ("share", "code", "words"),
    [
        (0.9, 6, "below the noise floor of "),
        (1.05, 6, "within 10 % of the noise floor of "),
        (1.5, 0, "50% above the noise floor: good; its noise_floor_usd is 0, this history says "),
    ],
)
def test_a_budget_is_held_against_it(
    hedgebot: Run, history: Path, tmp_path: Path, root: Path, share: float, code: int, words: str
) -> None:
    floor = floor_usd(hedgebot, f"BTC={history}")
    config = configured(root, tmp_path, round(share * floor, 3))
    found, out, _ = hedgebot("lab", "floor", f"BTC={history}", "--config", config)
    assert found == code
    assert "strategies.cost_aware.params.tracking_error_usd" in out
    assert words in out


def test_a_book_without_a_floor_leaves_every_budget(hedgebot: Run, history: Path, tmp_path: Path, root: Path) -> None:
    # As deep in the money as a coin: nothing of a volatility is in it.
    deep = book_of(tmp_path, (-1.0, 0.06, 5.0, True))
    found, out, err = hedgebot(
        "lab", "floor", f"BTC={history}", "--book", deep, "--config", configured(root, tmp_path, 500.0)
    )
    assert (found, "tracking_error_usd = 500: this book has no noise floor: good" in out) == (0, True), err


def test_the_stated_floor_refuses_the_configuration_and_a_missing_one_is_a_doubt(
    hedgebot: Run, tmp_path: Path, root: Path
) -> None:
    code, _, err = hedgebot("config", "validate", configured(root, tmp_path, 500.0, "noise_floor_usd = 480.0"))
    assert (code, "volatility error alone leaves 480" in err) == (6, True)
    code, out, _ = hedgebot("config", "validate", configured(root, tmp_path, 500.0), "--no-secrets")
    assert (code, "doubtful: strategies.cost_aware.params.noise_floor_usd is not stated" in out) == (0, True)


def test_another_volatility_can_be_named(hedgebot: Run, history: Path, tmp_path: Path) -> None:
    moments = [row.split(",")[0] for row in history.read_text().splitlines()[1:]]
    for value, scale in (("60", "points"), ("0.6", "fractions")):
        vols = tmp_path / f"{scale}.csv"
        vols.write_text("timestamp,vol\n" + "\n".join(f"{moment},{value}" for moment in moments) + "\n")
    points, fractions = (
        floor_usd(hedgebot, f"BTC={history}", "--vols", tmp_path / f"{one}.csv") for one in ("points", "fractions")
    )
    assert points == pytest.approx(fractions)
    assert points != pytest.approx(floor_usd(hedgebot, f"BTC={history}"), rel=0.02)
    bad = tmp_path / "bad.csv"
    bad.write_text(
        "timestamp,vol\n" + "\n".join(f"{moment},{60 if n else 0}" for n, moment in enumerate(moments)) + "\n"
    )
    code, _, err = hedgebot("lab", "floor", f"BTC={history}", "--vols", bad)
    assert (code, "row 1: a volatility of 0; it must be a fraction a year (0.6) or points (60)" in err) == (1, True)
