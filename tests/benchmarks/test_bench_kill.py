"""kill_direct and kill_daemon: from the word to the last cancel request, with orders of ours resting on one symbol.

Against the simulated exchange on loopback with its limits of requests in force; the goal of 2 s is the release gate's.
On a shared account orders go one by one: the venue takes ten singly and ten in batches in each rolling second, so that
the last of 50 on one symbol cannot leave before two whole seconds have passed since the first: there the goal is
that bound and what may come on top. As many as may be alive there (`open_orders_max`), or 50 coins, leave within one:
these have the release gate's goal. kill_daemon has the daemon's own adapter in
process: from the engine's cancels to the answer to the last one.
"""

import asyncio
import statistics
import time
from decimal import Decimal

import pytest

from hedgebot.config.limitsfile import LimitsFile
from hedgebot.domain.client_id import ClientId, decode_client_id
from hedgebot.domain.commands import CancelOrder
from hedgebot.domain.events import CancelAnswered
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import TimeInForce
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import AccountSpec, Scenario
from hedgebot.exchange.types import Ack, OrderRequest, OrderType
from hedgebot.exchange.wire.server import serve
from hedgebot.venues.bybit import BybitVenue
from hedgebot.venues.direct import DirectCancel, cancel_directly
from hedgebot.venues.pace import SECOND_S
from tests.benchmarks.measure import Goal, missed, percentile, report, run_loop
from tests.support.waiting import until
from tests.unit.venues.double import BTC, Sink, connection

ORDERS, ROUNDS = 50, 10
# Two seconds of the venue's lie before the last ten of fifty; what comes on top is ours to keep small.
BOUND_S = 2 * SECOND_S
ON_TOP_S = 0.5
CASES = [
    pytest.param(True, ORDERS, 2.0, id="hedge"),
    pytest.param(False, LimitsFile.model_fields["open_orders_max"].default, 2.0, id="shared-allowed"),
    pytest.param(False, ORDERS, BOUND_S + ON_TOP_S, id="shared"),
]


def resting(number: int, orders: int) -> tuple[Exchange, list[str]]:
    """A fresh exchange with orders of ours in its book, and their client ids."""
    account = AccountSpec(
        name="main",
        api_key="key-of-the-test",
        api_secret="secret-of-the-test",
        coins={"USDT": Decimal(1_000_000)},
    )
    scenario = Scenario(seed=number, accounts=(account,))
    exchange = Exchange(scenario, time.time_ns() - orders * 300_000_000)
    price = (Decimal(str(exchange.index_price("BTC"))) * Decimal("0.97")).quantize(Decimal(1))
    client_ids = [ClientId(install=7, epoch=1, strategy=0, intent=intent).encode() for intent in range(orders)]
    for client_id in client_ids:
        # Ten a second are taken: the resting orders are laid in the exchange's own time.
        exchange.advance(exchange.now_ns + 200_000_000)
        answer = exchange.place(
            OrderRequest(
                account="main",
                instrument=InstrumentId(BTC),
                side=Side.BUY,
                type=OrderType.LIMIT,
                qty_contracts=Decimal("0.001"),
                limit_price=price,
                time_in_force=TimeInForce.GTC,
                client_id=client_id,
            )
        )
        assert isinstance(answer, Ack), answer
    return exchange, client_ids


async def one_round(number: int, *, whole: bool, orders: int) -> DirectCancel:
    """The kill from a process of its own."""
    exchange, _ = resting(number, orders)
    server = await serve(exchange)
    try:
        return await cancel_directly(
            connection(server.endpoint),
            lambda client_id: decode_client_id(client_id) is not None,
            whole=whole,
            within_s=30.0,
            settle_s=lambda: 0.0,
            now_ns=time.time_ns,
            now_s=time.monotonic,
        )
    finally:
        await server.close()


async def one_daemon_round(number: int, *, whole: bool, orders: int) -> float:
    """Seconds that the daemon's adapter takes for the engine's cancels."""
    exchange, client_ids = resting(number, orders)
    server = await serve(exchange)
    sink = Sink()
    venue = BybitVenue(connection(server.endpoint), sink, time.time_ns)
    try:
        await venue.start()
        began_s = time.monotonic()
        for one in client_ids:
            venue.send(CancelOrder(account="main", instrument=BTC, client_id=one, reason="killed: all", whole=whole))
        await until(lambda: len(sink.of(CancelAnswered)) == orders, seconds=30.0)
        took_s = time.monotonic() - began_s
        assert exchange.open_orders("main") == ()
        return took_s
    finally:
        await venue.stop()
        await server.close()


async def rounds(*, whole: bool, orders: int) -> list[DirectCancel]:
    found = []
    for number in range(ROUNDS):
        found.append(await one_round(number, whole=whole, orders=orders))
        await asyncio.sleep(0.1)
    return found


@pytest.mark.bench
@pytest.mark.parametrize(("whole", "orders", "limit_s"), CASES)
def test_the_last_cancel_request_leaves_in_time(*, whole: bool, orders: int, limit_s: float) -> None:
    found = run_loop(rounds(whole=whole, orders=orders))
    assert all(len(one.cancelled) == orders and not one.unproven for one in found), found
    last = [one.last_request_s or 0.0 for one in found]
    verified = [one.verified_s or 0.0 for one in found]
    goals = [Goal(name="last_cancel_request_s_p99", value=percentile(last, 0.99), limit=limit_s)]
    report(
        "kill_direct",
        goals=goals,
        account="hedge" if whole else "shared",
        orders=orders,
        last_request_s=statistics.median(last),
        last_request_s_p99=percentile(last, 0.99),
        verified_empty_s=statistics.median(verified),
    )
    assert not missed(goals), missed(goals)


async def daemon_rounds(*, whole: bool, orders: int) -> list[float]:
    return [await one_daemon_round(number, whole=whole, orders=orders) for number in range(ROUNDS)]


@pytest.mark.bench
@pytest.mark.parametrize(("whole", "orders", "limit_s"), CASES)
def test_the_daemons_own_cancels_are_answered_in_time(*, whole: bool, orders: int, limit_s: float) -> None:
    took = run_loop(daemon_rounds(whole=whole, orders=orders))
    goals = [Goal(name="last_cancel_answer_s_p99", value=percentile(took, 0.99), limit=limit_s)]
    report(
        "kill_daemon",
        goals=goals,
        account="hedge" if whole else "shared",
        orders=orders,
        last_answer_s=statistics.median(took),
        last_answer_s_p99=percentile(took, 0.99),
    )
    assert not missed(goals), missed(goals)
