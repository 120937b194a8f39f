"""Which faults are made here; that each is survived and meets its criterion is `tests/simulation/test_faults.py`."""

from hedgebot.lab.mishaps_market import OF_THE_MARKET
from hedgebot.lab.stage import always_met, nothing


def test_the_faults_of_this_place_are_all_here() -> None:
    assert {one.fault for one in OF_THE_MARKET} == {"M01", "M02", "M03", "M04", "M06"}


def test_each_is_judged_by_more_than_the_invariants() -> None:
    bare = [one.id for one in OF_THE_MARKET if one.criterion is always_met and not one.alerts]
    assert set(bare) <= {"N06r"}, "a variant of a fault that has a criterion"
    assert all(one.begin is not nothing for one in OF_THE_MARKET)
