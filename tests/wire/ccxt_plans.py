"""What ccxt's own suites are run on (`ccxt_suites.py`), and each thing that is left out of them with its reason."""

from dataclasses import dataclass, field
from typing import Any

# Skips of single fields, with the reason; the rest of the test runs.
FIELDS: dict[str, dict[str, str]] = {
    "fetchTickers": {"checkActiveSymbols": "a call answers one category, the check wants the markets of all"},
    "fetchLedger": {"account": "the unified account's transaction log has no account field for ccxt to read"},
    # One key for all three calls about public trades.
    "trade": {"sideSequence": "the book may move between two trades: a purchase can be lower than the one before"},
    "watchPositions": {"marginMode": "ccxt has no margin mode of a position: its parser says None"},
    "fetchPositions": {"marginMode": "ccxt has no margin mode of a position: its parser says None"},
}
# Methods whose answer must not be empty.
NEVER_EMPTY = (
    *("fetchTrades", "fetchOHLCV", "fetchTickers", "fetchMyTrades", "fetchOpenOrders", "fetchClosedOrders"),
    *("fetchCanceledOrders", "fetchOrders", "fetchPositions", "fetchLedger", "fetchFundingRateHistory"),
    *("watchTickers", "watchTrades", "watchTradesForSymbols", "watchOHLCV", "watchMyTrades", "watchOrders"),
)
# Whole tests that no Python run of the suites passes on any venue.
BROKEN = {
    "fetchLeverageTiers": "passes a list inside a list and fails on every venue in Python; contract tests cover it",
}
RETIRED = (
    "asks an address of the classic account (spot-cross-margin-trade), which the venue's documentation no longer has"
)
BROKEN |= {
    "fetchBorrowInterest": RETIRED,
    "fetchTradingFees": "asks without the category that the venue's documentation requires",
}
TOPICS = {
    "watchTicker": "tickers.{id}",
    "watchTickers": "tickers.{id}",
    "watchBidsAsks": "orderbook.1.{id}",
    "watchOrderBook": "orderbook.{depth}.{id}",
    "watchOrderBookForSymbols": "orderbook.{depth}.{id}",
    "watchTrades": "publicTrade.{id}",
    "watchTradesForSymbols": "publicTrade.{id}",
    "watchOHLCV": "kline.1.{id}",
    "watchOHLCVForSymbols": "kline.1.{id}",
    "watchBalance": "wallet",
    "watchMyTrades": "execution",
    "watchOrders": "order",
    "watchPositions": "position",
}
PRIVATE = frozenset({"wallet", "execution", "order", "position"})


@dataclass(frozen=True)
class Plan:
    """What one product's runs are: its account, category and settlement coin, a size, and its own skips."""

    account: str
    category: str
    settle: str
    qty: str
    dated: bool = False
    skips: dict[str, str] = field(default_factory=dict)
    fields: dict[str, dict[str, str]] = field(default_factory=dict)


NO_CANDLES = "the venue has no candles of options"
NO_FUNDING = "only perpetuals have funding"
NEEDLESS = (
    *("leverage", "collateral", "percentage", "marginRatio", "initialMargin", "initialMarginPercentage"),
    *("maintenanceMargin", "maintenanceMarginPercentage"),
)
NO_LEVERAGE = "a bought option has no leverage and needs no margin: the venue sends empty texts or zero"
NO_TOUCH = "the venue has no orderbook.1 of options; its refusal ends every watch of the socket in ccxt"
PLANS = (
    Plan("spot", "spot", "USDT", "0.01", skips={"watchPositions": "spot has no positions"}),
    Plan("linear", "linear", "USDT", "0.01"),
    Plan("usdc", "linear", "USDC", "0.01"),
    Plan("inverse", "inverse", "BTC", "900"),
    Plan("dated", "linear", "USDT", "0.01", dated=True, skips={"fetchFundingRateHistory": NO_FUNDING}),
    Plan("dated_inverse", "inverse", "BTC", "900", dated=True, skips={"fetchFundingRateHistory": NO_FUNDING}),
    Plan(
        "option",
        "option",
        "USDT",
        "0.01",
        skips={
            **dict.fromkeys(("watchOHLCV", "watchOHLCVForSymbols", "fetchOHLCV"), NO_CANDLES),
            **dict.fromkeys(("fetchFundingRateHistory", "fetchOpenInterestHistory"), "ccxt: not supported for options"),
            "watchBidsAsks": NO_TOUCH,
            "fetchPositions": "asks for linear positions whatever the symbol is; contract tests ask with type=option",
        },
        fields={
            "watchPositions": dict.fromkeys(NEEDLESS, NO_LEVERAGE),
            "fetchTicker": {"lastBetweenBidAsk": "an option's spread is wider than the 2 % that the check allows"},
        },
    ),
)


def skips_of(plan: Plan) -> dict[str, Any]:
    """The suites' skip file for a product: whole methods as texts, fields as tables."""
    tables: dict[str, Any] = {method: {"emptyResponse": "is checked"} for method in NEVER_EMPTY}
    for method, fields in (*FIELDS.items(), *plan.fields.items()):
        tables[method] = {**tables.get(method, {}), **fields}
    return {**tables, **BROKEN, **plan.skips}
