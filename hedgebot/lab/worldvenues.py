"""Whose rules of trading a fault world has: client ids that are unique for good, among open orders, or not at all.

Owns which seed has which. Drawn from a stream of the seed that nothing else draws from, as its book is: worlds by the
first venue's rules are what they were before there were others.
"""

import random

FIRST = "bybit"
OTHERS = ("deribit", "okx", "binance")
"""Ids that are labels; that are unique, and end orders by a timer; that an ended order sets free."""

SHARE = 0.1
"""Of all worlds: each of the others."""


def venue_of(seed: int) -> str:
    """The venue by whose rules a seed's world trades, as it is drawn for campaigns."""
    place = int(random.Random(f"{seed}/venue").random() / SHARE)
    return OTHERS[place] if place < len(OTHERS) else FIRST
