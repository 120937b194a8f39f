"""The price of a takeover: what it leaves its owner, per product and mode."""

from decimal import Decimal

import pytest

from hedgebot.exchange.model import Exchange
from hedgebot.exchange.position import Position
from hedgebot.exchange.troubles.bankruptcy import Bankruptcy
from hedgebot.exchange.types import MarginMode
from tests.unit.exchange.troubles.conftest import Weak, shock

D = Decimal


def only(exchange: Exchange) -> Position:
    (found,) = [one for one in exchange._accounts["weak"].positions.values() if one.contracts]
    return found


@pytest.mark.parametrize("mode", [MarginMode.CROSS, MarginMode.PORTFOLIO])
@pytest.mark.parametrize("qty", ["3", "-3"])
def test_closing_there_with_its_fee_leaves_less_than_a_tick(weak: Weak, qty: str, mode: MarginMode) -> None:
    exchange = weak(("linear:BTCUSDT", qty), usdt="12000")
    exchange._accounts["weak"].margin.mode = mode
    position, account = only(exchange), exchange._accounts["weak"]
    price = Bankruptcy(exchange._books.risk).price(account, position)
    fee = abs(position.contracts) * price * D("0.00055")
    left = D(12_000) + position.contracts * price - position.cost - fee
    assert D(0) <= left <= 3 * position.instrument.tick_size
    assert price % position.instrument.tick_size == 0


def test_a_short_option_costs_its_margin_and_a_long_one_is_sold_at_its_mark(weak: Weak) -> None:
    short, long = weak(("option:BTC/1/0/C", "-1")), weak(("option:BTC/1/0/C", "1"))
    marks = [one._world.mark(one._world.markets[only(one).instrument.id]) for one in (short, long)]
    prices = [Bankruptcy(one._books.risk).price(one._accounts["weak"], only(one)) for one in (short, long)]
    assert prices[0] > marks[0] + 2_000
    assert abs(prices[1] - marks[1]) <= 5


@pytest.mark.parametrize("mode", [MarginMode.CROSS, MarginMode.PORTFOLIO])
def test_a_short_option_that_ruins_its_owner_costs_him_what_he_has(weak: Weak, mode: MarginMode) -> None:
    exchange = weak(("option:BTC/1/0/C", "-1"), usdt="20000")
    exchange._accounts["weak"].margin.mode = mode
    shock(exchange, 1.5)
    assert not exchange.positions("weak")
    (left,) = [coin.wallet for coin in exchange.wallet("weak").coins if coin.coin == "USDT"]
    assert 0 <= left < 10
    before = D(20_000_000)
    assert exchange.troubles.insurance.balance("USDT") < before - 20_000


def test_what_can_lose_everything_and_stand_has_the_collar(weak: Weak) -> None:
    exchange = weak(("linear:BTCUSDT", "0.01"), usdt="500000")
    mark = exchange._world.mark(exchange._world.markets[only(exchange).instrument.id])
    price = Bankruptcy(exchange._books.risk).price(exchange._accounts["weak"], only(exchange))
    assert float(price / mark) == pytest.approx(0.95, abs=1e-4)


def test_a_step_frees_the_top_tiers_rate(weak: Weak) -> None:
    exchange = weak(("linear:BTCUSDT", "3"))
    value_usd, relief = Bankruptcy(exchange._books.risk).marginal(exchange._accounts["weak"], only(exchange))
    assert value_usd == pytest.approx(89_960, rel=0.01)
    assert relief == pytest.approx(0.005)
