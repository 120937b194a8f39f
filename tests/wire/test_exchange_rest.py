"""The unmodified ccxt client asks over HTTP: request seen, result parsed, state of the venue. One test per call."""

import json
import time
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.types import ExecKind, Execution
from tests.wire.exchange_client import SCENARIO, Lab, lab

pytestmark = pytest.mark.wire
PERP = "BTC/USDT:USDT"


@pytest.fixture
async def venue() -> AsyncIterator[Lab]:
    async with lab() as running:
        yield running


def option_symbol(venue: Lab, coin: str = "BTC") -> str:
    held = next(one for one in venue.exchange.positions("book") if f":option:{coin}" in one.instrument)
    symbol: str = venue.client.safe_market(held.instrument.split(":")[2])["symbol"]
    return symbol


async def buy(venue: Lab, amount: float = 0.01, **params: Any) -> Any:
    return await venue.client.create_order(PERP, "market", "buy", amount, None, params)


async def test_load_markets(venue: Lab) -> None:
    markets = venue.client.markets
    asked = [(one["category"], one.get("baseCoin"), one.get("status")) for one in venue.seen("instruments-info")]
    assert {("spot", None, None), ("linear", None, "PreLaunch"), ("option", "ETH", None)} <= set(asked)
    assert markets["BTC/USDT"]["spot"]
    assert markets["BTC/USDT"]["precision"] == {"amount": 0.000001, "price": 0.1}
    assert markets[PERP]["linear"]
    assert markets[PERP]["limits"]["cost"]["min"] == 5
    assert markets["BTC/USDC:USDC"]["id"] == "BTCPERP"
    options = [one for one in markets.values() if one["option"]]
    assert len(options) == sum(one.instrument.kind.is_option for one in venue.exchange.listings())
    for one in options:
        # Pitfall: the symbol built from deliveryTime and the one built from the id must agree.
        assert (
            datetime.strptime(one["id"].split("-")[1] + "+0000", "%d%b%y%z").date().isoformat() in one["expiryDatetime"]
        )
        assert one["settle"] == "USDT"
    assert "USD" in venue.client.currencies


async def test_options_come_in_pages() -> None:
    async with lab(markets=False) as venue:
        first = await venue.client.publicGetV5MarketInstrumentsInfo({"category": "option", "limit": 7})
        cursor = first["result"]["nextPageCursor"]
        second = await venue.client.publicGetV5MarketInstrumentsInfo(
            {"category": "option", "limit": 7, "cursor": cursor}
        )
        symbols = [[row["symbol"] for row in one["result"]["list"]] for one in (first, second)]
        assert cursor
        assert len(symbols[0]) == 7
        assert not set(symbols[0]) & set(symbols[1])


async def test_fetch_time(venue: Lab) -> None:
    assert abs(await venue.client.fetch_time() - time.time() * 1_000) < 1_000


async def test_fetch_balance(venue: Lab) -> None:
    balance = await venue.client.fetch_balance()
    assert venue.seen("wallet-balance") == [{"accountType": "UNIFIED"}]
    assert balance["USDT"]["total"] == 500_000
    account = balance["info"]["result"]["list"][0]
    assert 0 < float(account["accountMMRate"]) < 1
    assert float(account["totalEquity"]) == pytest.approx(venue.exchange.wallet("book").equity_usd, rel=0.01)


@pytest.mark.parametrize(
    ("params", "held"),
    [
        ({"settleCoin": "USDT"}, {}),
        ({"settleCoin": "USDC"}, {"BTC/USDC:USDC": ("short", 0.5)}),
        ({"type": "swap", "subType": "inverse"}, {}),
        ({"type": "option"}, {"option:BTC": ("long", 1.0), "option:ETH": ("long", 2.0)}),
    ],
)
async def test_fetch_positions(venue: Lab, params: dict[str, str], held: dict[str, tuple[str, float]]) -> None:
    rows = await venue.client.fetch_positions(None, params)
    found = {}
    for row in rows:
        name = f"option:{row['symbol'][:3]}" if row["symbol"].endswith(("-C", "-P")) else row["symbol"]
        found[name] = (row["side"], row["contracts"])
    assert found == held


async def test_a_flat_position_is_answered_by_symbol(venue: Lab) -> None:
    rows = await venue.client.fetch_positions([PERP])
    assert [(row["symbol"], row["side"], row["contracts"]) for row in rows] == [(PERP, None, 0)]


