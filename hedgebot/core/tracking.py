"""Keeps each underlying's drift and tracking up to date, and records them: once an hour, and when a day ends.

Owns when something is looked at and what is told. The arithmetic is `drift.py`'s; it decides nothing.
"""

from functools import lru_cache

import numpy as np

from hedgebot.core import hedges
from hedgebot.core.cost_state import band_cost_bps
from hedgebot.core.drift import (
    Drift,
    Figures,
    Floats,
    Ints,
    Tracking,
    conditions,
    predicted,
    realised,
)
from hedgebot.core.exposure import exposure_problem, net_delta_coin, own_option_delta
from hedgebot.core.state import EngineState, OrderRecord, UnderlyingState, settings_of
from hedgebot.core.step import Step
from hedgebot.core.strategy import BandTerms
from hedgebot.core.volatility import vol_day_of
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Mode, RecordTracking
from hedgebot.domain.durations import NS_PER_DAY, NS_PER_MS, NS_PER_S
from hedgebot.domain.events import ExecutionKind, FillReceived
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.scope import counts_position
from hedgebot.domain.settings import UnderlyingSettings
from hedgebot.pricing.band import Band, Conditions, Lateness, Row, exposure_variance, forecast_row, late_shift

LOOK_NS = 1_000_000_000
INTERVAL_SHARE_MAX = 0.25
"""Of the predicted time between two hedges: a longer interval makes another policy of a band (hedging by the clock)."""

RECORD_NS = 3_600 * 1_000_000_000


def conditions_of(underlying: UnderlyingState, settings: UnderlyingSettings, at_ns: int) -> Conditions | None:
    """What the band of an underlying is made for now; None while something of it is not known."""
    return conditions(
        price=underlying.price,
        vol_day=vol_day_of(underlying),
        cost_bps=band_cost_bps(underlying.drift.costs, settings),
        gamma=seen_gamma(underlying),
        flow=underlying.drift.flow_at(at_ns),
    )


def seen_gamma(underlying: UnderlyingState) -> float:
    """Gamma of what a band sees: with a hedge ratio of its share."""
    return underlying.option_gamma * underlying.drift.terms.hedge_ratio


def lateness(underlying: UnderlyingState, settings: UnderlyingSettings) -> Lateness:
    """What lets the delta go beyond an edge before it is hedged: looks, dwell and interval."""
    terms = underlying.drift.terms
    return _lateness(settings.looked_every_s, terms.dwell_ms, terms.interval_ms)


@lru_cache(maxsize=64)
def _lateness(looked_every_s: float, dwell_ms: int, interval_ms: int) -> Lateness:
    """In days. Settings change seldom, and each decision asks."""
    return Lateness(
        looked_every_s * NS_PER_S / NS_PER_DAY,
        dwell_ms * NS_PER_MS / NS_PER_DAY,
        interval_ms * NS_PER_MS / NS_PER_DAY,
    )


def _reached(drift: Drift, band: Band, variance: float, late: Lateness, at_ns: int) -> Band:
    """The band as far as the delta goes on the mean before it is hedged; fills and late looks overlap: the larger."""
    beyond = max(drift.overshoot_coin(variance, at_ns), late_shift(band, variance, late))
    return Band(band.trigger_coin + beyond, band.target_coin)


def _reached_row(
    drift: Drift, band: tuple[Row, Row], looks: list[tuple[float, int]], late: Lateness
) -> tuple[Floats, Row]:
    """`_reached` at several looks, each with its variance and moment."""
    triggers, targets = (np.broadcast_to(np.asarray(one), len(looks)).tolist() for one in band)
    found = [
        _reached(drift, Band(trigger, target), variance, late, at_ns).trigger_coin
        for trigger, target, (variance, at_ns) in zip(triggers, targets, looks, strict=True)
    ]
    return np.asarray(found), band[1]


def unpredicted(underlying: UnderlyingState, promised: Figures) -> str:
    """What makes the predictions of an underlying unreliable, in a sentence; empty where nothing does."""
    terms = underlying.drift.terms
    gates = [*terms.gates]
    share = terms.interval_ms * NS_PER_MS / NS_PER_DAY * (promised.orders_day or 0.0)
    if share > INTERVAL_SHARE_MAX:
        gates.append(f"an interval of {terms.interval_ms / 1_000:g} s, {share:.0%} of the time between two hedges")
    return f"unreliable: hedges also wait for {' and for '.join(gates)}" if gates else ""


