"""Paths about collateral and borrowing."""

from decimal import Decimal

import pytest

from hedgebot.exchange.wire import routes_margin as routes
from hedgebot.exchange.wire.api import Api
from tests.unit.exchange.wire.asking import ask, code_of


def test_terms_are_the_margin_parameters(api: Api) -> None:
    (row,) = ask(routes.collateral_info, api, currency="BTC")["list"]
    terms, worth = routes.parameters().borrowing_of("BTC"), routes.parameters().collateral_of("BTC")
    assert float(row["hourlyBorrowRate"]) == pytest.approx(terms.hourly_rate)
    assert float(row["maxBorrowingAmount"]) == terms.amount_max
    assert float(row["collateralRatio"]) == worth.tiers[0].ratio
    assert (row["borrowAmount"], row["marginCollateral"], row["collateralSwitch"]) == ("0", True, True)
    assert len(ask(routes.collateral_info, api)["list"]) >= 5
    assert code_of(routes.collateral_info, api, currency="NOPE") == 10001
    (data,) = ask(routes.margin_data, api, currency="BTC")["vipCoinList"]
    assert float(data["list"][0]["hourlyBorrowRate"]) == pytest.approx(terms.hourly_rate)
    assert ask(routes.margin_data, api, vipLevel="VIP-5")["vipCoinList"] == []


def test_tiers_of_collateral_follow_each_other(api: Api) -> None:
    (row,) = ask(routes.tiered_collateral, api, currency="BTC")["list"]
    tiers = row["collateralRatioList"]
    assert tiers[0]["minQty"] == "0"
    assert tiers[-1]["maxQty"] == ""
    assert [one["minQty"] for one in tiers[1:]] == [one["maxQty"] for one in tiers[:-1]]


def test_interest_by_the_hour(api: Api) -> None:
    rows = ask(routes.interest_history, api, currency="USDC")["list"]
    assert len(rows) in {168, 169}
    assert all(row["timestamp"] % routes.HOUR_MS == 0 for row in rows)
    assert rows[0]["timestamp"] > rows[1]["timestamp"]
    assert code_of(routes.interest_history, api) == 10001
    assert code_of(routes.interest_history, api, currency="USDC", startTime=1) == 10001
    assert code_of(routes.interest_history, api, currency="USDC", startTime=0, endTime=routes.MONTH_MS + 1) == 10001


def test_what_can_be_borrowed_bought_and_taken_out(api: Api) -> None:
    assert Decimal(ask(routes.max_borrowable, api, currency="BTC")["maxLoan"]) == Decimal(
        str(routes.parameters().borrowing_of("BTC").amount_max)
    )
    buy = ask(routes.spot_borrow_check, api, category="spot", symbol="BTCUSDT", side="Buy")
    sell = ask(routes.spot_borrow_check, api, category="spot", symbol="BTCUSDT", side="Sell")
    assert (buy["borrowCoin"], buy["spotMaxTradeAmount"]) == ("USDT", "500000")
    assert (sell["borrowCoin"], sell["spotMaxTradeQty"]) == ("BTC", "2")
    assert 5 < float(buy["spotMaxTradeQty"]) < 6  # 500,000 at about 90,000
    assert code_of(routes.spot_borrow_check, api, category="spot", symbol="BTCUSDT", side="buy") == 170117
    found = ask(routes.transferable, api, coinName="BTC,USDT,DOGE")
    assert found["availableWithdrawalMap"] == {"BTC": "2", "USDT": "500000", "DOGE": "0"}
    assert found["availableWithdrawal"] == "2"
    assert code_of(routes.transferable, api, coinName=",") == 10001


def test_spot_margin_is_shown_and_has_one_leverage(api: Api) -> None:
    off = ask(routes.spot_margin_state, api)
    assert off == {"spotLeverage": "", "spotMarginMode": "0", "effectiveLeverage": ""}
    assert code_of(routes.spot_margin_leverage, api, leverage="10") == 176038
    assert api.exchange.margin.set_spot_margin("book", on=True) is None
    on = ask(routes.spot_margin_state, api)
    assert (on["spotLeverage"], on["spotMarginMode"], on["effectiveLeverage"]) == ("10", "1", "1")
    assert ask(routes.spot_margin_leverage, api, leverage="10") == {}
    assert code_of(routes.spot_margin_leverage, api, leverage="11") == 176034
    assert code_of(routes.spot_margin_leverage, api, leverage="5") == 10001


def test_nothing_is_borrowed_or_repaid_by_hand(api: Api) -> None:
    assert code_of(routes.borrow, api, coin="BTC", amount="1") == 176009
    assert api.exchange.margin.set_spot_margin("book", on=True) is None
    assert code_of(routes.borrow, api, coin="BTC", amount="1") == 176005
    assert code_of(routes.borrow, api, coin="BTC") == 10001
    assert code_of(routes.no_convert_repay, api, coin="BTC") == 182102
    assert code_of(routes.quick_repayment, api) == 182102
    api.exchange._books.accounts["book"].coins["ETH"] = Decimal(-1)
    assert code_of(routes.no_convert_repay, api, coin="ETH") == 176015
    assert code_of(routes.quick_repayment, api) == 182101
