"""The window is written only where it differs, believed only when it reads back, armed only when its topic stands."""

from typing import Any

import ccxt
import pytest

from hedgebot.domain.commands import ArmDeadMan
from hedgebot.domain.deadman import DeadManChanged, DeadManStatus
from hedgebot.domain.instrument import InstrumentId
from hedgebot.venues import bybit_deadman
from hedgebot.venues.buckets import Budget
from hedgebot.venues.bybit_deadman import BybitDeadMan
from hedgebot.venues.bybit_profile import BYBIT
from tests.unit.venues.double import BTC, OPTION, SPOT, Sink


class Client:
    """The venue behind the two calls."""

    def __init__(self, **windows: str) -> None:
        self.windows = windows
        self.deaf = False
        self.error: Exception | None = None
        self.written: list[dict[str, Any]] = []
        self.reads = 0

    async def privateGetV5AccountQueryDcpInfo(self) -> dict[str, Any]:  # noqa: N802  (the client's name)
        self.reads += 1
        if self.error is not None:
            raise self.error
        rows = [{"product": one, "dcpStatus": "ON", "timeWindow": value} for one, value in self.windows.items()]
        return {"result": {"dcpInfos": rows}}

    async def privatePostV5OrderDisconnectedCancelAll(self, request: dict[str, Any]) -> None:  # noqa: N802  (as above)
        self.written.append(request)
        if not self.deaf:
            self.windows[request["product"]] = str(request["timeWindow"])


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bybit_deadman, "READ_AFTER_S", (0.0, 0.0))
    monkeypatch.setattr(bybit_deadman, "TOPIC_S_MAX", 0.2)


async def arm(
    client: Client, *instruments: InstrumentId, seconds: float = 30.0, stands: bool = True
) -> tuple[DeadManChanged, list[str]]:
    sink, topics = Sink(), list[str]()
    switch = BybitDeadMan("main", BYBIT, client, Budget(BYBIT, lambda: 0.0), sink, lambda: 7)
    switch.subscribe = topics.append
    switch.stands = lambda topic: stands and topic in topics
    await switch.arm(ArmDeadMan(account="main", seconds=seconds, instruments=instruments or (BTC,)))
    (answer,) = sink.events
    assert isinstance(answer, DeadManChanged)
    assert answer.asked_at_ns == 7
    return answer, topics


async def test_a_window_that_differs_is_set_and_read_back() -> None:
    client = Client(DERIVATIVES="10", OPTIONS="10", SPOT="10")
    answer, topics = await arm(client)
    assert (answer.status, answer.read_back) == (DeadManStatus.ARMED, True)
    assert client.written == [{"product": "DERIVATIVES", "timeWindow": 30}]
    assert topics == ["dcp.future"]


async def test_one_that_is_right_is_not_written_again() -> None:
    client = Client(DERIVATIVES="30")
    assert (await arm(client))[0].status is DeadManStatus.ARMED
    assert client.written == []
    assert client.reads == 1


async def test_every_product_of_the_hedges_is_covered() -> None:
    client = Client(DERIVATIVES="10", OPTIONS="10", SPOT="10")
    answer, topics = await arm(client, BTC, OPTION, SPOT)
    assert answer.status is DeadManStatus.ARMED
    assert {one["product"] for one in client.written} == {"DERIVATIVES", "OPTIONS", "SPOT"}
    assert set(topics) == {"dcp.future", "dcp.option", "dcp.spot"}


async def test_a_window_that_reads_back_as_something_else_is_not_armed() -> None:
    client = Client(DERIVATIVES="10")
    client.deaf = True
    answer, topics = await arm(client)
    assert answer.status is DeadManStatus.FAILED
    assert answer.detail == "the window of DERIVATIVES reads back as 10 s, 30 s was set"
    assert topics == []


async def test_an_account_without_it_is_refused_and_no_topic_is_asked_for() -> None:
    """A topic that the venue refuses would take the whole private socket down."""
    answer, topics = await arm(Client())
    assert answer.status is DeadManStatus.REFUSED
    assert topics == []


async def test_a_topic_that_is_not_confirmed_is_not_armed() -> None:
    answer, _ = await arm(Client(DERIVATIVES="30"), stands=False)
    assert (answer.status, answer.detail) == (DeadManStatus.FAILED, "the topic dcp.future is not confirmed")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ccxt.PermissionDenied('bybit {"retCode":10005,"retMsg":"Permission denied"}'), DeadManStatus.REFUSED),
        (ccxt.RequestTimeout("bybit GET"), DeadManStatus.FAILED),
        (ccxt.ExchangeError('bybit {"retCode":10016,"retMsg":"Server error"}'), DeadManStatus.FAILED),
    ],
)
async def test_a_refusal_is_told_from_a_failure(error: Exception, status: DeadManStatus) -> None:
    client = Client()
    client.error = error
    assert (await arm(client))[0].status is status


async def test_zero_changes_nothing_at_the_venue() -> None:
    client = Client(DERIVATIVES="30")
    answer, _ = await arm(client, seconds=0.0)
    assert answer.status is DeadManStatus.OFF
    assert (client.written, client.reads) == ([], 0)
