"""What the control socket's words about proposed top-ups mean: each is an event for the engine. Decides nothing."""

from typing import Any

from hedgebot.daemon.control import Reply, refusal
from hedgebot.daemon.receipts import Receipts
from hedgebot.daemon.words import ANSWER_S_MAX, answered, operator_of, reason_of
from hedgebot.domain.errors import ExitCode
from hedgebot.domain.operator_events import ProposalDecided


class TreasuryVerbs:
    """Handles `treasury-approve` and `treasury-reject`."""

    def __init__(self, receipts: Receipts) -> None:
        self._receipts = receipts

    async def approve(self, args: dict[str, Any]) -> Reply:
        """An operator wants a proposed move made; whether it may still be is the engine's answer."""
        return await self._decide(args, approve=True)

    async def reject(self, args: dict[str, Any]) -> Reply:
        """An operator does not want it."""
        return await self._decide(args, approve=False)

    async def _decide(self, args: dict[str, Any], *, approve: bool) -> Reply:
        number, reason = args.get("number"), reason_of(args, "")
        verb = "approve" if approve else "reject"
        if not isinstance(number, int) or isinstance(number, bool):
            return refusal(f"treasury {verb} needs the number of a proposal", ExitCode.USAGE)
        if not reason:
            return refusal(f"treasury {verb} needs a reason", ExitCode.USAGE)
        event = ProposalDecided(operator=operator_of(args), reason=reason, number=number, approve=approve)
        return answered(f"treasury {verb}", await self._receipts.put(event, ANSWER_S_MAX))
