"""Funding of the hedge rises: it is moved to another perpetual of the simulated exchange, pair by pair, in its band.

A desk is long, the hedge account short. At one moment shorts of the hedge's perpetual begin to pay; another perpetual
and a dated future are listed beside it. Prices, fills, latencies and margins are the exchange's.
"""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

import hedgebot.margin
from hedgebot.core.exposure import net_delta_coin
from hedgebot.domain.commands import Mode
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.instrument import InstrumentId, InstrumentKind, Side
from hedgebot.domain.settings import (
    AccountRole,
    AccountSettings,
    EngineSettings,
    FundingAction,
    HedgeLeg,
    HedgeRole,
    LimitSettings,
    StrategySettings,
    UnderlyingSettings,
)
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.requests import OrderRequest, OrderType
from hedgebot.exchange.scenario import AccountSpec
from hedgebot.exchange.scenario_file import load_scenario
from hedgebot.exchange.trouble import FundingChange
from hedgebot.lab.backtest import START_NS
from hedgebot.lab.pace import Pace
from hedgebot.lab.simbook import SimBook
from strategies.delta_neutral import STRATEGY

ROOT = Path(hedgebot.margin.__file__).parents[2]
HEDGE = InstrumentId("bybit:linear:BTCUSDT")
OTHER = InstrumentId("bybit:linear:BTCPERP")
BAND = 0.2
DESK_COIN = Decimal(2)


class Run(NamedTuple):
    """What came of it. `most_coin` is the largest distance from the target after the move began, at orders' fills."""

    before: dict[str, Decimal]
    after: dict[str, Decimal]
    most_coin: float
    moves: int
    client_ids: list[str]
    mode: Mode
    margin_most: float


def desk_and_hedger() -> tuple[AccountSpec, AccountSpec]:
    """The operator's account and the one that we hedge on."""
    desk = AccountSpec(name="desk", api_key="d", api_secret="d", coins={"USDT": Decimal(5_000_000)})
    hedger = AccountSpec(
        name="hedger", api_key="h", api_secret="h", coins={"USDT": Decimal(300_000), "USDC": Decimal(300_000)}
    )
    return desk, hedger


def _exchange() -> tuple[Exchange, InstrumentId]:
    quiet = load_scenario(ROOT / "config" / "scenarios" / "quiet.toml")
    exchange = Exchange(msgspec.structs.replace(quiet, accounts=desk_and_hedger(), step_ms=500), START_NS)
    futures = [
        one.instrument.id
        for one in exchange.listings()
        if one.instrument.kind is InstrumentKind.LINEAR_FUTURE and one.instrument.underlying == "BTC"
    ]
    return exchange, futures[-1]


def settings_of(action: FundingAction, alternatives: tuple[InstrumentId, ...]) -> EngineSettings:
    """The book: BTC hedged in the USDT perpetual, or in alternatives."""
    legs = tuple(HedgeLeg(instrument=one, role=HedgeRole.ALTERNATIVE) for one in alternatives)
    return EngineSettings(
        config_hash="switch",
        install=7,
        accounts=(
            AccountSettings(name="desk", venue="bybit", role=AccountRole.BOOK),
            AccountSettings(name="hedger", venue="bybit", role=AccountRole.HEDGE),
        ),
        underlyings=(
            UnderlyingSettings(
                underlying="BTC",
                hedge_account="hedger",
                hedge_instrument=HEDGE,
                band_coin=BAND,
                target_ratio=0.75,
                delta_limit_coin=5.0,
                collar_bps=50.0,
                spread_bps_max=100.0,
                order_qty_coin_max=2.0,
                order_notional_usd_max=500_000.0,
                funding_action=action,
                other_hedges=legs,
                hedge_hold_days=7.0,
            ),
        ),
        strategies=(StrategySettings(name="delta_neutral", enabled=True, underlyings=("BTC",)),),
        limits=LimitSettings(es_ratio_max=1e9, es_ratio_alert=1e8),
    )


def _held(exchange: Exchange) -> dict[str, Decimal]:
    return {one.instrument: one.contracts for one in exchange.positions("hedger") if one.contracts}


def _run(action: FundingAction = FundingAction.SWITCH, *, seconds: int = 200) -> Run:
    exchange, future = _exchange()
    alternatives = (OTHER, future) if action is FundingAction.SWITCH else ()
    book = SimBook(exchange, settings_of(action, alternatives), STRATEGY.build, pace=Pace.of_seconds(0.5))
    for perp in (HEDGE, OTHER):
        exchange.strike(FundingChange(instrument=perp, next_rate=0.0001))
    sent: list[str] = []
    exchange.listen(lambda notice: _note(sent, notice))
    book.host.start()
    book.timeline.advance(START_NS + 20 * NS_PER_S)
    exchange.place(
        OrderRequest(account="desk", instrument=HEDGE, side=Side.BUY, type=OrderType.MARKET, qty_contracts=DESK_COIN)
    )
    book.timeline.advance(START_NS + 40 * NS_PER_S)
    before = _held(exchange)
    # Shorts of the hedge pay 24 bps a day from here on: within the limit of 30, far above what the other one costs.
    exchange.strike(FundingChange(instrument=HEDGE, next_rate=-0.0008))
    most, margin_most = 0.0, 0.0
    for half in range(1, 2 * seconds + 1):
        book.timeline.advance(START_NS + 40 * NS_PER_S + half * NS_PER_S // 2)
        underlying = book.host.engine.state.underlyings["BTC"]
        most = max(most, abs(net_delta_coin(underlying) - underlying.centre_coin))
        margin_most = max(margin_most, _use(exchange))
    engine = book.host.engine.state
    moves = sum(one.intent.strategy == "funding_switch" for one in engine.orders.values())
    return Run(before, _held(exchange), most, moves, sent, engine.mode, margin_most)


def _note(sent: list[str], notice: object) -> None:
    order = getattr(notice, "order", None)
    if order is not None and order.account == "hedger" and order.client_id and order.client_id not in sent:
        sent.append(order.client_id)


def _use(exchange: Exchange) -> float:
    wallet = exchange.wallet("hedger")
    return float(wallet.maintenance_margin_usd) / float(wallet.equity_usd)


@pytest.fixture(scope="module")
def moved() -> Run:
    return _run()


def test_the_hedge_goes_where_it_costs_less_and_the_delta_never_leaves_its_band(moved: Run) -> None:
    short = sum(moved.before.values(), Decimal(0))
    assert set(moved.before) == {HEDGE}
    assert set(moved.after) == {OTHER}
    # Within what the band lets drift: the same hedge stands in the other perpetual.
    assert abs(sum(moved.after.values(), Decimal(0)) - short) <= Decimal("0.15")
    assert moved.most_coin <= BAND
    assert moved.mode is Mode.ACTIVE
    assert moved.moves >= 10  # in pieces, each no larger than the room in the band


def test_each_order_reached_the_exchange_once_and_margin_was_released_before_it_was_taken(moved: Run) -> None:
    assert max(Counter(moved.client_ids).values()) == 1
    # One account margins both alike: never more than the hedge needed where it stood, but for one piece.
    assert moved.margin_most <= _run(FundingAction.ALERT, seconds=20).margin_most * 1.10


def test_without_the_action_it_stays_and_pays() -> None:
    stayed = _run(FundingAction.ALERT, seconds=60)
    assert set(stayed.after) == {HEDGE}
    assert stayed.moves == 0
