"""Windows of cancels: full at once, never more in a rolling second than the venue takes, each way for itself."""

from collections import Counter

import pytest

from hedgebot.config.limitsfile import LimitsFile
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.pace import PER_SECOND_MAX, SECOND_S, UNANSWERED_S, CancelPace, Share, Way, Window, cancellable
from tests.unit.venues.test_buckets import Clock

ALL = 1_000


def share(pace: CancelPace, category: str, wanted: int) -> Share:
    return pace.share(category, wanted, visits=ALL, http=True, batching=True)


def last_of(orders: dict[str, int], pace: CancelPace, clock: Clock) -> tuple[float, Counter[tuple[str, float]]]:
    """Seconds from the start to the last request, and how many orders left when in each way."""
    began, left, sent = clock.now, dict(orders), Counter[tuple[str, float]]()
    while True:
        for category, wanted in left.items():
            one = share(pace, category, wanted)
            left[category] -= one.orders
            sent["single", clock.now] += one.singles
            sent["batch", clock.now] += one.orders - one.singles
        if not any(left.values()):
            return clock.now - began, sent
        clock.now += 1e-9 + min(wait for name in left if left[name] and (wait := pace.wait_s(name, batches=True)))


@pytest.mark.parametrize(
    ("orders", "windows"),
    [
        # Ten singly and ten in batches each second: two whole seconds lie before the last ten of fifty.
        ({"linear": 50}, 2),
        ({"linear": 40}, 1),
        ({"linear": 20}, 0),
        # Linear and inverse contracts share their limits, the others have their own.
        ({"linear": 25, "inverse": 25}, 2),
        ({"linear": 30, "spot": 20}, 1),
        ({"spot": 50}, 1),
        # A batch of options counts as one request.
        ({"option": 50}, 0),
        ({"option": 210}, 0),
    ],
)
def test_the_last_of_fifty_leaves_as_soon_as_the_venues_limits_allow(orders: dict[str, int], windows: int) -> None:
    clock = Clock()
    took_s, _ = last_of(orders, CancelPace(BYBIT, clock), clock)
    assert took_s == pytest.approx(windows * UNANSWERED_S)


def test_a_higher_level_of_the_account_is_believed_from_the_first_answers() -> None:
    """[D] rate-limit/rules-for-vips: twenty a second from the first level on; the answer's header says so."""
    clock = Clock()
    pace = CancelPace(BYBIT, clock)
    first = share(pace, "linear", 50)
    assert first == Share(singles=10, batches=(10,))
    for way in (Way.SINGLE, Way.BATCH):
        pace.heard(way, "linear", 10, left=10, limit=20, hold_s=0.0)
    assert share(pace, "linear", 30) == Share(singles=10, batches=(10,))
    clock.now += UNANSWERED_S + 1e-9
    assert share(pace, "linear", 60) == Share(singles=20, batches=(20,)), "the largest batch"
    pace.heard(Way.SINGLE, "linear", 0, left=None, limit=PER_SECOND_MAX + 1, hold_s=0.0)
    clock.now += UNANSWERED_S + 1e-9
    assert share(pace, "linear", 60).singles == 20, "no account has such a limit"


@pytest.mark.parametrize("category", ["linear", "inverse", "option", "spot"])
def test_no_rolling_second_sees_more_than_the_limit(category: str) -> None:
    clock = Clock()
    pace, limit = CancelPace(BYBIT, clock), BYBIT.cancel_limits[category]
    singles, batched = list[float](), list[float]()
    # Some at odd moments before, so that windows overlap.
    for wanted in (3, 7, 4, 11, *[100] * 400):
        one = share(pace, category, wanted)
        singles += [clock.now] * one.singles
        batched += [clock.now] * (len(one.batches) if limit.counts_batches else sum(one.batches))
        assert max(one.batches, default=0) <= limit.batch_max
        clock.now += 0.013
    for times, most in ((singles, limit.singles_per_s), (batched, limit.batched_per_s)):
        assert max(sum(1 for at in times if start <= at < start + 1.0) for start in times) == most


