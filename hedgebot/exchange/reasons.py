"""Why the exchange refuses a request, and why it ends an order. Words only, neutral of any wire format."""

from enum import StrEnum


class RefusalReason(StrEnum):
    """Why a request was refused before it became an order (or before it changed one). Nothing has been executed."""

    UNKNOWN_ACCOUNT = "unknown_account"
    UNKNOWN_INSTRUMENT = "unknown_instrument"
    INSTRUMENT_NOT_TRADING = "instrument_not_trading"
    INSUFFICIENT_MARGIN = "insufficient_margin"
    INSUFFICIENT_BALANCE = "insufficient_balance"  # spot only
    DUPLICATE_CLIENT_ID = "duplicate_client_id"  # which orders count: `IdUniqueness`
    BAD_CLIENT_ID = "bad_client_id"
    UNKNOWN_ORDER = "unknown_order"
    ALREADY_TERMINAL = "already_terminal"
    BAD_QTY = "bad_qty"
    QTY_TOO_LARGE = "qty_too_large"
    BAD_PRICE = "bad_price"
    PRICE_OUTSIDE_COLLAR = "price_outside_collar"
    BELOW_MIN_NOTIONAL = "below_min_notional"
    REDUCE_ONLY_VIOLATION = "reduce_only_violation"  # no position, or not against it
    TOO_MANY_ORDERS = "too_many_orders"
    NOT_MODIFIED = "not_modified"  # an amendment or leverage that is what there is already
    QTY_NOT_ABOVE_FILLED = "qty_not_above_filled"  # an amendment below what has been filled
    DELISTING = "delisting"  # positions can only be reduced
    POSITION_INDEX_MISMATCH = "position_index_mismatch"  # the order's index does not belong to the position mode
    HEDGE_MODE_UNSUPPORTED = "hedge_mode_unsupported"
    POSITION_OPEN = "position_open"  # the position mode cannot be switched
    ORDERS_OPEN = "orders_open"  # nor while orders are open
    LEVERAGE_OUT_OF_RANGE = "leverage_out_of_range"
    LEVERAGE_FIXED = "leverage_fixed"  # portfolio margin
    NOT_IN_MARGIN_MODE = "not_in_margin_mode"  # options in isolated margin; adding margin outside it
    NOT_COLLATERAL = "not_collateral"  # the settlement coin is switched off, or cannot be switched
    BORROW_LIMIT = "borrow_limit"
    WOULD_LIQUIDATE = "would_liquidate"  # less margin or another mode would end in liquidation at once
    EQUITY_TOO_LOW = "equity_too_low"  # portfolio margin has a minimum
    NO_POSITION = "no_position"
    DEBTS_OPEN = "debts_open"  # isolated margin borrows nothing
    NO_LIQUIDITY = "no_liquidity"  # a market order against an empty side
    SELF_TRADE_POLICY = "self_trade_policy"  # one that the venue does not offer
    VENUE_DOWN = "venue_down"  # maintenance
    RATE_LIMITED = "rate_limited"
    OUTSIDE_WINDOW = "outside_window"  # the request's own deadline, or its clock, says no
    BANNED = "banned"  # the address is shut out for a while
    OVERLOADED = "overloaded"  # the venue takes no new orders for the moment
    NO_PERMISSION = "no_permission"
    DEAD_MAN_REFUSED = "dead_man_refused"  # no such switch, a window out of range, or its daily budget spent
    LOCKED_OUT = "locked_out"  # a dead-man's switch fired and waits for a heartbeat

    @property
    def proves_nothing(self) -> bool:
        """Whether the order may be there all the same: its id was used before, or the gate before the venue spoke."""
        return self in (RefusalReason.DUPLICATE_CLIENT_ID, RefusalReason.RATE_LIMITED, RefusalReason.BANNED)

    @property
    def is_passing(self) -> bool:
        """Whether the moment was refused and not the order: the clock, or a market that takes no orders just now."""
        return self in _PASSING

    @property
    def is_of_market(self) -> bool:
        """Whether the market's state or rules refused it, and nothing of the account, its key or its clock."""
        return self in _OF_MARKET


_PASSING = frozenset({
    RefusalReason.INSTRUMENT_NOT_TRADING,
    RefusalReason.DELISTING,
    RefusalReason.OUTSIDE_WINDOW,
    RefusalReason.VENUE_DOWN,
    RefusalReason.OVERLOADED,
})  # fmt: skip
_OF_MARKET = frozenset({
    RefusalReason.UNKNOWN_INSTRUMENT,
    RefusalReason.INSTRUMENT_NOT_TRADING,
    RefusalReason.DELISTING,
    RefusalReason.BAD_QTY,
    RefusalReason.QTY_TOO_LARGE,
    RefusalReason.BAD_PRICE,
    RefusalReason.PRICE_OUTSIDE_COLLAR,
    RefusalReason.BELOW_MIN_NOTIONAL,
    RefusalReason.REDUCE_ONLY_VIOLATION,
    RefusalReason.TOO_MANY_ORDERS,
    RefusalReason.NO_LIQUIDITY,
})  # fmt: skip


class EndReason(StrEnum):
    """Why an accepted order ended without being filled whole. Seen in the order itself, after its acceptance."""

    BY_USER = "by_user"
    IOC_REMAINDER = "ioc_remainder"
    FOK_NOT_FILLABLE = "fok_not_fillable"
    POST_ONLY_WOULD_CROSS = "post_only_would_cross"
    MARKET_REMAINDER = "market_remainder"
    REDUCE_ONLY = "reduce_only"
    SETTLED = "settled"
    DEAD_MAN = "dead_man"
    REJECTED = "rejected"  # after its acknowledgement
    BY_VENUE = "by_venue"
    PREPARE_LIQUIDATION = "prepare_liquidation"  # to free margin: orders on what is to be reduced
    BEFORE_LIQUIDATION = "before_liquidation"  # to free margin: all other orders of the account
    PREPARE_ADL = "prepare_adl"  # on the instrument whose position is to be deleveraged
    BEFORE_ADL = "before_adl"  # all other orders of the deleveraged account
    SELF_MATCH = "self_match"  # self-trade prevention
    ADMIN = "admin"  # the venue took executions of the order back
