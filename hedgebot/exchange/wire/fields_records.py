"""What an account did, as records: closed profit, closed options, deliveries. Pure functions of values.

Source: docs/v5/position/{close-pnl, close-position}.mdx, docs/v5/asset/delivery.mdx.
"""

from decimal import Decimal

from hedgebot.domain.decimals import ZERO
from hedgebot.exchange.types import Listing
from hedgebot.exchange.wire.closing import Closing, is_delivery
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.fields_private import EXEC_TYPE, ORDER_TYPE
from hedgebot.exchange.wire.words import SIDE, dec, ms, ms_text

_PLACES = Decimal("1e-8")


def _price(value: Decimal) -> str:
    return dec(value.quantize(_PLACES))


def closed_pnl_fields(closing: Closing, leverage: Decimal) -> Fields:
    """What one order closed of a contract; profit is after fees."""
    order = closing.last.order
    return {
        "symbol": closing.instrument.symbol,
        "orderId": order.order_id,
        "side": SIDE[closing.side],
        "qty": dec(order.qty_contracts),
        "orderPrice": dec(order.limit_price or closing.last.price),
        "orderType": ORDER_TYPE[order.type],
        "execType": EXEC_TYPE[closing.last.kind],
        "closedSize": dec(closing.closed_contracts),
        "cumEntryValue": _price(closing.entry_value),
        "avgEntryPrice": _price(closing.entry_price),
        "cumExitValue": _price(closing.exit_value),
        "avgExitPrice": _price(closing.exit_price),
        "closedPnl": _price(closing.net_pnl),
        "fillCount": str(closing.fills),
        "leverage": dec(leverage),
        "openFee": dec(closing.open_fee),
        "closeFee": dec(closing.close_fee),
        "createdTime": ms_text(closing.first.at_ns),
        "updatedTime": ms_text(closing.last.at_ns),
    }


def closed_position_fields(closing: Closing, listing: Listing) -> Fields:
    """An option's position from its opening to its end, by the order that ended it."""
    delivered = is_delivery(closing)
    return {
        "symbol": closing.instrument.symbol,
        "side": SIDE[closing.side.opposite],
        "totalOpenFee": dec(closing.open_fee),
        "deliveryFee": dec(closing.close_fee if delivered else ZERO),
        "totalCloseFee": dec(ZERO if delivered else closing.close_fee),
        "qty": dec(closing.closed_contracts),
        "closeTime": ms(closing.last.at_ns),
        "avgExitPrice": _price(listing.settlement_price or closing.exit_price if delivered else closing.exit_price),
        "deliveryPrice": dec(listing.settlement_price) if delivered else "",
        "openTime": ms(closing.opened_at_ns),
        "avgEntryPrice": _price(closing.entry_price),
        "totalPnl": _price(closing.net_pnl),
    }


def delivery_fields(closing: Closing, listing: Listing) -> Fields:
    """A delivery: side and size are the position's; the price is the underlying's."""
    one = closing.instrument
    return {
        "deliveryTime": ms(closing.last.at_ns),
        "symbol": one.symbol,
        "side": SIDE[closing.side.opposite],
        "position": dec(closing.closed_contracts),
        "entryPrice": _price(closing.entry_price),
        "deliveryPrice": dec(listing.settlement_price if one.kind.is_option else closing.last.price),
        "strike": dec(one.strike),
        "fee": dec(closing.close_fee),
        "deliveryRpl": dec(closing.gross_pnl),
    }
