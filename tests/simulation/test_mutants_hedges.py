"""Broken builds of books with two hedge instruments: each is caught by the fault world, a sound one by nothing."""

import pytest

from hedgebot.core import fresh_rules, gate, hedges
from hedgebot.exchange.faults import PushFault, PushFaultKind
from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.mishaps import BY_ID
from hedgebot.lab.stage import Mishap, Stage
from hedgebot.lab.worldbooks import BookKind
from strategies.delta_neutral import STRATEGY
from tests.simulation.test_mutants import Patch, caught

pytestmark = pytest.mark.timeout(300)


def test_hedges_that_stand_against_each_other_are_caught(monkeypatch: Patch) -> None:
    """Long in one instrument and short in the other, without a cap: the net delta is right all the time."""
    monkeypatch.setattr(hedges, "opposed_coin", lambda _coins: 0.0)
    monkeypatch.setattr(hedges, "_dearer_by", lambda *_: 1.0)
    world = FaultWorld(101, 5.0, STRATEGY.build, [BY_ID["P06"]], book=BookKind.TWO)
    assert world.settings.underlyings[0].opposed_coin_max == 0.0
    outcome = world.run()
    assert caught("no cap on opposed hedges", outcome) == {"I4"}
    assert "of hedges against each other" in outcome.violations[0].sentence


def test_a_second_hedge_on_a_price_that_stands_still_is_caught(monkeypatch: Patch) -> None:
    """Options are valued at the main hedge's price: without the rule its dead market is hedged on in the other."""
    kept = tuple(fresh_rules.own_book_fresh if one is fresh_rules.book_fresh else one for one in gate.RULES)
    monkeypatch.setattr(gate, "RULES", kept)
    world = FaultWorld(1, 5.0, STRATEGY.build, [DEAD_MAIN], book=BookKind.TWO)
    assert caught("hedge on an old price", world.run()) & {"I5"}


def test_a_main_market_that_stands_still_does_not_matter_to_a_sound_build() -> None:
    outcome = FaultWorld(1, 5.0, STRATEGY.build, [DEAD_MAIN], book=BookKind.TWO).run()
    assert outcome.passed, (outcome.stuck, outcome.violations[:3])


def _dead_main(stage: Stage) -> None:
    """The main hedge's market says nothing, every other one does; meanwhile the client goes on trading."""
    stage.link.add(PushFault(kind=PushFaultKind.MUTE, topic="market", instrument=stage.hedge, seconds=40.0))


DEAD_MAIN = Mishap(id="N02", title="the main hedge's market says nothing", begin=_dead_main, seconds=40.0)
