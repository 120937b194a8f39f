"""A small calm world that the exchange's tests share."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import AccountSpec, Scenario, UnderlyingSpec

# 2026-11-24 02:00:00 UTC.
START_NS = 1_795_485_600_000_000_000

MakeExchange = Callable[..., Exchange]


def calm_scenario() -> Scenario:
    """Two accounts, two coins, no client, no rate limits."""
    coins = {"USDT": Decimal(500_000), "USDC": Decimal(100_000), "BTC": Decimal(2), "ETH": Decimal(50)}
    return Scenario(
        name="test",
        seed=3,
        rate_limits=False,
        underlyings=(
            UnderlyingSpec(name="BTC", start_price=90_000.0, vol=0.4, jumps_per_day=0.0),
            UnderlyingSpec(name="ETH", start_price=3_000.0, vol=0.5, jumps_per_day=0.0, option_vol=0.65),
        ),
        accounts=(
            AccountSpec(name="main", api_key="k", api_secret="s", coins=coins),
            AccountSpec(name="other", api_key="k2", api_secret="s2", coins=coins),
        ),
    )


@pytest.fixture
def scenario() -> Scenario:
    return calm_scenario()


@pytest.fixture
def exchange(scenario: Scenario) -> Exchange:
    return Exchange(scenario, START_NS)


@pytest.fixture
def start_ns() -> int:
    return START_NS
