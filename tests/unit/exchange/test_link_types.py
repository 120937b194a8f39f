"""A link's values, and that a request ends once."""

import msgspec
import pytest

from hedgebot.exchange.link_types import Call, LinkSpec, Way
from hedgebot.exchange.types import Refusal, RefusalReason


def way(call: Call[str] | None = None) -> tuple[Way[str], list[tuple[str, str]]]:
    told: list[tuple[str, str]] = []
    made = Way(
        call or Call(),
        lambda: "done",
        lambda answer: told.append(("answer", answer)),
        lambda why: told.append(("lost", why)),
    )
    return made, told


def test_a_request_ends_once_whatever_follows() -> None:
    one, told = way()
    one.lose("timeout")
    one.answer("late")
    one.lose("again")
    assert told == [("lost", "timeout")]
    one, told = way()
    one.answer("first")
    one.answer("twin", again=True)
    one.answer("third")
    one.lose("timeout")
    assert told == [("answer", "first"), ("answer", "twin")]


def test_a_refusal_is_an_answer_to_who_can_read_it() -> None:
    refusal = Refusal(reason=RefusalReason.BANNED, detail="x")
    one, told = way(Call(refuse=lambda found: found.reason.value))
    one.refused(refusal)
    assert told == [("answer", "banned")]
    one, told = way()
    one.refused(refusal)
    assert told == [("lost", "banned")]


def test_a_spec_is_read_strictly() -> None:
    read = msgspec.convert({"push_lost": 0.1, "latencies": {"request": {"median_ms": 3.0, "p99_ms": 9.0}}}, LinkSpec)
    assert read.latencies.request.median_ms == 3.0
    for wrong in ({"push_lost": 1.0}, {"push_losst": 0.1}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, LinkSpec)