def test_a_request_counts_for_a_second_from_its_answer() -> None:
    """What left first may come last: a new connection takes its time, and the venue counts what comes."""
    clock = Clock()
    window = Window(10, clock)
    window.take(10)
    clock.now += 0.3
    window.heard(10, left=0, limit=10, hold_s=0.0)
    clock.now += 0.8
    assert window.room == 0
    assert window.wait_s() == pytest.approx(SECOND_S - 0.8)
    clock.now += 0.2 + 1e-9
    assert (window.room, window.wait_s()) == (10, 0.0)


def test_a_request_that_hangs_holds_no_cancel_up() -> None:
    clock = Clock()
    window = Window(10, clock)
    window.take(10)
    clock.now += 0.1
    window.heard(3, left=7, limit=10, hold_s=0.0)
    clock.now += UNANSWERED_S - 0.1 + 1e-9
    assert window.room == 7
    clock.now += 9.0
    window.heard(7, left=10, limit=10, hold_s=0.0)
    assert window.room == 10, "an answer that is late counts for nothing"


def test_what_others_spend_is_taken_off_and_a_refusal_holds() -> None:
    clock = Clock()
    window = Window(10, clock)
    window.take(2)
    window.heard(0, left=8, limit=None, hold_s=0.0)
    assert window.room == 8, "the two are ours"
    window.heard(0, left=3, limit=None, hold_s=0.0)
    assert window.room == 3
    window.heard(0, left=None, limit=None, hold_s=1.5)
    assert (window.room, window.wait_s()) == (0, 1.5)
    clock.now += 1.5
    assert (window.room, window.wait_s()) == (10, 0.0)


def test_without_visits_only_the_socket_is_left() -> None:
    pace = CancelPace(BYBIT, Clock())
    assert pace.share("linear", 30, visits=0, http=True, batching=True) == Share()
    assert pace.share("linear", 30, visits=4, http=True, batching=True) == Share(singles=4)
    assert pace.share("linear", 30, visits=1, http=False, batching=True) == Share(singles=6, batches=(10,))
    assert pace.share("linear", 30, visits=9, http=True, batching=False) == Share()


def test_a_way_without_a_category_is_heard_for_all_but_not_its_size() -> None:
    pace = CancelPace(BYBIT, Clock())
    pace.heard(Way.SINGLE, None, 1, left=8, limit=20, hold_s=0.0)
    assert [pace.window(Way.SINGLE, name).room for name in ("linear", "spot")] == [8, 8]
    assert pace.window(Way.BATCH, "linear").room == 10


def test_cancels_of_all_of_a_symbol_have_a_limit_too() -> None:
    pace = CancelPace(BYBIT, Clock())
    assert [pace.wholes("option", 3), pace.wholes("option", 1)] == [1, 0]
    assert [pace.wholes("linear", 6), pace.wholes("inverse", 6)] == [6, 4]


def test_no_more_orders_may_be_alive_than_a_kill_can_cancel_within_two_seconds() -> None:
    found = {name: cancellable(limit, 2.0) for name, limit in BYBIT.cancel_limits.items()}
    assert found == {"linear": 40, "inverse": 40, "spot": 80, "option": 2 * (10 + 10 * 20)}
    # The operator's limit may be tighter than the slowest category, never looser.
    assert LimitsFile.model_fields["open_orders_max"].default == min(found.values())
    (most,) = (one.le for one in LimitsFile.model_fields["open_orders_max"].metadata if hasattr(one, "le"))
    assert most == min(found.values())


@pytest.mark.parametrize(("within_s", "orders"), [(0.0, 20), (1.0, 20), (1.05, 40), (2.0, 40), (2.1, 60)])
def test_what_is_cancellable_leaves_in_time_by_the_windows_themselves(within_s: float, orders: int) -> None:
    assert cancellable(BYBIT.cancel_limits["linear"], within_s) == orders
    clock = Clock()
    took_s, _ = last_of({"linear": orders}, CancelPace(BYBIT, clock), clock)
    assert took_s <= within_s + 1e-6
    longer_s, _ = last_of({"linear": orders + 1}, CancelPace(BYBIT, clock), clock)
    assert longer_s > within_s - 1e-6
