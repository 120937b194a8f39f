"""A watched account at Binance through the real client: pockets, modes, and both sides of a hedged instrument."""

import json
from decimal import Decimal

import pytest

from tests.support import stub_venue as stubs
from tests.support.readings import margin_of, report
from tests.support.stub_venue import Answer, StubVenue

pytestmark = pytest.mark.wire


async def test_binance_usd_m_is_as_told() -> None:
    found = await report("binance", stubs.binance)
    assert (found.equity_usd, found.maintenance_margin_usd) == (Decimal(20_000), Decimal(450))
    (position,) = margin_of(found).positions or ()
    assert (position.rules.underlying, position.contracts, position.mark) == ("BTC", 1.0, 100_000.0)


async def test_binance_pockets_share_nothing_outside_multi_assets_mode() -> None:
    def fill(stub: StubVenue) -> None:
        usdt = stubs.binance_asset("USDT", "50000")
        usdc = stubs.binance_asset("USDC", "1000", maintMargin="950", initialMargin="960")
        held = {"symbol": "ETHUSDC", "positionAmt": "2", "notional": "8000", "entryPrice": "4000", "leverage": "20"}
        sums = {"totalMaintMargin": "0", "totalInitialMargin": "0", "totalMarginBalance": "50000"}
        stubs.binance(stub, **sums, assets=[usdt, usdc], positions=[held])

    found = await report("binance", fill)
    assert (found.equity_usd, found.maintenance_margin_usd) == (Decimal(1_000), Decimal(950))
    assert (margin_of(found).pocket, margin_of(found).equity_usd) == ("USD-M USDC", Decimal(51_000))
    assert [one.rules.settle for one in margin_of(found).positions or ()] == ["USDC"]


async def test_binance_isolated_positions_stand_by_themselves() -> None:
    def fill(stub: StubVenue) -> None:
        usdt = stubs.binance_asset("USDT", "500480", crossWalletBalance="500000", maintMargin="450")
        held = {"symbol": "ETHUSDT", "positionAmt": "2", "notional": "9000", "entryPrice": "4500", "isolated": True}
        margins = {"isolatedWallet": "500", "unrealizedProfit": "-20", "maintMargin": "450", "initialMargin": "480"}
        stubs.binance(stub, assets=[usdt], positions=[held | margins])

    found = await report("binance", fill)
    assert (found.equity_usd, found.maintenance_margin_usd) == (Decimal(480), Decimal(450))
    assert found.balances == {"USDT": Decimal(480)}
    assert margin_of(found).problem == "the position in ETHUSDT is isolated"


@pytest.mark.parametrize("maintenance", ["0", ""])
async def test_binance_without_a_margin_for_what_is_held_is_unknown(maintenance: str) -> None:
    def fill(stub: StubVenue) -> None:
        usdt = stubs.binance_asset("USDT", "20000", maintMargin=maintenance)
        usdc = stubs.binance_asset("USDC", "20000", maintMargin="1000")
        stubs.binance(stub, assets=[usdc, usdt])

    found = await report("binance", fill)
    assert (margin_of(found).pocket, found.maintenance_margin_usd) == ("USD-M USDT", None)


async def test_binance_multi_assets_is_one_account_of_several_coins() -> None:
    def fill(stub: StubVenue) -> None:
        assets = [stubs.binance_asset(coin, "100") for coin in ("USDT", "USDC", "BNB", "FDUSD")]
        stubs.binance(stub, multiAssetsMargin=True, assets=assets)
        unknown = Answer(json.dumps({"code": -1121, "msg": "Invalid symbol."}), 400)
        known = Answer(json.dumps({"symbol": "BNBUSDT", "indexPrice": "600"}))
        stub.script("fapi/v1/premiumIndex", lambda one: known if one.query["symbol"] == "BNBUSDT" else unknown)

    found = await report("binance", fill)
    assert (found.equity_usd, found.maintenance_margin_usd) == (Decimal(20_000), Decimal(450))
    assert found.balances == dict.fromkeys(("USDT", "USDC", "BNB", "FDUSD"), Decimal(100))
    assert found.prices_usd == {"USDT": 1.0, "USDC": 1.0, "BNB": 600.0}


@pytest.mark.parametrize("side", ["LONG", "SHORT"])
async def test_binance_tells_both_sides_of_a_hedged_instrument(side: str) -> None:
    def fill(stub: StubVenue) -> None:
        row = {"symbol": "BTCUSDT", "entryPrice": "100000", "leverage": "20"}
        both = [
            row | {"positionAmt": "10", "notional": "1000000", "positionSide": "LONG"},
            row | {"positionAmt": "-0.1", "notional": "-10000", "positionSide": "SHORT"},
        ]
        stubs.binance(stub, positions=both if side == "LONG" else both[::-1])

    found = await report("binance", fill)
    assert sorted(one.contracts for one in margin_of(found).positions or ()) == [-0.1, 10.0]


@pytest.mark.parametrize(("held", "known"), [("0", True), ("0.5", False)])
async def test_binance_portfolio_margin_points_down_and_is_turned_round(held: str, known: bool) -> None:
    def fill(stub: StubVenue) -> None:
        stubs.binance(stub)
        account = {"uniMMR": "4", "accountEquity": "20000", "accountMaintMargin": "5000"}
        stub.say("papi/v1/account", account | {"accountInitialMargin": "6000"})
        stub.say("papi/v1/um/account", {"assets": [], "positions": [{"symbol": "BTCUSDT", "positionAmt": held}]})
        stub.say("papi/v1/cm/account", {"assets": [], "positions": []})

    found = await report("binance", fill, portfolio_margin=True)
    assert (found.equity_usd, found.maintenance_margin_usd) == (Decimal(20_000), Decimal(5_000))
    assert margin_of(found).stated_use == pytest.approx(0.25)
    assert (margin_of(found).positions == ()) is known
    assert not margin_of(found).coins_known, "the account names none of its coins"
