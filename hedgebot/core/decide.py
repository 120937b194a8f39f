"""One decision on one underlying: value, propose, shape, gate. Level-triggered: always from the position as it is now.

Owns the order of the stages and the record of each decision; the stages themselves live in their own modules.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import NamedTuple, cast

from hedgebot.core import (
    breakers,
    canary,
    costs,
    depth,
    depth_rule,
    frequency,
    funding,
    hedges,
    latches,
    margin_fit,
    margin_watch,
    market,
    moving,
    order_table,
    shut,
    tracking,
    volatility,
)
from hedgebot.core.candidate import Candidate
from hedgebot.core.cost_state import band_cost_bps
from hedgebot.core.exposure import Exposures, exposure_problem, net_delta_coin
from hedgebot.core.gate import judge
from hedgebot.core.hedges import Way
from hedgebot.core.margin_fit import Fitted
from hedgebot.core.policy import in_force, note_breach, note_move, waits_for, wanted_trade_coin
from hedgebot.core.shaping import NoLot, shape
from hedgebot.core.state import EngineState, UnderlyingState, settings_of
from hedgebot.core.step import Step
from hedgebot.core.strategy import BandTerms, BindingStrategy, Proposal, Strategy, UnderlyingView
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import DecisionCause, Mode, Outcome, RecordDecision
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import Approved, OrderIntent, Refused
from hedgebot.domain.settings import StrategySettings, UnderlyingSettings

StrategyOf = Callable[[StrategySettings], Strategy]
"""Gives the running strategy of some settings."""


_NO_LOT = "no_lot"
_BPS = 1e-4
_WHOLE = BandTerms()


class _Wanted(NamedTuple):
    """What the policy wants at a delta: the proposal and the signed trade that it asks for."""

    proposal: Proposal
    delta_coin: float
    trade_coin: float


def decide(step: Step, exposures: Exposures, strategy_of: StrategyOf, name: str, cause: DecisionCause) -> None:
    """Look at one underlying and hedge it if its delta left the band and every rule agrees."""
    underlying, configured = step.state.underlyings.get(name), settings_of(step.state, name)
    if underlying is None or configured is None:
        return
    settings = canary.capped(step.state, configured)
    if underlying.price > 0.0:
        exposures.value(underlying, step.at_ns)
    if exposure_problem(underlying):
        # A fill of an option without a quote yet: what it does to the delta shows later, its cause is known now.
        if underlying.held_cause is None or cause is DecisionCause.FILL:
            underlying.held_cause = cause
        return
    if cause is not DecisionCause.FILL:
        cause = underlying.held_cause or cause
    underlying.held_cause = None
    delta_coin = net_delta_coin(underlying)
    flat = latches.flat_proposal(step.state, settings)
    tracking.note_terms(underlying, _WHOLE if flat else _terms(step.state, strategy_of, name))
    proposal = flat or propose(step.state, strategy_of, underlying, settings, delta_coin, step.at_ns)
    _remember(underlying, proposal)
    note_move(underlying, proposal, step.at_ns)
    trade_coin = wanted_trade_coin(delta_coin, proposal) if proposal else 0.0
    if proposal is None or trade_coin == 0.0:
        underlying.breach_since_ns, underlying.breach_side, underlying.residual_coin = 0, 0, 0.0
        # What keeps a flatten waiting is not over because the delta is inside its band.
        underlying.note = underlying.note if latches.is_frozen(step.state, settings) else ""
        if step.state.alerts:
            step.resolve(AlertKind.MARGIN_BUFFER_LOW, margin_fit.shortfall_subject(settings))
            step.resolve(AlertKind.SUSPECT_DATA, depth_rule.subject(name))
        if proposal is not None:
            moving.advance(step, underlying, settings, proposal, delta_coin)
        return
    note_breach(underlying, -1 if trade_coin > 0.0 else 1, cause, step.at_ns)
    if (
        order_table.order_of(step.state, name)
        or step.at_ns < underlying.retry_at_ns
        or step.state.mode is Mode.RECOVERING
        or latches.is_frozen(step.state, settings)
    ):
        return
    underlying.waits_for = waits_for(
        underlying,
        proposal,
        delta_coin,
        settings.delta_limit_coin,
        step.at_ns,
        margin_short=margin_watch.CAUSE in step.state.risk.reducing,
    )
    if underlying.waits_for:
        return
    _hedge(step, underlying, settings, _Wanted(proposal, delta_coin, trade_coin))


def _remember(underlying: UnderlyingState, proposal: Proposal | None) -> None:
    """The band in force, for the screen and for what is predicted of it."""
    underlying.waits_for, underlying.drift.warning = "", proposal.warning if proposal else ""
    underlying.drift.bounded = proposal.bounded if proposal else ""
    if proposal is None:
        underlying.centre_coin = underlying.trigger_coin = underlying.inside_coin = 0.0
        underlying.below = None
        return
    underlying.drift.risk_aversion = proposal.risk_aversion
    underlying.centre_coin, underlying.below = proposal.centre_coin, proposal.below
    underlying.trigger_coin, underlying.inside_coin = proposal.trigger_coin, proposal.inside_coin


def band_at(
    state: EngineState, strategy_of: StrategyOf, underlying: UnderlyingState, settings: UnderlyingSettings, at_ns: int
) -> Proposal | None:
    """The band that a look at a moment finds where no latch is held, at the underlying's price."""
    found = canary.capped(state, settings)
    return propose(state, strategy_of, underlying, found, net_delta_coin(underlying), at_ns)


