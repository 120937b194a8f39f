import json
from collections.abc import Callable

import msgspec
import pytest

from hedgebot.domain.events import Source
from hedgebot.domain.instrument import Side
from hedgebot.domain.settings import AccountRole
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.keys import key_problem
from hedgebot.venues.normalise import Scope, category_of, settle_coin, side_of
from hedgebot.venues.normalise_account import execution, order, position, wallet
from hedgebot.venues.normalise_instruments import instruments_of
from hedgebot.venues.normalise_market import MarketReader
from hedgebot.venues.reading import FrameProblem
from tests.unit.venues.double import GOLDEN, golden


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


_PAIRS = [(category, row) for category, rows in golden("instruments").items() for row in rows]
_SCOPE = Scope(
    account="main", profile=BYBIT, instruments={found.id: found for found in instruments_of("bybit", _PAIRS)[0]}
)


def _after(category: str, *names: str) -> object:
    """What the last of several frames of one socket says."""
    reader = MarketReader("bybit")
    return [reader.read(category, golden(name)) for name in names][-1]


def _pushed(name: str, read: Callable[..., object], *more: object) -> list[object]:
    return [read(_SCOPE, category_of(row), row, *more) for row in golden(name)["data"]]


_NORMALISERS: dict[str, Callable[[], object]] = {
    "book_frame": lambda: _after("linear", "book_frame"),
    "book_delta_frame": lambda: _after("linear", "book_frame", "book_delta_frame"),
    "ticker_frame": lambda: _after("linear", "ticker_frame"),
    "ticker_delta_frame": lambda: _after("linear", "ticker_frame", "ticker_delta_frame"),
    "option_ticker_frame": lambda: _after("option", "option_ticker_frame"),
    "execution_frame": lambda: _pushed("execution_frame", execution, Source.STREAM),
    "spot_execution_frame": lambda: _pushed("spot_execution_frame", execution, Source.STREAM),
    "executions": lambda: [execution(_SCOPE, "linear", row, Source.QUERY) for row in golden("executions")],
    "order_frame": lambda: _pushed("order_frame", order),
    "orders": lambda: [order(_SCOPE, "option", row) for row in golden("orders")],
    "position_frame": lambda: _pushed("position_frame", position),
    "wallet_frame": lambda: [wallet(_SCOPE, row, 5) for row in golden("wallet_frame")["data"]],
    "wallet_balance": lambda: [wallet(_SCOPE, row, 5) for row in golden("wallet_balance")["list"]],
    "instruments": lambda: instruments_of("bybit", _PAIRS),
    "query_api": lambda: key_problem(BYBIT, AccountRole.SHARED, golden("query_api")),
}


@pytest.mark.parametrize("name", sorted(_NORMALISERS))
def test_golden(name: str) -> None:
    """Each input beside its output, field by field: `NAME.json` as the venue sends it, `NAME.out.json` as we say it."""
    assert json.loads(msgspec.json.encode(_NORMALISERS[name]())) == golden(f"{name}.out")


def test_every_golden_input_has_an_output_and_a_reader() -> None:
    inputs = {path.name.removesuffix(".json") for path in GOLDEN.glob("*.json") if ".out." not in path.name}
    outputs = {path.name.removesuffix(".out.json") for path in GOLDEN.glob("*.out.json")}
    assert inputs == outputs == _NORMALISERS.keys()
