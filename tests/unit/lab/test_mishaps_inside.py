"""Which faults are made here; that each is survived and meets its criterion is `tests/simulation/test_faults.py`."""

from hedgebot.lab.mishaps_inside import AT_HOME
from hedgebot.lab.stage import always_met, nothing


def test_the_faults_of_this_place_are_all_here() -> None:
    assert {one.fault for one in AT_HOME} == {
        "P01",
        "P03",
        "P06",
        "D01",
        "C01",
        "C02",
        "C04",
        "O03",
        "O05",
        "O06",
        "O10",
    }


def test_each_is_judged_by_more_than_the_invariants() -> None:
    bare = [one.id for one in AT_HOME if one.criterion is always_met and not one.alerts]
    assert set(bare) <= {"N06r"}, "a variant of a fault that has a criterion"
    assert all(one.begin is not nothing for one in AT_HOME)
