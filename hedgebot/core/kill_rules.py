"""Kill rules that fire by themselves: something was wrong, or unknown, for too long. A rule that errors fires.

Beside them halts come from where they are found: the breakers (fills that do not hedge), the watch over limits
(silence, unexplained positions), the engine (a refused key, a task or a journal that failed for good) and the
shell (a crash loop). What a rule needs and has not got counts against the book as soon as there is something to lose: a
dead feed is no proof of safety (hummingbot's kill switch failed open in 49 of 49 checks). One that never came in this
run is as dead: it counts from the run's start, for what the journal knows to be held.

An input that cannot be worked out counts as fired by its own name, at once. So does whatever the timer or a decision
looks at (`guarded`): an error there would end the process, and the same journal would end the next one.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Concatenate, NamedTuple, ParamSpec

from hedgebot.core import forced, hedges, latches, ledger, limits, loss_limits, market, tokens
from hedgebot.core.exposure import exposure_problem
from hedgebot.core.order_table import live_orders
from hedgebot.core.state import AccountState, EngineState, followed
from hedgebot.core.step import Step
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.settings import UnderlyingSettings

CLOCK_OFFSET_MS_HALT = 1_000.0
"""As far as Bybit lets a stamp run ahead of its clock. It is measured once a minute: one bad reading halts nothing."""

PAUSES_HALT = 5
PAUSES_WINDOW_NS = 600 * 1_000_000_000
"""So many standstills of the process within ten minutes, like the starts of a crash loop: this machine cannot hedge."""

CHECK = "check:"
"""What the cause of a latch begins with that a check has set because it failed; its name follows."""

ERRORS = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError)
"""What a check that meets a state it was not made for raises."""

_ACCOUNT_FEEDS = {
    "reconciliation": "{} could not be reconciled with its venue",
    "margin": "margin and equity of {} are unknown",
    "clock": "our clock and the one of {}'s venue differ by more than a second, or it is not measured",
}


P = ParamSpec("P")


class Fired(NamedTuple):
    """A cause by its name, with its sentence, and the underlying that it freezes; empty: it halts the book."""

    cause: str
    why: str
    underlying: str = ""


Rule = Callable[[EngineState, int], Iterator[Fired]]


def watch(step: Step) -> None:
    """Halt the book, or freeze an underlying, for every rule that fires; called by the timer."""
    _note_health(step)
    # Feeds that have just been found good could be worked out: none of them is asked a second time.
    left_out = _inputs if _all_good(step.state, step.at_ns) else None
    for cause, why, underlying in firing(step.state, step.at_ns, left_out):
        step.halt(why, cause, underlying=underlying)


def guarded(step: Step, look: Callable[Concatenate[Step, P], None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Do one look of the engine; one that errors counts as fired, and keeps no other from being done."""
    try:
        look(step, *args, **kwargs)
    except ERRORS as error:
        _fire(step, look, error)


def guarded_each(step: Step, looks: Iterable[Callable[[Step], None]]) -> None:
    """Do one look after the other, each `guarded`."""
    for look in looks:
        try:
            look(step)
        except ERRORS as error:
            _fire(step, look, error)


def _fire(step: Step, look: Callable[..., None], error: Exception) -> None:
    fired = _failed(look.__module__.rpartition(".")[2], error)
    step.halt(fired.why, fired.cause)


def note_pause(step: Step) -> None:
    """The process stood still: kept for as long as the rule looks back."""
    state = step.state
    state.pauses = [one for one in state.pauses if step.at_ns - one <= PAUSES_WINDOW_NS][-PAUSES_HALT:]
    state.pauses.append(step.at_ns)


def firing(state: EngineState, at_ns: int, left_out: Rule | None = None) -> list[Fired]:
    """Causes that would halt now, of all rules but one. A rule that cannot be worked out fires, for the whole book."""
    found: list[Fired] = []
    for rule in RULES:
        try:
            found += rule(state, at_ns) if rule is not left_out else ()
        except ERRORS as error:
            found.append(_failed(rule.__name__.strip("_"), error))
    return found


def _failed(name: str, error: Exception) -> Fired:
    # The type alone: the same sentence each time, and nothing of what an error quotes.
    return Fired(f"{CHECK}{name}", f"the kill check {name} failed ({type(error).__name__}): it counts as fired")


def _note_health(step: Step) -> None:
    """When each feed that a rule needs was good last; one that was not yet is blind from its first look on."""
    known, at_ns = step.state.good_at_ns, step.at_ns
    for name, is_good in _feeds(step.state, at_ns):
        if _holds(is_good):
            known[name] = at_ns
        elif name not in known:
            # A moment before this look, which did not find it good.
            known[name] = at_ns - 1


def good_feeds(state: EngineState, at_ns: int) -> Iterator[str]:
    """The names of the feeds that are good now."""
    return (name for name, is_good in _feeds(state, at_ns) if _holds(is_good))


def _holds(is_good: Callable[[], bool]) -> bool:
    """Whether a feed is good; one that cannot be worked out is not."""
    try:
        return is_good()
    except ERRORS:
        return False


def _inputs(state: EngineState, at_ns: int) -> Iterator[Fired]:
    """Every feed that cannot be worked out, each by its name."""
    for name, is_good in _feeds(state, at_ns):
        try:
            is_good()
        except ERRORS as error:
            yield _failed(name, error)


