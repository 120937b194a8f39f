"""What-ifs of watched accounts through the real client: units, directions, and a venue that judges nothing."""

import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain.errors import VenueError
from hedgebot.domain.instrument import Side
from hedgebot.domain.whatif import OrderKind, WantedOrder
from hedgebot.venues.watched.venue import WatchedVenue
from tests.support import stub_venue as stubs
from tests.support.sinks import Sink
from tests.support.stub_venue import Answer, StubVenue, stub_venue, watched

pytestmark = pytest.mark.wire


def wanted(qty: str, side: Side = Side.BUY, kind: OrderKind = OrderKind.PERP, **changes: Any) -> WantedOrder:
    return WantedOrder(side=side, qty=Decimal(qty), in_usd=False, underlying="BTC", kind=kind, **changes)


@asynccontextmanager
async def asking(venue: str, fill: Callable[[StubVenue], None]) -> AsyncIterator[tuple[WatchedVenue, StubVenue]]:
    """The port alone, which reads nothing: only what is asked is sent."""
    async with stub_venue() as stub:
        fill(stub)
        port = WatchedVenue(watched(stub, venue), Sink(), time.time_ns)
        try:
            yield port, stub
        finally:
            await port.stop()


def deribit_simulating(stub: StubVenue) -> None:
    """Deribit's standard margin of the position beside what a simulation adds, in the unit that the page names: USD."""
    stubs.deribit(stub)
    stub.say("public/ticker", {"result": {"mark_price": 100_000.0, "index_price": 99_990.0}})

    def simulate(request: stubs.Request) -> Answer:
        coins = abs(1_000_000 + sum(json.loads(request.query.get("simulated_positions", "{}")).values())) / 100_000.0
        row = stubs.deribit_summary(
            equity=2.0,
            margin_balance=2.0,
            initial_margin=(0.02 + 5e-5 * coins) * coins,
            maintenance_margin=(0.01 + 5e-5 * coins) * coins,
        )
        return Answer(json.dumps({"result": row}))

    stub.script("private/simulate_portfolio", simulate)


async def test_deribit_simulates_futures_in_usd_and_the_numbers_are_those_of_the_model() -> None:
    async with asking("deribit", deribit_simulating) as (port, stub):
        found = await port.watched_what_if(wanted("10"))
        now, asked = stub.asked("private/simulate_portfolio")
    assert (now.query["currency"], "simulated_positions" in now.query) == ("BTC", False)
    assert json.loads(asked.query["simulated_positions"]) == {"BTC-PERPETUAL": 1_000_000.0}
    assert (asked.query["currency"], asked.query["add_positions"]) == ("BTC", "true")
    assert found.theirs is not None
    assert found.theirs.maintenance_before == pytest.approx(0.0525)
    # 20 BTC need (1 % + 0.005 % x 20) of their value, of 2 BTC of equity.
    assert found.theirs.maintenance_after == pytest.approx(0.011 * 20 / 2)
    assert found.theirs.initial_after == pytest.approx(0.021 * 20 / 2)
    assert (found.position.contracts, found.position.mark) == (1_000_000.0, 100_000.0)


async def test_deribit_closing_lowers_the_use_and_options_are_in_coins() -> None:
    def fill(stub: StubVenue) -> None:
        deribit_simulating(stub)
        option = stubs.PERPETUAL | {"kind": "option", "instrument_name": "BTC-26MAR27-120000-P", "option_type": "put"}
        option |= {"settlement_period": "month", "strike": 120_000.0, "min_trade_amount": 0.1}
        rows = {"BTC-PERPETUAL": stubs.PERPETUAL, "BTC-26MAR27-120000-P": option}
        stub.script(
            "public/get_instrument",
            lambda one: Answer(json.dumps({"result": rows[one.query["instrument_name"]]})),
        )

    day_ns = 1_806_048_000 * 10**9  # 2027-03-26 08:00 UTC
    async with asking("deribit", fill) as (port, stub):
        closing = await port.watched_what_if(wanted("10", Side.SELL))
        assert closing.theirs is not None
        assert closing.theirs.maintenance_after == 0.0
        begun_s = time.monotonic()
        put = wanted("2.5", Side.SELL, OrderKind.OPTION, expiry_ns=day_ns, strike=120_000.0, is_call=False)
        await port.watched_what_if(put)
        assert time.monotonic() - begun_s > 0.7, "one simulation a second"
        _, first, _, second = stub.asked("private/simulate_portfolio")
    assert json.loads(first.query["simulated_positions"]) == {"BTC-PERPETUAL": -1_000_000.0}
    assert json.loads(second.query["simulated_positions"]) == {"BTC-26MAR27-120000-P": -2.5}


async def test_deribit_in_a_cross_model_is_judged_whole_in_usd() -> None:
    def fill(stub: StubVenue) -> None:
        deribit_simulating(stub)
        whole = {
            "total_margin_balance_usd": 300_000.0,
            "total_initial_margin_usd": 60_000.0,
        }
        own = {"currency": "BTC", "equity": 2.0, "margin_balance": 3.0, "initial_margin": 0.6}
        own |= {"maintenance_margin": 0.48, "cross_collateral_enabled": True}
        before = whole | own | {"total_maintenance_margin_usd": 48_000.0}
        after = before | {"total_maintenance_margin_usd": 96_000.0, "total_initial_margin_usd": 120_000.0}
        stub.script(
            "private/simulate_portfolio",
            lambda one: Answer(json.dumps({"result": after if "simulated_positions" in one.query else before})),
        )

    async with asking("deribit", fill) as (port, _stub):
        found = await port.watched_what_if(wanted("10"))
    assert found.theirs is not None
    assert (found.theirs.maintenance_before, found.theirs.maintenance_after) == (0.16, 0.32)
    assert (found.theirs.initial_before, found.theirs.initial_after) == (0.2, 0.4)


