"""What is doubtful about the tracking budgets of a configuration, beside what their strategy refuses by itself.

Owns the sentences. A strategy refuses a budget that its stated noise floor does not leave room for; nobody else knows
that a floor is missing, or how near the budget is. Must not estimate: `hedgebot lab floor` does.
"""

from collections.abc import Sequence

import msgspec

from hedgebot.daemon.plugins import load_strategy
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.settings import BUDGET, FLOOR, StrategySettings

NEAR_RATIO = 1.10
"""Within so much of what is refused a budget is told: a floor is an estimate."""


def budget_doubts(strategies: Sequence[StrategySettings]) -> list[str]:
    """One sentence for each enabled strategy whose budget stands on no floor, or near it."""
    found = []
    for one in strategies:
        budget, floor = one.params.get(BUDGET), one.params.get(FLOOR, 0.0)
        if not one.enabled or not isinstance(budget, int | float) or not isinstance(floor, int | float):
            continue
        keys = f"strategies.{one.name}.params"
        if floor <= 0.0:
            found.append(
                f"{keys}.{FLOOR} is not stated: where options are held, a budget of {budget:g} may be below what an "
                "error in volatility leaves of them (hedgebot lab floor estimates it)"
            )
        elif _refused(one, budget / NEAR_RATIO):
            found.append(
                f"{keys}.{BUDGET} is {budget:g}, within 10 % of what is refused beside a {FLOOR} of {floor:g}: most of "
                "what stays open is the error in volatility, which no band removes"
            )
    return found


def _refused(settings: StrategySettings, budget: float) -> bool:
    """Whether the strategy itself refuses another budget."""
    try:
        load_strategy(msgspec.structs.replace(settings, params={**settings.params, BUDGET: budget}))
    except ConfigError:
        return True
    return False
