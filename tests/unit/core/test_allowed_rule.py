"""The allow-lists of the gate: another instrument or account is refused, whoever proposes it."""

import msgspec
import pytest

from hedgebot.core import gate
from hedgebot.core.allowed_rule import allowed, allowed_closing
from hedgebot.core.candidate import Candidate
from hedgebot.domain.orders import Refused
from hedgebot.domain.settings import AccountRole, HedgeLeg, HedgeRole
from tests.support.playbook import ACCOUNT, BTC_CALL, BTC_PERP, BTC_USDC
from tests.unit.core.test_gate import _candidate


def _in(one: Candidate, instrument: str) -> Candidate:
    rules = one.state.instruments[instrument]  # type: ignore[index]
    intent = msgspec.structs.replace(one.intent, instrument=rules.id)
    return msgspec.structs.replace(one, intent=intent, rules=rules)


def test_every_list_of_rules_asks_it() -> None:
    assert allowed in gate.RULES
    assert allowed in gate.MOVE_RULES
    assert allowed_closing in gate.CLOSING_RULES


def test_an_instrument_that_is_not_configured_is_refused() -> None:
    verdict = gate.judge(_in(_candidate(), BTC_USDC))
    assert isinstance(verdict, Refused)
    assert verdict.check.rule == "allowed"
    assert verdict.explanation == f"{BTC_USDC} is no hedge instrument of BTC"


def test_every_instrument_that_is_configured_is_not() -> None:
    one = _in(_candidate(), BTC_USDC)
    legs = (HedgeLeg(instrument=BTC_USDC, role=HedgeRole.BUY),)
    wider = msgspec.structs.replace(one, settings=msgspec.structs.replace(one.settings, other_hedges=legs))
    assert not allowed(wider).problem


def test_another_account_is_refused() -> None:
    one = _candidate()
    other = msgspec.structs.replace(one, settings=msgspec.structs.replace(one.settings, hedge_account="other"))
    assert allowed(other).problem == f"{ACCOUNT} is not the account that BTC is hedged on"
    assert allowed_closing(other).problem


def test_an_order_is_what_was_judged() -> None:
    one = _candidate()
    swapped = msgspec.structs.replace(one, intent=msgspec.structs.replace(one.intent, instrument=BTC_USDC))
    assert "what was judged is" in allowed(swapped).problem
    renamed = msgspec.structs.replace(one, intent=msgspec.structs.replace(one.intent, underlying="ETH"))
    assert "what was judged is" in allowed(renamed).problem


@pytest.mark.parametrize(
    ("role", "instrument", "passes"),
    [
        (AccountRole.HEDGE, BTC_USDC, True),
        (AccountRole.SHARED, BTC_USDC, False),
        (AccountRole.HEDGE, BTC_CALL, False),
        (AccountRole.SHARED, BTC_PERP, True),
    ],
)
def test_a_flatten_closes_what_an_earlier_configuration_left_where_all_is_ours(
    role: AccountRole, instrument: str, *, passes: bool
) -> None:
    one = _in(_candidate(), instrument)
    one.account.role = role
    assert bool(allowed_closing(one).problem) is not passes
