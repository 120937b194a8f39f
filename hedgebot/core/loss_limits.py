"""Losses against their limits: of the day, from the high-water mark, and of hedging beyond its plan. Soft and hard.

Owns the watch over soft limits and the marks; the hard ones are kill rules (`kill_rules.py` asks `firing`). Equity is
the venue's. What hedgebot itself moved in is no profit (`limits.take_wallet` lifts the marks by it); what people move
is not told apart: a withdrawal looks like a loss and a deposit lifts the mark (RB-32, RB-35).
"""

from collections.abc import Iterator
from functools import partial

from hedgebot.core import raises
from hedgebot.core.limits import margin_age_ms
from hedgebot.core.risk_state import Mark
from hedgebot.core.state import EngineState, UnderlyingState, followed
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.durations import NS_PER_DAY

PLANNED_AFTER_DAYS = 1.0 / 24.0
"""Before an hour of it has been predicted a plan is none."""


def sweep(step: Step) -> None:
    """Called by the timer: marks are kept, soft limits looked at. What is unknown says nothing anew."""
    note_equity(step.state, step.at_ns)
    judge(step)


def judge(step: Step, *, fresh: bool = False) -> None:
    """Hold each figure against its soft limit; `fresh` when an operator has just changed one."""
    state = step.state
    for account in followed(state):
        if (loss := daily_loss_usd(state, account.name)) is not None:
            lost = partial(_lost, account.name, loss)
            raises.judge(step, "daily_loss_usd_alert", AlertKind.DAILY_LOSS, account.name, loss, lost, fresh=fresh)
    if (fallen := drawdown_ratio(state, step.at_ns)) is not None:
        fell = partial(_fell, state.limits.drawdown_window_days, fallen)
        raises.judge(step, "drawdown_ratio_alert", AlertKind.DRAWDOWN, "book", fallen, fell, fresh=fresh)
    for name, underlying in state.underlyings.items():
        if (bleed := bleed_usd(underlying)) is not None:
            cost = partial(_bled, name, bleed)
            raises.judge(step, "bleed_usd_alert", AlertKind.HEDGE_BLEED, name, bleed, cost, fresh=fresh)


# Words of a figure, made where it is beyond its limit alone: the timer looks four times a second.


def _lost(account: str, loss: float, limit: float) -> str:
    return f"{account} lost {loss:.0f} USD today, limit {limit:.0f}"


def _fell(days: int, fallen: float, limit: float) -> str:
    return f"equity is {fallen:.1%} below its highest of the last {days} days, limit {limit:.1%}"


def _bled(underlying: str, bleed: float, limit: float) -> str:
    return f"hedging {underlying} cost {bleed:.0f} USD more than planned, limit {limit:.0f}"


def firing(state: EngineState, at_ns: int) -> Iterator[tuple[str, str]]:
    """The kill rule: causes that halt the book, each with its sentence."""
    limits = state.limits
    for account in followed(state):
        loss = daily_loss_usd(state, account.name)
        if loss is not None and loss > limits.daily_loss_usd_max:
            why = f"{account.name} lost {loss:.0f} USD today, the limit is {limits.daily_loss_usd_max:.0f}"
            yield f"daily_loss:{account.name}", why
    fallen = drawdown_ratio(state, at_ns)
    if fallen is not None and fallen > limits.drawdown_ratio_max:
        yield "drawdown", f"equity is {fallen:.1%} below its highest, the limit is {limits.drawdown_ratio_max:.1%}"
    for underlying in state.underlyings.values():
        bleed = bleed_usd(underlying)
        if bleed is not None and bleed > limits.bleed_usd_max:
            why = f"hedging {underlying.name} cost {bleed:.0f} USD more than planned"
            yield f"hedge_bleed:{underlying.name}", f"{why}, the limit is {limits.bleed_usd_max:.0f}"


def beyond(state: EngineState, at_ns: int) -> Iterator[bool]:
    """Of each figure that an account's equity makes, whether it is beyond its soft or its hard limit."""
    limits = state.limits
    loss_usd = min(raises.in_force(state, "daily_loss_usd_alert", at_ns), limits.daily_loss_usd_max)
    for account in followed(state):
        yield (daily_loss_usd(state, account.name) or 0.0) > loss_usd
    ratio = min(raises.in_force(state, "drawdown_ratio_alert", at_ns), limits.drawdown_ratio_max)
    yield (drawdown_ratio(state, at_ns) or 0.0) > ratio


def daily_loss_usd(state: EngineState, account: str) -> float | None:
    """Equity lost since 00:00 UTC; negative is a gain, None while it is not known (a move may be inside or not)."""
    one = state.accounts[account]
    if state.treasury.unsettled(account, state.at_ns):
        return None
    if one.wallet is None or one.wallet.equity_usd is None or one.day_equity_usd is None:
        return None
    return float(one.day_equity_usd - one.wallet.equity_usd)


def book_equity_usd(state: EngineState, at_ns: int) -> float | None:
    """Equity of all accounts whose fills are seen, so that moving money between them is no loss; None while unknown."""
    found, accounts = 0.0, followed(state)
    for account in accounts:
        age_ms = margin_age_ms(account, at_ns)
        if account.wallet is None or account.wallet.equity_usd is None or age_ms > state.limits.margin_age_ms_max:
            return None
        if state.treasury.unsettled(account.name, at_ns):
            return None
        found += float(account.wallet.equity_usd)
    return found if accounts else None


def drawdown_ratio(state: EngineState, at_ns: int) -> float | None:
    """How far equity is below its highest of the window, as a share of that; None while either is not known."""
    equity = book_equity_usd(state, at_ns)
    if equity is None:
        return None
    highest = max([one.equity_usd for one in _in_window(state, at_ns)], default=0.0)
    if highest <= 0.0:
        return None
    return max(1.0 - equity / highest, 0.0)


def bleed_usd(underlying: UnderlyingState) -> float | None:
    """What hedging cost in the present window above what its bands promised; None before there was a plan.

    The plan is what was predicted, carried over the time for which nothing was.
    """
    # The window's four sums alone: the timer asks twice each time, and most of them are nobody's business here.
    sums, before = underlying.tracking.sums, underlying.tracking.before
    predicted_days = sums.predicted_days - before.predicted_days
    if predicted_days < PLANNED_AFTER_DAYS:
        return None
    plan_usd_day = (sums.predicted_cost_usd - before.predicted_cost_usd) / predicted_days
    return sums.cost_usd - before.cost_usd - plan_usd_day * (sums.days - before.days)


def note_equity(state: EngineState, at_ns: int) -> None:
    """Keep the highest equity of each day of the window."""
    equity, day = book_equity_usd(state, at_ns), at_ns // NS_PER_DAY
    if equity is None:
        return
    risk = state.risk
    if not risk.marks or risk.marks[-1].day != day:
        risk.marks = [*_in_window(state, at_ns), Mark(day=day, equity_usd=equity)]
    elif equity > risk.marks[-1].equity_usd:
        risk.marks[-1] = Mark(day=day, equity_usd=equity)


def _in_window(state: EngineState, at_ns: int) -> list[Mark]:
    first = at_ns // NS_PER_DAY - state.limits.drawdown_window_days
    return [one for one in state.risk.marks if one.day > first]
