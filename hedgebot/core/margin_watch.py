"""The standing watch over margin: use, regime, distance to liquidation, alerts, and the mode of the book.

Owns when something is looked at and what is told; numbers are `margin_gate`'s, the comparison with the venue is
`margin_report`'s. Sources: margin reference sections 3, 7 and 10. Sends no order.
"""

import math

from hedgebot.core import (
    limits,
    margin_cause,
    margin_distance,
    margin_gate,
    margin_legs,
    margin_regime,
    margin_stress,
    margin_watched,
    reducing,
    watched_rule,
)
from hedgebot.core.margin_legs import Parameters
from hedgebot.core.margin_model import Model, Standing
from hedgebot.core.margin_state import Distance, StandingStress
from hedgebot.core.state import AccountState, EngineState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.decimals import float_or_none
from hedgebot.domain.health import use_of
from hedgebot.domain.settings import MarginMode
from hedgebot.margin.registry import age_problem

Found = tuple[Parameters, MarginMode] | str
"""An account's model, or why there is none."""

CAUSE = "margin"
LOOK_NS = 250_000_000
DISTANCE_NS = 1_000_000_000
DISTANCE_CALM_NS = 10_000_000_000
"""A distance is measured anew every second, or every ten where neither market nor margin moved."""

DISTANCE_MOVE_RATIO = 0.001
AHEAD_RATIO = 1.1
"""The mode changes a tenth before the least distance: the market moves on between two looks."""

DISTANCE_CLEAR_RATIO = 1.4


def watch(step: Step) -> None:
    """Look at every account: use, distance, alerts; then the mode of the book. Called by the timer."""
    state = step.state
    worst, lowest, unknown, reasons, clear = 0.0, state.limits.margin_use_clear, False, list[str](), True
    for account in state.accounts.values():
        _look(step, account)
        use, floor = limits.margin_use(state, account, step.at_ns), margin_gate.floor_use(state, account)
        judged = margin_gate.judged_use(state, account, use)
        step.watch(AlertKind.MARGIN_BUFFER_LOW, account.name, _problem(step, account, use))
        step.watch(AlertKind.MARGIN_BUFFER_LOW, f"{account.name} floor", _floor_problem(account, use, judged, floor))
        margin_stress.watch(step, account, use)
        near = _distance_problem(step, account)
        step.watch(AlertKind.LIQUIDATION_DISTANCE_LOW, account.name, near)
        _check_model(step, account)
        worst, unknown = max(worst, judged or 0.0), unknown or judged is None
        line = state.limits.margin_use_clear * margin_gate.lines_share(state, account)
        lowest, clear = min(lowest, line), clear and (judged or 0.0) < line
        if use is not None and judged is not None and judged > floor:
            reasons.append(f"margin use {_judged_words(use, judged)} is above {floor:.0%}")
        if near:
            reasons.append(near)
        distance, least = account.margin.distance, state.limits.liquidation_distance_min
        clear = clear and (distance is None or abs(distance.move) > least * DISTANCE_CLEAR_RATIO)
    if reasons:
        reducing.hold(step, CAUSE, reasons[0])
    elif not unknown and clear:
        reducing.release(step, CAUSE, f"margin use {worst:.0%} is below {lowest:.0%} again")
    reducing.sweep(step)


def _problem(step: Step, account: AccountState, use: float | None) -> str:
    limits_now = step.state.limits
    if use is None:
        if watched_rule.is_overdue(step.state, account, step.at_ns):
            return f"margin use of {account.name}, which is only watched, is unknown: nothing that adds risk is sent"
        unknown = f"margin use of {account.name} is unknown: nothing that needs margin is sent"
        return unknown if account.adopted else ""
    if use > limits_now.margin_use_alert:
        cure = _cure(step, account, use)
        return f"margin use of {account.name} is {use:.0%}, alert above {limits_now.margin_use_alert:.0%}{cure}"
    return ""


def _cure(step: Step, account: AccountState, use: float) -> str:
    """What would bring a use below the line of the alert, where no treasury plans for it: told, never moved."""
    told = any(one.account == account.name for one in step.state.settings.treasury)
    equity, target = account.wallet.equity_usd if account.wallet else None, step.state.limits.margin_use_alert
    if told or equity is None or equity <= 0 or not math.isfinite(use):
        return ""
    return f"; a top-up of {float(equity) * (use / target - 1.0):,.0f} USD would cure it"


def _floor_problem(account: AccountState, use: float | None, judged: float | None, floor: float) -> str:
    """Beyond the floor is told anew: what was told at the first line may be long ago."""
    if use is None or judged is None or judged <= floor:
        return ""
    words = f"margin use of {account.name} is {_judged_words(use, judged)}"
    return f"{words}, beyond its floor of {floor:.0%}: the book only reduces risk"


def _judged_words(use: float, judged: float) -> str:
    return f"{use:.0%}" if judged <= use else f"{use:.0%} and {judged:.0%} after the collateral shock"


def _distance_problem(step: Step, account: AccountState) -> str:
    distance, least = account.margin.distance, step.state.limits.liquidation_distance_min
    if distance is None or abs(distance.move) >= least * AHEAD_RATIO:
        return ""
    return f"{account.name} is {distance_words(distance)}; {least:.1%} is the least"


