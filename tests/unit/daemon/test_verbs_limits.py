"""Words about limits become events; what is no number never reaches the engine."""

from typing import Any

import pytest

from hedgebot.daemon.receipts import Answer, Receipts
from hedgebot.daemon.verbs_limits import LimitVerbs
from hedgebot.domain.commands import RecordOperator
from hedgebot.domain.errors import ExitCode
from hedgebot.domain.events import Event
from hedgebot.domain.operator_events import LimitRaised, LimitRestored


class Heard(Receipts):
    """An engine that says yes to everything."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def put(self, event: Event, _timeout_s: float) -> Answer | None:
        self.events.append(event)
        word = RecordOperator(operator="ann", action="limit", accepted=True, explanation="taken")
        return Answer(commands=(word,), on_disk=True)


async def test_a_raise_is_an_event_with_its_time_and_reason() -> None:
    heard = Heard()
    args = {"limit": "es_ratio_alert", "to": 0.045, "for_ms": 7_200_000, "operator": "ann", "reason": "expiry"}
    reply = await LimitVerbs(heard).raise_limit(args)
    assert reply.ok
    assert heard.events == [
        LimitRaised(operator="ann", reason="expiry", limit="es_ratio_alert", to=0.045, for_ms=7_200_000)
    ]


@pytest.mark.parametrize("args", [{}, {"to": "0.1", "for_ms": 1}, {"to": True, "for_ms": 1}, {"to": 0.1}])
async def test_what_is_no_number_is_refused(args: dict[str, Any]) -> None:
    heard = Heard()
    reply = await LimitVerbs(heard).raise_limit(args)
    assert (reply.ok, reply.code, heard.events) == (False, ExitCode.USAGE, [])


async def test_a_restore_is_an_event() -> None:
    heard = Heard()
    assert (await LimitVerbs(heard).restore({"limit": "es_ratio_alert", "operator": "ann"})).ok
    assert heard.events == [LimitRestored(operator="ann", reason="no reason given", limit="es_ratio_alert")]
