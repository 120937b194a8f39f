"""Public data in the venue's words: instruments, tickers of every kind, books, trades. Pure functions of values.

Source: docs/v5/market/{instrument, tickers, orderbook, recent-trade}.mdx and docs/v5/websocket/public/*.mdx. A ticker
without `openInterestValue` or with `usdIndexPrice` is read as spot by ccxt: fields are not optional decoration here.
"""

from datetime import UTC, datetime
from decimal import Decimal

from hedgebot.domain.decimals import ZERO, floor_to_step
from hedgebot.domain.durations import NS_PER_HOUR, NS_PER_MINUTE, NS_PER_MS
from hedgebot.domain.instrument import Instrument, InstrumentKind, OptionType
from hedgebot.exchange.troubles.maintenance import Announcement
from hedgebot.exchange.types import Book, InstrumentStatus, Level, Listing, OptionTicker, TickerState, Trade
from hedgebot.exchange.wire.words import SIDE, dec, flt, ms, ms_text

Fields = dict[str, object]

_PLACES = Decimal("0.0001")

# A gap in the market's data is no status at the venue: the instrument stays listed and refuses orders.
STATUS = {
    InstrumentStatus.PRE_LAUNCH: "PreLaunch",
    InstrumentStatus.TRADING: "Trading",
    InstrumentStatus.STALE: "Trading",
    InstrumentStatus.DELIVERING: "Delivering",
    InstrumentStatus.SETTLED: "Closed",
    InstrumentStatus.SUSPENDED: "Closed",
}


def maintenance_fields(one: Announcement) -> Fields:
    """A maintenance of everything; docs/v5/enum.mdx: serviceTypes, product, maintainType (1 planned, 2 temporary)."""
    return {
        "id": one.id,
        "title": "System maintenance",
        "state": one.stage.value,
        "begin": ms_text(one.begin_ns),
        "end": ms_text(one.end_ns),
        "href": "",
        "serviceTypes": [1, 2, 3, 4, 5],
        "product": [1, 2, 3],
        "uidSuffix": [],
        "maintainType": 1 if one.is_planned else 2,
        "env": 1,
    }


def instrument_fields(listing: Listing, symbol_id: int) -> Fields:
    """One entry of instruments-info."""
    match listing.instrument.kind:
        case InstrumentKind.SPOT:
            return _spot_instrument(listing, symbol_id)
        case InstrumentKind.LINEAR_OPTION | InstrumentKind.COIN_OPTION:
            return _option_instrument(listing, symbol_id)
        case _:
            return _contract_instrument(listing, symbol_id)


def _spot_instrument(listing: Listing, symbol_id: int) -> Fields:
    one = listing.instrument
    return {
        "symbol": one.symbol,
        "symbolId": symbol_id,
        "baseCoin": one.underlying,
        "quoteCoin": one.quote,
        "innovation": "0",
        "status": STATUS[listing.status],
        "marginTrading": "utaOnly",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": dec(one.lot_size),
            "quotePrecision": "0.0000001",
            "minOrderQty": dec(one.qty_min),
            "maxOrderQty": dec(one.qty_max),
            "minOrderAmt": dec(one.min_notional_quote),
            "maxOrderAmt": "8000000",
            "maxLimitOrderQty": dec(one.qty_max),
            "maxMarketOrderQty": dec(listing.market_qty_max),
            "postOnlyMaxLimitOrderSize": dec(listing.post_only_qty_max),
        },
        "priceFilter": {"tickSize": dec(one.tick_size)},
        "riskParameters": {
            "priceLimitRatioX": flt(listing.collar_ratio),
            "priceLimitRatioY": flt(listing.collar_ratio),
        },
        "symbolType": "",
    }


