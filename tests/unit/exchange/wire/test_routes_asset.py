"""Signed paths about assets."""

from hedgebot.exchange.wire import routes_asset as routes
from hedgebot.exchange.wire.api import Api
from tests.unit.exchange.wire.asking import ask


def test_every_quote_and_settlement_coin_is_known(api: Api) -> None:
    coins = {row["coin"] for row in ask(routes.coin_info, api)["rows"]}
    assert {"BTC", "ETH", "USD", "USDC", "USDT"} <= coins
    assert [row["coin"] for row in ask(routes.coin_info, api, coin="ETH")["rows"]] == ["ETH"]
