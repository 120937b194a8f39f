import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.exchange.latency import Lane, Latencies, Latency
from hedgebot.exchange.pricepath import stream

PUSH = Latency(floor_ms=1.0, median_ms=3.0, p99_ms=27.0, max_ms=300.0)


def test_draws_have_the_percentiles_they_are_named_by() -> None:
    drawn = np.array(PUSH.draw_ms(stream(1, "latency"), 200_000))
    assert np.percentile(drawn, 50) == pytest.approx(3.0, rel=0.02)
    assert np.percentile(drawn, 99) == pytest.approx(27.0, rel=0.05)
    assert drawn.min() > 1.0
    assert drawn.max() <= 300.0


def test_a_fixed_delay_is_always_the_same_and_moves_the_stream_alike() -> None:
    fixed, other = stream(1, "latency"), stream(1, "latency")
    assert Latency.fixed(4.5).draw_ms(fixed, 3) == [4.5, 4.5, 4.5]
    PUSH.draw_ms(other, 3)
    assert fixed.random() == other.random()
    assert Latency.fixed(20_000.0).max_ms == 20_000.0


def test_one_seed_gives_one_sequence() -> None:
    first, again, other = (Lane(PUSH, stream(seed, "latency")) for seed in (1, 1, 2))
    delays = [lane.delay_ns() for lane in (first,) for _ in range(600)]
    assert delays == [again.delay_ns() for _ in range(600)]
    assert delays != [other.delay_ns() for _ in range(600)]


@given(st.lists(st.integers(0, 5_000_000), min_size=2, max_size=60), st.integers(0, 2**31))
def test_a_connection_keeps_its_order(pauses_ns: list[int], seed: int) -> None:
    lane, now_ns, last_ns = Lane(PUSH, stream(seed, "latency")), 10**18, 0
    for pause_ns in pauses_ns:
        now_ns += pause_ns
        arrival_ns = lane.arrives_ns(now_ns)
        assert arrival_ns >= max(now_ns + 1_000_000, last_ns)
        last_ns = arrival_ns


def test_a_lane_can_be_slowed_down() -> None:
    lane = Lane(PUSH, stream(1, "latency"))
    lane.delay_ns()
    lane.change(Latency.fixed(500.0))
    assert lane.delay_ns() == 500_000_000


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"floor_ms": 2.0, "median_ms": 1.0, "p99_ms": 3.0}, "must rise from 0"),
        ({"floor_ms": -1.0}, "must rise from 0"),
        ({"p99_ms": float("nan")}, "must rise from 0"),
        ({"p99_ms": 30_000.0}, "max_ms 10000"),
        ({"floor_ms": 2.0, "median_ms": 2.0, "p99_ms": 3.0}, "a spread needs a median above its floor"),
    ],
)
def test_percentiles_out_of_order_are_refused(values: dict[str, float], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Latency(**values)
    with pytest.raises(msgspec.ValidationError, match=r"\$\.public"):
        msgspec.convert({"public": values}, Latencies)