def okx_building(stub: StubVenue) -> None:
    """OKX's builder on the position of case OKX-1; what is added needs margin in proportion."""
    stubs.okx(stub)
    stub.say("account/config", {"code": "0", "data": [{"acctLv": "4", "perm": "read_only"}]})
    stub.say("public/mark-price", {"code": "0", "data": [{"instId": "BTC-USDT-SWAP", "markPx": "97093.7"}]})

    def build(request: stubs.Request) -> Answer:
        wish = json.loads(request.body)
        assert (wish["acctLv"], wish["inclRealPosAndEq"]) == ("4", True)
        contracts = -10.0 + sum(float(one["pos"]) for one in wish.get("simPos", []))
        share = abs(contracts) / 10.0
        row = {"eq": "9995.4", "totalMmr": str(1183.82 * share), "totalImr": str(1538.97 * share), "marginRatio": "8.4"}
        return Answer(json.dumps({"code": "0", "data": [row], "msg": ""}))

    stub.script("account/position-builder", build)


async def test_okx_builds_the_account_without_and_with_the_order_in_contracts() -> None:
    async with asking("okx", okx_building) as (port, stub):
        found = await port.watched_what_if(wanted("0.1", Side.SELL))
        first, second = stub.asked("account/position-builder")
    assert "simPos" not in json.loads(first.body)
    assert json.loads(second.body)["simPos"] == [{"instId": "BTC-USDT-SWAP", "pos": "-10", "avgPx": "97093.7"}]
    assert found.theirs is not None
    assert found.theirs.maintenance_before == pytest.approx(1183.82 / 9995.4)
    assert found.theirs.maintenance_after == pytest.approx(2.0 * 1183.82 / 9995.4)
    assert found.theirs.initial_after == pytest.approx(2.0 * 1538.97 / 9995.4)
    assert (found.position.contracts, found.position.mark) == (-10.0, 97093.7)


async def test_okx_in_multi_currency_margin_has_no_initial_margin_without_a_leverage() -> None:
    def fill(stub: StubVenue) -> None:
        okx_building(stub)
        stub.say("account/config", {"code": "0", "data": [{"acctLv": "3"}]})
        row = {"eq": "9995.4", "totalMmr": "1183.82", "totalImr": "9000"}
        stub.say("account/position-builder", {"code": "0", "data": [row], "msg": ""})

    async with asking("okx", fill) as (port, _stub):
        found = await port.watched_what_if(wanted("0.1"))
    assert found.theirs is not None
    assert (found.theirs.initial_before, found.theirs.initial_after) == (None, None)
    assert found.theirs.maintenance_after == pytest.approx(1183.82 / 9995.4)


async def test_okx_in_single_currency_margin_has_no_what_if() -> None:
    def fill(stub: StubVenue) -> None:
        okx_building(stub)
        stub.say("account/config", {"code": "0", "data": [{"acctLv": "2"}]})

    async with asking("okx", fill) as (port, _stub):
        with pytest.raises(
            VenueError, match="at level 2: the venue's what-if knows multi-currency margin and portfolio"
        ):
            await port.watched_what_if(wanted("1"))


async def test_binance_has_no_what_if_and_says_so() -> None:
    def fill(stub: StubVenue) -> None:
        stubs.binance(stub)
        stub.say("fapi/v1/premiumIndex", {"symbol": "BTCUSDT", "markPrice": "100000.00"})

    async with asking("binance", fill) as (port, _stub):
        found = await port.watched_what_if(wanted("0.5", Side.SELL))
    assert (found.theirs, found.position.contracts, found.position.mark) == (None, -0.5, 100_000.0)
    assert "no such call" in found.problem


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (wanted("0.00001"), "is less than one lot of BTC-PERPETUAL (10 contracts)"),
        (wanted("1", kind=OrderKind.SPOT), "a spot order is no position"),
        (wanted("1", kind=OrderKind.FUTURE), "say the day of the future"),
    ],
)
async def test_what_cannot_be_asked_is_said_in_a_sentence(order: WantedOrder, said: str) -> None:
    async with asking("deribit", deribit_simulating) as (port, _stub):
        with pytest.raises(VenueError, match=re.escape(said)):
            await port.watched_what_if(order)


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        ({"error": {"code": 10040, "message": "retry"}}, 400, "10040: retry"),
        ({"error": {"code": 10028, "message": "too_many_requests"}}, 429, "10028: too_many_requests"),
        ({"result": {}}, 200, "currency"),
        ({"result": {"currency": "BTC", "margin_balance": "much"}}, 200, "margin_balance is 'much'"),
    ],
)
async def test_a_venue_that_judges_no_order_says_why(said: dict[str, Any], status: int, words: str) -> None:
    def fill(stub: StubVenue) -> None:
        deribit_simulating(stub)
        stub.say("private/simulate_portfolio", said, status)

    async with asking("deribit", fill) as (port, _stub):
        with pytest.raises(VenueError, match=words):
            await port.watched_what_if(wanted("1"))
        if status == 429:
            with pytest.raises(VenueError, match="not asked: the venue wants no requests for"):
                await port.watched_what_if(wanted("1"))
