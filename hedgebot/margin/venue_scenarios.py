"""Venues' portfolio margins on one underlying's book, in USD: from the book to each venue's own formula and back.

Owns the translation only; scenarios and aggregation are `deribit_portfolio.py`, `derive_portfolio.py`,
`bybit_portfolio.py` and `venue_portfolio.py`. Between underlyings nothing is netted, so that Deribit's number is an
upper bound for a book in several currencies (margin reference sections 6.1 and 9). Must not know accounts.
"""

from dataclasses import replace

import numpy as np

from hedgebot.domain.settings import MarginMode
from hedgebot.margin import bybit_portfolio, deribit_portfolio, derive_portfolio, venue_portfolio
from hedgebot.margin.derive_portfolio import Book, Expiry, Holding
from hedgebot.margin.parameters import ParameterSet
from hedgebot.margin.positions import CoinBook, option_deltas
from hedgebot.margin.scenario import Legs, OptionLegs, Scenarios, VolLaw, evaluate
from hedgebot.margin.tiers import short_option_initial, short_option_maintenance
from hedgebot.margin.venue_models import NOTHING, Need, NotCoveredError, figures_of, ladder_need
from hedgebot.margin.venue_records import DeribitPortfolio, DerivePortfolio, OkxPortfolio, ParadexPortfolio
from hedgebot.pricing import black76

SECONDS_PER_YEAR = derive_portfolio.SECONDS_PER_YEAR
SAME = 1e-9


def legs_of(book: CoinBook, options: OptionLegs | None = None) -> Legs:
    """The book as the scenario engine takes it."""
    linear = [one for one in book.lines if not one.is_inverse]
    return Legs(
        options=book.options if options is None else options,
        linear_qty=np.array([one.coins for one in linear]),
        linear_price=np.array([one.price_usd for one in linear]),
        inverse_qty=np.array([one.coins for one in book.lines if one.is_inverse]),
    )


# --- Bybit -----------------------------------------------------------------------------------------------------------


def bybit_tiered(parameters: ParameterSet, coin: str, book: CoinBook) -> Need:
    """Unified account in cross or isolated mode: ladders of values in what each contract settles in, short options."""
    total = NOTHING
    for line in book.lines:
        ladder = parameters.ladder(coin, is_inverse=line.is_inverse)
        usd = line.price_usd if line.is_inverse else 1.0
        need = ladder_need(ladder, line._replace(price_usd=line.price_usd / usd))
        total = total.plus(Need(None if need.initial is None else need.initial * usd, need.maintenance * usd))
    legs, rates = book.options, parameters.short_option
    for number in np.flatnonzero(legs.qty < 0.0).tolist():
        size, mark, strike = -float(legs.qty[number]), float(legs.base[number]), float(legs.strike[number])
        is_call = bool(legs.is_call[number])
        initial = short_option_initial(rates, index=book.index_usd, mark=mark, strike=strike, is_call=is_call)
        total = total.plus(Need(size * initial, size * short_option_maintenance(rates, book.index_usd, mark)))
    return total


def bybit_scenarios(parameters: ParameterSet, _coin: str, book: CoinBook) -> Need:
    """Unified account in portfolio mode: the worst of 33 cells and the futures contingency."""
    options = book.options
    if len(options.qty):
        days = np.array([bybit_portfolio.days_counted(one) for one in options.years])
        options = replace(options, days=days)
    margin = bybit_portfolio.portfolio_margin(parameters.portfolio, legs_of(book, options), index=book.index_usd)
    return Need(margin.initial, margin.maintenance)


# --- Deribit ---------------------------------------------------------------------------------------------------------


def deribit(record: DeribitPortfolio, coin: str, book: CoinBook) -> Need:
    """One currency of portfolio margin in USD: by itself in its coin, or as a part of an account that is one in USD."""
    own = record.coins if book.in_coin else record.currencies
    parameters = figures_of(own, coin, record.id, "parameters in coin" if book.in_coin else "parameters")
    deltas = tuple((one.coins, one.years) for one in book.lines)
    deltas += tuple(zip(option_deltas(book.options).tolist(), book.options.years.tolist(), strict=True))
    legs, index, moved = _deribit_legs(book), book.index_usd, _by_expiry(deltas)
    if book.in_coin:
        alone = deribit_portfolio.portfolio_margin(parameters, legs, index=index, deltas=moved)
        return Need(alone.initial * index, alone.maintenance * index, _less(alone.least, alone.maintenance, index))
    margin = deribit_portfolio.portfolio_margin_usd(parameters, legs, index=index, deltas=moved)
    return Need(margin.initial, margin.maintenance, _less(margin.least, margin.maintenance), margin.offset)


def _less(least: float, maintenance: float, index: float = 1.0) -> float | None:
    """What the venue may ask at the least in USD; None where that is the number itself."""
    return least * index if least < maintenance * (1.0 - SAME) else None


