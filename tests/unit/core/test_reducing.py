"""Causes of REDUCING: the last one that goes ends it, and one that outlives a restart counts again."""

from hedgebot.core import reducing
from hedgebot.core.step import Step
from hedgebot.domain.commands import Mode, RecordMode
from tests.support.playbook import Playbook, of_type


def ready() -> tuple[Playbook, Step]:
    book = Playbook()
    book.ready()
    return book, Step(book.state, seq=1_000, at_ns=book.at_ns)


def test_the_last_cause_ends_it() -> None:
    book, step = ready()
    reducing.hold(step, "margin", "margin is thin")
    reducing.hold(step, "tail_risk", "risk is high")
    reducing.release(step, "margin", "margin is fine")
    assert book.mode() is Mode.REDUCING
    reducing.release(step, "tail_risk", "risk is fine")
    assert book.mode() is Mode.ACTIVE
    assert [one.reason for one in of_type(step.commands, RecordMode)] == ["margin is thin", "risk is fine"]


def test_a_cause_waits_for_the_book_to_be_active() -> None:
    book, step = ready()
    step.set_mode(Mode.RECOVERING, "run 2 started")
    reducing.hold(step, "margin", "margin is thin")
    assert book.mode() is Mode.RECOVERING
    step.set_mode(Mode.ACTIVE, "reconciled")
    reducing.sweep(step)
    assert (book.mode(), book.state.mode_reason) == (Mode.REDUCING, "margin is thin")


def test_a_halted_book_stays_halted() -> None:
    book, step = ready()
    step.halt("something", "rule")
    reducing.hold(step, "margin", "margin is thin")
    reducing.release(step, "margin", "margin is fine")
    assert book.mode() is Mode.HALTED
