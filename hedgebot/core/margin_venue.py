"""An account's margin by any model of the registry: the daemon's book as venue models read it, with its live orders.

Owns the translation and the worst that live orders can do. A book that a model has no number for needs infinite margin,
so that nothing is let through on it; what a coin is worth as collateral is taken whole, since these records have no
haircuts (the venue's own number corrects both). Bybit's account is `margin_model.py`'s. Must not know limits.
"""

from collections.abc import Callable, Mapping

from hedgebot.core import margin_options
from hedgebot.core.margin_legs import Contract, MarginBook
from hedgebot.core.margin_options import CoinOptions
from hedgebot.core.margin_state import Figures
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.settings import MarginMode
from hedgebot.margin.positions import CoinBook, Line
from hedgebot.margin.venue_models import Need, NotCoveredError, VenueModel
from hedgebot.pricing.black76 import years_to

INFINITE = float("inf")
Size = Callable[[InstrumentId, Contract], float]
"""Signed contracts that an instrument is held in."""


def problem(model: VenueModel, book: MarginBook) -> str:
    """Why the model has no number for what is held; empty where it has one."""
    try:
        model.total(coin_books(book, _held))
    except NotCoveredError as error:
        return str(error)
    return ""


def maintenance_alone(model: VenueModel, book: MarginBook, name: InstrumentId) -> float:
    """Maintenance margin in USD of one position of a book, with nothing beside it; of one that the model can judge."""
    contracts = {one: contract for one, contract in book.contracts.items() if one == name}
    options = tuple(found for one in book.options if (found := margin_options.alone(one, name)) is not None)
    return model.total(coin_books(book._replace(contracts=contracts, options=options), _held)).maintenance


def _held(_name: InstrumentId, one: Contract) -> float:
    return one.contracts


def figures(
    model: VenueModel,
    book: MarginBook,
    buys: Mapping[InstrumentId, float],
    sells: Mapping[InstrumentId, float],
) -> Figures:
    """Margins and balance now and at the worst of the live orders; infinite margins where the model has no number."""
    balance = _balance(model, book)
    try:
        now = model.total(coin_books(book, _held))
        worst = _worst(model, book, buys, sells) if buys or sells else now
    except NotCoveredError:
        return Figures(initial=INFINITE, maintenance=INFINITE, maintenance_worst=INFINITE, balance=balance)
    # Without a leverage the least is all that is known: the venue refuses what it finds too little for.
    initial = worst.maintenance if worst.initial is None else worst.initial
    return Figures(
        initial=initial,
        maintenance=now.maintenance,
        maintenance_worst=worst.maintenance,
        balance=balance,
        maintenance_least=now.least,
    )


def _worst(
    model: VenueModel, book: MarginBook, buys: Mapping[InstrumentId, float], sells: Mapping[InstrumentId, float]
) -> Need:
    """The most of: nothing fills, all buys, all sells, and every instrument at its own largest size."""

    def bought(name: InstrumentId, one: Contract) -> float:
        return one.contracts + buys.get(name, 0.0)

    def sold(name: InstrumentId, one: Contract) -> float:
        return one.contracts - sells.get(name, 0.0)

    def largest(name: InstrumentId, one: Contract) -> float:
        return max(one.contracts, bought(name, one), sold(name, one), key=abs)

    held: list[Size] = [_held, bought, sold, largest]
    needs = [model.total(coin_books(book, size)) for size in held]
    initials = [one.initial for one in needs if one.initial is not None]
    initial = max(initials) if len(initials) == len(needs) else None
    return Need(initial, max(one.maintenance for one in needs))


def coin_books(book: MarginBook, size: Size) -> dict[str, CoinBook]:
    """The account's contracts by underlying, each in the size that is asked for."""
    lines: dict[str, list[Line]] = {}
    for name, one in book.contracts.items():
        lines.setdefault(one.rules.underlying, []).append(_line(book, name, one, size(name, one)))
    options = {one.underlying: one for one in book.options}
    return {
        coin: _coin_book(book, coin, tuple(lines.get(coin, ())), options.get(coin))
        for coin in dict.fromkeys((*lines, *options))
    }


def _coin_book(book: MarginBook, coin: str, lines: tuple[Line, ...], options: CoinOptions | None) -> CoinBook:
    index_usd = book.prices.get(coin) or (lines[0].price_usd if lines else 0.0)
    found = CoinBook(index_usd, tuple(one for one in lines if one.coins), in_coin=coin == book.in_coin)
    if options is None:
        return found
    return found._replace(options=options.legs, option_names=tuple(options.names), coin_settled=options.coin_settled)


def _line(book: MarginBook, name: InstrumentId, one: Contract, contracts: float) -> Line:
    rules, price_usd = one.rules, one.mark * book.prices[one.rules.quote]
    nominal = contracts * float(rules.contract_size)
    return Line(
        instrument=name,
        coins=nominal / one.mark if rules.kind.is_inverse else nominal,
        price_usd=price_usd,
        is_inverse=rules.kind.is_inverse,
        years=None if rules.expiry_ns is None else years_to(rules.expiry_ns, book.at_ns),
        leverage=one.leverage,
    )


def _balance(model: VenueModel, book: MarginBook) -> float:
    """Coins and open profits in USD, in portfolio margin options too; a coin that nobody prices counts for nothing."""
    options = sum(one.value_usd for one in book.options) if model.mode is MarginMode.PORTFOLIO else 0.0
    balance = options + sum(qty * book.prices.get(coin, 0.0) for coin, qty in book.coins.items())
    return balance + sum(one.profit * book.prices.get(one.rules.settle, 0.0) for one in book.contracts.values())
