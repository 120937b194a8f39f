"""Contracts whose rules change, and contracts that are taken off the list: announced by the venue, felt by everyone.

Owns what a change of rules does to an instrument, its book and those who hold it, and how a delisting begins. Resting
orders that the new steps can express stay, with their place; the others end. (Bybit lets those stand at their old price
too, announcement "Changes to Tick Size for USDT Perpetual Contracts" of 2023-12-15; a book here has one step.) The end
of a delisting is a delivery (docs/v5/market/instrument.mdx, deliveryTime). Must not draw a number.
"""

from decimal import Decimal

import msgspec

from hedgebot.domain.decimals import ZERO, is_multiple
from hedgebot.domain.durations import NS_PER_S
from hedgebot.exchange.desk import Desk
from hedgebot.exchange.market import Market
from hedgebot.exchange.trouble import Delisting, SpecificationChange
from hedgebot.exchange.types import EndReason, Listing, ListingChanged

# What a tick, a lot or a quantity can be: with more digits a value could not be booked to the last decimal.
RULE_MIN, RULE_MAX = Decimal("1e-8"), Decimal(10) ** 10


class Specifications:
    """Changes what is listed on a desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._books = desk.books
        self._world = desk.world

    def change(self, trouble: SpecificationChange) -> None:
        """Give an instrument other rules now; ValueError says what cannot be, and then nothing has changed."""
        market = self._market(trouble.instrument)
        listing = self._changed(market.listing, trouble)
        problem = _problem(listing)
        if problem is not None:
            raise ValueError(problem)
        for order_id in self._world.respecify(market, listing):
            order = self._desk.orders.get(order_id)
            if order is not None:
                self._desk.end(order, EndReason.BY_VENUE)
        for account in self._books.accounts.values():
            for position in account.positions.values():
                if position.instrument.id == market.id:
                    position.instrument = listing.instrument
        self._books.tell(ListingChanged(listing=listing))

    def delist(self, trouble: Delisting) -> None:
        """Announce an instrument's end: from now on positions in it can only be reduced."""
        market = self._market(trouble.instrument)
        if market.instrument.expiry_ns is not None:
            raise ValueError(f"instrument is {market.id}: it ends at its own time already")
        seconds = -(-(self._world.now_ns + int(trouble.in_s * NS_PER_S)) // NS_PER_S)
        instrument = msgspec.structs.replace(market.instrument, expiry_ns=seconds * NS_PER_S)
        self._world.end_at(
            market,
            msgspec.structs.replace(
                market.listing, instrument=instrument, reduce_only=market.instrument.category != "spot"
            ),
        )
        self._books.tell(ListingChanged(listing=market.listing))

    def _market(self, name: str) -> Market:
        market = next((one for one in self._world.markets.values() if one.id == name), None)
        if market is None:
            raise ValueError(f"instrument is {name!r}: there is none of that name")
        if market.listing.settlement_price is not None:
            raise ValueError(f"instrument is {name}: it has been delivered")
        return market

    @staticmethod
    def _changed(listing: Listing, trouble: SpecificationChange) -> Listing:
        rules = {
            name: value
            for name in ("tick_size", "lot_size", "qty_min", "qty_max", "min_notional_quote")
            if (value := getattr(trouble, name)) is not None
        }
        market_qty_max = listing.market_qty_max if trouble.market_qty_max is None else trouble.market_qty_max
        for name, value in (rules | {"market_qty_max": market_qty_max}).items():
            if name != "min_notional_quote" and not (value.is_finite() and RULE_MIN <= value <= RULE_MAX):
                raise ValueError(f"{name} is {value}, it must be a number, {RULE_MIN:f} to {RULE_MAX:f}")
        instrument = msgspec.structs.replace(listing.instrument, **rules)
        return msgspec.structs.replace(
            listing,
            instrument=instrument,
            price_min=instrument.tick_size,
            market_qty_max=market_qty_max,
            post_only_qty_max=instrument.qty_max or listing.post_only_qty_max,
        )


def _problem(listing: Listing) -> str | None:
    """What does not go together in new rules."""
    one = listing.instrument
    # The venue's smallest spot quantities are no multiples of their step.
    if one.category != "spot" and not is_multiple(one.qty_min, one.lot_size):
        return f"qty_min is {one.qty_min}, it must be a multiple of lot_size {one.lot_size}"
    if one.qty_max is None or not one.qty_min <= listing.market_qty_max <= one.qty_max:
        return (
            f"qty_min is {one.qty_min}, market_qty_max {listing.market_qty_max}, qty_max {one.qty_max}: "
            "they must rise in this order"
        )
    if not one.min_notional_quote.is_finite() or one.min_notional_quote < ZERO:
        return f"min_notional_quote is {one.min_notional_quote}, it must be zero or more"
    return None
