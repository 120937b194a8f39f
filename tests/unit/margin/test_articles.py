"""The worked examples of the source articles, the wrong ones with the right number (margin reference section 10)."""

import math
from decimal import Decimal

import pytest

from hedgebot.core import funding
from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.margin.proxy import hedge_ratio, residual_vol_ratio
from tests.support.playbook import BTC_PERP, BTC_SPOT, Playbook, instrument, the_order

BTC_USD, ETH_USD = 106_000.0, 1_969.8
LEG_USD = 2_000_000.0
DAYS_YEAR, DAYS_TEN = 365.0, 10.0
VOL_ETH, VOL_BTC, CORRELATION = 0.6, 0.5, 0.7
Z95 = 1.6448536269514722


def var_usd(vol_usd: float, days_year: float = DAYS_YEAR) -> float:
    """95 % value at risk over ten days of a normal profit."""
    return Z95 * vol_usd * math.sqrt(DAYS_TEN / days_year)


def test_a0_the_code_gives_28_6_percent_and_not_70() -> None:
    left = residual_vol_ratio(CORRELATION)
    assert 1.0 - left == pytest.approx(0.285857, abs=1e-6)
    assert 400_000 * left == pytest.approx(285_657, abs=1.0)
    # 70 % less needs a correlation of 0.954.
    assert residual_vol_ratio(0.954) == pytest.approx(0.30, abs=0.001)


def test_a0_the_value_at_risk_is_233317_or_280798_and_not_150000() -> None:
    hedged = LEG_USD * VOL_ETH * residual_vol_ratio(CORRELATION)
    assert var_usd(hedged) == pytest.approx(233_317, rel=1e-4)
    assert var_usd(hedged, 252.0) == pytest.approx(280_798, rel=1e-4)
    equal = LEG_USD * math.sqrt(VOL_ETH**2 + VOL_BTC**2 - 2 * CORRELATION * VOL_ETH * VOL_BTC)
    assert var_usd(equal) == pytest.approx(237_349, rel=1e-4)
    assert var_usd(equal, 252.0) == pytest.approx(285_650, rel=1e-4)
    assert var_usd(LEG_USD * VOL_ETH) == pytest.approx(326_710, rel=1e-4)
    assert var_usd(LEG_USD * VOL_ETH) / LEG_USD == pytest.approx(0.163, abs=5e-4)
    assert math.sqrt(VOL_ETH**2 + VOL_BTC**2 - 2 * 0.7 * 0.3) / VOL_ETH == pytest.approx(0.726, abs=5e-4)


def test_a0_the_hedge_is_15_85_coins_at_one_price_and_equal_notional_18_87() -> None:
    ratio = hedge_ratio(CORRELATION, VOL_ETH, VOL_BTC)
    assert ratio == pytest.approx(0.84)
    assert LEG_USD * ratio / BTC_USD == pytest.approx(15.85, abs=0.005)
    assert pytest.approx(18.87, abs=0.005) == LEG_USD / BTC_USD
    assert LEG_USD * ratio / 40_000 == pytest.approx(42.0)  # the other price of the same article


def test_a0_parity_of_507_ether_is_9_42_bitcoin_and_a_falling_correlation_hedges_less() -> None:
    assert pytest.approx(9.42, abs=0.005) == 507 * ETH_USD / BTC_USD
    assert pytest.approx(1_999_347) == 1_015 * ETH_USD
    assert hedge_ratio(0.6, VOL_ETH, VOL_BTC) == pytest.approx(0.72)
    assert residual_vol_ratio(0.6) > residual_vol_ratio(CORRELATION)


def test_a1_five_percent_up_leaves_a_hedge_of_coins_with_linear_futures_where_it_is() -> None:
    book = Playbook()
    book.ready([book.position("-100")], btc="100")
    before = book.state.underlyings["BTC"].linear_coin
    book.send(book.book("105000"))
    assert book.state.underlyings["BTC"].linear_coin == before == Decimal(0)
    assert not book.state.orders


def test_a1_100_bitcoin_and_5_short_are_95_to_sell() -> None:
    book = Playbook()
    book.ready([book.position("-5")], btc="100")
    assert book.state.underlyings["BTC"].linear_coin == Decimal(95)


@pytest.mark.parametrize(("coins", "size", "contracts"), [(20, 100_000, 10), (20, 1_000, 1_000)])
def test_a1_one_million_at_50000_is_ten_contracts_of_100000_or_a_thousand_of_1000(
    coins: int, size: int, contracts: int
) -> None:
    inverse = instrument(BTC_PERP, InstrumentKind.INVERSE_PERP, contract_size=Decimal(size), settle="BTC")
    assert inverse.contracts(Decimal(coins), Decimal(50_000)) == contracts


@pytest.mark.parametrize(("side", "pays"), [(Side.BUY, False), (Side.SELL, True)])
def test_a1_positive_funding_is_paid_by_longs_and_earned_by_a_short_hedge(side: Side, pays: bool) -> None:
    book = Playbook()
    book.ready()
    book.done(the_order(book.send(book.fill(side, "0.9", BTC_SPOT))))  # client buys: the hedge is short
    found = funding.terms(book.state, book.settings.underlyings[0], book.at_ns)
    assert found is not None
    assert (found.usd_day > 0.0) is pays
    assert abs(found.ratio_day) == pytest.approx(0.0003)  # 0.01 % per 8 hours, 10.95 % a year
    assert abs(found.ratio_day) * DAYS_YEAR * LEG_USD == pytest.approx(219_000)


def test_a3_one_bitcoin_against_one_ether_is_96_percent_net_long() -> None:
    assert pytest.approx(53.8, abs=0.05) == BTC_USD / ETH_USD
    assert pytest.approx(0.963, abs=0.001) == (BTC_USD - ETH_USD) / (BTC_USD + ETH_USD)


def test_a4_half_hedged_margin_profit_and_a_fee_of_20_dollars_to_open() -> None:
    perp, price = instrument(BTC_PERP), Decimal(50_000)
    assert perp.notional_quote(Decimal(1), price) / 2 == 25_000
    for move, net in ((Decimal("0.9"), -5_000), (Decimal("1.1"), 5_000)):
        spot = 2 * price * (move - 1)
        assert spot + perp.pnl_settle(Decimal(-1), price, price * move) == net
    assert perp.notional_quote(Decimal(1), price) * Decimal("0.0004") == 20
    down = perp.pnl_settle(Decimal(-1), Decimal(40_000), Decimal(35_000))
    assert down + (Decimal(35_000) - Decimal(40_000)) == 0


def test_a2_how_many_times_a_cut_of_margin_is() -> None:
    assert [round(1 / (1 - cut), 2) for cut in (0.70, 0.84, 0.286)] == [3.33, 6.25, 1.40]
