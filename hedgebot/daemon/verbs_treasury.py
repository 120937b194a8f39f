"""What the control socket's words about top-ups mean: each is an event for the engine. Decides nothing."""

from typing import Any

from hedgebot.daemon.control import Reply, refusal
from hedgebot.daemon.receipts import Receipts
from hedgebot.daemon.words import ANSWER_S_MAX, answered, operator_of, reason_of
from hedgebot.domain.errors import ExitCode
from hedgebot.domain.operator_events import MoveResolved, ProposalDecided, Resolution


class TreasuryVerbs:
    """Handles `treasury-approve`, `treasury-reject`, `treasury-adopt` and `treasury-forget`."""

    def __init__(self, receipts: Receipts) -> None:
        self._receipts = receipts

    async def approve(self, args: dict[str, Any]) -> Reply:
        """An operator wants a proposed move made; whether it may still be is the engine's answer."""
        return await self._decide(args, approve=True)

    async def reject(self, args: dict[str, Any]) -> Reply:
        """An operator does not want it."""
        return await self._decide(args, approve=False)

    async def adopt(self, args: dict[str, Any]) -> Reply:
        """An operator says that a move without a proven end has arrived."""
        return await self._resolve(args, Resolution.ADOPT)

    async def forget(self, args: dict[str, Any]) -> Reply:
        """An operator says that it was never made."""
        return await self._resolve(args, Resolution.FORGET)

    async def _decide(self, args: dict[str, Any], *, approve: bool) -> Reply:
        number, reason = _number(args), reason_of(args, "")
        verb = "approve" if approve else "reject"
        if number is None:
            return refusal(f"treasury {verb} needs the number of a proposal", ExitCode.USAGE)
        if not reason:
            return refusal(f"treasury {verb} needs a reason", ExitCode.USAGE)
        event = ProposalDecided(operator=operator_of(args), reason=reason, number=number, approve=approve)
        return answered(f"treasury {verb}", await self._receipts.put(event, ANSWER_S_MAX))

    async def _resolve(self, args: dict[str, Any], resolution: Resolution) -> Reply:
        number, reason = _number(args), reason_of(args, "")
        if number is None:
            return refusal(f"treasury {resolution} needs the number of a move", ExitCode.USAGE)
        if not reason:
            return refusal(f"treasury {resolution} needs evidence: what the venue shows, and where", ExitCode.USAGE)
        event = MoveResolved(operator=operator_of(args), reason=reason, number=number, resolution=resolution)
        return answered(f"treasury {resolution}", await self._receipts.put(event, ANSWER_S_MAX))


def _number(args: dict[str, Any]) -> int | None:
    number = args.get("number")
    return number if isinstance(number, int) and not isinstance(number, bool) else None
