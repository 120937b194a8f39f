"""The answer of OKX's builder; whole calls are in tests/wire/test_watched.py."""

import pytest

from hedgebot.venues.watched.okx_builder import account_of


def test_the_use_is_of_amounts_and_not_of_the_ratio_that_nobody_reproduced() -> None:
    found = account_of({"eq": "10000", "totalImr": "2600", "totalMmr": "2000", "marginRatio": "3.7"})
    assert found.use == pytest.approx(0.2)
    assert found.initial_use == pytest.approx(0.26)


@pytest.mark.parametrize(
    ("row", "use"), [({"eq": "", "totalMmr": "1"}, None), ({"eq": "-5", "totalMmr": "1"}, float("inf"))]
)
def test_unknown_stays_unknown_and_no_equity_is_no_comfort(row: dict[str, str], use: float | None) -> None:
    assert account_of(row).use == use
