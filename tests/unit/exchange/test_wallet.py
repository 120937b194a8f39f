from decimal import Decimal

import pytest

from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.types import MarginMode, PositionIndex
from hedgebot.exchange.wallet import position_states
from tests.unit.exchange.margin_world import BTCUSDT, account_of, holding, risk_of


def test_the_wallet_shows_debts_their_interest_and_their_margin(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, coins={"USDC": "-1000", "BTC": "1"})
    wallet = exchange.wallet("main")
    usdc = next(coin for coin in wallet.coins if coin.coin == "USDC")
    assert usdc.borrowed == 1_000
    assert usdc.interest_next_hour == Decimal("0.0146216")
    assert wallet.initial_margin_usd == pytest.approx(200)
    assert wallet.maintenance_margin_usd == pytest.approx(40)
    assert usdc.is_collateral
    assert usdc.is_collateral_on


def test_isolated_margin_leaves_the_rest_free_and_has_no_account_rates(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "1"), mode=MarginMode.ISOLATED, coins={"USDT": "20000"})
    wallet = exchange.wallet("main")
    (position,) = exchange.positions("main")
    assert wallet.margin_mode is MarginMode.ISOLATED
    assert wallet.available_usd == pytest.approx(20_000 - float(position.position_margin))
    assert (wallet.initial_margin_rate, wallet.maintenance_margin_rate) == (None, None)
    (usdt,) = wallet.coins
    assert usdt.position_initial_margin == pytest.approx(float(position.position_margin))
    assert usdt.position_maintenance_margin == pytest.approx(position.maintenance_margin)


def test_positions_come_in_the_order_asked_for_and_only_where_there_is_one(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "1"), ("linear:ETHUSDT", "2"))
    account, risk = account_of(exchange), risk_of(exchange)
    keys = [*reversed(account.positions), (BTCUSDT, PositionIndex.LONG)]
    assert [one.instrument for one in position_states(risk, account, keys)] == [key[0] for key in keys[:2]]
    assert position_states(risk, account, []) == ()


def test_what_is_held_is_told_without_margins_as_positions_have_it(scenario: Scenario, start_ns: int) -> None:
    held = ("linear:ETHUSDT", "2"), ("linear:BTCUSDT", "-1"), ("inverse:BTCUSD", "5000")
    exchange = holding(scenario, start_ns, *held, coins={"USDC": "-1000", "BTC": "1.5"})
    exchange.advance(start_ns + 5_000_000_000)
    shown = exchange.positions("main")
    assert len(shown) == 3
    assert [(one.instrument.id, *one[1:]) for one in exchange.held("main")] == [
        (one.instrument, one.position_index, one.contracts, one.mark_price, one.unrealised_pnl) for one in shown
    ]
    wallet = {one.coin: one.wallet for one in exchange.wallet("main").coins}
    assert {coin: exchange.coins_of("main", coin) for coin in wallet} == wallet
    assert exchange.coins_of("main", "DOGE") == 0


def test_a_coin_that_is_not_traded_here_counts_for_nothing(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, coins={"USDT": "100", "XRP": "5000"})
    wallet = exchange.wallet("main")
    xrp = next(coin for coin in wallet.coins if coin.coin == "XRP")
    assert (xrp.wallet, xrp.usd_value) == (Decimal(5_000), 0.0)
    assert wallet.equity_usd == wallet.margin_balance_usd == 100.0
