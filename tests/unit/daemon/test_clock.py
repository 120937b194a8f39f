"""The one clock: no step of the wall moves it back."""

from hypothesis import given
from hypothesis import strategies as st

from hedgebot.daemon.clock import STEP_NS, Clock, steady_ns


class Hands:
    """A wall clock and a steady clock that a test moves by hand."""

    def __init__(self) -> None:
        self.wall_ns = 1_700_000_000 * 10**9
        self.steady_ns = 5 * 10**9

    def pass_time(self, ns: int) -> None:
        self.wall_ns += ns
        self.steady_ns += ns

    def clock(self, not_before_ns: int = 0) -> Clock:
        return Clock(not_before_ns=not_before_ns, wall=lambda: self.wall_ns, steady=lambda: self.steady_ns)


def test_it_starts_at_the_wall_and_runs_with_the_steady_clock() -> None:
    hands = Hands()
    clock = hands.clock()
    assert clock.now_ns() == hands.wall_ns
    hands.steady_ns += 7
    assert clock.now_ns() == hands.wall_ns + 7


def test_a_wall_set_back_an_hour_does_not_move_it() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.pass_time(10)
    before = clock.now_ns()
    hands.wall_ns -= 3_600 * 10**9
    assert clock.resync() == -3_600 * 10**9
    assert clock.now_ns() == before


def test_a_wall_set_forward_is_followed_at_the_next_check() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.wall_ns += 60 * STEP_NS
    assert clock.resync() == 60 * STEP_NS
    assert clock.now_ns() == hands.wall_ns


def test_a_small_difference_is_drift_and_stays() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.wall_ns += STEP_NS // 2
    clock.resync()
    assert clock.now_ns() == hands.wall_ns - STEP_NS // 2


def test_a_restart_with_the_wall_set_back_continues_the_journals_time() -> None:
    hands = Hands()
    last_ns = hands.wall_ns + 90 * 10**9
    assert hands.clock(not_before_ns=last_ns).now_ns() == last_ns
    clock = hands.clock()
    clock.not_before(last_ns)
    assert clock.now_ns() == last_ns
    clock.not_before(last_ns - 1)
    assert clock.now_ns() == last_ns


@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(-(10**14), 10**14), st.booleans()), max_size=40))
def test_it_never_runs_backwards(moves: list[tuple[int, int, bool]]) -> None:
    hands = Hands()
    clock = hands.clock()
    seen = clock.now_ns()
    for passed_ns, step_ns, check in moves:
        hands.pass_time(passed_ns)
        hands.wall_ns += step_ns
        if check:
            clock.resync()
        assert clock.now_ns() >= seen
        seen = clock.now_ns()


def test_the_steady_clock_of_this_system_moves_on() -> None:
    first = steady_ns()
    assert steady_ns() >= first
