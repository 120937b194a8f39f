import math
from decimal import Decimal

import numpy as np
import pytest

from hedgebot.domain.instrument import OptionType
from hedgebot.exchange.chaintape import Capture, ChainTape, OptionSeen, Smile

DAY = 86_400 * 1_000_000_000
KS = np.array([-0.2, 0.0, 0.2])


def flat(forward: float, iv: float) -> Smile:
    return Smile(forward, KS, np.array([iv + 0.1, iv, iv + 0.05]))


def tape() -> ChainTape:
    captures = (
        Capture(0, {10 * DAY: flat(101.0, 0.5), 2 * DAY: flat(100.2, 0.6)}),
        Capture(DAY, {10 * DAY: flat(91.0, 0.9), 2 * DAY: flat(90.1, 1.0), 20 * DAY: flat(92.0, 0.8)}),
        Capture(3 * DAY, {10 * DAY: flat(95.0, 0.7), 20 * DAY: flat(96.0, 0.7)}),
    )
    options = tuple(
        OptionSeen(expiry, Decimal(100), OptionType.CALL, seen)
        for expiry, seen in ((10 * DAY, 0), (2 * DAY, 0), (20 * DAY, DAY))
    )
    return ChainTape(captures, options)


def index_at(moment_ns: int) -> float:
    return {0: 100.0, DAY: 90.0, 3 * DAY: 94.0}[moment_ns]


def test_at_a_capture_forwards_and_volatilities_are_the_recorded_ones() -> None:
    assert tape().forward(10 * DAY, DAY, 90.0, index_at) == pytest.approx(91.0)
    assert tape().iv(10 * DAY, DAY, KS).tolist() == pytest.approx([1.0, 0.9, 0.95])


def test_between_captures_the_smile_goes_with_the_forward_and_nothing_looks_ahead() -> None:
    # The carry of 1 % over ten days, on nine.
    assert tape().forward(10 * DAY, DAY - 1, 95.0, index_at) == pytest.approx(
        95.0 * math.exp(math.log(1.01) / 10 * 9), rel=1e-9
    )
    assert tape().iv(10 * DAY, DAY - 1, KS).tolist() == pytest.approx([0.6, 0.5, 0.55])


def test_a_forward_meets_the_index_at_expiry() -> None:
    assert tape().forward(2 * DAY, 2 * DAY, 93.0, index_at) == pytest.approx(93.0)


def test_beyond_the_outermost_strikes_volatility_is_theirs() -> None:
    assert tape().iv(10 * DAY, 0, np.array([-2.0, 2.0])).tolist() == pytest.approx([0.6, 0.55])


def test_options_are_listed_when_seen_and_gone_when_expired() -> None:
    chain = tape()
    assert [{one.expiry_ns // DAY for one in chain.listed(at)} for at in (-DAY, 0, DAY, 2 * DAY)] == [
        {2, 10},
        {2, 10},
        {2, 10, 20},
        {10, 20},
    ]
    assert [chain.next_capture_ns(at) for at in (-1, 0, DAY, 3 * DAY)] == [0, DAY, 3 * DAY, None]


def test_an_expiry_that_a_capture_lacks_is_valued_by_the_nearest_one() -> None:
    chain = tape()
    assert chain.forward(20 * DAY, 0, 100.0, index_at) == pytest.approx(100.0 * (92.0 / 90.0) ** (20 / 19))
    assert chain.iv(20 * DAY, 0, np.array([0.0])).tolist() == pytest.approx([0.8])
    with pytest.raises(KeyError):
        chain.iv(30 * DAY, 0, KS)
