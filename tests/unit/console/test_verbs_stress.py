"""`hedgebot stress` on a file: a table, the worst, what margin it leaves; and what it says to nonsense."""

import json
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from hedgebot.console.main import app
from hedgebot.domain.riskbook import RiskBook
from tests.support.riskbooks import book, coins, option


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["stress", *words])
    return result.exit_code, result.output + str(result.exception or "")


def saved(folder: Path, one: RiskBook) -> str:
    path = folder / "book.json"
    path.write_bytes(msgspec.json.encode(one))
    return str(path)


def test_a_book_in_a_file_is_stressed(tmp_path: Path) -> None:
    one = book(coins("BTC", 1.0), option("BTC", -2.0, price=100_000.0, strike=120_000.0), equity=150_000.0)
    code, output = run("--book", saved(tmp_path, one))
    assert code == 0
    assert "expected shortfall" in output
    assert "of equity 150,000 USD" in output
    assert "2020-03-12, close" in output
    assert "2025-10-10, low" in output
    assert "worst for the book: " in output
    assert "worst for margin: " in output
    assert "vol +50%" in output
    assert "-40%" in output


def test_programs_get_every_number(tmp_path: Path) -> None:
    code, output = run("--book", saved(tmp_path, book(coins("BTC", 1.0))), "--json")
    data = json.loads(output)
    assert code == 0
    assert data["tail"]["scenarios"] == 500
    assert len(data["stress"]["table"]) == 9
    assert data["stress"]["worst"]["profit_usd"] < 0.0


def test_what_margin_would_come_to_is_said(tmp_path: Path) -> None:
    _, rich = run("--book", saved(tmp_path, book(coins("BTC", 0.1))))
    assert "stays below the alert at 50%" in rich
    _, poor = run("--book", saved(tmp_path, book(coins("BTC", 1.0), equity=20_000.0)))
    assert "would have the account liquidated" in poor


def test_the_floor_that_a_stress_is_held_against_is_the_one_of_the_regime(tmp_path: Path) -> None:
    normal = msgspec.structs.replace(
        book(coins("BTC", 1.0), equity=75_000.0), margin_use_alert=0.05, margin_use_high_vol=0.1
    )
    raised = msgspec.structs.replace(
        normal, accounts=tuple(msgspec.structs.replace(one, floor_raised=True) for one in normal.accounts)
    )
    assert "would raise MarginBufferLow (above 5%)" in run("--book", saved(tmp_path, normal))[1]
    assert "to REDUCING (above 10%)" in run("--book", saved(tmp_path, raised))[1]


def test_an_unknown_risk_is_said_beside_what_is_known(tmp_path: Path) -> None:
    code, output = run("--book", saved(tmp_path, book(coins("SOL", 1.0), prices={"SOL": 100.0})))
    assert code == 0
    assert "ASSUMED: SOL has no history of returns: it counts as 2 times the moves of BTC" in output
    assert "worst for the book" in output


@pytest.mark.parametrize(
    ("content", "words"),
    [("{", "is no book of ours"), ('{"at_ns": 1, "underlyings": [], "x": 1}', "is no book of ours")],
)
def test_a_file_that_is_no_book_is_named(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "book.json"
    path.write_text(content, encoding="utf-8")
    code, output = run("--book", str(path))
    assert code != 0
    assert words in output


def test_an_empty_book_has_nothing_to_stress(tmp_path: Path) -> None:
    code, output = run("--book", saved(tmp_path, RiskBook(at_ns=1, underlyings=())))
    assert code != 0
    assert "no underlying with a price" in output


def test_closes_take_the_place_of_the_history(tmp_path: Path) -> None:
    kept = saved(tmp_path, book(coins("SOL", 1.0), prices={"SOL": 100.0}))
    days = [(date(2024, 1, 1) + timedelta(days=number)).isoformat() for number in range(300)]
    rows = [f"{day},{100 + number % 7}" for number, day in enumerate(days)]
    (tmp_path / "sol.csv").write_text("\n".join(["date,close", *rows]))
    code, output = run("--book", kept, "--closes", f"SOL={tmp_path / 'sol.csv'}")
    assert code == 0
    assert "ASSUMED" not in output
    code, output = run("--book", kept, "--closes", "SOL=nowhere.csv")
    assert code != 0
    assert "must be COIN=FILE with a file that exists" in output
    code, output = run("--book", kept, "--closes", f"SOL={tmp_path / 'sol.csv'}", "--history", "h.json")
    assert code != 0
    assert "two histories" in output


@pytest.mark.parametrize(
    ("equity", "words"),
    [
        (0.0, "and no equity is left: equity 0 USD"),
        (-5_000.0, "and no equity is left: equity -5,000 USD"),
        (None, "equity is unknown"),
    ],
)
def test_equity_that_is_gone_is_not_called_unknown_nor_a_negative_share(
    tmp_path: Path, equity: float | None, words: str
) -> None:
    code, output = run("--book", saved(tmp_path, book(coins("BTC", 1.0), equity=equity)))
    assert code == 0
    assert words in output
    assert "% of equity" not in output


def test_a_margin_of_zero_in_portfolio_mode_is_unknown_and_said(tmp_path: Path) -> None:
    one = book(coins("BTC", 1.0), margin=0.0)
    account = msgspec.structs.replace(one.accounts[0], venue="bybit", margin_mode="portfolio")
    code, output = run("--book", saved(tmp_path, msgspec.structs.replace(one, accounts=(account,))))
    assert code == 0
    assert "margin use now unknown; what a stress would leave of margin is unknown" in output
    words = "margin of main: the venue reports no margin for positions that need some: unknown, not zero"
    assert words in " ".join(output.split())
