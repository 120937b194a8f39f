import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hedgebot.margin.liquidation import bankruptcy_price, cross_price, isolated_price
from hedgebot.margin.tiers import Ladder, Tier

FLAT = Ladder(tiers=(Tier(value_max_settle=1e12, initial_rate=0.01, maintenance_rate=0.005),))
STEPS = Ladder(
    tiers=(
        Tier(value_max_settle=100_000.0, initial_rate=0.01, maintenance_rate=0.005),
        Tier(value_max_settle=200_000.0, initial_rate=0.02, maintenance_rate=0.01),
        Tier(value_max_settle=1e9, initial_rate=0.1, maintenance_rate=0.05),
    )
)


def test_a_long_at_50x_as_the_venues_page_works_it_out_but_with_margin_at_the_price_reached() -> None:
    # Page "Liquidation Price (USDT Contract)", example 1, gives 19,700 with maintenance margin at entry; at the price
    # reached, 20,000 - 400 must meet 0.995 of it.
    price = isolated_price(FLAT, qty=1.0, entry=20_000.0, margin=400.0, is_inverse=False)
    assert price == pytest.approx(19_600 / 0.995)
    assert price == pytest.approx(19_700, rel=1e-4)
    assert bankruptcy_price(qty=1.0, entry=20_000.0, margin=400.0, is_inverse=False) == pytest.approx(19_600)


def test_inverse_prices_follow_the_venues_published_formula() -> None:
    size, entry, leverage, rate = 60_000.0, 50_000.0, 10.0, 0.005
    value = size / entry
    margin = value / leverage
    long = isolated_price(FLAT, qty=size, entry=entry, margin=margin, is_inverse=True)
    assert long == pytest.approx(size * (rate + 1) / (value + value / leverage))
    short = isolated_price(FLAT, qty=-size, entry=entry, margin=margin, is_inverse=True)
    assert short == pytest.approx(size * (1 - rate) / (value - value / leverage))
    assert bankruptcy_price(qty=size, entry=entry, margin=margin, is_inverse=True) == pytest.approx(size / 1.32)


@given(
    qty=st.floats(0.5, 5.0), sign=st.sampled_from([1, -1]), entry=st.floats(10_000, 90_000), leverage=st.floats(2, 20)
)
@pytest.mark.parametrize("is_inverse", [False, True])
def test_at_the_liquidation_price_what_is_left_equals_maintenance_margin(
    is_inverse: bool, qty: float, sign: int, entry: float, leverage: float
) -> None:
    size = sign * (qty * entry if is_inverse else qty)
    ladder = FLAT if is_inverse else STEPS
    value = qty if is_inverse else qty * entry
    margin = value / leverage
    assume(margin > ladder.maintenance(value))
    price = isolated_price(ladder, qty=size, entry=entry, margin=margin, is_inverse=is_inverse)
    bankrupt = bankruptcy_price(qty=size, entry=entry, margin=margin, is_inverse=is_inverse)
    assert price is not None
    assert bankrupt is not None
    profit = size * (1 / entry - 1 / price) if is_inverse else size * (price - entry)
    need = ladder.maintenance(abs(size) / price if is_inverse else abs(size) * price)
    assert margin + profit == pytest.approx(need, rel=1e-6, abs=1e-9)
    assert (entry - price) * sign > 0
    assert (price - bankrupt) * sign > 0


def test_what_cannot_be_liquidated_has_no_price() -> None:
    assert isolated_price(FLAT, qty=0.0, entry=1.0, margin=1.0, is_inverse=False) is None
    assert isolated_price(FLAT, qty=1.0, entry=100.0, margin=200.0, is_inverse=False) is None
    assert bankruptcy_price(qty=1.0, entry=100.0, margin=200.0, is_inverse=False) is None
    assert bankruptcy_price(qty=-100.0, entry=100.0, margin=2.0, is_inverse=True) is None
    assert bankruptcy_price(qty=0.0, entry=100.0, margin=2.0, is_inverse=True) is None


def test_in_cross_margin_the_whole_account_stands_behind_a_contract() -> None:
    own = STEPS.maintenance(1.5 * 80_000)
    price = cross_price(STEPS, qty=1.5, mark=80_000.0, balance=30_000.0, maintenance=own + 700.0, is_inverse=False)
    assert price is not None
    left = 30_000.0 + 1.5 * (price - 80_000.0)
    assert left == pytest.approx(STEPS.maintenance(1.5 * price) + 700.0)
    assert cross_price(STEPS, qty=0.0, mark=80_000.0, balance=1.0, maintenance=0.0, is_inverse=False) is None
