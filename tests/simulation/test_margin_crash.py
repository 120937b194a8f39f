"""2025-10-10 with a thin account: with the gate it reduces in time and lives, without it the same one is liquidated.

The book: clients of a desk buy into the fall, so that the desk is ever shorter and its hedge must be ever longer, on an
account that could carry a part of it only. The market, the margin and the liquidation are the simulated exchange's.
"""

from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import msgspec

import hedgebot.margin
from hedgebot.domain.commands import Mode
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.settings import (
    AccountRole,
    AccountSettings,
    EngineSettings,
    LimitSettings,
    MarginMode,
    MarginParameters,
    StrategySettings,
    UnderlyingSettings,
)
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.requests import OrderRequest, OrderType
from hedgebot.exchange.scenario import AccountSpec
from hedgebot.exchange.scenario_file import load_scenario
from hedgebot.exchange.types import ExecKind, Origin
from hedgebot.lab.backtest import START_NS
from hedgebot.lab.pace import Pace
from hedgebot.lab.simbook import SimBook
from strategies.delta_neutral import STRATEGY

END_S = 2_400
HEDGE = InstrumentId("bybit:linear:BTCUSDT")
FILE = Path(hedgebot.margin.__file__).with_name("bybit_20261125.json")
ROOT = Path(hedgebot.margin.__file__).parents[2]
LEAST_DISTANCE = 0.15
EQUITY_USDT = Decimal(60_000)
DESK_SELLS_EVERY_S = 30
DESK_SELLS_COIN = Decimal("0.15")


class Ending(NamedTuple):
    """What came of a run. `true_distance` is the exchange's at the moment at which the book went to REDUCING."""

    liquidated: bool
    reducing_at_s: float | None
    true_distance: float | None
    sides_reducing: tuple[Side, ...]
    held_most: float
    least_distance: float
    modes: tuple[str, ...]


def _settings(*, gate: bool) -> EngineSettings:
    given = MarginParameters(venue="bybit", hash="crash", content=FILE.read_text("utf-8"))
    limits = LimitSettings(
        daily_loss_usd_max=1e9,
        daily_loss_usd_alert=1e8,
        drawdown_ratio_max=1e9,
        drawdown_ratio_alert=1e8,
        es_ratio_max=1e9,
        es_ratio_alert=1e8,
        funding_cost_usd_per_day_max=1e9,
        repeat_orders_max=10_000,
        strategy_orders_max=20_000,
        hedge_volume_ratio_max=100.0,
        book_mark_gap_bps_max=2_000.0,
        chase_bps_max=10_000.0,
        liquidation_distance_min=LEAST_DISTANCE if gate else 0.0,
        # The switch: without a model and with lines at the end of the scale nothing holds an order back.
        margin_use_alert=0.5 if gate else 0.9999,
        margin_use_no_risk=0.7 if gate else 0.99991,
        margin_use_reduce=0.8 if gate else 0.99992,
        margin_use_high_vol=0.5 if gate else 0.99992,
    )
    return EngineSettings(
        config_hash="crash",
        install=7,
        accounts=(
            AccountSettings(name="desk", venue="bybit", role=AccountRole.BOOK),
            AccountSettings(
                name="thin", venue="bybit", role=AccountRole.HEDGE, margin_mode=MarginMode.CROSS if gate else None
            ),
        ),
        underlyings=(
            UnderlyingSettings(
                underlying="BTC",
                hedge_account="thin",
                hedge_instrument=HEDGE,
                band_coin=0.05,
                target_ratio=0.75,
                delta_limit_coin=50.0,
                collar_bps=50.0,
                spread_bps_max=200.0,
                order_qty_coin_max=2.0,
                order_notional_usd_max=500_000.0,
            ),
        ),
        strategies=(StrategySettings(name="delta_neutral", enabled=True, underlyings=("BTC",)),),
        limits=limits,
        margin_parameters=(given,) if gate else (),
    )


