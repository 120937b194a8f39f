"""C2's table: every unified call of ccxt.pro's Bybit class, and the products that it is for.

A call in SCOPE has a contract test for each of its products (`calls_*.py`). A call outside it says why. Together they
are all that `ccxt.pro.bybit().has` claims (`test_contract.py`), so that nothing new is overlooked at an upgrade.
"""

from collections.abc import Awaitable, Callable

from tests.wire.contract.stage import BY_NAME, Stage

Contract = Callable[[Stage], Awaitable[None]]

ALL = tuple(BY_NAME)
CONTRACTS = tuple(name for name in ALL if name != "spot")
PERPETUALS = ("linear", "usdc", "inverse")
FUTURES = ("dated", "dated_usdc", "dated_inverse")
LINEAR = ("linear", "usdc", "dated", "dated_usdc")
EXPIRING = (*FUTURES, "option")
BOOKED = ("spot", *PERPETUALS, *FUTURES)  # all but options
LEVERAGED = (*PERPETUALS, *FUTURES)
NOT_INVERSE = tuple(name for name in ALL if "inverse" not in name)
ONE = ("linear",)  # the call knows no product

SCOPE: dict[str, tuple[str, ...]] = {
    # --- public
    "fetchMarkets": ALL,
    "fetchCurrencies": ONE,
    "fetchTime": ONE,
    "fetchStatus": ONE,
    "fetchTicker": ALL,
    "fetchTickers": ALL,
    "fetchBidsAsks": ALL,
    "fetchOrderBook": ALL,
    "fetchL2OrderBook": ALL,
    "fetchTrades": ALL,
    "fetchOHLCV": BOOKED,
    "fetchMarkOHLCV": LEVERAGED,
    "fetchIndexOHLCV": LEVERAGED,
    "fetchPremiumIndexOHLCV": LINEAR,
    "fetchFundingRate": PERPETUALS,
    "fetchFundingRates": PERPETUALS,
    "fetchFundingRateHistory": PERPETUALS,
    "fetchOpenInterest": LEVERAGED,
    "fetchOpenInterestHistory": LEVERAGED,
    "fetchLongShortRatioHistory": PERPETUALS,
    "fetchGreeks": ("option",),
    "fetchAllGreeks": ("option",),
    "fetchOption": ("option",),
    "fetchOptionChain": ("option",),
    "fetchVolatilityHistory": ("option",),
    "fetchMarketLeverageTiers": LEVERAGED,
    "fetchLeverageTiers": LEVERAGED,
    "fetchSettlementHistory": EXPIRING,
    "fetchCrossBorrowRate": ONE,
    # --- orders
    "createOrder": ALL,
    "createLimitOrder": ALL,
    "createMarketOrder": ALL,
    "createPostOnlyOrder": ALL,
    "createReduceOnlyOrder": CONTRACTS,
    "createMarketBuyOrderWithCost": ("spot",),
    "createMarketSellOrderWithCost": ("spot",),
    "createOrders": ALL,
    "createOrderWs": ALL,
    "createLimitOrderWs": ALL,
    "createMarketOrderWs": ALL,
    "editOrder": ALL,
    "editOrders": ALL,
    "editOrderWs": ALL,
    "cancelOrder": ALL,
    "cancelOrderWs": ALL,
    "cancelOrders": NOT_INVERSE,
    "cancelOrdersForSymbols": NOT_INVERSE,
    "cancelAllOrders": ALL,
    "cancelAllOrdersAfter": ONE,
    "fetchOpenOrders": ALL,
    "fetchOpenOrder": ALL,
    "fetchOrder": ALL,
    "fetchClosedOrders": ALL,
    "fetchClosedOrder": ALL,
    "fetchCanceledOrders": ALL,
    "fetchCanceledAndClosedOrders": ALL,
    "fetchOrderTrades": ALL,
    "fetchMyTrades": ALL,
    # --- account
    "fetchBalance": ONE,
    "fetchPosition": CONTRACTS,
    "fetchPositions": CONTRACTS,
    "fetchPositionADLRank": LEVERAGED,
    "fetchPositionsADLRank": LEVERAGED,
    "fetchLeverage": LEVERAGED,
    "setLeverage": LEVERAGED,
    "setMarginMode": ONE,
    "fetchMarginMode": ONE,
    "setPositionMode": LEVERAGED,
    "fetchFundingHistory": PERPETUALS,
    "fetchLedger": ALL,
    "fetchPositionHistory": LEVERAGED,
    "fetchPositionsHistory": LEVERAGED,
    "fetchMySettlementHistory": EXPIRING,
    "fetchMyLiquidations": CONTRACTS,
    "fetchBorrowRateHistory": ONE,
    "fetchDeposits": ONE,
    "fetchWithdrawals": ONE,
    "fetchTransfers": ONE,
    "transfer": ONE,
    "fetchTradingFee": ("spot", *LEVERAGED),
    # --- streams
    "watchTicker": ALL,
    "watchTickers": ALL,
    "watchBidsAsks": BOOKED,
    "watchOrderBook": ALL,
    "watchOrderBookForSymbols": ALL,
    "watchTrades": ALL,
    "watchTradesForSymbols": ALL,
    "watchOHLCV": BOOKED,
    "watchOHLCVForSymbols": BOOKED,
    "watchOrders": ALL,
    "watchMyTrades": ALL,
    "watchPositions": CONTRACTS,
    "watchBalance": ONE,
    "watchLiquidations": LEVERAGED,
    "unWatchTicker": BOOKED,
    "unWatchTickers": BOOKED,
    "unWatchOrderBook": BOOKED,
    "unWatchOrderBookForSymbols": BOOKED,
    "unWatchTrades": BOOKED,
    "unWatchTradesForSymbols": BOOKED,
    "unWatchOHLCV": BOOKED,
    "unWatchOHLCVForSymbols": BOOKED,
}

