"""The smallest move of the market that leaves an account nothing above its maintenance margin.

Owns the search. Each underlying moves alone and all of them together, and the nearer is told: correlations of 0 and 1
are both looked at (margin reference section 9). Must not know whose account it is.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from hedgebot.margin.positions import Books, after_move, groups_of
from hedgebot.margin.venue_models import NotCoveredError, VenueModel

STEPS = (0.01, 0.02, 0.05, 0.10, 0.20, 0.40, 0.80)
"""Moves that are tried first, as fractions of the price, downwards and upwards; beyond the last nothing is told."""

HALVINGS = 10


class Nearest(NamedTuple):
    """A signed move and the price it ends at; `underlying` empty: all of them together (`price` is None then).

    `price` is None too where the underlying's own is not known.
    """

    underlying: str
    move: float
    price: float | None


def first_move(excess: Callable[[float], float]) -> float | None:
    """The smallest move, of either sign, at which `excess` is used up; None where none of those tried does it."""
    if excess(0.0) <= 0.0:
        return 0.0
    before = 0.0
    for step in STEPS:
        dead = [sign for sign in (-1.0, 1.0) if excess(sign * step) <= 0.0]
        if dead:
            return min((_between(excess, sign * before, sign * step) for sign in dead), key=abs)
        before = step
    return None


def _between(excess: Callable[[float], float], alive: float, dead: float) -> float:
    for _ in range(HALVINGS):
        middle = (alive + dead) / 2.0
        if excess(middle) <= 0.0:
            dead = middle
        else:
            alive = middle
    return dead


def nearest(prices: Mapping[str, float], excess: Callable[[tuple[str, ...], float], float]) -> Nearest | None:
    """The nearest move at which nothing is left; None when none up to 80 % does it.

    `prices` are those of the underlyings in USD; `excess` says what is left after those of a group moved.
    """
    found: list[Nearest] = []
    for group in groups_of(prices):
        move = first_move(partial(excess, group))
        if move is not None:
            alone = group[0] if len(group) == 1 else ""
            known = prices[alone] if alone else 0.0
            found.append(Nearest(alone, move, known * (1.0 + move) if known else None))
    return min(found, key=lambda one: abs(one.move), default=None)


def nearest_of(model: VenueModel, books: Books, equity: float) -> Nearest | None:
    """The nearest move that liquidates an account with that equity in USD, by one model."""
    prices = {coin: book.index_usd for coin, book in books.items()}
    return nearest(prices, lambda group, move: excess_after(model, books, equity, group, move))


def excess_after(model: VenueModel, books: Books, equity: float, group: tuple[str, ...], move: float) -> float:
    """Equity above the maintenance margin in USD after the underlyings of a group moved.

    Where the model has no number any more (a position beyond its table) nothing is taken to be left.
    """
    after, gained = after_move(books, group, move)
    try:
        maintenance = model.total(after).maintenance
    except NotCoveredError:
        return float("-inf")
    return equity + gained - maintenance
