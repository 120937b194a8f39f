"""The table of paths; what a request meets on its way is in the wire tests."""

import pytest

from hedgebot.exchange.types import EndpointClass
from hedgebot.exchange.wire.routes import ROUTES

# Venue reference section 11: the 22 that carried the unmodified client, and those beyond.
EXPECTED = {
    "GET": """market/time market/instruments-info market/tickers market/orderbook market/risk-limit
        market/funding/history market/kline market/recent-trade market/delivery-price market/open-interest
        asset/coin/query-info user/query-api account/info account/fee-rate account/wallet-balance
        account/transaction-log position/list order/realtime order/history execution/list""",
    "POST": """account/set-margin-mode position/set-leverage position/switch-mode order/create order/amend order/cancel
        order/cancel-all order/disconnected-cancel-all order/pre-check""",
}


@pytest.mark.parametrize("method", EXPECTED)
def test_every_path_is_served(method: str) -> None:
    paths = {path.removeprefix("/v5/") for path, route in ROUTES.items() if route.method == method}
    assert paths == set(EXPECTED[method].split())


def test_only_market_data_is_public() -> None:
    assert {path.split("/")[2] for path, route in ROUTES.items() if not route.signed} == {"market"}


def test_orders_are_marked_and_queries_have_budgets() -> None:
    orders = {path for path, route in ROUTES.items() if route.is_order}
    assert orders == {f"/v5/order/{word}" for word in ("create", "amend", "cancel", "cancel-all")}
    assert ROUTES["/v5/execution/list"].budget is EndpointClass.QUERY_EXECUTIONS
    assert all(route.budget is None for route in ROUTES.values() if route.is_order)
