"""Operators' words: bounded, one line, and silence of the engine is never yes."""

import pytest

from hedgebot.daemon import words
from hedgebot.daemon.receipts import Answer
from hedgebot.domain.commands import RecordOperator
from hedgebot.domain.errors import ExitCode
from hedgebot.domain.kill import KillAction, KillScope


def word(*, accepted: bool) -> RecordOperator:
    return RecordOperator(operator="ada", action="a", accepted=accepted, explanation="because")


def test_what_is_not_said_has_a_default() -> None:
    assert words.operator_of({}) == "local"
    assert words.reason_of({"reason": "a\n b"}, "none") == "a b"
    assert words.scope_of({}) == (KillScope.ALL, "")
    assert words.action_of({}) is KillAction.FREEZE
    assert words.names_of({}, "reviewed") == ()
    assert words.names_of({"reviewed": "x"}, "reviewed") == ()
    assert words.names_of({"reviewed": ["x", 2]}, "reviewed") == ("x", "2")


@pytest.mark.parametrize("args", [{"scope": "vneue"}, {"scope": "VENUE"}])
def test_a_scope_that_is_none_is_an_error(args: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="KillScope"):
        words.scope_of(args)


def test_only_a_yes_is_a_yes() -> None:
    assert words.accepted((word(accepted=True),))
    assert not words.accepted(())
    assert not words.accepted((word(accepted=True), word(accepted=False)))
    assert words.answered("kill", None).code == ExitCode.UNKNOWN
    assert words.answered("kill", Answer(commands=(word(accepted=False),))).error == "kill refused: because"


def test_what_is_not_on_disk_is_said() -> None:
    told = words.outcome(Answer(commands=(word(accepted=True),), on_disk=False))
    assert words.NOT_ON_DISK in told["explanation"]
