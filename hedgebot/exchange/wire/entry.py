"""Orders in: create, amend, cancel, cancel-all, from HTTP bodies and from the trade socket alike.

Owns the reading of the venue's order fields and the answers' shape; admission and matching are the model's. Source:
docs/v5/order/{create-order, amend-order, cancel-order, cancel-all, pre-check-order, dcp}.mdx.
"""

import re
from collections.abc import Callable
from decimal import Decimal

from hedgebot.domain.decimals import ZERO, floor_to_step
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import TimeInForce
from hedgebot.exchange.budgets import Act, request_budget
from hedgebot.exchange.types import (
    Ack,
    EndpointClass,
    InstrumentStatus,
    Listing,
    OrderRequest,
    OrderType,
    PositionIndex,
    Refusal,
    RefusalReason,
    SelfTrade,
)
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.codes import Answer, WireError, bad_parameter, refusal_error
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.params import Params
from hedgebot.exchange.wire.words import SMP_TYPE

Handler = Callable[[Api, str, Params], Fields | Answer]
"""Answers one request: the shared state, the account's name ("" for public ones), the parameters."""

_SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
_TYPES = {"Market": OrderType.MARKET, "Limit": OrderType.LIMIT}
_TIMES = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "PostOnly": TimeInForce.POST_ONLY,
}
_LINK_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
_CONDITIONAL = ("triggerPrice", "takeProfit", "stopLoss", "trailingStop")
DCP_PRODUCTS = ("OPTIONS", "DERIVATIVES", "SPOT")


def create(api: Api, account: str, params: Params, *, batched: bool = False) -> Fields:
    """Place an order. The reply says that it was taken, nothing about fills."""
    category, listing = _listing(api, params)
    answer = api.exchange.place(_request(api, account, params, category, listing), batched=batched)
    return _acked(answer, category)


def pre_check(api: Api, account: str, params: Params) -> Fields:
    """Read an order as `create` would and say what margin rates it leads to; nothing is placed.

    Rates are in 1e-4; one that nobody can know (no margin balance) is left out. An order that the account cannot afford
    is answered with 110007 and the rates that it would lead to in `retExtInfo`.
    """
    category, listing = _listing(api, params)
    request = _request(api, account, params, category, listing)
    found = api.exchange.what_if(request)
    names: Fields = {"orderId": "", "orderLinkId": request.client_id or ""}
    after = _e4(post_imr_e4=found.initial_rate_after, post_mmr_e4=found.maintenance_rate_after)
    if found.refusal is not None:
        error = refusal_error(found.refusal, category)
        if found.refusal.reason is RefusalReason.INSUFFICIENT_MARGIN:
            error.ext = {"future_order_id": "", "future_order_link_id": request.client_id or "", **after}
        raise error
    return names | _e4(
        preImrE4=found.initial_rate_before,
        preMmrE4=found.maintenance_rate_before,
        postImrE4=found.initial_rate_after,
        postMmrE4=found.maintenance_rate_after,
    )


def _e4(**rates: float | None) -> Fields:
    return {name: round(rate * 10_000) for name, rate in rates.items() if rate is not None}


def cancel(api: Api, account: str, params: Params, *, batched: bool = False) -> Fields:
    """Cancel one order by `orderId`, else by `orderLinkId`."""
    category, listing = _listing(api, params)
    order_id, link_id = params.text("orderId"), params.text("orderLinkId")
    if not order_id and not link_id:
        raise bad_parameter("params error: orderId or orderLinkId is required")
    answer = api.exchange.cancel(
        account, listing.instrument.id, order_id=order_id or None, client_id=link_id or None, batched=batched
    )
    return _acked(answer, category)


def cancel_all(api: Api, account: str, params: Params) -> Fields:
    """Cancel all orders of a category, by symbol, base coin or settlement coin."""
    category = params.category()
    symbol, base, settle = params.text("symbol"), params.text("baseCoin"), params.text("settleCoin")
    if category in {"linear", "inverse"} and not (symbol or base or settle):
        raise bad_parameter("params error: symbol, baseCoin or settleCoin is required")

    def chosen(listing: Listing) -> bool:
        one = listing.instrument
        return (
            one.category == category
            and symbol in {"", one.symbol}
            and base in {"", one.underlying}
            and (category == "spot" or settle in {"", one.settle})
        )

    answer = api.exchange.cancel_all(account, chosen, category)
    if isinstance(answer, Refusal):
        raise refusal_error(answer, category)
    return {
        "list": [{"orderId": one.order_id, "orderLinkId": one.client_id or ""} for one in answer],
        "success": "1",
    }


def disconnected_cancel_all(api: Api, account: str, params: Params) -> Fields:
    """Set the disconnection window. It counts for private sockets that subscribed a `dcp` topic, once all are gone.

    Only accounts that the venue enabled have it; the code for the others is not documented (10005 here).
    """
    product = params.text("product", "OPTIONS")
    seconds = params.whole("timeWindow")
    if product not in DCP_PRODUCTS or seconds is None:
        raise bad_parameter("params error: timeWindow must be 3 to 300, product one of OPTIONS, DERIVATIVES, SPOT")
    refusal = api.exchange.dead_man.arm(account, seconds, product.lower())
    if refusal is not None:
        raise refusal_error(refusal, "")
    return {}


