"""Watched accounts through the real client against a venue on loopback: documented answers, and everything else."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.reports import WalletReport, WatchedMargin
from hedgebot.venues.registry import open_venue
from tests.support import stub_venue as stubs
from tests.support.sinks import Sink
from tests.support.stub_venue import Answer, StubVenue, stub_venue, watched

pytestmark = pytest.mark.wire


@asynccontextmanager
async def reading(
    venue: str, fill: Callable[[StubVenue], None], **changes: Any
) -> AsyncIterator[tuple[StubVenue, Sink]]:
    """A venue that answers, and the daemon's port to it, started."""
    async with stub_venue() as stub:
        fill(stub)
        sink = Sink()
        port = open_venue(watched(stub, venue, **changes), sink, time.time_ns)
        await port.start()
        try:
            yield stub, sink
        finally:
            await port.stop()


async def report(venue: str, fill: Callable[[StubVenue], None], **changes: Any) -> WalletReport:
    """The first report of a venue that answers so."""
    async with reading(venue, fill, **changes) as (_, sink):
        return (await sink.until(ev.WalletUpdated))[0].report


def margin_of(one: WalletReport) -> WatchedMargin:
    assert one.watched is not None
    return one.watched


async def test_deribit_standard_margin_in_coins_becomes_usd() -> None:
    found = await report("deribit", stubs.deribit)
    assert (found.account, found.equity_usd) == ("options", Decimal(200_000))
    assert (found.initial_margin_usd, found.maintenance_margin_usd) == (Decimal(20_500), Decimal(10_500))
    assert margin_of(found).pockets == 1
    (position,) = margin_of(found).positions or ()
    assert (position.rules.id, position.contracts, position.mark) == (
        "deribit:inverse:BTC-PERPETUAL",
        1_000_000.0,
        100_000.0,
    )
    assert (position.rules.settle, position.rules.kind.is_inverse, position.rules.expiry_ns) == ("BTC", True, None)


async def test_deribit_pockets_share_nothing_and_the_worst_rules() -> None:
    def fill(stub: StubVenue) -> None:
        stubs.deribit(stub)
        eth = stubs.deribit_summary(
            currency="ETH", equity=10.0, margin_balance=10.0, initial_margin=9.0, maintenance_margin=8.0
        )
        sol = stubs.deribit_summary(
            currency="SOL", equity=0.0, margin_balance=0.0, initial_margin=0.0, maintenance_margin=0.0
        )
        btc = stubs.deribit_summary(equity=2.0, margin_balance=2.0, initial_margin=0.205, maintenance_margin=0.105)
        stub.say("private/get_account_summaries", stubs.deribit_account(btc, eth, sol))
        prices = {"btc_usd": 100_000.0, "eth_usd": 4_000.0}
        stub.script(
            "public/get_index_price",
            lambda asked: Answer(json.dumps({"result": {"index_price": prices[asked.query["index_name"]]}})),
        )

    found = await report("deribit", fill)
    assert (found.equity_usd, found.maintenance_margin_usd) == (Decimal(40_000), Decimal(32_000))
    assert (margin_of(found).pocket, margin_of(found).pockets) == ("segregated_sm ETH", 2)
    assert margin_of(found).equity_usd == Decimal(240_000)
    assert margin_of(found).positions == (), "the BTC position needs nothing of this pocket"


async def test_deribit_cross_margin_is_one_account_in_usd_and_names_the_price_of_each_coin() -> None:
    def fill(stub: StubVenue) -> None:
        stubs.deribit(stub)
        whole = {
            "margin_model": "cross_pm",
            "total_margin_balance_usd": 300_000.0,
            "total_initial_margin_usd": 60_000.0,
            "total_maintenance_margin_usd": 48_000.0,
        }
        btc = {"equity": 2.0, "margin_balance": 3.0, "initial_margin": 0.6, "maintenance_margin": 0.48}
        usdt = {"equity": 100_000.0, "margin_balance": 300_300.0, "initial_margin": 60_060.0}
        first = stubs.deribit_summary(**whole, **btc)
        second = stubs.deribit_summary(**whole, **usdt, currency="USDT", maintenance_margin=48_048.0)
        stub.say("private/get_account_summaries", stubs.deribit_account(first, second))

    found = await report("deribit", fill)
    assert (found.equity_usd, found.maintenance_margin_usd) == (Decimal(300_000), Decimal(48_000))
    assert found.prices_usd["BTC"] == pytest.approx(100_000.0)
    assert found.prices_usd["USDT"] == pytest.approx(0.999, abs=1e-4)
    assert found.balances == {"BTC": Decimal(2), "USDT": Decimal(100_000)}


