"""Facts and words about limits of money, each to the module that owns it. Decides nothing."""

from typing import assert_never

from hedgebot.core import funding_check, loss_limits, raises, risk_limits
from hedgebot.core.step import Step
from hedgebot.domain.operator_events import LimitRaised, LimitRestored
from hedgebot.domain.risk_events import FundingRead, RiskMeasured


def apply(step: Step, event: FundingRead | RiskMeasured | LimitRaised | LimitRestored) -> None:
    """Take what the venue says of funding, what the shell measured of risk, what an operator says of a soft limit."""
    match event:
        case FundingRead():
            funding_check.on_read(step, event)
        case RiskMeasured():
            risk_limits.take(step, event)
        case LimitRaised():
            raises.raise_limit(step, event)
            loss_limits.judge(step, fresh=True)
            risk_limits.judge(step, fresh=True)
        case LimitRestored():
            raises.restore_limit(step, event)
        case _:
            assert_never(event)
