"""What the control socket's words about limits mean: each is an event for the engine. Decides nothing."""

from typing import Any

from hedgebot.daemon.control import Reply, refusal
from hedgebot.daemon.receipts import Receipts
from hedgebot.daemon.words import ANSWER_S_MAX, answered, operator_of, reason_of
from hedgebot.domain.errors import ExitCode
from hedgebot.domain.operator_events import LimitRaised, LimitRestored


class LimitVerbs:
    """Handles `limit-raise` and `limit-restore`."""

    def __init__(self, receipts: Receipts) -> None:
        self._receipts = receipts

    async def raise_limit(self, args: dict[str, Any]) -> Reply:
        """Raise a soft limit for a while; whether it may be is the engine's answer."""
        to, for_ms = args.get("to"), args.get("for_ms")
        if not _is_number(to) or not _is_number(for_ms):
            return refusal("limit-raise needs to (a number) and for_ms (milliseconds)", ExitCode.USAGE)
        event = LimitRaised(
            operator=operator_of(args),
            reason=reason_of(args, ""),
            limit=str(args.get("limit") or ""),
            to=float(to or 0.0),
            for_ms=int(for_ms or 0),
        )
        return answered("limit raise", await self._receipts.put(event, ANSWER_S_MAX))

    async def restore(self, args: dict[str, Any]) -> Reply:
        """End a raise before its time."""
        event = LimitRestored(
            operator=operator_of(args), reason=reason_of(args, "no reason given"), limit=str(args.get("limit") or "")
        )
        return answered("limit restore", await self._receipts.put(event, ANSWER_S_MAX))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
