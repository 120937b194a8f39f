"""Which of our answers stands beside which page of the venue's documentation."""

from typing import Any

from tests.wire.conformance.samples import Case, Push, Rest, Said

LINEAR: dict[str, Any] = {"category": "linear", "symbol": "BTCUSDT"}
SPOT: dict[str, Any] = {"category": "spot", "symbol": "BTCUSDT"}
INVERSE: dict[str, Any] = {"category": "inverse", "symbol": "BTCUSD"}
FUTURE: dict[str, Any] = {"category": "linear", "symbol": "{future}"}
OPTION: dict[str, Any] = {"category": "option", "symbol": "{option}"}
ORDER: dict[str, Any] = LINEAR | {"side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "80000"}
HEADER = {"X-BAPI-TIMESTAMP": ""}

MARKET: tuple[Case, ...] = (
    Rest("market/time", "GET /v5/market/time", {}),
    Rest("market/instrument", "GET /v5/market/instruments-info", LINEAR, "Linear", "linear"),
    Rest("market/instrument", "GET /v5/market/instruments-info", SPOT, "Spot", "spot"),
    Rest("market/instrument", "GET /v5/market/instruments-info", {"category": "option"}, "Option", "option"),
    Rest("market/instrument", "GET /v5/market/instruments-info", INVERSE, None, "inverse"),
    Rest("market/instrument", "GET /v5/market/instruments-info", FUTURE, None, "future"),
    Rest("market/tickers", "GET /v5/market/tickers", INVERSE, "Inverse", "inverse"),
    Rest("market/tickers", "GET /v5/market/tickers", LINEAR, None, "linear"),
    Rest("market/tickers", "GET /v5/market/tickers", FUTURE, None, "future"),
    Rest("market/tickers", "GET /v5/market/tickers", SPOT, "Spot", "spot"),
    Rest("market/tickers", "GET /v5/market/tickers", OPTION, "Option", "option"),
    Rest("market/orderbook", "GET /v5/market/orderbook", SPOT),
    Rest("market/recent-trade", "GET /v5/market/recent-trade", SPOT),
    Rest("market/kline", "GET /v5/market/kline", LINEAR | {"interval": "1"}),
    Rest("market/mark-kline", "GET /v5/market/mark-price-kline", LINEAR | {"interval": "1"}),
    Rest("market/index-kline", "GET /v5/market/index-price-kline", LINEAR | {"interval": "1"}),
    Rest("market/premium-index-kline", "GET /v5/market/premium-index-price-kline", LINEAR | {"interval": "1"}),
    Rest("market/iv", "GET /v5/market/historical-volatility", {"category": "option"}),
    Rest("market/long-short-ratio", "GET /v5/market/account-ratio", LINEAR | {"period": "5min"}),
    Rest("market/order-price-limit", "GET /v5/market/price-limit", LINEAR),
    Rest("market/index-components", "GET /v5/market/index-price-components", {"indexName": "BTCUSDT"}),
    Rest("market/new-delivery-price", "GET /v5/market/new-delivery-price", {"category": "option", "baseCoin": "BTC"}),
    Rest("market/insurance", "GET /v5/market/insurance", {}),
    Rest("market/adl-alert", "GET /v5/market/adlAlert", {}),
    Rest("system-status", "GET /v5/system/status", {}),
    Rest("market/history-fund-rate", "GET /v5/market/funding/history", LINEAR),
    Rest("market/risk-limit", "GET /v5/market/risk-limit", LINEAR),
    Rest("market/delivery-price", "GET /v5/market/delivery-price", {"category": "option", "settleCoin": "USDT"}),
    Rest("market/open-interest", "GET /v5/market/open-interest", LINEAR | {"intervalTime": "5min"}),
)
ACCOUNT: tuple[Case, ...] = (
    Rest("user/apikey-info", "GET /v5/user/query-api", {}),
    Rest("asset/coin-info", "GET /v5/asset/coin/query-info", {}),
    Rest("account/account-info", "GET /v5/account/info", {}),
    Rest("account/fee-rate", "GET /v5/account/fee-rate", LINEAR),
    Rest("account/wallet-balance", "GET /v5/account/wallet-balance", {"accountType": "UNIFIED"}),
    Rest("asset/delivery", "GET /v5/asset/delivery-record", {"category": "option"}),
    Rest("asset/settlement", "GET /v5/asset/settlement-record", {"category": "linear"}),
    Rest("asset/exchange", "GET /v5/asset/exchange/order-record", {}),
    Rest(
        "asset/convert/convert-coin-list", "GET /v5/asset/exchange/query-coin-list", {"accountType": "eb_convert_uta"}
    ),
    Rest("asset/convert/get-convert-history", "GET /v5/asset/exchange/query-convert-history", {}),
    Rest("asset/deposit/deposit-record", "GET /v5/asset/deposit/query-record", {}),
    Rest("asset/withdraw/withdraw-record", "GET /v5/asset/withdraw/query-record", {}),
    Rest("asset/transfer/inter-transfer-list", "GET /v5/asset/transfer/query-inter-transfer-list", {}),
    Rest(
        "asset/balance/all-balance",
        "GET /v5/asset/transfer/query-account-coins-balance",
        {"accountType": "UNIFIED", "coin": "USDT,BTC"},
    ),
    Rest(
        "asset/balance/account-coin-balance",
        "GET /v5/asset/transfer/query-account-coin-balance",
        {"accountType": "UNIFIED", "coin": "USDT"},
    ),
    Rest("account/coin-greeks", "GET /v5/asset/coin-greeks", {}),
    Rest("account/dcp-info", "GET /v5/account/query-dcp-info", {}),
    Rest("account/smp-group", "GET /v5/account/smp-group", {}),
    Rest("account/collateral-info", "GET /v5/account/collateral-info", {}),
    Rest("account/unified-trans-amnt", "GET /v5/account/withdrawal", {"coinName": "USDT,BTC"}),
    Rest("spot-margin-uta/tier-collateral-ratio", "GET /v5/spot-margin-trade/collateral", {"currency": "BTC"}),
    Rest("spot-margin-uta/vip-margin", "GET /v5/spot-margin-trade/data", {"currency": "BTC"}),
    Rest(
        "spot-margin-uta/historical-interest", "GET /v5/spot-margin-trade/interest-rate-history", {"currency": "USDC"}
    ),
    Rest("account/borrow-history", "GET /v5/account/borrow-history", {}),
    Rest("account/set-collateral", "POST /v5/account/set-collateral-switch", {"coin": "BTC", "collateralSwitch": "ON"}),
    Rest(
        "account/batch-set-collateral",
        "POST /v5/account/set-collateral-switch-batch",
        {"request": [{"coin": "BTC", "collateralSwitch": "ON"}]},
    ),
    Rest("spot-margin-uta/switch-mode", "POST /v5/spot-margin-trade/switch-mode", {"spotMarginMode": "1"}),
    Rest("spot-margin-uta/status", "GET /v5/spot-margin-trade/state", {}),
    Rest("spot-margin-uta/set-leverage", "POST /v5/spot-margin-trade/set-leverage", {"leverage": "10"}),
    Rest("spot-margin-uta/max-borrowable", "GET /v5/spot-margin-trade/max-borrowable", {"currency": "USDC"}),
    Rest("account/transaction-log", "GET /v5/account/transaction-log", {}),
    Rest(
        "account/set-margin-mode", "POST /v5/account/set-margin-mode", {"setMarginMode": "PORTFOLIO_MARGIN"}, "", "nets"
    ),
    Rest("asset/portfolio-margin", "GET /v5/asset/portfolio-margin", {}),
    Rest("account/set-margin-mode", "POST /v5/account/set-margin-mode", {"setMarginMode": "REGULAR_MARGIN"}),
)
POSITION: tuple[Case, ...] = (
    Rest("position/position", "GET /v5/position/list", {"category": "linear", "settleCoin": "USDC"}, "", "linear"),
    Rest("position/position", "GET /v5/position/list", {"category": "option"}, None, "option"),
    Rest("position/position", "GET /v5/position/list", INVERSE, None, "inverse"),
    Rest("position/close-pnl", "GET /v5/position/closed-pnl", {"category": "linear"}),
    Rest("position/close-position", "GET /v5/position/get-closed-positions", {"category": "option"}),
    Rest("position/leverage", "POST /v5/position/set-leverage", LINEAR | {"buyLeverage": "7", "sellLeverage": "7"}),
)
TRADING: tuple[Case, ...] = (
    Rest("order/create-order", "POST /v5/order/create", ORDER),
    Rest("order/amend-order", "POST /v5/order/amend", LINEAR | {"orderId": "{order}", "qty": "0.02"}),
    Rest("order/spot-borrow-quota", "GET /v5/order/spot-borrow-check", SPOT | {"side": "Buy"}),
    Rest("order/pre-check-order", "POST /v5/order/pre-check", ORDER),
    Rest("order/open-order", "GET /v5/order/realtime", LINEAR, "", "linear"),
    Rest("order/open-order", "GET /v5/order/realtime", {"category": "inverse", "openOnly": "1"}, None, "inverse"),
    Rest("order/open-order", "GET /v5/order/realtime", {"category": "spot", "openOnly": "1"}, None, "spot"),
    Rest("order/open-order", "GET /v5/order/realtime", {"category": "option", "openOnly": "1"}, None, "option"),
    Rest("order/order-list", "GET /v5/order/history", LINEAR, "", "linear"),
    Rest("order/execution", "GET /v5/execution/list", LINEAR, "", "linear"),
    Rest("order/execution", "GET /v5/execution/list", {"category": "inverse"}, None, "inverse"),
    Rest("order/execution", "GET /v5/execution/list", {"category": "spot"}, None, "spot"),
    Rest("order/execution", "GET /v5/execution/list", {"category": "option"}, None, "option"),
    Rest("order/batch-place", "POST /v5/order/create-batch", {"category": "linear", "request": [ORDER, ORDER]}),
    Rest(
        "order/batch-amend",
        "POST /v5/order/amend-batch",
        {"category": "linear", "request": [LINEAR | {"orderId": "{order}", "qty": "0.02"}]},
    ),
    Rest(
        "order/batch-cancel",
        "POST /v5/order/cancel-batch",
        {"category": "linear", "request": [LINEAR | {"orderId": "{order}"}]},
    ),
    Rest("order/cancel-order", "POST /v5/order/cancel", LINEAR | {"orderId": "{order}"}),
    Rest("order/cancel-all", "POST /v5/order/cancel-all", LINEAR),
)
PUBLIC_TOPICS: tuple[Case, ...] = (
    Push("websocket/public/ticker", "public/linear", "tickers.BTCUSDT", "Linear LinearPerpetual", "perpetual"),
    Push("websocket/public/ticker", "public/linear", "tickers.{future}", "Linear LinearFutures", "future"),
    Push("websocket/public/ticker", "public/inverse", "tickers.BTCUSD", None, "inverse"),
    Push("websocket/public/ticker", "public/spot", "tickers.BTCUSDT", "Spot", "spot"),
    Push("websocket/public/ticker", "public/option", "tickers.{option}", "Option", "option"),
    Push("websocket/public/orderbook", "public/linear", "orderbook.50.BTCUSDT", "Snapshot", "snapshot"),
    Push("websocket/public/orderbook", "public/linear", "orderbook.50.BTCUSDT", "Delta", "delta"),
    Push("websocket/public/trade", "public/spot", "publicTrade.BTCUSDT"),
    Push("websocket/public/kline", "public/linear", "kline.5.BTCUSDT"),
    Push("websocket/public/all-liquidation", "public/linear", "allLiquidation.BTCUSDT"),
    Push("websocket/public/adl-alert", "public/linear", "adlAlert.USDT"),
    Push("websocket/public/insurance-pool", "public/linear", "insurance.USDT"),
    Push("websocket/public/order-price-limit", "public/linear", "priceLimit.BTCUSDT"),
)
PRIVATE_TOPICS: tuple[Case, ...] = (
    Push("websocket/private/order", "private", "order", "", "linear"),
    Push("websocket/private/order", "private", "order", None, "inverse"),
    Push("websocket/private/order", "private", "order", None, "spot"),
    Push("websocket/private/order", "private", "order", None, "option"),
    Push("websocket/private/execution", "private", "execution", "", "linear"),
    Push("websocket/private/execution", "private", "execution", None, "inverse"),
    Push("websocket/private/execution", "private", "execution", None, "spot"),
    Push("websocket/private/execution", "private", "execution", None, "option"),
    Push("websocket/private/fast-execution", "private", "execution.fast", "", "linear"),
    Push("websocket/private/position", "private", "position", "", "linear"),
    Push("websocket/private/position", "private", "position", None, "inverse"),
    Push("websocket/private/wallet", "private", "wallet"),
    Push("websocket/private/greek", "private", "greeks"),
)
SAID: tuple[Case, ...] = (
    Said("websocket/wss-authentication", "private", {"op": "auth"}, "example", "auth"),
    Said("websocket/wss-authentication", "private", {"op": "auth", "req_id": "1"}, None, "auth with an id"),
    Said("websocket/wss-authentication", "public/spot", {"op": "ping"}, "Spot", "ping spot"),
    Said("websocket/wss-authentication", "public/linear", {"op": "ping"}, "Linear/Inverse", "ping linear"),
    Said("websocket/wss-authentication", "public/option", {"op": "ping"}, "Option/Spread", "ping option"),
    Said("websocket/wss-authentication", "private", {"op": "ping", "req_id": "test"}, "Option/Spread+", "ping private"),
    Said("websocket/wss-authentication", "private", {"op": "subscribe", "args": ["order"]}, "Private", "subscribe"),
    Said(
        "websocket/wss-authentication",
        "public/spot",
        {"op": "subscribe", "args": ["tickers.BTCUSDT"], "req_id": "10001"},
        "Public Spot",
        "subscribe spot",
    ),
    Said(
        "websocket/wss-authentication",
        "public/linear",
        {"op": "subscribe", "args": ["tickers.BTCUSDT"]},
        "Linear/Inverse+",
        "subscribe linear",
    ),
    Said(
        "websocket/wss-authentication",
        "public/option",
        {"op": "subscribe", "args": ["tickers.{option}"]},
        "Option/Spread++",
        "subscribe option",
    ),
    Said("websocket/trade/guideline", "trade", {"op": "auth"}, "Authentication", "auth"),
    Said("websocket/trade/guideline", "trade", {"op": "ping"}, "Ping", "ping"),
    Said(
        "websocket/trade/guideline",
        "trade",
        {"op": "order.create", "reqId": "test-005", "header": HEADER, "args": [ORDER]},
        "Create/Amend/Cancel Order",
        "order.create",
    ),
    Said(
        "websocket/trade/guideline",
        "trade",
        {"op": "order.create-batch", "header": HEADER, "args": [{"category": "linear", "request": [ORDER]}]},
        "Batch Create/Amend/Cancel Order",
        "order.create-batch",
    ),
)
CASES = (*MARKET, *PUBLIC_TOPICS, *PRIVATE_TOPICS, *TRADING, *POSITION, *ACCOUNT, *SAID)
