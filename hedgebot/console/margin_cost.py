"""What margin costs, laid out for people and as plain data: a book on every model, each with what stands behind it.

Owns layout and words; numbers are `hedgebot.margin`'s. Fits 80 columns; wider terminals get date and grade beside each
row.
"""

import textwrap
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hedgebot.console.output import plain, table
from hedgebot.domain.riskbook import LegKind, RiskBook

if TYPE_CHECKING:
    from hedgebot.margin.comparison import Row, Standing
    from hedgebot.margin.venue_models import VenueModel

WIDE = 110
UNKNOWN = "unknown"


def usd(value: float | None, *, signed: bool = False) -> str:
    """USD without cents; what is unknown says so."""
    if value is None:
        return UNKNOWN
    rounded = round(value) or 0
    return f"{rounded:+,d}" if signed else f"{rounded:,d}"


def use_words(use: float | None) -> str:
    """Maintenance margin over equity in a word."""
    if use is None:
        return UNKNOWN
    return "liquidated" if use >= 1.0 else f"{use:.1%}"


def aligned(rows: Sequence[tuple[str, ...]], *, left: int = 1) -> list[str]:
    """Columns with numbers to the right; the first `left` are words."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    padded = [tuple(cell if at < left else cell.rjust(widths[at]) for at, cell in enumerate(row)) for row in rows]
    return table(padded)


def wrapped(text: str, width: int, indent: str = "  ") -> list[str]:
    """A paragraph in lines of at most `width`, all but the first indented."""
    return textwrap.wrap(plain(text), width, subsequent_indent=indent) or [""]


# --- show ------------------------------------------------------------------------------------------------------------


def show_lines(
    book: RiskBook, accounts: "Sequence[Standing]", rows: "Sequence[Row]", *, move: float, width: int, sources: bool
) -> list[str]:
    """The whole answer of `margin show`."""
    return [
        *wrapped(_headline(book), width),
        *(line for one in accounts for line in wrapped(_account_words(one), width)),
        *(f"NOT IN THESE NUMBERS: {plain(one)}" for one in book.unknown),
        "",
        *wrapped("USD that each model asks, as if the whole book stood on one account of that venue:", width),
        *aligned(_table_rows(book, rows, move, wide=width >= WIDE)),
        "",
        *wrapped(_legend(book, move), width),
        *(line for words in _no_numbers(rows) for line in wrapped(words, width)),
        "",
        "what stands behind the numbers:",
        *(line for words in _assumptions(rows, sources=sources) for line in wrapped(words, width)),
    ]


def _headline(book: RiskBook) -> str:
    at = datetime.fromtimestamp(book.at_ns / 1e9, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
    prices = ", ".join(f"{one.underlying} at {one.price_usd:,.2f} USD" for one in book.underlyings)
    derivatives = [one for one in book.linear if one.kind is not LegKind.COINS]
    hedges = sum(one.is_hedge for one in derivatives)
    positions = len(derivatives) + len(book.options)
    return f"{at}: {prices}; {positions} positions, {hedges} of them to hedge the rest"


def _amount(value: float | None) -> str:
    return UNKNOWN if value is None else f"{usd(value)} USD"


def _account_words(one: "Standing") -> str:
    where = f"{one.venue or 'venue unknown'} {one.mode or 'mode unknown'}"
    ours = None if one.need is None else one.need.maintenance
    words = (
        f"account {one.account} ({where}): equity {_amount(one.equity)}; maintenance margin {_amount(one.maintenance)} "
        f"by the venue, {_amount(ours)} by our model; use {use_words(one.use)}"
    )
    return f"{words}; {one.problem}" if one.problem else words


def _table_rows(book: RiskBook, rows: "Iterable[Row]", move: float, *, wide: bool) -> list[tuple[str, ...]]:
    hedged = book.has_hedge
    head: tuple[str, ...] = ("", "initial", "maintenance", f"bear {move:.0%}")
    head += ("hedge asks", "hedge saves") if hedged else ()
    head += ("sure", "figures of") if wide else ()
    found = [head]
    for row in rows:
        if row.need is None or row.model is None:
            continue
        numbers: tuple[str, ...] = (usd(row.need.initial), usd(row.need.maintenance), usd(row.bear))
        if hedged:
            numbers += (usd(row.hedge_adds, signed=True), usd(row.hedge_saves, signed=True))
        if wide:
            numbers += (row.model.grade, f"{row.model.as_of or 'no date'}{' OLD' if row.age_problem else ''}")
        found.append((row.model.name, *numbers))
    return found


def _legend(book: RiskBook, move: float) -> str:
    words = (
        f"bear {move:.0%}: equity with which no move of {move:.0%}, of one underlying alone or of all together, "
        "liquidates; isolated positions each bear their own"
    )
    if not book.has_hedge:
        return f"{words}. No leg is marked as hedge, so that nothing is compared without it."
    return (
        f"{words}. Hedge asks: maintenance margin that the hedge adds; hedge saves: what less must stand there to bear "
        "because of it (below zero: more)."
    )


def _no_numbers(rows: "Iterable[Row]") -> list[str]:
    """Why there is no number, once for each venue and reason."""
    modes: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.problem:
            modes.setdefault((row.venue, row.problem), []).append(row.mode)
    return [f"{venue} {', '.join(some)}: {problem}" for (venue, problem), some in modes.items()]


def _assumptions(rows: "Iterable[Row]", *, sources: bool) -> list[str]:
    """One paragraph for each record."""
    by_record: dict[tuple[str, str], tuple[VenueModel, list[Row]]] = {}
    for row in rows:
        if row.model is not None:
            by_record.setdefault((row.model.id, row.model.status), (row.model, []))[1].append(row)
    return [_assumption(model, some, sources=sources) for model, some in by_record.values()]


def _assumption(model: "VenueModel", rows: "Sequence[Row]", *, sources: bool) -> str:
    modes = ", ".join(row.mode for row in rows)
    words = (
        f"{model.venue} {modes} [{model.id}]: {model.grade}, {model.grade.meaning}; {dated(rows[0])}. {model.status}"
    )
    words += f" NOT COVERED: {', '.join(model.uncovered)}."
    return f"{words} SOURCE: {model.source}" if sources else words


def dated(row: "Row") -> str:
    """Of when the figures are, and that they are old where they are."""
    as_of = row.model.as_of if row.model is not None else ""
    if not as_of:
        return "UNDATED figures"
    return f"figures of {as_of}" + (f", OLD: {row.age_problem}" if row.age_problem else "")


def model_data(model: "VenueModel") -> dict[str, Any]:
    """What a model says of itself."""
    return {
        "id": model.id,
        "as_of": model.as_of,
        "grade": model.grade,
        "grade_meaning": model.grade.meaning,
        "status": model.status,
        "uncovered": model.uncovered,
        "source": model.source,
    }


def show_data(
    book: RiskBook, accounts: "Iterable[Standing]", rows: "Iterable[Row]", *, move: float, leverage: float | None
) -> dict[str, Any]:
    """Every number of `margin show`; None is unknown."""
    return {
        "at_ns": book.at_ns,
        "move_ratio": move,
        "assumed_leverage": leverage,
        "unknown": book.unknown,
        "accounts": [_account_data(one) for one in accounts],
        "models": [_row_data(one) for one in rows],
    }


def _account_data(one: "Standing") -> dict[str, Any]:
    return {
        "account": one.account,
        "venue": one.venue,
        "margin_mode": one.mode,
        "equity_usd": one.equity,
        "venue_initial_usd": one.initial,
        "venue_maintenance_usd": one.maintenance,
        "model_initial_usd": one.need.initial if one.need else None,
        "model_maintenance_usd": one.need.maintenance if one.need else None,
        "use_ratio": one.use,
        "problem": one.problem,
    }


def _row_data(one: "Row") -> dict[str, Any]:
    return {
        "venue": one.venue,
        "margin_mode": one.mode,
        "initial_usd": one.need.initial if one.need else None,
        "maintenance_usd": one.need.maintenance if one.need else None,
        "bear_usd": one.bear,
        "initial_without_hedge_usd": one.without.initial if one.without else None,
        "maintenance_without_hedge_usd": one.without.maintenance if one.without else None,
        "bear_without_hedge_usd": one.bear_without,
        "hedge_asks_usd": one.hedge_adds,
        "hedge_saves_usd": one.hedge_saves,
        "problem": one.problem,
        "age_problem": one.age_problem,
        "model": model_data(one.model) if one.model else None,
    }
