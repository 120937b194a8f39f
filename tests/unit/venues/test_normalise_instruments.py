import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedgebot.domain.instrument import InstrumentKind, OptionType
from hedgebot.venues.normalise_instruments import instrument_of, instruments_of
from hedgebot.venues.reading import FrameProblem
from tests.unit.venues.double import golden

ROWS: dict[str, list[dict[str, Any]]] = golden("instruments")


def row(category: str, symbol: str, /, **changes: Any) -> dict[str, Any]:
    found = next(row for row in ROWS[category] if row["symbol"] == symbol)
    return {**found, **changes}


def read(category: str, name: str, /, **changes: Any) -> Any:
    return instrument_of("bybit", category, {**row(category, name), **changes})


def test_spot() -> None:
    pair = read("spot", "BTCUSDT")
    assert (pair.id, pair.kind, pair.underlying, pair.quote) == (
        "bybit:spot:BTCUSDT",
        InstrumentKind.SPOT,
        "BTC",
        "USDT",
    )
    assert (pair.tick_size, pair.lot_size, pair.qty_min) == (Decimal("0.1"), Decimal("0.000001"), Decimal("0.000011"))
    assert (pair.qty_max, pair.min_notional_quote, pair.expiry_ns) == (Decimal(83), Decimal(5), None)


def test_a_perpetual_has_funding_and_no_expiry() -> None:
    perp = read("linear", "BTCUSDT")
    assert perp.kind is InstrumentKind.LINEAR_PERP
    assert (perp.settle, perp.contract_size, perp.funding_interval_hours, perp.expiry_ns) == ("USDT", 1, 8.0, None)
    assert (perp.min_notional_quote, perp.qty_max) == (Decimal(5), Decimal("1190.000"))
    assert read("linear", "BTCPERP").settle == "USDC"


def test_a_future_has_an_expiry_and_no_funding() -> None:
    future = read("linear", "BTC-27NOV26")
    assert future.kind is InstrumentKind.LINEAR_FUTURE
    assert (future.expiry_ns, future.funding_interval_hours) == (1_795_766_400_000_000_000, None)


def test_an_inverse_contract_is_one_dollar_settled_in_coin() -> None:
    inverse = read("inverse", "BTCUSD")
    assert inverse.kind is InstrumentKind.INVERSE_PERP
    assert (inverse.settle, inverse.contract_size, inverse.min_notional_quote) == ("BTC", 1, 0)
    assert inverse.coins(Decimal(90_000), Decimal(90_000)) == 1


def test_an_option() -> None:
    option = read("option", "BTC-27NOV26-90000-C-USDT")
    assert (option.kind, option.option_type, option.strike) == (
        InstrumentKind.LINEAR_OPTION,
        OptionType.CALL,
        Decimal(90_000),
    )
    assert (option.settle, option.lot_size, option.expiry_ns) == ("USDT", Decimal("0.01"), 1_795_766_400_000_000_000)
    assert read("option", "ETH-27NOV26-3000-P").option_type is OptionType.PUT


@pytest.mark.parametrize("status", ["PreLaunch", "Closed", "", None])
def test_what_does_not_trade_is_no_instrument(status: Any) -> None:
    assert read("linear", "BTCUSDT", status=status) is None


@pytest.mark.parametrize(
    ("category", "symbol", "changes"),
    [
        ("linear", "BTCUSDT", {"contractType": "Strange"}),
        ("linear", "BTCUSDT", {"lotSizeFilter": None}),
        ("linear", "BTCUSDT", {"priceFilter": {"tickSize": "0"}}),
        ("linear", "BTCUSDT", {"lotSizeFilter": {"qtyStep": "", "minOrderQty": "1"}}),
        ("linear", "BTC-27NOV26", {"deliveryTime": "0"}),
        ("option", "BTC-27NOV26-90000-C-USDT", {"optionsType": "Straddle"}),
        ("option", "BTC-27NOV26-90000-C-USDT", {"symbol": "BTC-27NOV26-XX-C"}),
        ("spot", "BTCUSDT", {"baseCoin": ""}),
    ],
)
def test_rules_that_cannot_be_traded_with_are_a_problem(category: str, symbol: str, changes: dict[str, Any]) -> None:
    with pytest.raises(FrameProblem):
        read(category, symbol, **changes)


def test_a_bad_row_does_not_hide_the_others() -> None:
    pairs = [("linear", row("linear", "BTCUSDT")), ("linear", row("linear", "BTCPERP", priceFilter=None))]
    found, problems = instruments_of("bybit", pairs)
    assert [instrument.symbol for instrument in found] == ["BTCUSDT"]
    assert len(problems) == 1
    assert "BTCPERP" in problems[0]


@pytest.mark.needs_data
@pytest.mark.parametrize("category", ["spot", "linear", "option"])
def test_recorded_answers_are_understood(shared_data: Path, category: str) -> None:
    number = {"spot": 19, "linear": 20, "option": 21}[category]
    path = shared_data / "m24_private_frames_roq_gct" / "bybit" / f"instruments_info_ack__{category}_{number}.json"
    rows = json.loads(path.read_text("utf-8"))["result"]["list"]
    found, problems = instruments_of("bybit", [(category, row) for row in rows])
    assert not problems
    assert len(found) == len(rows) == 2


@pytest.mark.parametrize("shows", [True, False])
def test_whether_a_book_says_its_sizes_is_the_profiles_word(shows: bool) -> None:
    rows = [("linear", row("linear", "BTCUSDT"))]
    assert [one.shows_sizes for one in instruments_of("bybit", rows, shows_sizes=shows)[0]] == [shows]
    assert instruments_of("bybit", rows)[0][0].shows_sizes
