"""The life of an order: one table, a diagram of it, and no way out of an end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.errors import ProgrammingError
from hedgebot.domain.orders import TERMINAL, TRANSITIONS, OrderStatus, move, transition_diagram

PAIRS = [(source, target) for source in OrderStatus for target in OrderStatus if source is not target]


def _reachable(start: OrderStatus) -> set[OrderStatus]:
    seen, waiting = {start}, [start]
    while waiting:
        new = TRANSITIONS[waiting.pop()] - seen
        seen |= new
        waiting += new
    return seen


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_move_is_made_exactly_where_the_table_has_it(source: OrderStatus, target: OrderStatus) -> None:
    if target in TRANSITIONS[source]:
        assert move(source, target) is target
    else:
        with pytest.raises(ProgrammingError, match="cannot move"):
            move(source, target)


@pytest.mark.parametrize("status", OrderStatus)
def test_staying_put_is_no_move(status: OrderStatus) -> None:
    assert move(status, status) is status


def test_every_status_is_in_the_table_and_reachable() -> None:
    assert set(TRANSITIONS) == set(OrderStatus)
    assert _reachable(OrderStatus.PLANNED) == set(OrderStatus)


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_an_end_is_left_only_by_a_late_fill(status: OrderStatus) -> None:
    assert TRANSITIONS[status] <= {OrderStatus.FILLED}
    assert status.is_terminal


@pytest.mark.parametrize("status", sorted(set(OrderStatus) - TERMINAL))
def test_whatever_is_not_ended_can_become_unknown_and_can_end(status: OrderStatus) -> None:
    assert status is OrderStatus.UNKNOWN or OrderStatus.UNKNOWN in TRANSITIONS[status]
    assert _reachable(status) >= TERMINAL
    assert not status.is_terminal


def test_unknown_is_left_by_proof_never_back_to_the_sender() -> None:
    assert TRANSITIONS[OrderStatus.UNKNOWN] == set(OrderStatus) - {
        OrderStatus.PLANNED,
        OrderStatus.SENT,
        OrderStatus.UNKNOWN,
    }


def test_nothing_returns_to_planned_or_is_sent_twice() -> None:
    for source, targets in TRANSITIONS.items():
        assert OrderStatus.PLANNED not in targets
        assert OrderStatus.SENT not in targets or source is OrderStatus.PLANNED


@given(st.lists(st.sampled_from(OrderStatus), max_size=12))
def test_any_story_ends_at_most_twice(story: list[OrderStatus]) -> None:
    status, ends = OrderStatus.PLANNED, 0
    for wanted in story:
        if wanted in TRANSITIONS[status]:
            status = move(status, wanted)
            ends += status.is_terminal
    assert ends <= 2
    assert ends < 2 or status is OrderStatus.FILLED


def test_the_diagram_has_every_edge_and_no_other() -> None:
    lines = [line.strip() for line in transition_diagram().splitlines()]
    drawn = {line for line in lines if "-->" in line and "[*]" not in line}
    assert drawn == {f"{source.name} --> {target.name}" for source in TRANSITIONS for target in TRANSITIONS[source]}
    assert lines[0] == "stateDiagram-v2"
    assert f"[*] --> {OrderStatus.PLANNED.name}" in lines
    assert {f"{end.name} --> [*]" for end in TERMINAL} <= set(lines)
