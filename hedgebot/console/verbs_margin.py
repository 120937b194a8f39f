"""`hedgebot margin ...`: what margin costs, and whether our models of the venues are right."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from hedgebot.console import verbs_margin_cost
from hedgebot.console.errors import WrongUse
from hedgebot.console.output import emit, plain, table
from hedgebot.console.place import JsonFlag
from hedgebot.domain.errors import ExitCode

if TYPE_CHECKING:
    from hedgebot.margin.cases import Check, Verdict

CASE_FILES = ("margin_examples.json", "margin_derive_pm2.json")
REFERENCE = Path("shared", "domain")


def register(app: typer.Typer) -> None:
    """Add `hedgebot margin ...` to the command line."""
    group = typer.Typer(no_args_is_help=True, help="What margin costs, and whether our models of venues are right.")
    group.callback()(lambda: None)
    group.command(epilog="Example: hedgebot margin verify --cases margin_examples.json --all")(verify)
    verbs_margin_cost.register(group)
    app.add_typer(group, name="margin")


def verify(
    cases: Annotated[
        list[Path] | None, typer.Option("--cases", help="A file of worked examples; again for more.")
    ] = None,
    frames: Annotated[
        list[Path] | None,
        typer.Option("--frames", help="Recorded account frames of venues; a file or folder, or more."),
    ] = None,
    show_all: Annotated[bool, typer.Option("--all", help="Every number, not only the cases.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Recompute published examples of venue margin and print how many digits agree.

    Without --cases the project's reference examples are looked for beside the checkout. Exit code: 0 every case is
    reproduced, 1 one is not. With --frames, recorded frames of accounts are normalised and held against our models
    instead: 1 a number differs, 3 a frame contradicts itself; what a frame lacks is said.
    """
    if frames:
        _verify_frames(frames, show_all=show_all, as_json=as_json)
    from hedgebot.margin.cases import parse_cases, worst
    from hedgebot.margin.recipes import recompute

    files = cases or _reference_files()
    verdicts = [recompute(case) for file in files for case in parse_cases(_content(file), file.name)]
    failed = sum(not one.passed for one in verdicts)
    numbers = sum(len(one.computed) for one in verdicts)
    head = (
        f"{len(verdicts) - failed} of {len(verdicts)} cases reproduced, {numbers} numbers, "
        f"the worst to {worst(verdicts)} digits of what was printed"
    )
    emit([_data(one) for one in verdicts], [*_lines(verdicts, show_all=show_all), head], as_json=as_json)
    raise typer.Exit(ExitCode.FAILED if failed or not verdicts else ExitCode.OK)


def _verify_frames(paths: list[Path], *, show_all: bool, as_json: bool) -> NoReturn:
    from hedgebot.console.margin_frames import report_lines, verify_frames

    report = verify_frames(paths)
    emit(report, report_lines(report, show_all=show_all), as_json=as_json)
    raise typer.Exit(report.exit_code)


def _reference_files() -> list[Path]:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / REFERENCE / CASE_FILES[0]).is_file():
            return [folder / REFERENCE / name for name in CASE_FILES]
    raise WrongUse(f"no {REFERENCE / CASE_FILES[0]} beside this folder: name a file of examples with --cases")


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise WrongUse(f"--cases {file} cannot be read: {error.strerror}") from error


def _lines(verdicts: list["Verdict"], *, show_all: bool) -> list[str]:
    rows = [("case", "model", "verdict", "digits", "numbers", "allowed difference")]
    notes: list[str] = []
    for one in verdicts:
        word = "ok" if one.passed else "DIFFERS"
        allowed = "as printed, or 1e-9" if one.case.tolerance is None else f"{one.case.tolerance:g}"
        count = f"{len(one.computed)}/{len(one.checks)}"
        rows.append((plain(one.case.id), one.model, word, str(one.digits), count, allowed))
        shown = [check for check in one.checks if show_all or not check.passed]
        notes += [f"  {plain(one.case.id)} {_told(check)}" for check in shown]
    return [*table(rows), *notes]


def _told(check: "Check") -> str:
    if check.found is None:
        return f"{plain(check.name)}: printed {check.expected}, not computed: {check.reason}"
    word = "" if check.passed else ", DIFFERS"
    return f"{plain(check.name)}: printed {check.expected}, ours {check.found:.15g}, {check.digits} digits{word}"


def _data(one: "Verdict") -> dict[str, object]:
    return {
        "case": one.case.id,
        "venue": one.case.venue,
        "model": one.model,
        "passed": one.passed,
        "digits": one.digits,
        "checks": one.checks,
    }
