"""The grid and the days: counted, signed, and every part of a loss against arithmetic by hand."""

import numpy as np
import pytest

from hedgebot.daemon.risk_files import read_stress, read_tiers
from hedgebot.domain.errors import DataError
from hedgebot.domain.riskbook import LegKind
from hedgebot.margin.revaluation import Columns
from hedgebot.margin.stress import Scenarios, day_scenarios, grid_scenarios, losses_of, parse_stress, stressed
from hedgebot.margin.stress_margin import report
from tests.support.riskbooks import book, coins, option


def one_scenario(move: float, *, vol: float = 0.0, basis: float = 0.0, funding: float = 0.0) -> Scenarios:
    return Scenarios(
        names=("it",),
        moves={"BTC": np.array([move])},
        vol=np.array([vol]),
        basis=np.array([basis]),
        funding={"BTC": np.array([funding])},
        cost_growth=50.0,
    )


def test_the_grid_is_every_combination_of_the_reference() -> None:
    grid = grid_scenarios(read_stress().grid, ("BTC", "ETH"))
    assert len(grid.names) == 9 * 3 * 5 * 3 * 7
    assert sorted(set(np.abs(grid.moves["BTC"]).tolist())) == [0.0, 0.05, 0.1, 0.2, 0.4]
    assert grid.moves["ETH"].min() == pytest.approx(0.6 * 0.75 - 1.0)
    assert len(grid_scenarios(read_stress().grid, ("ETH",)).names) == 9 * 3 * 5 * 3, "alone it is its own reference"
    # 0.3 % in eight hours, for a day.
    assert grid.funding["BTC"].max() == pytest.approx(0.009)


def test_the_days_are_there_and_unnamed_coins_fall_with_them() -> None:
    days = day_scenarios(read_stress(), ("BTC", "DOGE"))
    for day in ("2020-03-12", "2021-05-19", "2022-11", "2025-10-10"):
        assert any(name.startswith(day) for name in days.names)
    crash = days.names.index("2020-03-12, close")
    assert (days.moves["BTC"][crash], days.moves["DOGE"][crash]) == (-0.395, -0.446)


def test_longs_pay_positive_funding_and_lose_by_a_basis_that_falls() -> None:
    (pocket,) = Columns.of(book(coins("BTC", 2.0), coins("BTC", -2.0, kind=LegKind.COINS))).pockets
    found = losses_of(pocket, one_scenario(-0.5, basis=-0.01, funding=0.009))
    assert found.price[0] == 0.0, "the hedge holds against the move"
    assert found.basis[0] == pytest.approx(2.0 * 50_000.0 * -0.01)
    assert found.funding[0] == pytest.approx(2.0 * 50_000.0 * 0.009)
    assert found.total[0] == pytest.approx(-1_000.0 - 900.0)
    (short,) = Columns.of(book(coins("BTC", -2.0))).pockets
    assert losses_of(short, one_scenario(0.0, funding=0.009)).total[0] == pytest.approx(2.0 * 100_000.0 * 0.009)


def test_a_future_has_basis_and_no_funding() -> None:
    (pocket,) = Columns.of(book(coins("BTC", 1.0, kind=LegKind.FUTURE))).pockets
    found = losses_of(pocket, one_scenario(0.0, basis=0.03, funding=0.01))
    assert (found.basis[0], found.funding[0]) == (pytest.approx(3_000.0), 0.0)


def test_hedging_anew_costs_what_the_delta_drifted_in_a_dearer_market() -> None:
    (linear,) = Columns.of(book(coins("BTC", 5.0))).pockets
    assert losses_of(linear, one_scenario(-0.4)).liquidity[0] == 0.0, "a linear delta does not drift"
    (pocket,) = Columns.of(book(option("BTC", -1.0, price=100_000.0, strike=100_000.0))).pockets
    found = losses_of(pocket, one_scenario(0.2))
    before, after = (float(pocket.deltas(np.array([move]), np.zeros(1))[0]) for move in (0.0, 0.2))
    assert found.liquidity[0] == pytest.approx(abs(after - before) * 120_000.0 * 5e-4 * (1.0 + 50.0 * 0.2))


def test_a_coin_that_a_day_does_not_name_pays_funding_whichever_side_it_is_on() -> None:
    days = day_scenarios(read_stress(), ("BTC", "SOL"))
    for size in (500.0, -500.0):
        (pocket,) = Columns.of(book(coins("SOL", size), prices={"SOL": 100.0})).pockets
        assert (losses_of(pocket, days).funding > 0.0).all(), size
    (long,), (short,) = (Columns.of(book(coins("BTC", size))).pockets for size in (1.0, -1.0))
    # Of a coin that is named the sign is known: on 2020-03-12's low shorts paid.
    low = next(number for number, name in enumerate(days.names) if name == "2020-03-12, low")
    assert losses_of(long, days).funding[low] < 0.0 < losses_of(short, days).funding[low]


def test_every_historical_day_has_price_basis_funding_liquidity_and_margin_in_its_number() -> None:
    legs = (coins("BTC", -2.0), coins("ETH", 10.0), option("BTC", -4.0, price=100_000.0, strike=95_000.0))
    one = book(*legs, prices={"BTC": 100_000.0, "ETH": 3_000.0}, equity=600_000.0, margin=30_000.0)
    found = report(one, read_stress(), read_tiers())
    assert {name.partition(",")[0] for name in (day.name for day in found.days)} == {
        "2020-03-12",
        "2021-05-19",
        "2022-11-07 to 09",
        "2025-10-10",
    }
    for day in found.days:
        parts = (day.price_usd, day.basis_usd, day.funding_usd, day.liquidity_usd)
        assert all(parts), day.name
        assert day.profit_usd == pytest.approx(sum(parts))
        assert day.liquidity_usd < 0.0
        assert day.margin_use is not None
        assert day.margin_use != pytest.approx(found.margin_use_now)


def test_accounts_are_told_apart() -> None:
    found = stressed(Columns.of(book(coins("BTC", 1.0), coins("BTC", 1.0, kind=LegKind.COINS))), one_scenario(-0.1))
    assert list(found) == ["main"]
    assert found["main"].total[0] == pytest.approx(-20_000.0)


def test_a_file_that_is_wrong_is_named() -> None:
    with pytest.raises(DataError, match=r"stress scenarios x\.json"):
        parse_stress(b"{}", "x.json")
    content = read_stress()
    broken = dict(content.days[0].moves) | {"BTC": -1.0}
    with pytest.raises(ValueError, match="fall by all of itself"):
        type(content)(
            id="a",
            as_of="",
            source="",
            grid=content.grid,
            days=(type(content.days[0])(name="d", moves=broken, vol=0, basis=0, funding={"*": 0}, status=""),),
        )
