"""What the signed paths about orders and executions answer, with their windows, filters and pages.

Source: docs/v5/order/{open-order, order-list, execution}.mdx. Query priority: orderId, orderLinkId, symbol, baseCoin.
"""

from collections.abc import Callable, Iterable

from hedgebot.domain.instrument import Instrument
from hedgebot.exchange.types import Execution, FundingSettlement, SimOrder
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.codes import bad_parameter
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.fields_private import (
    EXEC_TYPE,
    execution_fields,
    funding_fields,
    order_fields,
    order_history_fields,
)
from hedgebot.exchange.wire.params import DAY_MS, Params, page

WEEK_MS = 7 * DAY_MS
CLOSED_KEPT = 500
EXEC_TYPES = (
    "Trade",
    "AdlTrade",
    "Funding",
    "BustTrade",
    "Delivery",
    "Settle",
    "BlockTrade",
    "MovePosition",
    "FutureSpread",
    "CorporateAction",
)


def realtime(api: Api, account: str, params: Params) -> Fields:
    """Open orders, newest first. By id, or with `openOnly=1`, the newest 500 that ended as well."""
    category = params.category()
    by_id = params.text("orderId") or params.text("orderLinkId")
    filters = [params.text(name) for name in ("symbol", "baseCoin", "settleCoin")]
    if category == "linear" and not by_id and not any(filters):
        raise bad_parameter("Missing some parameters that must be filled in, symbol, baseCoin or settleCoin")
    found = _chosen(api, api.exchange.open_orders(account), category, params)
    if by_id or params.whole("openOnly", 0) == 1:
        ended = [one for one in api.exchange.order_history(account) if one.updated_at_ns > api.closed_since_ns]
        closed = _chosen(api, ended, category, params)[-CLOSED_KEPT:]
        found = closed if not by_id and params.whole("openOnly", 0) == 1 else found + closed
    return _order_page(found, category, params)


def history(api: Api, account: str, params: Params) -> Fields:
    """Orders that ended within a window of seven days, newest first; by id without a window, any time."""
    category = params.category()
    by_id = params.text("orderId") or params.text("orderLinkId")
    if by_id and not params.text("startTime") and not params.text("endTime"):
        ended = api.exchange.order_history(account)
    else:
        ended = api.exchange.order_history(account, *params.window_ns(api.venue_ms, WEEK_MS))
    found = _chosen(api, ended, category, params)
    status = params.text("orderStatus")
    rows = found if not status else [pair for pair in found if order_fields(*pair)["orderStatus"] == status]
    return _order_page(rows, category, params, order_history_fields)


def _chosen(api: Api, orders: Iterable[SimOrder], category: str, params: Params) -> list[tuple[SimOrder, Instrument]]:
    order_id, link_id = params.text("orderId"), params.text("orderLinkId")
    found: list[tuple[SimOrder, Instrument]] = []
    for order in orders:
        listing = api.exchange.listing(order.instrument)
        if listing is None or listing.instrument.category != category:
            continue
        if order_id:
            wanted = order.order_id == order_id
        elif link_id:
            wanted = order.client_id == link_id
        else:
            wanted = _by_instrument(listing.instrument, params)
        if wanted:
            found.append((order, listing.instrument))
    return found


def _by_instrument(one: Instrument, params: Params) -> bool:
    symbol, base, settle = params.text("symbol"), params.text("baseCoin"), params.text("settleCoin")
    if symbol:
        return one.symbol == symbol
    return base in {"", one.underlying} and (one.category == "spot" or settle in {"", one.settle})


def _order_page(
    found: list[tuple[SimOrder, Instrument]],
    category: str,
    params: Params,
    shown_as: Callable[[SimOrder, Instrument], Fields] = order_fields,
) -> Fields:
    newest = sorted(found, key=lambda pair: (pair[0].created_at_ns, pair[0].seq), reverse=True)
    shown, cursor = page(newest, params, params.limit(20, 50))
    return {"category": category, "list": [shown_as(*pair) for pair in shown], "nextPageCursor": cursor}


def execution_list(api: Api, account: str, params: Params) -> Fields:
    """Executions and funding within a window of seven days, newest first; options of one base coin (BTC)."""
    category = params.category()
    kind = params.text("execType")
    if kind and kind not in EXEC_TYPES:
        raise bad_parameter("params error: execType invalid")
    symbol, by_id = params.text("symbol"), params.text("orderId") or params.text("orderLinkId")
    base = params.text("baseCoin", "BTC" if category == "option" and not symbol and not by_id else "")
    rows: list[Fields] = []
    for one in reversed(api.exchange.executions(account, *params.window_ns(api.venue_ms, WEEK_MS))):
        listing = api.exchange.listing(one.instrument)
        if listing is None or listing.instrument.category != category:
            continue
        word = EXEC_TYPE[one.kind] if isinstance(one, Execution) else "Funding"
        if kind not in {"", word}:
            continue
        if by_id:
            wanted = isinstance(one, Execution) and by_id in {one.order.order_id, one.order.client_id}
        else:
            wanted = _by_instrument(listing.instrument, params) and base in {"", listing.instrument.underlying}
        if wanted:
            rows.append(_row(one, listing.instrument))
    shown, cursor = page(rows, params, params.limit(50, 100))
    return {"category": category, "list": list(shown), "nextPageCursor": cursor}


def _row(one: Execution | FundingSettlement, instrument: Instrument) -> Fields:
    return execution_fields(one, instrument) if isinstance(one, Execution) else funding_fields(one, instrument)
