"""An account's book as legs of the scenario engine, one underlying at a time, and what portfolio margin it needs.

Owns the translation: contracts to coins, marks to base values, and how open orders count. The model is
`hedgebot.margin.bybit_portfolio`. Must not know coins' balances.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from hedgebot.domain.instrument import InstrumentId, OptionType
from hedgebot.exchange.account import Account
from hedgebot.exchange.market import Market
from hedgebot.exchange.requirement import NOTHING, Requirement, total
from hedgebot.exchange.valuation import Working
from hedgebot.exchange.world import World
from hedgebot.margin.bybit_portfolio import PortfolioMargin, days_counted, portfolio_margin
from hedgebot.margin.parameters import Portfolio
from hedgebot.margin.scenario import Legs, OptionLegs
from hedgebot.pricing.black76 import years_to

Contracts = Mapping[InstrumentId, float]


def portfolio_requirement(
    world: World, parameters: Portfolio, account: Account, working: Iterable[Working]
) -> Requirement:
    """Margin in USD over all base coins; each is worth its own worst: they are not netted.

    Maintenance margin is of the positions. Initial margin is of the worst of them alone, with every buy, or with every
    sell filled at the mark.
    """
    held = contracts_of(account)
    buys, sells = dict(held), dict(held)
    for order in working:
        if order.market.instrument.category != "spot":
            side = buys if order.side.sign > 0 else sells
            side[order.market.id] = side.get(order.market.id, 0.0) + order.side.sign * float(order.qty)
    coins = {world.markets[name].instrument.underlying for name in (*held, *buys, *sells)}
    return total(_of_coin(world, parameters, coin, held, (buys, sells)) for coin in sorted(coins))


def contracts_of(account: Account) -> dict[InstrumentId, float]:
    """Net contracts by instrument: in portfolio margin the two sides of hedge mode cancel."""
    held: dict[InstrumentId, float] = {}
    for position in account.positions.values():
        if position.contracts:
            held[position.instrument.id] = held.get(position.instrument.id, 0.0) + float(position.contracts)
    return held


def coin_margin(world: World, parameters: Portfolio, coin: str, held: Contracts) -> PortfolioMargin | None:
    """Portfolio margin of one base coin's part of a book, in USD, with its grid; None for a book without it."""
    mine = {name: size for name, size in held.items() if size and world.markets[name].instrument.underlying == coin}
    if not mine:
        return None
    markets = [(world.markets[name], size) for name, size in mine.items()]
    return portfolio_margin(parameters, legs_of(world, markets), index=world.usd_price(coin))


def _of_coin(
    world: World, parameters: Portfolio, coin: str, held: Contracts, filled: tuple[Contracts, ...]
) -> Requirement:
    now = coin_margin(world, parameters, coin, held)
    initial = now.initial if now is not None else 0.0
    for book in filled:
        if book != held:
            after = coin_margin(world, parameters, coin, book)
            initial = max(initial, after.initial if after is not None else 0.0)
    return Requirement(initial, now.maintenance) if now is not None else Requirement(initial, NOTHING.maintenance)


def legs_of(world: World, markets: list[tuple[Market, float]]) -> Legs:
    """Legs in USD: prices and option sizes carry the USD price of what they settle in."""
    options = [one for one in markets if one[0].instrument.kind.is_option]
    contracts = [one for one in markets if not one[0].instrument.kind.is_option]
    linear = [one for one in contracts if not one[0].instrument.kind.is_inverse]
    inverse = [one for one in contracts if one[0].instrument.kind.is_inverse]
    return Legs(
        options=_option_legs(world, options),
        linear_qty=_array(size * float(market.instrument.contract_size) for market, size in linear),
        linear_price=_array(
            float(world.mark(market)) * world.usd_price(market.instrument.settle) for market, _ in linear
        ),
        inverse_qty=_array(
            size * float(market.instrument.contract_size) / float(world.mark(market)) for market, size in inverse
        ),
    )


def _option_legs(world: World, options: list[tuple[Market, float]]) -> OptionLegs:
    if not options:
        return OptionLegs()
    marks = [world.option_mark(market) for market, _ in options]
    years = [years_to(market.instrument.expiry_ns or 0, world.now_ns) for market, _ in options]
    return OptionLegs(
        qty=_array(
            size * float(market.instrument.contract_size) * world.usd_price(market.instrument.settle)
            for market, size in options
        ),
        forward=_array(
            mark.forward if mark is not None else float(world.index(market))
            for mark, (market, _) in zip(marks, options, strict=True)
        ),
        strike=_array(float(market.instrument.strike or 0) for market, _ in options),
        years=_array(years),
        days=_array(days_counted(one) for one in years),
        vol=_array(mark.iv if mark is not None else 0.0 for mark in marks),
        is_call=np.array([market.instrument.option_type is OptionType.CALL for market, _ in options], dtype=np.bool_),
        base=_array(float(world.mark(market)) for market, _ in options),
    )


def _array(values: Iterable[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.fromiter(values, dtype=np.float64)
