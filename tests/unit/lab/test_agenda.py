import pytest

from hedgebot.domain.errors import ProgrammingError
from hedgebot.lab.agenda import Agenda


def test_deeds_come_in_order_of_moment_then_entry() -> None:
    agenda, done = Agenda(100), list[str]()
    agenda.at(300, lambda: done.append("c"))
    agenda.at(200, lambda: done.append("a"))
    agenda.at(200, lambda: done.append("b"))
    agenda.at(50, lambda: done.append("at once"))
    assert agenda.next_ns == 100
    agenda.run_until(300)
    assert (done, agenda.now_ns) == (["at once", "a", "b"], 300)
    assert agenda.step()
    assert not agenda.step()


def test_a_deed_may_enter_more() -> None:
    agenda, seen = Agenda(0), list[int]()

    def again() -> None:
        seen.append(agenda.now_ns)
        agenda.after(10, again)

    agenda.after(10, again)
    agenda.run_until(45)
    assert seen == [10, 20, 30, 40]


def test_time_goes_neither_back_nor_over_an_entry() -> None:
    agenda = Agenda(10)
    agenda.at(20, lambda: None)
    with pytest.raises(ProgrammingError, match="time cannot go from 10 to 5"):
        agenda.move_to(5)
    with pytest.raises(ProgrammingError, match="next entry is at 20"):
        agenda.move_to(21)
    agenda.move_to(20)
    assert agenda.now_ns == 20
