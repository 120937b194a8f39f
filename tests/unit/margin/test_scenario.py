import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.margin.scenario import Floats, Legs, OptionLegs, Scenarios, VolKind, VolLaw, evaluate, option_values
from hedgebot.pricing import black76

LAW = VolLaw(power_short=0.3, power_long=0.13)


def floats(*values: float) -> Floats:
    return np.asarray(values, dtype=np.float64)


def options(qty: Floats, strikes: Floats, days: float = 30.0) -> OptionLegs:
    count = len(qty)
    whole = np.full(count, days)
    forward, vol, is_call = np.full(count, 100.0), np.full(count, 0.5), np.arange(count) % 2 == 0
    base = black76.price(forward, strikes, whole / 365, vol, is_call)
    return OptionLegs(
        qty=qty, forward=forward, strike=strikes, years=whole / 365, days=whole, vol=vol, is_call=is_call, base=base
    )


def test_linear_legs_gain_in_quote_currency_and_inverse_ones_in_coin() -> None:
    legs = Legs(linear_qty=floats(2.0), linear_price=floats(100.0), inverse_qty=floats(-2.0))
    grid = evaluate(legs, Scenarios.cross((-0.5, 0.0, 1.0), (0.0,)), LAW)
    assert grid.linear[:, 0].tolist() == [-100.0, 0.0, 200.0]
    assert grid.inverse[:, 0].tolist() == [2.0, 0.0, -1.0]  # the short inverse gains a coin amount that grows below
    # Counted at the moved price the coin profit is as linear as the other, so the pair is flat everywhere.
    assert grid.total(100.0).tolist() == [0.0, 0.0, 0.0]


def test_scenarios_go_by_move_then_shock_and_can_be_joined_with_weighted_tails() -> None:
    body = Scenarios.cross((-0.1, 0.1), (0.0, 0.4))
    assert body.moves.tolist() == [-0.1, -0.1, 0.1, 0.1]
    assert body.vol_shocks.tolist() == [0.0, 0.4, 0.0, 0.4]
    every = body.joined(Scenarios(floats(-0.66), floats(0.4), floats(0.25)))
    assert len(every) == 5
    grid = evaluate(Legs(linear_qty=floats(1.0), linear_price=floats(100.0)), every, LAW)
    assert grid.linear[-1, 0] == pytest.approx(-16.5)


def test_the_term_of_a_volatility_shock_and_the_floor_of_an_up_shock() -> None:
    shocks = floats(0.5, -0.25, 0.0)
    vol = LAW.shocked(floats(0.4, 0.4, 0.4), floats(30.0, 7.0, 120.0), shocks)
    assert vol[0].tolist() == pytest.approx([0.6, 0.4 * (1 + 0.5 * (30 / 7) ** 0.3), 0.4 * (1 + 0.5 * 0.25**0.13)])
    assert vol[2].tolist() == [0.4, 0.4, 0.4]
    floored = VolLaw(power_short=0.3, power_long=0.13, floor_up=0.9)
    shocked = floored.shocked(floats(0.4), floats(30.0), shocks)
    assert shocked[:, 0].tolist() == pytest.approx([0.9, 0.3, 0.4])  # up only: neither the down-shock nor none
    assert LAW.shocked(floats(0.4), floats(0.2), floats(-1.0)).tolist() == [[0.0]]


def test_an_additive_shock_adds_points() -> None:
    law = VolLaw(kind=VolKind.ADDITIVE)
    assert law.shocked(floats(0.4), floats(90.0), floats(0.5, -0.25, -0.5))[:, 0].tolist() == pytest.approx(
        [
            0.9,
            0.15,
            0.0,
        ]
    )


def test_an_unshocked_option_is_worth_its_base() -> None:
    grid = evaluate(Legs(options=options(floats(3.0, -2.0), floats(90.0, 110.0))), Scenarios.cross((0.0,), (0.0,)), LAW)
    assert np.abs(grid.options).max() < 1e-12
    assert option_values(OptionLegs(), Scenarios.cross((0.0, 0.1), (0.0,)), LAW).shape == (2, 0)


BOOK = st.lists(st.floats(-5, 5), min_size=4, max_size=4)


@given(BOOK, BOOK, st.floats(0.1, 10))
def test_in_one_underlying_margin_is_subadditive_and_scales(one: list[float], other: list[float], by: float) -> None:
    scenarios = Scenarios.cross((-0.1, -0.05, 0.0, 0.05, 0.1), (0.0, 0.4, -0.25))
    strikes = floats(80.0, 95.0, 105.0)

    def worst(book: Floats) -> float:
        legs = Legs(options=options(book[:3], strikes), linear_qty=book[3:], linear_price=np.full(1, 100.0))
        return -float(evaluate(legs, scenarios, LAW).total().min())

    a, b = floats(*one), floats(*other)
    assert worst(a + b) <= worst(a) + worst(b) + 1e-9
    assert worst(a * by) == pytest.approx(worst(a) * by, rel=1e-9, abs=1e-9)


def test_500_options_over_33_cells_take_less_than_5_ms() -> None:
    random = np.random.Generator(np.random.PCG64(1))
    strikes = random.uniform(60, 140, 500)
    legs = Legs(
        options=options(random.normal(0, 1, 500), strikes, 12.0),
        linear_qty=random.normal(0, 1, 20),
        linear_price=np.full(20, 100.0),
    )
    scenarios = Scenarios.cross(tuple(np.linspace(-0.1, 0.1, 11)), (0.0, 0.24, -0.2))
    taken: list[float] = []
    for _ in range(20):
        begin = time.perf_counter()
        evaluate(legs, scenarios, LAW).total()
        taken.append(time.perf_counter() - begin)
    assert min(taken) < 0.005
