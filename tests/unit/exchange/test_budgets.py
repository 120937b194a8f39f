"""What an order request counts against, and that the exchange counts it there."""

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.budgets import Act, order_budget, request_budget
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.types import EndpointClass, Refusal, RefusalReason
from hedgebot.exchange.venue_rules import BYBIT, DERIBIT

PERP = InstrumentId("bybit:linear:BTCUSDT")


@pytest.mark.parametrize(
    ("act", "category", "single", "batched"),
    [
        (Act.CREATE, "linear", 10, 10),
        (Act.CREATE, "inverse", 10, 10),
        (Act.CREATE, "spot", 20, 20),
        (Act.CREATE, "option", 10, 10),
        (Act.AMEND, "linear", 10, 10),
        (Act.AMEND, "spot", 10, 20),
        (Act.CANCEL, "linear", 10, 10),
        (Act.CANCEL, "spot", 20, 20),
        (Act.CANCEL_ALL, "linear", 10, None),
        (Act.CANCEL_ALL, "spot", 20, None),
        (Act.CANCEL_ALL, "option", 1, None),
        (Act.CREATE, "no such category", 10, 10),
    ],
)
def test_limits_are_those_of_the_venues_table(act: Act, category: str, single: int, batched: int | None) -> None:
    budget = request_budget(act, category)
    assert BYBIT.quota(budget).limit == single
    if batched is not None:
        other = request_budget(act, category, batched=True)
        assert other is not budget
        assert BYBIT.quota(other).limit == batched


def test_a_batch_of_options_counts_once_and_others_by_their_orders() -> None:
    assert order_budget(Act.CREATE, "option", batched=True) is None
    assert order_budget(Act.CREATE, "option") is EndpointClass.CREATE
    assert order_budget(Act.CANCEL, "linear", batched=True) is EndpointClass.CANCEL_BATCH
    with pytest.raises(KeyError):
        request_budget(Act.CANCEL_ALL, "linear", batched=True)


def test_venues_with_one_pool_draw_batches_from_it() -> None:
    assert DERIBIT.quota(EndpointClass.CANCEL_BATCH).pool == DERIBIT.quota(EndpointClass.CREATE).pool == "orders"
    assert DERIBIT.quota(EndpointClass.QUERY_ORDERS).pool == ""


def test_the_exchange_counts_cancels_and_sweeps_where_they_belong(scenario: Scenario, start_ns: int) -> None:
    exchange = Exchange(msgspec.structs.replace(scenario, rate_limits=True), start_ns)

    def refused(answer: object) -> bool:
        return isinstance(answer, Refusal) and answer.reason is RefusalReason.RATE_LIMITED

    single = [refused(exchange.cancel("main", PERP, order_id="none")) for _ in range(11)]
    batched = [refused(exchange.cancel("main", PERP, order_id="none", batched=True)) for _ in range(11)]
    assert single == batched == [False] * 10 + [True]
    options = [refused(exchange.cancel_all("main", lambda _: True, "option")) for _ in range(2)]
    assert options == [False, True]
    spot = [refused(exchange.cancel_all("main", lambda _: True, "spot")) for _ in range(21)]
    assert spot == [False] * 20 + [True]
    others = [refused(exchange.cancel_all("main", lambda _: True, "linear")) for _ in range(11)]
    assert others == [False] * 10 + [True]
