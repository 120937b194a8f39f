"""Self-trade prevention: what a taking order does when it meets an order of its own account or group.

Owns the rule and the walk along the book that obeys it. The taker's policy decides; a resting order's has no say. Two
orders with groups are of one party when the groups are equal, otherwise when the account is one. Changes nothing.
Source: docs/v5/smp.mdx.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hedgebot.exchange.market import Market, Match, Resting
from hedgebot.exchange.types import SelfTrade, SimOrder


@dataclass(frozen=True, slots=True)
class Walk:
    """What a taking order finds: matches to carry out, own orders that it met, whether one of them stops it."""

    matches: list[Match]
    met: list[Resting]
    stops: bool


def one_party(taker: SimOrder, maker: SimOrder) -> bool:
    """Whether two orders belong together."""
    if taker.self_trade_group and maker.self_trade_group:
        return taker.self_trade_group == maker.self_trade_group
    return taker.account == maker.account


def walk(market: Market, taker: SimOrder, lots: int, limit_tick: int, find: Callable[[str], SimOrder | None]) -> Walk:
    """Walk the book up to a limit, around own orders (cancel maker) or up to the first (cancel taker, or both)."""
    if taker.self_trade is SelfTrade.NONE:
        return Walk(market.walk(taker.side, lots, limit_tick), [], stops=False)
    matches: list[Match] = []
    met: list[Resting] = []
    for offer in market.offers(taker.side):
        if lots <= 0 or (offer.tick - limit_tick) * taker.side.sign > 0:
            break
        maker = find(offer.maker.order_id) if offer.maker is not None else None
        if offer.maker is not None and maker is not None and one_party(taker, maker):
            met.append(offer.maker)
            if taker.self_trade is not SelfTrade.CANCEL_MAKER:
                return Walk(matches, met, stops=True)
            continue
        taken = min(lots, offer.lots)
        matches.append(Match(offer.tick, taken, offer.maker))
        lots -= taken
    return Walk(matches, met, stops=False)
