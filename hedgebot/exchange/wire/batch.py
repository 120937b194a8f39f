"""Batches of orders: up to 20 (spot 10) in one request, each taken or refused on its own, in order.

Owns the envelope of two lists (what became of each, and its code); each order is `entry.py`'s. Source:
docs/v5/order/{batch-place, batch-amend, batch-cancel}.mdx.
"""

from collections.abc import Callable, Mapping

from hedgebot.exchange.wire import entry
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.codes import Answer, WireError, bad_parameter
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.params import Params
from hedgebot.exchange.wire.words import scalar

BATCH_MAX, SPOT_BATCH_MAX = 20, 10
_NAME_CHARS_MAX = 100
One = Callable[[Api, str, Params], Fields]


def create_batch(api: Api, account: str, params: Params) -> Answer:
    """Place orders; each row says when it was taken, empty where it was not."""
    return _batch(api, account, params, entry.create, dated=True)


def amend_batch(api: Api, account: str, params: Params) -> Answer:
    """Amend orders."""
    return _batch(api, account, params, entry.amend)


def cancel_batch(api: Api, account: str, params: Params) -> Answer:
    """Cancel orders."""
    return _batch(api, account, params, entry.cancel)


def _batch(api: Api, account: str, params: Params, carry_out: One, *, dated: bool = False) -> Answer:
    category = params.category()
    rows, codes = list[Fields](), list[Fields]()
    for order in _orders(params, category):
        names: Fields = {"orderId": "", "orderLinkId": scalar(order.get("orderLinkId"))[:_NAME_CHARS_MAX]}
        moment = ""
        try:
            names = carry_out(api, account, Params({**order, "category": category}))
            codes.append({"code": 0, "msg": "OK"})
            moment = str(api.venue_ms)
        except WireError as error:
            codes.append({"code": error.code, "msg": error.message})
        symbol = scalar(order.get("symbol"))[:_NAME_CHARS_MAX]
        rows.append({"category": category, "symbol": symbol, **names} | ({"createAt": moment} if dated else {}))
    return Answer({"list": rows}, ext={"list": codes})


def _orders(params: Params, category: str) -> list[Mapping[str, object]]:
    """The orders of a request; raises WireError."""
    found = params.values.get("request")
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        raise bad_parameter("params error: request must be a list of orders")
    most = SPOT_BATCH_MAX if category == "spot" else BATCH_MAX
    if len(found) > most:
        raise bad_parameter(f"params error: request holds {len(found)} orders, at most {most} are allowed")
    return found
