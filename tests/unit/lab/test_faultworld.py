"""One run of the fault world: the same seed gives the same outcome, and what breaks is said."""

from hedgebot.domain import events as ev
from hedgebot.domain.durations import NS_PER_S
from hedgebot.lab.draws import QUIET_S
from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.mishaps import BY_ID
from hedgebot.lab.stage import Mishap
from strategies.delta_neutral import STRATEGY


def test_the_same_seed_gives_the_same_run() -> None:
    def played(seed: int) -> tuple[object, list[object]]:
        world = FaultWorld(seed, 5.0, STRATEGY.build)
        outcome = world.run()
        return outcome, list(world.host.journal.entries)

    assert played(3) == played(3)
    assert played(3)[0] != played(4)[0]


def test_a_book_that_does_not_come_back_is_told() -> None:
    stubborn = Mishap(
        id="P01", title="the process dies and stays dead", begin=lambda stage: stage.host.crash(), seconds=5.0
    )
    world = FaultWorld(2, 5.0, STRATEGY.build, [stubborn])
    start = world.host.start
    calls = []

    def once() -> None:
        calls.append(1)
        if len(calls) == 1:
            start()

    world.host.start = once  # type: ignore[method-assign]
    outcome = world.run()
    assert outcome.stuck == "no process runs"
    assert not outcome.passed


def test_an_outcome_names_what_was_played() -> None:
    outcome = FaultWorld(1, 6.0, STRATEGY.build, [BY_ID["N05"]]).run()
    assert [one.id for one in outcome.played] == ["N05"]
    assert outcome.passed
    assert outcome.hedges > 5
    assert outcome.own_fills > 5
    assert outcome.starts == 1


def test_a_mishap_ends_once() -> None:
    ends: list[object] = []
    short = Mishap(id="P06", title="it ends before there is peace", begin=lambda _: None, end=ends.append, seconds=5.0)
    FaultWorld(1, 4.0, STRATEGY.build, [short]).run()
    assert len(ends) == 1


def test_a_book_that_came_back_and_left_again_is_told() -> None:
    world = FaultWorld(2, 5.0, STRATEGY.build, [BY_ID["P06"]])
    kill = ev.OperatorKilled(operator="eve", reason="after the minute that is looked at")
    world.timeline.after(round((300.0 - QUIET_S - 5.0) * NS_PER_S), lambda: world.host.put(kill))
    outcome = world.run()
    assert "halted" in outcome.stuck
    assert outcome.only == ("P06",)


def test_a_mishap_that_is_kept_begins_when_it_did_with_the_others() -> None:
    mishaps = [BY_ID[name] for name in ("O05k", "N06", "V05")]
    whole = FaultWorld(1, 5.0, STRATEGY.build, mishaps).run()
    kept = FaultWorld(1, 5.0, STRATEGY.build, mishaps, kept=("N06",)).run()
    assert len(whole.played) == 3
    assert kept.played == tuple(one for one in whole.played if one.id == "N06")
    assert (whole.kept, kept.kept) == (None, ("N06",))
    assert kept.passed