def _exchange() -> Exchange:
    crash = load_scenario(ROOT / "config" / "scenarios" / "crash_20251010.toml")
    desk = AccountSpec(name="desk", api_key="d", api_secret="d", coins={"USDT": Decimal(5_000_000)})
    thin = AccountSpec(name="thin", api_key="t", api_secret="t", coins={"USDT": EQUITY_USDT}, leverage=25)
    # The clients of this test trade by the clock; the market and the venue's weather are the scenario's.
    silent = (msgspec.structs.replace(one, flow=None) for one in crash.events)
    events = tuple(one for one in silent if one.trouble is not None or one.weather is not None)
    scenario = msgspec.structs.replace(crash, accounts=(desk, thin), client_flow=None, events=events, step_ms=1_000)
    return Exchange(scenario, START_NS)


def _run(*, gate: bool) -> Ending:
    exchange, settings = _exchange(), _settings(gate=gate)
    book = SimBook(exchange, settings, STRATEGY.build, pace=Pace.of_seconds(1.0))
    liquidated: list[bool] = []

    def hear(notice: object) -> None:
        row = getattr(notice, "execution", None)
        if row is not None and row.account == "thin":
            forced = row.order.origin is Origin.LIQUIDATION or row.kind is ExecKind.BUST
            liquidated.append(forced)

    exchange.listen(hear)
    book.host.start()
    reducing_at_s: float | None = None
    true_distance: float | None = None
    held_most, least, modes = 0.0, 1.0, list[str]()
    held_then, sides = Decimal(0), list[Side]()
    for second in range(1, END_S + 1):
        book.timeline.advance(START_NS + second * NS_PER_S)
        if second > 60 and second % DESK_SELLS_EVERY_S == 0:
            # Clients buy into the fall: the desk sells to them.
            exchange.place(
                OrderRequest(
                    account="desk",
                    instrument=HEDGE,
                    side=Side.SELL,
                    type=OrderType.MARKET,
                    qty_contracts=DESK_SELLS_COIN,
                )
            )
        held = _held(exchange)
        distance = _distance(exchange)
        held_most, least = max(held_most, float(abs(held))), min(least, distance)
        mode = book.host.engine.state.mode
        if not modes or modes[-1] != mode.value:
            modes.append(mode.value)
        if mode is Mode.REDUCING and reducing_at_s is None:
            reducing_at_s, true_distance = float(second), distance
        if mode is Mode.REDUCING and held != held_then:
            sides.append(Side.of(held - held_then))
        held_then = held
        if any(liquidated):
            break
    return Ending(any(liquidated), reducing_at_s, true_distance, tuple(sides), held_most, least, tuple(modes))


def _held(exchange: Exchange) -> Decimal:
    return sum((one.contracts for one in exchange.positions("thin") if one.instrument == HEDGE), Decimal(0))


def _distance(exchange: Exchange) -> float:
    """The exchange's own: from the mark to its liquidation price, as a fraction of the mark."""
    for one in exchange.positions("thin"):
        if one.instrument == HEDGE and one.contracts and one.liquidation_price is not None:
            return abs(one.liquidation_price / float(one.mark_price) - 1.0)
    return 1.0


def test_a_thin_account_reduces_in_time_keeps_hedging_and_lives() -> None:
    ended = _run(gate=True)
    assert not ended.liquidated
    assert ended.true_distance is not None
    assert ended.true_distance >= LEAST_DISTANCE
    # The desk is short throughout: a buy of the hedge is what lowers the delta, and there are such in REDUCING.
    assert set(ended.sides_reducing) == {Side.BUY}
    assert ended.modes[:3] == ("recovering", "active", "reducing")
    # The cascade took most of the way, and the account was never out of it.
    assert 0.0 < ended.least_distance < LEAST_DISTANCE


def test_the_same_account_without_the_gate_is_liquidated() -> None:
    ended = _run(gate=False)
    assert ended.liquidated
    assert ended.reducing_at_s is None
    assert ended.held_most > 5.0
