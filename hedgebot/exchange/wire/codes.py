"""The venue's return codes and sentences, by product. Owns which code a refusal becomes; decides no refusal.

Source: bybit-exchange/docs, docs/v5/error.mdx (HTTP codes, "WS OE General code", "UTA", "Spot Trade") and recorded
frames where the live sentence differs from the documented one.
"""

from hedgebot.exchange.types import Refusal, RefusalReason

BAD_PARAMETER = 10001
BAD_TIMESTAMP = 10002
BAD_KEY = 10003
BAD_SIGN = 10004
NO_PERMISSION = 10005
TOO_MANY_VISITS = 10006
SERVER_ERROR = 10016
TRADE_RESTARTS = 10019
OP_UNKNOWN = 10404
REQ_ID_DUPLICATE = 20006
REPEAT_AUTH = 20001


class WireError(Exception):
    """A request that is answered with a return code, on HTTP `status`; `ext` travels as `retExtInfo`."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        status: int = 200,
        result: dict[str, object] | None = None,
        ext: dict[str, object] | None = None,
    ) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.status = status
        self.result: dict[str, object] = result or {}
        self.ext: dict[str, object] = ext or {}


class Answer:
    """A success that is more than a result: `ext` goes out as `retExtInfo`, `beside` stands next to `result`."""

    def __init__(
        self,
        result: object,
        *,
        message: str = "OK",
        ext: dict[str, object] | None = None,
        beside: dict[str, object] | None = None,
    ) -> None:
        self.result = result
        self.message = message
        self.ext: dict[str, object] = ext or {}
        self.beside: dict[str, object] = beside or {}


def bad_parameter(message: str) -> WireError:
    """A request whose parameters cannot be read."""
    return WireError(BAD_PARAMETER, message)


# Derivatives first, spot second.
_REFUSALS: dict[RefusalReason, tuple[tuple[int, str], tuple[int, str]]] = {
    RefusalReason.UNKNOWN_ACCOUNT: ((BAD_KEY, "API key is invalid."), (BAD_KEY, "API key is invalid.")),
    RefusalReason.UNKNOWN_INSTRUMENT: (
        (BAD_PARAMETER, "params error: symbol invalid"),
        (170121, "Invalid symbol."),
    ),
    RefusalReason.INSTRUMENT_NOT_TRADING: (
        (110074, "This contract is not live"),
        (170151, "The trading pair is not open yet"),
    ),
    RefusalReason.INSUFFICIENT_MARGIN: ((110007, "ab not enough for new order"), (170131, "Insufficient balance.")),
    RefusalReason.INSUFFICIENT_BALANCE: ((110007, "ab not enough for new order"), (170131, "Insufficient balance.")),
    RefusalReason.DUPLICATE_CLIENT_ID: ((110072, "OrderLinkedID is duplicate"), (170141, "Duplicate clientOrderId.")),
    RefusalReason.BAD_CLIENT_ID: (
        (BAD_PARAMETER, "params error: orderLinkId is at most 36 of A-Z a-z 0-9 _ -"),
        (170130, "Data sent for paramter 'orderLinkId' is not valid."),
    ),
    RefusalReason.UNKNOWN_ORDER: (
        (110001, "order not exists or too late to cancel"),
        (170213, "Order does not exist."),
    ),
    # A recorded frame (m24 cancel_order_2__failure) shows 110001 for an order that has ended.
    RefusalReason.ALREADY_TERMINAL: (
        (110001, "order not exists or too late to cancel"),
        (170213, "Order does not exist."),
    ),
    RefusalReason.BAD_QTY: ((BAD_PARAMETER, "Qty invalid"), (170136, "Order quantity lower than the minimum.")),
    RefusalReason.QTY_TOO_LARGE: (
        (BAD_PARAMETER, "The number of contracts exceeds maximum limit allowed: too large"),
        (170124, "Order amount too large."),
    ),
    RefusalReason.BAD_PRICE: ((110003, "price is invalid"), (170134, "Order price decimal too long.")),
    RefusalReason.PRICE_OUTSIDE_COLLAR: (
        (110003, "Order price exceeds the allowable range."),
        (170193, "Order price is outside of the allowable range."),
    ),
    RefusalReason.BELOW_MIN_NOTIONAL: (
        (110094, "Order does not meet minimum order value"),
        (170140, "Order value exceeded lower limit."),
    ),
    RefusalReason.REDUCE_ONLY_VIOLATION: (
        (110017, "current position is zero, cannot fix reduce-only order qty"),
        (170130, "Data sent for paramter 'reduceOnly' is not valid."),
    ),
    RefusalReason.TOO_MANY_ORDERS: (
        (110020, "Not allowed to have more than 500 active orders."),
        (170810, "Cannot exceed maximum of 500 conditional, TP/SL and active orders."),
    ),
    # The live venue's sentence for an amendment that changes nothing; the documentation has only the code's class.
    RefusalReason.NOT_MODIFIED: (
        (BAD_PARAMETER, "The order remains unchanged as the parameters entered match the existing ones."),
        (170311, "Order modification failed"),
    ),
    RefusalReason.QTY_NOT_ABOVE_FILLED: (
        (110064, "The modified contract quantity cannot be less than or equal to the filled quantity."),
        (170313, "The modified contract quantity cannot be less than to the filled quantity"),
    ),
    RefusalReason.DELISTING: (
        (30228, "No new positions during delisting."),
        (30228, "No new positions during delisting."),
    ),
    RefusalReason.POSITION_INDEX_MISMATCH: (
        (BAD_PARAMETER, "position idx not match position mode"),
        (BAD_PARAMETER, "position idx not match position mode"),
    ),
    RefusalReason.HEDGE_MODE_UNSUPPORTED: (
        (110029, "Hedge mode is not supported for this symbol"),
        (110029, "Hedge mode is not supported for this symbol"),
    ),
    RefusalReason.POSITION_OPEN: (
        (110024, "You have an existing position, so position mode cannot be switched"),
        (110024, "You have an existing position, so position mode cannot be switched"),
    ),
    RefusalReason.ORDERS_OPEN: (
        (110028, "You have existing open orders, so the position mode cannot be switched"),
        (110028, "You have existing open orders, so the position mode cannot be switched"),
    ),
    RefusalReason.LEVERAGE_OUT_OF_RANGE: (
        (110013, "cannot set leverage due to risk limit level"),
        (110013, "cannot set leverage due to risk limit level"),
    ),
    RefusalReason.LEVERAGE_FIXED: (
        (110038, "You are not allowed to change leverage due to portfolio margin mode"),
        (110038, "You are not allowed to change leverage due to portfolio margin mode"),
    ),
    RefusalReason.NOT_IN_MARGIN_MODE: (
        (3200403, "isolated margin can not create order"),
        (3200403, "isolated margin can not create order"),
    ),
    RefusalReason.NOT_COLLATERAL: (
        (110101, "Trading inverse contracts requires enabling the settlement asset as collateral."),
        (170346, "Settle coin is not a collateral coin, cannot trade"),
    ),
    RefusalReason.BORROW_LIMIT: (
        (176029, "Amount to borrow has exceeded the user's estimated max. amount to borrow"),
        (170034, "Liability over flow in spot leverage trade!"),
    ),
    RefusalReason.WOULD_LIQUIDATE: (
        (110046, "Liquidation will be triggered immediately by this adjustment"),
        (110046, "Liquidation will be triggered immediately by this adjustment"),
    ),
    RefusalReason.EQUITY_TOO_LOW: (
        (3400000, "Equity needs to be equal to or greater than 1000 USDC"),
        (3400000, "Equity needs to be equal to or greater than 1000 USDC"),
    ),
    RefusalReason.NO_POSITION: (
        (110005, "position status error"),
        (110005, "position status error"),
    ),
    RefusalReason.DEBTS_OPEN: (
        (176039, "Borrowing, current operation is not allowed"),
        (176039, "Borrowing, current operation is not allowed"),
    ),
    RefusalReason.NO_LIQUIDITY: (
        (110118, "Unable to retrieve a price of the market order due to low liquidity"),
        (170210, "New order rejected."),
    ),
    RefusalReason.OUTSIDE_WINDOW: (
        (BAD_TIMESTAMP, "invalid request, please check your server timestamp or recv_window param."),
        (BAD_TIMESTAMP, "invalid request, please check your server timestamp or recv_window param."),
    ),
    # An address that is shut out gets HTTP 403 before anything is read (`http.py`).
    RefusalReason.BANNED: ((10018, "Exceeded the IP Rate Limit."), (10018, "Exceeded the IP Rate Limit.")),
    RefusalReason.OVERLOADED: (
        (429, "The trading service is experiencing a high server load."),
        (429, "The trading service is experiencing a high server load."),
    ),
    RefusalReason.NO_PERMISSION: (
        (NO_PERMISSION, "Permission denied, please check your API key permissions."),
        (NO_PERMISSION, "Permission denied, please check your API key permissions."),
    ),
    RefusalReason.DEAD_MAN_REFUSED: (
        (BAD_PARAMETER, "params error: timeWindow must be 3 to 300"),
        (BAD_PARAMETER, "params error: timeWindow must be 3 to 300"),
    ),
    # No rule of Bybit's locks an account out; other venues' rules do (the code is the class of banned trading).
    RefusalReason.LOCKED_OUT: ((10027, "Transactions are banned."), (10027, "Transactions are banned.")),
    RefusalReason.SELF_TRADE_POLICY: (
        (BAD_PARAMETER, "params error: smpType invalid"),
        (BAD_PARAMETER, "params error: smpType invalid"),
    ),
    RefusalReason.VENUE_DOWN: (
        (SERVER_ERROR, "Server error. The service is restarting."),
        (SERVER_ERROR, "Server error. The service is restarting."),
    ),
    RefusalReason.RATE_LIMITED: (
        (TOO_MANY_VISITS, "Too many visits. Exceeded the API Rate Limit."),
        (TOO_MANY_VISITS, "Too many visits. Exceeded the API Rate Limit."),
    ),
}


def refusal_error(refusal: Refusal, category: str) -> WireError:
    """The venue's answer to what the model refused."""
    code, message = _REFUSALS[refusal.reason][1 if category == "spot" else 0]
    return WireError(code, message)
