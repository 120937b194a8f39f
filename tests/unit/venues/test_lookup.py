from typing import Any

from hedgebot.domain.commands import QueryOrder
from hedgebot.domain.events import FillReceived, OrderLookedUp, Source
from hedgebot.domain.orders import OrderStatus
from tests.unit.venues.double import BTC, OPTION, BybitDouble, golden, ok, refusal, running

ORDER: dict[str, Any] = golden("order_frame")["data"][0]
FILL: dict[str, Any] = golden("execution_frame")["data"][0]
ID = ORDER["orderLinkId"]


async def looked_up(double: BybitDouble, instrument: Any = BTC) -> tuple[OrderLookedUp, Any]:
    async with double.serving(), running(double) as (venue, sink):
        venue.send(QueryOrder(account="main", instrument=instrument, client_id=ID))
        return await sink.one(OrderLookedUp), sink


async def test_an_order_is_found_among_the_closed_ones_with_its_fills_first() -> None:
    double = BybitDouble()
    double.scripts["v5/order/realtime"] = lambda asked: (
        (200, ok({"list": [ORDER], "category": "linear"})) if asked.get("openOnly") == "1" else None
    )
    double.scripts["v5/execution/list"] = lambda asked: (
        200,
        ok({"list": [FILL, {**FILL, "orderLinkId": "other", "execId": "z"}]}),
    )
    answer, sink = await looked_up(double)
    assert answer.report is not None
    assert (answer.report.status, answer.report.client_id) == (OrderStatus.FILLED, ID)
    assert (answer.searched, answer.complete) == (("open", "recent", "executions"), True)
    fills = sink.of(FillReceived)
    assert [(fill.trade_id, fill.source) for fill in fills] == [("e-1", Source.QUERY)]
    assert sink.events.index(fills[0]) < sink.events.index(answer)
    assert all(asked["orderLinkId"] == ID for asked in double.asked("v5/order/realtime"))


async def test_absence_names_every_source_that_answered() -> None:
    double = BybitDouble()
    answer, _ = await looked_up(double)
    assert answer.report is None
    assert (answer.searched, answer.complete) == (("open", "recent", "history", "executions"), True)


async def test_a_source_that_failed_leaves_the_answer_incomplete() -> None:
    double = BybitDouble()
    double.scripts["v5/order/history"] = lambda asked: (200, refusal(10016))
    answer, _ = await looked_up(double)
    assert (answer.searched, answer.complete) == (("open", "recent", "executions"), False)


async def test_a_filter_that_the_venue_ignored_finds_nothing() -> None:
    double = BybitDouble()
    double.scripts["v5/order/realtime"] = lambda asked: (200, ok({"list": [{**ORDER, "orderLinkId": "another"}]}))
    answer, _ = await looked_up(double)
    assert answer.report is None


async def test_executions_of_options_are_asked_by_their_coin() -> None:
    double = BybitDouble()
    await looked_up(double, OPTION)
    assert double.asked("v5/execution/list")[0]["baseCoin"] == "BTC"
