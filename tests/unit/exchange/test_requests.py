from decimal import Decimal

import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import TimeInForce
from hedgebot.exchange.requests import OrderRequest, OrderType


def test_a_request_rests_until_cancelled_unless_told_otherwise() -> None:
    request = OrderRequest(
        account="a",
        instrument=InstrumentId("bybit:linear:X"),
        side=Side.BUY,
        type=OrderType.LIMIT,
        qty_contracts=Decimal(1),
    )
    assert (request.time_in_force, request.reduce_only, request.client_id) == (TimeInForce.GTC, False, None)
    with pytest.raises(AttributeError):
        request.reduce_only = True  # type: ignore[misc]
