"""What operators say, as events: kill and unkill, switches, settings, and the end of an order that nobody can look up.

Facts only, like every event; whether a word is taken is the engine's answer.
"""

from enum import StrEnum

import msgspec

from hedgebot.domain.kill import KillAction, KillScope
from hedgebot.domain.settings import EngineSettings


class _Word(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base of operators' words: an event with who says so and why."""

    operator: str
    reason: str


class OperatorKilled(_Word, frozen=True, kw_only=True):
    """An operator (or a kill file, a signal, a rule of the shell) stopped a scope. Latched until OperatorUnkilled.

    `cause` names the rule that fired by itself; empty for a person's word. `name` is empty for the whole book.
    """

    scope: KillScope = KillScope.ALL
    name: str = ""
    action: KillAction = KillAction.FREEZE
    cause: str = ""


class OperatorUnkilled(_Word, frozen=True, kw_only=True):
    """An operator asks to lift a latch; the engine's checklist decides.

    `reviewed` are the causes, throttles, other latches and differences that the operator has looked at, by their names.
    `unmet` is what the shell found against it (journal, versions, configuration), a sentence each.
    """

    scope: KillScope = KillScope.ALL
    name: str = ""
    reviewed: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()


class Resolution(StrEnum):
    """What an operator found out about an order or a move of collateral.

    ADOPT: the venue had it, it has ended (a move: the coins are there). FORGET: it never got there.
    """

    ADOPT = "adopt"
    FORGET = "forget"


class OrderResolved(_Word, frozen=True, kw_only=True):
    """An operator says how an order ended that could not be looked up; `reason` is the evidence."""

    client_id: str
    resolution: Resolution


class StrategySwitched(_Word, frozen=True, kw_only=True):
    """An operator switched a strategy on or off."""

    strategy: str
    enabled: bool


class ConfigApplied(_Word, frozen=True, kw_only=True):
    """An operator applied a changed configuration; `changes` are lines "key: old -> new"."""

    settings: EngineSettings
    changes: tuple[str, ...]


class LimitRaised(_Word, frozen=True, kw_only=True):
    """An operator raises a soft limit for a while."""

    limit: str
    to: float
    for_ms: int


class LimitRestored(_Word, frozen=True, kw_only=True):
    """An operator ends a raise before its time."""

    limit: str


class ProposalDecided(_Word, frozen=True, kw_only=True):
    """An operator approves or rejects a proposed top-up, by its number."""

    number: int
    approve: bool


class MoveResolved(_Word, frozen=True, kw_only=True):
    """An operator says how a move of collateral ended that could not be looked up; `reason` is the evidence."""

    number: int
    resolution: Resolution


OperatorEvent = (
    OperatorKilled
    | OperatorUnkilled
    | OrderResolved
    | StrategySwitched
    | ConfigApplied
    | LimitRaised
    | LimitRestored
    | ProposalDecided
    | MoveResolved
)
