"""A book as venue margin models take it: lines, options and coins owned, by underlying, in USD and signed coins.

Owns the shape, and what a move of the price does to it. Every model reads the same book, so that their numbers can
stand side by side. Must not know venues or accounts. Values are float.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from hedgebot.domain.riskbook import LegKind, LinearLeg, OptionLeg, RiskBook
from hedgebot.margin.scenario import OptionLegs
from hedgebot.pricing import black76
from hedgebot.pricing.black76 import greeks, years_to

DAYS_PER_YEAR = 365.0


class Line(NamedTuple):
    """A perpetual or dated future: signed coins at its mark in USD; `years` None for a perpetual.

    `leverage` None: unknown.
    """

    instrument: str
    coins: float
    price_usd: float
    is_inverse: bool = False
    years: float | None = None
    leverage: float | None = None

    @property
    def value_usd(self) -> float:
        """Absolute value at its mark."""
        return abs(self.coins) * self.price_usd


class CoinBook(NamedTuple):
    """Everything on one underlying; `owned_coins` are coins that are owned, `option_names` go with `options`.

    `coin_settled` says of each option whether it is paid in the coin (empty: none is); `in_coin`: the account's margin
    itself is counted in the coin, as where a currency is a pocket of its own.
    """

    index_usd: float
    lines: tuple[Line, ...] = ()
    options: OptionLegs = OptionLegs()
    option_names: tuple[str, ...] = ()
    owned_coins: float = 0.0
    coin_settled: tuple[bool, ...] = ()
    in_coin: bool = False

    @property
    def delta_coins(self) -> float:
        """Net delta without the coins that are owned."""
        return sum(one.coins for one in self.lines) + float(option_deltas(self.options).sum())

    @property
    def is_empty(self) -> bool:
        """Whether nothing here could need margin."""
        return not any(one.coins for one in self.lines) and not len(self.options.qty)


Books = Mapping[str, CoinBook]


def option_deltas(options: OptionLegs) -> black76.Floats:
    """Delta in coins of each option."""
    if not len(options.qty):
        return np.zeros(0)
    found = greeks(options.forward, options.strike, options.years, options.vol, options.is_call)
    return np.asarray(options.qty * found.delta)


def books_of(book: RiskBook, keep: Callable[[LinearLeg | OptionLeg], bool] = lambda _leg: True) -> dict[str, CoinBook]:
    """The legs of a risk book that `keep` chooses, by underlying."""
    found: dict[str, CoinBook] = {}
    for point in book.underlyings:
        linear = [one for one in book.linear if one.underlying == point.underlying and keep(one)]
        options = [one for one in book.options if one.underlying == point.underlying and keep(one)]
        found[point.underlying] = CoinBook(
            index_usd=point.price_usd,
            lines=tuple(_line(one, point.price_usd, book.at_ns) for one in linear if one.kind is not LegKind.COINS),
            options=option_legs(options, book.at_ns),
            option_names=tuple(one.instrument for one in options),
            owned_coins=sum(one.coins for one in linear if one.kind is LegKind.COINS),
        )
    return found


def _line(leg: LinearLeg, price_usd: float, at_ns: int) -> Line:
    return Line(
        instrument=leg.instrument,
        coins=math.copysign(leg.nominal_coins or leg.coins, leg.coins),
        price_usd=leg.price_usd or price_usd,
        is_inverse=leg.is_inverse,
        years=None if leg.expiry_ns is None else years_to(leg.expiry_ns, at_ns),
        leverage=leg.leverage,
    )


def option_legs(options: Iterable[OptionLeg], at_ns: int) -> OptionLegs:
    """Options as the scenario engine takes them; what profit counts from is the model's value now."""
    held = list(options)
    if not held:
        return OptionLegs()
    years = np.array([years_to(one.expiry_ns, at_ns) for one in held])
    forward, strike = np.array([one.forward for one in held]), np.array([one.strike for one in held])
    vol = np.array([one.vol for one in held])
    is_call = np.array([one.is_call for one in held], dtype=np.bool_)
    return OptionLegs(
        qty=np.array([one.coins for one in held]),
        forward=forward,
        strike=strike,
        years=years,
        days=years * DAYS_PER_YEAR,
        vol=vol,
        is_call=is_call,
        base=black76.price(forward, strike, years, vol, is_call),
    )


def moved(book: CoinBook, move: float) -> CoinBook:
    """The same book after its underlying moved by a fraction; an inverse contract keeps its USD, not its coins."""
    return book._replace(
        index_usd=book.index_usd * (1.0 + move),
        options=options_moved(book.options, move),
        lines=tuple(_line_moved(one, move) for one in book.lines),
    )


def options_moved(legs: OptionLegs, move: float) -> OptionLegs:
    """The same options after their forwards moved by a fraction: priced anew, volatilities and times as they were."""
    if not len(legs.qty):
        return legs
    forward = legs.forward * (1.0 + move)
    base = black76.price(forward, legs.strike, legs.years, legs.vol, legs.is_call)
    return replace(legs, forward=forward, base=np.asarray(base))


def options_carried(legs: OptionLegs, move: float) -> OptionLegs:
    """The same as `options_moved`, with what each base value differs from the model's carried along in proportion."""
    if not len(legs.qty):
        return legs
    after = options_moved(legs, move)
    now = black76.price(legs.forward, legs.strike, legs.years, legs.vol, legs.is_call)
    share = np.divide(legs.base, now, out=np.ones_like(now), where=now > 0.0)
    return replace(after, base=after.base * share)


def _line_moved(one: Line, move: float) -> Line:
    coins = one.coins / (1.0 + move) if one.is_inverse else one.coins
    return one._replace(coins=coins, price_usd=one.price_usd * (1.0 + move))


def groups_of(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Underlyings that move together: each alone and, where there are several, all of them.

    Correlations of 0 and 1 are both looked at (margin reference section 9).
    """
    alone: list[tuple[str, ...]] = [(name,) for name in names]
    together = tuple(name for group in alone for name in group)
    return [*alone, together] if len(alone) > 1 else alone


def after_move(books: Books, group: tuple[str, ...], move: float) -> tuple[Books, float]:
    """The books after the underlyings of a group moved by a fraction, and what that gained in USD."""
    after = {coin: moved(book, move) if coin in group else book for coin, book in books.items()}
    return after, sum(_gained_usd(books[coin], after[coin], move) for coin in group)


def _gained_usd(book: CoinBook, after: CoinBook, move: float) -> float:
    """What a book has gained that was moved by a fraction, coins that are owned included."""
    options = float((after.options.qty * (after.options.base - book.options.base)).sum())
    lines = sum(one.coins * one.price_usd for one in book.lines) * move
    return lines + options + book.owned_coins * book.index_usd * move
