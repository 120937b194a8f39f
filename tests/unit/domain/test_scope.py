"""Scope: what of an underlying's exposure counts, and that the hedge always does."""

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.scope import Scope, counts_coins, counts_holding, counts_position, counts_token, scope_of
from hedgebot.domain.settings import EngineSettings, StrategySettings
from tests.support.playbook import ACCOUNT, BTC_CALL, BTC_INVERSE, BTC_PERP, BTC_SPOT, BTC_USDC, settings


def scoped(
    *instruments: InstrumentId, accounts: tuple[str, ...] = (), hedge: InstrumentId = BTC_PERP
) -> EngineSettings:
    made = settings()
    one = msgspec.structs.replace(made.underlyings[0], hedge_instrument=hedge)
    plain = StrategySettings(name="target", enabled=True, underlyings=("BTC", "ETH"))
    strategy = msgspec.structs.replace(made.strategies[0], accounts=accounts, instruments=instruments)
    return msgspec.structs.replace(made, underlyings=(one,), strategies=(plain, strategy))


def test_without_a_scope_everything_counts() -> None:
    made = settings()
    assert scope_of(made, "BTC").is_whole
    assert scope_of(made, "BTC").words == ""
    assert counts_position(made, "BTC", "elsewhere", BTC_CALL)
    assert counts_coins(made, "BTC", "elsewhere")
    assert counts_holding(made, "BTC", "vault")


def test_the_scope_is_that_of_the_strategy_that_names_one_and_of_its_underlyings_alone() -> None:
    made = scoped(BTC_CALL, accounts=("desk",))
    assert scope_of(made, "BTC") == Scope(accounts=("desk",), instruments=(BTC_CALL,))
    assert scope_of(made, "ETH").is_whole
    assert scope_of(made, "BTC").words == "accounts desk and positions BTC-27NOV26-100000-C-USDT"


@pytest.mark.parametrize(
    ("account", "instrument", "counts"),
    [
        ("desk", BTC_CALL, True),
        ("desk", BTC_USDC, False),
        ("other", BTC_CALL, False),
        (ACCOUNT, BTC_PERP, True),  # the hedge
        ("desk", BTC_PERP, False),
        (ACCOUNT, BTC_USDC, False),
    ],
)
def test_account_and_instrument_must_both_be_named_but_for_the_hedge(
    account: str, instrument: InstrumentId, counts: bool
) -> None:
    assert counts_position(scoped(BTC_CALL, accounts=("desk",)), "BTC", account, instrument) is counts


@pytest.mark.parametrize(
    ("made", "account", "counts"),
    [
        (scoped(accounts=("desk",)), "desk", True),
        (scoped(accounts=("desk",)), ACCOUNT, False),
        (scoped(BTC_CALL), "desk", False),
        (scoped(BTC_CALL, BTC_SPOT), "desk", True),
        # Coins are the hedge, or what it is settled in.
        (scoped(accounts=("desk",), hedge=BTC_SPOT), ACCOUNT, True),
        (scoped(accounts=("desk",), hedge=BTC_INVERSE), ACCOUNT, True),
    ],
)
def test_coins_count_by_account_or_as_a_named_pair_or_as_the_hedge(
    made: EngineSettings, account: str, counts: bool
) -> None:
    assert counts_coins(made, "BTC", account) is counts


def test_a_token_counts_with_its_account_and_is_never_the_hedge() -> None:
    assert counts_token(scoped(), "BTC", ACCOUNT)
    assert counts_token(scoped(accounts=("desk",)), "BTC", "desk")
    assert not counts_token(scoped(BTC_SPOT), "BTC", "desk")
    assert not counts_token(scoped(accounts=("desk",), hedge=BTC_SPOT), "BTC", ACCOUNT)


def test_a_holding_is_named_like_an_account() -> None:
    assert counts_holding(scoped(accounts=("vault",)), "BTC", "vault")
    assert not counts_holding(scoped(accounts=("desk",)), "BTC", "vault")
    assert not counts_holding(scoped(BTC_CALL), "BTC", "vault")
