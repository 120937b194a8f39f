"""Public fields: the keys by which clients tell products apart, and values that must agree."""

from decimal import Decimal

import pytest

from hedgebot.exchange.types import Listing
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.fields_market import (
    book_fields,
    contract_rest_fields,
    contract_stream_fields,
    instrument_fields,
    iso_seconds,
    option_rest_fields,
    option_stream_fields,
    spot_rest_fields,
    spot_stream_fields,
    trade_rest_fields,
    trade_stream_fields,
)


def listing(api: Api, category: str, symbol: str) -> Listing:
    found = api.find(category, symbol)
    assert found is not None
    return found


def test_a_perpetual_is_described(api: Api) -> None:
    fields = instrument_fields(listing(api, "linear", "BTCPERP"), 3)
    assert fields["contractType"] == "LinearPerpetual"
    assert (fields["settleCoin"], fields["deliveryTime"], fields["fundingInterval"]) == ("USDC", "0", 480)
    assert fields["priceFilter"] == {"minPrice": "0.1", "maxPrice": "1999999.8", "tickSize": "0.1"}
    assert fields["lowerFundingRate"] == "-0.005"


def test_spot_names_its_steps_otherwise(api: Api) -> None:
    fields = instrument_fields(listing(api, "spot", "BTCUSDT"), 1)
    lots = fields["lotSizeFilter"]
    assert isinstance(lots, dict)
    assert (lots["basePrecision"], "qtyStep" in lots, lots["minOrderAmt"]) == ("0.000001", False, "5")


def test_an_options_symbol_and_delivery_agree(api: Api) -> None:
    for one in api.listings("option"):
        fields = instrument_fields(one, 9)
        delivered_ms = int(str(fields["deliveryTime"]))
        day = iso_seconds(delivered_ms * 1_000_000)
        assert str(int(day[8:10])) == one.instrument.symbol.split("-")[1][:-5]
        assert fields["optionsType"] == {"C": "Call", "P": "Put"}[one.instrument.symbol.split("-")[3]]


def test_tickers_are_told_apart_by_their_keys(api: Api) -> None:
    spot, perp = listing(api, "spot", "BTCUSDT"), listing(api, "linear", "BTCUSDT")
    spot_ticker, perp_ticker = api.exchange.ticker(spot.instrument.id), api.exchange.ticker(perp.instrument.id)
    stream = spot_stream_fields(spot_ticker, spot.instrument)
    assert "usdIndexPrice" in stream
    assert not {"bid1Price", "openInterestValue"} & set(stream)
    assert "bid1Price" in spot_rest_fields(spot_ticker, spot.instrument)
    contract = contract_stream_fields(perp_ticker, perp)
    assert {"openInterestValue", "fundingRate", "nextFundingTime", "bid1Price"} <= set(contract)
    assert "usdIndexPrice" not in contract
    assert "tickDirection" not in contract_rest_fields(perp_ticker, perp)
    volume, turnover = Decimal(str(contract["volume24h"])), Decimal(str(contract["turnover24h"]))
    low, high = Decimal(str(contract["lowPrice24h"])), Decimal(str(contract["highPrice24h"]))
    assert volume * low <= turnover <= volume * high


def test_option_tickers_have_two_vocabularies(api: Api) -> None:
    one = api.listings("option")[0].instrument
    ticker = api.exchange.option_ticker(one.id)
    stream, rest = option_stream_fields(ticker, one), option_rest_fields(ticker, one)
    assert (stream["bidPrice"], stream["markPriceIv"]) == (rest["bid1Price"], rest["markIv"])
    assert not {"bid1Price", "markIv"} & set(stream)
    assert not {"bidPrice", "markPriceIv"} & set(rest)
    assert float(str(stream["vega"])) > 0 > float(str(stream["theta"]))


def test_a_book_is_pairs_of_texts(api: Api) -> None:
    one = listing(api, "linear", "BTCUSDT").instrument
    fields = book_fields(api.exchange.book(one.id, 3), one.symbol, 5)
    bids, asks = fields["b"], fields["a"]
    assert isinstance(bids, list)
    assert isinstance(asks, list)
    assert len(bids) == len(asks) == 3
    assert Decimal(bids[0][0]) < Decimal(asks[0][0])
    assert (fields["s"], fields["ts"]) == ("BTCUSDT", 5)


def test_trades_in_both_vocabularies(api: Api) -> None:
    one = listing(api, "linear", "BTCUSDT").instrument
    api.exchange.advance(api.exchange.now_ns + 30_000_000_000)
    trade = api.exchange.trades(one.id)[-1]
    stream, rest = trade_stream_fields(trade, one.symbol), trade_rest_fields(trade, one.symbol)
    assert (stream["i"], stream["p"], stream["S"]) == (rest["execId"], rest["price"], rest["side"])
    assert str(stream["T"]) == rest["time"]


@pytest.mark.parametrize("category", ["spot", "linear", "option"])
def test_every_instrument_can_be_described(api: Api, category: str) -> None:
    for one in api.listings(category):
        fields = instrument_fields(one, 1)
        assert (fields["symbol"], fields["status"]) == (one.instrument.symbol, "Trading")


def test_a_future_shows_its_basis_and_delivery_and_no_funding(api: Api) -> None:
    for category, product in (("linear", "LinearFutures"), ("inverse", "InverseFutures")):
        future = next(one for one in api.listings(category) if one.instrument.expiry_ns is not None)
        ticker, expiry_ns = api.exchange.ticker(future.instrument.id), future.instrument.expiry_ns
        assert expiry_ns is not None
        streamed, asked = contract_stream_fields(ticker, future), contract_rest_fields(ticker, future)
        # A date on the socket, milliseconds over HTTP.
        assert streamed["deliveryTime"] == iso_seconds(expiry_ns)
        assert asked["deliveryTime"] == str(expiry_ns // 1_000_000)
        assert "fundingIntervalHour" not in streamed
        assert (streamed["nextFundingTime"], streamed["fundingRate"], asked["fundingCap"]) == ("", "", "")
        basis = Decimal(str(streamed["lastPrice"])) - Decimal(str(streamed["indexPrice"]))
        assert Decimal(str(streamed["basis"])) == basis
        assert streamed["predictedDeliveryPrice"] == "0"
        fields = instrument_fields(future, 1)
        assert (fields["contractType"], fields["fundingInterval"]) == (product, 0)
        assert fields["deliveryTime"] == asked["deliveryTime"]


def test_an_inverse_perpetual_counts_in_dollars_and_coin(api: Api) -> None:
    found = listing(api, "inverse", "BTCUSD")
    fields, ticker = instrument_fields(found, 1), api.exchange.ticker(found.instrument.id)
    lots = fields["lotSizeFilter"]
    assert isinstance(lots, dict)
    # Clients take the contract's size from the minimum quantity.
    assert Decimal(lots["minOrderQty"]) == found.instrument.contract_size == 1
    assert (fields["quoteCoin"], fields["settleCoin"], fields["contractType"]) == ("USD", "BTC", "InversePerpetual")
    shown = contract_rest_fields(ticker, found)
    mark, interest = Decimal(str(shown["markPrice"])), Decimal(str(shown["openInterest"]))
    assert Decimal(str(shown["openInterestValue"])) == pytest.approx(interest / mark, rel=Decimal("1e-6"))
    assert (shown["deliveryTime"], shown["basis"], shown["basisRate"]) == ("0", "", "")
