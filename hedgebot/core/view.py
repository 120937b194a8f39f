"""What people see of the engine: one read-only snapshot, and the plain sentence for "why is it not hedging now".

A pure function of state and time. Every number has its unit in its name; unknown is None.
"""

import math

import msgspec

from hedgebot.core import (
    canary,
    convention,
    hedge_view,
    hedges,
    limits,
    market,
    policy,
    tracking,
    treasury_view,
    venue_view,
    volatility,
)
from hedgebot.core.account_view import AccountView, account_view
from hedgebot.core.drift import Figures, predicted, realised
from hedgebot.core.exposure import exposure_problem, net_delta_coin
from hedgebot.core.hedge_view import CostView, HedgeLegView
from hedgebot.core.order_table import live_orders, unfilled_delta_coin
from hedgebot.core.position_view import PositionView, positions, total_delta
from hedgebot.core.state import EngineState, UnderlyingState
from hedgebot.core.treasury_view import MoveView, TreasuryView
from hedgebot.core.venue_view import Exposed, VenueView
from hedgebot.core.why_not import why_not
from hedgebot.domain.commands import RecordDecision
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.scope import scope_of
from hedgebot.domain.settings import UnderlyingSettings
from hedgebot.pricing.band import DAYS_PER_YEAR


class UnderlyingView(msgspec.Struct, frozen=True, kw_only=True):
    """One underlying: its delta against its band. `delta_coin` is None while the exposure is unknown.

    The band ends `band_coin` above `centre_coin` and `band_below_coin` below it, its hedges at the two inside ones.
    `gap_coin` is what the net delta has beside the sum of its rows: what a re-mark at this moment would change.
    """

    underlying: str
    delta_coin: float | None
    delta_usd: float | None
    convention: str
    band_coin: float
    inside_coin: float
    band_below_coin: float
    inside_below_coin: float
    centre_coin: float
    limit_coin: float
    worst_case_coin: float | None
    gamma_coin_per_pct: float | None
    vega_usd_per_vol_point: float | None
    theta_usd_per_day: float | None
    price_usd: float | None
    next_trigger_up_usd: float | None
    next_trigger_down_usd: float | None
    hedge_instrument: str
    hedge_legs: tuple[HedgeLegView, ...]
    opposed_coin: float
    opposed_coin_max: float
    book_age_ms: int | None
    option_age_ms: int | None
    lot_coin: float | None
    in_breach_ms: int | None
    residual_coin: float
    hedges: int
    why_not: str
    positions: tuple[PositionView, ...]
    scope: str
    outside_coin: float | None
    gap_coin: float | None
    vol_year: float | None
    flow_coin2_day: float | None
    cost: CostView
    tracked_days: float
    predicted: Figures
    realised: Figures
    unpredicted: str


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """One order that is not settled."""

    client_id: str
    instrument: str
    side: str
    qty_contracts: str
    filled_contracts: str
    status: str
    age_ms: int


class AlertView(msgspec.Struct, frozen=True, kw_only=True):
    """One alert that is up."""

    kind: str
    severity: str
    runbook: str
    subject: str
    summary: str
    age_ms: int


class LatchView(msgspec.Struct, frozen=True, kw_only=True):
    """One kill that stands. `review` are its causes: whoever lifts it must name each."""

    scope: str
    name: str
    action: str
    operator: str
    reason: str
    review: tuple[str, ...]
    done: bool
    note: str
    age_ms: int


class BookView(msgspec.Struct, frozen=True, kw_only=True):
    """The whole book at one moment."""

    at_ns: int
    run_id: str
    epoch: int
    config_hash: str
    mode: str
    mode_reason: str
    latched: bool
    latches: tuple[LatchView, ...]
    strategies: dict[str, bool]
    underlyings: tuple[UnderlyingView, ...]
    accounts: tuple[AccountView, ...]
    orders: tuple[OrderView, ...]
    alerts: tuple[AlertView, ...]
    decisions: tuple[RecordDecision, ...]
    funding_usd_per_day: float | None
    funding_limit_usd_per_day: float
    fees: dict[str, str]
    funding: dict[str, str]
    hedges: int
    refusals: int
    rejects: int
    fills: int
    own_fills: int
    canary_left_ms: int = 0
    treasury: tuple[TreasuryView, ...] = ()
    moves: tuple[MoveView, ...] = ()
    venues: tuple[VenueView, ...] = ()


