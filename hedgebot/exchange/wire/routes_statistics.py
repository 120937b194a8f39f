"""What the public paths about figures behind the market answer: funding, open interest, volatility, ratios, deliveries.

Source: docs/v5/market/{history-fund-rate, open-interest, iv, long-short-ratio, order-price-limit, index-components,
delivery-price, new-delivery-price}.mdx. What the model keeps no history of is sampled since the exchange's start.
"""

import math
from decimal import Decimal
from itertools import pairwise

from hedgebot.domain.decimals import floor_to_step
from hedgebot.domain.instrument import Instrument, InstrumentId, Side
from hedgebot.exchange.types import Listing
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.bars import BARS_MAX, Bar, BarKind
from hedgebot.exchange.wire.codes import Answer, bad_parameter
from hedgebot.exchange.wire.entry import instrument_of
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.params import DERIVATIVES, Params, page
from hedgebot.exchange.wire.words import dec, flt, ms, ms_text

_PERIODS = {"5min": "5", "15min": "15", "30min": "30", "1h": "60", "4h": "240", "1d": "D"}
_VOLATILITY_DAYS = (7, 14, 21, 30, 60, 90, 180, 270)
_HOUR_MS = 3_600_000
_MINUTES_PER_YEAR = 525_600
# Fewer minutes than this say nothing about volatility.
_RETURNS_MIN = 30


def funding_history(api: Api, _account: str, params: Params) -> Fields:
    """Past funding rates, newest first."""
    category = params.category(allowed=DERIVATIVES)
    symbol = params.required("symbol")
    since_ms, until_ms = params.whole("startTime", 0) or 0, params.whole("endTime")
    if since_ms and until_ms is None:
        raise bad_parameter("params error: startTime needs endTime")
    instrument = instrument_of(api, category, symbol)
    listing = api.exchange.listing(instrument)
    # What expires has no funding, and so no history of it.
    rates = api.exchange.funding_rates(instrument) if listing and listing.instrument.kind.is_perp else ()
    rows = [
        {"symbol": symbol, "fundingRate": flt(rate), "fundingRateTimestamp": ms_text(at_ns)}
        for at_ns, rate in reversed(rates)
        if ms(at_ns) >= since_ms and (until_ms is None or ms(at_ns) <= until_ms)
    ]
    return {"category": category, "list": rows[: params.limit(200, 200)]}


def open_interest(api: Api, _account: str, params: Params) -> Fields:
    """Open interest at the end of each interval, newest first; both sides together, and one side."""
    category = params.category(allowed=DERIVATIVES)
    symbol = params.required("symbol")
    bars = _sampled(api, instrument_of(api, category, symbol), BarKind.OPEN_INTEREST, params, "intervalTime")
    rows = [
        {
            "openInterest": dec(bar.close),
            "singleOpenInterest": dec(bar.close / 2),
            "timestamp": str(bar.start_ms),
        }
        for bar in bars
    ]
    shown, cursor = page(rows, params, params.limit(50, 200))
    return {"category": category, "symbol": symbol, "list": list(shown), "nextPageCursor": cursor}


def _sampled(api: Api, name: InstrumentId, kind: BarKind, params: Params, interval_name: str) -> list[Bar]:
    interval = _PERIODS.get(params.required(interval_name))
    if interval is None:
        raise bad_parameter(f"params error: {interval_name} invalid")
    since_ms, until_ms = params.whole("startTime", 0) or 0, params.whole("endTime")
    return [
        bar
        for bar in api.bars.rows(name, interval, BARS_MAX, kind)
        if bar.start_ms >= since_ms and (until_ms is None or bar.start_ms <= until_ms)
    ]


def account_ratio(api: Api, _account: str, params: Params) -> Fields:
    """Shares of the accounts that are long and short now; even where nobody holds anything."""
    category = params.category(allowed=DERIVATIVES)
    symbol = params.required("symbol")
    name = instrument_of(api, category, symbol)
    sides = [
        Side.of(one.contracts)
        for account in api.exchange.accounts()
        for one in api.exchange.positions(account)
        if one.instrument == name
    ]
    long_share = sides.count(Side.BUY) / len(sides) if sides else 0.5
    rows = [
        {
            "symbol": symbol,
            "buyRatio": flt(long_share, 4),
            "sellRatio": flt(1.0 - long_share, 4),
            "timestamp": str(bar.start_ms),
        }
        for bar in _sampled(api, name, BarKind.OPEN_INTEREST, params, "period")
    ]
    shown, cursor = page(rows, params, params.limit(50, 500))
    return {"list": list(shown), "nextPageCursor": cursor}


def historical_volatility(api: Api, _account: str, params: Params) -> Answer:
    """Realised volatility by the hour, per year: of the index as seen, before that the market's own level."""
    if params.text("category") != "option":
        raise bad_parameter("Illegal category")
    base, period = params.text("baseCoin", "BTC"), params.whole("period", 7)
    if params.text("quoteCoin", "USD") not in {"USD", "USDT"} or period not in _VOLATILITY_DAYS:
        raise bad_parameter("params error: quoteCoin or period invalid")
    since_ms, until_ms = params.whole("startTime"), params.whole("endTime")
    if (since_ms is None) != (until_ms is None):
        raise bad_parameter("params error: startTime and endTime go together")
    hours = _volatility_by_hour(api, base)
    rows = [
        {"period": period, "value": flt(value), "time": str(hour_ms)}
        for hour_ms, value in hours
        if (since_ms is None or hour_ms >= since_ms) and (until_ms is None or hour_ms <= until_ms)
    ]
    # The one path whose result is a list, with the category beside it.
    return Answer(rows, message="SUCCESS", beside={"category": "option"})


