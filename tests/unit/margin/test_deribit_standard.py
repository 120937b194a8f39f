import pytest

from hedgebot.margin.deribit_standard import available_funds, futures_margin, margin_balance


def test_the_rate_of_the_whole_position_grows_with_its_size() -> None:
    # Margin reference DER-3: 25 BTC at 100,000 need 53,125, 350 need 1,312,500; a short one the same.
    btc = {"base_rate": 0.02, "rate_per_coin": 5e-05, "price": 100_000.0}
    assert futures_margin(coins=25.0, **btc) == pytest.approx(53_125)
    assert futures_margin(coins=-350.0, **btc) == pytest.approx(1_312_500)


def test_options_do_not_count_into_the_balance() -> None:
    assert margin_balance(302.61869214, -0.0086) == pytest.approx(302.62729214)
    assert available_funds(302.61869214, -0.0086, 1.24669592) == pytest.approx(301.38059622)