async def test_deribit_without_the_right_to_read_positions_still_tells_its_margin() -> None:
    def fill(stub: StubVenue) -> None:
        stubs.deribit(stub)
        stub.say("private/get_positions", {"error": {"message": "forbidden", "code": 13021}}, 400)

    found = await report("deribit", fill)
    assert found.maintenance_margin_usd == Decimal(10_500)
    assert margin_of(found).positions is None
    assert "13021" in margin_of(found).problem


async def test_okx_points_down_and_is_turned_round() -> None:
    found = await report("okx", stubs.okx)
    assert found.equity_usd == Decimal("9995.4")
    assert float(found.maintenance_margin_usd or 0) == pytest.approx(1183.8207318516002)
    assert margin_of(found).stated_use == pytest.approx(1.0 / 8.4098)
    (position,) = margin_of(found).positions or ()
    assert (position.contracts, position.rules.contract_size) == (-10.0, Decimal("0.01"))
    assert found.prices_usd == {"USDT": pytest.approx(0.99954)}


async def test_okx_single_currency_margin_keeps_coins_apart() -> None:
    def fill(stub: StubVenue) -> None:
        stubs.okx(stub)
        details = [
            {"ccy": "USDT", "eq": "1000", "eqUsd": "999.5", "imr": "100", "mmr": "50", "mgnRatio": "20", "uTime": "1"},
            {"ccy": "BTC", "eq": "1", "eqUsd": "97000", "imr": "0.9", "mmr": "0.8", "mgnRatio": "1.25", "uTime": "1"},
        ]
        account = dict.fromkeys(("adjEq", "imr", "mmr", "mgnRatio"), "") | {"totalEq": "97999", "uTime": "1"}
        stub.say("account/balance", {"code": "0", "data": [account | {"details": details}]})

    found = await report("okx", fill)
    assert (found.equity_usd, found.maintenance_margin_usd) == (Decimal(97_000), Decimal(77_600))
    assert (margin_of(found).pocket, margin_of(found).pockets) == ("coin BTC", 2)
    assert margin_of(found).equity_usd == Decimal("97999.5")
    assert margin_of(found).stated_use == pytest.approx(0.8)


async def test_okx_isolated_positions_stand_by_themselves() -> None:
    def fill(stub: StubVenue) -> None:
        stubs.okx(stub)
        row = {"instId": "ETH-USDT-SWAP", "instType": "SWAP", "mgnMode": "isolated", "posId": "7", "posSide": "long"}
        margins = {"margin": "100", "mmr": "90", "imr": "", "mgnRatio": "1.1", "upl": "-1", "notionalUsd": "900"}
        rest = {"pos": "3", "ccy": "USDT", "lever": "9", "markPx": "3000", "avgPx": "3003", "uTime": "1"}
        stub.say("account/positions", {"code": "0", "data": [row | margins | rest]})

    found = await report("okx", fill)
    assert (found.equity_usd, found.maintenance_margin_usd) == (
        Decimal(repr(99.0 * 0.99954)),
        Decimal(repr(90.0 * 0.99954)),
    )
    assert margin_of(found).pockets == 2
    assert margin_of(found).stated_use == pytest.approx(1.0 / 1.1)
    assert (margin_of(found).positions, margin_of(found).problem) == (
        None,
        "the position in ETH-USDT-SWAP is isolated",
    )


async def test_binance_usd_m_is_as_told() -> None:
    found = await report("binance", stubs.binance)
    assert (found.equity_usd, found.maintenance_margin_usd) == (Decimal(20_000), Decimal(450))
    (position,) = margin_of(found).positions or ()
    assert (position.rules.underlying, position.contracts, position.mark) == ("BTC", 1.0, 100_000.0)


