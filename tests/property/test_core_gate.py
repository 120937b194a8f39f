"""What lowers risk passes where it must: every mode, purpose and margin."""

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hedgebot.core import gate
from hedgebot.core.candidate import Candidate
from hedgebot.core.gate import judge
from hedgebot.core.hedges import Way
from hedgebot.core.ledger import set_position
from hedgebot.core.shaping import NoLot, shape
from hedgebot.core.state import ChaseStart
from hedgebot.core.strategy import Proposal
from hedgebot.domain.commands import Mode
from hedgebot.domain.orders import Approved, OrderIntent, Refused
from tests.support.playbook import ACCOUNT, BTC_PERP, PRICE, START_NS
from tests.unit.core.test_gate import _candidate, _limit, _set_margin

SHRINKING, CUTTING, ADDING = "shrinks its position", "cuts delta with a new position", "adds delta"
PURPOSES: dict[str, Callable[[], Candidate]] = {
    SHRINKING: lambda: _candidate(reduce_only=True),
    CUTTING: _candidate,
    ADDING: lambda: _candidate(delta_coin=0.2, trade_coin=0.1),
}
MARGINS = (0.1, 0.75, 0.85, None)
# Safety reference section 2: below the margin floor, or with an unknown buffer, nothing that needs margin.
ALLOWED: dict[tuple[Mode, str], set[float | None]] = {
    (Mode.ACTIVE, SHRINKING): set(MARGINS),
    (Mode.ACTIVE, CUTTING): {0.1, 0.75},
    (Mode.ACTIVE, ADDING): {0.1},
    (Mode.REDUCING, SHRINKING): set(MARGINS),
    (Mode.REDUCING, CUTTING): {0.1, 0.75},
}


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("margin", MARGINS)
def test_what_lowers_risk_passes_where_it_must(mode: Mode, purpose: str, margin: float | None) -> None:
    one = PURPOSES[purpose]()
    one.state.mode = mode
    _set_margin(one, margin)
    allowed = margin in ALLOWED.get((mode, purpose), set())
    verdict = judge(one)
    assert isinstance(verdict, Approved) == allowed, verdict
    if isinstance(verdict, Refused):
        assert verdict.check.rule in {"mode", "margin_use"}


@pytest.mark.parametrize("purpose", [SHRINKING, CUTTING])
def test_beyond_the_delta_limit_the_way_back_is_open(purpose: str) -> None:
    one = msgspec.structs.replace(PURPOSES[purpose](), delta_coin=9.0)
    assert isinstance(judge(one), Approved)


def test_a_hedge_that_ends_a_funding_cost_is_not_stopped_by_it() -> None:
    one = _candidate(reduce_only=True)
    # Long half a coin at 3 x 2 %: selling lowers a cost that is beyond its limit.
    one.quote.funding_rate = 0.02
    assert isinstance(judge(one), Approved)


def test_what_only_shrinks_passes_after_a_forced_close_and_on_a_full_account() -> None:
    one = _candidate(reduce_only=True)
    one.underlying.forced[BTC_PERP] = one.at_ns - 1
    set_position(one.state, ACCOUNT, BTC_PERP, Decimal(150), PRICE, START_NS)
    one.quote.funding_rate = 0.0
    verdict = judge(one)
    assert isinstance(verdict, Approved), verdict


def test_a_hedge_beyond_the_delta_limit_follows_the_price() -> None:
    one = _candidate(delta_coin=9.0)
    one.underlying.chased = {BTC_PERP: ChaseStart(price=112_000.0, at_ns=one.at_ns)}
    assert isinstance(judge(one), Approved)


def test_a_window_that_is_over_begins_anew() -> None:
    one = _candidate()
    one.underlying.chased = {BTC_PERP: ChaseStart(price=112_000.0, at_ns=one.at_ns - 60_001 * 1_000_000)}
    assert isinstance(judge(one), Approved)


def test_without_a_middle_there_is_no_collar_to_keep() -> None:
    one = _candidate()
    one.quote.bid = None
    finding = gate._collar(one)
    assert finding.check.value == "unknown"
    assert finding.problem


# --- shaping and gate agree ------------------------------------------------------------------------------------------


@given(
    trade=st.floats(0.001, 3.0),
    sign=st.sampled_from([1, -1]),
    collar=st.one_of(st.integers(1, 500).map(lambda tenth: tenth / 10), st.floats(0.5, 100)),
    size=st.floats(0.05, 2.0),
    notional=st.floats(5_000, 300_000),
)
@example(trade=1.0, sign=1, collar=2.3, size=1.0, notional=5_000.0)
def test_the_gate_accepts_whatever_shaping_makes(
    trade: float, sign: int, collar: float, size: float, notional: float
) -> None:
    one = _limit(READY, collar_bps=collar, order_qty_coin_max=size, order_notional_usd_max=notional)
    proposal = Proposal(
        strategy="delta_neutral", centre_coin=0.0, trigger_coin=0.01, inside_coin=0.0, reason="keep", evidence={}
    )
    way = Way(one.settings.hedge_instrument, None, "")
    shaped = shape(one.state, one.settings, way, PRICE, proposal, -trade * sign, one.at_ns)
    assert isinstance(shaped, OrderIntent | NoLot)
    if isinstance(shaped, OrderIntent):
        verdict = judge(msgspec.structs.replace(one, intent=shaped, delta_coin=trade * sign))
        assert isinstance(verdict, Approved), verdict


READY = _candidate()
