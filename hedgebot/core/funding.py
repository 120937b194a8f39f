"""What the hedges' funding costs, held against its limits by rate, by day and by share of what they protect.

Owns the day's ledger of what was paid and the watch; the forecast is `limits.py`'s. Positive funding is paid by longs
to shorts; a cost is positive. What happens beyond a limit is the operator's choice for each underlying: told only, no
hedge that costs more (but for one that is urgent), the hedge is moved to a cheaper instrument (`switching.py`), or the
hedge is given up.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from hedgebot.core import hedges, latches, limits
from hedgebot.core.exposure import exposure_problem, net_delta_coin
from hedgebot.core.ledger import position_contracts
from hedgebot.core.raises import in_force
from hedgebot.core.risk_state import FundingDay
from hedgebot.core.state import EngineState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.durations import NS_PER_DAY, NS_PER_MINUTE
from hedgebot.domain.events import FundingPaid, OperatorKilled
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.kill import KillAction, KillScope, scope_key
from hedgebot.domain.settings import FundingAction, UnderlyingSettings

OPERATOR = "funding limit"
_STEADY_NS = NS_PER_MINUTE
"""How long a cost must be within its limit before the alert ends: each fill of a client moves what is protected."""
_AS_IT_IS: Mapping[InstrumentId, float] = MappingProxyType({})
SHARE_FROM_USD = 1.0
"""Below this cost a day no share is judged: what is left of a hedge protects nothing and costs nothing."""


class Terms(NamedTuple):
    """What one hedge pays: share of its notional a day and USD a day (negative: received), and of what it protects.

    `share_day` is 0 where nothing is protected (a target of the strategy's own): rate and day judge that alone.
    """

    ratio_day: float
    usd_day: float
    share_day: float


def terms(
    state: EngineState, settings: UnderlyingSettings, at_ns: int, changed: Mapping[InstrumentId, float] = _AS_IT_IS
) -> Terms | None:
    """Of the hedge as it is, or with other contracts held; None while a rate or the exposure is unknown.

    Where it stands in several instruments the rate is that of the dearest.
    """
    underlying = state.underlyings[settings.underlying]
    if exposure_problem(underlying):
        return None
    legs = [_leg(state, settings, one, changed.get(one), at_ns) for one in settings.hedge_instruments]
    known = [one for one in legs if one is not None]
    if len(known) < len(legs):
        return None
    usd_day = sum([ratio * abs(coins) for ratio, coins in known]) * underlying.price
    # What is held now; the legs say it already, where nothing of them is changed.
    held_coin = hedges.held_coin(state, settings) if changed else sum([coins for _, coins in known], 0.0)
    protected_usd = abs(net_delta_coin(underlying) - held_coin) * underlying.price
    share = usd_day / protected_usd if usd_day > SHARE_FROM_USD and protected_usd > 0.0 else 0.0
    return Terms(max([ratio for ratio, coins in known if coins], default=0.0), usd_day, share)


def _leg(
    state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, contracts: float | None, at_ns: int
) -> tuple[float, float] | None:
    """What one instrument pays a day as a ratio of its notional, and its coins; None while that is unknown."""
    rules, ratio = state.instruments.get(hedge), limits.funding_ratio_day(state, hedge, at_ns)
    if rules is None:
        return None
    held = float(position_contracts(state, settings.hedge_account, hedge)) if contracts is None else contracts
    coins = rules.delta_coin(held, state.underlyings[settings.underlying].price)
    if not rules.kind.is_perp or (not coins and hedge != settings.hedge_instrument):
        return 0.0, coins
    return None if ratio is None else (ratio * (1.0 if coins > 0.0 else -1.0 if coins < 0.0 else 0.0), coins)


def book(step: Step, payment: FundingPaid) -> None:
    """Keep what a hedge paid today; payments on positions that are no hedge of ours are not its cost."""
    state = step.state
    for settings in state.settings.underlyings:
        if payment.account != settings.hedge_account or payment.instrument not in settings.hedge_instruments:
            continue
        price = state.underlyings[settings.underlying].price if payment.coin == settings.underlying else 1.0
        day = max(payment.venue_at_ns, 0) // NS_PER_DAY
        known = state.risk.funding.get(settings.underlying)
        kept = known if known is not None and known.day == day else FundingDay(day=day)
        if known is not None and known.day > day:
            continue
        kept.paid_usd += float(payment.cost) * price
        kept.payments += 1
        state.risk.funding[settings.underlying] = kept


def spent_usd_today(state: EngineState, at_ns: int) -> float:
    """What all hedges paid since 00:00 UTC; negative where they received more."""
    today = at_ns // NS_PER_DAY
    return sum([one.paid_usd for one in state.risk.funding.values() if one.day == today])


def day_cost_usd(state: EngineState, at_ns: int, forecast_usd_day: float) -> float:
    """What counts against the day's budget: the forecast of a day, or what was paid and the forecast of the rest."""
    rest = 1.0 - (at_ns % NS_PER_DAY) / NS_PER_DAY
    return max(forecast_usd_day, spent_usd_today(state, at_ns) + forecast_usd_day * rest)


def problem_of(
    state: EngineState, settings: UnderlyingSettings, at_ns: int, changed: Mapping[InstrumentId, float] = _AS_IT_IS
) -> str:
    """Which limit of rate or share the hedge breaks, in a sentence; empty where it breaks none or is unknown."""
    found = terms(state, settings, at_ns, changed)
    return "" if found is None else _problem(state, settings, at_ns, found)


def _problem(state: EngineState, settings: UnderlyingSettings, at_ns: int, found: Terms) -> str:
    rate_limit, share_limit = in_force(state, "funding_ratio_day_alert", at_ns), state.limits.funding_share_day_max
    if found.ratio_day > rate_limit:
        return f"funding of the {settings.underlying} hedge is {found.ratio_day:.2%} a day, limit {rate_limit:.2%}"
    if found.share_day > share_limit:
        share = f"{found.share_day:.2%} of what it protects"
        return f"funding of the {settings.underlying} hedge costs {share} a day, limit {share_limit:.2%}"
    return ""


def refusal(
    state: EngineState, settings: UnderlyingSettings, at_ns: int, hedge: InstrumentId, before: float, after: float
) -> str:
    """Why a hedge from `before` to `after` contracts is not worth its funding; empty when it may go."""
    if settings.funding_action is FundingAction.ALERT or abs(after) <= abs(before):
        return ""
    if settings.funding_action is FundingAction.SWITCH:
        return _own_rate_problem(state, settings, at_ns, hedge, after)
    return problem_of(state, settings, at_ns, {hedge: after})


def _own_rate_problem(
    state: EngineState, settings: UnderlyingSettings, at_ns: int, hedge: InstrumentId, after: float
) -> str:
    """Where hedges are switched, what is still held in a dear instrument does not stop a hedge in the cheaper one."""
    leg, limit = _leg(state, settings, hedge, after, at_ns), in_force(state, "funding_ratio_day_alert", at_ns)
    if leg is not None and leg[0] > limit:
        return f"funding of {hedge} is {leg[0]:.2%} a day, limit {limit:.2%}"
    now, then = terms(state, settings, at_ns), terms(state, settings, at_ns, {hedge: after})
    share_limit = state.limits.funding_share_day_max
    if now is None or then is None or then.share_day <= max(share_limit, now.share_day):
        return ""
    return f"funding of the {settings.underlying} hedge would cost {then.share_day:.2%} of what it protects a day"


def evidence(state: EngineState, settings: UnderlyingSettings, at_ns: int) -> dict[str, float | None]:
    """What a decision knew of its funding."""
    found, forecast = terms(state, settings, at_ns), limits.funding_cost_usd_per_day(state, at_ns)
    return {
        "funding_ratio_day": None if found is None else found.ratio_day,
        "funding_usd_day": None if found is None else found.usd_day,
        "funding_book_usd_day": forecast,
        "funding_spent_usd_today": spent_usd_today(state, at_ns),
        "funding_limit_usd_day": state.limits.funding_cost_usd_per_day_max,
    }


def sweep(step: Step) -> None:
    """Called by the timer. While a rate is unknown nothing is said anew."""
    state = step.state
    forecast, limit = limits.funding_cost_usd_per_day(state, step.at_ns), state.limits.funding_cost_usd_per_day_max
    over_budget = False
    if forecast is not None:
        cost = day_cost_usd(state, step.at_ns, forecast)
        over_budget = cost > limit
        problem = f"the hedge's funding costs {cost:.2f} USD a day, limit {limit:.2f}" if over_budget else ""
        step.watch(AlertKind.FUNDING_COST_LIMIT, "book", problem, _STEADY_NS)
    for settings in state.settings.underlyings:
        found = terms(state, settings, step.at_ns)
        if found is None:
            continue
        problem = _problem(state, settings, step.at_ns, found)
        step.watch(AlertKind.FUNDING_COST_LIMIT, settings.underlying, problem, _STEADY_NS)
        beyond = problem or ("the day's funding budget is spent" if over_budget and found.usd_day > 0.0 else "")
        if beyond and settings.funding_action is FundingAction.UNWIND:
            _unwind(step, settings, beyond)


def _unwind(step: Step, settings: UnderlyingSettings, why: str) -> None:
    """Close the hedge position and freeze the underlying: a kill of that scope, lifted by its checklist."""
    if scope_key(KillScope.UNDERLYING, settings.underlying) in step.state.latches:
        return
    word = OperatorKilled(
        operator=OPERATOR,
        reason=why,
        scope=KillScope.UNDERLYING,
        name=settings.underlying,
        action=KillAction.FLATTEN,
        cause=f"funding:{settings.underlying}",
    )
    latches.kill(step, word)
