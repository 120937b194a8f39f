"""Random books, prices, venues and orders: by every venue's model the gate keeps the buffer, whatever part fills.

The reference revalues the whole book anew with the order as one leg more; the gate's own way of joining an order to a
book is not asked. Isolated margin has no buffer in common and is left out.
"""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from hedgebot.core.what_if import what_if
from hedgebot.daemon.risk_files import read_registry
from hedgebot.domain.health import use_of
from hedgebot.domain.instrument import Side
from hedgebot.domain.riskbook import AccountPoint, LegKind, LinearLeg, OptionLeg, RiskBook, UnderlyingPoint
from hedgebot.domain.settings import LimitSettings, MarginMode
from hedgebot.domain.whatif import OrderKind, Verdict, WantedOrder
from hedgebot.margin.positions import books_of
from hedgebot.margin.venue_models import NotCoveredError, VenueModel

AT_NS = 1_770_000_000_000_000_000
DAY_NS = 86_400 * 1_000_000_000
LIMITS = LimitSettings(liquidation_distance_min=0.0)
FLOOR = LIMITS.margin_use_reduce
MODELS = [one for one in read_registry() if one.mode is not MarginMode.ISOLATED]
LEVERAGE = 10.0
ROUNDING = 1e-6


def linear(underlying: str, coins: float) -> LinearLeg:
    return LinearLeg(
        account="main",
        underlying=underlying,
        instrument=f"x:perp:{underlying}",
        kind=LegKind.PERP,
        coins=coins,
        nominal_coins=abs(coins),
        leverage=LEVERAGE,
    )


def option(coins: float, price: float, *, call: bool, days: int) -> OptionLeg:
    return OptionLeg(
        account="main",
        underlying="BTC",
        instrument=f"x:option:BTC-{days}-{call}",
        coins=coins,
        forward=price,
        strike=round(price * (1.1 if call else 0.9)),
        expiry_ns=AT_NS + days * DAY_NS,
        vol=0.6,
        is_call=call,
    )


@st.composite
def books(draw: st.DrawFn) -> RiskBook:
    bitcoin = draw(st.sampled_from([40_000.0, 100_000.0, 123_456.5]), label="price")
    legs = [linear("BTC", draw(st.integers(-60, 60).filter(bool), label="perp") / 4)]
    if draw(st.booleans(), label="ether"):
        legs.append(linear("ETH", draw(st.integers(-400, 400).filter(bool), label="eth") / 2))
    options = []
    if draw(st.booleans(), label="options"):
        sizes = draw(st.tuples(st.integers(-20, 20), st.integers(-20, 20)), label="sizes")
        days = draw(st.sampled_from([7, 45]), label="days")
        options = [
            option(size / 2, bitcoin, call=call, days=days) for size, call in zip(sizes, (True, False), strict=True)
        ]
    equity = draw(st.floats(-10_000.0, 900_000.0), label="equity")
    return RiskBook(
        at_ns=AT_NS,
        underlyings=(
            UnderlyingPoint(underlying="BTC", price_usd=bitcoin, cost_bps=1e-9),
            UnderlyingPoint(underlying="ETH", price_usd=bitcoin / 30.0, cost_bps=1e-9),
        ),
        linear=tuple(legs),
        options=tuple(one for one in options if one.coins),
        accounts=(AccountPoint(account="main", equity_usd=equity, maintenance_margin_usd=None),),
    )


def maintenance(book: RiskBook, model: VenueModel, filled: float) -> float:
    """The reference: the whole book anew, with what was filled in the perpetual's leg."""
    bitcoin, *others = book.linear
    changed = msgspec.structs.replace(bitcoin, coins=bitcoin.coins + filled, nominal_coins=abs(bitcoin.coins + filled))
    return model.total(books_of(msgspec.structs.replace(book, linear=(changed, *others)))).maintenance


def wanted(coins: float) -> WantedOrder:
    return WantedOrder(
        side=Side.of(coins), qty=Decimal(repr(abs(coins))), in_usd=False, underlying="BTC", kind=OrderKind.PERP
    )


@pytest.mark.parametrize("model", MODELS, ids=lambda one: f"{one.venue} {one.mode}")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data())
def test_nothing_that_is_let_through_takes_the_buffer_through_its_floor_or_further_below(
    model: VenueModel, data: st.DataObject
) -> None:
    book = data.draw(books())
    order = data.draw(st.integers(-120, 120).filter(bool), label="order") / 4
    equity = book.accounts[0].equity_usd
    assert equity is not None
    try:
        answer = what_if(book, wanted(order), model, LIMITS)
        before = maintenance(book, model, 0.0)
    except NotCoveredError:
        assume(False)
        return
    event(answer.verdict.value)
    accepted = order if answer.verdict is Verdict.PASS else 0.0
    if answer.verdict is Verdict.CUT:
        accepted = float(answer.fits) * (1.0 if order > 0 else -1.0)
        assert abs(accepted) <= abs(order) * (1.0 + 1e-5)
    # Whatever part of it fills: the worst of them counts.
    for share in (0.05, 0.25, 0.5, 0.75, 1.0, data.draw(st.floats(0.0, 1.0), label="share")):
        after = maintenance(book, model, accepted * share)
        through = use_of(after, equity) > FLOOR * (1.0 + 1e-5)
        assert not through or after <= before + ROUNDING * max(before, 1.0), (share, before, after)


@pytest.mark.parametrize("model", MODELS, ids=lambda one: f"{one.venue} {one.mode}")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data())
def test_every_order_that_reduces_risk_passes(model: VenueModel, data: st.DataObject) -> None:
    """Less delta, and a maintenance margin that is not higher than before: also far below the floor."""
    book = data.draw(books())
    perp = book.linear[0].coins
    order = -perp * data.draw(st.floats(0.01, 1.0), label="share")
    order = round(order, 3)
    assume(order)
    try:
        before, after = maintenance(book, model, 0.0), maintenance(book, model, order)
        answer = what_if(book, wanted(order), model, LIMITS)
    except NotCoveredError:
        assume(False)
        return
    assume(answer.hedges)
    assume(answer.verdict is not Verdict.UNKNOWN)
    assume(after < before - ROUNDING * before)
    event("below the floor" if use_of(before, book.accounts[0].equity_usd or 0.0) > FLOOR else "above")
    assert answer.verdict is Verdict.PASS, (answer.explanation, before, after)


def test_the_models_are_of_many_venues() -> None:
    assert len({one.venue for one in MODELS}) >= 9
    assert len(MODELS) >= 12
