"""A claim takes exactly what it may, and leaves the state as the step would."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core.calm import Claim
from hedgebot.core.quick import QuickEngine
from hedgebot.core.state import encode_state
from hedgebot.domain import events as ev
from hedgebot.domain.instrument import Side
from strategies.delta_neutral import STRATEGY
from tests.support.playbook import BTC_USDC, MS, PRICE, Playbook


def claimed() -> tuple[Playbook, Claim]:
    """A quiet book and what is claimed of it."""
    play = Playbook()
    play.engine = quick = QuickEngine(STRATEGY.build)
    for stamped in play.log:
        quick.step(stamped)
    play.ready()
    play.send(play.book())
    claim = quick.claim()
    assert claim is not None
    return play, claim


def at(play: Playbook, event: ev.Event, after_ms: int = 1) -> ev.Stamped:
    return ev.Stamped(seq=play.seq + 1, at_ns=play.at_ns + after_ms * MS, event=event)


def changed(book: ev.BookTop, **fields: object) -> ev.BookTop:
    return msgspec.structs.replace(book, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"bid": None},
        {"ask": None},
        {"bid": Decimal("NaN")},
        {"ask": Decimal("Infinity")},
        {"bid": Decimal(-1)},
        {"bid": PRICE + 5},
        {"bid_qty": Decimal(0)},
        {"ask_qty": Decimal("NaN")},
        {"venue_at_ns": 1},
        {"instrument": BTC_USDC},
    ],
)
def test_a_book_that_is_not_plain_is_stepped(fields: dict[str, object]) -> None:
    play, claim = claimed()
    before = encode_state(play.state)
    assert not claim.take(at(play, changed(play.book(), **fields)))
    assert encode_state(play.state) == before
    assert claim.take(at(play, play.book(PRICE + 1)))


def test_an_event_from_before_the_last_one_is_stepped() -> None:
    play, claim = claimed()
    assert not claim.take(at(play, play.book(), after_ms=-5))
    assert not claim.take(at(play, ev.StreamAlive(account="main", stream=ev.Stream.PRIVATE)))


def test_the_timer_is_claimed_after_one_at_rest() -> None:
    play, claim = claimed()
    # Stepped at rest by `ready`: nothing came of the last timer but the mode, and books since.
    assert claim.timers is not None
    assert claim.take(at(play, ev.TimerFired(), after_ms=250))
    play.send(ev.WalletUpdated(report=play.wallet(), source=ev.Source.STREAM))
    play.send(play.book())
    engine = play.engine
    assert isinstance(engine, QuickEngine)
    later = engine.claim()
    assert later is not None
    assert later.timers is None
    assert not later.take(at(play, ev.TimerFired(), after_ms=250))


def test_a_step_ends_the_claim() -> None:
    play, claim = claimed()
    play.send(play.fill(Side.BUY, "0.2"))
    engine = play.engine
    assert isinstance(engine, QuickEngine)
    assert engine.claim() is None
    assert claim.covered == 0


def test_half_the_sum_is_the_middle_to_the_last_bit() -> None:
    for tick in range(1, 4_000):
        bid, ask = Decimal(tick) / 1000, Decimal(tick + 7) / 1000
        assert float(bid + ask) * 0.5 == float((bid + ask) / 2)
