"""`hedgebot margin show` and `margin what-if`: what margin costs now, and after one order. Computes nothing itself."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from hedgebot.console import margin_cost, margin_what_if
from hedgebot.console.control import ask
from hedgebot.console.errors import WrongUse
from hedgebot.console.order_words import read_order
from hedgebot.console.output import emit
from hedgebot.console.place import ConfigOption, JsonFlag, StateDirOption, find_place
from hedgebot.console.replies import checked
from hedgebot.console.verbs_stress import book_from_daemon, book_from_file
from hedgebot.domain.errors import DataError, ExitCode
from hedgebot.domain.riskbook import LegKind, RiskBook
from hedgebot.domain.settings import LimitSettings, MarginMode
from hedgebot.domain.whatif import Verdict, WantedOrder, WhatIf

if TYPE_CHECKING:
    from hedgebot.margin.registry import Registry

WIDTH_MIN = 40
_CODES = {
    Verdict.PASS: ExitCode.OK,
    Verdict.CUT: ExitCode.REFUSED,
    Verdict.REFUSE: ExitCode.REFUSED,
    Verdict.UNKNOWN: ExitCode.UNKNOWN,
}
ANSWER_S_MAX = 10.0
"""The daemon may have to wait for the venue's own what-if."""

BookOption = Annotated[
    Path | None,
    typer.Option(
        "--book", help="A book in a file in place of the running daemon's; `hedgebot stress --save` writes one."
    ),
]
LeverageOption = Annotated[
    float | None,
    typer.Option(
        "--leverage", min=1.0, help="Leverage of positions whose own is unknown: some venues set no other rate."
    ),
]
ParametersOption = Annotated[
    list[str] | None,
    typer.Option("--parameters", help="VENUE=FILE of margin parameters in place of the shipped ones; again for more."),
]


def register(group: typer.Typer) -> None:
    """Add the verbs to `hedgebot margin`."""
    group.command(epilog="Example: hedgebot margin show --book config/eth_btc.book.json --leverage 10")(show)
    group.command("what-if", epilog='Example: hedgebot margin what-if "sell 2 BTC perp on bybit"')(what_if)


