"""The world that faults are played in: one account shared with a client, short straddles, one hedge, one link.

Owns scenario, settings and link of the fault world. Limits stand where a mishap reaches them within minutes; loss is
not limited here, because falling prices are among the mishaps.
"""

from decimal import Decimal

import msgspec

from hedgebot.domain.instrument import InstrumentId, InstrumentKind
from hedgebot.domain.settings import (
    AccountRole,
    AccountSettings,
    EngineSettings,
    LimitSettings,
    StrategySettings,
    UnderlyingSettings,
)
from hedgebot.exchange.latency import Latencies, Latency
from hedgebot.exchange.link_types import LinkSpec
from hedgebot.exchange.scenario import AccountSpec, ClientFlowSpec, HoldingSpec, Scenario, UnderlyingSpec
from hedgebot.lab.canary import KEY, SECRET

START_NS = 1_790_000_000_000_000_000
HOLDER, UNDERLYING = "main", "BTC"
HEDGE = InstrumentId("bybit:linear:BTCUSDT")
DEAD_MAN_S = 30.0
TIGHT_REPEATS = 10
_PERPS = (InstrumentKind.SPOT, InstrumentKind.LINEAR_PERP)

SCENARIO = Scenario(
    name="fault world",
    step_ms=500,
    underlyings=(
        UnderlyingSpec(name=UNDERLYING, start_price=90_000.0, vol=0.7, option_expiries_days=(7.0,), option_strikes=3),
    ),
    accounts=(
        AccountSpec(
            name=HOLDER,
            api_key=KEY,
            api_secret=SECRET,
            coins={"USDT": Decimal(3_000_000), "USDC": Decimal(1_000_000)},
            positions=(
                HoldingSpec(instrument="option:BTC/0/0/C", contracts=Decimal(-2)),
                HoldingSpec(instrument="option:BTC/0/0/P", contracts=Decimal(-2)),
            ),
            dead_man=True,
        ),
    ),
    client_flow=ClientFlowSpec(
        account=HOLDER,
        trades_per_minute=10.0,
        size_coin={UNDERLYING: 0.08},
        bound_coin={UNDERLYING: 0.8},
        products={"usdc_perp": 1.0},
    ),
)

SETTINGS = EngineSettings(
    config_hash="fault world",
    install=7,
    accounts=(AccountSettings(name=HOLDER, venue="bybit", role=AccountRole.SHARED, dead_man_s=DEAD_MAN_S),),
    underlyings=(
        UnderlyingSettings(
            underlying=UNDERLYING,
            hedge_account=HOLDER,
            hedge_instrument=HEDGE,
            band_coin=0.06,
            target_ratio=0.75,
            delta_limit_coin=3.0,
            collar_bps=20.0,
            spread_bps_max=50.0,
            order_qty_coin_max=1.0,
            order_notional_usd_max=200_000.0,
        ),
    ),
    strategies=(StrategySettings(name="delta_neutral", enabled=True, underlyings=(UNDERLYING,)),),
    limits=LimitSettings(
        daily_loss_usd_max=1e9,
        drawdown_ratio_max=1e9,
        bleed_usd_max=1e9,
        funding_cost_usd_per_day_max=2_000.0,
        repeat_orders_max=40,
        adl_pause_ms=20_000,
        settling_ms_halt=60_000,
    ),
)

LINK = LinkSpec(
    latencies=Latencies(
        request=Latency(floor_ms=1.0, median_ms=4.0, p99_ms=40.0),
        private=Latency(floor_ms=1.0, median_ms=5.0, p99_ms=60.0),
        public=Latency(floor_ms=1.0, median_ms=5.0, p99_ms=60.0),
    )
)

SIX = ("BTC", "ETH", "SOL", "BNB", "XRP", "DOGE")
SIX_PRICE, SIX_SCALE = 9_000.0, 10
"""What each of the five beside the first is worth here, and how many times as many coins are hedged of each."""


def six_underlyings(scenario: Scenario) -> Scenario:
    """The same world with five more coins, and nobody who trades in it by himself.

    Without rate limits: whoever sets it in motion trades six times at once on the same account.
    """
    more = tuple(
        UnderlyingSpec(name=name, start_price=SIX_PRICE, products=_PERPS, option_expiries_days=()) for name in SIX[1:]
    )
    return msgspec.structs.replace(
        scenario, underlyings=(*scenario.underlyings, *more), client_flow=None, rate_limits=False
    )


def six_hedges(settings: EngineSettings) -> EngineSettings:
    """Each of the six hedged like the first; all of their orders may leave at once."""
    first = settings.underlyings[0]
    more = tuple(
        msgspec.structs.replace(
            first,
            underlying=name,
            hedge_instrument=InstrumentId(f"bybit:linear:{name}USDT"),
            band_coin=first.band_coin * SIX_SCALE,
            delta_limit_coin=first.delta_limit_coin * SIX_SCALE,
            order_qty_coin_max=first.order_qty_coin_max * SIX_SCALE,
        )
        for name in SIX[1:]
    )
    strategies = tuple(msgspec.structs.replace(one, underlyings=SIX) for one in settings.strategies)
    limits = msgspec.structs.replace(settings.limits, order_burst_max=2 * len(SIX))
    return msgspec.structs.replace(settings, underlyings=(first, *more), strategies=strategies, limits=limits)


def nobody_trades(scenario: Scenario) -> Scenario:
    """The same world without the client's own trading: what is hedged is what the market does."""
    return msgspec.structs.replace(scenario, client_flow=None)


def tight_throttle(settings: EngineSettings) -> EngineSettings:
    """Repeats are stopped long before the world's own limit."""
    limits = msgspec.structs.replace(settings.limits, repeat_orders_max=TIGHT_REPEATS)
    return msgspec.structs.replace(settings, limits=limits)
