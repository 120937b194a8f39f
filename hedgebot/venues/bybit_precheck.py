"""Bybit's own what-if: margin rates before and after one order, which is not placed. Owns the request and its answer.

Rates are in 1e-4 of the margin balance. With code 110007 (it would not be affordable) the result is empty and the rates
after it stand in `retExtInfo`. Not in isolated mode, no inverse contracts in cross mode, no conditional orders.
Source: [D] order/pre-check-order; margin reference section 4 and pitfall 19.
"""

from collections.abc import Mapping
from typing import Any

import ccxt
import orjson

from hedgebot.domain.decimals import plain
from hedgebot.domain.errors import VenueError
from hedgebot.domain.instrument import Side, category_of, symbol_of
from hedgebot.domain.orders import OrderIntent
from hedgebot.domain.whatif import VenueNumbers
from hedgebot.venues.buckets import Budget, Purpose
from hedgebot.venues.guard import FAULTS
from hedgebot.venues.reading import Raw, as_object, float_or_none
from hedgebot.venues.replies import reply_in_error, sentence

PER_UNIT = 10_000.0
PATIENCE_S = 3.0
NOT_AFFORDABLE = "110007"


async def pre_check(client: Any, budget: Budget, intent: OrderIntent) -> VenueNumbers:  # noqa: ANN401  # ccxt is untyped
    """Ask for one order; VenueError says why there is no answer, an order that is refused is an answer."""
    if not await budget.acquire(Purpose.POLL, "", within_s=PATIENCE_S):
        msg = f"not asked: the venue wants no requests for {budget.paused_s:.0f} s more"
        raise VenueError(msg)
    try:
        answer = as_object(await client.privatePostV5OrderPreCheck(request_of(intent)), "the answer")
        return numbers_of(as_object(answer.get("result"), "result"))
    except ccxt.BaseError as error:
        return refused(error)
    except FAULTS as error:
        msg = f"its answer cannot be read: {sentence(error)}"
        raise VenueError(msg) from error


def request_of(intent: OrderIntent) -> dict[str, Any]:
    """The order in the venue's words, as its creation would be."""
    return {
        "category": category_of(intent.instrument),
        "symbol": symbol_of(intent.instrument),
        "side": "Buy" if intent.side is Side.BUY else "Sell",
        "orderType": "Limit",
        "qty": plain(intent.qty_contracts),
        "price": plain(intent.limit_price),
        "timeInForce": "IOC",
        "reduceOnly": intent.reduce_only,
    }


def numbers_of(result: Raw) -> VenueNumbers:
    """Rates of an answer; what is missing is unknown. Raises FrameProblem for a field that is no number."""
    return VenueNumbers(
        initial_before=_rate(result, "preImrE4"),
        initial_after=_rate(result, "postImrE4"),
        maintenance_before=_rate(result, "preMmrE4"),
        maintenance_after=_rate(result, "postMmrE4"),
    )


def refused(error: ccxt.BaseError) -> VenueNumbers:
    """The order that the venue would refuse, with the rates that it names; VenueError where it judged no order."""
    code, words = reply_in_error(error)
    if code is None:
        msg = f"no answer ({type(error).__name__}: {words})"
        raise VenueError(msg) from error
    extra = _extra(error) if code == NOT_AFFORDABLE else {}
    if code != NOT_AFFORDABLE and not isinstance(error, ccxt.InvalidOrder | ccxt.InsufficientFunds):
        msg = f"it does not judge this order ({code}: {words})"
        raise VenueError(msg) from error
    return VenueNumbers(
        initial_after=_rate(extra, "post_imr_e4"),
        maintenance_after=_rate(extra, "post_mmr_e4"),
        refused=f"{code}: {words}",
    )


def _extra(error: ccxt.BaseError) -> Raw:
    """`retExtInfo` of the answer that the client quotes in its exception."""
    text = str(error)
    try:
        answer = orjson.loads(text[text.index("{") :])
    except (ValueError, orjson.JSONDecodeError):
        return {}
    extra = answer.get("retExtInfo") if isinstance(answer, Mapping) else None
    return extra if isinstance(extra, Mapping) else {}


def _rate(raw: Raw, field: str) -> float | None:
    value = float_or_none(raw, field)
    return None if value is None else value / PER_UNIT
