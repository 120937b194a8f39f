"""What the signed paths answer that change an account's margin: mode, collateral, isolated margin, spot margin.

And what borrowing has cost. Owns the venue's words for these; the rules are the model's (`margin_desk.py`).
Source: docs/v5/account/{set-margin-mode, set-collateral, borrow-history}.mdx, docs/v5/position/{manual-add-margin,
auto-add-margin}.mdx, docs/v5/spot-margin-uta/switch-mode.mdx, docs/v5/error.mdx.
"""

from hedgebot.exchange.types import MarginMode, PositionIndex, Refusal, RefusalReason
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.codes import WireError, bad_parameter, refusal_error
from hedgebot.exchange.wire.entry import instrument_of
from hedgebot.exchange.wire.fields_account import position_fields
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.params import DAY_MS, DERIVATIVES, Params, page
from hedgebot.exchange.wire.words import dec, flt, ms

MARGIN_MODE = {
    MarginMode.ISOLATED: "ISOLATED_MARGIN",
    MarginMode.CROSS: "REGULAR_MARGIN",
    MarginMode.PORTFOLIO: "PORTFOLIO_MARGIN",
}
# What an answer about a position's margin shows of it.
_MARGIN_FIELDS = (
    "symbol",
    "positionIdx",
    "riskId",
    "riskLimitValue",
    "size",
    "avgPrice",
    "liqPrice",
    "bustPrice",
    "markPrice",
    "positionValue",
    "leverage",
    "autoAddMargin",
    "positionStatus",
    "positionIM",
    "positionMM",
    "takeProfit",
    "stopLoss",
    "trailingStop",
    "unrealisedPnl",
    "cumRealisedPnl",
    "createdTime",
    "updatedTime",
)
_SPOT_MARGIN_OFF = 182021
BATCH_MAX = 50


def set_margin_mode(api: Api, account: str, params: Params) -> Fields:
    """Switch the margin mode; what is against it comes as a list of reasons."""
    wanted = params.text("setMarginMode")
    mode = next((mode for mode, word in MARGIN_MODE.items() if word == wanted), None)
    if mode is None:
        raise bad_parameter("params error: setMarginMode invalid")
    refusals = api.exchange.margin.set_mode(account, mode)
    if not refusals:
        return {"reasons": []}
    raise WireError(3400045, "Set margin mode failed", result={"reasons": [_reason(one) for one in refusals]})


def _reason(refusal: Refusal) -> Fields:
    """The documented sentence of a reason where there is one, otherwise the model's."""
    error = refusal_error(refusal, "linear")
    known = refusal.reason is RefusalReason.EQUITY_TOO_LOW
    return {"reasonCode": str(error.code), "reasonMsg": error.message if known else refusal.detail}


def set_collateral(api: Api, account: str, params: Params) -> Fields:
    """Switch a coin on or off as collateral."""
    coin, switch = params.required("coin"), params.text("collateralSwitch")
    if switch not in {"ON", "OFF"}:
        raise bad_parameter("params error: collateralSwitch invalid")
    refusal = api.exchange.margin.set_collateral(account, coin, on=switch == "ON")
    if refusal is not None:
        raise refusal_error(refusal, "linear")
    return {}


def set_collateral_batch(api: Api, account: str, params: Params) -> Fields:
    """Switch several coins on or off, in order; the first that cannot be switched ends it."""
    wanted = params.values.get("request")
    if not isinstance(wanted, list) or not wanted or not all(isinstance(one, dict) for one in wanted):
        raise bad_parameter("params error: request must be a list of coins")
    if len(wanted) > BATCH_MAX:
        raise bad_parameter(f"params error: at most {BATCH_MAX} coins")
    done: list[Fields] = []
    for one in wanted:
        each = Params(one)
        set_collateral(api, account, each)
        done.append({"coin": each.text("coin"), "collateralSwitch": each.text("collateralSwitch")})
    return {"list": done}


def add_margin(api: Api, account: str, params: Params) -> Fields:
    """Add margin to an isolated position, or take it back (below zero)."""
    category = params.category(allowed=DERIVATIVES)
    instrument = instrument_of(api, category, params.required("symbol"))
    amount, index = params.number("margin", "params error: margin invalid"), _index(params)
    refusal = api.exchange.margin.add_margin(account, (instrument, index), amount)
    if refusal is not None:
        if refusal.reason is RefusalReason.INSUFFICIENT_MARGIN:
            raise WireError(110014, "Insufficient available balance to add additional margin.")
        raise _isolated_error(refusal, category)
    position, listing = api.exchange.position(account, instrument, index), api.exchange.listing(instrument)
    if position is None or listing is None:
        return {"category": category}
    fields = position_fields(position, listing.instrument)
    return {"category": category, **{name: fields[name] for name in _MARGIN_FIELDS}}


def set_auto_add_margin(api: Api, account: str, params: Params) -> Fields:
    """Have free coins added to an isolated position before it is liquidated, or no longer."""
    category = params.category(allowed=("linear",))
    instrument = instrument_of(api, category, params.required("symbol"))
    on = params.whole("autoAddMargin")
    if on not in {0, 1}:
        raise bad_parameter("params error: autoAddMargin invalid")
    refusal = api.exchange.margin.set_auto_add(account, (instrument, _index(params)), on=on == 1)
    if refusal is not None:
        if refusal.reason is RefusalReason.NOT_IN_MARGIN_MODE:
            raise WireError(110076, "Only isolated mode can set auto-add-margin")
        raise refusal_error(refusal, category)
    return {}


def _isolated_error(refusal: Refusal, category: str) -> WireError:
    if refusal.reason is RefusalReason.NOT_IN_MARGIN_MODE:
        return WireError(110015, "The position is in cross margin mode.")
    if refusal.reason is RefusalReason.BAD_QTY:
        return bad_parameter(f"params error: {refusal.detail}")
    return refusal_error(refusal, category)


def _index(params: Params) -> PositionIndex:
    index = params.whole("positionIdx", 0)
    if index not in set(PositionIndex):
        raise bad_parameter("params error: positionIdx invalid")
    return PositionIndex(index)


def switch_spot_margin(api: Api, account: str, params: Params) -> Fields:
    """Allow spot orders with `isLeverage` to borrow (1), or not (0)."""
    mode = params.text("spotMarginMode")
    if mode not in {"0", "1"}:
        raise bad_parameter("params error: spotMarginMode invalid")
    refusal = api.exchange.margin.set_spot_margin(account, on=mode == "1")
    if refusal is not None:
        raise WireError(_SPOT_MARGIN_OFF, "Cannot enable spot margin while in isolated margin mode.")
    return {"spotMarginMode": mode}


def borrow_history(api: Api, account: str, params: Params) -> Fields:
    """Interest charged, newest first, within 30 days."""
    since_ns, until_ns = params.window_ns(api.venue_ms, 30 * DAY_MS)
    coin = params.text("currency")
    rows = [
        {
            "currency": one.coin,
            "createdTime": ms(one.at_ns),
            "borrowCost": dec(one.interest),
            "hourlyBorrowRate": flt(one.hourly_rate, 12),
            "InterestBearingBorrowSize": dec(one.bearing),
            "costExemption": "0",
            "borrowAmount": dec(one.borrowed),
            "unrealisedLoss": dec(one.unrealised_loss),
            "freeBorrowedAmount": dec(one.borrowed - one.bearing),
        }
        for one in reversed(api.exchange.interest(account, since_ns, until_ns))
        if coin in {"", one.coin}
    ]
    shown, cursor = page(rows, params, params.limit(20, 50))
    return {"list": list(shown), "nextPageCursor": cursor}
