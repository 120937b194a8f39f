"""Batches of orders: up to 20 (spot 10) in one request, each taken or refused on its own, in order.

Owns the envelope of two lists (what became of each, and its code); each order is `entry.py`'s, and counts against a
limit of batches (a batch of options counts as one request). Source: docs/v5/order/{batch-place, batch-amend,
batch-cancel}.mdx, docs/v5/rate-limit/rate-limit.mdx.
"""

from collections.abc import Mapping
from typing import Protocol

from hedgebot.exchange.budgets import Act, request_budget
from hedgebot.exchange.types import Refusal, RefusalReason
from hedgebot.exchange.wire import entry
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.codes import Answer, WireError, bad_parameter, refusal_error
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.params import Params
from hedgebot.exchange.wire.words import scalar

BATCH_MAX, SPOT_BATCH_MAX = 20, 10
_NAME_CHARS_MAX = 100


class One(Protocol):
    """Carries out one order of a batch."""

    def __call__(self, api: Api, account: str, params: Params, /, *, batched: bool) -> Fields:
        """What the single request would answer; raises WireError."""
        ...


def create_batch(api: Api, account: str, params: Params) -> Answer:
    """Place orders; each row says when it was taken, empty where it was not."""
    return _batch(api, account, params, Act.CREATE, entry.create)


def amend_batch(api: Api, account: str, params: Params) -> Answer:
    """Amend orders."""
    return _batch(api, account, params, Act.AMEND, entry.amend)


def cancel_batch(api: Api, account: str, params: Params) -> Answer:
    """Cancel orders."""
    return _batch(api, account, params, Act.CANCEL, entry.cancel)


def _batch(api: Api, account: str, params: Params, act: Act, carry_out: One) -> Answer:
    category = params.category()
    orders = _orders(params, category)
    if category == "option":
        _count_whole(api, account, act)
    rows, codes = list[Fields](), list[Fields]()
    for order in orders:
        names: Fields = {"orderId": "", "orderLinkId": scalar(order.get("orderLinkId"))[:_NAME_CHARS_MAX]}
        moment = ""
        try:
            names = carry_out(api, account, Params({**order, "category": category}), batched=True)
            codes.append({"code": 0, "msg": "OK"})
            moment = str(api.venue_ms)
        except WireError as error:
            codes.append({"code": error.code, "msg": error.message})
        symbol = scalar(order.get("symbol"))[:_NAME_CHARS_MAX]
        rows.append(
            {"category": category, "symbol": symbol, **names} | ({"createAt": moment} if act is Act.CREATE else {})
        )
    return Answer({"list": rows}, ext={"list": codes})


def _count_whole(api: Api, account: str, act: Act) -> None:
    """Count a batch of options; raises WireError where the budget is used up."""
    budget = request_budget(act, "option", batched=True)
    state = api.exchange.charge(account, budget)
    if not state.allowed:
        detail = f"{state.limit} {budget} requests per second"
        raise refusal_error(Refusal(reason=RefusalReason.RATE_LIMITED, detail=detail), "option")


def _orders(params: Params, category: str) -> list[Mapping[str, object]]:
    """The orders of a request; raises WireError."""
    found = params.values.get("request")
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        raise bad_parameter("params error: request must be a list of orders")
    most = SPOT_BATCH_MAX if category == "spot" else BATCH_MAX
    if len(found) > most:
        raise bad_parameter(f"params error: request holds {len(found)} orders, at most {most} are allowed")
    return found