def book_view(state: EngineState, at_ns: int) -> BookView:
    """Describe the state at a moment (the shell's clock, only for ages)."""
    totals = state.totals
    shown = tuple(_underlying(state, canary.capped(state, one), at_ns) for one in state.settings.underlyings)
    return BookView(
        at_ns=at_ns,
        run_id=state.run_id,
        epoch=state.epoch,
        config_hash=state.settings.config_hash,
        mode=state.mode.value,
        mode_reason=state.mode_reason,
        latched=state.latched,
        latches=_latches(state, at_ns),
        strategies={one.name: one.enabled for one in state.settings.strategies},
        underlyings=shown,
        accounts=tuple(account_view(state, one, at_ns) for one in state.accounts.values()),
        orders=_orders(state, at_ns),
        alerts=_alerts(state, at_ns),
        decisions=tuple(state.decisions),
        funding_usd_per_day=limits.funding_cost_usd_per_day(state, at_ns),
        funding_limit_usd_per_day=state.limits.funding_cost_usd_per_day_max,
        fees={coin: str(amount) for coin, amount in totals.fees.items()},
        funding={coin: str(amount) for coin, amount in totals.funding.items()},
        hedges=totals.hedges,
        refusals=totals.refusals,
        rejects=totals.rejects,
        fills=totals.fills,
        own_fills=totals.own_fills,
        canary_left_ms=max(canary.until_ns(state) - at_ns, 0) // NS_PER_MS,
        treasury=treasury_view.treasuries(state, at_ns),
        moves=treasury_view.moves(state, at_ns),
        venues=venue_view.venues(state, [_exposed(one) for one in shown], at_ns),
    )


def _exposed(one: UnderlyingView) -> Exposed:
    return Exposed(underlying=one.underlying, delta_coin=one.delta_coin, price_usd=one.price_usd, rows=one.positions)


def _underlying(state: EngineState, settings: UnderlyingSettings, at_ns: int) -> UnderlyingView:
    one = state.underlyings[settings.underlying]
    window = one.tracking.window
    known = not exposure_problem(one)
    delta = net_delta_coin(one) if known else None
    open_deltas = [unfilled_delta_coin(order) for order in live_orders(state) if order.intent.underlying == one.name]
    worst = None if delta is None else max(abs(delta), *(abs(delta + effect) for effect in open_deltas), 0.0)
    rules = state.instruments.get(settings.hedge_instrument)
    above, below = policy.edges(one, 1.0), policy.edges(one, -1.0)
    up, down = _next_triggers(one, settings, delta)
    has_options = known and one.option_count > 0
    rows = positions(state, one, settings, at_ns)
    option_age_ms, _ = limits.oldest_option(state, one.name, at_ns)
    return UnderlyingView(
        underlying=one.name,
        delta_coin=delta,
        delta_usd=None if delta is None else delta * one.price,
        convention=convention.describe(settings),
        band_coin=above[0] or settings.band_coin,
        inside_coin=above[1] or settings.band_coin * settings.target_ratio,
        band_below_coin=below[0] or settings.band_coin,
        inside_below_coin=below[1] or settings.band_coin * settings.target_ratio,
        centre_coin=one.centre_coin,
        limit_coin=settings.delta_limit_coin,
        worst_case_coin=worst,
        gamma_coin_per_pct=one.option_gamma * one.price / 100.0 if has_options else None,
        vega_usd_per_vol_point=one.option_vega / 100.0 if has_options else None,
        theta_usd_per_day=one.option_theta if has_options else None,
        price_usd=one.price or None,
        next_trigger_up_usd=up,
        next_trigger_down_usd=down,
        hedge_instrument=settings.hedge_instrument,
        hedge_legs=hedge_view.legs(state, settings, at_ns),
        opposed_coin=hedges.opposed_coin(hedges.held_coins(state, settings)),
        opposed_coin_max=settings.opposed_coin_max,
        book_age_ms=market.known_age_ms(market.book_age_ms(state, settings.hedge_instrument, at_ns)),
        option_age_ms=market.known_age_ms(option_age_ms) if has_options else None,
        lot_coin=float(rules.lot_size * rules.contract_size) if rules and not rules.kind.is_inverse else None,
        in_breach_ms=market.elapsed_ms(at_ns, one.breach_since_ns) if one.breach_since_ns else None,
        residual_coin=one.residual_coin,
        hedges=one.hedges,
        why_not=why_not(state, settings, at_ns),
        positions=rows,
        scope=scope_of(state.settings, one.name).words,
        outside_coin=total_delta(one for one in rows if not one.in_scope),
        gap_coin=_gap(delta, rows),
        vol_year=_annual(volatility.vol_day_of(one)),
        flow_coin2_day=one.drift.flow_at(at_ns),
        cost=hedge_view.cost(state, settings),
        tracked_days=window.days,
        predicted=predicted(window),
        realised=realised(window),
        unpredicted=tracking.unpredicted(one, predicted(window)),
    )


