"""Which volatility an underlying has, and that whoever asks for it needs no tracking."""

import math

import pytest

from hedgebot.core import volatility
from hedgebot.core.state import UnderlyingState
from tests.support.playbook import Playbook


@pytest.fixture
def found() -> UnderlyingState:
    book = Playbook()
    book.ready()
    return book.state.underlyings["BTC"]


def test_nothing_is_known_at_first(found: UnderlyingState) -> None:
    assert volatility.vol_day_of(found) is None
    assert volatility.with_source(found) == (None, "")


def test_what_the_price_showed_serves_where_no_option_is_held(found: UnderlyingState) -> None:
    found.drift.log_var, found.drift.log_weight = 0.03**2, 1.0
    found.option_vol = 0.6  # of options that are gone
    assert volatility.vol_day_of(found) == pytest.approx(0.03)
    assert volatility.with_source(found)[1] == "realised"


def test_held_options_go_first_while_they_imply_one(found: UnderlyingState) -> None:
    found.drift.log_var, found.drift.log_weight = 0.03**2, 1.0
    found.option_count, found.option_vol = 1, 0.6
    assert volatility.vol_day_of(found) == pytest.approx(0.6 / math.sqrt(365), rel=1e-3)
    assert volatility.with_source(found)[1] == "implied"
    found.option_vol = 0.0
    assert volatility.with_source(found)[1] == "realised"


def test_volatility_and_its_source_come_together(found: UnderlyingState) -> None:
    assert volatility.with_source(found) == (None, "")
    found.option_count, found.option_vol = 1, 0.6
    assert volatility.with_source(found) == (volatility.vol_day_of(found), "implied")
