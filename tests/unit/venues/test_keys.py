from typing import Any

import pytest

from hedgebot.domain.settings import AccountRole
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.keys import account_uid, key_problem, move_problem, moving_rights
from tests.unit.venues.double import golden


def key(**changes: Any) -> dict[str, Any]:
    return {**golden("query_api"), **changes}


def test_a_trading_key_is_good() -> None:
    assert key_problem(BYBIT, AccountRole.SHARED, key()) is None


@pytest.mark.parametrize("right", ["Withdraw", "AccountTransfer", "SubMemberTransfer"])
@pytest.mark.parametrize("role", list(AccountRole))
def test_a_key_that_can_move_money_out_is_refused_in_every_role(right: str, role: AccountRole) -> None:
    problem = key_problem(BYBIT, role, key(permissions={"Wallet": [right, "SubMemberTransferList"]}))
    assert problem is not None
    assert right in problem


def test_a_read_only_key_is_good_for_the_book_only() -> None:
    assert key_problem(BYBIT, AccountRole.BOOK, key(readOnly=1)) is None
    assert "read-only" in str(key_problem(BYBIT, AccountRole.HEDGE, key(readOnly=1)))


def test_silence_about_rights_is_no_permission() -> None:
    assert key_problem(BYBIT, AccountRole.SHARED, key(permissions=None)) is not None
    assert "unified" in str(key_problem(BYBIT, AccountRole.SHARED, key(uta=0)))


def test_o07_whoever_takes_it_on_them_may_use_such_a_key_and_nothing_else() -> None:
    may_move = key(permissions={"Wallet": ["Withdraw", "AccountTransfer", "SubMemberTransferList"]})
    assert moving_rights(BYBIT, may_move) == ("AccountTransfer", "Withdraw")
    assert "--accept-key-rights bybit" in str(key_problem(BYBIT, AccountRole.SHARED, may_move))
    assert key_problem(BYBIT, AccountRole.SHARED, may_move, accepted=True) is None
    assert key_problem(BYBIT, AccountRole.SHARED, {**may_move, "readOnly": 1}, accepted=True) is not None
    assert moving_rights(BYBIT, key()) == ()


def test_a_configured_treasury_grants_the_one_right_that_its_moves_need_and_no_other() -> None:
    may_move = key(permissions={"Wallet": ["AccountTransfer", "SubMemberTransferList"]})
    assert key_problem(BYBIT, AccountRole.SHARED, may_move, moves=True) is None
    assert move_problem(BYBIT, may_move) == ""
    assert "AccountTransfer" in str(key_problem(BYBIT, AccountRole.SHARED, may_move))
    for right in ("Withdraw", "SubMemberTransfer"):
        more = key(permissions={"Wallet": ["AccountTransfer", right]})
        problem = str(key_problem(BYBIT, AccountRole.SHARED, more, moves=True))
        assert f"may move money out ({right})" in problem
        assert "no Wallet right but AccountTransfer" in problem
    # Without it the book is hedged all the same, and each move is refused.
    assert key_problem(BYBIT, AccountRole.SHARED, key(), moves=True) is None
    assert "has not the Wallet right AccountTransfer" in move_problem(BYBIT, key())


@pytest.mark.parametrize(("told", "uid"), [(1, "1"), ("246177", "246177"), (0, ""), ("0", ""), (None, ""), ("x", "")])
def test_whose_a_key_is(told: object, uid: str) -> None:
    assert account_uid(key(userID=told)) == uid


def test_a_venue_that_says_nothing_of_the_owner_has_no_name_for_it() -> None:
    silent = key()
    del silent["userID"]
    assert account_uid(silent) == ""