def amend(api: Api, account: str, params: Params, *, batched: bool = False) -> Fields:
    """Change quantity or price of an open order, found by `orderId`, else by `orderLinkId`; empty ones stay."""
    category, listing = _listing(api, params)
    order_id, link_id = params.text("orderId"), params.text("orderLinkId")
    if not order_id and not link_id:
        raise bad_parameter("params error: orderId or orderLinkId is required")
    if any(params.text(name) not in {"", "0"} for name in (*_CONDITIONAL, "orderIv")):
        raise bad_parameter("conditional and TP/SL orders and orders by volatility are not simulated")
    if not params.text("qty") and not params.text("price"):
        raise bad_parameter("params error: qty or price is required")
    answer = api.exchange.amend(
        account,
        listing.instrument.id,
        order_id=order_id or None,
        client_id=link_id or None,
        qty_contracts=params.number("qty", "Qty invalid") if params.text("qty") else None,
        limit_price=params.number("price", "price is invalid") if params.text("price") else None,
        batched=batched,
    )
    return _acked(answer, category)


def order_endpoint(path: str, category: str) -> EndpointClass:
    """Which budget an order request counts against."""
    word = path.rpartition("/")[2]
    if word == "cancel-all":
        return request_budget(Act.CANCEL_ALL, category)
    verb, _, batched = word.partition("-")
    act = {"cancel": Act.CANCEL, "amend": Act.AMEND}.get(verb, Act.CREATE)
    return request_budget(act, category, batched=batched == "batch")


def _listing(api: Api, params: Params) -> tuple[str, Listing]:
    category = params.category()
    symbol = params.required("symbol")
    listing = api.find(category, symbol)
    if listing is None:
        refusal = Refusal(reason=RefusalReason.UNKNOWN_INSTRUMENT, detail=symbol)
        raise refusal_error(refusal, category)
    return category, listing


def _request(api: Api, account: str, params: Params, category: str, listing: Listing) -> OrderRequest:
    side, kind = _SIDES.get(params.text("side")), _TYPES.get(params.text("orderType"))
    if side is None:
        raise WireError(170117, "Invalid side.") if category == "spot" else bad_parameter("Side invalid")
    if kind is None:
        raise WireError(170116, "Invalid orderType.") if category == "spot" else bad_parameter("OrderType invalid")
    times = _TIMES.get(params.text("timeInForce", "GTC"))
    if times is None:
        raise WireError(170115, "Invalid timeInForce.") if category == "spot" else bad_parameter("TimeInForce invalid")
    if any(params.text(name) not in {"", "0"} for name in _CONDITIONAL):
        raise bad_parameter("conditional and TP/SL orders are not simulated")
    price = params.number("price", "price is invalid") if kind is OrderType.LIMIT else None
    return OrderRequest(
        account=account,
        instrument=listing.instrument.id,
        side=side,
        type=kind,
        qty_contracts=_qty(api, params, listing, side, kind),
        limit_price=price,
        time_in_force=times,
        reduce_only=category != "spot" and params.flag("reduceOnly"),
        client_id=_link_id(params, category),
        position_index=_position_index(params),
        self_trade=_self_trade(params),
        on_margin=category == "spot" and params.text("isLeverage") == "1",
    )


def _self_trade(params: Params) -> SelfTrade | None:
    """docs/v5/enum.mdx, smpType."""
    word = params.text("smpType")
    policy = next((policy for policy, name in SMP_TYPE.items() if name == word), None)
    if word and policy is None:
        raise bad_parameter("params error: smpType invalid")
    return policy


def _position_index(params: Params) -> PositionIndex:
    index = params.whole("positionIdx", 0)
    if index not in set(PositionIndex):
        raise bad_parameter("position idx not match position mode")
    return PositionIndex(index)


def _link_id(params: Params, category: str) -> str | None:
    link_id = params.text("orderLinkId")
    if not link_id:
        if category == "option":
            raise bad_parameter("params error: OrderLinkId is required")
        return None
    if _LINK_ID.fullmatch(link_id) is None:
        raise bad_parameter("params error: orderLinkId is at most 36 of A-Z a-z 0-9 _ -")
    return link_id


def _qty(api: Api, params: Params, listing: Listing, side: Side, kind: OrderType) -> Decimal:
    """Contracts; a spot market buy counts in quote coin unless it says otherwise."""
    qty = params.number("qty", "Qty invalid")
    one = listing.instrument
    in_quote = params.text("marketUnit", "quoteCoin" if side is Side.BUY else "baseCoin") == "quoteCoin"
    if one.category != "spot" or kind is not OrderType.MARKET or not in_quote:
        return qty
    if listing.status is not InstrumentStatus.TRADING:
        return qty
    ticker = api.exchange.ticker(one.id)
    touch = ticker.ask if side is Side.BUY else ticker.bid
    return floor_to_step(qty / touch, one.lot_size) if touch else ZERO


def _acked(answer: Ack | Refusal, category: str) -> Fields:
    if isinstance(answer, Refusal):
        raise refusal_error(answer, category)
    return {"orderId": answer.order_id, "orderLinkId": answer.client_id or ""}


def instrument_of(api: Api, category: str, symbol: str) -> InstrumentId:
    """Id of a listed symbol; raises WireError."""
    listing = api.find(category, symbol)
    if listing is None:
        raise refusal_error(Refusal(reason=RefusalReason.UNKNOWN_INSTRUMENT, detail=symbol), category)
    return listing.instrument.id
