import pytest

from hedgebot.domain.instrument import Side
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.normalise import Scope, category_of, settle_coin, side_of
from hedgebot.venues.reading import FrameProblem


def test_symbols_repeat_across_categories() -> None:
    scope = Scope(account="main", profile=BYBIT, instruments={})
    assert scope.instrument("spot", {"symbol": "BTCUSDT"}) != scope.instrument("linear", {"symbol": "BTCUSDT"})


def test_sides() -> None:
    assert side_of({"side": "Buy"}) is Side.BUY
    assert side_of({"side": "Sell"}) is Side.SELL
    for wrong in ("", "buy", None):
        with pytest.raises(FrameProblem):
            side_of({"side": wrong})


def test_categories() -> None:
    assert category_of({"category": "option"}) == "option"
    with pytest.raises(FrameProblem):
        category_of({"category": "futures"})


@pytest.mark.parametrize(
    ("category", "symbol", "coin"),
    [
        ("linear", "BTCUSDT", "USDT"),
        ("linear", "BTCPERP", "USDC"),
        ("linear", "BTC-27NOV26", "USDC"),
        ("linear", "BTCUSDT-27NOV26", "USDT"),
        ("inverse", "BTCUSD", "BTC"),
        ("inverse", "ETHUSDZ26", "ETH"),
        ("option", "BTC-27NOV26-90000-C-USDT", "USDT"),
        ("option", "BTC-27NOV26-90000-C", "USDC"),
    ],
)
def test_settlement_of_an_instrument_that_is_gone(category: str, symbol: str, coin: str) -> None:
    assert settle_coin(category, symbol, None) == coin


def test_a_spot_pair_settles_in_nothing_known() -> None:
    with pytest.raises(FrameProblem):
        settle_coin("spot", "BTCUSDT", None)
