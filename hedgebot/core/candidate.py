"""What the gate judges: one intent with everything that its rules may look at, and what a rule says of it.

Owns the definitions of risk-reducing and urgent (safety reference section 2). Holds no rule and approves nothing.
"""

from collections.abc import Callable
from typing import Self

import msgspec

from hedgebot.core import limits, margin_gate, order_table
from hedgebot.core.margin_gate import MarginEffect
from hedgebot.core.quotes import Quote
from hedgebot.core.state import AccountState, EngineState, UnderlyingState
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.orders import OrderIntent, RuleCheck
from hedgebot.domain.settings import UnderlyingSettings


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An intent with everything the rules may look at.

    `delta_coin` is the underlying's net delta before it, `centre_coin` what the hedge brings it towards, `effect` what
    it does to the margin (None: only the venue's last number is known).
    """

    state: EngineState
    settings: UnderlyingSettings
    underlying: UnderlyingState
    account: AccountState
    rules: Instrument
    quote: Quote
    intent: OrderIntent
    delta_coin: float
    centre_coin: float = 0.0
    effect: MarginEffect | None = None
    at_ns: int

    @classmethod
    def of(
        cls,
        state: EngineState,
        settings: UnderlyingSettings,
        intent: OrderIntent,
        at_ns: int,
        *,
        delta_coin: float,
        centre_coin: float = 0.0,
        effect: MarginEffect | None = None,
    ) -> Self:
        """With what the state knows of the intent's account and instrument; KeyError where that is nothing."""
        return cls(
            state=state,
            settings=settings,
            underlying=state.underlyings[settings.underlying],
            account=state.accounts[intent.account],
            rules=state.instruments[intent.instrument],
            quote=state.quotes[intent.instrument],
            intent=intent,
            delta_coin=delta_coin,
            centre_coin=centre_coin,
            effect=effect,
            at_ns=at_ns,
        )

    def worst_delta_coin(self, after_coin: float = 0.0) -> float:
        """The most absolute delta there can be once it moved by `after_coin`, whatever of our live orders fills."""
        down, up = order_table.pending_delta_coin(self.state, self.underlying.name)
        delta_coin = self.delta_coin + after_coin
        return max(abs(delta_coin + down), abs(delta_coin + up))

    @property
    def reduces_delta(self) -> bool:
        """Whether the whole fill would leave less absolute delta, at the worst that live orders can do to it."""
        return self.worst_delta_coin(self.intent.delta_effect_coin) < self.worst_delta_coin()

    @property
    def is_urgent(self) -> bool:
        """Whether it brings a delta back that is beyond its hard limit, or that a delivery takes its hedge from."""
        beyond = abs(self.delta_coin) > self.settings.delta_limit_coin
        return self.reduces_delta and (beyond or self.underlying.sums.settling)

    @property
    def grows_position(self) -> bool:
        """Whether the order needs margin: it does not only shrink the position of its own instrument."""
        return not self.intent.reduce_only

    @property
    def reduces_risk(self) -> bool:
        """The one definition: less delta, and no margin taken from a buffer that is unknown or ends below its floor."""
        if not self.reduces_delta:
            return False
        if self.effect is not None:
            return self.effect.keeps_floor
        if not self.grows_position:
            return True
        reported = limits.margin_use(self.state, self.account, self.at_ns)
        use = margin_gate.judged_use(self.state, self.account, reported)
        return use is not None and use < margin_gate.floor_use(self.state, self.account)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule found; `problem` is empty when the rule is content."""

    check: RuleCheck
    problem: str


Rule = Callable[[Candidate], Finding]


def finding(rule: str, value: float | str, limit: float | str, problem: str = "") -> Finding:
    """Say what a rule found; without a problem it is content."""
    return Finding(check=RuleCheck(rule=rule, value=value, limit=limit), problem=problem)
