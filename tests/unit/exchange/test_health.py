from decimal import Decimal

import pytest

from hedgebot.exchange.health import Health
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.types import MarginMode
from tests.unit.exchange.margin_world import BTCUSDT, account_of, holding, risk_of


def test_a_cross_account_is_liquidated_at_the_price_it_was_told(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "10"), coins={"USDT": "60000"})
    account, health = account_of(exchange), Health(risk_of(exchange))
    (position,) = exchange.positions("main")
    whole = health.of_account(account, ())
    assert whole is not None
    assert whole.rate == pytest.approx(exchange.wallet("main").maintenance_margin_rate)
    assert not whole.is_liquidatable
    assert position.liquidation_price is not None
    assert position.bankruptcy_price is not None
    assert position.bankruptcy_price < position.liquidation_price < float(position.mark_price)
    # At that mark, equity is what maintenance margin needs.
    moved = position.liquidation_price - float(position.mark_price)
    ladder = risk_of(exchange).parameters.linear["BTC"]
    assert whole.equity_usd + 10 * moved == pytest.approx(ladder.maintenance(10 * position.liquidation_price))
    exchange._clockwork._watch = lambda: None  # nobody liquidates what is looked at here
    exchange.shock("BTC", position.liquidation_price / float(position.mark_price) * 0.995)
    exchange.advance(start_ns + 180_000_000_000)
    after = health.of_account(account, ())
    assert after is not None
    assert after.is_liquidatable


def test_an_account_with_nothing_left_is_beyond_every_rate(scenario: Scenario, start_ns: int) -> None:
    health = Health(risk_of(exchange := holding(scenario, start_ns, ("linear:BTCUSDT", "1"), coins={"USDT": "-5"})))
    whole = health.of_account(account_of(exchange), ())
    assert whole is not None
    assert whole.rate == float("inf")
    empty = holding(scenario, start_ns, coins={"USDT": "1"})
    standing = Health(risk_of(empty)).of_account(account_of(empty), ())
    assert standing is not None
    assert (standing.rate, standing.is_liquidatable) == (0.0, False)


def test_an_isolated_position_stands_alone(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "2"), ("linear:ETHUSDT", "-30"), mode=MarginMode.ISOLATED)
    account, health = account_of(exchange), Health(risk_of(exchange))
    assert health.of_account(account, ()) is None
    btc, eth = health.isolated_positions(account)
    state = {one.instrument: one for one in exchange.positions("main")}[BTCUSDT]
    entry = float(state.entry_price or 0)
    assert state.position_margin == Decimal(2) * (state.entry_price or 0) / 10
    assert btc.is_isolated
    assert btc.key[0] == BTCUSDT
    assert btc.equity == pytest.approx(2 * entry / 10)
    assert btc.bankruptcy_price == pytest.approx(entry * 0.9)
    assert btc.liquidation_price == pytest.approx(entry * 0.9 / 0.995)
    assert eth.liquidation_price is not None
    assert eth.liquidation_price > 3_000
    account.margin.added[btc.key] = Decimal(1_000)
    assert health.isolated_positions(account)[0].liquidation_price == pytest.approx((entry * 0.9 - 500) / 0.995)
    exchange._clockwork._watch = lambda: None  # nobody liquidates what is looked at here
    exchange.shock("BTC", 0.89)
    exchange.advance(start_ns + 180_000_000_000)
    fallen, alive = health.isolated_positions(account)
    assert fallen.is_liquidatable
    assert not alive.is_liquidatable


def test_modes_without_single_prices_have_none(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "2"), ("option:BTC/1/0/C", "-1"))
    account, health = account_of(exchange), Health(risk_of(exchange))
    assert health.isolated_positions(account) == ()
    option = next(one for one in account.positions.values() if one.instrument.kind.is_option)
    assert health.of_position(account, option) is None
    account.margin.mode = MarginMode.PORTFOLIO
    assert all(health.of_position(account, one) is None for one in account.positions.values())
    account.margin.mode = MarginMode.ISOLATED
    assert health.of_position(account, option) is None
