import pytest

from hedgebot.console.backtest_report import html_table, money, number, page


@pytest.mark.parametrize(("value", "text"), [(3.14159, "3.14"), (-99.999, "-100.00"), (12345.6, "12,346")])
def test_money_has_cents_below_a_hundred(value: float, text: str) -> None:
    assert money(value) == text


def test_a_figure_that_is_not_known_is_a_dash() -> None:
    assert number(None) == "-"
    assert number(float("nan")) == "-"
    assert number(0.123456) == "0.1235"


def test_cells_and_titles_are_escaped() -> None:
    assert "<i>" not in html_table([("a", "<i>"), ("b", "c")])
    assert "<title>a &lt; b</title>" in page("a < b", "")
