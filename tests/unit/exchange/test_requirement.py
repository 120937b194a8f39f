from hedgebot.exchange.requirement import NOTHING, Requirement, total


def test_requirements_add_up_and_change_unit() -> None:
    parts = (Requirement(2.0, 1.0), Requirement(3.0, 0.5).times(2.0))
    assert total(parts) == Requirement(8.0, 2.0)
    assert total(()) == NOTHING
