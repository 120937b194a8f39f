"""Moves between a user's two wallets, as the wire asks for them."""

from decimal import Decimal
from typing import Any

import pytest

from hedgebot.exchange.wire import routes_asset
from hedgebot.exchange.wire import routes_transfer as routes
from hedgebot.exchange.wire.api import Api, KeyState
from tests.unit.exchange.wire.asking import ask, code_of

ID = "42c0cfb0-6bca-c242-bc76-4e6df6cbcb16"


@pytest.fixture
def rich(api: Api) -> Api:
    """A key that may transfer, and 2,000 USDT moved out to the funding wallet."""
    api.keys["book"] = KeyState.MAY_TRANSFER
    ask(routes.inter_transfer, api, **wish(transferId=ID[:-1] + "0", amount="2000", out=True))
    return api


def wish(*, out: bool = False, **changed: str) -> dict[str, Any]:
    ends = ("UNIFIED", "FUND") if out else ("FUND", "UNIFIED")
    asked = {"transferId": ID, "coin": "USDT", "amount": "500", "fromAccountType": ends[0], "toAccountType": ends[1]}
    return asked | changed


def test_a_move_is_made_once_and_listed_by_its_id(rich: Api) -> None:
    assert ask(routes.inter_transfer, rich, **wish()) == {"transferId": ID, "status": "SUCCESS"}
    assert code_of(routes.inter_transfer, rich, **wish()) == 131214
    (row,) = ask(routes.inter_transfer_list, rich, transferId=ID)["list"]
    assert (row["amount"], row["fromAccountType"], row["toAccountType"]) == ("500", "FUND", "UNIFIED")
    assert row["status"] == "SUCCESS"
    assert [one["amount"] for one in ask(routes.inter_transfer_list, rich)["list"]] == ["500", "2000"]
    assert ask(routes.inter_transfer_list, rich, status="FAILED")["list"] == []
    assert ask(routes.inter_transfer_list, rich, transferId="nobody's")["list"] == []
    held = ask(routes_asset.coins_balance, rich, accountType="FUND")["balance"]
    assert [(one["coin"], one["walletBalance"]) for one in held] == [("USDT", "1500")]
    one = ask(routes_asset.coin_balance, rich, accountType="FUND", coin="USDT")["balance"]
    assert Decimal(one["transferBalance"]) == 1_500


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"amount": "2000.5"}, 131212),
        ({"amount": "0"}, 131215),
        ({"amount": "0.000000001"}, 131210),
        ({"toAccountType": "FUND"}, 131211),
        ({"fromAccountType": "SPOT"}, 131203),
        ({"transferId": "one"}, 131203),
        ({"coin": "NOCOIN"}, 131203),
        ({"amount": "much"}, 10001),
        ({"coin": ""}, 10001),
    ],
)
def test_what_cannot_be_moved_has_its_code(rich: Api, changed: dict[str, Any], code: int) -> None:
    assert code_of(routes.inter_transfer, rich, **wish(**changed)) == code
    assert ask(routes.inter_transfer_list, rich, transferId=ID)["list"] == []


def test_a_key_without_the_right_moves_nothing(api: Api) -> None:
    assert code_of(routes.inter_transfer, api, **wish(out=True)) == 10005
    assert code_of(routes.inter_transfer_list, api, status="DONE") == 10001
