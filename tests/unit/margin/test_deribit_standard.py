import pytest

from hedgebot.margin.deribit_standard import ShortRates, available_funds, futures_margin, margin_balance, short_option


def test_the_rate_of_the_whole_position_grows_with_its_size() -> None:
    # Margin reference DER-3: 25 BTC at 100,000 need 53,125, 350 need 1,312,500; a short one the same.
    btc = {"base_rate": 0.02, "rate_per_coin": 5e-05, "price": 100_000.0}
    assert futures_margin(coins=25.0, **btc) == pytest.approx(53_125)
    assert futures_margin(coins=-350.0, **btc) == pytest.approx(1_312_500)


def test_options_do_not_count_into_the_balance() -> None:
    assert margin_balance(302.61869214, -0.0086) == pytest.approx(302.62729214)
    assert available_funds(302.61869214, -0.0086, 1.24669592) == pytest.approx(301.38059622)


RATES = ShortRates(initial=0.15, initial_floor=0.1, maintenance=0.075)


@pytest.mark.parametrize(
    ("strike", "mark", "is_call", "initial", "maintenance"),
    [
        (100_000.0, 0.05, True, 0.15, 0.075),  # at the money
        (103_000.0, 0.05, True, 0.12, 0.075),  # 3 % out of it
        (97_000.0, 0.05, False, 0.12, 0.075),
        (97_000.0, 0.07, True, 0.15, 0.075),  # in the money is not more than at it
        (150_000.0, 0.001, True, 0.10, 0.075),  # never less than the floor
        (250_000.0, 1.5, False, 0.15, 0.1125),  # a put that is worth more than a coin
    ],
)
def test_short_options_in_coins_times_the_index(
    strike: float, mark: float, is_call: bool, initial: float, maintenance: float
) -> None:
    found = short_option(RATES, index=50_000.0, forward=100_000.0, mark=mark * 50_000.0, strike=strike, is_call=is_call)
    assert found == pytest.approx(((initial + mark) * 50_000.0, (maintenance + mark) * 50_000.0))
