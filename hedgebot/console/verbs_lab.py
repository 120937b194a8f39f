"""`hedgebot lab ...`: claimed figures computed anew, policies compared on recorded minutes. Computes nothing itself."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hedgebot.console.errors import WrongUse
from hedgebot.console.output import emit, table
from hedgebot.console.place import JsonFlag
from hedgebot.console.verbs_floor import floor
from hedgebot.console.verbs_quotes import quotes
from hedgebot.domain.errors import DataError, ExitCode

if TYPE_CHECKING:
    from hedgebot.lab.minuteworld import Compared
    from hedgebot.lab.reproduce import Verdict

_ID_WIDTH = 28
_DAY_MINUTES = 1_440
_DEVIATIONS = (0.03, 0.05, 0.075, 0.10, 0.15, 0.20)


def register(app: typer.Typer) -> None:
    """Add `hedgebot lab ...` to the command line."""
    group = typer.Typer(no_args_is_help=True, help="The laboratory: figures computed anew.")
    group.callback()(lambda: None)
    group.command(epilog="Example: hedgebot lab reproduce --only 'modelA-*' --only example-w")(reproduce)
    group.command(epilog="Example: hedgebot lab greeks --data ../shared/data")(greeks)
    group.command(epilog="Example: hedgebot lab frontier --minutes BTC_1m.parquet --funding BTC_funding.parquet")(
        frontier
    )
    group.command(
        epilog="Example: hedgebot lab quotes config/mine.toml quotes.parquet --hold bybit:inverse:BTCUSD=5000000"
    )(quotes)
    group.command(epilog="Example: hedgebot lab floor BTC=BTC_1h.csv --book book.json --config config/mine.toml")(floor)
    app.add_typer(group, name="lab")


def reproduce(
    cases: Annotated[Path | None, typer.Option("--cases", help="CSV of claims. Default: the ones that ship.")] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Id of a row, * and ? allowed; again for more.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder of recorded data. Default: ../shared/data, where there is one."),
    ] = None,
    effort: Annotated[
        float, typer.Option("--effort", min=0.01, max=20.0, help="Share of the simulated paths; less is less exact.")
    ] = 1.0,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processes. Default: one a core.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Recompute each row of the hedging reference: value, expected, tolerance, verdict.

    All of it takes some minutes. Rows on recorded prices are skipped, saying why, where the data is absent. Exit code:
    0 every computed row is inside its tolerance, 1 one is not.
    """
    from hedgebot.lab.experiment import Setting
    from hedgebot.lab.reproduce import CASES, chosen, read_cases
    from hedgebot.lab.reproduce import reproduce as run

    if data is not None and not data.is_dir():
        raise WrongUse(f"--data {data} is no folder; it must hold the sets of recorded data")
    rows = chosen(read_cases(cases or CASES), only or ())
    setting = Setting(data=data or _recordings(), effort=effort)
    began_s = time.monotonic()
    verdicts: list[Verdict] = []
    for some in run(rows, setting, workers=workers):
        verdicts += some
        if not as_json:
            sys.stdout.writelines(f"{line(one)}\n" for one in some)
            sys.stdout.flush()
    counts = {
        "inside": sum(one.passed is True for one in verdicts),
        "outside": sum(one.passed is False for one in verdicts),
        "skipped": sum(one.passed is None for one in verdicts),
    }
    seconds = time.monotonic() - began_s
    data_out = {
        "rows": [
            {**one.case._asdict(), "found": one.found, "passed": one.passed, "note": one.note} for one in verdicts
        ],
        **counts,
        "effort": effort,
        "seconds": seconds,
    }
    last = f"{counts['inside']} inside, {counts['outside']} outside, {counts['skipped']} skipped, in {seconds:.0f} s"
    emit(data_out, [last if effort == 1.0 else f"{last} (at {effort:g} of the paths)"], as_json=as_json)
    raise typer.Exit(ExitCode.FAILED if counts["outside"] else ExitCode.OK)


def line(verdict: "Verdict") -> str:
    """One row for people."""
    case = verdict.case
    word = {True: "inside", False: "OUTSIDE", None: "skipped"}[verdict.passed]
    if verdict.found is None:
        return f"{case.id:<{_ID_WIDTH}} {word:<8} {verdict.note}"
    return (
        f"{case.id:<{_ID_WIDTH}} {word:<8} {verdict.found:>13.6g}  expected {case.value:<10.6g} {case.tolerance:<10} "
        f"{case.quantity}"
    )


