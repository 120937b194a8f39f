from decimal import Decimal

import pytest

from hedgebot.domain.instrument import Side
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.types import Ack, MarginMode
from hedgebot.exchange.valuation import CoinSum
from tests.unit.exchange.margin_world import BTC_SPOT, BTCUSDT, account_of, holding, order, risk_of


def test_the_borrowed_amount_follows_the_venues_formula_of_the_mode() -> None:
    one = CoinSum(
        cash=Decimal(-20),
        profit=Decimal(-30),
        options=Decimal(25),
        long_options=Decimal(40),
        locked=Decimal(5),
        premiums=Decimal(7),
    )
    assert one.equity == -25
    assert one.debt(MarginMode.CROSS) == 25 + 40 + 7 + 5
    assert one.debt(MarginMode.PORTFOLIO) == 25 + 5
    assert one.debt(MarginMode.ISOLATED) == 0
    assert one.realised_debt == 20 + 5 + 7
    assert one.counted(MarginMode.CROSS) == -50
    assert one.counted(MarginMode.PORTFOLIO) == -25
    assert CoinSum(cash=Decimal(5)).debt(MarginMode.CROSS) == 0


def test_sums_hold_cash_profit_options_and_what_orders_set_aside(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(
        scenario, start_ns, ("linear:BTCUSDT", "2"), ("option:BTC/1/0/C", "3"), ("option:BTC/1/0/P", "-1")
    )
    exchange.advance(start_ns + 60_000_000_000)
    assert isinstance(exchange.place(order(BTC_SPOT, Side.BUY, "0.1", "80000")), Ack)
    account, risk = account_of(exchange), risk_of(exchange)
    orders = exchange.open_orders("main")
    sums = risk.valuation.sums(account, risk.valuation.working(orders))
    states = {one.instrument: one for one in exchange.positions("main")}
    options = [one for name, one in states.items() if ":option:" in name]
    usdt = sums["USDT"]
    assert usdt.profit == states[BTCUSDT].unrealised_pnl != 0
    assert usdt.options == sum(one.contracts * one.mark_price for one in options)
    assert usdt.long_options == sum(one.contracts * one.mark_price for one in options if one.contracts > 0)
    assert usdt.locked == Decimal("8000.0")
    assert usdt.equity == usdt.cash + usdt.profit + usdt.options


def test_a_coin_that_is_switched_off_counts_for_nothing_but_its_debt_does(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns)
    account, valuation = account_of(exchange), risk_of(exchange).valuation
    before = risk_of(exchange).margin_balance(account)
    account.margin.not_collateral.add("BTC")
    btc = valuation.world.usd_price("BTC")
    assert before - risk_of(exchange).margin_balance(account) == pytest.approx(2 * btc * 0.95)
    assert valuation.collateral(account, "BTC", -1.0) == -1.0
    assert (valuation.collateral_ratio(account, "BTC", 0.0), valuation.collateral_ratio(account, "ETH", 0.0)) == (
        0,
        0.95,
    )


def test_a_debt_is_split_into_what_was_spent_and_what_open_contracts_lost(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "5"), coins={"USDT": "-100", "BTC": "10"})
    account, valuation = account_of(exchange), risk_of(exchange).valuation
    exchange.shock("BTC", 0.9)
    exchange.advance(start_ns + 120_000_000_000)
    sums = valuation.sums(account, ())
    (owed,) = valuation.debts(account, sums).values()
    assert owed.amount == pytest.approx(100 - float(sums["USDT"].profit))
    assert owed.unrealised == pytest.approx(-float(sums["USDT"].profit))
    assert owed.bearing == pytest.approx(100 + max(owed.unrealised - 30_000, 0.0))


def test_orders_that_can_only_reduce_need_no_margin(scenario: Scenario, start_ns: int) -> None:
    for mode in MarginMode:
        exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "1"), mode=mode, coins={"USDT": "40000"})
        before = exchange.wallet("main").initial_margin_usd
        for price in ("92000", "92500", "93000"):
            assert isinstance(exchange.place(order(BTCUSDT, Side.SELL, "1", price, reduce_only=True)), Ack)
        assert exchange.wallet("main").initial_margin_usd == pytest.approx(before), mode
