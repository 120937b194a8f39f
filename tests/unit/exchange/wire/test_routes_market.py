"""Public paths: filters, defaults and pages."""

from itertools import pairwise
from typing import Any

import pytest

from hedgebot.exchange.trouble import Maintenance
from hedgebot.exchange.wire import routes_market as routes
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.codes import WireError
from hedgebot.exchange.wire.params import Params


def rows(content: dict[str, object]) -> list[dict[str, Any]]:
    found = content["list"]
    assert isinstance(found, list)
    return found


def symbols(api: Api, **values: Any) -> list[str]:
    return [row["symbol"] for row in rows(routes.instruments_info(api, "", Params(values)))]


def test_instruments_by_category_and_filter(api: Api) -> None:
    assert symbols(api, category="spot") == ["BTCUSDT", "ETHUSDT"]
    assert symbols(api, category="linear", baseCoin="ETH")[:2] == ["ETHUSDT", "ETHPERP"]
    assert symbols(api, category="inverse", baseCoin="ETH") == ["ETHUSD", "ETHUSDZ26"]
    assert symbols(api, category="linear", symbol="BTCPERP") == ["BTCPERP"]
    # Options are Bitcoin's unless told.
    assert {one[:3] for one in symbols(api, category="option")} == {"BTC"}
    assert {one[:3] for one in symbols(api, category="option", baseCoin="ETH")} == {"ETH"}
    assert symbols(api, category="linear", status="PreLaunch") == []


def test_tickers_of_every_category(api: Api) -> None:
    linear = rows(routes.tickers(api, "", Params({"category": "linear"})))
    assert [row["symbol"] for row in linear][:4] == ["BTCUSDT", "BTCPERP", "ETHUSDT", "ETHPERP"]
    options = rows(routes.tickers(api, "", Params({"category": "option", "baseCoin": "BTC"})))
    expiry = options[0]["symbol"].split("-")[1]
    dated = rows(routes.tickers(api, "", Params({"category": "option", "baseCoin": "BTC", "expDate": expiry})))
    assert 0 < len(dated) < len(options)
    assert rows(routes.tickers(api, "", Params({"category": "spot", "symbol": "BTCUSDT"})))[0]["usdIndexPrice"]


@pytest.mark.parametrize(
    ("handler", "values"),
    [
        (routes.tickers, {"category": "option"}),
        (routes.tickers, {"category": "linear", "symbol": "NOPE"}),
        (routes.orderbook, {"category": "linear"}),
        (routes.orderbook, {"category": "option", "symbol": "x", "limit": "26"}),
        (routes.recent_trade, {"category": "linear"}),
        (routes.risk_limit, {"category": "spot"}),
    ],
)
def test_bad_questions_are_refused(api: Api, handler: Any, values: dict[str, str]) -> None:
    with pytest.raises(WireError):
        handler(api, "", Params(values))


def test_the_order_book_has_its_default_depth(api: Api) -> None:
    linear = routes.orderbook(api, "", Params({"category": "linear", "symbol": "BTCUSDT"}))
    spot = routes.orderbook(api, "", Params({"category": "spot", "symbol": "BTCUSDT"}))
    assert isinstance(linear["b"], list)
    assert isinstance(spot["a"], list)
    assert (len(linear["b"]), len(spot["a"])) == (25, 1)


def test_trades_are_newest_first(api: Api) -> None:
    api.exchange.advance(api.exchange.now_ns + 60_000_000_000)
    found = rows(routes.recent_trade(api, "", Params({"category": "linear", "symbol": "BTCUSDT", "limit": 5})))
    assert len(found) == 5
    sequence = [int(row["seq"]) for row in found]
    assert sequence == sorted(sequence, reverse=True)
    assert rows(routes.recent_trade(api, "", Params({"category": "option"}))) == []
    # More than a page is a page: ccxt's own suite asks the live venue for so many.
    spot = Params({"category": "spot", "symbol": "BTCUSDT", "limit": 12_000})
    assert len(rows(routes.recent_trade(api, "", spot))) <= 60


def test_tiers_are_continuous(api: Api) -> None:
    tiers = rows(routes.risk_limit(api, "", Params({"category": "linear", "symbol": "BTCUSDT"})))
    assert [row["isLowestRisk"] for row in tiers] == [1, *[0] * (len(tiers) - 1)]
    for low, high in pairwise(tiers):
        edge = float(low["riskLimitValue"])
        below = edge * float(low["maintenanceMargin"]) - float(low["mmDeduction"] or 0)
        above = edge * float(high["maintenanceMargin"]) - float(high["mmDeduction"])
        assert below == pytest.approx(above)


def test_the_clock(api: Api) -> None:
    now = routes.server_time(api, "", Params({}))
    assert str(now["timeNano"]).startswith(str(now["timeSecond"]))


def announced(api: Api, **params: object) -> list[dict[str, object]]:
    rows = routes.system_status(api, "", Params(params))["list"]
    assert isinstance(rows, list)
    return rows


def test_maintenance_is_announced_and_found_by_id_and_state(api: Api) -> None:
    assert announced(api) == []
    api.exchange.strike(Maintenance(duration_s=60, in_s=300))
    api.exchange.strike(Maintenance(duration_s=5))
    (row,) = announced(api)
    # docs/v5/system-status.mdx.
    words = "id title state begin end href serviceTypes product uidSuffix maintainType env"
    assert " ".join(row) == words
    assert (row["state"], row["maintainType"]) == ("scheduled", 1)
    assert int(str(row["end"])) - int(str(row["begin"])) == 60_000
    assert announced(api, id=row["id"]) == announced(api, state="scheduled") == [row]
    assert announced(api, id="x") == announced(api, state="ongoing") == []