def greeks(
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of recorded data. Default: ../shared/data.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Hold our greeks against the ones that Deribit published: the largest error by tenor and moneyness.

    Reads the recorded chains m18 (synchronous) and m19 (not synchronous) in the folder; one that is absent is left out.
    """
    from hedgebot.lab.published import CAPTURES, TICKERS, read_captures, read_tickers

    folder = data or _recordings()
    sources = {
        TICKERS: (read_tickers, folder / TICKERS if folder else None),
        CAPTURES: (read_captures, folder / CAPTURES / "deribit_btc_eth_chain_6h.parquet" if folder else None),
    }
    there = {name: read(path) for name, (read, path) in sources.items() if path is not None and path.exists()}
    if not there:
        raise WrongUse(
            f"neither {TICKERS} nor {CAPTURES} is in {folder or 'a folder ../shared/data'}; name one with --data"
        )
    lines: list[str] = []
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name, rows in there.items():
        for greek in [one for one in ("delta", "gamma", "vega") if one in rows.columns]:
            cells = rows.cells(greek)
            lines += [f"largest error of {greek}, {len(rows.days)} rows of {name}", *_cells_table(cells), ""]
            found.setdefault(name, {})[greek] = {f"{tenor}, {wing}": value for (tenor, wing), value in cells.items()}
    emit(found, lines[:-1], as_json=as_json)


def _cells_table(cells: dict[tuple[str, str], float]) -> list[str]:
    from hedgebot.lab.published import TENORS, WINGS

    rows = [
        (tenor, *(f"{cells[tenor, wing]:.2e}" if (tenor, wing) in cells else "-" for wing in WINGS)) for tenor in TENORS
    ]
    return table([("expires in", *(f"|ln K/F| {wing}" for wing in WINGS)), *rows])


def _recordings() -> Path | None:
    """Recorded data beside the folder of work or the checkout."""
    from hedgebot.lab.reproduce import find_recordings

    return find_recordings((Path.cwd() / "here", Path.cwd(), Path(__file__).resolve().parents[2]))


def frontier(
    minutes: Annotated[Path, typer.Option("--minutes", help="Recorded minutes with perp_mark and index_price.")],
    funding: Annotated[Path, typer.Option("--funding", help="Recorded funding settlements of the same time.")],
    days: Annotated[int, typer.Option("--days", min=1, max=365, help="Days of each call that is hedged.")] = 30,
    check: Annotated[int, typer.Option("--check", min=1, max=60, help="Minutes between two checks.")] = 1,
    report: Annotated[Path | None, typer.Option("--report", help="Write the picture there, as SVG.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Compare our band, a fixed one to its edge or to zero, and fixed times: cost against tracking error.

    On recorded minutes with their real funding. A call at the money is sold each day and hedged with the perpetual
    until it expires; its volatility is known. The tracking error is against the exact hedge at every check.
    """
    from hedgebot.exchange.recording import read_funding, read_minutes
    from hedgebot.lab.minuteworld import compare, world_of

    if _DAY_MINUTES % check:
        raise WrongUse(f"--check is {check}, it must divide a day of {_DAY_MINUTES} minutes (1, 5, 15, 60 ...)")
    if report is not None and not report.absolute().parent.is_dir():
        raise WrongUse(f"--report {report}: there is no folder {report.absolute().parent}")
    world = world_of(read_minutes(minutes), read_funding(funding), days=days)._replace(check=check)
    found = compare(world)
    subtitle = f"{found.windows} calls of {days} days, one sold each day; checks every {check} min; 5 bp one way"
    if report is not None:
        report.write_text(_picture(found, subtitle), encoding="utf-8")
    costs = {
        name: {f"{100 * at:g}": _cost(line.cost_at, at) for at in _DEVIATIONS} for name, line in found.lines.items()
    }
    lines = [subtitle, *_frontier_table(found, costs)]
    data = {"windows": found.windows, "floor": found.floor, "cost_percent": costs, "funding": found.funding}
    emit(data, lines, as_json=as_json)


def _picture(found: "Compared", subtitle: str) -> str:
    from hedgebot.console.charts import frontier_chart

    percent = [
        (name, [(100.0 * one, 100.0 * two) for one, two in zip(line.deviation, line.cost, strict=True)])
        for name, line in found.lines.items()
    ]
    return frontier_chart(
        percent,
        title=subtitle,
        error="tracking error against the exact hedge, % of the premium",
        cost="cost of trading, % of the premium",
        logarithmic=True,
    )


def _cost(cost_at: Callable[[float], float], deviation: float) -> float | None:
    """Cost in percent of the premium; None where the sweep did not reach."""
    try:
        return 100.0 * cost_at(deviation)
    except DataError:
        return None


def _frontier_table(found: "Compared", costs: dict[str, dict[str, float | None]]) -> list[str]:
    from hedgebot.lab.minuteworld import TO_ZERO

    rows = [("cost, % of the premium, at", *(f"{100 * at:g} %" for at in _DEVIATIONS), "funding")]
    for name, cells in costs.items():
        texts = []
        for at, value in cells.items():
            zero = costs[TO_ZERO][at]
            change = f" ({100 * (value / zero - 1):+.0f} %)" if value is not None and zero and name != TO_ZERO else ""
            texts.append("-" if value is None else f"{value:.3f}{change}")
        rows.append((name, *texts, f"{100 * found.funding[name]:+.2f} %"))
    return [
        *table(rows),
        "In brackets: against the fixed band to zero. Funding: what the hedge paid, of the premium, beside the cost.",
        f"The exact hedge itself leaves {100 * found.floor:.1f} % of the premium, whatever the policy.",
    ]
