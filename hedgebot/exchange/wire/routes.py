"""Every path that the venue answers here, with its handler, whether it is signed and what it counts against.

Owns the table only. Source of paths and methods: docs/v5/*.mdx.
"""

from typing import NamedTuple

from hedgebot.exchange.types import EndpointClass
from hedgebot.exchange.wire import (
    batch,
    entry,
    routes_account,
    routes_asset,
    routes_candles,
    routes_history,
    routes_market,
    routes_position,
    routes_statistics,
)
from hedgebot.exchange.wire.entry import Handler


class Route(NamedTuple):
    """A path's handler; signed unless public; `budget` is what it counts against (orders count in the model)."""

    method: str
    handler: Handler
    signed: bool = True
    budget: EndpointClass | None = None
    is_order: bool = False


def _public(handler: Handler) -> Route:
    return Route("GET", handler, signed=False)


def _query(handler: Handler, budget: EndpointClass) -> Route:
    return Route("GET", handler, budget=budget)


ROUTES: dict[str, Route] = {
    "/v5/market/time": _public(routes_market.server_time),
    "/v5/market/instruments-info": _public(routes_market.instruments_info),
    "/v5/market/tickers": _public(routes_market.tickers),
    "/v5/market/orderbook": _public(routes_market.orderbook),
    "/v5/market/recent-trade": _public(routes_market.recent_trade),
    "/v5/market/kline": _public(routes_candles.kline),
    "/v5/market/mark-price-kline": _public(routes_candles.mark_kline),
    "/v5/market/index-price-kline": _public(routes_candles.index_kline),
    "/v5/market/premium-index-price-kline": _public(routes_candles.premium_kline),
    "/v5/market/funding/history": _public(routes_statistics.funding_history),
    "/v5/market/risk-limit": _public(routes_market.risk_limit),
    "/v5/market/delivery-price": _public(routes_statistics.delivery_price),
    "/v5/market/new-delivery-price": _public(routes_statistics.new_delivery_price),
    "/v5/market/open-interest": _public(routes_statistics.open_interest),
    "/v5/market/historical-volatility": _public(routes_statistics.historical_volatility),
    "/v5/market/account-ratio": _public(routes_statistics.account_ratio),
    "/v5/market/price-limit": _public(routes_statistics.price_limit),
    "/v5/market/index-price-components": _public(routes_statistics.index_components),
    "/v5/user/query-api": Route("GET", routes_account.query_api),
    "/v5/asset/coin/query-info": Route("GET", routes_asset.coin_info),
    "/v5/account/info": Route("GET", routes_account.account_info),
    "/v5/account/smp-group": Route("GET", routes_account.smp_group),
    "/v5/account/query-dcp-info": Route("GET", routes_account.dcp_info),
    "/v5/account/fee-rate": Route("GET", routes_account.fee_rate),
    "/v5/account/wallet-balance": _query(routes_account.wallet_balance, EndpointClass.QUERY_WALLET),
    "/v5/account/transaction-log": _query(routes_account.transaction_log, EndpointClass.QUERY_WALLET),
    "/v5/account/set-margin-mode": Route("POST", routes_account.set_margin_mode),
    "/v5/position/list": _query(routes_position.position_list, EndpointClass.QUERY_POSITIONS),
    "/v5/position/set-leverage": Route("POST", routes_position.set_leverage),
    "/v5/position/switch-mode": Route("POST", routes_position.switch_mode),
    "/v5/order/realtime": _query(routes_history.realtime, EndpointClass.QUERY_ORDERS),
    "/v5/order/history": _query(routes_history.history, EndpointClass.QUERY_ORDERS),
    "/v5/execution/list": _query(routes_history.execution_list, EndpointClass.QUERY_EXECUTIONS),
    "/v5/order/create": Route("POST", entry.create, is_order=True),
    "/v5/order/amend": Route("POST", entry.amend, is_order=True),
    "/v5/order/cancel": Route("POST", entry.cancel, is_order=True),
    "/v5/order/cancel-all": Route("POST", entry.cancel_all, is_order=True),
    "/v5/order/create-batch": Route("POST", batch.create_batch, is_order=True),
    "/v5/order/amend-batch": Route("POST", batch.amend_batch, is_order=True),
    "/v5/order/cancel-batch": Route("POST", batch.cancel_batch, is_order=True),
    "/v5/order/pre-check": Route("POST", entry.pre_check),
    "/v5/order/disconnected-cancel-all": Route("POST", entry.disconnected_cancel_all),
}
