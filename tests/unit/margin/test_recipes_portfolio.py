from datetime import UTC, datetime

import pytest

from hedgebot.margin import recipes_portfolio as recipes


def test_expiries_are_read_from_names() -> None:
    assert recipes.deribit_expiry("BTC-PERPETUAL") is None
    assert recipes.deribit_expiry("BTC-28JUN24") == datetime(2024, 6, 28, 8, tzinfo=UTC)
    assert recipes.deribit_expiry("BTC-5JUL24") == datetime(2024, 7, 5, 8, tzinfo=UTC)
    with pytest.raises(ValueError, match="not in tuple"):
        recipes.deribit_expiry("BTC-28XXX24")


def test_cells_that_differ_from_the_definition_fail_its_case() -> None:
    cells = {"price_fraction": [0.0], "vol_fraction": [1.0], "weight": [1.0]}
    assert recipes.span(cells).values["n"] != 1.0


def test_a_future_of_dederi_is_priced_by_its_basis() -> None:
    inputs = {"index": 100.0, "abr": 0.1, "days": 365, "qty": -1.0, "moves": [0.1], "future_contingency_factor": 0.01}
    found = recipes.dederi(inputs)
    assert found.values["F0"] == pytest.approx(110.517, abs=1e-3)
    assert found.values["pnl.0"] == pytest.approx(-11.0517, abs=1e-4)
    assert found.values["contingency"] == pytest.approx(1.0)
