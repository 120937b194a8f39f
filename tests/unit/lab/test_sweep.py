import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgebot.domain.errors import DataError
from hedgebot.lab.sweep import BandChoice, Exposure, Extremes, checked, play, sweep


def walk(seed: int, looks: int = 5_000) -> Exposure:
    rng = np.random.default_rng(seed)
    days = np.arange(looks) / 1_000.0
    price = 100.0 * np.exp(np.cumsum(rng.standard_normal(looks)) * 1e-3)
    return Exposure(days, price, np.cumsum(rng.standard_normal(looks)) * 0.05)


def plainly(path: Exposure, choice: BandChoice, cost_ratio: float) -> tuple[float, float, int]:
    """Look by look, as anybody would write it: tracking error, cost a day, orders."""
    hedge = cost = left2 = 0.0
    orders = 0
    for at in range(len(path.days)):
        delta = path.unhedged_coin[at] + hedge
        if abs(delta) > choice.trigger_coin:
            trade = abs(delta) - choice.trigger_coin * choice.target_ratio
            hedge -= np.sign(delta) * trade
            cost += trade * path.price[at] * cost_ratio
            orders += 1
        if at + 1 < len(path.days):
            left2 += ((path.unhedged_coin[at] + hedge) * (path.price[at + 1] - path.price[at])) ** 2
    days = path.days[-1] - path.days[0]
    return float(np.sqrt(left2 / days)), float(cost / days), orders


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.02, 3.0), st.sampled_from([0.0, 0.5, 0.75, 0.999]))
def test_the_jumping_replay_is_the_plain_one(seed: int, width: float, ratio: float) -> None:
    path, choice = walk(seed, 2_000), BandChoice(trigger_coin=width, target_ratio=ratio)
    found = play(path, choice, cost_ratio=5e-4)
    error, cost, orders = plainly(path, choice, 5e-4)
    assert found.orders_day * path.days[-1] == pytest.approx(orders)
    assert found.cost_usd_day == pytest.approx(cost)
    assert found.tracking_error_usd == pytest.approx(error)


def test_lots_floor_a_trade() -> None:
    path = Exposure(np.array([0.0, 1.0, 2.0]), np.full(3, 100.0), np.array([0.0, 1.26, 1.26]))
    found = play(path, BandChoice(trigger_coin=1.0, target_ratio=0.5), cost_ratio=0.01, lot_coin=0.5)
    assert found.turnover_coin_day == pytest.approx(0.25)


def test_an_exit_is_found_across_blocks_and_not_where_there_is_none() -> None:
    coin = np.zeros(10_000)
    coin[9_876] = 2.0
    far = Extremes(coin)
    assert far.next_outside(0, -1.0, 1.0) == 9_876
    assert far.next_outside(9_877, -1.0, 1.0) == 10_000
    assert far.next_outside(10_000, -1.0, 1.0) == 10_000


def test_processes_give_the_same_in_the_same_order() -> None:
    path = walk(3, 3_000)
    choices = [BandChoice(trigger_coin=width, target_ratio=0.75) for width in (1.0, 0.1, 0.5)]
    assert sweep(path, choices, cost_ratio=5e-4, workers=2) == sweep(path, choices, cost_ratio=5e-4, workers=1)


@pytest.mark.parametrize(
    ("column", "at", "value", "words"),
    [
        (0, 2, 0.5, "look 2 is not after"),
        (1, 1, -1.0, "price at look 1 is -1.0"),
        (2, 3, float("nan"), "unhedged_coin at look 3 is nan"),
    ],
)
def test_a_bad_path_is_told_by_its_first_bad_look(column: int, at: int, value: float, words: str) -> None:
    columns = [np.arange(5.0), np.full(5, 100.0), np.zeros(5)]
    columns[column][at] = value
    with pytest.raises(DataError, match=words):
        checked(Exposure(columns[0], columns[1], columns[2]))
