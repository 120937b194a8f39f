from hedgebot.console.snapshot import CostRow, FiguresRow, HedgeLegRow, UnderlyingRow
from hedgebot.console.tracking_words import cost_lines, tracking_lines


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


def test_a_prediction_that_does_not_know_a_gate_says_so() -> None:
    row = UnderlyingRow(underlying="BTC", tracked_days=0.5, unpredicted="unreliable: hedges also wait for the hours 1")
    _, _, doubt, _ = tracking_lines(row)
    assert doubt.strip() == "predicted figures are unreliable: hedges also wait for the hours 1"


def test_before_anything_was_seen_nothing_is_said() -> None:
    assert tracking_lines(UnderlyingRow(underlying="BTC")) == []


def test_the_measured_cost_stands_beside_the_configured_one() -> None:
    cost = CostRow(source="measured", configured_bps=5.0, measured_bps=6.24, fills=41, in_force_bps=5.83)
    (line,) = cost_lines(UnderlyingRow(underlying="BTC", cost=cost))
    assert line.strip() == "a hedge costs 5.83 bps one way (measured): configured 5, measured 6.24 bps from 41 fills"
    none = CostRow(source="configured", configured_bps=5.0, in_force_bps=5.0)
    assert "nothing measured yet" in cost_lines(UnderlyingRow(underlying="BTC", cost=none))[0]
    assert cost_lines(UnderlyingRow(underlying="BTC")) == []


def test_of_several_instruments_each_has_its_own_cost() -> None:
    legs = (
        HedgeLegRow(instrument="perp", cost_bps=5.5, measured_bps=5.0, cost_fills=3),
        HedgeLegRow(instrument="future"),
    )
    cost = CostRow(source="configured", configured_bps=5.0, in_force_bps=5.0)
    _, *each = cost_lines(UnderlyingRow(underlying="BTC", cost=cost, hedge_legs=legs))
    assert [line.strip() for line in each] == [
        "in perp 5.5 bps, measured 5 bps from 3 fills",
        "in future ? bps, nothing measured yet",
    ]
