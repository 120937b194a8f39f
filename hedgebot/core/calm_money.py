"""The bounds of the money: how long a look at an account's margin stands, and whether a snapshot tells the timer more.

A snapshot comes with the account's newest wallet. Where nothing followed from it, the timer is at rest as before, but
for what it reads in a wallet, use, stresses, losses and the venues' caps, which are looked at here as it will look at
them, and for feeds that are good only now. What it leaves behind is `after_timer`'s, which alone changes the state.
"""

from hedgebot.core import kill_rules, limits, loss_limits, margin_gate, margin_legs, margin_watch, venue_risk
from hedgebot.core.calm_look import FREE, NEVER_NS, Bound, Look
from hedgebot.core.margin_watch import LOOK_NS
from hedgebot.core.state import AccountState, EngineState
from hedgebot.domain.durations import NS_PER_MS


def margin(look: Look) -> Bound | None:
    """The venue's number, once looked at, is good until it is too old; a model of ours moves with the price."""
    state, until_ns = look.state, NEVER_NS
    for account in state.accounts.values():
        if not isinstance(margin_legs.model_of(state, account), str):
            return None
        if limits.margin_use(state, account, look.at_ns) is None or account.margin.looked_at_ns != look.timer_ns:
            return None
        until_ns = min(until_ns, account.wallet_at_ns + state.limits.margin_age_ms_max * NS_PER_MS + 1)
    return Bound(until_ns)


def money(look: Look) -> Bound | None:
    """A snapshot that came since the newest timer holds nothing that the next one would tell, or note."""
    state, at_ns = look.state, look.at_ns
    if not look.read:
        return FREE
    # A feed that was bad at that timer, or never good, and is good by now: only a timer notes it.
    if any(state.good_at_ns.get(name) != look.timer_ns for name in kill_rules.good_feeds(state, at_ns)):
        return None
    told = any(_may_tell(state, one, at_ns) for one in state.accounts.values()) or any(loss_limits.beyond(state, at_ns))
    return None if told or any(venue_risk.problem(state, one, at_ns)[0] for one in venue_risk.venues(state)) else FREE


def after_timer(state: EngineState, at_ns: int, *, read: bool) -> bool:
    """What a timer leaves of the money, where nobody has a model of ours; `read`: of a snapshot that came, too.

    Whether it left that for good: a timer that comes sooner than margin is looked at again leaves it to the next.
    """
    due = [one for one in state.accounts.values() if at_ns - one.margin.looked_at_ns >= LOOK_NS]
    for account in due:
        account.margin.looked_at_ns = at_ns
        if read:
            account.margin.standing_stress = margin_watch.reported_stress(state, account, at_ns)
    if read:
        loss_limits.note_equity(state, at_ns)
    return len(due) == len(state.accounts)


def _may_tell(state: EngineState, account: AccountState, at_ns: int) -> bool:
    """Whether a look at the margin of an account without a model might say anything, as far as its wallet goes."""
    use, floor = limits.margin_use(state, account, at_ns), margin_gate.floor_use(state, account)
    found = margin_watch.reported_stress(state, account, at_ns)
    if use is None or found is None or found.shock_use is None:
        return True
    return use > min(state.limits.margin_use_alert, floor) or max(found.shock_use, found.hike_use) > floor
