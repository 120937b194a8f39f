"""When a claim may be made: after quiet steps, of one underlying in one instrument, and only where it pays."""

import msgspec

from hedgebot.core.calms import WORTH_EVENTS, Calms
from hedgebot.core.state import EngineState
from hedgebot.core.strategy import Strategy
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command
from hedgebot.domain.settings import HedgeLeg, HedgeRole, StrategySettings
from strategies.delta_neutral import STRATEGY
from tests.support.playbook import BTC_USDC, Playbook


def strategy_of(one: StrategySettings) -> Strategy:
    return STRATEGY.build(one)


def heard(play: Playbook) -> Calms:
    """What the steps of a conversation say."""
    calms = Calms()
    for stamped, commands in zip(play.log, steps(play), strict=True):
        calms.note(stamped, commands, None)
    return calms


def steps(play: Playbook) -> list[tuple[Command, ...]]:
    again = Playbook()
    return [(), *(again.engine.step(one) for one in play.log[1:])]


def ready() -> Playbook:
    play = Playbook()
    play.ready()
    play.send(play.book())
    play.tick(after_ms=250)
    play.send(play.book())
    return play


def test_a_claim_is_made_after_quiet_steps_with_its_timer() -> None:
    play = ready()
    claim = heard(play).claim(play.state, strategy_of)
    assert claim is not None
    assert claim.timers is not None
    assert claim.books.low < claim.underlying.price < claim.books.high


def test_none_is_made_of_a_book_that_nothing_was_heard_of_unless_it_is_wanted() -> None:
    play, calms = ready(), Calms()
    assert calms.claim(play.state, strategy_of) is None
    forced = calms.claim(play.state, strategy_of, worth=False)
    assert forced is not None
    assert forced.timers is None


def test_a_claim_that_covered_little_makes_the_next_one_wait() -> None:
    play, book = ready(), ev.Stamped(seq=99, at_ns=0, event=ready().book())
    calms = heard(play)
    short = calms.claim(play.state, strategy_of)
    assert short is not None
    calms.note(book, (), short)
    assert calms.claim(play.state, strategy_of) is None
    short.covered = WORTH_EVENTS
    calms.note(book, (), short)
    assert calms.claim(play.state, strategy_of) is not None


def test_a_hedge_in_two_instruments_is_not_claimed() -> None:
    play = ready()
    other = (HedgeLeg(instrument=BTC_USDC, role=HedgeRole.BUY),)
    one = msgspec.structs.replace(play.state.settings.underlyings[0], other_hedges=other)
    state: EngineState = play.state
    state.settings = msgspec.structs.replace(state.settings, underlyings=(one,))
    assert Calms().claim(state, strategy_of, worth=False) is None
