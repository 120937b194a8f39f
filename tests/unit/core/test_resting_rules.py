"""Orders that may rest need a switch behind them; what bounds how many are alive is the slot of each underlying."""

import msgspec
import pytest

from hedgebot.core import gate
from hedgebot.core.candidate import Candidate
from hedgebot.core.resting_rules import dead_man
from hedgebot.domain.deadman import DeadManStatus
from hedgebot.domain.orders import TimeInForce
from tests.support.playbook import ACCOUNT, Playbook
from tests.support.resting import candidate


def _candidate(tif: TimeInForce, status: DeadManStatus) -> Candidate:
    """An order on an account whose operator wants a switch that stands so."""
    book = Playbook()
    book.ready()
    accounts = tuple(msgspec.structs.replace(one, dead_man_s=30.0) for one in book.settings.accounts)
    book.state.settings = msgspec.structs.replace(book.state.settings, accounts=accounts)
    book.state.accounts[ACCOUNT].dead_man.status = status
    return candidate(book, tif)


@pytest.mark.parametrize("tif", list(TimeInForce))
@pytest.mark.parametrize("status", [DeadManStatus.ARMED, DeadManStatus.OFF, DeadManStatus.FIRED])
def test_no_order_may_rest_without_an_armed_switch(tif: TimeInForce, status: DeadManStatus) -> None:
    found = dead_man(_candidate(tif, status))
    rests = tif in {TimeInForce.GTC, TimeInForce.POST_ONLY}
    assert bool(found.problem) is (rests and status is not DeadManStatus.ARMED)
    assert found.check.value == (status.value if rests else tif.value)


def test_it_is_asked_of_hedges_and_not_of_closing() -> None:
    assert dead_man in gate.RULES
    assert dead_man in gate.MOVE_RULES
    assert dead_man not in gate.CLOSING_RULES, "closing is immediate-or-cancel always"
