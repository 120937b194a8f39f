"""Greeks: sums by account and venue, unknown parts make unknown sums, each option's delta under both names."""

import pytest

from hedgebot.console.greeks import greeks_data, greeks_lines, sums
from hedgebot.console.snapshot import PositionRow, UnderlyingRow

CALL = PositionRow(
    account="book",
    venue="bybit",
    instrument="bybit:option:X",
    kind="coin_option",
    delta_coin=-1.5,
    delta_usd=-150_000.0,
    equity_coin=-0.2,
    black_scholes_coin=-1.7,
    premium_adjusted_coin=-1.5,
    gamma_coin_per_usd=-2e-5,
    vega_usd_per_vol_point=-100.0,
    theta_usd_per_day=50.0,
    age_ms=120.0,
)
PERP = PositionRow(
    account="hedge", venue="bybit", instrument="bybit:linear:P", kind="linear_perp", delta_coin=1.0, delta_usd=100_000.0
)
COINS = PositionRow(account="hedge", venue="other", instrument="BTC", kind="coins", delta_coin=0.25, delta_usd=25_000.0)
BTC = UnderlyingRow(
    underlying="BTC",
    convention="coin_neutral: number of coins held constant",
    price_usd=100_000.0,
    delta_coin=-0.25,
    delta_usd=-25_000.0,
    gap_coin=0.001,
    residual_coin=0.0004,
    positions=(CALL, PERP, COINS),
)


def test_sums_go_by_venue_account_and_instrument() -> None:
    data = greeks_data(BTC)
    assert data["by_account"]["hedge"]["delta_coin"] == 1.25
    assert data["by_venue"]["bybit"]["delta_coin"] == -0.5
    assert data["by_venue"]["bybit"]["gamma_coin_per_usd"] == -2e-5
    assert [row["instrument"] for row in data["by_instrument"]] == ["bybit:option:X", "bybit:linear:P", "BTC"]
    assert (data["gap_coin"], data["residual_coin"]) == (0.001, 0.0004)


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    found = sums((PERP, PositionRow(kind="linear_option")))
    assert found["delta_coin"] is None
    assert found["vega_usd_per_vol_point"] is None
    assert sums((PERP,))["vega_usd_per_vol_point"] == 0.0


@pytest.mark.parametrize(
    "part",
    [
        "BTC at 100000.00 USD, coin_neutral: number of coins",
        "Black-Scholes -1.700000, premium-adjusted -1.500000, worth -0.200000 BTC",
        "account hedge",
        "venue other",
        "but for +0.001000 BTC",
        "     120",
    ],
)
def test_the_page_says_it_in_words(part: str) -> None:
    assert part in "\n".join(greeks_lines([BTC]))


def test_a_book_without_underlyings_is_said() -> None:
    assert greeks_lines([]) == ["this book has no underlyings"]
