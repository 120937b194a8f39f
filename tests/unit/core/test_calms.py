"""When a claim may be made: after quiet steps, of one underlying in one instrument, and only where it pays."""

from collections.abc import Callable

import msgspec
import pytest

from hedgebot.core import calm_bounds, calms
from hedgebot.core.calm import Claim
from hedgebot.core.calms import WORTH_EVENTS, Calms
from hedgebot.core.decide import StrategyOf, band_at
from hedgebot.core.engine import Engine
from hedgebot.core.quick import QuickEngine
from hedgebot.core.state import EngineState, UnderlyingState, encode_state
from hedgebot.core.strategy import Proposal, Strategy
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command, SubmitOrder
from hedgebot.domain.settings import EngineSettings, HedgeLeg, HedgeRole, StrategySettings, UnderlyingSettings
from strategies.delta_neutral import STRATEGY
from tests.support import moving_days, quiet_days
from tests.support.playbook import BTC_USDC, PRICE, Playbook, of_type
from tests.unit.core.test_calm_bounds import covered, differs, strategy, with_strategies


def strategy_of(one: StrategySettings) -> Strategy:
    return STRATEGY.build(one)


def heard(play: Playbook) -> Calms:
    """What the steps of a conversation say."""
    found = Calms()
    for stamped, commands in zip(play.log, steps(play), strict=True):
        found.note(stamped, commands, None)
    return found


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


@pytest.mark.parametrize("minutes", [0.0, 30.0])
def test_none_is_made_of_a_gate_for_which_each_price_counts(minutes: float) -> None:
    params = {"price_move_bps": 100.0, "price_move_within_minutes": minutes}
    gate = StrategySettings(name="patience", enabled=True, underlyings=("BTC",), params=dict(params))
    play = quiet_days.Talk(strategies=(gate,))
    play.engine = Engine(quiet_days.load)
    for stamped in play.log:
        play.engine.step(stamped)
    quiet_days.begun(play).quiet(2)
    quick = QuickEngine(quiet_days.load)
    for stamped in play.log:
        quick.step(stamped)
    assert (quick.claim() is None) is bool(minutes)
    assert encode_state(quick.state) == encode_state(play.state)


def test_none_is_made_while_prices_of_a_gate_are_kept() -> None:
    # It was switched off, and the next book forgets them.
    play = ready()
    play.state.underlyings["BTC"].drift.moves.note(100_000.0, play.at_ns, 60_000_000_000)
    found = heard(play)
    assert found.claim(play.state, strategy_of) is None
    play.state.underlyings["BTC"].drift.moves.note(100_000.0, play.at_ns, 0)
    assert heard(play).claim(play.state, strategy_of) is not None


def test_none_is_made_of_a_book_that_nothing_was_heard_of_unless_it_is_wanted() -> None:
    play, found = ready(), Calms()
    assert found.claim(play.state, strategy_of) is None
    forced = found.claim(play.state, strategy_of, worth=False)
    assert forced is not None
    assert forced.timers is None


def test_a_claim_that_covered_little_makes_the_next_one_wait() -> None:
    play, book = ready(), ev.Stamped(seq=99, at_ns=0, event=ready().book())
    found = heard(play)
    short = found.claim(play.state, strategy_of)
    assert short is not None
    found.note(book, (), short)
    assert found.claim(play.state, strategy_of) is None
    short.covered = WORTH_EVENTS
    found.note(book, (), short)
    assert found.claim(play.state, strategy_of) is not None


def test_a_hedge_in_two_instruments_is_not_claimed() -> None:
    play = ready()
    other = (HedgeLeg(instrument=BTC_USDC, role=HedgeRole.BUY),)
    one = msgspec.structs.replace(play.state.settings.underlyings[0], other_hedges=other)
    state: EngineState = play.state
    state.settings = msgspec.structs.replace(state.settings, underlyings=(one,))
    assert Calms().claim(state, strategy_of, worth=False) is None


# --- a band that moves


def corner_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The narrowest band is taken for the one of now."""
    original = band_at

    def here(
        state: EngineState, of: StrategyOf, one: UnderlyingState, settings: UnderlyingSettings, at_ns: int
    ) -> Proposal | None:
        if at_ns <= state.at_ns:
            return original(state, of, one, settings, at_ns)
        return original(state, of, state.underlyings[one.name], settings, state.at_ns)

    monkeypatch.setattr(calms, "band_at", here)


def band_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a look inside the band leaves in the state is left out."""
    monkeypatch.setattr(Claim, "note_band", lambda _claim: None)


MOVES: dict[Callable[[pytest.MonkeyPatch], None], quiet_days.Script] = {
    corner_is_here: moving_days.band_draws_in,
    band_stays: moving_days.band_draws_in,
}


