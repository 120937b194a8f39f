from importlib.resources import files

import numpy as np
import pytest

from hedgebot.margin.bybit_portfolio import days_counted, portfolio_margin
from hedgebot.margin.parameters import Portfolio, parse_parameters
from hedgebot.margin.scenario import Legs

FILE = "bybit_20261125.json"


@pytest.fixture
def parameters() -> Portfolio:
    return parse_parameters(files("hedgebot.margin").joinpath(FILE).read_bytes(), FILE).portfolio


def test_margin_is_the_worst_cell_and_initial_margin_its_multiple(parameters: Portfolio) -> None:
    legs = Legs(linear_qty=np.asarray([-2.0]), linear_price=np.asarray([50_000.0]))
    margin = portfolio_margin(parameters, legs, index=50_000.0, quote_usd=0.9)
    assert margin.worst_loss == pytest.approx(2 * 50_000 * 0.1 * 0.9)
    assert margin.maintenance == pytest.approx(margin.worst_loss + 0.0003 * 2 * 50_000 * 0.9)
    assert margin.initial == pytest.approx(1.2 * margin.maintenance)
    assert (len(margin.profits), margin.worst) == (33, 30)


def test_an_inverse_contract_offsets_a_linear_one(parameters: Portfolio) -> None:
    legs = Legs(linear_qty=np.asarray([2.0]), linear_price=np.asarray([50_000.0]), inverse_qty=np.asarray([-2.0]))
    margin = portfolio_margin(parameters, legs, index=50_000.0)
    assert margin.worst_loss == pytest.approx(0.0, abs=1e-6)
    assert margin.maintenance == pytest.approx(0.0003 * 4 * 50_000)


def test_the_two_million_pair_of_the_reference(parameters: Portfolio) -> None:
    # Margin reference section 9: >= 401,200 / 481,440. Two base coins are not netted.
    each = Legs(linear_qty=np.asarray([2_000_000 / 1_969.8]), linear_price=np.asarray([1_969.8]))
    margin = portfolio_margin(parameters, each, index=1_969.8)
    assert 2 * margin.maintenance == pytest.approx(401_200)
    assert 2 * margin.initial == pytest.approx(481_440)


@pytest.mark.parametrize(("years", "days"), [(0.0, 1.0), (0.5 / 365, 1.0), (1 / 365, 1.0), (1.001 / 365, 2.0)])
def test_days_are_begun_days(years: float, days: float) -> None:
    assert days_counted(years) == days


def test_what_has_no_formula_is_named(parameters: Portfolio) -> None:
    legs = Legs(linear_qty=np.asarray([1.0]), linear_price=np.asarray([100.0]))
    assert "future_delta" in portfolio_margin(parameters, legs, index=100.0).uncovered
