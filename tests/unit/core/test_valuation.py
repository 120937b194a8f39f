"""Valuation: windows, shares, and that forwards are carried along by what of the average is still to come."""

import numpy as np
import pytest

from hedgebot.core.valuation import columns_of, share_left, value_options, window_ns
from hedgebot.domain.instrument import InstrumentKind, Side
from tests.support.playbook import BTC_CALL, BTC_PERP, MS, START_NS, Playbook, instrument

EXPIRY_NS = START_NS + 30 * 86_400 * 1_000 * MS


def test_the_window_is_the_underlyings_own() -> None:
    assert window_ns(None) == 1_800 * 1_000 * MS
    assert window_ns(Playbook().settings.underlyings[0]) == 1_800 * 1_000 * MS


def test_what_never_ends_keeps_its_whole_delta() -> None:
    assert share_left(instrument(BTC_PERP), EXPIRY_NS, 1_800) == 1.0
    call = instrument(BTC_CALL, InstrumentKind.LINEAR_OPTION)
    assert share_left(call, EXPIRY_NS - 100, 400) == 0.25


def test_a_forward_that_is_half_averaged_is_carried_along_by_half() -> None:
    book = Playbook()
    book.ready()
    book.at_ns = EXPIRY_NS - 900_000 * MS
    book.send(book.book())
    book.send(book.option(iv=0.6, forward=100_000.0))
    book.send(book.fill(Side.BUY, "1", BTC_CALL))
    state, underlying = book.state, book.state.underlyings["BTC"]
    columns, settings = columns_of(state, underlying, underlying.option_keys), book.settings.underlyings[0]
    at = EXPIRY_NS - 900_000 * MS
    low = value_options(state, columns, 100_000.0, settings, at)
    high = value_options(state, columns, 100_010.0, settings, at)
    assert float(high.delta[0] - low.delta[0]) == pytest.approx(10.0 * float(low.gamma[0]), rel=0.01)
    assert np.array_equal(low.share, [0.5])
    assert low.theta[0] < 0.0 < low.vega[0]
