"""One margin model of one venue, whatever its formula: what a book on it needs, or which product it does not cover.

Owns the seam: a model is a dated record with a function from the book of one underlying to its margins; an account's
margin is the sum over underlyings, since no model nets them (margin reference section 1). Tiered formulas are here,
those of scenarios in `venue_scenarios.py`. What has no figure is an error in a sentence, never a zero. Must not know
accounts.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from hedgebot.domain.errors import DataError
from hedgebot.domain.settings import MarginMode
from hedgebot.margin.deribit_standard import futures_margin, short_option
from hedgebot.margin.positions import Books, CoinBook, Line
from hedgebot.margin.tiers import Ladder
from hedgebot.margin.venue_records import BySize, Grade, Product, Tiered

EVERY_OTHER = "*"
Figures = TypeVar("Figures")


class NotCoveredError(DataError):
    """A model was asked for what it has no formula or no figure for; the message names the position."""


@dataclass(frozen=True, slots=True)
class Need:
    """Initial and maintenance margin in USD. `initial` None: it depends on a leverage that is not known.

    `least` is what the venue may ask at the least for maintenance where the formula is known in part (None: it is
    known, and the number is the number); `offset` is what gains here may at the most take off other underlyings' loss.
    """

    initial: float | None
    maintenance: float
    least: float | None = None
    offset: float = 0.0

    @property
    def at_least(self) -> float:
        """The least maintenance margin that agrees with what is known."""
        return self.maintenance if self.least is None else self.least

    def plus(self, other: "Need") -> "Need":
        """Both together."""
        initial = None if self.initial is None or other.initial is None else self.initial + other.initial
        known = self.least is None and other.least is None
        least = None if known else self.at_least + other.at_least
        return Need(initial, self.maintenance + other.maintenance, least, self.offset + other.offset)


NOTHING = Need(0.0, 0.0)


def _no_figures(_coin: str, _in_coin: bool) -> Mapping[str, float]:  # noqa: FBT001  # as a model is asked
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueModel:
    """A model with what is known of its figures. `compute` takes an underlying's name and book.

    `figures` are those of one underlying by name, where a venue may be asked for them: in its coin or in USD.
    """

    venue: str
    mode: MarginMode
    id: str
    as_of: str
    source: str
    grade: Grade
    status: str
    covers: tuple[Product, ...]
    uncovered: tuple[str, ...]
    compute: Callable[[str, CoinBook], Need]
    figures: Callable[[str, bool], Mapping[str, float]] = _no_figures

    @property
    def name(self) -> str:
        """Venue and mode, as the operator says them."""
        return f"{self.venue} {self.mode}"

    def needs(self, books: Books) -> dict[str, Need]:
        """Margins by underlying; raises NotCoveredError for what the model does not know."""
        found: dict[str, Need] = {}
        for coin, book in books.items():
            if book.is_empty:
                continue
            self._require(book)
            need = self.compute(coin, book)
            numbers = (need.maintenance, 0.0 if need.initial is None else need.initial)
            if not all(math.isfinite(one) for one in numbers):
                msg = f"{self.id} has no finite number for {coin}: its prices or figures are no numbers"
                raise NotCoveredError(msg)
            found[coin] = need
        return found

    def total(self, books: Books) -> Need:
        """Margins of all underlyings together."""
        total, needs = NOTHING, self.needs(books)
        for need in needs.values():
            total = total.plus(need)
        if len(needs) > 1 and total.offset > 0.0:
            total = replace(total, least=max(total.at_least - total.offset, 0.0))
        return replace(total, offset=0.0)

    def _require(self, book: CoinBook) -> None:
        for line in book.lines:
            product = Product.INVERSE if line.is_inverse else Product.LINEAR
            if line.coins and product not in self.covers:
                msg = f"{self.id} covers {_products(self.covers)}: {line.instrument} is {product}"
                raise NotCoveredError(msg)
        if len(book.options.qty) and Product.OPTION not in self.covers:
            msg = f"{self.id} covers {_products(self.covers)}: {book.option_names[0]} is an option"
            raise NotCoveredError(msg)


def _products(covers: tuple[Product, ...]) -> str:
    return f"{' and '.join(covers)} contracts"


def figures_of(table: Mapping[str, Figures], coin: str, model: str, what: str) -> Figures:
    """What a table says of a coin, or of every other one; NotCoveredError where it says nothing."""
    found = table.get(coin, table.get(EVERY_OTHER))
    if found is None:
        msg = f"{model} has no {what} of {coin}: it knows {', '.join(table) or 'none'}"
        raise NotCoveredError(msg)
    return found


# --- tiers -----------------------------------------------------------------------------------------------------------


def tiered(record: Tiered, coin: str, book: CoinBook) -> Need:
    """Each position by the ladder of its underlying."""
    ladder = figures_of(record.ladders, coin, record.id, "tiers")
    end = record.value_max_usd.get(coin)
    longs = shorts = NOTHING
    for line in book.lines:
        if end is not None and line.value_usd > end:
            msg = f"the tiers of {coin} in {record.id} are known up to {end:,.0f} USD: {line.instrument} is worth "
            raise NotCoveredError(f"{msg}{line.value_usd:,.0f}")
        need = ladder_need(ladder, line, whole=record.whole_position)
        if line.coins > 0.0:
            longs = longs.plus(need)
        else:
            shorts = shorts.plus(need)
    return larger(longs, shorts) if record.nets_pairs else longs.plus(shorts)


def ladder_need(ladder: Ladder, line: Line, *, whole: bool = False) -> Need:
    """Margins of one position in USD; `whole` puts the tier's rate on all of it, in place of slab by slab."""
    value = line.value_usd
    tier = ladder.tiers[ladder.tier_of(value)]
    maintenance = value * tier.maintenance_rate if whole else ladder.maintenance(value)
    rate = max(tier.initial_rate, 1.0 / line.leverage if line.leverage else 0.0)
    return Need(value * rate if rate > 0.0 or not value else None, maintenance)


def larger(one: Need, other: Need) -> Need:
    """The larger number of each kind."""
    initials = (one.initial, other.initial)
    known = [number for number in initials if number is not None]
    return Need(max(known) if len(known) == len(initials) else None, max(one.maintenance, other.maintenance))


def by_size(record: BySize, coin: str, book: CoinBook) -> Need:
    """Deribit's standard margin: the rate of a position grows with its size; what is sold of options by its formula."""
    total = _short_options(record, coin, book)
    if not book.lines:
        return total
    rates = figures_of(record.rates, coin, record.id, "rates")
    for line in book.lines:
        initial, maintenance = (
            futures_margin(base_rate=base, rate_per_coin=rates.per_coin, coins=line.coins, price=line.price_usd)
            for base in (rates.initial, rates.maintenance)
        )
        total = total.plus(Need(initial, maintenance))
    return total


def _short_options(record: BySize, coin: str, book: CoinBook) -> Need:
    """Each option that is sold; what is bought was paid for."""
    legs, total = book.options, NOTHING
    if not len(legs.qty):
        return total
    rates = figures_of(record.short_options, coin, record.id, "rates of short options")
    for number in np.flatnonzero(legs.qty < 0.0).tolist():
        size = -float(legs.qty[number])
        initial, maintenance = short_option(
            rates,
            index=book.index_usd,
            forward=float(legs.forward[number]),
            mark=float(legs.base[number]),
            strike=float(legs.strike[number]),
            is_call=bool(legs.is_call[number]),
        )
        total = total.plus(Need(size * initial, size * maintenance))
    return total
