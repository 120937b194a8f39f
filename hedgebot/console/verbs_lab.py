"""`hedgebot lab reproduce`: every figure that is claimed, computed anew, beside the claim. Computes nothing itself."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hedgebot.console.errors import WrongUse
from hedgebot.console.output import emit
from hedgebot.console.place import JsonFlag
from hedgebot.domain.errors import ExitCode

if TYPE_CHECKING:
    from hedgebot.lab.reproduce import Verdict

_ID_WIDTH = 28


def register(app: typer.Typer) -> None:
    """Add `hedgebot lab ...` to the command line."""
    group = typer.Typer(no_args_is_help=True, help="The laboratory: figures computed anew.")
    group.callback()(lambda: None)
    group.command(epilog="Example: hedgebot lab reproduce --only 'modelA-*' --only example-w")(reproduce)
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
    from hedgebot.lab.reproduce import CASES, chosen, find_recordings, read_cases
    from hedgebot.lab.reproduce import reproduce as run

    if data is not None and not data.is_dir():
        raise WrongUse(f"--data {data} is no folder; it must hold the sets of recorded data")
    rows = chosen(read_cases(cases or CASES), only or ())
    checkout = Path(__file__).resolve().parents[2]
    setting = Setting(data=data or find_recordings((Path.cwd() / "here", Path.cwd(), checkout)), effort=effort)
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