def note_terms(underlying: UnderlyingState, terms: BandTerms) -> None:
    """How the band is kept from here on; what it saw under another hedge ratio is compared with nothing."""
    drift = underlying.drift
    if terms.hedge_ratio != drift.terms.hedge_ratio:
        underlying.tracking.at_ns = 0
    drift.terms = terms


def on_foreign_fill(
    step: Step, underlying: UnderlyingState, rules: Instrument, fill: FillReceived, moved_coin: float | None
) -> None:
    """A fill that is no hedge of ours moved the delta; what it moved is None while that is not known.

    One that the scope leaves out moved nothing, and what the venue took back is nobody's flow.
    """
    if fill.kind is ExecutionKind.ROLLBACK:
        return
    if rules.kind.is_option and not counts_position(step.state.settings, underlying.name, fill.account, rules.id):
        return
    if rules.kind.is_option:
        # It shows in the delta with the next re-mark only.
        delta = own_option_delta(step.state, rules.id, step.at_ns)
        size = float(fill.qty_contracts * rules.contract_size)
        moved_coin = None if delta is None else delta * size
    if moved_coin is not None:
        settings = settings_of(step.state, underlying.name)
        direct = settings is not None and (fill.account, rules.id) in {
            (settings.hedge_account, one) for one in settings.hedge_instruments
        }
        underlying.drift.add_flow(moved_coin, step.at_ns, direct=direct)


def on_own_fill(
    state: EngineState,
    underlying: UnderlyingState,
    order: OrderRecord,
    rules: Instrument,
    fill: FillReceived,
    moved_coin: float | None,
) -> None:
    """A hedge of ours was filled: what it moved and what it cost against the middle at its decision.

    Where that middle is not known (an order that only the journal had) its fee is all that is known to be paid.
    """
    coins, price = abs(float(rules.coins(fill.qty_contracts, fill.price))), float(fill.price)
    fee_price = 1.0 if fill.fee_coin != rules.underlying else price
    slippage = price - order.arrival_mid if order.arrival_mid > 0.0 else 0.0
    cost_usd = slippage * fill.side.sign * coins + float(fill.fee) * fee_price
    underlying.tracking.hedged(coins * fill.side.sign if moved_coin is None else moved_coin, cost_usd)
    settings = settings_of(state, underlying.name)
    if settings is None or rules.id not in settings.hedge_instruments or not order.arrival_mid > 0.0:
        return
    if fill.fee and fill.fee_coin not in (rules.underlying, rules.quote, rules.settle):
        return  # a fee in a coin without a price here: what was paid is not known
    underlying.drift.costs.note(
        rules.id,
        notional=coins * price,
        paid=cost_usd,
        share=float(fill.qty_contracts / order.intent.qty_contracts),
        expected_bps=settings.cost_bps,
    )


def on_hedge(underlying: UnderlyingState, at_ns: int) -> None:
    """An order was sent."""
    underlying.drift.hedged_at_ns, underlying.drift.hedged_price = at_ns, underlying.price
    underlying.drift.moves.restart(underlying.price, at_ns)
    underlying.tracking.sums.orders += 1


def sweep(step: Step) -> None:
    """Look at every underlying at most once a second; while its exposure is unknown nothing is added up."""
    for settings in step.state.settings.underlyings:
        underlying = step.state.underlyings[settings.underlying]
        step.watch(AlertKind.MONITORING_SLOW, underlying.name, underlying.drift.warning)
        step.watch(AlertKind.BAND_BEYOND_LIMIT, underlying.name, underlying.drift.bounded)
        if underlying.price <= 0.0:
            continue
        underlying.drift.add_price(underlying.price, step.at_ns)
        kept = underlying.tracking
        if step.at_ns - kept.at_ns < LOOK_NS or exposure_problem(underlying) or step.state.mode is Mode.RECOVERING:
            continue
        look(underlying, settings, net_delta_coin(underlying), step.at_ns, hedges.held_coin(step.state, settings))
        if step.at_ns // RECORD_NS != kept.recorded_ns // RECORD_NS:
            _record(step, underlying)


