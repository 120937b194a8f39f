"""Every model by venue and mode, and the requirement of the articles' book on each, as the margin reference has it."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from hedgebot.config.shipped import FILES
from hedgebot.daemon.risk_files import read_registry
from hedgebot.domain.errors import DataError
from hedgebot.domain.settings import MarginMode
from hedgebot.margin.positions import Books, CoinBook, Line, books_of
from hedgebot.margin.registry import NoModelError, Registry, age_days, age_problem, registry
from hedgebot.margin.venue_models import NotCoveredError
from tests.support.riskbooks import book, option

ETH, BTC = 1_969.80, 106_000.0
LEG_USD = 2_000_000.0


@pytest.fixture(scope="module")
def models() -> Registry:
    return read_registry()


def articles(leverage: float | None = None) -> Books:
    """2M long ETH against 2M short BTC, in outright perpetuals (margin reference section 9)."""
    return {
        "ETH": CoinBook(ETH, (Line("ETH perp", LEG_USD / ETH, ETH, leverage=leverage),)),
        "BTC": CoinBook(BTC, (Line("BTC perp", -LEG_USD / BTC, BTC, leverage=leverage),)),
    }


SECTION_9 = {
    ("binance", MarginMode.CROSS): (24_100.0, None),
    ("dydx", MarginMode.CROSS): (48_000.0, 80_000.0),
    ("deribit", MarginMode.CROSS): (50_009.0, 90_009.0),
    ("hyperliquid", MarginMode.CROSS): (65_000.0, 130_000.0),
    ("derive", MarginMode.CROSS): (200_000.0, 264_000.0),
    ("bybit", MarginMode.PORTFOLIO): (401_200.0, 481_440.0),
    ("okx", MarginMode.PORTFOLIO): (488_000.0, 634_400.0),
    ("paradex", MarginMode.PORTFOLIO): (320_000.0, 640_000.0),
    ("derive", MarginMode.PORTFOLIO): (636_000.0, 800_000.0),
    ("deribit", MarginMode.PORTFOLIO): (576_000.0, 720_000.0),
}


@pytest.mark.parametrize("key", SECTION_9, ids=lambda key: f"{key[0]} {key[1]}")
def test_what_two_millions_of_eth_against_btc_need(models: Registry, key: tuple[str, MarginMode]) -> None:
    need, (maintenance, initial) = models.of(*key).total(articles()), SECTION_9[key]
    assert need.maintenance == pytest.approx(maintenance, abs=0.5)
    assert need.initial == (None if initial is None else pytest.approx(initial, abs=0.5))


def test_binance_asks_notional_over_leverage(models: Registry) -> None:
    for leverage in (5.0, 20.0):
        need = models.of("binance", MarginMode.CROSS).total(articles(leverage))
        assert need.initial == pytest.approx(4_000_000.0 / leverage)


def test_the_short_leg_raises_the_requirement_on_every_model(models: Registry) -> None:
    alone = {"ETH": articles()["ETH"]}
    assert len(list(models)) == 16
    for one in models:
        assert one.total(articles()).maintenance > one.total(alone).maintenance, one.name


def test_a_hedge_in_the_same_underlying_is_what_scenarios_pay_for(models: Registry) -> None:
    pair: Books = {
        "BTC": CoinBook(
            BTC,
            (Line("perp", LEG_USD / BTC, BTC), Line("future", -LEG_USD / BTC, BTC, years=0.02)),
        )
    }
    assert models.of("paradex", MarginMode.PORTFOLIO).total(pair).initial == pytest.approx(20_000.0)
    # One percent of each leg, for expiries may move apart.
    assert models.of("deribit", MarginMode.PORTFOLIO).total(pair).initial == pytest.approx(40_000.0)
    one_side = {"BTC": CoinBook(BTC, (Line("perp", LEG_USD / BTC, BTC),))}
    kraken = models.of("kraken", MarginMode.CROSS)
    assert kraken.total(pair) == kraken.total(one_side)


def test_every_record_says_of_when_it_is_and_how_sure(models: Registry) -> None:
    for one in models:
        assert one.source
        assert one.status
        assert one.grade.meaning
        assert one.uncovered


def test_a_venue_or_mode_without_a_model_says_why_and_what_there_is(models: Registry) -> None:
    with pytest.raises(NoModelError, match="no margin model of venue 'ftx': there are binance, bybit"):
        models.of("ftx", MarginMode.CROSS)
    with pytest.raises(NoModelError, match=r"okx cross: its tiers are not in our records.*modelled are: portfolio"):
        models.of("okx", MarginMode.CROSS)
    with pytest.raises(NoModelError, match="dydx portfolio: there is no record of it"):
        models.of("dydx", MarginMode.PORTFOLIO)


@pytest.mark.parametrize("venue", ["binance", "okx", "paradex", "hyperliquid", "kraken", "dydx"])
def test_options_are_asked_of_no_model_that_has_no_formula_for_them(models: Registry, venue: str) -> None:
    held = books_of(book(option("BTC", -1.0, price=100_000.0, strike=120_000.0)))
    for one in (one for one in models if one.venue == venue):
        with pytest.raises(NotCoveredError, match=r"covers linear.*: x:option:BTC-120000-C is an option"):
            one.total(held)


def test_a_short_option_needs_margin_where_there_is_a_formula(models: Registry) -> None:
    held = books_of(book(option("BTC", -1.0, price=100_000.0, strike=120_000.0)))
    for key in (("bybit", MarginMode.CROSS), ("deribit", MarginMode.PORTFOLIO), ("derive", MarginMode.PORTFOLIO)):
        need = models.of(*key).total(held)
        assert need.initial is not None
        assert need.initial >= need.maintenance > 1_000.0, key


def test_a_file_of_another_venue_is_refused() -> None:
    content = b'{"venue": "okx", "records": []}'
    with pytest.raises(DataError, match=r"margin parameters mine\.json are of okx, not of binance"):
        registry({"binance": (content, "mine.json")})
    with pytest.raises(DataError, match=r"margin parameters mine\.json"):
        registry({"bybit": (b"{}", "mine.json")})


@pytest.mark.parametrize(
    ("as_of", "days", "words"),
    [
        ("2026-01-01", 10, ""),
        ("2025-01-01", 375, "375 days old, limit 90"),
        ("", None, "undated"),
        ("soon", None, "undated"),
    ],
)
def test_old_parameters_are_told(as_of: str, days: int | None, words: str) -> None:
    at_ns = int(datetime(2026, 1, 11, 12, tzinfo=UTC).timestamp() * 1e9)
    assert age_days(as_of, at_ns) == days
    assert age_problem(as_of, at_ns, 90) == words


def test_every_venue_has_its_file() -> None:
    def venues(found: Mapping[str, str]) -> list[str]:
        return sorted(name.split("_", 1)[0] for name in found.values())

    assert venues(FILES) == sorted(FILES)
