"""Portfolio margin on the wire."""

from decimal import Decimal
from typing import Any

import pytest

from hedgebot.exchange.types import MarginMode
from hedgebot.exchange.wire import entry
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.params import Params
from hedgebot.exchange.wire.routes_portfolio import portfolio_margin
from tests.unit.exchange.wire.asking import ask

MOVES = ["-0.1", "-0.08", "-0.06", "-0.04", "-0.02", "0.0", "0.02", "0.04", "0.06", "0.08", "0.1"]


@pytest.fixture
def nets(api: Api) -> Api:
    """Its book (short 0.5 BTCPERP, long one call) is in portfolio margin."""
    api.exchange._accounts["book"].margin.mode = MarginMode.PORTFOLIO
    return api


def columns(ranges: list[dict[str, Any]]) -> list[list[float]]:
    assert [row["priceScale"] for row in ranges] == MOVES
    return [[float(value) for value in row["pnls"]] for row in ranges]


def test_the_ranges_say_what_the_margin_is_made_of(nets: Api) -> None:
    answer = ask(portfolio_margin, nets, baseCoin="BTC")
    (coin,) = answer["assetPnlRange"]
    wallet = nets.exchange.wallet("book")
    assert float(answer["wallet"]["accountMM"]) == pytest.approx(wallet.maintenance_margin_usd)
    assert float(coin["asset"]["assetMM"]) == pytest.approx(wallet.maintenance_margin_usd)
    whole, perps, options = (
        columns(coin["totalPnlRanges"][name]["pnlRanges"]) for name in ("ALL", "PERPETUAL", "OPTION")
    )
    for row, (one, *_), (two, *_) in zip(whole, perps, options, strict=True):
        assert row == [pytest.approx(one + two, abs=1e-6)]
    worst = min(row[0] for row in whole)
    contingency = float(coin["contingency"]["contingencyComponents"])
    assert float(coin["asset"]["assetMM"]) == pytest.approx(-worst + contingency, abs=1e-6)
    assert float(coin["asset"]["assetIM"]) == pytest.approx(1.2 * float(coin["asset"]["assetMM"]))
    # The short perpetual is the bought call's hedge: the worst is its volatility down.
    assert coin["maxLossIvShock"] == "-0.2"
    assert whole[MOVES.index(coin["maxLossPriceMove"])] == [worst]
    assert coin["maxLossIvShockList"] == ["-0.2"] * 11


def test_positions_have_rows_of_their_own(nets: Api) -> None:
    order = {"symbol": "BTCPERP", "side": "Buy", "orderType": "Limit", "qty": "0.2", "price": "80000"}
    entry.create(nets, "book", Params({"category": "linear"} | order))
    (coin,) = ask(portfolio_margin, nets)["assetPnlRange"]
    (perp,) = coin["perpPositionPnlRanges"]
    assert (perp["symbolName"], perp["position"], perp["orderSize"]) == ("BTCPERP", "-0.5", "0.2")
    assert (perp["contractType"], perp["settleCoin"]) == (2, "USDC")
    (held,) = (one for one in nets.exchange.positions("book") if one.instrument.endswith(":BTCPERP"))
    assert held.entry_price is not None
    assert Decimal(perp["sessionAvgPrice"]) == held.entry_price
    assert all(len(row) == 1 for row in columns(perp["pnlRanges"]))
    (date,) = coin["optionExpiryDatePnlRanges"]
    (option,) = date["optionPositionPnlRanges"]
    assert option["symbolName"].split("-")[1] == date["expiryDateRepresentation"]
    assert (option["position"], option["contractType"], option["sessionAvgPrice"]) == ("1", 5, "0")
    rows = columns(option["pnlRanges"])
    assert rows == columns(date["pnlRanges"])
    # Columns are volatility up, unchanged, down: a bought option gains with it.
    assert all(up >= same >= down for up, same, down in rows)
    assert rows[5][0] > rows[5][1] > rows[5][2]


def test_other_coins_and_other_modes_have_no_ranges(nets: Api) -> None:
    assert ask(portfolio_margin, nets, baseCoin="ETH")["assetPnlRange"] == []
    nets.exchange._accounts["book"].margin.mode = MarginMode.CROSS
    answer = ask(portfolio_margin, nets)
    assert answer["assetPnlRange"] == []
    assert float(answer["wallet"]["equity"]) > 0
