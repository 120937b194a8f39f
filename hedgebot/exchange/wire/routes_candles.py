"""What the public paths about candles answer: trades, marks, indices, premiums. Newest first.

Source: docs/v5/market/{kline, mark-kline, index-kline, premium-index-kline}.mdx.
"""

from collections.abc import Sequence

from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.bars import BARS_MAX, INTERVALS, Bar, BarKind
from hedgebot.exchange.wire.codes import bad_parameter
from hedgebot.exchange.wire.entry import instrument_of
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.params import DERIVATIVES, Params


def kline(api: Api, _account: str, params: Params) -> Fields:
    """Candles made of public trades."""
    return _candles(api, params, BarKind.TRADES, ("spot", *DERIVATIVES))


def mark_kline(api: Api, _account: str, params: Params) -> Fields:
    """Candles of the mark price."""
    return _candles(api, params, BarKind.MARK, (*DERIVATIVES, "option"))


def index_kline(api: Api, _account: str, params: Params) -> Fields:
    """Candles of the index price."""
    return _candles(api, params, BarKind.INDEX, DERIVATIVES)


def premium_kline(api: Api, _account: str, params: Params) -> Fields:
    """Candles of the premium index."""
    return _candles(api, params, BarKind.PREMIUM, ("linear",))


def _candles(api: Api, params: Params, kind: BarKind, allowed: Sequence[str]) -> Fields:
    category = params.text("category", "linear")
    if category not in allowed:
        raise bad_parameter("Illegal category")
    symbol, interval = params.required("symbol"), params.required("interval")
    if interval not in INTERVALS:
        raise bad_parameter("Invalid period!")
    limit = params.limit(200, 500 if category == "option" else 1_000)
    start, end = params.whole("start", 0) or 0, params.whole("end")
    bars = api.bars.rows(instrument_of(api, category, symbol), interval, BARS_MAX, kind)
    rows = [_row(bar, kind) for bar in bars if bar.start_ms >= start and (end is None or bar.start_ms <= end)]
    return {"category": category, "symbol": symbol, "list": rows[:limit]}


def _row(bar: Bar, kind: BarKind) -> list[str]:
    return bar.row() if kind is BarKind.TRADES else bar.prices()
