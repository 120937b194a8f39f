from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument, InstrumentKind
from hedgebot.exchange.position import MONEY_STEP, Position, booked_value
from tests.unit.exchange.test_account import instrument

PERP = instrument(InstrumentKind.LINEAR_PERP)
INVERSE = msgspec.structs.replace(
    instrument(InstrumentKind.INVERSE_PERP, "BTC"), lot_size=Decimal(1), qty_min=Decimal(1)
)

trades = st.lists(
    st.tuples(st.integers(-5_000, 5_000).filter(bool), st.integers(500_000, 1_500_000)), min_size=1, max_size=40
)


@pytest.mark.parametrize("one", [PERP, INVERSE])
@given(rows=trades)
def test_nothing_is_lost_by_averaging(one: Instrument, rows: list[tuple[int, int]]) -> None:
    """Value traded = cost of what is held - profit taken (an inverse contract's with the other sign), exactly."""
    position, paid, realised = Position(one), ZERO, ZERO
    for number, ticks in rows:
        contracts, price = one.lot_size * number, Decimal(ticks) / 10
        _, profit = position.trade(contracts, price)
        paid += booked_value(one, contracts, price)
        realised += profit
    assert paid == position.cost - (-realised if one.kind.is_inverse else realised)
    assert position.contracts == sum(one.lot_size * number for number, _ in rows)
    assert position.realised_pnl == realised
    if not position.contracts:
        assert position.cost == ZERO
        assert position.entry_price is None


@given(long=st.integers(1, 10**6), entry=st.integers(10_000, 10**6), leaves=st.integers(10_000, 10**6))
def test_an_inverse_position_earns_the_coins_that_the_domain_says(long: int, entry: int, leaves: int) -> None:
    position = Position(INVERSE)
    position.trade(Decimal(long), Decimal(entry))
    wanted = INVERSE.pnl_settle(Decimal(long), Decimal(entry), Decimal(leaves))
    assert abs(position.unrealised(Decimal(leaves)) - wanted) <= 2 * MONEY_STEP
    closed, realised = position.trade(Decimal(-long), Decimal(leaves))
    assert closed == Decimal(long)
    assert abs(realised - wanted) <= 2 * MONEY_STEP


def test_an_inverse_average_is_harmonic() -> None:
    position = Position(INVERSE)
    position.trade(Decimal(100), Decimal(50_000))
    position.trade(Decimal(100), Decimal(100_000))
    assert position.entry_price is not None
    assert position.entry_price.quantize(Decimal("0.01")) == Decimal("66666.67")
    assert position.unrealised(Decimal(50_000)) < ZERO


def test_a_trade_through_zero_closes_first_and_opens_the_rest() -> None:
    position = Position(PERP)
    position.trade(Decimal(2), Decimal(100))
    closed, realised = position.trade(Decimal(-5), Decimal(110))
    assert (closed, realised) == (Decimal(2), Decimal(20))
    assert (position.contracts, position.entry_price) == (Decimal(-3), Decimal(110))
