"""Which faults are made here; that each is survived and meets its criterion is `tests/simulation/test_faults.py`."""

from hedgebot.lab.mishaps_decreed import DECREED
from hedgebot.lab.stage import always_met, nothing


def test_the_faults_of_this_place_are_all_here() -> None:
    assert {one.fault for one in DECREED} == {"V06", "V08", "V10", "V14"}


def test_each_is_judged_by_more_than_the_invariants() -> None:
    bare = [one.id for one in DECREED if one.criterion is always_met and not one.alerts]
    assert set(bare) <= {"N06r"}, "a variant of a fault that has a criterion"
    assert all(one.begin is not nothing for one in DECREED)
