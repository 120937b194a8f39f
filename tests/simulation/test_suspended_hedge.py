"""V10, a hedge whose market is suspended for minutes while its book and its mark stay as fresh as ever.

The fault world with its client trading. A venue shows a status to who asks (`with_a_word`), or refuses orders and says
that all is well (`without`). What it may cost: a few refused orders, not one a minute; where another instrument may be
hedged with, the book stays hedged all the while; and nobody has to come to make it hedge there again.
"""

from dataclasses import dataclass

import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.trouble import Suspension
from hedgebot.lab import simstatus
from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.stage import Mishap, strike
from hedgebot.lab.worldbooks import BookKind
from hedgebot.lab.worldspec import HEDGE, START_NS
from strategies.delta_neutral import STRATEGY

S = 1_000_000_000
FROM_S, SECONDS = 60.0, 480.0
SUSPENDED = Mishap(
    id="V10",
    title="the hedge instrument is suspended for minutes",
    begin=strike(lambda stage: Suspension(instrument=stage.hedge, duration_s=SECONDS)),
    seconds=SECONDS,
)


@dataclass
class Story:
    """What came of it: orders by instrument, refusals there, alerts of them, and the delta each second."""

    refused: list[float]
    sent: dict[InstrumentId, list[float]]
    told: list[float]
    outside_s: int
    back_s: float | None


def play(seed: int, book: BookKind) -> Story:
    world = FaultWorld(seed, 12.0, STRATEGY.build, [SUSPENDED], begins=[("V10", FROM_S)], book=book)
    settings, deltas = world.settings.underlyings[0], {}

    def look(second: int) -> None:
        deltas[second] = world.oracle.delta_coin(settings)

    for second in range(round(FROM_S) + 20, round(FROM_S + SECONDS)):
        world.timeline.after(second * S, lambda second=second: look(second))  # type: ignore[misc]
    outcome = world.run()
    assert outcome.passed, (outcome.stuck, outcome.unmet, outcome.violations[:3])
    journal, evidence = world.host.journal, world._evidence["V10"]
    refused = [
        (one.at_ns - START_NS) / S
        for one in journal.entries
        if isinstance(one, ev.Stamped) and isinstance(one.event, ev.OrderRejected)
    ]
    sent: dict[InstrumentId, list[float]] = {}
    for one in journal.orders():
        assert isinstance(one.command, cmd.SubmitOrder)
        sent.setdefault(one.command.approved.intent.instrument, []).append((one.at_ns - START_NS) / S)
    told = [(at - START_NS) / S for at, kind, _ in world.host.alert_log if kind == AlertKind.ORDER_REJECTED.value]
    outside_s = sum(abs(one) > settings.band_coin + 0.02 for one in deltas.values())
    back_s = None if evidence.back_ns is None else (evidence.back_ns - evidence.ended_ns) / S
    return Story(refused, sent, told, outside_s, back_s)


def during(moments: list[float]) -> list[float]:
    return [one for one in moments if FROM_S <= one < FROM_S + SECONDS]


@pytest.mark.parametrize("seed", [20_101, 20_102])
def test_v10_a_book_that_may_switch_stays_hedged(seed: int) -> None:
    story = play(seed, BookKind.SWITCH)
    assert len(story.refused) <= 2  # the first one asks for the status, a second may be under way
    assert len(during(story.sent[HEDGE])) <= 2
    others = [one for name, moments in story.sent.items() if name != HEDGE for one in during(moments)]
    assert len(others) > 20
    # A second for each of the client's trades, until its hedge is filled.
    assert story.outside_s <= 30
    assert len(story.told) == 1


@pytest.mark.parametrize("book", [BookKind.ONE, BookKind.TWO])
def test_v10_a_book_with_nowhere_else_to_go_waits_for_the_venue_s_word(book: BookKind) -> None:
    story = play(20_103, book)
    assert len(story.refused) <= 2
    assert len(story.told) == 1
    assert story.back_s is not None
    assert story.back_s <= 15.0  # asked every ten seconds


def test_v10_a_venue_that_refuses_and_says_that_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simstatus, "statuses", lambda exchange: dict.fromkeys(exchange_names(exchange), "Trading"))
    story = play(20_101, BookKind.SWITCH)
    # Three in a row, then one after each of 1, 2 and 4 minutes of the eight.
    assert 3 <= len(story.refused) <= 3 + 4
    assert story.outside_s <= 60
    assert len(story.told) == 1


def exchange_names(exchange: object) -> list[InstrumentId]:
    return [one.instrument.id for one in exchange.listings()]  # type: ignore[attr-defined]