async def test_create_order(venue: Lab) -> None:
    made = await buy(venue, 0.01, orderLinkId="mine-1")
    (sent,) = venue.seen("order/create")
    order = venue.exchange.order("book", client_id="mine-1")
    assert order is not None
    assert (made["id"], made["clientOrderId"]) == (order.order_id, "mine-1")
    assert {"category": "linear", "side": "Buy", "orderType": "Market", "qty": "0.01"}.items() <= sent.items()
    assert "timeInForce" not in sent
    position = venue.exchange.position("book", InstrumentId("bybit:linear:BTCUSDT"))
    assert position is not None
    assert position.contracts == Decimal("0.01")


async def test_a_spot_market_order_counts_in_base(venue: Lab) -> None:
    await venue.client.create_order("BTC/USDT", "market", "buy", 0.01, None, {"orderLinkId": "spot-1"})
    (sent,) = venue.seen("order/create")
    order = venue.exchange.order("book", client_id="spot-1")
    assert order is not None
    assert (sent["marketUnit"], order.filled_contracts, order.fee_coin) == ("baseCoin", Decimal("0.01"), "BTC")


async def test_a_spot_market_buy_counts_in_quote_unless_told(venue: Lab) -> None:
    body = {"category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "900"}
    reply = await venue.client.privatePostV5OrderCreate(body)
    order = venue.exchange.order("book", order_id=reply["result"]["orderId"])
    assert order is not None
    assert float(order.filled_value) == pytest.approx(900, rel=0.002)


async def test_a_duplicate_client_id_is_refused(venue: Lab) -> None:
    await buy(venue, orderLinkId="twice")
    with pytest.raises(ccxt.InvalidOrder, match="110072"):
        await buy(venue, orderLinkId="twice")
    params = {"orderLinkId": "twice"}
    with pytest.raises(ccxt.InvalidOrder, match="170141"):
        await venue.client.create_order("BTC/USDT", "limit", "buy", 0.01, 80_000, params)


@pytest.mark.parametrize(
    ("symbol", "kind", "side", "amount", "price", "params", "code"),
    [
        (PERP, "limit", "buy", 400.0, 89_000, {}, "110007"),
        ("BTC/USDT", "limit", "buy", 50.0, 89_000, {}, "170131"),
        (PERP, "limit", "buy", 0.01, 200_000, {}, "110003"),
        (PERP, "market", "buy", 0.01, None, {"reduceOnly": True}, "110017"),
        (PERP, "limit", "buy", 0.01, 85_000, {"orderLinkId": "not good!"}, "10001"),
    ],
)
async def test_refusals_carry_the_venues_codes(
    venue: Lab, symbol: str, kind: str, side: str, amount: float, price: float | None, params: dict[str, Any], code: str
) -> None:
    with pytest.raises(ccxt.BaseError, match=code):
        await venue.client.create_order(symbol, kind, side, amount, price, params)
    assert venue.exchange.open_orders("book") == ()


async def test_fetch_open_orders_by_client_id(venue: Lab) -> None:
    await venue.client.create_order(PERP, "limit", "buy", 0.01, 88_000, {"orderLinkId": "rest-1", "postOnly": True})
    (row,) = await venue.client.fetch_open_orders(PERP, None, None, {"orderLinkId": "rest-1"})
    assert (row["clientOrderId"], row["status"], row["timeInForce"], row["amount"]) == ("rest-1", "open", "PO", 0.01)
    assert row["symbol"] == PERP
    # By client id an order that has just ended is found as well.
    await buy(venue, orderLinkId="done-1")
    (ended,) = await venue.client.fetch_open_orders(PERP, None, None, {"orderLinkId": "done-1"})
    assert (ended["status"], ended["filled"]) == ("closed", 0.01)


async def test_after_a_restart_ended_orders_are_in_the_history_only(venue: Lab) -> None:
    await buy(venue, orderLinkId="old-1")
    await venue.admin("POST", "restart")
    params = {"orderLinkId": "old-1"}
    assert await venue.client.fetch_open_orders(PERP, None, None, params) == []
    (row,) = await venue.client.fetch_closed_orders(PERP, None, None, params)
    assert (row["clientOrderId"], row["status"]) == ("old-1", "closed")


async def test_cancel_order_by_client_id(venue: Lab) -> None:
    await venue.client.create_order(PERP, "limit", "buy", 0.01, 88_000, {"orderLinkId": "rest-2"})
    await venue.client.cancel_order(None, PERP, {"orderLinkId": "rest-2"})
    order = venue.exchange.order("book", client_id="rest-2")
    assert order is not None
    assert order.status == "cancelled"
    with pytest.raises(ccxt.OrderNotFound, match="110001"):
        await venue.client.cancel_order(None, PERP, {"orderLinkId": "rest-2"})
    with pytest.raises(ccxt.OrderNotFound, match="170213"):
        await venue.client.cancel_order("no-such-id", "BTC/USDT")


async def test_cancel_all_orders_of_a_symbol(venue: Lab) -> None:
    for number in range(3):
        await venue.client.create_order(PERP, "limit", "buy", 0.01, 88_000 - number, {})
    await venue.client.create_order("BTC/USDC:USDC", "limit", "buy", 0.01, 88_000, {})
    await venue.client.cancel_all_orders(PERP)
    assert [order.instrument for order in venue.exchange.open_orders("book")] == ["bybit:linear:BTCPERP"]


async def test_edit_order(venue: Lab) -> None:
    made = await venue.client.create_order(PERP, "limit", "buy", 0.01, 88_000, {})
    edited = await venue.client.edit_order(made["id"], PERP, "limit", "buy", 0.02, 87_000)
    assert edited["id"] == made["id"]
    (order,) = venue.exchange.open_orders("book")
    assert (order.qty_contracts, order.limit_price) == (Decimal("0.02"), Decimal(87_000))
    (row,) = await venue.client.fetch_open_orders(PERP)
    assert (row["id"], row["amount"], row["price"], row["status"]) == (made["id"], 0.02, 87_000, "open")
    with pytest.raises(ccxt.BadRequest, match="remains unchanged"):
        await venue.client.edit_order(made["id"], PERP, "limit", "buy", 0.02, 87_000)
    with pytest.raises(ccxt.InvalidOrder, match="110003"):
        await venue.client.edit_order(made["id"], PERP, "limit", "buy", 0.02, 120_000)
    # Across the book it fills at once; what has ended cannot be changed.
    await venue.client.edit_order(made["id"], PERP, "limit", "buy", 0.02, 91_000)
    (row,) = await venue.client.fetch_open_orders(PERP, None, None, {"orderId": made["id"]})
    assert (row["status"], row["filled"]) == ("closed", 0.02)
    with pytest.raises(ccxt.OrderNotFound, match="110001"):
        await venue.client.edit_order(made["id"], PERP, "limit", "buy", 0.03, 88_000)


async def test_an_amendment_below_what_is_filled(venue: Lab) -> None:
    ask = venue.exchange.book(InstrumentId("bybit:linear:BTCUSDT"), 1).asks[0][0]
    made = await venue.client.create_order(PERP, "limit", "buy", 40, float(ask), {})
    order = venue.exchange.order("book", order_id=made["id"])
    assert order is not None
    assert 0 < order.filled_contracts < 40
    with pytest.raises(ccxt.InvalidOrder, match="110064"):
        await venue.client.edit_order(made["id"], PERP, "limit", "buy", 0.001, float(ask))


@pytest.mark.parametrize("category", ["linear", "spot", "option"])
async def test_fetch_my_trades_of_a_category(venue: Lab, category: str) -> None:
    symbol = {"linear": PERP, "spot": "BTC/USDT", "option": option_symbol(venue, "ETH")}[category]
    amount = {"linear": 0.02, "spot": 0.02, "option": 0.3}[category]
    await venue.client.create_order(symbol, "market", "sell", amount, None, {"orderLinkId": f"trade-{category}"})
    params = {"execType": "", "category": category} | ({"baseCoin": "ETH"} if category == "option" else {})
    rows = await venue.client.fetch_my_trades(symbol, None, 100, params)
    executions = [one for one in venue.exchange.executions("book") if isinstance(one, Execution)]
    assert {row["id"] for row in rows} == {one.exec_id for one in executions}
    assert sum(Decimal(str(row["amount"])) for row in rows) == Decimal(str(amount))
    assert {row["info"]["orderLinkId"] for row in rows} == {f"trade-{category}"}
    fees = sum(Decimal(str(row["fee"]["cost"])) for row in rows)
    assert fees == sum((one.fee for one in executions), Decimal(0))
    assert all(one.kind is ExecKind.TRADE for one in executions)


async def test_option_executions_default_to_bitcoin(venue: Lab) -> None:
    symbol = option_symbol(venue, "ETH")
    await venue.client.create_order(symbol, "market", "sell", 0.3, None, {"orderLinkId": "eth-opt"})
    for params, found in (({}, False), ({"baseCoin": "ETH"}, True), ({"symbol": symbol}, False)):
        reply = await venue.client.privateGetV5ExecutionList({"category": "option", **params})
        assert bool(reply["result"]["list"]) is found


async def test_executions_come_in_pages_newest_first(venue: Lab) -> None:
    for _ in range(5):
        await buy(venue, 0.001)
    pages, cursor = [], ""
    while True:
        params = {"category": "linear", "limit": 2} | ({"cursor": cursor} if cursor else {})
        result = (await venue.client.privateGetV5ExecutionList(params))["result"]
        pages.append([row["seq"] for row in result["list"]])
        cursor = result["nextPageCursor"]
        if not cursor:
            break
    assert [len(page) for page in pages] == [2, 2, 1]
    flat = [int(seq) for page in pages for seq in page]
    assert flat == sorted(flat, reverse=True)


async def test_a_window_over_seven_days_is_refused(venue: Lab) -> None:
    params = {"category": "linear", "startTime": 0, "endTime": 8 * 86_400_000}
    with pytest.raises(ccxt.BadRequest, match="cannot exceed 7 days"):
        await venue.client.privateGetV5ExecutionList(params)
    week_ago_ms = int(time.time() * 1_000) - 6 * 86_400_000
    await buy(venue)
    assert len(await venue.client.fetch_my_trades(PERP, week_ago_ms)) == 1
    assert await venue.client.fetch_my_trades(PERP, week_ago_ms - 10 * 86_400_000) == []


async def test_fetch_funding_rates(venue: Lab) -> None:
    rates = await venue.client.fetch_funding_rates([PERP, "ETH/USDT:USDT"])
    ticker = venue.exchange.ticker(InstrumentId("bybit:linear:BTCUSDT"))
    assert set(rates) == {PERP, "ETH/USDT:USDT"}
    assert rates[PERP]["interval"] == "8h"
    assert rates[PERP]["fundingRate"] == pytest.approx(ticker.funding_rate, abs=1e-5)
    assert rates[PERP]["fundingTimestamp"] == (ticker.next_funding_at_ns or 0) // 1_000_000
    assert (await venue.client.fetch_funding_rate(PERP))["symbol"] == PERP


async def test_fetch_funding_history() -> None:
    import msgspec

    scenario = msgspec.structs.replace(SCENARIO, funding_interval_s=60, step_ms=1_000)
    async with lab(scenario, age_s=61) as venue:
        rows = await venue.client.fetch_funding_history("BTC/USDC:USDC")
        settled = {one.exec_id: one for one in venue.exchange.executions("book") if not isinstance(one, Execution)}
        assert settled  # two where the world began just before a minute
        assert settled.keys() == {row["info"]["execId"] for row in rows}
        assert venue.seen("execution/list")[0]["execType"] == "Funding"
        assert all(Decimal(one["info"]["execFee"]) == settled[one["info"]["execId"]].cost for one in rows)
        # Without a type everything is listed; a plain call asks for trades only.
        assert len(await venue.client.fetch_my_trades("BTC/USDC:USDC", None, None, {"execType": ""})) == len(rows)
        assert await venue.client.fetch_my_trades("BTC/USDC:USDC") == []
        log = await venue.client.privateGetV5AccountTransactionLog({"category": "linear", "currency": "USDC"})
        assert {line["type"] for line in log["result"]["list"]} == {"SETTLEMENT"}
        assert sum(Decimal(line["funding"]) for line in log["result"]["list"]) == -sum(x.cost for x in settled.values())


async def test_fetch_leverage_tiers(venue: Lab) -> None:
    tiers = await venue.client.fetch_market_leverage_tiers(PERP)
    assert tiers[0]["maintenanceMarginRate"] == 0.005
    assert tiers[0]["maxLeverage"] == 100
    first, second = (row["info"] for row in tiers[:2])
    step = float(second["maintenanceMargin"]) - float(first["maintenanceMargin"])
    assert first["mmDeduction"] == ""
    assert float(second["mmDeduction"]) == pytest.approx(float(first["riskLimitValue"]) * step)
    assert tiers[1]["minNotional"] == tiers[0]["maxNotional"]


async def test_set_margin_mode(venue: Lab) -> None:
    await venue.client.set_margin_mode("cross")
    assert venue.seen("set-margin-mode") == [{"setMarginMode": "REGULAR_MARGIN"}]
    await venue.client.set_margin_mode("portfolio")
    assert (await venue.client.private_get_v5_account_info())["result"]["marginMode"] == "PORTFOLIO_MARGIN"
    await venue.client.set_margin_mode("cross")


async def test_set_leverage_and_mode(venue: Lab) -> None:
    await venue.client.create_order(PERP, "market", "buy", 1, None, {})
    (before,) = await venue.client.fetch_positions([PERP])
    await venue.client.set_leverage(20, PERP)
    (after,) = await venue.client.fetch_positions([PERP])
    assert after["initialMargin"] == pytest.approx(before["initialMargin"] / 2, rel=0.01)
    with pytest.raises(ccxt.BadRequest, match="110013"):
        await venue.client.set_leverage(101, PERP)
    with pytest.raises(ccxt.BaseError, match="110043"):
        await venue.client.set_leverage(20, PERP)
    with pytest.raises(ccxt.BaseError, match="110025"):
        await venue.client.set_position_mode(False, PERP)
    (row,) = await venue.client.fetch_positions([PERP])
    assert row["leverage"] == 20


async def test_fetch_greeks(venue: Lab) -> None:
    symbol = option_symbol(venue)
    greeks = await venue.client.fetch_greeks(symbol)
    assert 0.2 < greeks["delta"] < 0.8
    assert greeks["gamma"] > 0
    assert 0.1 < greeks["markImpliedVolatility"] < 2
    chain = await venue.client.fetch_option_chain("BTC")
    assert symbol in chain
    every = await venue.client.fetch_all_greeks(None, {"baseCoin": "ETH"})
    assert {name[:3] for name in every} == {"ETH"}


async def test_fetch_order_book_trades_and_candles(venue: Lab) -> None:
    venue.exchange.advance(venue.exchange.now_ns + 20_000_000_000)
    book = await venue.client.fetch_order_book(PERP, 5)
    assert len(book["bids"]) == 5
    assert book["bids"][0][0] < book["asks"][0][0]
    trades = await venue.client.fetch_trades(PERP, None, 10)
    assert trades
    assert {one["symbol"] for one in trades} == {PERP}
    candles = await venue.client.fetch_ohlcv(PERP, "1m")
    assert candles[-1][2] >= candles[-1][3] > 0
    ticker = await venue.client.fetch_ticker("BTC/USDT")
    assert ticker["bid"] < ticker["ask"]
    assert ticker["baseVolume"] * ticker["low"] <= ticker["quoteVolume"] <= ticker["baseVolume"] * ticker["high"]


async def test_fees_and_account_details(venue: Lab) -> None:
    fee = await venue.client.fetch_trading_fee(PERP)
    assert (fee["maker"], fee["taker"]) == (0.0002, 0.00055)
    key = (await venue.client.privateGetV5UserQueryApi())["result"]
    assert "Withdraw" not in str(key["permissions"])
    info = (await venue.client.privateGetV5AccountInfo())["result"]
    assert info["marginMode"] == "REGULAR_MARGIN"
    await venue.client.cancel_all_orders_after(10_000)
    assert venue.seen("disconnected-cancel-all")[0]["timeWindow"] == 10


async def test_market_paths_without_a_unified_call(venue: Lab) -> None:
    interest = await venue.client.publicGetV5MarketOpenInterest(
        {"category": "linear", "symbol": "BTCUSDT", "intervalTime": "1h"}
    )
    assert float(interest["result"]["list"][0]["openInterest"]) > 0
    history = await venue.client.publicGetV5MarketFundingHistory({"category": "linear", "symbol": "BTCUSDT"})
    assert history["result"]["list"] == []
    delivered = await venue.client.publicGetV5MarketDeliveryPrice({"category": "option"})
    assert delivered["result"]["list"] == []
    body = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "0.01"}
    checked = await venue.client.privatePostV5OrderPreCheck(body)
    assert int(checked["result"]["preMmrE4"]) > 0
    assert int(checked["result"]["postMmrE4"]) >= int(checked["result"]["preMmrE4"])
    with pytest.raises(ccxt.InsufficientFunds, match="110007"):
        await venue.client.privatePostV5OrderPreCheck(body | {"qty": "400"})
    assert int(json.loads(venue.client.last_http_response)["retExtInfo"]["post_imr_e4"]) > 10_000
    assert venue.exchange.executions("book") == ()
