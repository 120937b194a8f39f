"""Private fields: statuses, the keys that tell spot from contracts, signs of fees and funding."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.orders import OrderStatus
from hedgebot.exchange.types import (
    EndReason,
    ExecKind,
    FundingSettlement,
    Origin,
)
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.fields_private import (
    CREATE_TYPE,
    EXEC_TYPE,
    execution_fields,
    execution_stream_fields,
    fast_execution_fields,
    funding_fields,
    order_fields,
    order_status,
    order_stream_fields,
)
from tests.unit.exchange.wire.conftest import PERP, SPOT, trade


def test_only_contracts_have_the_contract_keys(api: Api) -> None:
    for instrument, contract in ((PERP, True), (SPOT, False)):
        order, execution = trade(api, instrument)
        listing = api.exchange.listing(instrument)
        assert listing is not None
        one = listing.instrument
        assert ("tpslMode" in order_fields(order, one)) is contract
        assert ("createType" in execution_fields(execution, one)) is contract
        assert execution_stream_fields(execution, one)["category"] == one.category
        assert order_stream_fields(order, one)["feeCurrency"] == order.fee_coin
        assert fast_execution_fields(execution, one)["execId"] == execution.exec_id


@pytest.mark.parametrize(
    ("status", "filled", "category", "word"),
    [
        (OrderStatus.OPEN, "0", "linear", "New"),
        (OrderStatus.PARTIAL, "1", "linear", "PartiallyFilled"),
        (OrderStatus.FILLED, "1", "spot", "Filled"),
        (OrderStatus.CANCELLED, "0", "spot", "Cancelled"),
        (OrderStatus.CANCELLED, "1", "spot", "PartiallyFilledCanceled"),
        (OrderStatus.CANCELLED, "1", "linear", "Cancelled"),
        (OrderStatus.REJECTED, "0", "linear", "Rejected"),
    ],
)
def test_statuses(api: Api, status: OrderStatus, filled: str, category: str, word: str) -> None:
    order, _ = trade(api, PERP)
    changed = msgspec.structs.replace(order, status=status, filled_contracts=Decimal(filled))
    assert order_status(changed, category) == word


@pytest.mark.parametrize("reason", EndReason)
def test_every_end_has_its_words(api: Api, reason: EndReason) -> None:
    order, _ = trade(api, PERP)
    listing = api.exchange.listing(PERP)
    assert listing is not None
    fields = order_fields(msgspec.structs.replace(order, end_reason=reason), listing.instrument)
    assert str(fields["rejectReason"]).startswith("EC_")
    assert fields["cancelType"] == "UNKNOWN" or str(fields["cancelType"]).startswith("Cancel")


@pytest.mark.parametrize(("contracts", "side"), [("2", "Buy"), ("-2", "Sell")])
def test_funding_is_an_execution_without_an_order(api: Api, contracts: str, side: str) -> None:
    listing = api.exchange.listing(PERP)
    assert listing is not None
    funding = FundingSettlement(
        exec_id="f-1",
        account="book",
        instrument=PERP,
        contracts=Decimal(contracts),
        mark_price=Decimal(100),
        index_price=Decimal(100),
        rate=0.001,
        cost=Decimal(contracts) / 10,
        coin="USDT",
        at_ns=1_000_000_000,
        seq=4,
    )
    fields = funding_fields(funding, listing.instrument)
    assert (fields["side"], fields["execQty"], fields["execValue"]) == (side, "2", "200")
    # What was paid is positive, what was received negative.
    assert Decimal(str(fields["execFee"])) == Decimal(contracts) / 10
    assert (fields["execType"], fields["orderType"], fields["orderLinkId"]) == ("Funding", "UNKNOWN", "")


def test_every_word_of_the_model_has_one_on_the_wire() -> None:
    assert set(EXEC_TYPE) == set(ExecKind)
    assert set(CREATE_TYPE) == set(Origin)
