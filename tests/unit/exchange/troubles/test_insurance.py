"""Insurance funds: the two triggers of auto-deleveraging, as the venue's examples state them."""

from decimal import Decimal

import pytest

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.market import Market
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.troubles.insurance import WINDOW_NS, Insurance, Peaked

D = Decimal
M = D(1_000_000)


class Clock:
    def __init__(self) -> None:
        self.now_ns = WINDOW_NS * 10


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fund(clock: Clock) -> Insurance:
    return Insurance(lambda: clock.now_ns, {"USDT": M})


@pytest.fixture
def btc(exchange: Exchange) -> Market:
    return exchange._world.markets[InstrumentId("bybit:linear:BTCUSDT")]


@pytest.fixture
def eth(exchange: Exchange) -> Market:
    return exchange._world.markets[InstrumentId("bybit:linear:ETHUSDT")]


def test_a_loss_of_350k_of_a_million_triggers(fund: Insurance, btc: Market, eth: Market) -> None:
    """Example 1 of the venue's page: -35 % of the fund's peak."""
    assert fund.bearable(btc) == D(300_000)
    fund.book(btc, D(-350_000))
    alert = fund.alert(btc)
    assert (alert.balance, alert.pnl_ratio, alert.is_active) == (D(650_000), -0.35, True)
    assert fund.bearable(btc) == 0
    assert fund.bearable(eth) == D(300_000), "another contract of the fund goes on"


def test_after_a_gain_the_peak_counts(fund: Insurance, btc: Market) -> None:
    """Example 2: the fund gained a million on the contract, then lost 600 k: -30 % of two millions."""
    fund.book(btc, M)
    fund.book(btc, D(-600_000))
    assert fund.alert(btc).pnl_ratio == -0.3
    assert fund.bearable(btc) == 0


def test_an_empty_fund_triggers_whatever_the_contract_did(fund: Insurance, btc: Market, eth: Market) -> None:
    """Example 3."""
    fund.set_balance("USDT", D(0))
    assert fund.alert(eth).is_active
    assert fund.bearable(btc) == 0
    fund.set_balance("USDT", M)
    assert not fund.alert(eth).is_active
    assert fund.bearable(btc) == D(300_000)


def test_it_stops_when_the_drawdown_is_small_or_old(fund: Insurance, btc: Market, clock: Clock) -> None:
    fund.book(btc, D(-350_000))
    assert fund.alert(btc).is_active
    fund.book(btc, D(40_000))
    assert fund.alert(btc).is_active, "between -30 and -25 % it goes on"
    fund.book(btc, D(70_000))
    assert not fund.alert(btc).is_active
    fund.book(btc, D(-200_000))
    assert fund.alert(btc).is_active
    clock.now_ns += WINDOW_NS + 1
    assert fund.alert(btc).pnl_ratio == 0
    assert not fund.alert(btc).is_active


def test_a_small_fund_is_used_to_its_end(btc: Market, clock: Clock) -> None:
    fund = Insurance(lambda: clock.now_ns, {"USDT": D(9_000)})
    assert fund.bearable(btc) == D(9_000)


def test_a_turned_away_loss_starts_it(fund: Insurance, btc: Market) -> None:
    fund.book(btc, D(-290_000))
    fund.exhausted(btc)
    assert fund.alert(btc).is_active
    assert fund.coins() == ("USDT",)
    assert fund.balance("USDC") == D(20_000_000)


def test_a_peak_is_remembered_for_eight_hours() -> None:
    number = Peaked(D(5))
    number.change(D(1), 100)
    assert number.peak(100 + WINDOW_NS) == 5
    assert number.peak(101 + WINDOW_NS) == 1
