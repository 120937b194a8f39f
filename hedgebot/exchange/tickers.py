"""Tickers as they are now, made when someone asks: nothing is computed for instruments that nobody watches.

Owns the shape of the answer; the world owns the numbers.
"""

from decimal import Decimal

import msgspec

from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.exchange.floor import cents
from hedgebot.exchange.market import Market
from hedgebot.exchange.options import OptionMark
from hedgebot.exchange.types import OptionTicker, TickerState
from hedgebot.exchange.world import World


def contract_ticker(world: World, market: Market, at_ns: int) -> TickerState:
    """Ticker of a spot pair, perpetual or future. KeyError for an option."""
    if market.instrument.kind.is_option:
        raise KeyError(market.id)
    bid, ask = market.top(Side.BUY), market.top(Side.SELL)
    perp, tape = world.perps.get(market.id), market.tape
    spot = market.instrument.kind is InstrumentKind.SPOT
    ticker = TickerState(
        instrument=market.id,
        last=tape.last,
        bid=bid[0] if bid else None,
        bid_qty=bid[1] if bid else None,
        ask=ask[0] if ask else None,
        ask_qty=ask[1] if ask else None,
        mark=None if spot else world.mark(market),
        index=world.index(market),
        funding_rate=perp.rate() if perp else None,
        funding_interval_ns=perp.interval_ns if perp else None,
        next_funding_at_ns=perp.next_funding_at_ns if perp else None,
        open_interest=None if spot else market.open_interest(),
        open_24h=tape.open,
        high_24h=tape.high,
        low_24h=tape.low,
        volume_24h=tape.volume,
        turnover_24h=tape.turnover,
        at_ns=at_ns,
    )
    return _with_basis(world, market, ticker)


def _with_basis(world: World, market: Market, ticker: TickerState) -> TickerState:
    """The ticker with what only a future has."""
    future = world.futures.get(market.id)
    if future is None:
        return ticker
    rate, years = float(future.mark) / float(ticker.index) - 1.0, future.years(ticker.at_ns)
    return msgspec.structs.replace(
        ticker,
        basis=ticker.last - ticker.index,
        basis_rate=rate,
        basis_rate_year=rate / years if years > 0 else 0.0,
        predicted_delivery_price=future.average.price,
        delivery_at_ns=market.instrument.expiry_ns,
    )


def option_ticker(world: World, market: Market, at_ns: int) -> OptionTicker:
    """Ticker of an option. KeyError for another kind."""
    mark = world.coins[market.instrument.underlying].board.marks[market.id]
    bid, ask = market.top(Side.BUY), market.top(Side.SELL)
    tape = market.tape
    return OptionTicker(
        instrument=market.id,
        last=tape.last if tape.trades else None,
        bid=bid[0] if bid else None,
        bid_qty=bid[1] if bid else None,
        bid_iv=_quote_iv(mark, bid[0]) if bid else None,
        ask=ask[0] if ask else None,
        ask_qty=ask[1] if ask else None,
        ask_iv=_quote_iv(mark, ask[0]) if ask else None,
        mark=cents(mark.mark),
        mark_iv=mark.iv,
        index=world.index(market),
        forward=mark.forward,
        delta=mark.delta,
        gamma=mark.gamma,
        vega=mark.vega,
        theta=mark.theta,
        open_interest=Decimal(100),
        volume_24h=tape.volume,
        turnover_24h=tape.turnover,
        high_24h=tape.high,
        low_24h=tape.low,
        at_ns=at_ns,
        predicted_delivery_price=world.predicted_delivery_price(market),
    )


def _quote_iv(mark: OptionMark, price: Decimal) -> float | None:
    """Volatility of a quoted price, to first order around the mark; None where the price hardly depends on it."""
    if mark.vega < 1e-6 * mark.forward:
        return None
    iv = mark.iv + (float(price) - mark.mark) / (mark.vega * 100.0)
    return iv if iv > 0 else None
