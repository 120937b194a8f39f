"""What a kill can stop and what it does there: scopes, actions, and which action makes sense for which scope.

Owns the words and the names of kill files' scopes. Decides nothing about an order (safety reference section 13).
"""

from enum import StrEnum

FROM_FILE = "kill file"
"""The operator of a kill that a file in the state folder gave: it repeats itself at every start and changes nothing."""

KILL_STRATEGY = "kill"
"""`OrderIntent.strategy` of orders that a kill's own action sends."""


class KillScope(StrEnum):
    """What is stopped: one order, one strategy, what belongs to an underlying, an account or a venue, or everything."""

    ORDER = "order"
    STRATEGY = "strategy"
    UNDERLYING = "underlying"
    ACCOUNT = "account"
    VENUE = "venue"
    ALL = "all"


class KillAction(StrEnum):
    """What happens there, beside the cancels that every kill sends first.

    FREEZE: no order, the position is kept. REDUCE: only orders that reduce risk. HEDGE_TO_FLAT: the target delta is
    zero and only orders that reduce risk go out until there, then frozen. FLATTEN: our hedge positions are closed, then
    frozen.
    """

    FREEZE = "freeze"
    REDUCE = "reduce"
    HEDGE_TO_FLAT = "hedge-to-flat"
    FLATTEN = "flatten"


def scope_key(scope: KillScope, name: str) -> str:
    """One word for a scope with its name: `all`, `venue:bybit`, `order:4b...`."""
    return str(scope) if scope is KillScope.ALL else f"{scope}:{name}"


def scope_words(scope: KillScope, name: str) -> str:
    """A scope in a sentence."""
    return "the book" if scope is KillScope.ALL else f"{scope.value} {name}"


def action_problem(scope: KillScope, name: str, action: KillAction) -> str:
    """Why this action makes no sense for this scope, in a sentence; empty when it does."""
    if scope is KillScope.ALL:
        return f"a kill of the whole book has no name, not {name!r}" if name else ""
    if not name:
        return f"a kill of one {scope.value} needs its name"
    if scope is KillScope.ORDER and action is not KillAction.FREEZE:
        return f"an order can only be cancelled (freeze), {action.value} needs a strategy, underlying, account or venue"
    if scope is KillScope.STRATEGY and action is KillAction.FLATTEN:
        return "positions are not kept by strategy: flatten an underlying, an account, a venue or the book"
    return ""
