from typing import Any

from hedgebot.domain.instrument import InstrumentId
from hedgebot.venues.table import InstrumentTable, read_markets
from tests.unit.venues.double import BTC, SPOT, golden


def market(symbol: str, category: str, **changes: Any) -> dict[str, Any]:
    row = next(row for row in golden("instruments")[category] if row["symbol"] == symbol)
    flags = {"spot": category == "spot", "linear": category == "linear", "option": category == "option"}
    return {"id": symbol, "symbol": f"unified:{category}:{symbol}", "info": row, **flags, **changes}


def test_the_clients_names_by_category_and_symbol() -> None:
    table = InstrumentTable()
    found, symbols, problems = read_markets("bybit", {"a": market("BTCUSDT", "spot"), "b": market("BTCUSDT", "linear")})
    table.take(found, symbols)
    assert [instrument.id for instrument in found] == [BTC, SPOT]
    assert problems == ()
    assert table.symbol(BTC) == "unified:linear:BTCUSDT"
    assert table.symbol(SPOT) == "unified:spot:BTCUSDT"
    assert table.symbol(InstrumentId("bybit:linear:GONE")) is None


def test_what_is_gone_after_a_reload_can_still_be_held() -> None:
    table = InstrumentTable()
    for category in ("linear", "spot"):
        found, symbols, _ = read_markets("bybit", {"a": market("BTCUSDT", category)})
        table.take(found, symbols)
    assert {BTC, SPOT} <= table.instruments.keys()


def test_an_unreadable_row_is_reported_and_not_traded() -> None:
    table = InstrumentTable()
    odd = market("BTCUSDT", "linear")
    odd["info"] = {**odd["info"], "priceFilter": {}}
    found, symbols, problems = read_markets("bybit", {"a": odd, "b": {"id": "X", "symbol": "X", "info": {}}})
    table.take(found, symbols)
    assert found == ()
    assert len(problems) == 1
    assert table.symbol(BTC) is None


def test_what_expired_before_a_moment_goes_and_what_a_later_listing_names_is_back() -> None:
    table = InstrumentTable()
    found, symbols, _ = read_markets("bybit", {"a": market("BTC-27NOV26", "linear"), "b": market("BTCUSDT", "linear")})
    table.take(found, symbols)
    (dated,) = (one for one in found if one.expiry_ns is not None)
    table.forget_ended(dated.expiry_ns or 0)
    assert table.symbol(dated.id) is not None
    table.forget_ended((dated.expiry_ns or 0) + 1)
    assert (table.symbol(dated.id), list(table.instruments)) == (None, [BTC])
    table.take(found, symbols)
    assert table.symbol(dated.id) is not None