@pytest.mark.parametrize("mutant", MOVES)
def test_a_band_that_moves_is_claimed_at_its_narrowest(
    mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    play = MOVES[mutant]()
    assert of_type(play.heard, SubmitOrder)
    assert not differs(play, quiet_days.load)
    assert covered(play, quiet_days.load) > 0.2 * len(play.log)
    mutant(monkeypatch)
    assert differs(play, quiet_days.load)


def test_a_claim_ends_where_the_flow_becomes_known() -> None:
    play = moving_days.flow_is_known()
    assert of_type(play.heard, SubmitOrder)
    assert not differs(play, quiet_days.load)
    quick, until_ns = QuickEngine(quiet_days.load), 0
    known_ns = play.state.underlyings["BTC"].drift.since_ns + 3_600 * 1_000_000_000
    for stamped in play.log:
        claim = quick.claim() if stamped.seq > 1 else None
        if claim is not None and stamped.at_ns < known_ns:
            until_ns = max(until_ns, claim.books.until_ns)
        quick.step(stamped)
    assert known_ns - 1_000_000_000 < until_ns < known_ns


def test_what_does_not_surely_narrow_is_not_claimed() -> None:
    dear = moving_days.follows_cost(order_cost_usd=1.0)
    assert not getattr(quiet_days.load(dear), "narrows", True)
    assert getattr(quiet_days.load(moving_days.follows_cost()), "narrows", False)


def test_looks_that_are_far_apart_are_claimed_with_the_most_that_they_move_an_edge(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At its cap a band does not narrow with the flow that decays, and late looks leave it wider and wider."""
    play = moving_days.Costly()
    play.ready((play.position("0.1"),))
    one, state = play.state.underlyings["BTC"], play.state
    one.drift.since_ns, one.drift.log_var, one.drift.log_weight = play.at_ns - 10**14, 5e-4, 0.5
    one.drift.flow, one.drift.flow_coin, one.drift.flow_at_ns = 5e4, 1e5, play.at_ns
    settings = msgspec.structs.replace(state.settings.underlyings[0], check_interval_s=20.0)
    state.settings = msgspec.structs.replace(state.settings, underlyings=(settings,))

    def claimed() -> tuple[float, float]:
        look = calms._look_of(state, quiet_days.load, play.at_ns, read=False)
        assert look is not None
        assert look.band_at is not None
        found = [look.band_at(play.at_ns + seconds * 10**9) for seconds in range(0, 60, 5)]
        return look.steady.above_coin, min(band.trigger_coin for band in found if band is not None)

    edge, narrowest = claimed()
    assert 0.0 < edge <= narrowest < 5.0
    monkeypatch.setattr(calms, "_later", lambda look, _until_ns: look.settings)
    edge, narrowest = claimed()
    assert edge > narrowest


def test_a_band_that_may_become_too_slow_is_not_claimed() -> None:
    play = moving_days.Costly()
    play.ready((play.position("0.1"),))
    state = play.state
    assert calms._look_of(state, quiet_days.load, play.at_ns, read=False) is not None
    settings = msgspec.structs.replace(state.settings.underlyings[0], check_interval_s=86_400.0)
    state.settings = msgspec.structs.replace(state.settings, underlyings=(settings,))
    assert calms._look_of(state, quiet_days.load, play.at_ns, read=False) is None
    play.quiet(0.5)
    assert play.is_up(AlertKind.MONITORING_SLOW)


class Limited(moving_days.Costly):
    """A delta limit just beyond the band, which widens as the price falls."""

    def changed(self, chosen: EngineSettings) -> EngineSettings:
        wide = super().changed(chosen)
        first = msgspec.structs.replace(wide.underlyings[0], delta_limit_coin=0.2065)
        return msgspec.structs.replace(wide, underlyings=(first,))


def test_a_band_that_widens_up_to_the_limit_is_not_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    play = Limited()
    play.ready((play.position("0.1"),))
    for number in range(50):
        play.send(play.ticker(PRICE - 200 * number))
        play.quiet(1, PRICE - 200 * number)
    assert play.state.underlyings["BTC"].trigger_coin == 0.2065
    assert play.is_up(AlertKind.BAND_BEYOND_LIMIT)
    assert not differs(play, quiet_days.load)
    assert covered(play, quiet_days.load) > 20
    monkeypatch.setattr(calms, "_may_be_bounded", lambda *_: False)
    assert differs(play, quiet_days.load)


class Tight(quiet_days.Talk):
    """A delta limit that bounds the band of whatever strategy."""

    def changed(self, chosen: EngineSettings) -> EngineSettings:
        tight = msgspec.structs.replace(chosen.underlyings[0], delta_limit_coin=0.03)
        return msgspec.structs.replace(chosen, underlyings=(tight,))


@pytest.mark.parametrize("more", [(), (strategy("target", target_coin=0.01, down_ratio=0.5),)])
def test_a_band_that_the_limit_bounds_is_claimed_as_it_is_in_force(
    more: tuple[StrategySettings, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    play = Tight(strategies=more)
    play.engine = QuickEngine(quiet_days.load)
    for stamped in play.log:
        play.engine.step(stamped)
    quiet_days.in_coins(play)
    for number in range(20):
        play.send(play.ticker(PRICE + 500 * number))
        play.quiet(1, PRICE + 500 * number)
    (told,) = [one for one in play.state.alerts.values() if one.kind is AlertKind.BAND_BEYOND_LIMIT]
    assert told.summary.startswith("the band that delta_neutral asks for is -0.0")
    assert of_type(play.heard, SubmitOrder)
    assert not differs(play, quiet_days.load)
    assert covered(play, quiet_days.load) > 20
    monkeypatch.setattr(calms, "steady_in_force", lambda steady, _limit: steady)
    assert covered(play, quiet_days.load) == 0, "a claim knows that the band is another one"


def test_the_timer_tells_of_a_band_that_the_limit_bounds() -> None:
    play = with_strategies()
    play.state.underlyings["BTC"].drift.bounded = "the delta limit bounds it"
    look = calms._look_of(play.state, quiet_days.load, play.at_ns, read=False)
    assert look is not None
    assert calm_bounds.alerts(look) is None
    play.state.underlyings["BTC"].drift.bounded = ""
    assert calm_bounds.alerts(look) is not None