async def test_binance_pockets_share_nothing_outside_multi_assets_mode() -> None:
    def fill(stub: StubVenue) -> None:
        usdt = stubs.binance_asset("USDT", "50000")
        usdc = stubs.binance_asset("USDC", "1000", maintMargin="950", initialMargin="960")
        held = {"symbol": "ETHUSDC", "positionAmt": "2", "notional": "8000", "entryPrice": "4000", "leverage": "20"}
        sums = {"totalMaintMargin": "0", "totalInitialMargin": "0", "totalMarginBalance": "50000"}
        stubs.binance(stub, **sums, assets=[usdt, usdc], positions=[held])

    found = await report("binance", fill)
    assert (found.equity_usd, found.maintenance_margin_usd) == (Decimal(1_000), Decimal(950))
    assert (margin_of(found).pocket, margin_of(found).equity_usd) == ("USD-M USDC", Decimal(51_000))
    assert [one.rules.settle for one in margin_of(found).positions or ()] == ["USDC"]


async def test_binance_isolated_positions_stand_by_themselves() -> None:
    def fill(stub: StubVenue) -> None:
        usdt = stubs.binance_asset("USDT", "500480", crossWalletBalance="500000", maintMargin="450")
        held = {"symbol": "ETHUSDT", "positionAmt": "2", "notional": "9000", "entryPrice": "4500", "isolated": True}
        margins = {"isolatedWallet": "500", "unrealizedProfit": "-20", "maintMargin": "450", "initialMargin": "480"}
        stubs.binance(stub, assets=[usdt], positions=[held | margins])

    found = await report("binance", fill)
    assert (found.equity_usd, found.maintenance_margin_usd) == (Decimal(480), Decimal(450))
    assert found.balances == {"USDT": Decimal(480)}
    assert margin_of(found).problem == "the position in ETHUSDT is isolated"


@pytest.mark.parametrize("maintenance", ["0", ""])
async def test_binance_without_a_margin_for_what_is_held_is_unknown(maintenance: str) -> None:
    def fill(stub: StubVenue) -> None:
        usdt = stubs.binance_asset("USDT", "20000", maintMargin=maintenance)
        usdc = stubs.binance_asset("USDC", "20000", maintMargin="1000")
        stubs.binance(stub, assets=[usdc, usdt])

    found = await report("binance", fill)
    assert (margin_of(found).pocket, found.maintenance_margin_usd) == ("USD-M USDT", None)


async def test_binance_multi_assets_is_one_account_of_several_coins() -> None:
    def fill(stub: StubVenue) -> None:
        assets = [stubs.binance_asset(coin, "100") for coin in ("USDT", "USDC", "BNB", "FDUSD")]
        stubs.binance(stub, multiAssetsMargin=True, assets=assets)
        unknown = Answer(json.dumps({"code": -1121, "msg": "Invalid symbol."}), 400)
        known = Answer(json.dumps({"symbol": "BNBUSDT", "indexPrice": "600"}))
        stub.script("fapi/v1/premiumIndex", lambda one: known if one.query["symbol"] == "BNBUSDT" else unknown)

    found = await report("binance", fill)
    assert (found.equity_usd, found.maintenance_margin_usd) == (Decimal(20_000), Decimal(450))
    assert found.balances == dict.fromkeys(("USDT", "USDC", "BNB", "FDUSD"), Decimal(100))
    assert found.prices_usd == {"USDT": 1.0, "USDC": 1.0, "BNB": 600.0}


@pytest.mark.parametrize("side", ["LONG", "SHORT"])
async def test_binance_tells_both_sides_of_a_hedged_instrument(side: str) -> None:
    def fill(stub: StubVenue) -> None:
        row = {"symbol": "BTCUSDT", "entryPrice": "100000", "leverage": "20"}
        both = [
            row | {"positionAmt": "10", "notional": "1000000", "positionSide": "LONG"},
            row | {"positionAmt": "-0.1", "notional": "-10000", "positionSide": "SHORT"},
        ]
        stubs.binance(stub, positions=both if side == "LONG" else both[::-1])

    found = await report("binance", fill)
    assert sorted(one.contracts for one in margin_of(found).positions or ()) == [-0.1, 10.0]


