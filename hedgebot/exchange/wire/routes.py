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
    routes_margin,
    routes_market,
    routes_portfolio,
    routes_position,
    routes_records,
    routes_risk,
    routes_statistics,
    routes_switches,
    routes_transfer,
)
from hedgebot.exchange.wire.entry import Handler


class Route(NamedTuple):
    """A path's handler; signed unless public; `budget` is what it counts against (orders count in the model)."""

    method: str
    handler: Handler
    signed: bool = True
    budget: EndpointClass | None = None
    is_order: bool = False
    # What the model itself counts it against: for the headers only.
    counted: EndpointClass | None = None


def _public(handler: Handler) -> Route:
    return Route("GET", handler, signed=False)


def _signed(method: str, handler: Handler) -> Route:
    return Route(method, handler, budget=EndpointClass.OTHER)


def _query(handler: Handler, budget: EndpointClass) -> Route:
    return Route("GET", handler, budget=budget)


ROUTES: dict[str, Route] = {
    "/v5/system/status": _public(routes_market.system_status),
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
    "/v5/market/insurance": _public(routes_risk.insurance),
    "/v5/market/adlAlert": _public(routes_risk.adl_alert),
    "/v5/market/index-price-components": _public(routes_statistics.index_components),
    "/v5/user/query-api": _signed("GET", routes_account.query_api),
    "/v5/asset/coin/query-info": _signed("GET", routes_asset.coin_info),
    "/v5/asset/delivery-record": _signed("GET", routes_records.delivery_record),
    "/v5/asset/settlement-record": _signed("GET", routes_records.settlement_record),
    "/v5/asset/coin-greeks": _signed("GET", routes_asset.coin_greeks),
    "/v5/asset/portfolio-margin": _signed("GET", routes_portfolio.portfolio_margin),
    "/v5/asset/transfer/query-account-coins-balance": _signed("GET", routes_asset.coins_balance),
    "/v5/asset/transfer/query-account-coin-balance": _signed("GET", routes_asset.coin_balance),
    "/v5/asset/transfer/query-inter-transfer-list": _signed("GET", routes_transfer.inter_transfer_list),
    "/v5/asset/deposit/query-record": _signed("GET", routes_asset.no_rows),
    "/v5/asset/withdraw/query-record": _signed("GET", routes_asset.no_rows),
    "/v5/asset/exchange/order-record": _signed("GET", routes_asset.no_exchanges),
    "/v5/asset/exchange/query-coin-list": _signed("GET", routes_asset.convert_coins),
    "/v5/asset/exchange/query-convert-history": _signed("GET", routes_asset.no_conversions),
    "/v5/asset/exchange/convert-result-query": _signed("GET", routes_asset.conversion),
    "/v5/asset/exchange/quote-apply": _signed("POST", routes_asset.denied),
    "/v5/asset/exchange/convert-execute": _signed("POST", routes_asset.denied),
    "/v5/asset/transfer/inter-transfer": _signed("POST", routes_transfer.inter_transfer),
    "/v5/asset/deposit/query-address": _signed("GET", routes_asset.denied),
    "/v5/asset/withdraw/create": _signed("POST", routes_asset.denied),
    "/v5/account/info": _signed("GET", routes_account.account_info),
    "/v5/account/query-dcp-info": _signed("GET", routes_account.dcp_info),
    "/v5/account/fee-rate": _signed("GET", routes_account.fee_rate),
    "/v5/account/wallet-balance": _query(routes_account.wallet_balance, EndpointClass.QUERY_WALLET),
    "/v5/account/transaction-log": _query(routes_account.transaction_log, EndpointClass.QUERY_WALLET),
    "/v5/account/smp-group": _signed("GET", routes_account.smp_group),
    "/v5/account/collateral-info": _signed("GET", routes_margin.collateral_info),
    "/v5/account/withdrawal": _signed("GET", routes_margin.transferable),
    "/v5/spot-margin-trade/collateral": _public(routes_margin.tiered_collateral),
    "/v5/spot-margin-trade/data": _public(routes_margin.margin_data),
    "/v5/spot-margin-trade/interest-rate-history": _signed("GET", routes_margin.interest_history),
    "/v5/spot-margin-trade/max-borrowable": _signed("GET", routes_margin.max_borrowable),
    "/v5/account/set-margin-mode": _signed("POST", routes_switches.set_margin_mode),
    "/v5/account/set-collateral-switch": _signed("POST", routes_switches.set_collateral),
    "/v5/account/set-collateral-switch-batch": _signed("POST", routes_switches.set_collateral_batch),
    "/v5/account/borrow": _signed("POST", routes_margin.borrow),
    "/v5/account/no-convert-repay": _signed("POST", routes_margin.no_convert_repay),
    "/v5/account/quick-repayment": _signed("POST", routes_margin.quick_repayment),
    "/v5/spot-margin-trade/state": _signed("GET", routes_margin.spot_margin_state),
    "/v5/spot-margin-trade/set-leverage": _signed("POST", routes_margin.spot_margin_leverage),
    "/v5/account/borrow-history": _signed("GET", routes_switches.borrow_history),
    "/v5/position/add-margin": _signed("POST", routes_switches.add_margin),
    "/v5/position/set-auto-add-margin": _signed("POST", routes_switches.set_auto_add_margin),
    "/v5/spot-margin-trade/switch-mode": _signed("POST", routes_switches.switch_spot_margin),
    "/v5/position/list": _query(routes_position.position_list, EndpointClass.QUERY_POSITIONS),
    "/v5/position/set-leverage": Route("POST", routes_position.set_leverage, counted=EndpointClass.SET_LEVERAGE),
    "/v5/position/switch-mode": _signed("POST", routes_position.switch_mode),
    "/v5/position/switch-isolated": _signed("POST", routes_position.switch_isolated),
    "/v5/position/trading-stop": _signed("POST", routes_position.trading_stop),
    "/v5/position/confirm-pending-mmr": _signed("POST", routes_position.confirm_mmr),
    "/v5/position/closed-pnl": _query(routes_records.closed_pnl, EndpointClass.QUERY_POSITIONS),
    "/v5/position/get-closed-positions": _query(routes_records.closed_positions, EndpointClass.QUERY_POSITIONS),
    "/v5/order/realtime": _query(routes_history.realtime, EndpointClass.QUERY_ORDERS),
    "/v5/order/history": _query(routes_history.history, EndpointClass.QUERY_ORDERS),
    "/v5/order/spot-borrow-check": _query(routes_margin.spot_borrow_check, EndpointClass.QUERY_ORDERS),
    "/v5/execution/list": _query(routes_history.execution_list, EndpointClass.QUERY_EXECUTIONS),
    "/v5/order/create": Route("POST", entry.create, is_order=True),
    "/v5/order/amend": Route("POST", entry.amend, is_order=True),
    "/v5/order/cancel": Route("POST", entry.cancel, is_order=True),
    "/v5/order/cancel-all": Route("POST", entry.cancel_all, is_order=True),
    "/v5/order/create-batch": Route("POST", batch.create_batch, is_order=True),
    "/v5/order/amend-batch": Route("POST", batch.amend_batch, is_order=True),
    "/v5/order/cancel-batch": Route("POST", batch.cancel_batch, is_order=True),
    "/v5/order/pre-check": _signed("POST", entry.pre_check),
    "/v5/order/disconnected-cancel-all": _signed("POST", entry.disconnected_cancel_all),
}
