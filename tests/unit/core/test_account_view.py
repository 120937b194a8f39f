"""What people see of one account: its regime and standing stresses beside its margin."""

import math

from hedgebot.core.account_view import account_view
from tests.support.margins import account_of, held, margined, report
from tests.support.playbook import Playbook


def test_an_account_shows_margin_regime_and_stresses() -> None:
    book = Playbook(margined(hedges=False, liquidation_distance_min=0.0))
    book.ready(positions=[held(book, "-10")])
    report(book, 12_000.0, coins={"USDT": "12000"})
    book.tick(after_ms=300)
    view = account_view(book.state, account_of(book), book.at_ns)
    assert (view.account, view.venue, view.role) == ("main", "bybit", "shared")
    assert [one.stream for one in view.streams] == ["public", "private", "trade"]
    assert view.regime == "buffer floor 20%"
    assert view.collateral_shock.startswith("USDT losing 33% costs ")
    assert view.collateral_shock_use is not None
    assert view.margin_use is not None
    assert view.margin_hike_use is not None
    assert math.isclose(view.margin_hike_use, view.margin_use * 1.5, rel_tol=1e-6)
    report(book, 3_000.0, coins={"USDT": "12000"})
    book.tick(after_ms=300)
    view = account_view(book.state, account_of(book), book.at_ns)
    assert view.collateral_shock_use is None  # no equity is left: said in words, JSON has no infinity
    assert view.collateral_shock.endswith("margin use inf%, 7,250 USD in other coins are missing")
    assert view.collateral_shock_missing_usd is not None
    assert math.isclose(view.collateral_shock_missing_usd, 7_249.6)