@pytest.mark.parametrize(("held", "known"), [("0", True), ("0.5", False)])
async def test_binance_portfolio_margin_points_down_and_is_turned_round(held: str, known: bool) -> None:
    def fill(stub: StubVenue) -> None:
        stubs.binance(stub)
        account = {"uniMMR": "4", "accountEquity": "20000", "accountMaintMargin": "5000"}
        stub.say("papi/v1/account", account | {"accountInitialMargin": "6000"})
        stub.say("papi/v1/um/account", {"assets": [], "positions": [{"symbol": "BTCUSDT", "positionAmt": held}]})
        stub.say("papi/v1/cm/account", {"assets": [], "positions": []})

    found = await report("binance", fill, portfolio_margin=True)
    assert (found.equity_usd, found.maintenance_margin_usd) == (Decimal(20_000), Decimal(5_000))
    assert margin_of(found).stated_use == pytest.approx(0.25)
    assert (margin_of(found).positions == ()) is known
    assert not margin_of(found).coins_known, "the account names none of its coins"


@pytest.mark.parametrize(
    ("venue", "fill", "code"),
    [("deribit", stubs.deribit, "13004"), ("okx", stubs.okx, "50113"), ("binance", stubs.binance, "-2015")],
)
async def test_a_wrong_key_is_told_and_no_secret_with_it(
    venue: str, fill: Callable[[StubVenue], None], code: str
) -> None:
    async with reading(venue, fill, api_secret="not-the-secret") as (_, sink):
        (refused, *_) = await sink.until(ev.AuthenticationFailed)
        (failed, *_) = await sink.until(ev.WatchFailed)
    assert (refused.code, failed.failures) == (code, 1)
    assert not sink.of(ev.WalletUpdated)
    assert "not-the-secret" not in repr(sink.events)
    assert "stub-key" not in repr(sink.events)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("", 200),
        ("<html>down for maintenance</html>", 503),
        ('{"jsonrpc":"2.0","result":{}}', 200),
        ('{"jsonrpc":"2.0","result":{"summaries":[{"currency":"BTC","margin_balance":"many"}]}}', 200),
        ('{"jsonrpc":"2.0","error":{"code":10040,"message":"retry"}}', 400),
    ],
)
async def test_whatever_else_is_said_is_a_failure_that_is_counted_and_ends(said: str, status: int) -> None:
    def fill(stub: StubVenue) -> None:
        stubs.deribit(stub)
        stub.say("private/get_account_summaries", said, status)

    async with reading("deribit", fill) as (stub, sink):
        failures = await sink.until(ev.WatchFailed, 2)
        assert [one.failures for one in failures[:2]] == [1, 2]
        assert not sink.of(ev.WalletUpdated)
        stubs.deribit(stub)
        assert (await sink.until(ev.WalletUpdated))[0].report.maintenance_margin_usd == Decimal(10_500)
    assert not sink.of(ev.TaskFailed)


async def test_a_venue_that_never_answers_is_given_up_on_again_and_again() -> None:
    async with stub_venue() as stub:
        sink = Sink()
        gone = watched(stub, "deribit", endpoint="http://127.0.0.1:9", query_timeout_ms=300)
        port = open_venue(gone, sink, time.time_ns)
        await port.start()
        await sink.until(ev.WatchFailed, 2)
        await port.stop()
    assert not sink.of(ev.TaskFailed)


async def test_a_rate_limit_that_is_told_by_a_code_pauses_too() -> None:
    def fill(stub: StubVenue) -> None:
        stubs.deribit(stub)
        stub.say("private/get_account_summaries", {"error": {"code": 10028, "message": "too_many_requests"}}, 400)

    async with reading("deribit", fill) as (stub, sink):
        (paused,) = await sink.until(ev.VenuePaused)
        assert (paused.seconds, paused.reason.startswith("10028: too_many_requests")) == (10.0, True)
        await asyncio.sleep(0.2)
        assert len(stub.asked("private/get_account_summaries")) == 1


async def test_a_rate_limit_is_waited_out() -> None:
    def fill(stub: StubVenue) -> None:
        stubs.deribit(stub)
        limited = {"error": {"code": 10028, "message": "too_many_requests"}}
        stub.say("private/get_account_summaries", limited, 429, {"Retry-After": "1"})

    async with reading("deribit", fill) as (stub, sink):
        (paused,) = await sink.until(ev.VenuePaused)
        assert paused.seconds == 1.0
        begun_s, asked = time.monotonic(), len(stub.requests)
        stubs.deribit(stub)
        await sink.until(ev.WalletUpdated)
        assert time.monotonic() - begun_s > 0.8
        assert len(stub.asked("private/get_account_summaries")) >= 2
        assert asked < len(stub.requests)
