"""Which faults are made here; that each is survived and meets its criterion is `tests/simulation/test_faults.py`."""

from hedgebot.lab.mishaps_wire import ON_THE_WIRE
from hedgebot.lab.stage import always_met, nothing


def test_the_faults_of_this_place_are_all_here() -> None:
    assert {one.fault for one in ON_THE_WIRE} == {
        "N01",
        "N02",
        "N04",
        "N05",
        "N06",
        "N08",
        "N09",
        "N11",
        "N12",
        "N15",
        "V01",
        "V02",
        "V03",
        "V04",
        "V05",
        "V08",
        "V14",
    }


def test_each_is_judged_by_more_than_the_invariants() -> None:
    bare = [one.id for one in ON_THE_WIRE if one.criterion is always_met and not one.alerts]
    assert set(bare) <= {"N06r"}, "a variant of a fault that has a criterion"
    assert all(one.begin is not nothing for one in ON_THE_WIRE)
