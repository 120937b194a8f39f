"""While settlement cash differs nothing adds risk, and what lowers it goes on."""

from hedgebot.core.cash_rule import unexplained_cash
from tests.support.cash import cash_gone
from tests.unit.core.test_gate import _candidate


def problem(delta_coin: float, *, told: bool = True) -> str:
    return unexplained_cash(cash_gone(_candidate(delta_coin=delta_coin), told=told)).problem


def test_what_lowers_risk_passes_and_what_adds_it_does_not() -> None:
    assert "USDT cash on main" in problem(0.0)
    assert problem(0.2) == ""
    assert problem(0.0, told=False) == ""