def _deribit_legs(book: CoinBook) -> Legs:
    """The book as the engine takes it; profits count from the unshocked value.

    An option that is paid in coin is worth its USD value at its expiry's own forward, in coins (recorded marks agree to
    their last digit): what it gains in coins is its gain in USD there, less what the coins that it is worth gain.
    """
    options = book.options
    if not len(options.qty):
        return legs_of(book)
    base = black76.price(options.forward, options.strike, options.years, options.vol, options.is_call)
    if not any(book.coin_settled):
        return legs_of(book, replace(options, base=base))
    in_coin = np.array(book.coin_settled, dtype=np.bool_)
    scaled = np.where(in_coin, options.qty * book.index_usd / options.forward, options.qty)
    legs = legs_of(book, replace(options, base=base, qty=scaled))
    worth = (options.qty * base / options.forward)[in_coin]
    return replace(legs, inverse_qty=np.append(legs.inverse_qty, -worth))


def _by_expiry(deltas: tuple[tuple[float, float | None], ...]) -> tuple[tuple[float, float | None], ...]:
    """Deltas of one expiry are one: only expiries may move apart."""
    found: dict[float | None, float] = {}
    for delta, years in deltas:
        found[years] = found.get(years, 0.0) + delta
    return tuple((delta, years) for years, delta in found.items())


# --- OKX and Paradex -------------------------------------------------------------------------------------------------


def okx(record: OkxPortfolio, coin: str, book: CoinBook) -> Need:
    """One risk unit of futures; every contract on the underlying is merged into it."""
    parameters = figures_of(record.units, coin, record.id, "risk unit")
    gross = sum(abs(one.coins) for one in book.lines)
    mark = sum(one.value_usd for one in book.lines) / gross
    margin = venue_portfolio.okx_futures(
        parameters,
        coins=sum(one.coins for one in book.lines),
        gross_coins=gross,
        index=book.index_usd / record.stable_usd,
        mark=mark / record.stable_usd,
        stable=record.stable_usd,
    )
    return Need(margin.initial, margin.maintenance)


def paradex(record: ParadexPortfolio, coin: str, book: CoinBook) -> Need:
    """One underlying's scan or its least charge, before provisions for funding and fees."""
    unit = figures_of(record.units, coin, record.id, "scenarios")
    edges = Scenarios.cross((-unit.edge, unit.edge), (unit.vol_up,))
    cells = edges.joined(Scenarios.cross(unit.moves, (unit.vol_up, -unit.vol_down)))
    moves, weights = (np.array([one[number] for one in unit.tails]) for number in (0, 1))
    cells = cells.joined(Scenarios(moves, np.full_like(moves, unit.vol_up), weights))
    scan = max(-float(evaluate(legs_of(book), cells, VolLaw()).total(book.index_usd).min()), 0.0)
    least = venue_portfolio.paradex_least_charge(
        tuple(one.coins for one in book.lines),
        book.index_usd,
        unhedged_rate=unit.unhedged_rate,
        hedged_rate=unit.hedged_rate,
    )
    initial = max(scan, least)
    return Need(initial, unit.maintenance_factor * initial)


# --- Derive ----------------------------------------------------------------------------------------------------------


def derive(record: DerivePortfolio, coin: str, book: CoinBook) -> Need:
    """One underlying's own sub-account: what its net margin takes from its mark-to-market."""
    if coin not in record.underlyings:
        msg = f"{record.id} has no parameters of {coin}: it knows {', '.join(record.underlyings)}"
        raise NotCoveredError(msg)
    if any(one.years is not None for one in book.lines):
        msg = f"{record.id} covers perpetuals and options: {coin} is held in a dated future"
        raise NotCoveredError(msg)
    size = sum(one.coins for one in book.lines)
    value = sum(one.coins * one.price_usd for one in book.lines)
    account = Book(
        cash=0.0,
        spot=book.index_usd,
        spot_confidence=1.0,
        stable=1.0,
        perp=Holding(amount=size, price=value / size if size else book.index_usd, confidence=1.0),
        perp_profit=0.0,
        collateral=(),
        expiries=_expiries(book.options),
    )
    net = derive_portfolio.net_margin(record.parameters, record.cells, account)
    return Need(max(net.mark_to_market - net.initial, 0.0), max(net.mark_to_market - net.maintenance, 0.0))


def _expiries(options: OptionLegs) -> tuple[Expiry, ...]:
    """Options by expiry, with no interest and trusted feeds."""
    found: list[Expiry] = []
    for years in np.unique(options.years).tolist():
        mine = options.years == years
        found.append(
            Expiry(
                seconds=years * SECONDS_PER_YEAR,
                forward=float(options.forward[mine].mean()),
                rate=0.0,
                confidence=1.0,
                strike=options.strike[mine],
                vol=options.vol[mine],
                amount=options.qty[mine],
                is_call=options.is_call[mine],
            )
        )
    return tuple(found)


BYBIT = {
    MarginMode.ISOLATED: bybit_tiered,
    MarginMode.CROSS: bybit_tiered,
    MarginMode.PORTFOLIO: bybit_scenarios,
}
