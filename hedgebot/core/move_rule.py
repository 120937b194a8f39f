"""What the gate asks of one order of a move between two hedge instruments, beside the rules of every order."""

from hedgebot.core import hedges, policy
from hedgebot.core.candidate import Candidate, Finding, finding

_EXACT = 1.0 + 1e-6
"""Displaced coins are a sum of floats."""


def move_rule(one: Candidate) -> Finding:
    """Neither order of a pair may leave the band, and the second one takes back what the first one displaced."""
    effect = one.intent.delta_effect_coin
    distance = one.delta_coin + effect - one.centre_coin
    after, (limit, _) = abs(distance), policy.edges(one.underlying, distance)
    problem = "" if after <= limit else f"the move would bring the delta to {after:g} from its centre"
    displaced = one.underlying.switch.displaced_coin
    # What is left behind and less than the venue would take alone goes with the next pair; more is taken back first.
    least_coin = hedges.least_coin(one.state, one.settings)
    if not problem and abs(displaced) > least_coin * _EXACT and abs(displaced + effect) > abs(displaced):
        problem = f"{displaced:g} is displaced already, it would be {displaced + effect:g}"
    return finding("move_coin", after, limit, problem)
