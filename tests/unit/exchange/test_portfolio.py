from decimal import Decimal

import pytest

from hedgebot.domain.instrument import Side
from hedgebot.exchange.portfolio import coin_margin, contracts_of
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.types import Ack, MarginMode
from tests.unit.exchange.margin_world import BTCUSDT, account_of, holding, order, risk_of


def test_a_perpetual_needs_ten_percent_and_the_contingency(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "-2"), mode=MarginMode.PORTFOLIO)
    (position,) = exchange.positions("main")
    wallet, index = exchange.wallet("main"), exchange.index_price("BTC")
    expected = 0.1 * 2 * float(position.mark_price) + 0.0003 * 2 * index
    assert wallet.maintenance_margin_usd == pytest.approx(expected)
    assert wallet.initial_margin_usd == pytest.approx(1.2 * expected)
    assert wallet.maintenance_margin_rate == pytest.approx(expected / wallet.margin_balance_usd)
    assert position.liquidation_price is None  # no single price decides


def test_a_hedge_in_one_coin_nets_and_one_in_another_does_not(scenario: Scenario, start_ns: int) -> None:
    def needed(*positions: tuple[str, str]) -> float:
        exchange = holding(scenario, start_ns, *positions, mode=MarginMode.PORTFOLIO)
        return exchange.wallet("main").maintenance_margin_usd

    outright = needed(("linear:BTCUSDT", "2"))
    hedged = needed(("linear:BTCUSDT", "2"), ("linear:BTCPERP", "-2"))
    across = needed(("linear:BTCUSDT", "2"), ("linear:ETHUSDT", "-60"))
    assert hedged < 0.02 * outright
    assert across == pytest.approx(outright + needed(("linear:ETHUSDT", "-60")))
    assert needed(("linear:BTCUSDT", "2"), ("option:BTC/1/0/P", "4")) < 0.75 * outright


def test_options_count_as_equity_and_a_short_straddle_is_charged_for_both_sides(
    scenario: Scenario, start_ns: int
) -> None:
    short = (("option:BTC/2/0/C", "-1"), ("option:BTC/2/0/P", "-1"))
    exchange = holding(scenario, start_ns, *short, mode=MarginMode.PORTFOLIO)
    wallet = exchange.wallet("main")
    margin = coin_margin(
        risk_of(exchange).world, risk_of(exchange).parameters.portfolio, "BTC", contracts_of(account_of(exchange))
    )
    assert margin is not None
    assert margin.maintenance == pytest.approx(wallet.maintenance_margin_usd)
    assert margin.worst in {1, 31}  # an edge with the volatility up
    cross = holding(scenario, start_ns, *short).wallet("main")
    assert wallet.margin_balance_usd == pytest.approx(cross.margin_balance_usd + wallet.option_value_usd)
    assert wallet.option_value_usd < 0


def test_orders_raise_initial_margin_by_their_worse_side_only(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "2"), mode=MarginMode.PORTFOLIO)
    before = exchange.wallet("main")
    assert isinstance(exchange.place(order(BTCUSDT, Side.SELL, "3", "92000")), Ack)
    assert exchange.wallet("main").initial_margin_usd == pytest.approx(before.initial_margin_usd)
    assert isinstance(exchange.place(order(BTCUSDT, Side.BUY, "1", "85000")), Ack)
    after = exchange.wallet("main")
    assert after.initial_margin_usd == pytest.approx(1.5 * before.initial_margin_usd, rel=1e-6)
    assert after.maintenance_margin_usd == pytest.approx(before.maintenance_margin_usd)


def test_an_account_without_the_coin_needs_nothing_for_it(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "2"), mode=MarginMode.PORTFOLIO)
    risk = risk_of(exchange)
    held = contracts_of(account_of(exchange))
    assert held == {BTCUSDT: 2.0}
    assert coin_margin(risk.world, risk.parameters.portfolio, "ETH", held) is None
    assert account_of(exchange).contracts(BTCUSDT) == Decimal(2)
