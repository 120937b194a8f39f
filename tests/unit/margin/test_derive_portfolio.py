from typing import Any

import numpy as np
import pytest

from hedgebot.margin.cases import Case
from hedgebot.margin.derive_portfolio import Book, Expiry, Holding, basis_contingency, net_margin, worst_cell
from hedgebot.margin.recipes_portfolio import derive_book


def cells_of(case: Case) -> tuple[tuple[float, str, float], ...]:
    return tuple((move, kind, weight) for move, kind, weight in case.inputs["scenarios"])


@pytest.mark.needs_data
def test_a_stablecoin_off_its_peg_raises_initial_margin_only(margin_cases: dict[str, Case]) -> None:
    case = margin_cases["DRV-12"]
    parameters, book, cells = case.inputs["params"], derive_book(case.inputs), cells_of(case)
    at_par = net_margin(parameters, cells, book)
    off = net_margin(parameters, cells, derive_book({**case.inputs, "stable": 0.93}))
    assert off.initial - at_par.initial == pytest.approx(0.1 * at_par.worst)
    assert off.maintenance == pytest.approx(at_par.maintenance)


@pytest.mark.needs_data
def test_the_worst_of_a_group_of_cells_is_never_worse_than_that_of_all(margin_cases: dict[str, Case]) -> None:
    case = margin_cases["DRV-20"]
    parameters, book, cells = case.inputs["params"], derive_book(case.inputs), cells_of(case)
    whole = worst_cell(parameters, cells, book)
    assert whole <= worst_cell(parameters, cells[:5], book)
    assert whole < 0.0
    assert worst_cell(parameters, (), book) == 0.0


def test_a_book_without_expiries_has_no_basis_to_fear() -> None:
    perp = Holding(amount=1.0, price=100.0, confidence=1.0)
    book = Book(
        cash=0.0, spot=100.0, spot_confidence=1.0, stable=1.0, perp=perp, perp_profit=0.0, collateral=(), expiries=()
    )
    parameters: dict[str, Any] = {
        "BasisContingency.SCENARIO_SPOT_UP": 1.045,
        "BasisContingency.SCENARIO_SPOT_DOWN": 0.955,
        "BasisContingency.BASIS_CONT_ADD_FACTOR": 0.5,
        "BasisContingency.BASIS_CONT_MULT_FACTOR": 2.0,
    }
    assert basis_contingency(parameters, book) == 0.0


def test_negative_rates_do_not_make_the_future_worth_more_than_itself() -> None:
    empty = np.zeros(0)
    expiry = Expiry(
        seconds=86_400.0,
        forward=1.0,
        rate=-0.5,
        confidence=1.0,
        strike=empty,
        vol=empty,
        amount=empty,
        is_call=np.zeros(0, dtype=np.bool_),
    )
    assert expiry.discount == 1.0
    assert expiry.mark_to_market == 0.0
