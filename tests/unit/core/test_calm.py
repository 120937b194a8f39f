"""A claim takes exactly what it may, and leaves the state as the step would."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core.calm import Claim
from hedgebot.core.calm_look import NEVER_NS
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


@pytest.mark.parametrize(
    ("account", "offset_ms", "covered"), [("main", 0.0, True), ("main", 5.0, False), ("b", 0.0, False)]
)
def test_a_clock_that_is_measured_as_before_is_taken(account: str, offset_ms: float, covered: bool) -> None:
    play, claim = claimed()
    measured = at(play, ev.ClockMeasured(account=account, offset_ms=offset_ms, round_trip_ms=1.0))
    assert claim.take(measured) is covered
    assert (claim.state.accounts["main"].clock_at_ns == measured.at_ns) is covered


def test_a_row_of_books_is_taken_up_to_the_first_that_must_be_stepped() -> None:
    play, claim = claimed()
    row = [changed(play.book(PRICE + number), venue_at_ns=play.at_ns + number * MS) for number in range(1, 7)]
    row[4] = changed(row[4], ask=None)
    assert claim.take_books(row[:2], play.at_ns + 100 * MS) == (2, None)
    # Something else comes first: the book at that moment is given back.
    assert claim.take_books(row[2:], row[3].venue_at_ns) == (1, row[3])
    assert claim.take_books(iter(row[3:]), play.at_ns + 100 * MS) == (1, row[4])
    assert claim.quote.bid == row[3].bid
    assert claim.state.at_ns == row[3].venue_at_ns
    assert claim.underlying.price == float(PRICE + 4)
    assert claim.covered == 4


@pytest.mark.parametrize("qty", ["0.001", None])
def test_the_sizes_of_the_newest_book_are_kept(qty: str | None) -> None:
    play, claim = claimed()
    size = None if qty is None else Decimal(qty)
    row = [
        changed(play.book(), venue_at_ns=play.at_ns + number * MS, bid_qty=Decimal(number), ask_qty=Decimal(3))
        for number in range(1, 4)
    ]
    row.append(changed(play.book(), venue_at_ns=play.at_ns + 4 * MS, bid_qty=size, ask_qty=size))
    row.append(changed(play.book(), venue_at_ns=play.at_ns + 5 * MS, ask=None))
    assert claim.take_books(row[:2], play.at_ns + 100 * MS).books == 2
    assert (claim.quote.bid_qty, claim.quote.ask_qty) == (Decimal(2), Decimal(3))
    assert claim.take_books(row[2:], play.at_ns + 100 * MS).books == 2
    assert (claim.quote.bid_qty, claim.quote.ask_qty) == (size, size)


def test_a_ticker_in_its_room_and_a_sign_of_life_are_taken() -> None:
    play, claim = claimed()
    before_ns = claim.alive_until_ns
    assert claim.take(at(play, play.ticker(PRICE + 5)))
    assert claim.quote.mark == PRICE + 5
    # Nine tenths of ten seconds: the mark is what grows old first.
    aged_ns = claim.quote.mark_at_ns + 9_001 * MS
    assert claim.lives_until_ns(NEVER_NS) == aged_ns > before_ns
    assert claim.take(at(play, ev.StreamAlive(account="main", stream=ev.Stream.PUBLIC), after_ms=2))
    assert claim.lives_until_ns(NEVER_NS) == aged_ns
    play.at_ns += 2_000 * MS
    assert claim.take(at(play, ev.StreamAlive(account="main", stream=ev.Stream.PRIVATE)))
    assert claim.lives_until_ns(NEVER_NS) == aged_ns
    play.at_ns += 7_000 * MS
    assert not claim.take(at(play, ev.TimerFired()))


def test_a_sign_of_life_moves_the_end_of_the_timers_where_it_comes_first() -> None:
    play, claim = claimed()
    account = claim.state.accounts["main"]
    account.private.alive_at_ns -= 10_000 * MS
    claim._hear_life()
    before_ns = claim.alive_until_ns
    assert claim.take(at(play, ev.StreamAlive(account="main", stream=ev.Stream.PRIVATE), after_ms=3))
    assert claim.lives_until_ns(NEVER_NS) > before_ns


@pytest.mark.parametrize(
    "fields",
    [
        {"mark": PRICE * Decimal("1.002")},
        {"mark": None},
        {"mark": Decimal("NaN")},
        {"index": None},
        {"index": PRICE * Decimal("0.998")},
        {"funding_rate": 0.0002},
        {"funding_rate": None},
        {"funding_interval_hours": 4.0},
        {"venue_at_ns": 1},
        {"instrument": BTC_USDC},
    ],
)
def test_a_ticker_that_says_more_is_stepped(fields: dict[str, object]) -> None:
    play, claim = claimed()
    before = encode_state(play.state)
    ticker = msgspec.structs.replace(play.ticker(PRICE), **fields)
    assert not claim.take(at(play, ticker))
    assert encode_state(play.state) == before
    assert claim.take(at(play, play.ticker(PRICE)))


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
