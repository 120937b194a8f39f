import numpy as np

from hedgebot.exchange.fundingtape import FundingTape


def test_a_settlement_is_found_by_its_moment_only() -> None:
    tape = FundingTape(np.array([100, 300, 400], dtype=np.int64), np.array([0.1, 0.2, -0.3]))
    assert [tape.next_after(one) for one in (0, 99, 100, 300, 399, 400)] == [100, 100, 300, 400, 400, None]
    assert [tape.rate_at(one) for one in (100, 101, 400, 401)] == [0.1, None, -0.3, None]
