"""Records of what an account closed."""

from decimal import Decimal

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.fields_records import closed_pnl_fields, closed_position_fields, delivery_fields
from tests.unit.exchange.wire.test_closing import closed, trade


def test_closed_profit_is_after_fees(api: Api) -> None:
    trade(api.exchange, Side.BUY, "0.02")
    trade(api.exchange, Side.SELL, "0.02")
    (one,) = closed(api.exchange)
    row = closed_pnl_fields(one, Decimal(10))
    assert (row["symbol"], row["side"], row["execType"], row["leverage"]) == ("BTCUSDT", "Sell", "Trade", "10")
    assert Decimal(str(row["closedPnl"])) == one.net_pnl.quantize(Decimal("1e-8"))
    assert Decimal(str(row["cumExitValue"])) - Decimal(str(row["cumEntryValue"])) == one.gross_pnl


def test_an_option_that_was_sold_again(api: Api) -> None:
    name = next(one.instrument for one in api.exchange.positions("book") if ":option:" in one.instrument)
    trade(api.exchange, Side.SELL, "1", InstrumentId(name))
    listing = api.exchange.listing(name)
    assert listing is not None
    (one,) = closed(api.exchange)
    row = closed_position_fields(one, listing)
    # Side and size are the position's.
    assert (row["side"], row["qty"], row["deliveryPrice"], row["deliveryFee"]) == ("Buy", "1", "", "0")
    assert Decimal(str(row["totalCloseFee"])) == one.close_fee > 0
    assert delivery_fields(one, listing)["strike"] == str(listing.instrument.strike)
