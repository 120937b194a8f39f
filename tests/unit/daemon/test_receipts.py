"""Receipts: each gets the answer to their own event."""

import asyncio

from hedgebot.daemon.receipts import Answer, Receipts
from hedgebot.domain.commands import Issued, RecordOperator
from hedgebot.domain.events import Event, OperatorUnkilled, Stamped


class Sink:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def put(self, event: Event) -> None:
        self.events.append(event)


def word(explanation: str) -> RecordOperator:
    return RecordOperator(operator="ada", action="unkill", accepted=True, explanation=explanation)


async def test_two_with_the_same_words_get_each_their_own_answer() -> None:
    sink = Sink()
    receipts = Receipts(sink)
    asked = [asyncio.create_task(receipts.put(OperatorUnkilled(operator="ada", reason="over"), 1.0)) for _ in range(2)]
    await asyncio.sleep(0)
    first, second = sink.events
    assert first == second
    receipts.observe(
        [
            Stamped(seq=1, at_ns=0, event=second),
            Issued(seq=1, index=1, at_ns=0, command=word("to the second")),
            Stamped(seq=2, at_ns=0, event=first),
            Issued(seq=2, index=1, at_ns=0, command=word("to the first")),
        ]
    )
    assert await asked[0] == Answer(commands=(word("to the first"),))
    assert await asked[1] == Answer(commands=(word("to the second"),))


async def test_no_answer_in_time_is_none_and_a_late_one_harms_nobody() -> None:
    sink = Sink()
    receipts = Receipts(sink)
    assert await receipts.put(OperatorUnkilled(operator="ada", reason="over"), 0.01) is None
    receipts.observe([Stamped(seq=1, at_ns=0, event=sink.events[0])])


async def test_an_event_without_commands_is_answered_with_none_of_them() -> None:
    sink = Sink()
    receipts = Receipts(sink)
    asked = asyncio.create_task(receipts.put(OperatorUnkilled(operator="ada", reason="over"), 1.0))
    await asyncio.sleep(0)
    receipts.observe([Stamped(seq=9, at_ns=0, event=sink.events[0])])
    assert await asked == Answer(commands=())


async def test_waiting_is_bounded_and_the_event_still_goes() -> None:
    sink = Sink()
    receipts = Receipts(sink)
    asked = [
        asyncio.create_task(receipts.put(OperatorUnkilled(operator=str(n), reason="over"), 0.05)) for n in range(70)
    ]
    assert await asyncio.gather(*asked) == [None] * 70
    assert len(sink.events) == 70


async def test_what_the_disk_has_not_confirmed_is_answered_as_such() -> None:
    sink = Sink()
    receipts = Receipts(sink)
    pending = receipts.send(OperatorUnkilled(operator="ada", reason="over"))
    assert sink.events == [pending.event], "put before anybody waits"
    receipts.observe_unwritten([Stamped(seq=9, at_ns=0, event=sink.events[0])])
    assert await receipts.answer(pending, 1.0) == Answer(commands=(), on_disk=False)
