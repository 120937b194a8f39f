"""Why the book only reduces risk: causes that come and go by themselves, each with its hysteresis. No latches here.

REDUCING ends when the last cause has been released. A cause that outlives a restart counts again as soon as the book
would be ACTIVE.
"""

from hedgebot.core.step import Step
from hedgebot.domain.commands import Mode


def hold(step: Step, cause: str, why: str) -> None:
    """A rule asks for REDUCING; said again it changes nothing."""
    step.state.risk.reducing.setdefault(cause, why)
    sweep(step)


def release(step: Step, cause: str, why: str) -> None:
    """The rule is content again; the book is ACTIVE when no other cause stands."""
    causes = step.state.risk.reducing
    causes.pop(cause, None)
    if not causes and step.state.mode is Mode.REDUCING:
        step.set_mode(Mode.ACTIVE, why)


def sweep(step: Step) -> None:
    """Keep an ACTIVE book from adding risk while a cause stands."""
    causes = step.state.risk.reducing
    if causes and step.state.mode is Mode.ACTIVE:
        step.set_mode(Mode.REDUCING, next(iter(causes.values())))
