"""A small world for the lab's tests: one account shared with a client, BTC hedged with its perpetual."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.ports import EventSink
from hedgebot.domain.settings import (
    AccountRole,
    AccountSettings,
    EngineSettings,
    LimitSettings,
    StrategySettings,
    UnderlyingSettings,
)
from hedgebot.exchange.latency import Latencies, Latency
from hedgebot.exchange.link import Link
from hedgebot.exchange.link_types import LinkSpec
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import AccountSpec, ClientFlowSpec, Scenario, UnderlyingSpec
from hedgebot.exchange.timeline import Timeline
from hedgebot.lab.host import Host
from hedgebot.lab.seat import Seat
from hedgebot.lab.simvenue import SimVenue
from strategies.delta_neutral import STRATEGY

START_NS = 1_790_000_000_000_000_000
S = 1_000_000_000
PERP = InstrumentId("bybit:linear:BTCUSDT")

SCENARIO = Scenario(
    name="lab",
    seed=5,
    step_ms=250,
    underlyings=(UnderlyingSpec(name="BTC", start_price=90_000.0, vol=0.6, option_expiries_days=(7.0,)),),
    accounts=(
        AccountSpec(
            name="main", api_key="k", api_secret="s", coins={"USDT": Decimal(2_000_000), "USDC": Decimal(500_000)}
        ),
    ),
    client_flow=ClientFlowSpec(
        account="main",
        trades_per_minute=20.0,
        size_coin={"BTC": 0.1},
        bound_coin={"BTC": 1.0},
        products={"usdc_perp": 1.0},
    ),
)

SETTINGS = EngineSettings(
    config_hash="lab",
    install=7,
    accounts=(AccountSettings(name="main", venue="bybit", role=AccountRole.SHARED),),
    underlyings=(
        UnderlyingSettings(
            underlying="BTC",
            hedge_account="main",
            hedge_instrument=PERP,
            band_coin=0.05,
            target_ratio=0.75,
            delta_limit_coin=5.0,
            collar_bps=20.0,
            spread_bps_max=50.0,
            order_qty_coin_max=1.0,
            order_notional_usd_max=500_000.0,
        ),
    ),
    strategies=(StrategySettings(name="delta_neutral", enabled=True, underlyings=("BTC",)),),
    limits=LimitSettings(
        order_deadline_ms=2_000, unknown_margin_ms=1_000, repeat_orders_max=1_000, strategy_orders_max=2_000
    ),
)


class Bench:
    """A host and an exchange on one timeline."""

    def __init__(
        self, *, seed: int = 5, flow: bool = True, venue_rules: str = "bybit", dead_man_s: float | None = None
    ) -> None:
        """`venue_rules` says whose rules hold at the exchange, `dead_man_s` how long its dead-man's switch waits."""
        allowed = tuple(msgspec.structs.replace(one, dead_man=dead_man_s is not None) for one in SCENARIO.accounts)
        scenario = msgspec.structs.replace(SCENARIO, seed=seed, venue_rules=venue_rules, accounts=allowed)
        wishes = tuple(msgspec.structs.replace(one, dead_man_s=dead_man_s) for one in SETTINGS.accounts)
        settings = msgspec.structs.replace(SETTINGS, accounts=wishes)
        if not flow:
            scenario = msgspec.structs.replace(scenario, client_flow=None)
        self.exchange = Exchange(scenario, START_NS)
        self.timeline = Timeline(self.exchange)
        legs = Latencies(request=Latency.fixed(1.0), private=Latency.fixed(2.0), public=Latency.fixed(2.0))
        self.link = Link(self.exchange, "main", self.timeline, LinkSpec(latencies=legs), seed=seed)
        self.host = Host(
            timeline=self.timeline, settings=settings, load_strategy=STRATEGY.build, open_venue=self._open_venue
        )

    def _open_venue(self, account: str, sink: EventSink) -> SimVenue:
        return SimVenue(
            account=account,
            holder="main",
            venue="bybit",
            exchange=self.exchange,
            link=self.link,
            timeline=self.timeline,
            sink=sink,
        )

    def seat(self, put: Callable[[Any], None], *, account: str = "book", link: Link | None = None) -> Seat:
        """The place of a part of the adapter that is tested alone."""
        return Seat(
            account=account,
            holder="main",
            exchange=self.exchange,
            link=link or self.link,
            timeline=self.timeline,
            put=put,
            clock=lambda: self.timeline.now_ns,
        )

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.timeline.advance(self.timeline.now_ns + round(seconds * S))

    def perp_contracts(self) -> Decimal:
        """What the exchange says of the hedge."""
        return sum(
            (one.contracts for one in self.exchange.positions("main") if one.instrument == PERP), start=Decimal(0)
        )
