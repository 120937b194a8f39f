"""Which margins of a USD-M account stand by themselves."""

import pytest

from hedgebot.venues.reading import FrameProblem
from hedgebot.venues.watched.binance_pockets import coins_of, isolated_of, pockets_of, quote_of

USDC = {"asset": "USDC", "marginBalance": "1050", "maintMargin": "40", "initialMargin": "70"}
USDC |= {"crossWalletBalance": "500", "crossUnPnl": "-20"}
CROSSED = {"symbol": "BTCUSDC", "positionAmt": "1", "isolated": False, "maintMargin": "15", "initialMargin": "30"}
ALONE = {"symbol": "ETHUSDC", "positionAmt": "-2", "isolated": True, "maintMargin": "25", "initialMargin": "40"}
ALONE |= {"isolatedWallet": "600", "unrealizedProfit": "-30"}


def test_a_coin_is_its_row_where_nothing_is_isolated() -> None:
    (found,) = pockets_of({"assets": [USDC], "positions": [CROSSED]})
    assert (found.settles, found.health.unit) == ("USDC", "USDC")
    assert (found.health.equity, found.health.initial, found.health.maintenance) == (1_050.0, 70.0, 40.0)


def test_an_isolated_position_is_taken_out_of_its_coin() -> None:
    crossed, alone = pockets_of({"assets": [USDC], "positions": [CROSSED, ALONE]})
    assert (crossed.health.equity, crossed.health.initial, crossed.health.maintenance) == (480.0, None, 15.0)
    assert (alone.health.equity, alone.health.maintenance) == (570.0, 25.0)
    assert (alone.health.unit, alone.alone) == ("USDC", "the position in ETHUSDC is isolated")


def test_what_the_venue_leaves_out_is_unknown() -> None:
    (alone,) = isolated_of({"positions": [{name: value for name, value in ALONE.items() if name != "isolatedWallet"}]})
    assert (alone.health.equity, alone.health.use) == (None, None)
    with pytest.raises(FrameProblem):
        pockets_of({"positions": []})


def test_coins_and_quotes() -> None:
    assert coins_of({"assets": [USDC, {"asset": "BNB", "marginBalance": "0"}]}) == {"USDC": 1_050.0}
    assert [quote_of(one) for one in ("BTCUSDT", "BTCUSDT_270326", "BTCUSDC", "BTCUSD_PERP")] == [
        "USDT",
        "USDT",
        "USDC",
        None,
    ]
