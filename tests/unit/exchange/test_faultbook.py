"""How often a fault strikes, and when it is over."""

import pytest

from hedgebot.exchange.faultbook import FAULTS_MAX, FaultBook, TooManyFaults
from hedgebot.exchange.faults import PushFault, PushFaultKind

S = 1_000_000_000
MUTE, DELAY = PushFaultKind.MUTE, PushFaultKind.DELAY
Book = FaultBook[PushFault]


def struck(book: Book, now_ns: int, times: int) -> list[bool]:
    return [book.strike(now_ns, lambda _: True) is not None for _ in range(times)]


def test_it_strikes_its_count_after_its_skip() -> None:
    book = Book(1)
    book.add(PushFault(kind=MUTE, count=2, skip=1), 0)
    assert struck(book, 0, 5) == [False, True, True, False, False]
    assert book.active(0) == ()


def test_time_ends_it() -> None:
    book = Book(1)
    book.add(PushFault(kind=MUTE, seconds=2.0), 10 * S)
    assert struck(book, 12 * S - 1, 1) == [True]
    assert struck(book, 12 * S, 1) == [False]
    assert book.active(12 * S) == ()


def test_the_first_that_strikes_counts_and_the_next_takes_over() -> None:
    book = Book(1)
    book.add(PushFault(kind=MUTE, count=1), 0)
    book.add(PushFault(kind=DELAY), 0)
    kinds = [fault.kind for _ in range(3) if (fault := book.strike(0, lambda _: True)) is not None]
    assert kinds == [MUTE, DELAY, DELAY]
    assert book.strike(0, lambda fault: fault.kind is MUTE) is None


def test_chance_is_seeded_and_each_fault_has_its_own() -> None:
    def draws(book: Book) -> list[bool]:
        book.add(PushFault(kind=MUTE, probability=0.3), 0)
        return struck(book, 0, 300)

    one = draws(Book(5))
    assert one == draws(Book(5))
    assert one != draws(Book(6))
    assert 60 < sum(one) < 120
    # Another fault before it that never picks shifts nothing but the number, one after it shifts nothing at all.
    book = Book(5)
    book.add(PushFault(kind=MUTE, probability=0.3), 0)
    book.add(PushFault(kind=DELAY, probability=0.5), 0)
    assert [(fault := book.strike(0, lambda _: True)) is not None and fault.kind is MUTE for _ in range(300)] == one


def test_looking_at_a_state_counts_nothing() -> None:
    book = Book(1)
    book.add(PushFault(kind=MUTE, count=1), 0)
    assert [book.holds(0, lambda _: True) is not None for _ in range(3)] == [True] * 3
    (active,) = book.active(0)
    assert (active.met, active.struck) == (0, 0)
    assert struck(book, 0, 2) == [True, False]


def test_it_is_ended_by_its_number() -> None:
    book = Book(1)
    first, second = (book.add(PushFault(kind=kind), 0) for kind in (MUTE, DELAY))
    assert book.end(first)
    assert not book.end(first)
    assert [one.number for one in book.active(0)] == [second]
    book.clear()
    assert book.active(0) == ()


def test_the_list_is_bounded() -> None:
    book = Book(1)
    for _ in range(FAULTS_MAX):
        book.add(PushFault(kind=MUTE, seconds=1.0), 0)
    with pytest.raises(TooManyFaults, match="100 faults"):
        book.add(PushFault(kind=MUTE), 0)
    # Those that are over make room.
    book.add(PushFault(kind=MUTE), S)
