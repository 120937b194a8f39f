"""The venue's what-if: the request in its words, rates in 1e-4, and answers outside of the result."""

import time
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from hedgebot.domain.errors import VenueError
from hedgebot.domain.whatif import VenueNumbers
from hedgebot.venues.buckets import Budget
from hedgebot.venues.bybit_precheck import numbers_of, pre_check, request_of
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.reading import FrameProblem
from tests.unit.venues.double import approved

# The answers of docs/v5/order/pre-check-order, and the one that its notes describe for code 110007.
DOCUMENTED = {"orderId": "x", "orderLinkId": "t", "preImrE4": 30, "preMmrE4": 21, "postImrE4": 357, "postMmrE4": 294}
POOR = (
    'bybit {"retCode":110007,"retMsg":"ab not enough for new order","result":{},'
    '"retExtInfo":{"future_order_id":"","post_imr_e4":12000,"post_mmr_e4":9100},"time":1}'
)


class Client:
    """Answers one call."""

    def __init__(self, outcome: object) -> None:
        self.outcome = outcome
        self.requests: list[dict[str, Any]] = []

    async def privatePostV5OrderPreCheck(self, request: dict[str, Any]) -> object:  # noqa: N802  # ccxt's name
        self.requests.append(request)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def budget() -> Budget:
    return Budget(BYBIT, time.monotonic)


INTENT = approved(qty_contracts=Decimal("1.500"), limit_price=Decimal("99000.10")).intent


async def test_the_documented_answer_is_read() -> None:
    client = Client({"result": DOCUMENTED})
    found = await pre_check(client, budget(), INTENT)
    assert found == VenueNumbers(
        initial_before=0.0030, initial_after=0.0357, maintenance_before=0.0021, maintenance_after=0.0294
    )
    (request,) = client.requests
    assert request == request_of(INTENT)
    assert (request["category"], request["qty"], request["price"]) == ("linear", "1.5", "99000.1")


async def test_an_order_that_is_too_dear_names_its_rates_outside_of_the_result() -> None:
    found = await pre_check(Client(ccxt.InsufficientFunds(POOR)), budget(), INTENT)
    assert (found.initial_after, found.maintenance_after) == (1.2, 0.91)
    assert (found.initial_before, found.maintenance_before) == (None, None)
    assert found.refused == "110007: ab not enough for new order"


async def test_a_missing_rate_is_unknown_and_never_zero() -> None:
    assert numbers_of({"preMmrE4": "", "postMmrE4": 0}) == VenueNumbers(maintenance_after=0.0)
    with pytest.raises(FrameProblem, match="preImrE4 is 'many', it must be a number"):
        numbers_of({"preImrE4": "many"})


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (
            ccxt.ExchangeError('bybit {"retCode":10001,"retMsg":"not in isolated mode","result":{}}'),
            "does not judge.*10001",
        ),
        (ccxt.RequestTimeout("bybit POST timed out"), "no answer .RequestTimeout"),
        ({"result": []}, "cannot be read"),
        ({"result": {"preImrE4": "many"}}, "cannot be read"),
    ],
)
async def test_no_answer_is_said_and_not_made_up(outcome: object, words: str) -> None:
    with pytest.raises(VenueError, match=words):
        await pre_check(Client(outcome), budget(), INTENT)


async def test_an_order_that_is_wrong_is_told_as_refused() -> None:
    wrong = ccxt.InvalidOrder('bybit {"retCode":110003,"retMsg":"Order price exceeds the allowable range."}')
    assert (await pre_check(Client(wrong), budget(), INTENT)).refused.startswith("110003: Order price")


async def test_in_a_pause_nothing_is_asked() -> None:
    spent, client = budget(), Client({"result": DOCUMENTED})
    spent.pause(60.0)
    with pytest.raises(VenueError, match="the venue wants no requests for"):
        await pre_check(client, spent, INTENT)
    assert client.requests == []