def _asked(state: EngineState, strategy_of: StrategyOf, name: str) -> Iterator[Strategy]:
    """The strategies that make an underlying's band, in configured order."""
    for one in state.settings.strategies:
        if one.enabled and name in one.underlyings and not latches.strategy_problem(state, one.name):
            yield strategy_of(one)


def _terms(state: EngineState, strategy_of: StrategyOf, name: str) -> BandTerms:
    """How they keep it."""
    found = _WHOLE
    for one in _asked(state, strategy_of, name):
        # Not `isinstance`: that walks the protocol each time.
        if hasattr(one, "terms"):
            found = cast("BindingStrategy", one).terms(found)
    return found


def propose(
    state: EngineState,
    strategy_of: StrategyOf,
    underlying: UnderlyingState,
    settings: UnderlyingSettings,
    delta_coin: float,
    at_ns: int,
) -> Proposal | None:
    """Ask the enabled strategies in configured order, each refining the one before."""
    now = tracking.conditions_of(underlying, settings, at_ns)
    rules = state.instruments.get(settings.hedge_instrument)
    vol_root_day, vol_source = volatility.with_source(underlying)
    view = UnderlyingView(
        at_ns=at_ns,
        delta_coin=delta_coin,
        gamma_coin_per_usd=tracking.seen_gamma(underlying),
        price_usd=underlying.price,
        settings=settings,
        hedge_coin=hedges.held_coin(state, settings),
        lot_coin=rules.lot_coin(underlying.price) if rules is not None and underlying.price > 0.0 else None,
        vol_root_day=vol_root_day,
        vol_source=vol_source,
        flow_variance=underlying.drift.flow_at(at_ns),
        cost_bps=band_cost_bps(underlying.drift.costs, settings),
        late=tracking.lateness(underlying, settings),
        overshoot_coin=underlying.drift.overshoot_coin(now.variance_coin2_day, at_ns) if now else 0.0,
    )
    proposal: Proposal | None = None
    for one in _asked(state, strategy_of, underlying.name):
        proposal = one.propose(view, proposal)
    if proposal is None:
        return None
    # While quotes of held options are old their delta is less sure: the band is wider.
    return in_force(
        proposal, settings.delta_limit_coin, state.limits.stale_band_ratio if underlying.options_stale else 1.0
    )


