"""Soft limits raised for a while: in force, journaled, over by themselves, never beyond the hard one."""

import pytest

from hedgebot.core import raises
from hedgebot.domain.commands import Command, RecordOperator
from hedgebot.domain.operator_events import LimitRaised, LimitRestored
from hedgebot.domain.settings import LimitSettings
from tests.support.playbook import Playbook, of_type

HOUR_MS = 3_600_000


def ready() -> Playbook:
    book = Playbook()
    book.ready()
    return book


def said(commands: tuple[Command, ...]) -> RecordOperator:
    (word,) = of_type(commands, RecordOperator)
    return word


def ask(
    book: Playbook, limit: str = "es_ratio_alert", to: float = 0.045, for_ms: int = HOUR_MS, reason: str = "expiry"
) -> RecordOperator:
    return said(book.send(LimitRaised(operator="ann", reason=reason, limit=limit, to=to, for_ms=for_ms)))


def in_force(book: Playbook) -> float:
    return raises.in_force(book.state, "es_ratio_alert", book.at_ns)


def test_a_raise_is_in_force_and_ends_by_itself() -> None:
    book = ready()
    word = ask(book)
    assert word.accepted
    assert "es_ratio_alert is 0.045 (was 0.04) for 1 h: expiry" in word.explanation
    assert in_force(book) == 0.045
    ended = said(book.tick(after_ms=HOUR_MS))
    assert "the time is over: es_ratio_alert is 0.04 again" in ended.explanation
    assert (in_force(book), book.state.risk.raised) == (0.04, {})


def test_a_raise_that_is_over_is_not_in_force_before_anybody_looks() -> None:
    book = ready()
    ask(book)
    assert raises.in_force(book.state, "es_ratio_alert", book.at_ns + HOUR_MS * 1_000_000) == 0.04


def test_an_operator_ends_it_early() -> None:
    book = ready()
    ask(book)
    assert said(book.send(LimitRestored(operator="ann", reason="done", limit="es_ratio_alert"))).accepted
    assert in_force(book) == 0.04
    assert not said(book.send(LimitRestored(operator="ann", reason="again", limit="es_ratio_alert"))).accepted


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"limit": "es_ratio_max"}, "It is a hard limit"),
        ({"limit": "nonsense"}, "is no soft limit"),
        ({"to": 0.051}, "up to es_ratio_max"),
        ({"to": 0.03}, "may be raised"),
        ({"to": float("nan")}, "may be raised"),
        ({"for_ms": 0}, "up to 24 h"),
        ({"for_ms": 25 * HOUR_MS}, "up to 24 h"),
        ({"reason": ""}, "needs a reason"),
    ],
)
def test_what_is_no_raise_of_a_soft_limit_is_refused(change: dict[str, object], words: str) -> None:
    book = ready()
    word = ask(book, **change)  # type: ignore[arg-type]
    assert not word.accepted
    assert words in word.explanation
    assert in_force(book) == 0.04


def test_every_soft_limit_and_its_hard_one_exist_and_are_in_order() -> None:
    limits = LimitSettings()
    for name, soft in raises.soft_limits(limits).items():
        assert soft.configured == getattr(limits, name)
        assert soft.ceiling == getattr(limits, soft.hard, float("inf"))
        assert soft.configured <= soft.ceiling