def _feeds(state: EngineState, at_ns: int) -> Iterator[tuple[str, Callable[[], bool]]]:
    """Every feed that a rule needs, by name, and how to ask whether it is good now."""
    for settings in state.settings.underlyings:
        name = settings.underlying
        yield f"market:{name}", partial(_market_is_good, state, settings, at_ns)
        yield f"exposure:{name}", partial(_exposure_is_known, state, name)
    for account in followed(state):
        yield f"reconciliation:{account.name}", partial(bool, account.reconciled)
        yield f"margin:{account.name}", partial(_margin_is_known, state, account, at_ns)
        yield f"clock:{account.name}", partial(_clock_is_good, account, at_ns)


def _market_is_good(state: EngineState, settings: UnderlyingSettings, at_ns: int) -> bool:
    # A book without a mark is held to nothing: the gate opens nothing on it, so that feed is as dead as the book's.
    return not (hedges.stale(state, settings, at_ns) or hedges.unmarked(state, settings, at_ns))


def _exposure_is_known(state: EngineState, name: str) -> bool:
    return not exposure_problem(state.underlyings[name])


def _margin_is_known(state: EngineState, account: AccountState, at_ns: int) -> bool:
    return limits.margin_use(state, account, at_ns) is not None


def _clock_is_good(account: AccountState, at_ns: int) -> bool:
    offset_ms = account.clock_offset_ms if market.clock_is_known(account, at_ns) else None
    return offset_ms is not None and abs(offset_ms) <= CLOCK_OFFSET_MS_HALT


def _all_good(state: EngineState, at_ns: int) -> bool:
    """Whether every feed is good at this very moment, as it nearly always is: none is blind."""
    return min(state.good_at_ns.values(), default=0) == at_ns


def _blind_market(state: EngineState, at_ns: int) -> Iterator[Fired]:
    if _all_good(state, at_ns):
        return
    # What is frozen because its hedge ends needs no market, and will have none.
    for settings in latches.going_on(state):
        name = settings.underlying
        # Whether anything is held is asked last: that is a walk through the book, four times a second.
        blind = [(feed, _blind_s(state, f"{feed}:{name}", at_ns)) for feed in ("market", "exposure")]
        if all(seconds is None for _, seconds in blind) or not _has_something(state, name):
            continue
        old = [f"no fresh book of {one}" for one in hedges.stale(state, settings, at_ns)]
        old += [f"no fresh mark of {one}" for one in hedges.unmarked(state, settings, at_ns)]
        words = {"market": " and ".join(old), "exposure": f"the exposure of {name} is unknown"}
        for feed, seconds in blind:
            if seconds is not None:
                yield Fired(f"{feed}:{name}", f"{words[feed]} for {seconds} s")


def _blind_account(state: EngineState, at_ns: int) -> Iterator[Fired]:
    if _all_good(state, at_ns):
        return
    for account in followed(state):
        name = account.name
        blind = [(feed, _blind_s(state, f"{feed}:{name}", at_ns)) for feed in _ACCOUNT_FEEDS]
        if all(seconds is None for _, seconds in blind) or not _holds_something(state, account):
            continue
        for feed, seconds in blind:
            if seconds is not None:
                yield Fired(f"{feed}:{name}", f"{_ACCOUNT_FEEDS[feed].format(name)} for {seconds} s")


def _losses(state: EngineState, at_ns: int) -> Iterator[Fired]:
    yield from itertools.starmap(Fired, loss_limits.firing(state, at_ns))


def _loop_lag(state: EngineState, at_ns: int) -> Iterator[Fired]:
    recent = [one for one in state.pauses if at_ns - one <= PAUSES_WINDOW_NS]
    if len(recent) >= PAUSES_HALT:
        minutes = PAUSES_WINDOW_NS // 60_000_000_000
        yield Fired("loop_lag", f"the process stood still {len(recent)} times within {minutes} minutes")


def _settling(state: EngineState, at_ns: int) -> Iterator[Fired]:
    """A hedge that ends leaves its own underlying naked, and no other: that one is frozen."""
    for settings in state.settings.underlyings:
        for hedge in hedges.in_use(state, settings):
            if forced.settles_in_ms(state, hedge, at_ns) <= state.limits.settling_ms_halt:
                # No figure: the same sentence each time it is looked at.
                ends = f"{hedge} is about to be settled or delisted"
                if hedge == settings.hedge_instrument:
                    # Also where nothing stands in it any more: when its market ends the delta is valued at no price.
                    ends += f", and {settings.underlying} is valued at its price"
                why = f"{ends}: hedge with another instrument"
                yield Fired(f"{latches.SETTLING}{hedge}", why, settings.underlying)


RULES: tuple[Rule, ...] = (_inputs, _blind_market, _blind_account, _loop_lag, _settling, _losses)


def _blind_s(state: EngineState, feed: str, at_ns: int) -> int | None:
    """For how many seconds a feed has been bad, when that is too long; a pause of ours does not count against it."""
    last = state.good_at_ns.get(feed)
    if last is None:
        # The timer looks first.
        return None
    blind_ms = (at_ns - max(last, state.resumed_at_ns)) // NS_PER_MS
    return blind_ms // 1_000 if blind_ms > state.limits.blind_ms_halt else None


def _has_something(state: EngineState, underlying: str) -> bool:
    held = any(
        one.contracts
        and one.instrument in state.instruments
        and state.instruments[one.instrument].underlying == underlying
        for one in state.positions.values()
    )
    coins = any(tokens.is_held(state, one, underlying) for one in state.coins.values())
    return held or coins or any(one.intent.underlying == underlying for one in live_orders(state))


def _holds_something(state: EngineState, account: AccountState) -> bool:
    held = bool(ledger.held_on(state, account.name))
    coins = any(one.qty != ZERO for one in state.coins.values() if one.account == account.name)
    return held or coins or any(one.intent.account == account.name for one in live_orders(state))
