import pytest

from hedgebot.console.band import BandClock

S = 1_000_000_000


def clock(*events: tuple[float, float | None, bool]) -> BandClock:
    """Events as (seconds, delta, fill of ours); the edge is 1 coin, the book active."""
    made = BandClock("BTC")
    for at_s, delta, own_fill in events:
        made.see(int(at_s * S), delta_coin=delta, edge_coin=1.0, active=True, own_fill=own_fill)
    return made


def test_all_inside_is_everything() -> None:
    result = clock((0, 0.5, False), (5, -1.0, False)).result(10 * S)
    assert (result.share, result.counted_s, result.breaches) == (1.0, 10.0, ())


def test_a_breach_that_a_hedge_mends_in_time_does_not_count() -> None:
    result = clock((0, 0.5, False), (4, 1.5, False), (4.5, 0.7, True)).result(10 * S)
    assert result.share == 1.0
    assert result.counted_s == 9.5
    (breach,) = result.breaches
    assert (breach.began_at_ns, breach.seconds, breach.hedged, breach.too_long) == (4 * S, 0.5, True, False)


def test_beyond_two_seconds_it_counts_and_is_marked() -> None:
    result = clock((0, 0.5, False), (4, -1.5, False), (7, 0.7, True)).result(10 * S)
    assert result.excused_s == 2.0
    assert result.outside_s == 1.0
    assert result.share == pytest.approx(1 - 1 / 8)
    assert result.breaches[0].too_long


def test_a_breach_without_a_hedge_counts_whole() -> None:
    result = clock((0, 0.5, False), (4, 1.5, False), (5, 0.9, False)).result(10 * S)
    assert (result.outside_s, result.excused_s, result.share) == (1.0, 0.0, 0.9)
    assert not result.breaches[0].hedged


def test_a_fill_that_is_not_enough_keeps_the_breach_open() -> None:
    result = clock((0, 0.0, False), (1, 3.0, False), (1.5, 2.0, True), (2, 0.5, True)).result(4 * S)
    assert [breach.seconds for breach in result.breaches] == [1.0]


def test_unknown_delta_is_outside() -> None:
    assert clock((0, None, False)).result(2 * S).share == 0.0


def test_a_breach_at_the_end_is_closed() -> None:
    result = clock((0, 0.0, False), (1, 2.0, False)).result(2 * S)
    assert (result.outside_s, len(result.breaches)) == (1.0, 1)


def test_time_counts_only_while_the_book_is_active() -> None:
    made = BandClock("BTC")
    made.see(0, delta_coin=5.0, edge_coin=1.0, active=False, own_fill=False)
    made.see(10 * S, delta_coin=0.5, edge_coin=1.0, active=True, own_fill=False)
    made.see(20 * S, delta_coin=5.0, edge_coin=1.0, active=False, own_fill=False)
    result = made.result(40 * S)
    assert (result.counted_s, result.share, result.breaches) == (10.0, 1.0, ())


def test_a_breach_found_at_the_start_counts_from_there() -> None:
    made = BandClock("BTC")
    made.see(0, delta_coin=5.0, edge_coin=1.0, active=False, own_fill=False)
    made.see(1 * S, delta_coin=5.0, edge_coin=1.0, active=True, own_fill=False)
    made.see(2 * S, delta_coin=0.5, edge_coin=1.0, active=True, own_fill=True)
    result = made.result(3 * S)
    assert [(one.began_at_ns, one.seconds, one.hedged) for one in result.breaches] == [(S, 1.0, True)]


def test_nothing_seen_is_no_share() -> None:
    assert BandClock("BTC").result(5 * S).share is None
