"""Broken builds of books with two hedge instruments: each is caught by the fault world, a sound one by nothing."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import fresh_rules, gate, hedges, proof
from hedgebot.domain.settings import DeltaConvention, EngineSettings
from hedgebot.exchange.faults import PushFault, PushFaultKind
from hedgebot.exchange.scenario import HoldingSpec, Scenario
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


def test_a_close_that_is_not_proven_on_a_price_that_stands_still_is_caught(monkeypatch: Patch) -> None:
    """Short calls and puts: what shrinks the second hedge may as well add risk, for all that is known."""
    asked = proof.unproven_shrinking
    monkeypatch.setattr(proof, "unproven_shrinking", lambda one: "" if one.intent.reduce_only else asked(one))
    outcome = FaultWorld(4, 5.0, STRATEGY.build, [DEAD_MAIN], book=BookKind.TWO).run()
    assert caught("close without a proof", outcome) & {"I5"}
    assert any("and the delta was anywhere from" in one.sentence for one in outcome.violations)


def test_a_second_hedge_of_dollars_on_a_price_that_stands_still_is_caught(monkeypatch: Patch) -> None:
    """Inverse contracts are worth other coins at another price, as options are; a sound build knows it."""
    world = msgspec.structs.replace(DEAD_MAIN, scenario=_of_dollars, settings=_coin_neutral)
    outcome = FaultWorld(1, 5.0, STRATEGY.build, [world], book=BookKind.TWO).run()
    assert outcome.passed, (outcome.stuck, outcome.violations[:3])
    monkeypatch.setattr(fresh_rules, "depends_on_price", lambda underlying: bool(underlying.option_keys))
    outcome = FaultWorld(1, 5.0, STRATEGY.build, [world], book=BookKind.TWO).run()
    assert caught("dollars taken for coins", outcome) & {"I5"}


def _of_dollars(scenario: Scenario) -> Scenario:
    """The client is short in inverse contracts, and holds no option."""
    short = HoldingSpec(instrument="inverse:BTCUSD", contracts=Decimal(-90_000))
    return msgspec.structs.replace(
        scenario, accounts=(msgspec.structs.replace(scenario.accounts[0], positions=(short,)),)
    )


def _coin_neutral(settings: EngineSettings) -> EngineSettings:
    first = msgspec.structs.replace(settings.underlyings[0], delta_convention=DeltaConvention.COIN_NEUTRAL)
    return msgspec.structs.replace(settings, underlyings=(first,))


def test_a_main_market_that_stands_still_does_not_matter_to_a_sound_build() -> None:
    outcome = FaultWorld(1, 5.0, STRATEGY.build, [DEAD_MAIN], book=BookKind.TWO).run()
    assert outcome.passed, (outcome.stuck, outcome.violations[:3])


def _dead_main(stage: Stage) -> None:
    """The main hedge's market says nothing, every other one does; meanwhile the client goes on trading."""
    stage.link.add(PushFault(kind=PushFaultKind.MUTE, topic="market", instrument=stage.hedge, seconds=40.0))


DEAD_MAIN = Mishap(id="N02", title="the main hedge's market says nothing", begin=_dead_main, seconds=40.0)
