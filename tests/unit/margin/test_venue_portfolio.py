import numpy as np
import pytest

from hedgebot.margin import venue_portfolio as venue
from hedgebot.margin.scenario import Legs, VolLaw, evaluate


def test_a_span_margin_of_a_future_is_its_scan_range() -> None:
    grid = evaluate(
        Legs(linear_qty=np.array([-2.0]), linear_price=np.array([100.0])), venue.span_scenarios(0.3, 0.2), VolLaw()
    )
    assert -grid.total().min() == pytest.approx(2 * 100 * 0.3)  # the tail at 35 % of twice the range is less


def test_okxs_ratio_of_an_account_without_positions_is_infinite() -> None:
    assert venue.okx_ratio(1.0, 0.0, 0.0, 0.0005) == float("inf")


def test_what_is_hedged_costs_less_than_what_is_not() -> None:
    rates = {"unhedged_rate": 0.02, "hedged_rate": 0.01}
    open_leg = venue.paradex_least_charge((20.0,), 100.0, **rates)
    hedged = venue.paradex_least_charge((20.0, -20.0), 100.0, **rates)
    assert [open_leg, hedged] == pytest.approx([40.0, 20.0])


def test_a_venue_closes_the_least_share_that_brings_the_account_back() -> None:
    found = venue.paradex_partial_liquidation(80.0, 88.8, target=0.9, step=0.2, fee_rate=0.7)
    assert found.share == pytest.approx(0.6)  # the page's own fee, not its table's
    assert found.ratio == pytest.approx(0.8318, abs=1e-4)
    ruined = venue.paradex_partial_liquidation(10.0, 88.8, target=0.9, step=0.2, fee_rate=0.7)
    assert (ruined.share, ruined.ratio) == (1.0, float("inf"))


def test_a_contingency_does_not_ask_for_the_side() -> None:
    assert venue.dederi_contingency(-10.0, 100.0, 0.006) == venue.dederi_contingency(10.0, 100.0, 0.006) == 6.0


def test_closing_cash_lowers_both_of_deltas_margins() -> None:
    assert venue.delta_margins(100.0, (20.0, 20.0), 5.0) == (95.0, 75.0)