def _volatility_by_hour(api: Api, base: str) -> list[tuple[int, float]]:
    """(hour, volatility up to its end), newest first; nothing for a coin without a contract here."""
    spec = next((one for one in api.exchange.scenario.underlyings if one.name == base), None)
    perp = next((one.instrument.id for one in api.listings("linear") if one.instrument.underlying == base), None)
    if spec is None or perp is None:
        return []
    bars = api.bars.rows(perp, "1", BARS_MAX, BarKind.INDEX)[::-1]
    returns = [(later.start_ms, math.log(later.close / before.close)) for before, later in pairwise(bars)]
    newest_ms = api.venue_ms // _HOUR_MS * _HOUR_MS
    hours = sorted({newest_ms, *(at_ms // _HOUR_MS * _HOUR_MS for at_ms, _ in returns)}, reverse=True)
    found: list[tuple[int, float]] = []
    for hour_ms in hours:
        known = [value for at_ms, value in returns if at_ms < hour_ms + _HOUR_MS]
        spread = sum(value * value for value in known) / len(known) if len(known) >= _RETURNS_MIN else None
        found.append((hour_ms, spec.vol if spread is None else math.sqrt(spread * _MINUTES_PER_YEAR)))
    return found


def price_limit(api: Api, _account: str, params: Params) -> Fields:
    """How far from the mark an order's price may lie."""
    category = params.text("category", "linear")
    if category not in {"spot", *DERIVATIVES}:
        raise bad_parameter("Illegal category")
    symbol = params.required("symbol")
    instrument_of(api, category, symbol)
    listing = api.find(category, symbol)
    if listing is None:
        raise bad_parameter("params error: symbol invalid")
    return {**price_limit_fields(api, listing), "ts": str(api.venue_ms)}


def price_limit_fields(api: Api, listing: Listing) -> Fields:
    """Highest price of a buy and lowest of a sell now."""
    one, ticker = listing.instrument, api.exchange.ticker(listing.instrument.id)
    mark, ratio = ticker.mark or ticker.last, Decimal(str(listing.collar_ratio))
    return {
        "symbol": one.symbol,
        "buyLmt": dec(floor_to_step(mark * (1 + ratio), one.tick_size)),
        "sellLmt": dec(floor_to_step(mark * (1 - ratio), one.tick_size) + one.tick_size),
    }


def index_components(api: Api, _account: str, params: Params) -> Fields:
    """What an index is made of: the simulated spot market alone."""
    name = params.required("indexName")
    found = next(
        (one.instrument for one in api.exchange.listings() if one.instrument.underlying + one.instrument.quote == name),
        None,
    )
    if found is None:
        raise bad_parameter("params error: indexName invalid")
    price = flt(api.exchange.index_price(found.underlying))
    component = {
        "exchange": "Bybit",
        "spotPair": name,
        "equivalentPrice": price,
        "multiplier": "1",
        "price": price,
        "weight": "1",
    }
    return {
        "indexName": name,
        "lastPrice": price,
        "updateTime": ms_text(api.exchange.now_ns),
        "components": [component],
    }


# --- deliveries -----------------------------------------------------------------------------------------------------


def delivery_price(api: Api, _account: str, params: Params) -> Fields:
    """Settlement prices of what has been delivered, newest first; options of one base coin (BTC)."""
    category = params.category(allowed=(*DERIVATIVES, "option"))
    symbol = params.text("symbol")
    base = params.text("baseCoin", "BTC" if category == "option" and not symbol else "")
    settle = params.text("settleCoin")
    rows = [
        {
            "symbol": one.symbol,
            "deliveryPrice": dec(price),
            "deliveryTime": ms_text(one.expiry_ns),
        }
        for one, price in _delivered(api, category)
        if symbol in {"", one.symbol} and base in {"", one.underlying} and settle in {"", one.settle}
    ]
    shown, cursor = page(rows, params, params.limit(50, 200))
    return {"category": category, "list": list(shown), "nextPageCursor": cursor}


def new_delivery_price(api: Api, _account: str, params: Params) -> Fields:
    """Settlement prices of a coin's options by expiry, newest first; at most the last 50."""
    if params.text("category") != "option":
        raise bad_parameter("Illegal category")
    base, settle = params.required("baseCoin"), params.text("settleCoin", "USDT")
    prices = {
        one.expiry_ns: dec(price)
        for one, price in _delivered(api, "option")
        if (one.underlying, one.settle) == (base, settle)
    }
    rows = [{"deliveryPrice": price, "deliveryTime": ms_text(at_ns)} for at_ns, price in list(prices.items())[:50]]
    return {"category": "option", "list": rows}


def _delivered(api: Api, category: str) -> list[tuple[Instrument, Decimal]]:
    """What was delivered, with its price, newest first."""
    found = [
        (one.instrument, one.settlement_price)
        for one in api.listings(category, settled=True)
        if one.settlement_price is not None
    ]
    return sorted(found, key=lambda pair: pair[0].expiry_ns or 0, reverse=True)