def _hedge(step: Step, underlying: UnderlyingState, settings: UnderlyingSettings, wanted: _Wanted) -> None:
    state = step.state
    found = _fitting_way(step, settings, wanted)
    if found is None:
        return
    way, mid, fitted, kept_by = found
    if isinstance(fitted, NoLot):
        underlying.residual_coin = fitted.residual_coin
        if step.is_news(underlying, kept_by):
            outcome = Outcome.NO_LOT if kept_by == _NO_LOT else Outcome.REFUSED
            _record(step, underlying, wanted, way, outcome, fitted.explanation)
        return
    verdict = judge(
        Candidate.of(
            state,
            settings,
            fitted.intent,
            step.at_ns,
            delta_coin=wanted.delta_coin,
            centre_coin=wanted.proposal.centre_coin,
            effect=fitted.effect,
        )
    )
    problem = ""
    if isinstance(verdict, Refused) and verdict.check.rule == breakers.VOLUME_RULE:
        problem = verdict.explanation
    step.check(AlertKind.HEDGE_INEFFECTIVE, f"{underlying.name} volume", problem)
    depth_rule.tell(step, underlying, verdict)
    if isinstance(verdict, Approved):
        client_id = order_table.send(
            step,
            verdict,
            arrival_mid=float(mid),
            delta_before_coin=wanted.delta_coin,
            centre_coin=wanted.proposal.centre_coin,
        )
        _record_hedge(step, underlying, wanted, way, fitted.intent, client_id)
        return
    frequency.tell(step, verdict)
    if step.refuse(underlying, verdict.check.rule, verdict):
        _record(step, underlying, wanted, way, Outcome.REFUSED, verdict.explanation)


def _fitting_way(
    step: Step, settings: UnderlyingSettings, wanted: _Wanted
) -> tuple[Way, Decimal, Fitted | NoLot, str] | None:
    """The best way to trade of which at least a lot is left by its instrument's rules and by the margin.

    Without such a way the first one with what it came to, and what keeps it; None while no book of them is two-sided.
    """
    state, none_fits, unaffordable = step.state, None, None
    for way in hedges.ways(state, settings, wanted.trade_coin, step.at_ns):
        rules, quote = state.instruments.get(way.instrument), state.quotes.get(way.instrument)
        mid = quote.mid if quote else None
        if rules is None or mid is None:
            continue
        shaped = shape(state, settings, way, mid, wanted.proposal, wanted.trade_coin, step.at_ns)
        if isinstance(shaped, NoLot):
            none_fits = none_fits or (way, mid, shaped, _NO_LOT)
            continue
        if why := shut.waits(state, shaped, step.at_ns):
            nothing = NoLot(residual_coin=wanted.trade_coin, explanation=why)
            none_fits = none_fits or (way, mid, nothing, "waits")
            continue
        fitted = margin_fit.fit(state, settings, rules, shaped, step.at_ns)
        if not isinstance(fitted, NoLot):
            margin_fit.tell(step, settings, fitted)
            return way, mid, fitted, ""
        unaffordable = unaffordable or fitted
        none_fits = none_fits or (way, mid, fitted, "margin")
    if unaffordable is not None:
        margin_fit.tell(step, settings, unaffordable)
    return none_fits


def _record_hedge(
    step: Step, underlying: UnderlyingState, wanted: _Wanted, way: Way, intent: OrderIntent, client_id: str
) -> None:
    proposal, delta_coin = wanted.proposal, wanted.delta_coin
    after = delta_coin + intent.delta_effect_coin
    underlying.hedges += 1
    tracking.on_hedge(underlying, step.at_ns)
    step.state.totals.hedges += 1
    underlying.residual_coin = wanted.trade_coin - intent.delta_effect_coin
    underlying.note = ""
    words = (
        f"net delta {delta_coin:+.4f} {underlying.name} left its band of "
        f"{proposal.edges(delta_coin - proposal.centre_coin)[0]:g} around "
        f"{proposal.centre_coin:g} ({underlying.breach_cause}): {intent.side} {intent.qty_contracts} "
        f"{intent.instrument.rsplit(':', 1)[1]} at {intent.limit_price} or better brings it to {after:+.4f}"
    )
    if way.contracts_max is not None:
        words += f"; {way.why}"
    seen = depth.evidence(step.state, way.instrument, intent.side, intent.qty_contracts)
    if seen.get("cut_to_top"):
        words += f"; cut to what {seen['top_contracts']} at the best price allow, the rest follows the book"
    _record(step, underlying, wanted, way, Outcome.HEDGE, words, client_id)


