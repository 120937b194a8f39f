"""The world that faults are played in: one account shared with a client, short straddles, one hedge, one link.

Owns scenario, settings and link of the fault world. Limits stand where a mishap reaches them within minutes; loss is
not limited here, because falling prices are among the mishaps.
"""

from decimal import Decimal

from hedgebot.domain.instrument import InstrumentId
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

START_NS = 1_790_000_000_000_000_000
HOLDER, UNDERLYING = "main", "BTC"
HEDGE = InstrumentId("bybit:linear:BTCUSDT")

SCENARIO = Scenario(
    name="fault world",
    step_ms=500,
    underlyings=(
        UnderlyingSpec(name=UNDERLYING, start_price=90_000.0, vol=0.7, option_expiries_days=(7.0,), option_strikes=3),
    ),
    accounts=(
        AccountSpec(
            name=HOLDER,
            api_key="key",
            api_secret="secret",  # noqa: S106  (nobody signs in process)
            coins={"USDT": Decimal(3_000_000), "USDC": Decimal(1_000_000)},
            positions=(
                HoldingSpec(instrument="option:BTC/0/0/C", contracts=Decimal(-2)),
                HoldingSpec(instrument="option:BTC/0/0/P", contracts=Decimal(-2)),
            ),
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
    accounts=(AccountSettings(name=HOLDER, venue="bybit", role=AccountRole.SHARED),),
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
