"""One book on every margin model, side by side: what each needs, with and without the hedge, and to bear a move.

Owns the comparison. The whole book is taken as if it stood on one account of that venue. What a venue asks now is not
what an account must hold: an isolated position must bear its own loss, a cross account the sum, so `bear` is what stays
comparable. Underlyings move alone and all together, and the worse counts (margin reference section 9). It tells USD and
never a percentage.
"""

from dataclasses import dataclass, replace

from hedgebot.domain.errors import DataError
from hedgebot.domain.health import use_of
from hedgebot.domain.riskbook import NO_MARGIN_REPORTED, LinearLeg, OptionLeg, RiskBook
from hedgebot.domain.settings import MarginMode
from hedgebot.margin.positions import Books, CoinBook, after_move, books_of, groups_of
from hedgebot.margin.registry import NoModelError, Registry, age_problem
from hedgebot.margin.venue_models import Need, NotCoveredError, VenueModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A book on one model, in USD. None is unknown, and `problem` says why there is no number at all.

    `bear` is the equity that the account must have so that it is not liquidated by the move; `without` is the same
    book without its hedge. `age_problem` is empty while the parameters are new enough.
    """

    venue: str
    mode: MarginMode
    model: VenueModel | None
    need: Need | None = None
    bear: float | None = None
    without: Need | None = None
    bear_without: float | None = None
    problem: str = ""
    age_problem: str = ""

    @property
    def hedge_adds(self) -> float | None:
        """USD of maintenance margin that the hedge takes (below zero: that it frees)."""
        return None if self.need is None or self.without is None else self.need.maintenance - self.without.maintenance

    @property
    def hedge_saves(self) -> float | None:
        """USD less that the account must have to bear the move, because of the hedge (below zero: more)."""
        return None if self.bear is None or self.bear_without is None else self.bear_without - self.bear


def compare(book: RiskBook, registry: Registry, *, move: float, days_max: int) -> list[Row]:
    """A row for each model, and one for each mode that has a reason for having none."""
    whole, bare = books_of(book), books_of(book, lambda leg: not _is_hedge(leg))
    hedged = book.has_hedge
    rows = [_row(book, model, whole, bare if hedged else None, move, days_max) for model in registry]
    rows += [
        Row(venue=venue, mode=mode, model=None, problem=f"no model: {why}")
        for (venue, mode), why in registry.missing.items()
    ]
    return sorted(rows, key=lambda one: (one.venue, list(MarginMode).index(one.mode)))


def _is_hedge(leg: LinearLeg | OptionLeg) -> bool:
    return isinstance(leg, LinearLeg) and leg.is_hedge


def _row(book: RiskBook, model: VenueModel, whole: Books, bare: Books | None, move: float, days_max: int) -> Row:
    known = Row(
        venue=model.venue, mode=model.mode, model=model, age_problem=age_problem(model.as_of, book.at_ns, days_max)
    )
    try:
        need, bear = model.total(whole), equity_to_bear(model, whole, move)
        without = None if bare is None else model.total(bare)
        bear_without = None if bare is None else equity_to_bear(model, bare, move)
    except NotCoveredError as error:
        return replace(known, problem=str(error))
    return replace(known, need=need, bear=bear, without=without, bear_without=bear_without)


def equity_to_bear(model: VenueModel, books: Books, move: float) -> float:
    """Equity in USD with which no move of that fraction, either way, liquidates; NotCoveredError where unknown."""
    if model.mode is MarginMode.ISOLATED:
        return sum(_worst(model, {coin: one}, move) for coin, book in books.items() for one in _apart(book))
    return _worst(model, books, move)


def _apart(book: CoinBook) -> list[CoinBook]:
    """Each position by itself, with nothing beside it."""
    return [CoinBook(book.index_usd, (line,)) for line in book.lines]


def _worst(model: VenueModel, books: Books, move: float) -> float:
    """Margin after each move less what the move gained: the most of them."""
    most = model.total(books).maintenance
    for group in groups_of(books):
        for signed in (-move, move):
            after, gained = after_move(books, group, signed)
            most = max(most, model.total(after).maintenance - gained)
    return most


# --- accounts --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One account as its venue reports it beside our model of its venue and mode. None is unknown, `problem` why."""

    account: str
    venue: str
    mode: str
    equity: float | None
    initial: float | None
    maintenance: float | None
    model: VenueModel | None = None
    need: Need | None = None
    problem: str = ""

    @property
    def use(self) -> float | None:
        """The larger maintenance margin over equity; infinite where margin is due and nothing is left."""
        known = [one for one in (self.maintenance, self.need.maintenance if self.need else None) if one is not None]
        if self.equity is None or self.maintenance is None:
            return None
        return use_of(max(known), self.equity)


def standings(book: RiskBook, registry: Registry) -> list[Standing]:
    """Every account of a book."""
    return [standing(book, registry, one.account) for one in book.accounts]


def standing(book: RiskBook, registry: Registry, account: str) -> Standing:
    """One account; KeyError for one that the book does not have."""
    point = {one.account: one for one in book.accounts}[account]
    books = books_of(book, lambda leg: leg.account == account)
    believed, problems = book.believed(point), list[str]()
    if believed is not point and point.maintenance_margin_usd is not None:
        problems.append(NO_MARGIN_REPORTED)
    if point.equity_usd is not None and point.equity_usd <= 0.0:
        problems.append("no equity is left: nothing that needs margin can be sent")
    model, need = None, None
    if point.watched:
        problems.append("only watched: its positions are not in this book, the daemon holds its own model against them")
    elif not point.venue or not point.margin_mode:
        problems.append("the book does not say its venue and margin_mode: no model is chosen")
    else:
        try:
            model = registry.of(point.venue, MarginMode(point.margin_mode))
            need = model.total(books)
        except (NoModelError, NotCoveredError) as error:
            problems.append(str(error))
        except ValueError:
            modes = ", ".join(MarginMode)
            msg = f"account {account}: margin_mode is {point.margin_mode!r}, it must be one of {modes}"
            raise DataError(msg) from None
    return Standing(
        account=account,
        venue=point.venue,
        mode=point.margin_mode,
        equity=point.equity_usd,
        initial=believed.initial_margin_usd,
        maintenance=believed.maintenance_margin_usd,
        model=model,
        need=need,
        problem="; ".join(problems),
    )
