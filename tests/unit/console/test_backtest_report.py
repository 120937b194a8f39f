import msgspec
import numpy as np
import pytest

from hedgebot.console.backtest_report import cost_parts, html_table, money, number, page, report_lines, report_page
from hedgebot.core.drift import Figures
from hedgebot.lab.backtest import Hedges, Result
from hedgebot.lab.observe import Columns, Costs, Measures, Profit


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


def figures(tracking_error: float | None, cost: float | None) -> Figures:
    return Figures(
        tracking_error_usd_root_day=tracking_error,
        cost_usd_day=cost,
        turnover_coin_day=None,
        orders_day=None,
        variance_coin2_day=None,
        efficiency=None,
    )


def result(recorded_ns: int | None = None) -> Result:
    days = np.linspace(0.0, 1.0, 20)
    flat = np.zeros(20)
    hedges = Hedges(
        underlying="BTC",
        measures=Measures(
            days=1.0,
            variance_coin2=0.01,
            tracking_error_usd=477.0,
            cost_usd_per_day=384.0,
            orders_per_day=183.5,
            turnover_coin_per_day=12.24,
            flow_coin2_per_day=5.7,
            efficiency=0.344,
            inside_band=0.986,
        ),
        predicted=figures(527.5, 389.7),
        engine=figures(None, None),
        costs=Costs(fees=909.0, spread=1.69, impact=-142.0, funding=65.59),
        columns=Columns(
            days=days,
            price=60_000.0 + days,
            delta_coin=flat,
            unhedged_coin=flat,
            low_coin=flat - 0.1,
            high_coin=flat + 0.1,
            centre_coin=flat,
            gamma=flat,
            vol=flat,
            trading_usd=days,
            funding_usd=flat,
        ),
    )
    return Result(
        label="mine",
        scenario="options book",
        config_hash="cafe",
        days=1.0,
        step_s=30.0,
        equity_first_usd=100.0,
        equity_last_usd=90.0,
        profit=Profit(delta=-10.0, funding=3.0, book_funding=-168.0),
        hedges=(hedges,),
        alerts={"TailRiskLimit": 1},
        refusals={"spread_bps": 2},
        events=5,
        mode="active",
        recorded_ns=recorded_ns,
    )


def test_the_page_has_the_cost_by_parts_and_what_was_predicted_beside_what_came() -> None:
    text = report_page(result(1_770_249_600_000_000_000))
    assert "recorded from 2026-02-05 00:00 UTC on, a look every 30 s" in text
    assert "<td>tracking error, USD/sqrt(day)</td><td>477</td><td>527.5</td>" in text
    assert "<td>funding of hedges, USD</td><td>65.59</td><td></td>" in text
    assert "book&#x27;s funding" in text or "book's funding" in text
    assert "BTC: of what the cost is made" in text
    assert "alerts: TailRiskLimit 1" in text
    assert "orders refused by the rule: spread_bps 2" in text
    assert [value for _, value in cost_parts(result().hedges[0])] == [909.0, 1.69, -142.0, 65.59]


def test_the_lines_say_since_when_a_recording_was_played() -> None:
    assert "recorded from" not in report_lines(result())[0]
    assert "recorded from 2026-02-05 00:00 UTC on" in report_lines(result(1_770_249_600_000_000_000))[0]


def test_the_books_own_funding_is_told_beside_that_of_hedges() -> None:
    (line,) = (one for one in report_lines(result()) if one.startswith("equity moved"))
    assert line == "equity moved -10.00 USD: delta -10.00, hedge funding 3.00, book's funding -168"


def test_what_makes_predictions_unreliable_stands_beside_them() -> None:
    (hedges,) = result().hedges
    gated = msgspec.structs.replace(hedges, unpredicted="unreliable: hedges also wait for the hours 08:00-20:00")
    gated_result, words = msgspec.structs.replace(result(), hedges=(gated,)), "BTC: predicted figures are unreliable"
    assert any(line.startswith(words) for line in report_lines(gated_result))
    assert words in report_page(gated_result)
    assert words not in report_page(result())


def test_gaps_of_the_recording_are_told() -> None:
    holed = msgspec.structs.replace(result(), gaps=2, gaps_s=1_800.0)
    assert any("the recording has 2 gaps of 30.0 min in all" in line for line in report_lines(holed))
    assert "2 gaps of 30.0 min" in report_page(holed)
    assert not any("gap" in line for line in report_lines(result()))
