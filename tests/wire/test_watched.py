"""Watched accounts through the real client against a venue on loopback: documented answers, and everything else."""

import asyncio
import json
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial

import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.instrument import InstrumentKind
from hedgebot.venues.registry import open_venue
from tests.support import stub_venue as stubs
from tests.support.readings import margin_of, reading, report
from tests.support.sinks import Sink
from tests.support.stub_venue import Answer, StubVenue, stub_venue, watched

pytestmark = pytest.mark.wire


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


async def test_deribits_options_come_with_volatility_forward_and_the_price_of_their_coin() -> None:
    found = await report("deribit", stubs.deribit_with_options)
    future, sold = margin_of(found).positions or ()
    assert (future.vol, future.forward, future.maintenance_settle) == (None, None, 0.105)
    assert (sold.rules.kind, sold.contracts, sold.mark) == (InstrumentKind.COIN_OPTION, -2.0, stubs.call_mark())
    assert sold.vol == pytest.approx(0.4)
    assert sold.forward == 130_000.0
    assert (margin_of(found).unit, margin_of(found).margin_mode) == ("BTC", "cross")
    assert found.prices_usd["BTC"] == 100_000.0
    # What the options are worth is in no coin: only what is owned beside them.
    assert float(found.balances["BTC"]) == pytest.approx(9.0)
    bare = await report("deribit", partial(stubs.deribit_with_options, told=False))
    assert [one.vol for one in margin_of(bare).positions or ()] == [None, None]


async def test_deribits_parameters_of_portfolio_margin_are_asked_signed_and_told_by_coin() -> None:
    def fill(stub: StubVenue) -> None:
        stubs.deribit(stub)
        row = stubs.deribit_summary(equity=9.0, margin_balance=9.0, initial_margin=2.0, maintenance_margin=1.6)
        stub.say("private/get_account_summaries", stubs.deribit_account(row | {"margin_model": "segregated_pm"}))
        stub.say("private/pme/simulate", {"result": {"model_params": stubs.deribit_parameters(price_range=0.18)}})

    found = margin_of(await report("deribit", fill))
    assert (found.unit, found.margin_mode) == ("BTC", "portfolio")
    assert found.parameters["BTC"]["price_range"] == 0.18
    assert found.parameters["BTC"]["annualised_move_risk"] == 0.075
    # In standard margin it is not asked, and where it is refused nothing else suffers.
    assert margin_of(await report("deribit", stubs.deribit)).parameters == {}

    def refuse(stub: StubVenue) -> None:
        fill(stub)
        stub.say("private/pme/simulate", {"error": {"message": "forbidden", "code": 13021}}, 400)

    refused = await report("deribit", refuse)
    assert margin_of(refused).parameters == {}
    assert refused.maintenance_margin_usd == Decimal(160_000)


async def test_deribit_without_the_right_to_read_positions_still_tells_its_margin() -> None:
    def fill(stub: StubVenue) -> None:
        stubs.deribit(stub)
        stub.say("private/get_positions", {"error": {"message": "forbidden", "code": 13021}}, 400)

    found = await report("deribit", fill)
    assert found.maintenance_margin_usd == Decimal(10_500)
    assert margin_of(found).positions is None
    assert "13021" in margin_of(found).problem


async def test_deribit_is_signed_with_the_venues_time() -> None:
    def fill(stub: StubVenue) -> None:
        stubs.deribit(stub)
        stub.ahead_ms = 60_000

    assert (await report("deribit", fill)).maintenance_margin_usd == Decimal(10_500)