def _contract_instrument(listing: Listing, symbol_id: int) -> Fields:
    one = listing.instrument
    product = "Inverse" if one.kind.is_inverse else "Linear"
    interval = listing.funding_interval_ns
    return {
        "symbol": one.symbol,
        "symbolId": symbol_id,
        "contractType": product + ("Perpetual" if one.kind.is_perp else "Futures"),
        "status": STATUS[listing.status],
        "baseCoin": one.underlying,
        "quoteCoin": "USD" if one.kind.is_inverse else one.quote,
        "launchTime": ms_text(listing.launched_at_ns),
        "deliveryTime": ms_text(one.expiry_ns) or "0",
        "deliveryFeeRate": dec(listing.delivery_rate) if one.expiry_ns else "",
        "priceScale": str(_scale(one.tick_size)),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": f"{listing.leverage_max:.2f}", "leverageStep": "0.01"},
        "priceFilter": {
            "minPrice": dec(listing.price_min),
            "maxPrice": dec(listing.price_max),
            "tickSize": dec(one.tick_size),
        },
        "lotSizeFilter": {
            "maxOrderQty": dec(one.qty_max),
            "minOrderQty": dec(one.qty_min),
            "qtyStep": dec(one.lot_size),
            "postOnlyMaxOrderQty": dec(listing.post_only_qty_max),
            "maxMktOrderQty": dec(listing.market_qty_max),
            "minNotionalValue": dec(one.min_notional_quote),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 0 if interval is None else interval // NS_PER_MINUTE,
        "settleCoin": one.settle,
        "copyTrading": "none",
        "upperFundingRate": flt(listing.funding_rate_cap),
        "lowerFundingRate": "" if listing.funding_rate_cap is None else flt(-listing.funding_rate_cap),
        "isPreListing": False,
        "preListingInfo": None,
        "riskParameters": {
            "priceLimitRatioX": flt(listing.collar_ratio),
            "priceLimitRatioY": flt(listing.collar_ratio),
        },
        "symbolType": "",
    }


def _option_instrument(listing: Listing, symbol_id: int) -> Fields:
    one = listing.instrument
    return {
        "symbol": one.symbol,
        "symbolId": symbol_id,
        "status": STATUS[listing.status],
        "baseCoin": one.underlying,
        "quoteCoin": one.quote,
        "settleCoin": one.settle,
        "optionsType": "Call" if one.option_type is OptionType.CALL else "Put",
        "launchTime": ms_text(listing.launched_at_ns),
        "deliveryTime": ms_text(one.expiry_ns),
        "deliveryFeeRate": dec(listing.delivery_rate),
        "displayName": f"{one.symbol.removesuffix(f'-{one.settle}')}-{one.settle}",
        "priceFilter": {
            "minPrice": dec(listing.price_min),
            "maxPrice": dec(listing.price_max),
            "tickSize": dec(one.tick_size),
        },
        "lotSizeFilter": {
            "maxOrderQty": dec(one.qty_max),
            "minOrderQty": dec(one.qty_min),
            "qtyStep": dec(one.lot_size),
        },
    }


def _scale(tick_size: Decimal) -> int:
    exponent = tick_size.normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


# --- tickers --------------------------------------------------------------------------------------------------------


def _change(ticker: TickerState) -> str:
    return flt(float(ticker.last / ticker.open_24h - 1), 6) if ticker.open_24h else "0"


def _day(ticker: TickerState) -> Fields:
    return {
        "price24hPcnt": _change(ticker),
        "lastPrice": dec(ticker.last),
        "prevPrice24h": dec(ticker.open_24h),
        "highPrice24h": dec(ticker.high_24h),
        "lowPrice24h": dec(ticker.low_24h),
        "turnover24h": dec(floor_to_step(ticker.turnover_24h, _PLACES)),
        "volume24h": dec(ticker.volume_24h),
    }


def _touch(ticker: TickerState) -> Fields:
    return {
        "bid1Price": dec(ticker.bid),
        "bid1Size": dec(ticker.bid_qty),
        "ask1Price": dec(ticker.ask),
        "ask1Size": dec(ticker.ask_qty),
    }


def spot_stream_fields(ticker: TickerState, one: Instrument) -> Fields:
    """Spot ticker on the socket: it carries no bid and ask at the venue."""
    return {"symbol": one.symbol, **_day(ticker), "usdIndexPrice": dec(ticker.index)}


def spot_rest_fields(ticker: TickerState, one: Instrument) -> Fields:
    """Spot ticker over HTTP."""
    return {"symbol": one.symbol, **_touch(ticker), **_day(ticker), "usdIndexPrice": dec(ticker.index)}


def contract_stream_fields(ticker: TickerState, listing: Listing) -> Fields:
    """Ticker of a perpetual or future on the socket, whole; deltas are cut from it."""
    one, interest = listing.instrument, ticker.open_interest or ZERO
    mark = ticker.mark or ticker.last
    fields = {
        "symbol": one.symbol,
        "tickDirection": "PlusTick" if ticker.last >= ticker.open_24h else "MinusTick",
        **_day(ticker),
        "prevPrice1h": dec(ticker.open_24h),
        "markPrice": dec(mark),
        "indexPrice": dec(ticker.index),
        "openInterest": dec(interest),
        "openInterestValue": dec(one.value_settle(interest, mark).quantize(_PLACES)),
        "nextFundingTime": ms_text(ticker.next_funding_at_ns),
        "fundingRate": flt(ticker.funding_rate),
        **_touch(ticker),
    }
    if one.expiry_ns is not None:
        return fields | _delivery_fields(ticker, listing) | {"deliveryTime": iso_seconds(one.expiry_ns)}
    interval = ticker.funding_interval_ns
    return {
        **fields,
        "fundingIntervalHour": "" if interval is None else flt(interval / NS_PER_HOUR, 4),
        "fundingCap": flt(listing.funding_rate_cap),
        "preOpenPrice": "",
        "preQty": "",
        "curPreListingPhase": "",
    }


def _delivery_fields(ticker: TickerState, listing: Listing) -> Fields:
    """What only a future has; the predicted price is zero until the average begins."""
    return {
        "basis": dec(ticker.basis),
        "basisRate": flt(ticker.basis_rate),
        "basisRateYear": flt(ticker.basis_rate_year),
        "deliveryFeeRate": dec(listing.delivery_rate),
        "predictedDeliveryPrice": dec(ticker.predicted_delivery_price, "0"),
    }


def contract_rest_fields(ticker: TickerState, listing: Listing) -> Fields:
    """Ticker of a perpetual or future over HTTP: every contract has every key, empty where it means nothing."""
    fields = contract_stream_fields(ticker, listing)
    del fields["tickDirection"]
    funding = dict.fromkeys(("fundingIntervalHour", "fundingCap", "preOpenPrice", "preQty", "curPreListingPhase"), "")
    delivery = dict.fromkeys(("basis", "basisRate", "basisRateYear", "deliveryFeeRate", "predictedDeliveryPrice"), "")
    expiry = listing.instrument.expiry_ns
    return {**funding, **delivery, **fields, "deliveryTime": ms_text(expiry) or "0"}


def _option_fields(ticker: OptionTicker, one: Instrument) -> Fields:
    return {
        "symbol": one.symbol,
        "lastPrice": dec(ticker.last, "0"),
        "highPrice24h": dec(ticker.high_24h),
        "lowPrice24h": dec(ticker.low_24h),
        "markPrice": dec(ticker.mark),
        "indexPrice": dec(ticker.index),
        "underlyingPrice": flt(ticker.forward, 4),
        "openInterest": dec(ticker.open_interest),
        "turnover24h": dec(ticker.turnover_24h),
        "volume24h": dec(ticker.volume_24h),
        "totalVolume": dec(ticker.volume_24h),
        "totalTurnover": dec(ticker.turnover_24h),
        "delta": flt(ticker.delta),
        "gamma": flt(ticker.gamma, 10),
        "vega": flt(ticker.vega),
        "theta": flt(ticker.theta),
        "predictedDeliveryPrice": dec(ticker.predicted_delivery_price, "0"),
        "change24h": "0",
    }


def option_stream_fields(ticker: OptionTicker, one: Instrument) -> Fields:
    """Option ticker on the socket: `bidPrice`, `bidIv`, `markPriceIv`."""
    return {
        **_option_fields(ticker, one),
        "bidPrice": dec(ticker.bid, "0"),
        "bidSize": dec(ticker.bid_qty, "0"),
        "bidIv": flt(ticker.bid_iv, 4, "0"),
        "askPrice": dec(ticker.ask, "0"),
        "askSize": dec(ticker.ask_qty, "0"),
        "askIv": flt(ticker.ask_iv, 4, "0"),
        "markPriceIv": flt(ticker.mark_iv, 6),
    }


def option_rest_fields(ticker: OptionTicker, one: Instrument) -> Fields:
    """Option ticker over HTTP: the same things are `bid1Price`, `bid1Iv`, `markIv` there."""
    return {
        **_option_fields(ticker, one),
        "bid1Price": dec(ticker.bid, "0"),
        "bid1Size": dec(ticker.bid_qty, "0"),
        "bid1Iv": flt(ticker.bid_iv, 4, "0"),
        "ask1Price": dec(ticker.ask, "0"),
        "ask1Size": dec(ticker.ask_qty, "0"),
        "ask1Iv": flt(ticker.ask_iv, 4, "0"),
        "markIv": flt(ticker.mark_iv, 6),
    }


# --- books and trades -----------------------------------------------------------------------------------------------


def level_texts(levels: tuple[Level, ...]) -> list[list[str]]:
    """Price levels as pairs of strings."""
    return [[dec(price), dec(qty)] for price, qty in levels]


def book_fields(book: Book, symbol: str, ts_ms: int) -> Fields:
    """The book over HTTP."""
    return {
        "s": symbol,
        "b": level_texts(book.bids),
        "a": level_texts(book.asks),
        "ts": ts_ms,
        "u": book.update_id,
        "seq": book.seq,
        "cts": ms(book.at_ns),
    }


def trade_stream_fields(trade: Trade, symbol: str) -> Fields:
    """One public trade on the socket."""
    return {
        "T": ms(trade.at_ns),
        "s": symbol,
        "S": SIDE[trade.side],
        "v": dec(trade.qty_contracts),
        "p": dec(trade.price),
        "L": "PlusTick" if trade.side.sign > 0 else "MinusTick",
        "i": trade.trade_id,
        "BT": False,
        "seq": trade.seq,
    }


def trade_rest_fields(trade: Trade, symbol: str) -> Fields:
    """One public trade over HTTP."""
    return {
        "execId": trade.trade_id,
        "symbol": symbol,
        "price": dec(trade.price),
        "size": dec(trade.qty_contracts),
        "side": SIDE[trade.side],
        "time": ms_text(trade.at_ns),
        "isBlockTrade": False,
        "isRPITrade": False,
        "seq": str(trade.seq),
    }


def iso_seconds(at_ns: int) -> str:
    """A moment as the venue writes dates in a few places."""
    return datetime.fromtimestamp(at_ns / (1_000 * NS_PER_MS), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
