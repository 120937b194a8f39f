"""Bounds together: the tightest of each edge, none where one makes no claim; what holds from before is not asked."""

from hedgebot.core.calm_look import FREE, NEVER_NS, Bound, BoundOf, Look, tightest
from hedgebot.core.strategy import Steady
from tests.support.playbook import BTC_PERP, Playbook


def look() -> Look:
    play = Playbook()
    play.ready()
    state, settings = play.state, play.state.settings.underlyings[0]
    return Look(
        state=state,
        settings=settings,
        underlying=state.underlyings["BTC"],
        quote=state.quotes[BTC_PERP],
        steady=Steady(0.0, 0.1, 0.1, NEVER_NS),
        at_ns=play.at_ns,
        timer_ns=play.at_ns,
        low=90_000.0,
        high=110_000.0,
    )


def test_the_tightest_of_each_edge_is_taken() -> None:
    one = look()
    early, narrow = Bound(one.at_ns + 5, 0.0, 105_000.0), Bound(NEVER_NS, 95_000.0, 120_000.0)
    found = tightest(one, (lambda _look: early, lambda _look: narrow, lambda _look: FREE), {})
    assert found == Bound(one.at_ns + 5, 95_000.0, 105_000.0)
    assert tightest(one, (), {}) == Bound(NEVER_NS, 90_000.0, 110_000.0)


def test_one_that_makes_no_claim_ends_it() -> None:
    one = look()
    assert tightest(one, (lambda _look: FREE, lambda _look: None), {}) is None
    assert tightest(one, (lambda _look: Bound(one.at_ns),), {}) is None
    assert tightest(one, (lambda _look: Bound(NEVER_NS, 100_000.0), lambda _look: Bound(high=99_999.0)), {}) is None


def test_what_holds_from_before_is_not_found_again() -> None:
    one, asked, kept = look(), 0, dict[BoundOf, Bound]()

    def counted(_look: Look) -> Bound:
        nonlocal asked
        asked += 1
        return Bound(one.at_ns + asked)

    first = tightest(one, (counted,), kept)
    assert tightest(one, (counted,), kept) == first
    assert asked == 1
    kept.clear()
    assert tightest(one, (counted,), kept) != first
