"""Options on accounts that are only watched, as the registry's margin models take them: one report tells everything.

Owns the translation from what was read, and the look whether a mark and its volatility are of one moment. What is
missing is said in a sentence, and makes the whole unknown. Must not know venues' formulas.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import NamedTuple

import numpy as np

from hedgebot.domain.instrument import InstrumentId, InstrumentKind, OptionType
from hedgebot.domain.reports import WatchedPosition
from hedgebot.margin.positions import DAYS_PER_YEAR, options_carried
from hedgebot.margin.scenario import OptionLegs
from hedgebot.pricing import black76
from hedgebot.pricing.black76 import years_to

MARK_SHARE_OFF = 0.001
MARK_OFF_RATIO = 0.02
"""How far a mark may be from the value by its own volatility and forward: a share of the forward, and of the mark.

Recorded marks agree to 0.00015 of the forward (their last digit); farther apart they are not of one moment.
"""


class CoinOptions(NamedTuple):
    """The options of one account on one underlying; `legs.base` is the venue's mark in USD per coin."""

    underlying: str
    legs: OptionLegs
    names: tuple[InstrumentId, ...]
    coin_settled: tuple[bool, ...]

    @property
    def value_usd(self) -> float:
        """What they are worth at their marks."""
        return float((self.legs.qty * self.legs.base).sum())


class _Option(NamedTuple):
    name: InstrumentId
    coins: float
    forward: float
    strike: float
    years: float
    vol: float
    is_call: bool
    base: float
    in_coin: bool
    mark_share: float


def options_of(
    positions: Iterable[WatchedPosition], prices: Mapping[str, float], at_ns: int
) -> tuple[CoinOptions, ...] | str:
    """By underlying, in USD; a sentence where a price, a volatility or a forward is missing or cannot be."""
    found: dict[str, list[_Option]] = {}
    for one in positions:
        option = _option(one, prices, at_ns)
        if isinstance(option, str):
            return option
        found.setdefault(one.rules.underlying, []).append(option)
    books = tuple(_columns(coin, some) for coin, some in found.items())
    return next((odd for one in books if (odd := _not_of_one_moment(one, found[one.underlying]))), "") or books


def _option(one: WatchedPosition, prices: Mapping[str, float], at_ns: int) -> _Option | str:
    rules = one.rules
    if not one.vol or not one.forward or one.vol <= 0.0 or one.forward <= 0.0:
        return f"no volatility and forward of {rules.id} were told: the venue's own number stands alone"
    if (expiry_ns := rules.expiry_ns or 0) <= at_ns:
        return f"{rules.id} has expired and is still told as held"
    for coin in (rules.underlying, rules.settle):
        if prices.get(coin, 0.0) <= 0.0:
            return f"the price of {coin} is unknown"
    in_coin = rules.kind is InstrumentKind.COIN_OPTION
    # A strike in a stablecoin is that many of it; what is paid in the coin is struck in USD.
    usd = 1.0 if in_coin else prices[rules.settle]
    return _Option(
        name=rules.id,
        coins=one.contracts * float(rules.contract_size),
        forward=one.forward * usd,
        strike=float(rules.strike or 0) * usd,
        years=years_to(expiry_ns, at_ns),
        vol=one.vol,
        is_call=rules.option_type is OptionType.CALL,
        base=one.mark * prices[rules.settle],
        in_coin=in_coin,
        mark_share=one.mark if in_coin else one.mark / one.forward,
    )


def _not_of_one_moment(one: CoinOptions, options: list[_Option]) -> str:
    """Which mark cannot go with its volatility and forward, and why; empty where all do."""
    legs = one.legs
    shares = black76.price(legs.forward, legs.strike, legs.years, legs.vol, legs.is_call) / legs.forward
    marks = np.array([each.mark_share for each in options])
    odd = np.flatnonzero(~(np.abs(shares - marks) <= MARK_SHARE_OFF + MARK_OFF_RATIO * marks)).tolist()
    if not odd:
        return ""
    return (
        f"the mark of {one.names[odd[0]]} is {marks[odd[0]]:.4f} of its forward, by its volatility it would be "
        f"{shares[odd[0]]:.4f}: they are not of one moment"
    )


def _legs(options: list[_Option]) -> OptionLegs:
    years = np.array([one.years for one in options])
    return OptionLegs(
        qty=np.array([one.coins for one in options]),
        forward=np.array([one.forward for one in options]),
        strike=np.array([one.strike for one in options]),
        years=years,
        days=years * DAYS_PER_YEAR,
        vol=np.array([one.vol for one in options]),
        is_call=np.array([one.is_call for one in options], dtype=np.bool_),
        base=np.array([one.base for one in options]),
    )


def _columns(coin: str, options: list[_Option]) -> CoinOptions:
    names, settled = tuple(one.name for one in options), tuple(one.in_coin for one in options)
    return CoinOptions(coin, _legs(options), names, settled)


def moved(options: CoinOptions, move: float) -> CoinOptions:
    """The same after the underlying moved by a fraction."""
    return options._replace(legs=options_carried(options.legs, move))


def alone(options: CoinOptions, name: InstrumentId) -> CoinOptions | None:
    """One of them by itself; None where it is not among them."""
    if name not in options.names:
        return None
    at = options.names.index(name)
    legs = OptionLegs(**{field.name: getattr(options.legs, field.name)[at : at + 1] for field in fields(OptionLegs)})
    return CoinOptions(options.underlying, legs, (name,), options.coin_settled[at : at + 1])