@pytest.mark.parametrize(("maintenance", "known"), [(0.0, True), (0.3, True), (0.6, False)])
async def test_deribit_coins_are_priced_in_usdc_and_one_without_a_price_is_unknown_alone(
    maintenance: float, known: bool
) -> None:
    def fill(stub: StubVenue) -> None:
        stubs.deribit(stub)
        btc = stubs.deribit_summary(equity=2.0, margin_balance=2.0, initial_margin=0.205, maintenance_margin=0.105)
        sol = stubs.deribit_summary(
            currency="SOL", equity=10.0, margin_balance=10.0, initial_margin=5.0, maintenance_margin=5.0
        )
        odd = {"currency": "ODD", "equity": 1.0, "margin_balance": 1.0, "initial_margin": maintenance}
        third = stubs.deribit_summary(**odd, maintenance_margin=maintenance)
        stub.say("private/get_account_summaries", stubs.deribit_account(third, btc, sol))
        refused = Answer(json.dumps({"error": {"code": -32602, "message": "Invalid params"}}), 400)
        prices = {"btc_usd": 100_000.0, "sol_usdc": 200.0}
        stub.script(
            "public/get_index_price",
            lambda asked: (
                Answer(json.dumps({"result": {"index_price": price}}))
                if (price := prices.get(asked.query["index_name"]))
                else refused
            ),
        )

    found = await report("deribit", fill)
    assert margin_of(found).equity_usd is None
    if known:
        assert (found.equity_usd, found.maintenance_margin_usd) == (Decimal(2_000), Decimal(1_000))
    else:
        assert (margin_of(found).pocket, found.maintenance_margin_usd) == ("segregated_sm ODD", None)


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


@pytest.mark.parametrize(("mode", "known"), [("isolated", True), ("cross", False)])
async def test_okx_idle_coins_need_no_margin(mode: str, known: bool) -> None:
    def fill(stub: StubVenue) -> None:
        stubs.okx(stub)
        none = {"imr": "", "mmr": "", "mgnRatio": "", "uTime": "1"}
        details = [
            {"ccy": "OKB", "eq": "0.001", "eqUsd": "0.05"} | none,
            {"ccy": "USDT", "eq": "1000", "eqUsd": "1000", "imr": "100", "mmr": "50", "mgnRatio": "20", "uTime": "1"},
            {"ccy": "BTC", "eq": "1", "eqUsd": "97000"} | none,
        ]
        account = dict.fromkeys(("adjEq", "imr", "mmr", "mgnRatio"), "") | {"totalEq": "98000", "uTime": "1"}
        stub.say("account/balance", {"code": "0", "data": [account | {"details": details}]})
        row = {"instId": "BTC-USD-SWAP", "instType": "SWAP", "mgnMode": mode, "posId": "7", "posSide": "net"}
        margins = {"margin": "1", "mmr": "0.01", "imr": "", "mgnRatio": "90", "upl": "0", "notionalUsd": "900"}
        rest = {"pos": "3", "ccy": "BTC", "lever": "9", "markPx": "97000", "avgPx": "97000", "uTime": "1"}
        stub.say("account/positions", {"code": "0", "data": [row | margins | rest]})

    found = await report("okx", fill)
    if known:
        assert (margin_of(found).pocket, found.maintenance_margin_usd) == ("coin USDT", Decimal(50))
    else:
        assert (margin_of(found).pocket, found.maintenance_margin_usd) == ("coin BTC", None)


async def test_okx_tells_both_sides_of_a_hedged_instrument() -> None:
    def fill(stub: StubVenue) -> None:
        stubs.okx(stub)
        row = {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "mgnMode": "cross", "ccy": "USDT", "lever": "3"}
        row |= dict.fromkeys(("mmr", "imr", "upl", "mgnRatio"), "")
        row |= {"notionalUsd": "1", "markPx": "97093.7", "avgPx": "97093.7", "uTime": "1"}
        sides = [{"posSide": "long", "pos": "10", "posId": "1"}, {"posSide": "short", "pos": "4", "posId": "2"}]
        stub.say("account/positions", {"code": "0", "data": [row | one for one in sides]})

    found = await report("okx", fill)
    assert [one.contracts for one in margin_of(found).positions or ()] == [10.0, -4.0]


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
