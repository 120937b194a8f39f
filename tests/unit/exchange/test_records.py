from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import OrderStatus, TimeInForce
from hedgebot.exchange.records import SimOrder
from hedgebot.exchange.requests import OrderType, Origin

ORDER = SimOrder(
    order_id="o",
    account="a",
    instrument=InstrumentId("bybit:linear:X"),
    client_id=None,
    origin=Origin.API,
    side=Side.BUY,
    type=OrderType.LIMIT,
    qty_contracts=Decimal(3),
    limit_price=Decimal(10),
    time_in_force=TimeInForce.GTC,
    reduce_only=False,
    status=OrderStatus.PARTIAL,
    filled_contracts=Decimal(2),
    filled_value=Decimal(19),
    fee_coin="USDT",
    created_at_ns=1,
    updated_at_ns=1,
    seq=1,
)


def test_an_order_knows_what_is_left() -> None:
    assert ORDER.leaves_contracts == Decimal(1)
    ended = msgspec.structs.replace(ORDER, status=OrderStatus.CANCELLED)
    assert ended.leaves_contracts == Decimal(0), "nothing is left of an order that ended"


def test_values_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        ORDER.status = OrderStatus.FILLED  # type: ignore[misc]
