"""Candles over HTTP."""

from typing import Any

import pytest

from hedgebot.exchange.wire import routes_candles as routes
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.sampling import sample
from tests.unit.exchange.wire.asking import ask, code_of

PERP = {"category": "linear", "symbol": "BTCUSDT", "interval": "1"}


def minutes(api: Api, count: int) -> None:
    """Let the world run, sampled once a minute."""
    for _ in range(count):
        api.exchange.advance(api.exchange.now_ns + 60_000_000_000)
        sample(api.exchange, api.bars)


@pytest.mark.parametrize("handler", [routes.mark_kline, routes.index_kline, routes.premium_kline])
def test_sampled_candles_are_newest_first_with_prices_only(api: Api, handler: Any) -> None:
    minutes(api, 3)
    found = ask(handler, api, **PERP)
    assert (found["category"], found["symbol"]) == ("linear", "BTCUSDT")
    starts = [int(row[0]) for row in found["list"]]
    assert len(starts) >= 3
    assert starts == sorted(starts, reverse=True)
    assert {len(row) for row in found["list"]} == {5}
    for _, opened, high, low, closed in found["list"]:
        assert float(low) <= min(float(opened), float(closed)) <= max(float(opened), float(closed)) <= float(high)


def test_a_window_and_a_limit(api: Api) -> None:
    minutes(api, 4)
    starts = [row[0] for row in ask(routes.mark_kline, api, **PERP)["list"]]
    assert [row[0] for row in ask(routes.mark_kline, api, **PERP, limit=2)["list"]] == starts[:2]
    between = ask(routes.mark_kline, api, **PERP, start=starts[2], end=starts[1])["list"]
    assert [row[0] for row in between] == starts[1:3]


def test_marks_of_options_and_what_has_no_candles(api: Api) -> None:
    option = next(one.instrument.symbol for one in api.listings("option"))
    assert ask(routes.mark_kline, api, category="option", symbol=option, interval="60")["list"]
    assert code_of(routes.index_kline, api, category="option", symbol=option, interval="60") == 10001
    assert code_of(routes.premium_kline, api, category="spot", symbol="BTCUSDT", interval="60") == 10001
    assert code_of(routes.kline, api, **PERP | {"interval": "7"}) == 10001
    assert code_of(routes.kline, api, **PERP | {"symbol": "NOPE"}) == 10001
    assert code_of(routes.mark_kline, api, category="option", symbol=option, interval="60", limit=501) == 10001
