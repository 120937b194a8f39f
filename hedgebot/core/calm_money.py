"""The bounds of the money: how long a look at an account's margin stands, and that a wallet that came since tells none.

A snapshot asked for by the timer comes with the account's newest wallet. Where nothing followed from it, the timer is
at rest as before, but for what it reads in a wallet: use, stresses, losses and the venues' caps are looked at here as
it will look at them. What it leaves behind is `after_timer`'s, which alone changes the state.
"""

from hedgebot.core import limits, loss_limits, margin_gate, margin_legs, margin_watch, venue_risk
from hedgebot.core.calm_look import FREE, NEVER_NS, Bound, Look
from hedgebot.core.margin_watch import LOOK_NS
from hedgebot.core.state import AccountState, EngineState, followed
from hedgebot.domain.durations import NS_PER_MS


def margin(look: Look) -> Bound | None:
    """The venue's number, once looked at, is good until it is too old; a model of ours moves with the price."""
    state, until_ns = look.state, NEVER_NS
    for account in state.accounts.values():
        if not isinstance(margin_legs.model_of(state, account), str):
            return None
        if limits.margin_use(state, account, look.at_ns) is None or account.margin.looked_at_ns != look.timer_ns:
            return None
        until_ns = min(until_ns, account.wallet_at_ns + state.limits.margin_age_ms_max * NS_PER_MS)
    return Bound(until_ns)


def money(look: Look) -> Bound | None:
    """A wallet that came since the newest timer holds nothing that the next one would tell."""
    state, at_ns = look.state, look.at_ns
    newer = [one for one in state.accounts.values() if max(one.wallet_at_ns, one.snapshot_at_ns) >= look.timer_ns]
    if not newer:
        return FREE
    # What was bad at that timer may be good by now: only a timer notes it.
    if min(state.good_at_ns.values(), default=0) != look.timer_ns or not all(one.reconciled for one in followed(state)):
        return None
    told = any(_tells(state, one, at_ns) for one in newer) or any(loss_limits.beyond(state, at_ns))
    return None if told or any(venue_risk.problem(state, one, at_ns)[0] for one in venue_risk.venues(state)) else FREE


def after_timer(state: EngineState, before_ns: int, at_ns: int) -> None:
    """What a timer leaves of the money; `before_ns` was the one before it. Accounts have no model of ours here."""
    for account in state.accounts.values():
        margin = account.margin
        if at_ns - margin.looked_at_ns >= LOOK_NS:
            if account.wallet_at_ns >= margin.looked_at_ns:
                margin.standing_stress = margin_watch.reported_stress(state, account, at_ns)
            margin.looked_at_ns = at_ns
        if account.wallet_at_ns >= before_ns:
            loss_limits.note_equity(state, at_ns)


def _tells(state: EngineState, account: AccountState, at_ns: int) -> bool:
    """Whether a look at the margin of an account that has no model would say anything."""
    use, floor = limits.margin_use(state, account, at_ns), margin_gate.floor_use(state, account)
    found = margin_watch.reported_stress(state, account, at_ns)
    if use is None or found is None or found.shock_use is None:
        return True
    return use > min(state.limits.margin_use_alert, floor) or max(found.shock_use, found.hike_use) > floor
