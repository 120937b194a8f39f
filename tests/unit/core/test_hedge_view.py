"""What people see of an underlying's hedge instruments."""

from decimal import Decimal

import pytest

from hedgebot.core import hedge_view
from hedgebot.core.view import book_view
from hedgebot.domain.settings import CostSource
from tests.support.playbook import BTC_PERP, BTC_USDC
from tests.unit.core.test_hedges import ready, two_legged


def test_each_instrument_is_shown_with_its_role_its_holding_and_the_age_of_its_book() -> None:
    book = ready(two_legged(opposed_coin_max=0.3), perp="-0.5", usdc="0.2")
    found = hedge_view.legs(book.state, book.settings.underlyings[0], book.at_ns + 40_000_000)
    assert [(one.instrument, one.role, one.held_coin) for one in found] == [
        (BTC_PERP, "main", -0.5),
        (BTC_USDC, "buy", 0.2),
    ]
    assert [one.book_age_ms for one in found] == [44, 42]


def test_a_book_that_never_came_has_no_age() -> None:
    book = ready(two_legged())
    del book.state.quotes[BTC_USDC]
    found = hedge_view.legs(book.state, book.settings.underlyings[0], book.at_ns)
    assert (found[1].book_age_ms, found[1].mark_age_ms) == (None, None)
    assert found[0].mark_age_ms is not None


def test_the_view_says_what_stands_against_each_other() -> None:
    book = ready(two_legged(opposed_coin_max=0.3), perp="-0.5", usdc="0.2")
    shown = book_view(book.state, book.at_ns).underlyings[0]
    assert (shown.opposed_coin, shown.opposed_coin_max) == (0.2, 0.3)
    assert len(shown.hedge_legs) == 2
    assert Decimal(shown.positions[0].contracts) == Decimal("0.3")


def test_the_measured_cost_is_shown_beside_the_configured_one() -> None:
    book = ready(two_legged(cost_source=CostSource.MEASURED, cost_bps=5.0))
    for hedge, paid in ((BTC_PERP, 8.0), (BTC_USDC, 6.0)):
        costs = book.state.underlyings["BTC"].drift.costs
        costs.note(hedge, notional=10_000.0, paid=paid, share=1.0, expected_bps=5.0)
    shown = book_view(book.state, book.at_ns).underlyings[0]
    assert (shown.cost.source, shown.cost.configured_bps, shown.cost.fills) == ("measured", 5.0, 2)
    assert shown.cost.measured_bps == pytest.approx(7.0, rel=0.01)
    assert 5.0 < shown.cost.in_force_bps < 7.0
    assert [one.measured_bps for one in shown.hedge_legs] == pytest.approx([8.0, 6.0])
    assert [one.cost_fills for one in shown.hedge_legs] == [1, 1]
