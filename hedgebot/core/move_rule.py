"""What the gate asks of one order of a move between two hedge instruments, beside the rules of every order."""

from hedgebot.core.candidate import Candidate, Finding, finding

_EXACT = 1.0 + 1e-6
"""Displaced coins are a sum of floats."""


def move_rule(one: Candidate) -> Finding:
    """Neither order of a pair may leave the band, and the second one takes back what the first one displaced."""
    effect = one.intent.delta_effect_coin
    after, limit = abs(one.delta_coin + effect - one.centre_coin), one.underlying.trigger_coin
    problem = "" if after <= limit else f"the move would bring the delta to {after:g} from its centre"
    displaced = one.underlying.switch.displaced_coin
    # What rounding to a lot of either left behind goes with the next pair; more than that is taken back first.
    known = (one.state.instruments.get(hedge) for hedge in one.settings.hedge_instruments)
    lot_coin = max(rules.lot_coin(one.underlying.price) for rules in (one.rules, *known) if rules is not None)
    if not problem and abs(displaced) > lot_coin * _EXACT and abs(displaced + effect) > abs(displaced):
        problem = f"{displaced:g} is displaced already, it would be {displaced + effect:g}"
    return finding("move_coin", after, limit, problem)