def look(
    underlying: UnderlyingState, settings: UnderlyingSettings, delta: float, at_ns: int, hedge_coin: float = 0.0
) -> None:
    """Take the exposure (its net delta in coin at the live price) as it is; the caller knows that it is known.

    `hedge_coin` is what of it is the hedge: without a hedge ratio nobody asks.
    """
    ratio = underlying.drift.terms.hedge_ratio
    seen = delta if ratio == 1.0 else ratio * delta + (1.0 - ratio) * hedge_coin
    now = conditions_of(underlying, settings, at_ns)
    days = underlying.tracking.look(
        off_coin=delta - underlying.centre_coin, delta_coin=seen, price=underlying.price, at_ns=at_ns
    )
    if now is not None and underlying.trigger_coin > 0.0:
        bands = [Band(underlying.trigger_coin, underlying.inside_coin)]
        bands += [Band(*underlying.below)] if underlying.below is not None else []
        drift, variance, late = underlying.drift, now.variance_coin2_day, lateness(underlying, settings)
        reached = [_reached(drift, one, variance, late, at_ns) for one in bands]
        underlying.tracking.predict(reached[0], now, days, reached[1] if len(reached) > 1 else None)


def look_row(
    underlying: UnderlyingState,
    settings: UnderlyingSettings,
    prices: Floats,
    deltas: Floats,
    at_ns: Ints,
    bands: tuple[float, float] | Floats,
    vols: Floats | None = None,
) -> None:
    """`look` at several moments, one after the other, to the last bit, between which nothing was booked.

    Prices (USD), net deltas (coin) and moments, all of shape (n,), n > 0; trigger and inside target of the bands, shape
    (2, n), or a pair that stands still (as a lower side that differs does); volatilities per root day of shape (n,),
    None where all are the one of now. No options are held, and the whole exposure is hedged.
    """
    kept = underlying.tracking
    days = kept.days_row(at_ns)
    promised = _promised(underlying, settings, prices, at_ns, bands, days, vols)
    kept.look_row(deltas - underlying.centre_coin, deltas, prices, at_ns, days, promised)


def _promised(
    underlying: UnderlyingState,
    settings: UnderlyingSettings,
    prices: Floats,
    at_ns: Ints,
    bands: tuple[float, float] | Floats,
    days: Floats,
    vols: Floats | None,
) -> dict[str, Floats]:
    """What each of the looks adds to what was predicted, from the first one on at which that is known."""
    drift, now, known = underlying.drift, vol_day_of(underlying), _first_known(underlying.drift, at_ns)
    if now is None or not now > 0.0 or known == len(at_ns):
        return {}
    vol: Row = now if vols is None else vols[known:]
    prices, days = prices[known:], days[known:]
    triggers: Row
    targets: Row
    variance: Row = 0.0
    below: tuple[Row, Row] | None = underlying.below
    if isinstance(bands, tuple):
        triggers, targets = bands
        is_band = triggers > 0.0
    else:
        is_band, (triggers, targets) = bool((bands[0] > 0.0).all()), bands[:, known:]
    if not is_band:
        return {}
    if drift.seen_flow != 0.0 or underlying.option_gamma != 0.0:
        # Otherwise nothing moves the exposure, and nothing carries it past an edge.
        moments = at_ns[known:].tolist()
        gamma, flows = np.full(len(moments), seen_gamma(underlying)), [drift.flow_at(one) or 0.0 for one in moments]
        variance = moved = exposure_variance(gamma, prices, vol) + np.asarray(flows)
        looks, late = list(zip(moved.tolist(), moments, strict=True)), lateness(underlying, settings)
        below = None if below is None else _reached_row(drift, below, looks, late)
        triggers, targets = _reached_row(drift, (triggers, targets), looks, late)
    cost_bps = band_cost_bps(drift.costs, settings)
    expected = forecast_row(triggers, targets, prices, variance, vol, cost_bps * 1e-4, below)
    return Tracking.promised_row(triggers, targets, expected, variance, days, below)


def _first_known(drift: Drift, at_ns: Ints) -> int:
    """The first of several moments, in order, at which the flow is known; their number where it is at none."""
    if drift.flow_at(int(at_ns[0])) is not None:
        return 0
    return sum(drift.flow_at(one) is None for one in at_ns.tolist())


def _record(step: Step, underlying: UnderlyingState) -> None:
    kept = underlying.tracking
    is_first, kept.recorded_ns = kept.recorded_ns == 0, step.at_ns
    if is_first:
        return
    window = kept.window
    step.emit(
        RecordTracking(
            underlying=underlying.name,
            since_ns=kept.since_ns,
            days=window.days,
            predicted=figures_data(predicted(window)),
            realised=figures_data(realised(window)),
        )
    )
    if step.at_ns // NS_PER_DAY != kept.since_ns // NS_PER_DAY and window.days >= 1.0:
        kept.begin_window()


def figures_data(figures: Figures) -> dict[str, float | None]:
    """As a record keeps it: names with their units."""
    return {name: getattr(figures, name) for name in figures.__struct_fields__}
