"""`hedgebot stress`: what a bad day would do to the book, and whether its VaR was right. Computes nothing itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from hedgebot.console.control import ask
from hedgebot.console.errors import WrongUse
from hedgebot.console.margin_cost import use_words
from hedgebot.console.output import emit, plain, table
from hedgebot.console.place import ConfigOption, JsonFlag, StateDirOption, find_place
from hedgebot.console.replies import checked
from hedgebot.domain.errors import DataError, ExitCode
from hedgebot.domain.riskbook import NO_MARGIN_REPORTED, RiskBook

if TYPE_CHECKING:
    from hedgebot.margin.stress_margin import Outcome, StressReport
    from hedgebot.margin.tail_risk import TailRisk
    from hedgebot.margin.var_backtest import Backtest

TAILS_PER_MILLE = (10, 25)


def register(app: typer.Typer) -> None:
    """Add `hedgebot stress` to the command line."""
    app.command(epilog="Example: hedgebot stress --book book.json; hedgebot stress --backtest --closes BTC=BTC_d.csv")(
        stress
    )


def stress(  # noqa: PLR0913, PLR0917  (one parameter for each flag)
    book: Annotated[
        Path | None, typer.Option("--book", help="A book in a file in place of the running daemon's; see --save.")
    ] = None,
    save: Annotated[Path | None, typer.Option("--save", help="Write the daemon's book there, as JSON.")] = None,
    scenarios: Annotated[
        Path | None, typer.Option("--scenarios", help="Stress scenarios. Default: those shipped.")
    ] = None,
    history: Annotated[Path | None, typer.Option("--history", help="Daily closes. Default: those shipped.")] = None,
    backtest: Annotated[
        bool, typer.Option("--backtest", help="Test the VaR on recorded days: Kupiec and Christoffersen.")
    ] = False,
    closes: Annotated[
        list[str] | None,
        typer.Option("--closes", help="COIN=FILE of closes, CSV or Parquet; again for more. In place of --history."),
    ] = None,
    config: ConfigOption = None,
    state_dir: StateDirOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Revalue the book in a grid of shocks and in days that happened; say which is worst and what margin it leaves.

    With --backtest: long and short each coin, and the book of --book, held through recorded days. Exit code: 0, or 1
    where a test rejects the VaR.
    """
    if backtest:
        _backtest(closes, book, as_json=as_json)
        return
    if closes and history is not None:
        raise WrongUse("--closes and --history are two histories; give one of them")
    from hedgebot.daemon.risk_files import read_history, read_stress, read_tiers
    from hedgebot.margin.stress_margin import report
    from hedgebot.margin.tail_risk import tail_risk

    chosen = book_from_file(book) if book is not None else book_from_daemon(config, state_dir)
    if save is not None:
        _write(save, chosen)
    found = tail_risk(chosen, read_history(history, _named_files(closes)))
    if not chosen.underlyings:
        raise DataError("the book has no underlying with a price yet: there is nothing to stress")
    told = report(chosen, read_stress(scenarios), read_tiers())
    emit(
        {"tail": found, "stress": told, "unknown": chosen.unknown, "at_ns": chosen.at_ns},
        [*_tail_lines(chosen, found), "", *_stress_lines(chosen, told)],
        as_json=as_json,
    )


def _named_files(words: list[str] | None) -> dict[str, Path]:
    from hedgebot.console.risk_backtest import named_files

    return named_files(words or [])


def book_from_daemon(config: Path | None, state_dir: Path | None) -> RiskBook:
    """The running daemon's book."""
    data = checked(ask(find_place(config, state_dir).state_dir, "risk-book")).data or {}
    return msgspec.convert(data, RiskBook, strict=False)


