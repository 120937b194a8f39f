import numpy as np
import pytest

from hedgebot.margin.standard_history import CORRELATION, DAYS, VOLS, standard_history


def test_the_rule_gives_what_it_says() -> None:
    found = standard_history()
    returns = {coin: np.diff(closes) / np.array(closes[:-1]) for coin, closes in found.closes.items()}
    assert all(len(one) == DAYS for one in returns.values())
    for coin, vol in VOLS.items():
        assert returns[coin].std() * np.sqrt(365.0) == pytest.approx(vol, rel=0.1)
        # Fatter tails than a normal law's.
        standard = returns[coin] / returns[coin].std()
        assert (standard**4).mean() > 3.5
    joint = np.corrcoef(returns["BTC"], returns["ETH"])[0, 1]
    assert joint == pytest.approx(CORRELATION, abs=0.1)


def test_it_is_the_same_at_every_call_and_says_that_it_is_an_assumption() -> None:
    assert standard_history() == standard_history()
    assert "no recorded data" in standard_history().status
