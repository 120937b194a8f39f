from hedgebot.lab.agenda import Agenda
from hedgebot.lab.line import PlainLine


def test_a_request_is_carried_out_after_one_leg_and_answered_after_two() -> None:
    agenda = Agenda(0)
    line = PlainLine(agenda, leg_ns=5, push_ns=3)
    told: list[tuple[str, int]] = []
    line.request(
        lambda: told.append(("done", agenda.now_ns)), lambda _: told.append(("answered", agenda.now_ns)), print, 1_000
    )
    line.news(lambda: told.append(("news", agenda.now_ns)))
    line.market(lambda: told.append(("market", agenda.now_ns)))
    agenda.run_until(100)
    assert told == [("news", 3), ("market", 3), ("done", 5), ("answered", 10)]
    assert line.private_up
