"""The venue's what-if through the real client: its rates are those of the wallet, nothing is placed."""

from decimal import Decimal

import pytest

from hedgebot.domain.orders import OrderIntent
from tests.unit.venues.double import approved
from tests.wire.venue_world import World, world

pytestmark = pytest.mark.wire


async def intent(found: World, qty: str) -> OrderIntent:
    top = await found.top()
    assert top.ask is not None
    return approved(qty_contracts=Decimal(qty), limit_price=top.ask + Decimal("200.0")).intent


async def test_rates_before_and_after_one_order_which_is_not_placed() -> None:
    async with world() as found:
        numbers = await found.venue.margin_what_if(await intent(found, "2"))
        assert numbers.maintenance_before == 0.0
        assert numbers.maintenance_after is not None
        assert numbers.initial_after is not None
        assert 0.0 < numbers.maintenance_after < numbers.initial_after
        assert numbers.refused == ""
        truth = await found.admin("truth", "GET")
        assert truth["accounts"]["main"]["orders"] == []


async def test_an_order_beyond_the_margin_is_an_answer_with_the_rates_it_leads_to() -> None:
    async with world() as found:
        numbers = await found.venue.margin_what_if(await intent(found, "900"))
        assert numbers.refused.startswith("110007: ")
        assert numbers.initial_after is not None
        assert numbers.initial_after > 1.0
        assert numbers.initial_before is None
