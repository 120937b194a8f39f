import math

import pytest

from hedgebot.domain.instrument import OptionType
from hedgebot.exchange.listings import make_listings
from hedgebot.exchange.options import OptionBoard, SeededSurface
from hedgebot.exchange.scenario import Scenario


@pytest.fixture
def surface(scenario: Scenario) -> SeededSurface:
    return SeededSurface(scenario.underlyings[0], 1)


@pytest.fixture
def board(scenario: Scenario, surface: SeededSurface, start_ns: int) -> OptionBoard:
    listings = make_listings(scenario, {"BTC": 90_000.0, "ETH": 3_000.0}, start_ns)
    chain = [one.instrument for one in listings if one.instrument.kind.is_option and one.instrument.underlying == "BTC"]
    made = OptionBoard(surface, chain)
    made.remark(90_000.0, start_ns, 1.0)
    return made


def test_marks_obey_parity_on_the_expirys_own_forward(board: OptionBoard) -> None:
    pairs = 0
    for call in board.chain:
        if call.option_type is not OptionType.CALL or call.strike is None:
            continue
        put = next(
            one
            for one in board.chain
            if (one.strike, one.expiry_ns, one.option_type) == (call.strike, call.expiry_ns, OptionType.PUT)
        )
        one, other = board.marks[call.id], board.marks[put.id]
        assert one.mark - other.mark == pytest.approx(one.forward - float(call.strike), abs=1e-6)
        assert one.delta - other.delta == pytest.approx(1.0)
        assert (one.iv, one.gamma, one.vega) == (other.iv, other.gamma, other.vega)
        assert one.forward > 90_000.0
        pairs += 1
    assert pairs == 15


def test_a_falling_price_raises_volatility(board: OptionBoard, surface: SeededSurface, start_ns: int) -> None:
    option = board.chain[0].id
    before = board.marks[option].iv
    board.remark(80_000.0, start_ns, 1.0)
    level_after_fall = surface._level
    board.remark(90_000.0, start_ns, 1.0)
    assert level_after_fall > 0.55 > before * 0.5
    assert surface._level < level_after_fall


def test_the_surface_comes_back_and_stays_in_range(board: OptionBoard, surface: SeededSurface, start_ns: int) -> None:
    for number in range(400):
        board.remark(90_000.0 * math.exp(0.1 * math.sin(number)), start_ns, 3_600.0)
        assert 0.15 <= surface._level <= 2.5
        assert all(mark.mark >= 0 and mark.iv > 0 for mark in board.marks.values())


def test_one_seed_one_surface(scenario: Scenario, board: OptionBoard, start_ns: int) -> None:
    twin = OptionBoard(SeededSurface(scenario.underlyings[0], 1), board.chain)
    twin.remark(90_000.0, start_ns, 1.0)
    assert twin.marks == board.marks
    other = OptionBoard(SeededSurface(scenario.underlyings[0], 2), board.chain)
    other.remark(90_000.0, start_ns, 1.0)
    assert other.marks != board.marks


def test_at_expiry_an_option_is_worth_its_intrinsic_value(board: OptionBoard) -> None:
    option = board.chain[0]
    assert option.expiry_ns is not None
    assert option.strike is not None
    board.remark(95_000.0, option.expiry_ns, 1.0)
    assert board.marks[option.id].mark == pytest.approx(95_000.0 - float(option.strike))
