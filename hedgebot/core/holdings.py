"""Holdings outside the exchanges as exposure: taken, aged and checked; an untrusted one keeps its last value.

What was read last still is the best guess, so it goes on counting and is shown with its age; an order on its underlying
is sent only if it lowers the book's risk whatever the holding is (safety reference section 2, and invariant I5;
`proof.py`). A holding that was never read makes the exposure unknown. Owns no file and no socket: the shell reads.
"""

from decimal import Decimal

from hedgebot.core import tokens
from hedgebot.core.state import EngineState, settings_of
from hedgebot.core.step import Step
from hedgebot.core.sums import Held
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import DecisionCause
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.holdings import QTY_MAX, HoldingReported, HoldingSettings
from hedgebot.domain.scope import counts_holding

AHEAD_S_MAX = 60
"""A moment further ahead than clocks differ is a wrong unit or zone."""


def on_reported(step: Step, event: HoldingReported) -> None:
    """Take a reading, or keep the last one and say why."""
    settings = next((one for one in counted(step.state) if one.name == event.name), None)
    if settings is None:
        return
    underlying = step.state.underlyings[settings.underlying]
    held = underlying.sums.holdings.setdefault(event.name, Held())
    held.problem = _reading_problem(settings, held, event, step.at_ns)
    if event.qty is None or held.problem:
        _tell(step, settings)
        return
    was_known, before = held.qty is not None, coins(settings, held)
    held.qty, held.as_of_ns = event.qty, event.as_of_ns
    moved = coins(settings, held) - before
    underlying.linear_coin += moved
    underlying.sums.balance_coin += moved
    if moved and was_known:
        underlying.drift.add_flow(float(moved), step.at_ns)
    _tell(step, settings)
    step.touch(settings.underlying, DecisionCause.FILL if moved else DecisionCause.PRICE)


def adopt(state: EngineState) -> None:
    """Add the configured holdings, with what was last read of them, to sums that are made anew (`ledger.rebuild`)."""
    configured = counted(state)
    for settings in configured:
        underlying = state.underlyings[settings.underlying]
        known = coins(settings, underlying.sums.holdings.setdefault(settings.name, Held()))
        underlying.linear_coin += known
        underlying.sums.balance_coin += known
    names = {(one.underlying, one.name) for one in configured}
    for name, underlying in state.underlyings.items():
        for gone in [one for one in underlying.sums.holdings if (name, one) not in names]:
            del underlying.sums.holdings[gone]


def counted(state: EngineState) -> list[HoldingSettings]:
    """The configured holdings that are part of an exposure; what a scope leaves out is neither awaited nor doubted."""
    return [
        one
        for one in state.settings.holdings
        if one.underlying in state.underlyings and counts_holding(state.settings, one.underlying, one.name)
    ]


def coins(settings: HoldingSettings, held: Held) -> Decimal:
    """Coins of the underlying that a holding stands for; none before it was read."""
    return ZERO if held.qty is None else held.qty * Decimal(repr(settings.ratio))


def problem(state: EngineState, underlying: str, at_ns: int) -> str:
    """Why an underlying's holdings, or the ratio of a token in a wallet, cannot be trusted; empty when they can."""
    mine = [one for one in counted(state) if one.underlying == underlying]
    told = next((found for one in mine if (found := _problem(state, one, at_ns))), "")
    settings = settings_of(state, underlying)
    if told or settings is None:
        return told
    return next((found for one in settings.tokens if (found := tokens.problem(state, settings, one))), "")


def doubted(state: EngineState, underlying: str, at_ns: int) -> list[tuple[HoldingSettings, Held]]:
    """The holdings of an underlying that cannot be trusted, with what was last read of them."""
    read = state.underlyings[underlying].sums.holdings
    mine = [one for one in counted(state) if one.underlying == underlying]
    return [(one, read.get(one.name, Held())) for one in mine if _problem(state, one, at_ns)]


def watch(step: Step) -> None:
    """Hold an alert up for each holding, and each token's ratio, that cannot be trusted."""
    for settings in counted(step.state):
        _tell(step, settings)
    tokens.watch(step)


def _tell(step: Step, settings: HoldingSettings) -> None:
    held = step.state.underlyings[settings.underlying].sums.holdings.get(settings.name, Held())
    starting = step.at_ns - step.state.run_started_ns < tokens.FIRST_READING_S * NS_PER_S
    if held.qty is None and not held.problem and starting:
        # Nobody is woken for what every start looks like; nothing is hedged meanwhile all the same.
        return
    step.check(AlertKind.HOLDING_UNTRUSTED, settings.name, _problem(step.state, settings, step.at_ns))


def _problem(state: EngineState, settings: HoldingSettings, at_ns: int) -> str:
    held = state.underlyings[settings.underlying].sums.holdings.get(settings.name, Held())
    kept = (
        ""
        if held.qty is None
        else f"; it counts with its last {held.qty}, and only what is proven to lower risk is sent"
    )
    if held.problem:
        return f"holding {settings.name}: {held.problem}{kept}"
    age_s = (at_ns - held.as_of_ns) / NS_PER_S
    if held.qty is None:
        return f"holding {settings.name} was not read yet"
    if age_s > settings.age_s_max:
        return f"holding {settings.name} is {age_s:.0f} s old, age_s_max is {settings.age_s_max:g}{kept}"
    return ""


def _reading_problem(settings: HoldingSettings, held: Held, event: HoldingReported, at_ns: int) -> str:
    if event.problem or event.qty is None:
        return event.problem or "it could not be read"
    if not event.qty.is_finite() or not 0 <= event.qty <= QTY_MAX:
        return (
            f"its quantity is {str(event.qty)[:40]}, it must be a number of zero or more, and of at most {QTY_MAX:.0E}"
        )
    ahead_s = (event.as_of_ns - at_ns) / NS_PER_S
    if ahead_s > AHEAD_S_MAX:
        return f"it is dated {ahead_s:.0f} s in the future: its time must be UTC or name its zone"
    return _size_problem(settings, held.qty, event.qty)


def _size_problem(settings: HoldingSettings, last: Decimal | None, qty: Decimal) -> str:
    """What a quantity is too large for: the most there may be of it, or a change at once; the first is one, too."""
    ratio, where = Decimal(repr(settings.ratio)), "with `hedgebot config apply` if that is true"
    if settings.coin_max is not None and qty * ratio > Decimal(repr(settings.coin_max)):
        coins_read = f"it is {qty}, {float(qty * ratio):g} {settings.underlying}"
        return f"{coins_read}, coin_max is {settings.coin_max:g}: raise it {where}"
    if last is None and settings.coin_max is not None:
        return ""
    jump = abs(qty - (last or ZERO)) * ratio
    if jump <= Decimal(repr(settings.jump_coin_max)):
        return ""
    moved = f"{float(jump):g} {settings.underlying} at once, jump_coin_max is {settings.jump_coin_max:g}"
    if last is None:
        return f"its first reading is {qty}, {moved}: say with coin_max what there may be of it, {where}"
    return f"it changed from {last} to {qty}, {moved}: raise it {where}"
