"""Tickers as they are now, made when someone asks: nothing is computed for instruments that nobody watches.

Owns the shape of the answer; the world owns the numbers.
"""

from decimal import Decimal

from hedgebot.domain.instrument import Side
from hedgebot.exchange.market import Market, seed_volume
from hedgebot.exchange.options import OptionMark
from hedgebot.exchange.types import OptionTicker, TickerState
from hedgebot.exchange.world import World, cents


def linear_ticker(world: World, market: Market, at_ns: int) -> TickerState:
    """Ticker of a spot pair or perpetual."""
    bid, ask = _top(market, Side.BUY), _top(market, Side.SELL)
    perp, tape = world.perps.get(market.id), market.tape
    return TickerState(
        instrument=market.id,
        last=tape.last,
        bid=bid[0] if bid else None,
        bid_qty=bid[1] if bid else None,
        ask=ask[0] if ask else None,
        ask_qty=ask[1] if ask else None,
        mark=perp.mark if perp else None,
        index=world.index(market),
        funding_rate=perp.rate() if perp else None,
        funding_interval_ns=perp.interval_ns if perp else None,
        next_funding_at_ns=perp.next_funding_at_ns if perp else None,
        open_interest=seed_volume(float(tape.open), 4e9) if perp else None,
        open_24h=tape.open,
        high_24h=tape.high,
        low_24h=tape.low,
        volume_24h=tape.volume,
        turnover_24h=tape.turnover,
        at_ns=at_ns,
    )


def option_ticker(world: World, market: Market, at_ns: int) -> OptionTicker:
    """Ticker of an option. KeyError for another kind."""
    mark = world.coins[market.instrument.underlying].board.marks[market.id]
    bid, ask = _top(market, Side.BUY), _top(market, Side.SELL)
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
    )


def _top(market: Market, side: Side) -> tuple[Decimal, Decimal] | None:
    """Best price and the quantity there."""
    levels = market.depth(side, 1)
    return levels[0] if levels else None


def _quote_iv(mark: OptionMark, price: Decimal) -> float | None:
    """Volatility of a quoted price, to first order around the mark; None where the price hardly depends on it."""
    if mark.vega < 1e-6 * mark.forward:
        return None
    iv = mark.iv + (float(price) - mark.mark) / (mark.vega * 100.0)
    return iv if iv > 0 else None
