import pytest

from hedgebot.margin.proxy import hedge_ratio, residual_vol_ratio


def test_the_least_variance_hedge_of_the_articles() -> None:
    assert hedge_ratio(0.7, 0.6, 0.5) == pytest.approx(0.84)
    assert residual_vol_ratio(0.7) == pytest.approx(0.714143, abs=1e-6)


def test_a_falling_correlation_makes_the_hedge_smaller_not_larger() -> None:
    # The article says to scale up below 0.6: backwards (margin reference section 10).
    assert hedge_ratio(0.6, 0.6, 0.5) < hedge_ratio(0.7, 0.6, 0.5)
    assert residual_vol_ratio(0.6) > residual_vol_ratio(0.7)
