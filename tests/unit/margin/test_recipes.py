from decimal import Decimal

import pytest

from hedgebot.domain.errors import DataError
from hedgebot.margin.cases import Case
from hedgebot.margin.recipes import RECIPES, recompute

# Numbers of the files that no model has: a formula that no source gives.
UNKNOWN = {("BYB-1", "contingencyComponents")}


@pytest.mark.needs_data
def test_every_case_of_the_reference_is_reproduced_and_every_recipe_is_used(margin_cases: dict[str, Case]) -> None:
    assert len(margin_cases) == 35
    verdicts = [recompute(case) for case in margin_cases.values()]
    assert [one.case.id for one in verdicts if not one.passed] == []
    missing = {(one.case.id, check.name) for one in verdicts for check in one.checks if check.found is None}
    assert missing == UNKNOWN
    assert {one.model for one in verdicts} == {name for name, _, _ in RECIPES}


@pytest.mark.needs_data
def test_a_changed_input_is_noticed(margin_cases: dict[str, Case]) -> None:
    """The same examples with one input moved by a thousandth: a recipe that does not read its inputs would pass."""
    changes = {"OKX-1": "mark", "BIN-1": "entry", "DYDX-1": "p", "DER-5": "equity", "DRV-12": "spot", "PDX-1": "spot"}
    for name, key in changes.items():
        case = margin_cases[name]
        moved = {**case.inputs, key: case.inputs[key] * 1.001}
        changed = Case(id=name, venue="", inputs=moved, expected=case.expected, tolerance=case.tolerance)
        assert not recompute(changed).passed, name


def test_inputs_that_no_model_takes_are_told() -> None:
    case = Case(id="Z-1", venue="", inputs={"alpha": 1, "beta": 2}, expected={"x": Decimal(1)})
    with pytest.raises(DataError, match="case Z-1: no model takes the inputs alpha, beta"):
        recompute(case)


def test_an_input_of_the_wrong_kind_is_told() -> None:
    case = Case(id="Z-2", venue="", inputs={"tiers_cap_mmr": 5}, expected={"cum.0": Decimal(1)})
    with pytest.raises(DataError, match="case Z-2: Binance tiers cannot take its inputs"):
        recompute(case)
