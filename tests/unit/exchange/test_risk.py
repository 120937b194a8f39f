from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.risk import load_parameters
from hedgebot.exchange.scenario import HoldingSpec, Scenario
from hedgebot.exchange.types import Ack, OrderRequest, OrderType
from hedgebot.margin.tiers import short_option_maintenance

BTCUSDT = InstrumentId("bybit:linear:BTCUSDT")


def holding(scenario: Scenario, instrument: str, contracts: int, now_ns: int) -> Exchange:
    account = msgspec.structs.replace(
        scenario.accounts[0], positions=(HoldingSpec(instrument=instrument, contracts=Decimal(contracts)),)
    )
    return Exchange(msgspec.structs.replace(scenario, accounts=(account,)), now_ns)


def test_the_parameters_that_ship_parse() -> None:
    parameters = load_parameters()
    assert {"BTC", "ETH", "*"} <= set(parameters.linear)
    assert parameters.linear["BTC"].maintenance(1_000_000) == pytest.approx(5_000)


def test_a_perpetual_needs_its_tier_and_leverage(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, "linear:BTCUSDT", -10, start_ns)
    (position,) = exchange.positions("main")
    value = 10 * float(position.mark_price)
    assert position.initial_margin == pytest.approx(value / 10)
    assert position.maintenance_margin == pytest.approx(value * 0.005)
    wallet = exchange.wallet("main")
    assert wallet.maintenance_margin_usd == pytest.approx(position.maintenance_margin)
    assert wallet.maintenance_margin_rate == pytest.approx(position.maintenance_margin / wallet.margin_balance_usd)
    assert wallet.available_usd == pytest.approx(wallet.margin_balance_usd - position.initial_margin)


def test_a_short_option_needs_the_formula_and_a_long_one_nothing(scenario: Scenario, start_ns: int) -> None:
    short = holding(scenario, "option:BTC/1/0/C", -2, start_ns)
    (position,) = short.positions("main")
    need = short_option_maintenance(
        load_parameters().short_option, short.index_price("BTC"), float(position.mark_price)
    )
    assert position.maintenance_margin == pytest.approx(2 * need, rel=1e-6)
    assert position.delta is not None
    assert position.delta < -0.8
    wallet = short.wallet("main")
    assert wallet.option_value_usd == pytest.approx(-2 * float(position.mark_price))
    (long,) = holding(scenario, "option:BTC/1/0/C", 2, start_ns).positions("main")
    assert (long.initial_margin, long.maintenance_margin) == (0.0, 0.0)


def test_equity_adds_what_is_not_realised(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, "linear:ETHPERP", 20, start_ns)
    exchange.advance(start_ns + 120_000_000_000)
    wallet = exchange.wallet("main")
    (position,) = exchange.positions("main")
    assert position.unrealised_pnl != 0
    usdc = next(coin for coin in wallet.coins if coin.coin == "USDC")
    assert usdc.equity == usdc.wallet + position.unrealised_pnl
    assert wallet.equity_usd == pytest.approx(wallet.wallet_usd + float(position.unrealised_pnl))
    collateral = sum(float(coin.wallet) * coin.usd_price * coin.collateral_ratio for coin in wallet.coins)
    assert wallet.margin_balance_usd == pytest.approx(collateral + float(position.unrealised_pnl))


def test_orders_against_a_position_need_no_more_margin(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, "linear:BTCUSDT", 10, start_ns)
    before = exchange.wallet("main").initial_margin_usd
    order = OrderRequest(
        account="main",
        instrument=BTCUSDT,
        side=Side.SELL,
        type=OrderType.LIMIT,
        qty_contracts=Decimal(10),
        limit_price=Decimal(92_000),
    )
    assert isinstance(exchange.place(order), Ack)
    assert exchange.wallet("main").initial_margin_usd == pytest.approx(before)
    assert isinstance(exchange.place(msgspec.structs.replace(order, qty_contracts=Decimal(15))), Ack)
    assert exchange.wallet("main").initial_margin_usd == pytest.approx(before * 1.5)


def test_a_ruined_account_has_no_rate(scenario: Scenario, start_ns: int) -> None:
    account = msgspec.structs.replace(scenario.accounts[0], coins={"USDT": Decimal(-5)})
    wallet = Exchange(msgspec.structs.replace(scenario, accounts=(account,)), start_ns).wallet("main")
    assert wallet.maintenance_margin_rate is None
    assert wallet.available_usd == 0.0