# Why a call is for some products only.
NOT_FOR = {
    "fetchOHLCV": "the venue has no candles of options",
    "fetchMarkOHLCV": "marks and indices are of contracts; the venue has no candles of options",
    "fetchPremiumIndexOHLCV": "the venue has premium candles of linear contracts only",
    "fetchFundingRate": "only perpetuals have funding",
    "fetchOpenInterest": "ccxt: contract markets only; an option's is in its ticker",
    "fetchGreeks": "options only",
    "fetchMarketLeverageTiers": "spot and options have no tiers",
    "fetchSettlementHistory": "only what expires is delivered",
    "createMarketBuyOrderWithCost": "spot only",
    "cancelOrders": "ccxt refuses batches of inverse cancels",
    "watchBidsAsks": "the venue has no orderbook.1 of options",
    "fetchPosition": "spot has no positions",
    "unWatchTicker": "the venue's answer for options (COMMAND_RESP) names no operation, and ccxt waits for one",
}

CONVERTS = "converting coins is no part of a hedge"
MOVES = "keys of ours may not move money"
BY_ITSELF = "the exchange lends when a balance goes below zero and takes back by itself; by hand it refuses with a code"
CONDITIONAL = "conditional orders are not simulated; refused with the venue's code"
OUT: dict[str, str] = {
    **dict.fromkeys(
        (
            "createConvertTrade",
            "fetchConvertCurrencies",
            "fetchConvertQuote",
            "fetchConvertTrade",
            "fetchConvertTradeHistory",
        ),
        CONVERTS,
    ),
    **dict.fromkeys(
        (
            "withdraw",
            "fetchDepositAddress",
            "fetchDepositAddressesByNetwork",
            "fetchDepositWithdrawFee",
            "fetchDepositWithdrawFees",
        ),
        MOVES,
    ),
    **dict.fromkeys(
        (
            "createOrderWithTakeProfitAndStopLoss",
            "createStopLimitOrder",
            "createStopLossOrder",
            "createStopMarketOrder",
            "createStopOrder",
            "createTakeProfitOrder",
            "createTrailingAmountOrder",
            "createTriggerOrder",
        ),
        CONDITIONAL,
    ),
    "fetchBorrowInterest": "ccxt asks an address of the classic account that the documentation no longer has",
    "fetchTradingFees": "ccxt asks without the category that the documentation requires",
    "borrowCrossMargin": BY_ITSELF,
    "repayCrossMargin": BY_ITSELF,
    "fetchCurrenciesWs": "ccxt has no code behind it for this venue",
    "unWatchMyTrades": "a private topic is never left by ours",
    "unWatchOrders": "a private topic is never left by ours",
    "unWatchPositions": "a private topic is never left by ours",
}
# What is claimed by `has` and is no call.
FLAGS = frozenset({"CORS", "future", "margin", "option", "privateAPI", "publicAPI", "sandbox", "spot", "swap", "ws"})

CASES: dict[str, Contract] = {}
# The world that a call's test is run in, where it is not the plain one (`test_contract.py`).
WORLD_OF: dict[str, str] = {}


def contract(call: str, *, world: str = "plain") -> Callable[[Contract], Contract]:
    """Make a function the contract test of a unified call, in a world of that name."""

    def register(function: Contract) -> Contract:
        assert call not in CASES, f"{call} has a contract test already"
        CASES[call] = function
        WORLD_OF[call] = world
        return function

    return register
