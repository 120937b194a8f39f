from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.quotes import Book, Trade


def test_quotes_compare_by_value_and_stay_as_they_are() -> None:
    trade = Trade(
        trade_id="t",
        instrument=InstrumentId("bybit:linear:X"),
        side=Side.BUY,
        price=Decimal(1),
        qty_contracts=Decimal(2),
        at_ns=3,
        seq=4,
    )
    assert trade == msgspec.structs.replace(trade)
    with pytest.raises(AttributeError):
        trade.seq = 5  # type: ignore[misc]


def test_a_book_survives_encoding() -> None:
    book = Book(
        instrument=InstrumentId("bybit:linear:X"),
        bids=((Decimal("90000.1"), Decimal("0.001")),),
        asks=(),
        update_id=1,
        seq=2,
        at_ns=3,
    )
    assert msgspec.json.decode(msgspec.json.encode(book), type=Book) == book
