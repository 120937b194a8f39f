"""What a run came to: the signs of a failure, the gravest first and each once."""

from hedgebot.lab.oracle import Violation
from hedgebot.lab.outcome import Outcome, Played


def came(*broken: str, stuck: str = "", unmet: tuple[str, ...] = ()) -> Outcome:
    return Outcome(
        seed=1,
        minutes=5.0,
        played=(Played(id="M03", from_s=1.0, until_s=2.0),),
        violations=tuple(Violation(invariant=one, at_ns=1, sentence="broken") for one in broken),
        stuck=stuck,
        hedges=0,
        own_fills=0,
        starts=1,
        alerts=(),
        unmet=unmet,
    )


def test_invariants_come_before_criteria_and_each_is_named_once() -> None:
    found = came("I6", "I1", "I6", stuck="halted", unmet=("M03: too much: 3", "M03: I9: no alert"))
    assert found.signs == ("I6", "I1", "I12", "criterion of M03")
    assert not found.passed


def test_what_held_has_no_signs() -> None:
    assert came().signs == ()
    assert came().passed