def describe(account: AccountState) -> str:
    """How far an account is from liquidation by the model, in a few words; why that is not known, or empty."""
    margin = account.margin
    if margin.distance is not None:
        words = distance_words(margin.distance)
        return f"{words} when it was last known: {margin.unknown}" if margin.unknown else words
    if margin.unknown:
        return "" if margin.unknown.startswith("no margin_mode") else f"distance unknown: {margin.unknown}"
    return "no move up to 80 % either way liquidates" if margin.use is not None and margin.distance_at_ns else ""


def distance_words(distance: Distance) -> str:
    """How far liquidation is, and where."""
    where = "of all underlyings together"
    if distance.underlying:
        where = (
            f"of {distance.underlying}" if distance.price is None else f"at {distance.underlying} {distance.price:.6g}"
        )
    return f"{distance.move:+.1%} from liquidation ({where})"


def _check_model(step: Step, account: AccountState) -> None:
    """Three subjects: parameters stay old for months, and must hide no difference meanwhile."""
    found, kind = margin_legs.model_of(step.state, account), AlertKind.MARGIN_MODEL_DIVERGED
    step.check(kind, account.name, _model_problem(account, found))
    step.check(kind, f"{account.name} parameters", _age_problem(step, found))
    step.check(kind, f"{account.name} live parameters", _moved_problem(account, found))


def _model_problem(account: AccountState, found: Found) -> str:
    """What is wrong between our model and the venue's number, or with the model where there has to be one."""
    if not isinstance(found, str) and (wrong := margin_watched.mode_problem(account, found[1])):
        return wrong
    if account.margin.differs:
        return f"{account.margin.differs}; the larger number rules"
    if isinstance(found, str):
        # What we have no model of is only read; that stands on the screen and nobody need be woken for it.
        return "" if found.startswith("no margin_mode") or not account.role.is_followed else found
    return ""


def _age_problem(step: Step, found: Found) -> str:
    if isinstance(found, str):
        return ""
    old = age_problem(found[0].as_of, step.at_ns, step.state.limits.margin_parameters_age_days_max)
    return f"the margin parameters {found[0].id} are {old}" if old else ""


def _moved_problem(account: AccountState, found: Found) -> str:
    """Told before any number differs: a range that was widened shows only in a book that reaches its edge."""
    if isinstance(found, str):
        return ""
    moved = margin_cause.moved_parameters(account, found[0])
    return f"the venue of {account.name} margins with other parameters than {found[0].id}: {moved}" if moved else ""


def _look(step: Step, account: AccountState) -> None:
    """Bring use, regime and distance up to date."""
    margin = account.margin
    margin_regime.note(step, account)
    if step.at_ns - margin.looked_at_ns < LOOK_NS:
        return
    margin.looked_at_ns = step.at_ns
    model = margin_gate.model_now(step.state, account, step.at_ns)
    now = None if isinstance(model, str) else margin_gate.standing(step.state, account, model, model.now, step.at_ns)
    margin.unknown = model if isinstance(model, str) else ""
    if isinstance(model, str) or now is None:
        margin.use = None
        if not _is_near(step, account):
            margin.distance = None
        margin.standing_stress = reported_stress(step.state, account, step.at_ns)
        return
    margin.use = use_of(now.maintenance, now.equity)
    margin.standing_stress = margin_stress.measured(step.state, account, now.equity, now.maintenance)
    _measure(step, account, model, now)


def _is_near(step: Step, account: AccountState) -> bool:
    """Whether the distance that was measured last is one to hold on to: a blind spell makes no near liquidation far.

    Where the configuration has no model any more there is nothing to wait for.
    """
    distance, least = account.margin.distance, step.state.limits.liquidation_distance_min
    if distance is None or isinstance(margin_legs.model_of(step.state, account), str):
        return False
    return abs(distance.move) <= least * DISTANCE_CLEAR_RATIO


def reported_stress(state: EngineState, account: AccountState, at_ns: int) -> StandingStress | None:
    """Without a model the stresses stand on the venue's own numbers, while they are fresh."""
    wallet = None if limits.margin_use(state, account, at_ns) is None else account.wallet
    equity = float_or_none(wallet.equity_usd) if wallet else None
    maintenance = float_or_none(wallet.maintenance_margin_usd) if wallet else None
    return margin_stress.measured(state, account, equity, maintenance)


def _measure(step: Step, account: AccountState, model: Model, now: Standing) -> None:
    margin, prices = account.margin, model.book.prices
    moved = account.wallet_at_ns > margin.distance_at_ns or any(
        at <= 0.0 or abs(prices.get(name, 0.0) / at - 1.0) > DISTANCE_MOVE_RATIO
        for name, at in margin.distance_for.items()
    )
    if step.at_ns - margin.distance_at_ns < (DISTANCE_NS if moved else DISTANCE_CALM_NS):
        return
    margin.distance_at_ns = step.at_ns
    margin.distance_for = {name: prices[name] for name in step.state.underlyings if name in prices}
    margin.distance = margin_distance.nearest(step.state, account, model, now, step.at_ns)
