import pytest

from hedgebot.margin import recipes_tiered as recipes


def test_a_rate_that_grows_with_size_is_read_as_written() -> None:
    assert recipes.deribit_standard_rate("0.02+5e-05*size") == (0.02, 5e-05)
    with pytest.raises(ValueError, match="is not written"):
        recipes.deribit_standard_rate("0.02")


def test_an_inverse_hedge_drifts_against_the_wallet_and_not_against_equity() -> None:
    # HEDGING 3.2 and margin reference ART-2.
    found = recipes.inverse_hedge({"coin_balance": 20, "entry": 50_000, "short_usd": 1_000_000, "prices": [52_500]})
    assert found.values["net_delta_using_coin_equity.0"] == pytest.approx(0.0, abs=1e-12)
    assert found.values["net_delta_using_wallet_balance_WRONG.0"] == pytest.approx(0.95238, abs=1e-5)
    assert found.values["usd_value.0"] == pytest.approx(1_000_000)


def test_a_position_that_nothing_liquidates_has_no_price() -> None:
    inputs = {"wallet": 500.0, "qty": 1.0, "side": 1, "entry": 100.0, "mmr": 0.01, "cum": 0.0, "other": None}
    found = recipes.binance_liquidation(inputs)
    assert not found.values
    assert "no price above zero" in found.unknown["liq_price"]


def test_a_short_second_position_counts_by_its_own_side() -> None:
    """Margin reference section 11, number 4: its profit is signed, its margin is not."""
    first = {"wallet": 200.0, "qty": 10.0, "side": 1, "entry": 100.0, "mmr": 0.01, "cum": 0.0}
    other = {"qty": -5.0, "entry": 50.0, "mark": 40.0, "mmr": 0.01, "cum": 0.0}
    alone = recipes.binance_liquidation(first | {"other": None}).values["liq_price"]
    beside = recipes.binance_liquidation(first | {"other": other}).values["liq_price"]
    assert beside < alone  # 50 of profit against 2 of margin
