from typing import Any

from hedgebot.domain.instrument import InstrumentId
from hedgebot.venues.table import InstrumentTable
from tests.unit.venues.double import BTC, SPOT, golden


def market(symbol: str, category: str, **changes: Any) -> dict[str, Any]:
    row = next(row for row in golden("instruments")[category] if row["symbol"] == symbol)
    flags = {"spot": category == "spot", "linear": category == "linear", "option": category == "option"}
    return {"id": symbol, "symbol": f"unified:{category}:{symbol}", "info": row, **flags, **changes}


def test_the_clients_names_by_category_and_symbol() -> None:
    table = InstrumentTable("bybit")
    found, problems = table.load({"a": market("BTCUSDT", "spot"), "b": market("BTCUSDT", "linear")})
    assert [instrument.id for instrument in found] == [BTC, SPOT]
    assert problems == ()
    assert table.symbol(BTC) == "unified:linear:BTCUSDT"
    assert table.symbol(SPOT) == "unified:spot:BTCUSDT"
    assert table.symbol(InstrumentId("bybit:linear:GONE")) is None


def test_what_is_gone_after_a_reload_can_still_be_held() -> None:
    table = InstrumentTable("bybit")
    table.load({"a": market("BTCUSDT", "linear")})
    table.load({"b": market("BTCUSDT", "spot")})
    assert {BTC, SPOT} <= table.instruments.keys()


def test_an_unreadable_row_is_reported_and_not_traded() -> None:
    table = InstrumentTable("bybit")
    odd = market("BTCUSDT", "linear")
    odd["info"] = {**odd["info"], "priceFilter": {}}
    found, problems = table.load({"a": odd, "b": {"id": "X", "symbol": "X", "info": {}}})
    assert found == ()
    assert len(problems) == 1
    assert table.symbol(BTC) is None
