"""What the public paths answer. Owns filters, defaults and pages of market data; changes nothing.

Source: docs/v5/market/*.mdx.
"""

from hedgebot.domain.instrument import Instrument
from hedgebot.exchange.risk import load_parameters
from hedgebot.exchange.types import Listing
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.codes import bad_parameter
from hedgebot.exchange.wire.entry import instrument_of
from hedgebot.exchange.wire.fields_market import (
    STATUS,
    Fields,
    book_fields,
    contract_rest_fields,
    instrument_fields,
    maintenance_fields,
    option_rest_fields,
    spot_rest_fields,
    trade_rest_fields,
)
from hedgebot.exchange.wire.params import DERIVATIVES, Params, page
from hedgebot.exchange.wire.words import flt


def server_time(api: Api, _account: str, _params: Params) -> Fields:
    """The venue's clock, skew included."""
    now_ms = api.venue_ms
    return {"timeSecond": str(now_ms // 1_000), "timeNano": str(now_ms * 1_000_000)}


# What a question without a status is answered with (docs/v5/market/instrument.mdx); for all others: Trading.
OPTION_STATUSES = ("PreLaunch", "Trading", "Delivering")


def instruments_info(api: Api, _account: str, params: Params) -> Fields:
    """Instruments of a category; options of one base coin (BTC unless told)."""
    category = params.category()
    symbol, status = params.text("symbol"), params.text("status")
    base = params.text("baseCoin", "BTC" if category == "option" and not symbol else "")
    wanted = (status,) if status else OPTION_STATUSES if category == "option" else ("Trading",)
    numbered = enumerate(api.exchange.listings(), 1)
    rows = [
        (listing, number)
        for number, listing in numbered
        if listing.instrument.category == category
        and symbol in {"", listing.instrument.symbol}
        and (category == "spot" or base in {"", listing.instrument.underlying})
        and (STATUS[listing.status] in wanted or (bool(symbol) and "status" not in params.values))
    ]
    shown, cursor = page(rows, params, params.limit(500, 1_000))
    return {
        "category": category,
        "list": [instrument_fields(listing, number) for listing, number in shown],
        "nextPageCursor": cursor,
    }


def tickers(api: Api, _account: str, params: Params) -> Fields:
    """Tickers of a category, of one symbol, or of options of a base coin or expiry."""
    category = params.category()
    symbol = params.text("symbol")
    if symbol:
        instrument_of(api, category, symbol)
    elif category == "option" and not params.text("baseCoin"):
        raise bad_parameter("params error: baseCoin or symbol is required")
    base, expiry = params.text("baseCoin"), params.text("expDate")
    rows = [
        _ticker_fields(api, listing)
        for listing in api.listings(category)
        if symbol in {"", listing.instrument.symbol}
        and (category != "option" or base in {"", listing.instrument.underlying})
        and (not expiry or listing.instrument.symbol.split("-")[1:2] == [expiry])
    ]
    return {"category": category, "list": rows}


def _ticker_fields(api: Api, listing: Listing) -> Fields:
    one = listing.instrument
    if one.kind.is_option:
        return option_rest_fields(api.exchange.option_ticker(one.id), one)
    ticker = api.exchange.ticker(one.id)
    return spot_rest_fields(ticker, one) if one.category == "spot" else contract_rest_fields(ticker, listing)


def orderbook(api: Api, _account: str, params: Params) -> Fields:
    """The book, to a depth that depends on the category."""
    category = params.category()
    symbol = params.required("symbol")
    default, largest = {"spot": (1, 200), "option": (1, 25)}.get(category, (25, 500))
    depth = params.limit(default, largest)
    book = api.exchange.book(instrument_of(api, category, symbol), depth)
    return book_fields(book, symbol, api.venue_ms)


def system_status(api: Api, _account: str, params: Params) -> Fields:
    """Maintenance ahead, under way and over, newest first (docs/v5/system-status.mdx)."""
    wanted, state = params.text("id"), params.text("state")
    rows = [
        maintenance_fields(one)
        for one in reversed(api.exchange.troubles.maintenance.announcements())
        if one.is_told and wanted in {"", one.id} and state in {"", one.stage}
    ]
    return {"list": rows}


def recent_trade(api: Api, _account: str, params: Params) -> Fields:
    """Newest public trades first; options without symbol: all of a base coin."""
    category = params.category()
    symbol = params.text("symbol")
    if category != "option" and not symbol:
        raise bad_parameter("params error: symbol is required")
    # ccxt's own suite asks the live venue for 12,000 trades and expects an answer.
    limit = params.limit(60 if category == "spot" else 500, 60 if category == "spot" else 1_000, clips=True)
    base = params.text("baseCoin", "BTC")
    if symbol:
        instrument_of(api, category, symbol)
    chosen = [
        listing.instrument
        for listing in api.listings(category, settled=True)
        if (listing.instrument.symbol == symbol if symbol else listing.instrument.underlying == base)
    ]
    found = [(trade, one) for one in chosen for trade in api.exchange.trades(one.id, limit)]
    found.sort(key=lambda pair: pair[0].seq, reverse=True)
    return {"category": category, "list": [trade_rest_fields(trade, one.symbol) for trade, one in found[:limit]]}


def risk_limit(api: Api, _account: str, params: Params) -> Fields:
    """Margin tiers of contracts: 15 symbols a page; `mmDeduction` is what makes the rates continuous."""
    category = params.category(allowed=DERIVATIVES)
    symbol = params.text("symbol")
    if symbol:
        instrument_of(api, category, symbol)
    chosen = [one.instrument for one in api.listings(category) if symbol in {"", one.instrument.symbol}]
    shown, cursor = page(chosen, params, 15)
    return {"category": category, "list": [row for one in shown for row in _tiers(one)], "nextPageCursor": cursor}


def _tiers(one: Instrument) -> list[Fields]:
    ladder = load_parameters().ladder(one.underlying, is_inverse=one.kind.is_inverse)
    return [
        {
            "id": number + 1,
            "symbol": one.symbol,
            "riskLimitValue": flt(tier.value_max_settle),
            "maintenanceMargin": flt(tier.maintenance_rate),
            "initialMargin": flt(tier.initial_rate),
            "isLowestRisk": 1 if number == 0 else 0,
            "maxLeverage": f"{1 / tier.initial_rate:.2f}",
            "mmDeduction": flt(ladder.deduction(number)) if number else "",
        }
        for number, tier in enumerate(ladder.tiers)
    ]
