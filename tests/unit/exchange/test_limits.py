import msgspec
import pytest

from hedgebot.exchange.limits import ADDRESSES_MAX, RateLimits
from hedgebot.exchange.types import EndpointClass
from hedgebot.exchange.venue_rules import BINANCE, BYBIT, DERIBIT, KRAKEN_FUTURES, VenueRules

S = 1_000_000_000
CREATE, CANCEL = EndpointClass.CREATE, EndpointClass.CANCEL


def test_a_bucket_refuses_beyond_its_second_and_opens_again() -> None:
    limits = RateLimits(BYBIT, enabled=True)
    limit = BYBIT.quota(CREATE).limit
    states = [limits.charge("a", CREATE, S) for _ in range(limit + 2)]
    assert [one.allowed for one in states] == [True] * limit + [False] * 2
    assert states[0].remaining == limit - 1
    assert states[-1].remaining == 0
    assert states[-1].reset_at_ns == 2 * S
    assert not limits.state("a", CREATE, 2 * S - 1).allowed
    assert limits.charge("a", CREATE, 2 * S).allowed


def test_buckets_are_apart_and_looking_costs_nothing() -> None:
    limits = RateLimits(BYBIT, enabled=True)
    for _ in range(20):
        limits.charge("a", CREATE, S)
    assert limits.state("a", CANCEL, S).remaining == 10
    assert limits.state("b", CREATE, S).remaining == 10
    assert limits.state("b", CREATE, S).remaining == 10


def test_a_pool_is_shared_by_what_draws_on_it() -> None:
    limits = RateLimits(KRAKEN_FUTURES, enabled=True)
    for _ in range(30):
        assert limits.charge("a", CREATE, S).allowed
    for _ in range(20):
        assert limits.charge("a", CANCEL, S).allowed
    assert not limits.charge("a", CANCEL, 2 * S).allowed
    # 500 per 10 s at 10 an order: 50 requests.
    assert limits.state("a", CREATE, 2 * S).limit == 50
    assert limits.charge("a", CANCEL, 11 * S).allowed
    # What the venue has no figure for is not counted against orders.
    assert limits.charge("a", EndpointClass.QUERY_ORDERS, 2 * S).allowed


def test_a_leaking_bucket_gives_a_burst_and_then_its_rate() -> None:
    limits = RateLimits(DERIBIT, enabled=True)
    assert sum(limits.charge("a", CREATE, S).allowed for _ in range(30)) == 20
    refused = limits.charge("a", CREATE, S)
    assert refused.reset_at_ns == S + S // 5
    assert not limits.charge("a", CREATE, S + S // 5 - 1_000).allowed
    assert limits.charge("a", CREATE, S + S // 5).allowed
    assert sum(limits.charge("a", CREATE, 3 * S).allowed for _ in range(30)) == 9


def test_switched_off_it_only_counts() -> None:
    limits = RateLimits(BYBIT, enabled=False)
    assert all(limits.charge("a", CREATE, S).allowed for _ in range(100))
    assert limits.state("a", CREATE, S).remaining == 0
    assert all(limits.visit("here", S) for _ in range(10_000))


def test_one_visit_too_many_bans_the_address_for_ten_minutes() -> None:
    limits = RateLimits(BYBIT, enabled=True)
    assert all(limits.visit("here", S) for _ in range(600))
    assert limits.visit("there", S)
    assert not limits.visit("here", S)
    assert limits.banned_until_ns("here") == 601 * S
    # Asking meanwhile does not prolong it.
    assert not limits.visit("here", 600 * S)
    assert limits.visit("here", 601 * S)
    assert limits.banned_until_ns("there") == 0


def test_a_patient_venue_refuses_first_and_doubles_its_bans() -> None:
    limits = RateLimits(BINANCE, enabled=True)
    rule = BINANCE.ban
    assert rule is not None

    def overdo(now_ns: int) -> float:
        for _ in range(rule.visits + rule.patience):
            limits.visit("here", now_ns)
        assert limits.banned_until_ns("here") <= now_ns
        assert not limits.visit("here", now_ns)
        return (limits.banned_until_ns("here") - now_ns) / S

    assert [overdo(moment * S) for moment in (1_000, 2_000, 3_000)] == [120.0, 240.0, 480.0]
    # A day without one is forgiven.
    assert overdo(100_000 * S) == 120.0


def test_bans_by_order_hold_whatever_is_counted() -> None:
    limits = RateLimits(BYBIT, enabled=False)
    limits.ban(5 * S, "here", S)
    assert [limits.visit("here", S), limits.visit("there", S), limits.visit("here", 5 * S)] == [False, True, True]
    limits.ban(9 * S)
    assert not limits.visit("there", 8 * S)
    assert limits.banned_until_ns("there") == 9 * S
    limits.ban(0)
    assert limits.visit("there", 8 * S)


def test_addresses_are_bounded_and_the_busy_one_is_kept() -> None:
    limits = RateLimits(BYBIT, enabled=True)
    limits.ban(10**18, "banned", S)
    for number in range(3 * ADDRESSES_MAX):
        limits.visit(f"n{number}", S)
        if number % 10 == 0:
            assert not limits.visit("banned", S)
    assert limits.banned_until_ns("banned") == 10**18
    assert limits.banned_until_ns("n0") == 0


@pytest.mark.parametrize("rules", [BYBIT, BINANCE])
def test_a_venue_without_a_ban_rule_counts_no_visits(rules: VenueRules) -> None:
    limits = RateLimits(msgspec.structs.replace(rules, ban=None), enabled=True)
    assert all(limits.visit("here", S) for _ in range(5_000))
