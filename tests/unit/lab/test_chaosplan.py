"""A plan repeats by its seed, stays within its time, and what it breaks is whole again at its end."""

from itertools import pairwise
from typing import Any

import pytest

from hedgebot.lab.chaosplan import Blow, Hand, Kind, plan
from hedgebot.lab.chaosproxy import Door


class Recorder:
    """A proxy that only notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self.told.append((name, args))


def test_a_plan_is_a_function_of_its_seed() -> None:
    assert plan(7, 1_800.0) == plan(7, 1_800.0) != plan(8, 1_800.0)


def test_half_an_hour_holds_every_kind_with_calm_in_between() -> None:
    blows = plan(7, 1_800.0)
    assert {blow.kind for blow in blows} == set(Kind)
    assert all(later.at_s >= blow.at_s + blow.seconds + 5.9 for blow, later in pairwise(blows))
    assert blows[-1].at_s + blows[-1].seconds <= 1_800.0
    assert len(blows) > 80


@pytest.mark.parametrize("kind", Kind)
def test_whatever_lasts_is_ended(kind: Kind) -> None:
    proxy: Any = Recorder()
    lasting = kind in {Kind.FREEZE, Kind.DEAF, Kind.SLOW, Kind.REFUSE, Kind.SLOW_DIALS}
    hand = Hand((Blow(at_s=1.0, kind=kind, place="/v5/private", seconds=2.0 if lasting else 0.0),))
    hand.tick(proxy, 0.9)
    assert proxy.told == []
    hand.tick(proxy, 1.0)
    struck = len(proxy.told)
    assert struck >= 1
    assert [blow.kind for blow in hand.fallen] == [kind]
    hand.tick(proxy, 2.9)
    assert len(proxy.told) == struck
    hand.tick(proxy, 3.1)
    assert (len(proxy.told) > struck) is lasting


def test_a_rest_ends_everything_and_lets_nothing_follow() -> None:
    proxy: Any = Recorder()
    hand = Hand(
        (
            Blow(at_s=0.0, kind=Kind.REFUSE, place="", seconds=9.0),
            Blow(at_s=5.0, kind=Kind.CUT, place="", seconds=0.0),
        )
    )
    hand.tick(proxy, 0.0)
    hand.rest(proxy)
    assert proxy.told[-1] == ("open_door", (Door(name=""),))
    told = len(proxy.told)
    hand.tick(proxy, 100.0)
    assert len(proxy.told) == told