def _gap(delta: float | None, rows: tuple[PositionView, ...]) -> float | None:
    shown = total_delta(one for one in rows if one.in_scope)
    return None if delta is None or shown is None else delta - shown


def _annual(vol_root_day: float | None) -> float | None:
    return None if vol_root_day is None else vol_root_day * math.sqrt(DAYS_PER_YEAR)


def _next_triggers(
    one: UnderlyingState, settings: UnderlyingSettings, delta: float | None
) -> tuple[float | None, float | None]:
    """Prices at which gamma alone would take the delta to an edge of the band; None where it never does."""
    gamma = one.option_gamma
    off = (delta or 0.0) - one.centre_coin
    above_coin, below_coin = (policy.edges(one, side)[0] or settings.band_coin for side in (1.0, -1.0))
    if delta is None or not gamma or not -below_coin <= off <= above_coin:
        return None, None
    moves = sorted(((above_coin - off) / gamma, (-below_coin - off) / gamma))
    down, up = one.price + moves[0], one.price + moves[1]
    return up, down if down > 0.0 else None


def _orders(state: EngineState, at_ns: int) -> tuple[OrderView, ...]:
    return tuple(
        OrderView(
            client_id=one.client_id,
            instrument=one.intent.instrument,
            side=one.intent.side.value,
            qty_contracts=str(one.intent.qty_contracts),
            filled_contracts=str(one.filled_contracts),
            status=one.status.value,
            age_ms=market.elapsed_ms(at_ns, one.sent_at_ns),
        )
        for one in live_orders(state)
    )


def _alerts(state: EngineState, at_ns: int) -> tuple[AlertView, ...]:
    return tuple(
        AlertView(
            kind=one.kind.value,
            severity=one.kind.severity.value,
            runbook=one.kind.runbook,
            subject=one.subject,
            summary=one.summary,
            age_ms=market.elapsed_ms(at_ns, one.since_ns),
        )
        for one in state.alerts.values()
    )


def _latches(state: EngineState, at_ns: int) -> tuple[LatchView, ...]:
    """Kills that stand; a strategy that a throttle latched off stands beside them, `enable` lifts it."""
    kills = [
        LatchView(
            scope=one.scope.value,
            name=one.name,
            action=one.action.value,
            operator=one.operator,
            reason=one.reason,
            review=tuple(one.causes),
            done=one.done,
            note=one.note,
            age_ms=market.elapsed_ms(at_ns, one.since_ns),
        )
        for one in state.latches.values()
    ]
    throttled = [
        LatchView(
            scope="strategy",
            name=strategy,
            action="freeze",
            operator="throttle",
            reason=why,
            review=(f"throttle:{strategy}",),
            done=False,
            note="`hedgebot enable` lifts it",
            age_ms=0,
        )
        for strategy, why in state.tripped.items()
    ]
    return (*kills, *throttled)
