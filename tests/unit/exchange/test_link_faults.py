"""Which fault of a link strikes what, and the state of its lines."""

import pytest

from hedgebot.exchange.faults import (
    LineFault,
    LineFaultKind,
    PushFault,
    PushFaultKind,
    RequestFault,
    RequestFaultKind,
)
from hedgebot.exchange.link_faults import LinkFaults

S = 1_000_000_000


class At:
    """A schedule that only knows the time."""

    def __init__(self) -> None:
        self.now_ns = 0

    def at(self, moment_ns: int, deed: object) -> None:
        raise AssertionError("nothing is entered here")


@pytest.fixture
def clock() -> At:
    return At()


@pytest.fixture
def faults(clock: At) -> LinkFaults:
    return LinkFaults(clock, 1)


def test_each_sort_strikes_its_own(faults: LinkFaults) -> None:
    faults.add(RequestFault(kind=RequestFaultKind.ACK_LOST, request="query"))
    faults.add(PushFault(kind=PushFaultKind.MUTE, topic="order"))
    assert faults.request("place", "x") is None
    assert faults.push("private", "execution", "x") is None
    assert faults.request("query.wallet", "") is not None
    assert faults.push("private", "order", "x") is not None
    assert [(one.at_ns, one.on) for one in faults.struck] == [(0, "query.wallet"), (0, "private:order")]
    faults.clear()
    assert faults.push("private", "order", "x") is None


def test_lines_stand_in_states_and_thaw(faults: LinkFaults, clock: At) -> None:
    freeze = LineFaultKind.FREEZE
    assert not faults.stands(freeze, "private")
    faults.add(LineFault(kind=freeze, stream="private", seconds=2))
    faults.add(LineFault(kind=freeze, seconds=5))
    assert [faults.thaws_ns(name) for name in ("private", "public")] == [5 * S, 5 * S]
    clock.now_ns = 5 * S
    assert not faults.stands(freeze, "private")
    faults.add(LineFault(kind=freeze, stream="public"))
    assert faults.thaws_ns("public") is None
    assert faults.stands(freeze, "public")
    assert not faults.stands(freeze, "private")
    # A state is not counted, a connection that is struck is.
    assert list(faults.struck) == []
    faults.add(LineFault(kind=LineFaultKind.SLOW, count=1))
    assert [faults.line(LineFaultKind.SLOW, "private") is not None for _ in range(2)] == [True, False]
    assert [one.on for one in faults.struck] == ["private"]
