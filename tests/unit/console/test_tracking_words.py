from hedgebot.console.snapshot import FiguresRow, UnderlyingRow
from hedgebot.console.tracking_words import tracking_lines


def test_predicted_and_realised_stand_below_each_other() -> None:
    row = UnderlyingRow(
        underlying="BTC",
        tracked_days=0.5,
        vol_year=0.6,
        predicted=FiguresRow(tracking_error_usd_root_day=614.26, cost_usd_day=3.811, orders_day=0.796),
        realised=FiguresRow(tracking_error_usd_root_day=600.0, efficiency=0.2916),
    )
    predicted, realised, estimates = tracking_lines(row)
    assert "last 12.0 h, predicted: tracking error 614 USD/sqrt(day), cost 3.81 USD/day" in predicted
    assert "realised: tracking error 600 USD/sqrt(day), cost ? USD/day" in realised
    assert realised.endswith("E 0.292")
    assert predicted.index("predicted") == realised.index("realised") or "realised" in realised
    assert "volatility 60.0% a year" in estimates


def test_before_anything_was_seen_nothing_is_said() -> None:
    assert tracking_lines(UnderlyingRow(underlying="BTC")) == []