def show(
    book: BookOption = None,
    move: Annotated[float, typer.Option("--move", help="The move that must be borne, as a fraction.")] = 0.1,
    leverage: LeverageOption = None,
    parameters: ParametersOption = None,
    sources: Annotated[bool, typer.Option("--sources", help="Where each model's figures come from, too.")] = False,
    config: ConfigOption = None,
    state_dir: StateDirOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Show what the book needs on every venue's model: isolated, cross and portfolio, with and without the hedge.

    The book is the running daemon's, or a file's. Every number says how sure it is and what it leaves out.
    """
    from hedgebot.margin.comparison import compare, standings

    if not 0.0 < move < 1.0:
        raise WrongUse(f"--move is {move}, it must be a fraction between 0 and 1, such as 0.1 for 10 %")
    chosen = assumed(chosen_book(book, config, state_dir), leverage)
    models, limits = registry_of(parameters), limits_of(chosen, config, state_dir)
    rows = compare(chosen, models, move=move, days_max=limits.margin_parameters_age_days_max)
    accounts = standings(chosen, models)
    emit(
        margin_cost.show_data(chosen, accounts, rows, move=move, leverage=leverage),
        margin_cost.show_lines(chosen, accounts, rows, move=move, width=width(), sources=sources),
        as_json=as_json,
    )


def what_if(
    order: Annotated[str, typer.Argument(help='An order in words: "sell 2 BTC perp on bybit".')],
    book: BookOption = None,
    leverage: LeverageOption = None,
    parameters: ParametersOption = None,
    config: ConfigOption = None,
    state_dir: StateDirOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Show what one order would do to the margin, and whether the margin gate would let it pass. Sends nothing.

    On a running daemon its own gate answers, and the venue's own what-if stands beside it where the venue has one.
    Exit code: 0 it would pass, 6 it would be cut or refused, 5 that is unknown.
    """
    chosen = assumed(chosen_book(book, config, state_dir), leverage)
    models = registry_of(parameters)
    wanted = read_order(order, tuple(one.underlying for one in chosen.underlyings), models.venues)
    wanted = msgspec.structs.replace(wanted, venue=wanted.venue or only_venue(chosen))
    there = [one for one in chosen.accounts if one.venue == wanted.venue]
    if book is None and any(one.watched for one in there):
        # What is held there is not in this book: no model on it could stand beside the daemon's answer.
        answers = [_by_daemon(config, state_dir, wanted)]
    else:
        answers = _by_model(chosen, wanted, models, limits_of(chosen, config, state_dir))
        if book is None and there:
            own = _by_daemon(config, state_dir, wanted)
            answers = [own, *(one for one in answers if one.mode != own.mode)]
    emit(margin_what_if.data(answers), margin_what_if.lines(answers, width()), as_json=as_json)
    raise typer.Exit(code_of(answers[0]))


def code_of(answer: WhatIf) -> int:
    """0 for an order that passes whole, 6 for one that does not, 5 where nobody knows."""
    return _CODES[answer.verdict]


def _by_model(book: RiskBook, wanted: WantedOrder, models: "Registry", limits: LimitSettings) -> list[WhatIf]:
    """One answer for each mode of the venue that has a model; the account's own mode first."""
    from hedgebot.core.what_if import what_if as on_model

    own = next((one.margin_mode for one in book.accounts if one.venue == wanted.venue), "")
    found = [on_model(book, wanted, one, limits) for one in models if one.venue == wanted.venue]
    if not found:
        missing = [mode for venue, mode in models.missing if venue == wanted.venue]
        models.of(wanted.venue, missing[0] if missing else MarginMode.CROSS)  # says why there is none
    return sorted(found, key=lambda one: (one.mode != own, one.before is None, one.mode != MarginMode.CROSS))


def _by_daemon(config: Path | None, state_dir: Path | None, wanted: WantedOrder) -> WhatIf:
    place = find_place(config, state_dir).state_dir
    order: dict[str, Any] = msgspec.to_builtins(wanted)
    answer = checked(ask(place, "margin-what-if", timeout_s=ANSWER_S_MAX, order=order))
    return msgspec.convert(answer.data or {}, WhatIf, strict=False)


# --- what the verbs share --------------------------------------------------------------------------------------------


def chosen_book(book: Path | None, config: Path | None, state_dir: Path | None) -> RiskBook:
    """The daemon's book, or a file's; DataError for one without a priced underlying."""
    chosen = book_from_file(book) if book is not None else book_from_daemon(config, state_dir)
    if not chosen.underlyings:
        raise DataError("the book has no underlying with a price yet: there is nothing to ask margin for")
    return chosen


def assumed(book: RiskBook, leverage: float | None) -> RiskBook:
    """The book with a leverage where it has none."""
    if leverage is None:
        return book
    linear = tuple(
        msgspec.structs.replace(one, leverage=leverage)
        if one.leverage is None and one.kind is not LegKind.COINS
        else one
        for one in book.linear
    )
    return msgspec.structs.replace(book, linear=linear)


def registry_of(parameters: list[str] | None) -> "Registry":
    """Every model, with the operator's own files."""
    from hedgebot.config.shipped import FILES
    from hedgebot.daemon.risk_files import read_registry

    own: dict[str, Path] = {}
    for given in parameters or []:
        venue, equals, path = given.partition("=")
        if not equals or venue not in FILES or not path:
            raise WrongUse(f"--parameters is {given!r}, it must be VENUE=FILE with a venue of {', '.join(FILES)}")
        own[venue] = Path(path)
    return read_registry(own)


def limits_of(book: RiskBook, config: Path | None, state_dir: Path | None) -> LimitSettings:
    """Hard limits of the configuration that was named; otherwise the defaults, and the book's own where it has them."""
    if config is not None:
        loaded = find_place(config, state_dir).config
        if loaded is not None:
            return loaded.engine_settings(0).limits
    return book.limits


def only_venue(book: RiskBook) -> str:
    """The venue of the book's accounts; WrongUse where there is none, or more than one."""
    venues = sorted({one.venue for one in book.accounts if one.venue and not one.watched})
    if len(venues) != 1:
        raise WrongUse(f"say where, as in: on bybit; the book's accounts are at {', '.join(venues) or 'no venue'}")
    return venues[0]


def width() -> int:
    """Columns of the terminal."""
    return max(shutil.get_terminal_size((80, 24)).columns, WIDTH_MIN)