def _record(
    step: Step,
    underlying: UnderlyingState,
    wanted: _Wanted,
    way: Way,
    outcome: Outcome,
    explanation: str,
    client_id: str | None = None,
) -> None:
    proposal, side = wanted.proposal, Side.of(wanted.trade_coin)
    contracts = step.state.orders[client_id].intent.qty_contracts if client_id else None
    decision = RecordDecision(
        underlying=underlying.name,
        strategy=proposal.strategy,
        outcome=outcome,
        cause=underlying.breach_cause,
        delta_coin=wanted.delta_coin,
        target_coin=proposal.centre_coin,
        band_coin=proposal.trigger_coin,
        band_below_coin=proposal.below[0] if proposal.below is not None else None,
        trade_coin=wanted.trade_coin,
        residual_coin=underlying.residual_coin,
        client_id=client_id,
        explanation=explanation,
        evidence=_evidence(step, underlying, wanted, way) | depth.evidence(step.state, way.instrument, side, contracts),
    )
    step.decided(underlying, decision)


def _evidence(
    step: Step, underlying: UnderlyingState, wanted: _Wanted, way: Way
) -> dict[str, int | float | str | None]:
    """Every input of the decision with its age, for whoever asks why."""
    state = step.state
    settings = settings_of(state, underlying.name)
    evidence: dict[str, int | float | str | None] = {
        "at_ns": step.at_ns,
        "breach_since_ns": underlying.breach_since_ns,
        "price_usd": underlying.price,
        "linear_coin": float(underlying.linear_coin),
        "inverse_quote": float(underlying.inverse_quote),
        "option_delta_coin": underlying.option_delta,
        "option_gamma_coin_per_usd": underlying.option_gamma,
        "remark_age_ms": (step.at_ns - underlying.remark_at_ns) // 1_000_000 if underlying.option_count else None,
        "settled_futures_coin": underlying.sums.settled_coin,
        "settling": int(underlying.sums.settling),
        "config_hash": state.settings.config_hash,
        **wanted.proposal.evidence,
    }
    if settings is not None:
        quote = state.quotes[way.instrument]
        evidence |= {
            "hedge_instrument": way.instrument,
            **_choice(state, settings, way, wanted.trade_coin, step.at_ns),
            "bid": str(quote.bid),
            "ask": str(quote.ask),
            "mark": str(quote.mark),
            "book_age_ms": market.book_age_ms(state, way.instrument, step.at_ns),
            "mark_age_ms": market.mark_age_ms(state, way.instrument, step.at_ns),
            "funding_rate": quote.funding_rate,
            "delta_convention": settings.delta_convention or "not set",
            "skew_stickiness": settings.skew_stickiness,
            "hedge_cost_bps": band_cost_bps(underlying.drift.costs, settings),
            "configured_cost_bps": settings.cost_bps,
            "measured_cost_bps": underlying.drift.costs.whole.measured_bps,
            "measured_fills": underlying.drift.costs.whole.fills,
            "smile_delta_coin": underlying.sums.smile_coin,
            "smile_unknown_options": underlying.sums.smile_unknown,
            **funding.evidence(state, settings, step.at_ns),
        }
    return evidence


def _choice(
    state: EngineState, settings: UnderlyingSettings, way: Way, trade_coin: float, at_ns: int
) -> dict[str, int | float | str | None]:
    """Why this instrument, what stands in all of them, and what each would cost; nothing to say where there is one.

    `trade_cost_bps` is one way for this trade, `held_cost_bps` opened, held and closed; `basis_risk_day` is what it
    adds there to the risk of the basis, below zero where it takes from it.
    """
    if not settings.other_hedges:
        return {}
    coins = hedges.held_coins(state, settings)
    held = ", ".join(f"{one.rsplit(':', 1)[1]} {coin:+.6g}" for one, coin in coins.items())
    carries: dict[str, int | float | str | None] = {
        f"carry_day {one}": hedges.carry_day(state, settings, one, at_ns) for one in settings.hedge_instruments
    }
    traded = {
        f"trade_cost_bps {one}": costs.one_way(state, settings, one, trade_coin).cost_bps
        for one in settings.hedge_instruments
    }
    whole = {
        f"held_cost_bps {one}": hedges.held_cost_ratio(state, settings, one, trade_coin, at_ns) / _BPS
        for one in settings.hedge_instruments
    }
    risks = {
        f"basis_risk_day {one}": hedges.basis_risk_day(state, settings, one, trade_coin)
        for one in settings.hedge_basis_vols_day
    }
    compared = {**carries, **risks, **traded, **whole}
    return {"hedge_why": way.why, "hedges_held_coin": held, "opposed_coin": hedges.opposed_coin(coins), **compared}
