"""The table of paths; that each is documented, with its method, is in the conformance test."""

from hedgebot.exchange.types import EndpointClass
from hedgebot.exchange.wire.routes import ROUTES


def test_only_market_data_is_public() -> None:
    public = {path for path, route in ROUTES.items() if not route.signed and not path.startswith("/v5/market/")}
    assert public == {"/v5/system/status", "/v5/spot-margin-trade/collateral", "/v5/spot-margin-trade/data"}
    assert all(not route.signed for path, route in ROUTES.items() if path.startswith("/v5/market/"))


def test_orders_are_marked_and_queries_have_budgets() -> None:
    orders = {path for path, route in ROUTES.items() if route.is_order}
    words = ("create", "amend", "cancel", "cancel-all", "create-batch", "amend-batch", "cancel-batch")
    assert orders == {f"/v5/order/{word}" for word in words}
    assert ROUTES["/v5/execution/list"].budget is EndpointClass.QUERY_EXECUTIONS
    assert all(route.budget is None for route in ROUTES.values() if route.is_order)
