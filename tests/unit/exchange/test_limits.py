from hedgebot.exchange.limits import PER_SECOND, RateLimits
from hedgebot.exchange.types import EndpointClass

S = 1_000_000_000


def test_a_bucket_refuses_beyond_its_second_and_opens_again() -> None:
    limits = RateLimits(enabled=True)
    limit = PER_SECOND[EndpointClass.CREATE]
    states = [limits.charge("a", EndpointClass.CREATE, S) for _ in range(limit + 2)]
    assert [one.allowed for one in states] == [True] * limit + [False] * 2
    assert states[0].remaining == limit - 1
    assert states[-1].remaining == 0
    assert states[-1].reset_at_ns == 2 * S
    assert not limits.state("a", EndpointClass.CREATE, 2 * S - 1).allowed
    assert limits.charge("a", EndpointClass.CREATE, 2 * S).allowed


def test_buckets_are_apart_and_looking_costs_nothing() -> None:
    limits = RateLimits(enabled=True)
    for _ in range(20):
        limits.charge("a", EndpointClass.CREATE, S)
    assert limits.state("a", EndpointClass.CANCEL, S).remaining == 10
    assert limits.state("b", EndpointClass.CREATE, S).remaining == 10
    assert limits.state("b", EndpointClass.CREATE, S).remaining == 10


def test_switched_off_it_only_counts() -> None:
    limits = RateLimits(enabled=False)
    assert all(limits.charge("a", EndpointClass.CREATE, S).allowed for _ in range(100))
    assert limits.state("a", EndpointClass.CREATE, S).remaining == 0
