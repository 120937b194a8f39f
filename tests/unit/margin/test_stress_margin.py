"""What a stress leaves of the account: requirement by hand, liquidation, and unknown where the venue said nothing."""

import math

import pytest

from hedgebot.daemon.risk_files import read_stress, read_tiers
from hedgebot.domain.riskbook import RiskBook
from hedgebot.margin.stress_margin import StressReport, report
from hedgebot.margin.tiers import short_option_maintenance
from tests.support.riskbooks import book, coins, option


def stress(one: RiskBook) -> StressReport:
    return report(one, read_stress(), read_tiers())


def test_the_worst_of_a_long_book_is_the_deepest_fall() -> None:
    found = stress(book(coins("BTC", 1.0), prices={"BTC": 100_000.0}))
    assert found.scenarios == 9 * 3 * 5 * 3 + 8
    assert "spot -40%" in found.worst.name or "2020-03-12, low" in found.worst.name
    assert found.worst.profit_usd < -40_000.0
    assert found.table[0][0] < found.table[4][0] < found.table[8][0]
    assert found.worst.profit_usd <= min(min(row) for row in found.table)


def test_the_requirement_is_the_venues_number_plus_what_the_move_adds() -> None:
    one = book(coins("BTC", -2.0), prices={"BTC": 100_000.0}, equity=200_000.0, margin=5_000.0)
    found = stress(one)
    ladder = read_tiers().ladder("BTC", is_inverse=False)
    worst = found.worst_margin
    assert worst is not None
    assert "spot +40%" in worst.name
    need = 5_000.0 + ladder.maintenance(280_000.0) - ladder.maintenance(200_000.0)
    assert worst.margin_use == pytest.approx(need / (200_000.0 + worst.profit_usd))
    assert found.margin_use_now == pytest.approx(5_000.0 / 200_000.0)


def test_a_short_option_needs_more_when_it_is_in_the_money() -> None:
    call = option("BTC", -1.0, price=100_000.0, strike=120_000.0)
    found = stress(book(call, prices={"BTC": 100_000.0}, equity=60_000.0, margin=4_000.0))
    assert found.worst_margin is not None
    assert found.worst_margin.margin_use is not None
    assert found.worst_margin.margin_use > 0.8
    rates = read_tiers().short_option
    assert short_option_maintenance(rates, 140_000.0, 25_000.0) > short_option_maintenance(rates, 100_000.0, 3_000.0)


def test_an_account_without_equity_left_is_liquidated() -> None:
    found = stress(book(coins("BTC", 1.0), prices={"BTC": 100_000.0}, equity=20_000.0))
    assert found.worst_margin is not None
    assert found.worst_margin.margin_use == math.inf


@pytest.mark.parametrize(("equity", "margin"), [(None, 1_000.0), (1_000.0, None)])
def test_what_the_venue_did_not_say_is_unknown(equity: float | None, margin: float | None) -> None:
    found = stress(book(coins("BTC", 1.0), equity=equity, margin=margin))
    assert found.worst_margin is None
    assert (found.margin_use_now, found.worst.margin_use) == (None, None)


def test_days_are_all_told() -> None:
    found = stress(book(coins("BTC", 1.0), coins("ETH", -25.0)))
    assert len(found.days) == 8
    crash = next(one for one in found.days if one.name == "2020-03-12, close")
    assert crash.price_usd == pytest.approx(100_000.0 * -0.395 + 25.0 * 4_000.0 * 0.446)
