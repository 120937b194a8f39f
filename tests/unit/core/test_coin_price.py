"""A coin of an underlying is worth its newest index, else the middle; nothing where no quote coin has a price."""

import pytest

from hedgebot.core.coin_price import coin_price
from tests.support.playbook import BTC_PERP, Playbook


def test_a_coin_is_worth_its_index_in_the_quote_coins_price() -> None:
    book = Playbook()
    book.ready()
    book.send(book.ticker("101000"))
    one = book.state.settings.underlyings[0]
    assert coin_price(book.state, one, {"USDT": 0.5}) == pytest.approx(50_500.0)
    assert coin_price(book.state, one, {}) == 0.0
    book.state.quotes[BTC_PERP].index = None
    assert coin_price(book.state, one, {"USDT": 1.0}) == pytest.approx(100_000.0, rel=1e-3)
    book.state.instruments.clear()
    assert coin_price(book.state, one, {"USDT": 1.0}) == 0.0
