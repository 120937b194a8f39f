"""While settlement cash differs nothing adds risk, and what lowers it goes on."""

from decimal import Decimal

from hedgebot.core.cash_rule import unexplained_cash
from hedgebot.core.cash_state import CashDifference, CoinCash
from tests.unit.core.test_gate import _candidate


def problem(delta_coin: float, *, told: bool = True) -> str:
    one = _candidate(delta_coin=delta_coin)
    gone = CashDifference(venue_value=Decimal(1), ours=Decimal(9), first_seen_ns=1, count=2, told=told)
    one.account.cash["USDT"] = CoinCash(qty=Decimal(9), difference=gone)
    return unexplained_cash(one).problem


def test_what_lowers_risk_passes_and_what_adds_it_does_not() -> None:
    assert "USDT cash on main" in problem(0.0)
    assert problem(0.1) == ""
    assert problem(0.0, told=False) == ""
