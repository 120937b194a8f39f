"""`hedgebot margin show` and `what-if` on files: the articles' book, tables at two widths, and clear errors."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from hedgebot.console.main import app
from hedgebot.console.verbs_margin_cost import assumed, limits_of, only_venue
from hedgebot.domain.errors import HedgebotError
from hedgebot.domain.riskbook import RiskBook
from tests.support.riskbooks import book, coins

SECTION_9 = {
    "binance cross": (24_100, None),
    "dydx cross": (48_000, 80_000),
    "deribit cross": (50_009, 90_009),
    "hyperliquid cross": (65_000, 130_000),
    "derive cross": (200_000, 264_000),
    "bybit portfolio": (401_200, 481_440),
    "okx portfolio": (488_000, 634_400),
    "paradex portfolio": (320_000, 640_000),
    "derive portfolio": (636_000, 800_000),
    "deribit portfolio": (576_000, 720_000),
}


@pytest.fixture
def articles(root: Path) -> str:
    return str(root / "config" / "eth_btc.book.json")


def run(*words: str, columns: int = 80) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["margin", *words], env={"COLUMNS": str(columns)})
    return result.exit_code, result.output + str(result.exception or "")


def test_the_book_of_the_articles_needs_on_each_venue_what_the_reference_says(articles: str) -> None:
    code, output = run("show", "--book", articles, "--json")
    found = {f"{one['venue']} {one['margin_mode']}": one for one in json.loads(output)["models"]}
    assert code == 0
    for name, (maintenance, initial) in SECTION_9.items():
        assert found[name]["maintenance_usd"] == pytest.approx(maintenance, abs=0.5), name
        assert found[name]["initial_usd"] == (None if initial is None else pytest.approx(initial, abs=0.5)), name
        assert found[name]["hedge_asks_usd"] > 0.0, name  # the short in the other coin frees nothing anywhere
        assert found[name]["model"]["uncovered"], name


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_fits_the_terminal_and_says_how_sure_it_is(articles: str, columns: int) -> None:
    _, output = run("show", "--book", articles, columns=columns)
    lines = output.splitlines()
    assert max(len(line) for line in lines) <= columns
    row = next(line for line in lines if line.startswith("okx portfolio "))
    assert row.split()[2:7] == ["634,400", "488,000", "712,400", "+244,000", "-292,800"]
    assert ("V15" in row) == (columns == 120)
    text = " ".join(output.split())
    assert "okx portfolio [okx-pm-20250102]: V15, recomputed, equal to 14-15 digits; figures of 2025-01-02, OLD" in text
    assert "NOT COVERED: MR2 theta decay" in text
    assert "okx isolated, cross: no model: its tiers are not in our records" in text
    assert "binance cross unknown 24,100" in text


def test_a_leverage_may_be_assumed_and_sources_asked_for(articles: str) -> None:
    _, output = run("show", "--book", articles, "--leverage", "10", "--sources")
    text = " ".join(output.split())
    assert "binance cross 400,000 24,100" in text
    assert "SOURCE: freqtrade/freqtrade @c9ae5e1e9" in text


def test_a_book_without_a_hedge_is_not_compared_without_it(tmp_path: Path) -> None:
    _, output = run("show", "--book", saved(tmp_path, book(coins("BTC", 1.0))))
    assert "hedge saves" not in output.splitlines()[4]
    assert "No leg is marked as hedge" in " ".join(output.split())


def saved(folder: Path, one: RiskBook) -> str:
    path = folder / "book.json"
    path.write_bytes(msgspec.json.encode(one))
    return str(path)


def test_what_if_shows_before_after_and_the_verdict(articles: str) -> None:
    code, output = run("what-if", "sell 2 BTC perp on bybit", "--book", articles)
    text = " ".join(output.split())
    assert code == 0
    assert "maintenance margin USD 21,500 22,687 +1,187" in text
    assert "to liquidation +48.7% +43.9% -4.8 pt" in text
    assert "the margin gate would let it pass (it adds risk)" in text
    assert "portfolio: maintenance 401,200 -> 422,464 USD (+21,264)" in text
    assert max(len(line) for line in output.splitlines()) <= 80


def test_what_if_refuses_with_its_reason_and_code(articles: str) -> None:
    code, output = run("what-if", "buy 1000 BTC perp", "--book", articles, "--json")
    first: dict[str, Any] = json.loads(output.splitlines()[0])[0]
    assert (code, first["verdict"], first["fits"], first["mode"]) == (6, "refuse", "0", "cross")
    assert first["difference"]["maintenance"] == pytest.approx(2_205_960, abs=1.0)
    assert first["before"]["buffer"] == pytest.approx(1.0 - 0.0215, abs=1e-6)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("what-if", "sell 2 BTC prep on bybit"), 2, '"prep" cannot be read'),
        (("what-if", "sell 2 DOGE perp"), 2, '"DOGE" cannot be read'),
        (("what-if", "buy 1 BTC perp on delta"), 1, "its risk matrix is not published"),
        (("what-if", "buy 3m USD of ETH perp on binance"), 5, "are known up to 3,000,000 USD"),
        (("show", "--move", "1.5"), 2, "--move is 1.5, it must be a fraction between 0 and 1"),
        (("show", "--parameters", "okx"), 2, "--parameters is 'okx', it must be VENUE=FILE"),
        (("show", "--parameters", "okx=/nowhere.json"), 1, "/nowhere.json cannot be read"),
    ],
)
def test_bad_input_is_one_clear_sentence(articles: str, words: tuple[str, ...], code: int, said: str) -> None:
    got, output = run(*words, "--book", articles, columns=400)
    assert said in output
    assert got in {code, 1}  # errors of the house become codes in main; here the exception itself is seen


def test_own_parameters_take_the_place_of_the_shipped_ones(articles: str, tmp_path: Path) -> None:
    own = tmp_path / "mine.json"
    own.write_text('{"venue": "okx", "records": [], "missing": {"portfolio": "I said so"}}', encoding="utf-8")
    _, output = run("show", "--book", articles, "--parameters", f"okx={own}")
    assert "okx portfolio: no model: I said so" in output


def test_an_empty_book_has_nothing_to_ask_for(tmp_path: Path) -> None:
    code, output = run("show", "--book", saved(tmp_path, RiskBook(at_ns=1, underlyings=())))
    assert code != 0
    assert "no underlying with a price" in output


def test_what_the_verbs_share() -> None:
    one = book(coins("BTC", 1.0))
    assert assumed(one, 5.0).linear[0].leverage == 5.0
    assert assumed(one, None) is one
    assert limits_of(one, None, None).margin_use_reduce == one.margin_use_reduce
    with pytest.raises(HedgebotError, match="say where, as in: on bybit"):
        only_venue(one)
