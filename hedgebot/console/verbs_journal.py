"""Verbs that read the journal, with or without a daemon: journal tail, export, verify, replay, audit, and explain."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from hedgebot.console import place as common
from hedgebot.console.auditing import account_data, account_lines, holds
from hedgebot.console.explaining import story_lines
from hedgebot.console.output import emit, plain, table
from hedgebot.console.place import find_place
from hedgebot.console.words import clock
from hedgebot.domain.commands import (
    RecordDecision,
    RecordLatch,
    RecordMode,
    RecordMove,
    RecordOperator,
    RecordRefusal,
    RecordRegime,
    SubmitOrder,
)
from hedgebot.domain.errors import ExitCode
from hedgebot.domain.events import FillReceived
from hedgebot.domain.kill import scope_key
from hedgebot.journal.query import JournalReader, Recorded

RESTORE = (
    "Do not trade on it: keep this state directory as evidence, restore a backup of the whole one, and let the start "
    "reconcile it with the venue."
)


def register(app: typer.Typer) -> None:
    """Add `hedgebot journal ...` and `hedgebot explain` to the command line."""
    group = typer.Typer(no_args_is_help=True, help="Read, check, export and replay the journal.")
    group.command(epilog="Example: hedgebot journal tail --count 20")(tail)
    group.command(epilog="Example: hedgebot journal export --format csv --out journal.csv")(export)
    group.command(epilog="Example: hedgebot journal verify")(verify)
    group.command(epilog="Example: hedgebot journal replay --verify")(replay)
    group.command(epilog="Example: hedgebot journal audit --json")(audit)
    app.add_typer(group, name="journal")
    app.command(epilog="Example: hedgebot explain 4b00 (any unambiguous part of a client id), hedgebot explain 1042")(
        explain
    )


def tail(
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=100_000, help="How many rows.")] = 20,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Show the newest rows of the journal, newest last."""
    with JournalReader(find_place(config, state_dir).state_dir) as reader:
        rows = reader.tail(count)
    lines = table([(str(row.row), clock(row.at_ns), row.kind, plain(row.subject), _gist(row)) for row in rows])
    emit(rows, lines, as_json=as_json)


def export(
    form: Annotated[str, typer.Option("--format", help="jsonl or csv.")] = "jsonl",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A file. Default: standard output.")] = None,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Write all rows for other programs. The same journal gives the same bytes."""
    with JournalReader(find_place(config, state_dir).state_dir) as reader:
        if out is None:
            reader.export(form, sys.stdout)
            return
        with out.open("w", encoding="utf-8", newline="") as file:
            rows = reader.export(form, file)
    emit({"rows": rows, "file": str(out)}, [f"{rows} rows in {out}"], as_json=as_json)


def verify(
    anchors: Annotated[
        Path | None,
        typer.Option(
            "--anchors", help="A copy of the anchors that was kept on another machine: a cut end shows by it."
        ),
    ] = None,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Check that the journal is whole and unchanged: keyed chain, anchors, numbering, orders, tape.

    Exit code: 0 no problems, 6 problems.
    """
    from hedgebot.journal.verify import verify as check

    report = check(find_place(config, state_dir).state_dir, anchors)
    head = (
        f"{len(report.problems)} problems: {report.rows} rows, {report.runs} runs, {report.orders} orders, "
        f"{report.market_events} market events; head {report.head_row} {report.head_hash[:16]}"
    )
    remedy = [RESTORE] if report.problems else []
    emit(report, [head, *_findings(report.problems, report.notes), *remedy], as_json=as_json)
    raise typer.Exit(ExitCode.REFUSED if report.problems else ExitCode.OK)


def replay(
    verify_commands: Annotated[
        bool, typer.Option("--verify/--no-verify", help="Hold every command against the journal's.")
    ] = True,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Run the engine again over everything it saw; with --verify every command must come out the same.

    Exit code: 0 no problems, 6 problems.
    """
    from hedgebot.console.replaying import replay_journal

    report = replay_journal(find_place(config, state_dir).state_dir, verify=verify_commands)
    head = (
        f"{len(report.problems)} problems: {report.events} events and {report.commands} commands, "
        f"{report.runs} runs, {report.seconds:.2f} s, {report.events_per_second:,.0f} events/s"
    )
    emit(report, [head, *_findings(report.problems, report.notes)], as_json=as_json)
    raise typer.Exit(ExitCode.REFUSED if report.problems else ExitCode.OK)


def audit(
    config: common.ConfigOption = None, state_dir: common.StateDirOption = None, as_json: common.JsonFlag = False
) -> None:
    """Check the cash: opening wallet + executions + funding must be the wallet that the venue reports, for every coin.

    A second book, kept apart from the engine's. A deposit or a transfer is no execution and shows as a difference.
    Exit code: 0 equal, 3 a coin differs or nothing could be compared.
    """
    from hedgebot.journal.audit import audit as check

    found = check(find_place(config, state_dir).state_dir)
    good = bool(found) and all(holds(one) for one in found)
    lines = [line for one in found for line in account_lines(one)] or ["this journal has no wallet yet"]
    emit({"equal": good, "accounts": [account_data(one) for one in found]}, lines, as_json=as_json)
    raise typer.Exit(ExitCode.OK if good else ExitCode.DEGRADED)


def explain(
    hedge: Annotated[str, typer.Argument(help="A hedge: its client id (or part of it), or a decision's number.")],
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Tell one hedge from the event that caused it to its last fill, with every number that decided."""
    with JournalReader(find_place(config, state_dir).state_dir) as reader:
        story = reader.explain(hedge)
    emit(story, story_lines(story), as_json=as_json)


def _findings(problems: tuple[str, ...], notes: tuple[str, ...]) -> Iterator[str]:
    yield from (f"  problem: {plain(one)}" for one in problems)
    yield from (f"  note: {plain(one)}" for one in notes)


def _gist(row: Recorded) -> str:
    """What a row says, in a few words."""
    match row.value:
        case RecordDecision() as decision:
            return plain(decision.explanation)
        case SubmitOrder(approved=approved, client_id=client_id):
            intent = approved.intent
            return f"{intent.side} {intent.qty_contracts} at {intent.limit_price} as {client_id}"
        case FillReceived() as fill:
            return plain(f"{fill.side} {fill.qty_contracts} at {fill.price}, order {fill.client_id or 'not ours'}")
        case RecordMode() as mode:
            return plain(f"{mode.before} -> {mode.after}: {mode.reason}")
        case RecordRefusal(refused=refused, left_out=left_out):
            return plain(refused.explanation + (f" ({left_out} more since the row before)" if left_out else ""))
        case RecordOperator() as word:
            return plain(f"{word.operator}: {word.action}: {word.explanation}")
        case RecordMove() | RecordRegime() as told:
            return plain(f"{told.account}: {told.why}")
        case RecordLatch() as latch:
            what = f"{latch.action}{' done' if latch.done else ''}" if latch.held else "lifted"
            return plain(f"{scope_key(latch.scope, latch.name)}: {what}: {latch.operator}: {latch.reason}")
        case _:
            return row.client_id or ""