def book_from_file(path: Path) -> RiskBook:
    """A book that was saved, or written by hand."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=RiskBook, strict=False)
    except OSError as error:
        raise WrongUse(f"--book {path} cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise WrongUse(f"--book {path} is no book of ours: {error}") from error


def _write(path: Path, book: RiskBook) -> None:
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(book), indent=1) + b"\n")
    except OSError as error:
        raise WrongUse(f"--save {path} cannot be written: {error.strerror}") from error


def _tail_lines(book: RiskBook, found: "TailRisk") -> list[str]:
    if found.es_usd is None or found.var_usd is None:
        return [f"expected shortfall: unknown, {plain(found.problem)}"]
    equity = book.equity_usd
    share = ", equity is unknown"
    if equity is not None:
        ratio = f"{found.es_usd / equity:.2%} of" if equity > 0.0 else "and no equity is left:"
        share = f", {ratio} equity {equity:,.0f} USD"
    how = f"({found.scenarios} filtered scenarios, full revaluation)"
    lines = [
        f"one day at 97.5 %: expected shortfall {found.es_usd:,.0f} USD{share}; VaR {found.var_usd:,.0f} USD {how}"
    ]
    if found.vol_day:
        lines.append("scaled to " + ", ".join(f"{name} {vol:.2%} a day" for name, vol in found.vol_day.items()))
    lines += [f"ASSUMED: {plain(one)}" for one in found.assumed]
    if found.stale_days:
        lines.append(f"the newest return is {found.stale_days} days old")
    return lines


def _stress_lines(book: RiskBook, told: "StressReport") -> list[str]:
    head = ("spot", *(f"vol {one:+.0%}" for one in told.vol))
    rows = [
        (f"{move:+.0%}", *(f"{profit:,.0f}" for profit in row)) for move, row in zip(told.spot, told.table, strict=True)
    ]
    days = [("day", "profit", "prices", "basis", "funding", "hedging", "margin use")]
    days += [
        (
            plain(one.name),
            f"{one.profit_usd:,.0f}",
            f"{one.price_usd:,.0f}",
            f"{one.basis_usd:,.0f}",
            f"{one.funding_usd:,.0f}",
            f"{one.liquidity_usd:,.0f}",
            use_words(one.margin_use),
        )
        for one in told.days
    ]
    missing = [f"NOT IN THESE NUMBERS: {plain(one)}" for one in book.unknown]
    unsaid = [one for one in book.accounts if one.maintenance_margin_usd is not None and book.believed(one) is not one]
    missing += [f"margin of {plain(one.account)}: {NO_MARGIN_REPORTED}" for one in unsaid]
    return [
        f"profit in USD, the worst over basis, funding and cross moves ({told.scenarios} scenarios, {plain(told.id)})",
        *table([head, *rows]),
        "",
        *table(days),
        "",
        f"worst for the book: {_told(told.worst)}",
        *([f"worst for margin: {_told(told.worst_margin)}"] if told.worst_margin else []),
        f"margin use now {use_words(told.margin_use_now)}; {_meaning(book, told)}",
        f"margin: {told.margin_model}",
        *missing,
    ]


def _told(one: "Outcome") -> str:
    use = use_words(one.margin_use)
    return f"{plain(one.name)}: {one.profit_usd:,.0f} USD, margin use of {plain(one.account)} {use}"


def _meaning(book: RiskBook, told: "StressReport") -> str:
    """What the worst margin use would bring."""
    worst = told.worst_margin
    use = worst.margin_use if worst else None
    if worst is None or use is None:
        return "what a stress would leave of margin is unknown"
    if use >= 1.0:
        return "the worst of these would have the account liquidated"
    raised = any(one.floor_raised for one in book.accounts if one.account == worst.account)
    if use > (floor := book.limits.floor_use(raised=raised)):
        return f"the worst would bring the book to REDUCING (above {floor:.0%})"
    if use > book.margin_use_alert:
        return f"the worst would raise MarginBufferLow (above {book.margin_use_alert:.0%})"
    return f"the worst stays below the alert at {book.margin_use_alert:.0%}"


def _backtest(closes: list[str] | None, book: Path | None, *, as_json: bool) -> None:
    from hedgebot.console.risk_backtest import backtests, daily_returns

    names, returns = daily_returns(closes or [])
    rows = backtests(names, returns, None if book is None else book_from_file(book), TAILS_PER_MILLE)
    words: list[tuple[str, ...]] = []
    words += [("book", "level", "days", "exceptions", "expected", "Kupiec p", "Christoffersen p", "loss/ES", "verdict")]
    words += [_backtest_row(one) for one in rows]
    emit([msgspec.to_builtins(one) | {"passed": one.passed} for one in rows], table(words), as_json=as_json)
    raise typer.Exit(ExitCode.OK if all(one.passed for one in rows) else ExitCode.FAILED)


def _backtest_row(one: "Backtest") -> tuple[str, ...]:
    ratio = "-" if one.es_ratio is None else f"{one.es_ratio:.2f}"
    verdict = "not rejected" if one.passed else "REJECTED"
    counts = f"{one.level:.1%}", str(one.days), str(one.exceptions), f"{one.expected:.1f}"
    return (plain(one.name), *counts, f"{one.kupiec_p:.4f}", f"{one.christoffersen_p:.4f}", ratio, verdict)
