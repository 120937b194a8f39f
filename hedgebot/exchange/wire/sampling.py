"""Looks at marks, indices, premiums and open interest once a second, so that their histories can be asked for.

Owns what is sampled and how a premium is measured; the counting is `bars.py`'s. Changes nothing in the model.
"""

from decimal import Decimal

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.types import InstrumentStatus, TickerState
from hedgebot.exchange.wire.bars import BarKind, Bars

_PLACES = Decimal("1e-6")


def backfill(exchange: Exchange, bars: Bars) -> None:
    """Count the trades that the model still has from before anybody looked."""
    for listing in exchange.listings():
        for trade in exchange.trades(listing.instrument.id, 10_000):
            bars.add(trade, listing.instrument)


def sample(exchange: Exchange, bars: Bars) -> None:
    """Take one sample of every instrument that is traded."""
    at_ms = exchange.now_ns // NS_PER_MS
    for listing in exchange.listings():
        one = listing.instrument
        if listing.status is not InstrumentStatus.TRADING:
            continue
        if one.kind.is_option:
            bars.note(one.id, BarKind.MARK, at_ms, exchange.option_ticker(one.id).mark)
        elif one.category != "spot":
            _sample_contract(bars, one.id, exchange.ticker(one.id), at_ms)


def _sample_contract(bars: Bars, name: InstrumentId, ticker: TickerState, at_ms: int) -> None:
    bars.note(name, BarKind.MARK, at_ms, ticker.mark or ticker.last)
    bars.note(name, BarKind.INDEX, at_ms, ticker.index)
    bars.note(name, BarKind.OPEN_INTEREST, at_ms, ticker.open_interest or ZERO)
    premium = premium_index(ticker)
    if premium is not None:
        bars.note(name, BarKind.PREMIUM, at_ms, premium)


def premium_index(ticker: TickerState) -> Decimal | None:
    """How far bid and ask stand off the index, as a fraction of it; zero while the index lies between them.

    The venue's formula, with the touch in place of its impact prices:
    (max(0, bid - index) - max(0, index - ask)) / index.
    """
    if ticker.bid is None or ticker.ask is None or ticker.index <= 0:
        return None
    gap = max(ZERO, ticker.bid - ticker.index) - max(ZERO, ticker.index - ticker.ask)
    return (gap / ticker.index).quantize(_PLACES)
