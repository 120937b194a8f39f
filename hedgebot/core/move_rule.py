"""What the gate asks of one order of a move between two hedge instruments, beside the rules of every order."""

from hedgebot.core.candidate import Candidate, Finding, finding


def move_rule(one: Candidate) -> Finding:
    """Neither order of a pair may leave the band, and the opening one opens no more than the closing one closed."""
    effect = one.intent.delta_effect_coin
    after, limit = abs(one.delta_coin + effect - one.centre_coin), one.underlying.trigger_coin
    problem = "" if after <= limit else f"the move would bring the delta to {after:g} from its centre"
    displaced = one.underlying.switch.displaced_coin
    if not problem and not one.intent.reduce_only and abs(displaced + effect) > abs(displaced):
        problem = f"it would open more than the {displaced:g} that was closed"
    return finding("move_coin", after, limit, problem)
