"""Random books, prices, floors, both modes: what the gate lets through keeps the buffer, what reduces risk passes.

The reference values each book leg by leg from nothing, with `hedgebot.margin` alone: no cache, no sums, no increment.
"""

from decimal import Decimal
from typing import NamedTuple

import msgspec
import numpy as np
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from hedgebot.core import gate, margin_gate
from hedgebot.core.candidate import Candidate
from hedgebot.core.ledger import set_position
from hedgebot.core.margin_fit import Fitted, fit
from hedgebot.core.shaping import collared_price
from hedgebot.domain.commands import Mode
from hedgebot.domain.events import PositionUpdated
from hedgebot.domain.instrument import InstrumentId, InstrumentKind, Side
from hedgebot.domain.orders import Approved, OrderIntent, TimeInForce
from hedgebot.domain.settings import DeltaConvention, MarginMode
from hedgebot.margin.bybit_portfolio import days_counted, portfolio_margin
from hedgebot.margin.scenario import Legs, OptionLegs
from hedgebot.margin.tiers import short_option_maintenance
from hedgebot.pricing import black76
from hedgebot.pricing.black76 import years_to
from tests.support.margins import account_of, held, margined, parameters, report
from tests.support.playbook import ACCOUNT, BTC_CALL, BTC_INVERSE, BTC_PERP, BTC_USDC, Playbook

ROUNDING_USD = 1e-6


class Case(NamedTuple):
    """A book and one order that somebody wants."""

    mode: MarginMode
    price: float
    perp: float
    other: float
    inverse_usd: float
    options: float
    equity: float
    order: float
    delta_coin: float
    wild: bool
    distance: float
    reducing: bool


CASES = st.builds(
    Case,
    mode=st.sampled_from((MarginMode.CROSS, MarginMode.PORTFOLIO)),  # the modes that an account of ours may have
    price=st.sampled_from((60_000.0, 100_000.0, 101_234.5)),
    perp=st.integers(-400, 400).map(lambda lots: lots / 20),
    other=st.integers(-100, 100).map(lambda lots: lots / 20),
    inverse_usd=st.integers(-5, 5).map(lambda lots: lots * 40_000.0),
    options=st.integers(-80, 80).map(lambda lots: lots / 4),
    equity=st.floats(-5_000.0, 600_000.0),
    order=st.integers(-400, 400).filter(bool).map(lambda lots: lots / 20),
    delta_coin=st.floats(-25.0, 25.0),
    wild=st.booleans(),
    distance=st.sampled_from((0.0, 0.0, 0.05)),
    reducing=st.booleans(),
)


class World(NamedTuple):
    """The engine with the case's book in it, and what the reference needs to know."""

    book: Playbook
    sizes: dict[InstrumentId, float]


def _world(case: Case) -> World:
    told = margined(case.mode, hedges=False, liquidation_distance_min=case.distance, order_rejects_max=1_000)
    wide = msgspec.structs.replace(
        told.underlyings[0],
        order_qty_coin_max=1e6,
        order_notional_usd_max=1e12,
        delta_limit_coin=1e6,
        cost_bps=1e-9,
        delta_convention=DeltaConvention.USD_NEUTRAL,
    )
    # Margin alone is asked about: what funding is worth has its own rule, and the case's delta is not the ledger's.
    limits = msgspec.structs.replace(
        told.limits, account_notional_usd_max=1e12, hedge_volume_ratio_max=100.0, funding_share_day_max=1e12
    )
    book = Playbook(msgspec.structs.replace(told, underlyings=(wide,), limits=limits))
    book.ready()
    price = repr(case.price)
    sizes = {BTC_PERP: case.perp, BTC_USDC: case.other, BTC_INVERSE: case.inverse_usd, BTC_CALL: case.options}
    for name in (BTC_PERP, BTC_USDC, BTC_INVERSE):
        book.send(book.ticker(price, name=name))
    for name, size in sizes.items():
        set_position(book.state, ACCOUNT, name, Decimal(repr(size)), Decimal(price), book.at_ns)
    book.send(book.book(price))
    book.send(msgspec.structs.replace(book.option(iv=0.6, forward=case.price), index=Decimal(price)))
    book.send(_leverage(book))
    book.state.accounts[ACCOUNT].margin.high_vol = case.wild
    report(book, case.equity, coins={"USDT": "1000000", "BTC": "2"})
    book.state.mode = Mode.REDUCING if case.reducing else Mode.ACTIVE
    return World(book, sizes)


def _leverage(book: Playbook) -> PositionUpdated:
    """Leverage of the hedge: high, so that the initial margin does not decide before the buffer does."""

    return PositionUpdated(report=held(book, "0", leverage=100.0))


