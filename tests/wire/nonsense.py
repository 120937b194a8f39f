"""Words that mean something and words that do not, and messages made of both, for the fuzz tests."""

import json
import random
import time
from typing import Any

from hedgebot.exchange.wire.channels import ORDER_OPS

NESTED = "[" * 900 + "]" * 900
# Names and words that mean something, so that nonsense gets past the first door.
NAMES = (
    *("category", "symbol", "side", "orderType", "qty", "price", "timeInForce", "orderLinkId", "orderId"),
    *("reduceOnly", "positionIdx", "limit", "cursor", "startTime", "endTime", "baseCoin", "settleCoin"),
    *("buyLeverage", "sellLeverage", "interval", "intervalTime", "accountType", "execType", "openOnly"),
    *("timeWindow", "product", "marketUnit", "mode", "coin", "coinName", "currency", "period", "indexName"),
    *("margin", "autoAddMargin", "tpslMode", "takeProfit", "start", "end", "expDate", "status", "vipLevel"),
    *("quoteTxId", "setMarginMode", "collateralSwitch", "amount", "type", "spotMarginMode", "leverage"),
    *("isLeverage", "smpType", "request", "id", "state", "tradeMode"),
)
WORDS = (
    *("linear", "spot", "option", "inverse", "BTCUSDT", "BTCPERP", "ETHUSDT", "Buy", "Sell", "Market", "Limit"),
    *("GTC", "PostOnly", "0.01", "1", "90000", "88000.1", "0", "-1", "1e-9", "1e400", "NaN", "Infinity", "²"),
    *("٣", "null", "true", "page_args%3D5", "page_args=999999999", "UNIFIED", "D", "5min", "quoteCoin"),
    *("BTC,USDT", "Full", "ON", "7", "REGULAR_MARGIN", "PORTFOLIO_MARGIN", "1h", "PreLaunch", "", "\x00"),
    *("é" * 50, "9" * 5_000),
)


def nonsense(draw: random.Random) -> str | bytes:
    """One message: half JSON, wrong JSON, or well-formed with wrong types inside."""
    ops = ("ping", "auth", "subscribe", "unsubscribe", *ORDER_OPS, "login", 7, None)
    values: tuple[Any, ...] = (
        *WORDS,
        1,
        -1.5,
        2**70,
        True,
        None,
        [],
        {},
        json.loads(NESTED),
        ["x", 1],
        {"a": {"b": 1}},
    )
    topics = (
        "tickers.BTCUSDT",
        "orderbook.².BTCUSDT",
        "orderbook.1.NOPE",
        "kline.7.BTCUSDT",
        "allLiquidation.BTCUSDT",
        "allLiquidation",
        "adlAlert.USDT",
        "adlAlert.",
        "insurance.inverse",
        "insurance.USDT.x",
        "priceLimit.BTCUSDT",
        "priceLimit.a.b",
        "greeks",
        "order",
        ".",
        "orderbook",
    )
    order = {name: draw.choice(values) for name in draw.sample(NAMES, 8)}
    shapes: tuple[Any, ...] = (
        {"op": draw.choice(ops), "args": [draw.choice(values) for _ in range(draw.randint(0, 4))]},
        {"op": draw.choice(ops), "args": draw.choice(values), "req_id": draw.choice(values)},
        {"op": "subscribe", "args": [draw.choice(topics), draw.choice(topics)], "req_id": 5},
        {"op": draw.choice(ops), "reqId": draw.choice(values), "header": draw.choice(values), "args": [order]},
        {
            "op": draw.choice(tuple(ORDER_OPS)),
            "reqId": str(draw.random())[:30],
            "header": {"X-BAPI-TIMESTAMP": str(int(time.time() * 1_000)), "X-BAPI-RECV-WINDOW": draw.choice(values)},
            "args": [
                order
                | {"category": "linear", "symbol": "BTCUSDT", "request": draw.choice(([order], [order, 7], [], 1))}
            ],
        },
        draw.choice(values),
    )
    text = json.dumps(draw.choice(shapes))
    match draw.randint(0, 5):
        case 0:
            return text[: draw.randint(0, len(text))]
        case 1:
            return bytes(draw.randrange(256) for _ in range(draw.randint(0, 60)))
        case 2:
            return text.encode()
        case _:
            return text
