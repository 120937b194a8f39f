"""Words about top-ups become events; without a number or a reason nothing reaches the engine."""

from typing import Any

import pytest

from hedgebot.daemon.verbs_treasury import TreasuryVerbs
from hedgebot.domain.errors import ExitCode
from hedgebot.domain.operator_events import MoveResolved, ProposalDecided, Resolution
from tests.unit.daemon.test_verbs_limits import Heard


@pytest.mark.parametrize("approve", [True, False])
async def test_a_decision_is_an_event_with_its_number(approve: bool) -> None:
    heard = Heard()
    verbs = TreasuryVerbs(heard)
    decide = verbs.approve if approve else verbs.reject
    reply = await decide({"number": 3, "operator": "ann", "reason": "seen"})
    assert reply.ok
    assert heard.events == [ProposalDecided(operator="ann", reason="seen", number=3, approve=approve)]


@pytest.mark.parametrize(
    "args", [{"reason": "r"}, {"number": "3", "reason": "r"}, {"number": True, "reason": "r"}, {"number": 3}]
)
async def test_what_is_no_number_or_has_no_reason_is_refused(args: dict[str, Any]) -> None:
    heard = Heard()
    reply = await TreasuryVerbs(heard).approve(args)
    assert (reply.ok, reply.code, heard.events) == (False, ExitCode.USAGE, [])


@pytest.mark.parametrize("resolution", list(Resolution))
async def test_a_word_on_a_lost_move_is_an_event_with_its_evidence(resolution: Resolution) -> None:
    heard = Heard()
    verbs = TreasuryVerbs(heard)
    resolve = verbs.adopt if resolution is Resolution.ADOPT else verbs.forget
    reply = await resolve({"number": 3, "operator": "eve", "reason": "ticket 42"})
    assert reply.ok
    assert heard.events == [MoveResolved(operator="eve", reason="ticket 42", number=3, resolution=resolution)]
    for args in ({"number": 3}, {"reason": "r"}, {"number": "3", "reason": "r"}):
        reply = await resolve(args)
        assert (reply.ok, reply.code, len(heard.events)) == (False, ExitCode.USAGE, 1)