def _maintenance(case: Case, world: World, sizes: dict[InstrumentId, float]) -> float:
    """The reference: maintenance margin of a book in USD, from its legs."""
    given, price, one = parameters(), case.price, np.ones(1)
    rules = world.book.state.instruments[BTC_CALL]
    years = years_to(rules.expiry_ns or 0, world.book.at_ns)
    mark = black76.price(one * price, one * 100_000.0, one * years, one * 0.6, np.array([True]))
    if case.mode is MarginMode.PORTFOLIO:
        options = OptionLegs(
            qty=one * sizes[BTC_CALL],
            forward=one * price,
            strike=one * 100_000.0,
            years=one * years,
            days=one * days_counted(years),
            vol=one * 0.6,
            is_call=np.array([True]),
            base=mark,
        )
        linear = np.array([sizes[BTC_PERP], sizes[BTC_USDC]])
        legs = Legs(options, linear, np.array([price, price]), np.array([sizes[BTC_INVERSE] / price]))
        return portfolio_margin(given.portfolio, legs, index=price).maintenance
    linear_ladder, inverse_ladder = given.ladder("BTC", is_inverse=False), given.ladder("BTC", is_inverse=True)
    return (
        linear_ladder.maintenance(abs(sizes[BTC_PERP]) * price)
        + linear_ladder.maintenance(abs(sizes[BTC_USDC]) * price)
        + inverse_ladder.maintenance(abs(sizes[BTC_INVERSE]) / price) * price
        + max(-sizes[BTC_CALL], 0.0) * short_option_maintenance(given.short_option, price, float(mark[0]))
    )


def _intent(case: Case, world: World) -> OrderIntent:
    rules, side = world.book.state.instruments[BTC_PERP], Side.of(case.order)
    qty, price = Decimal(repr(abs(case.order))), Decimal(repr(case.price))
    return OrderIntent(
        account=ACCOUNT,
        instrument=BTC_PERP,
        underlying="BTC",
        strategy="delta_neutral",
        side=side,
        qty_contracts=qty,
        limit_price=collared_price(rules, price, side, 1e-9),
        time_in_force=TimeInForce.IOC,
        reduce_only=case.perp * side.sign < 0 and abs(case.order) <= abs(case.perp),
        delta_effect_coin=case.order,
        notional_usd=float(qty * price),
        deadline_ns=world.book.at_ns + 5_000_000_000,
        reason="property",
    )


def _candidate(case: Case, world: World, fitted: Fitted) -> Candidate:
    state = world.book.state
    return Candidate(
        state=state,
        settings=state.settings.underlyings[0],
        underlying=state.underlyings["BTC"],
        account=account_of(world.book),
        rules=state.instruments[BTC_PERP],
        quote=state.quotes[BTC_PERP],
        intent=fitted.intent,
        delta_coin=case.delta_coin,
        effect=fitted.effect,
        at_ns=world.book.at_ns,
    )


def _use(maintenance: float, equity: float) -> float:
    if maintenance <= 0.0:
        return 0.0
    return maintenance / equity if equity > 0.0 else float("inf")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(CASES, st.floats(0.0, 1.0))
def test_no_accepted_order_takes_the_buffer_through_its_floor_or_further_below_it(case: Case, share: float) -> None:
    world = _world(case)
    state = world.book.state
    rules, underlying = world.book.state.instruments[BTC_PERP], world.book.state.settings.underlyings[0]
    fitted = fit(state, underlying, rules, _intent(case, world), world.book.at_ns)
    assume(isinstance(fitted, Fitted))
    assert isinstance(fitted, Fitted)
    assert fitted.effect is not None
    verdict = gate.judge(_candidate(case, world, fitted))
    event(f"{'sent' if isinstance(verdict, Approved) else verdict.check.rule}")
    if not isinstance(verdict, Approved):
        return
    filled = float(verdict.intent.qty_contracts) * verdict.intent.side.sign * share
    before = _maintenance(case, world, world.sizes)
    after = _maintenance(case, world, world.sizes | {BTC_PERP: case.perp + filled})
    floor = 0.50 if case.wild else 0.80
    through = _use(after, case.equity) > floor + 1e-9
    assert not through or after <= before + ROUNDING_USD


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(CASES, st.floats(0.55, 4.0))
def test_every_risk_reducing_order_passes(case: Case, share: float) -> None:
    """As defined: less worst-case delta, and the buffer not taken below its floor (below it: not lowered)."""
    case = case._replace(distance=0.0, delta_coin=-case.order * share)
    world = _world(case)
    intent = _intent(case, world)
    before = _maintenance(case, world, world.sizes)
    after = _maintenance(case, world, world.sizes | {BTC_PERP: case.perp + case.order})
    floor = 0.50 if case.wild else 0.80
    keeps = _use(after, case.equity) < floor * (1 - 1e-5) or after <= before - ROUNDING_USD
    assume(keeps)
    state = world.book.state
    underlying = state.settings.underlyings[0]
    effect = margin_gate.effect(
        state, account_of(world.book), state.instruments[BTC_PERP], intent, underlying.cost_bps, world.book.at_ns
    )
    candidate = _candidate(case, world, Fitted(intent, effect))
    assert candidate.reduces_risk
    verdict = gate.judge(candidate)
    # In REDUCING too; what else may stop it here is the size of its notional at the venue.
    assert isinstance(verdict, Approved) or verdict.check.rule == "order_qty_coin", verdict
    if case.order * case.perp < 0 and abs(case.order) <= abs(case.perp):
        event("closing")


def test_the_reference_knows_each_kind() -> None:
    """The generator is not empty of what it is about."""
    kinds = {InstrumentKind.LINEAR_PERP, InstrumentKind.INVERSE_PERP, InstrumentKind.LINEAR_OPTION}
    case = Case(MarginMode.PORTFOLIO, 100_000.0, -1.0, 0.0, 0.0, 0.0, 1e5, 1.0, 1.0, False, 0.0, False)
    world = _world(case)
    assert kinds <= {world.book.state.instruments[name].kind for name in world.sizes}
    assert _maintenance(case, world, world.sizes) > 10_000.0
