"""Verbs that ask or tell the running daemon: status, why-not, health, kill, unkill, enable, disable. Decides nothing.

Two classes (safety reference section 9): the safe direction (kill, disable) needs no more than the word; the risk
direction (unkill, enable) needs a phrase typed out, and shows what it would do with --dry-run.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from hedgebot.console import place as common
from hedgebot.console.control import Answer, ask
from hedgebot.console.direct_kill import kill_directly
from hedgebot.console.errors import DaemonUnreachable, WrongUse, tell
from hedgebot.console.output import emit, plain
from hedgebot.console.place import Place, find_place
from hedgebot.console.replies import WORD_TIMEOUT_S, checked, user_name
from hedgebot.console.replies import confirm as confirm_phrase
from hedgebot.console.snapshot import BookSnapshot, Snapshot, read_snapshot
from hedgebot.console.words import status_lines
from hedgebot.domain.errors import ExitCode, HedgebotError

KILL_FILE = "KILL"

StrategyArgument = Annotated[str, typer.Argument(help="Name of a configured strategy, for example delta_neutral.")]


def register(app: typer.Typer) -> None:
    """Add these verbs to the command line."""
    app.command(epilog="Example: hedgebot status --json")(status)
    app.command("why-not", epilog="Example: hedgebot why-not BTC")(why_not)
    app.command(epilog="Example: hedgebot health --live")(health)
    app.command(
        epilog='Example: hedgebot kill --reason "prices look wrong"; the daemon hangs: hedgebot kill --direct -c FILE'
    )(kill)
    app.command(epilog='Example: hedgebot unkill --operator eve --reason "venue is back" --confirm "unkill demo"')(
        unkill
    )
    app.command(epilog='Example: hedgebot enable delta_neutral --confirm "enable delta_neutral"')(enable)
    app.command(epilog="Example: hedgebot disable delta_neutral")(disable)


def status(
    config: common.ConfigOption = None, state_dir: common.StateDirOption = None, as_json: common.JsonFlag = False
) -> None:
    """Say what the book is doing now: mode, net delta against its band, positions, margin, orders, alerts.

    Exit code: 0 active, 3 degraded, 4 halted, 5 no daemon answers.
    """
    where = find_place(config, state_dir)
    answer = checked(ask(where.state_dir, "status"))
    emit(answer.data, status_lines(read_snapshot(answer.data or {})), as_json=as_json)
    raise typer.Exit(answer.code)


def why_not(
    underlying: Annotated[str | None, typer.Argument(help="One underlying, for example BTC. Default: all.")] = None,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Say why the book is not being hedged at this moment, one sentence for each underlying."""
    book = _snapshot(find_place(config, state_dir)).book
    known = [one.underlying for one in book.underlyings]
    if underlying is not None and underlying not in known:
        raise WrongUse(f"{underlying} is not an underlying of this book (known: {', '.join(known) or 'none'})")
    reasons = {one.underlying: one.why_not for one in book.underlyings if underlying in {None, one.underlying}}
    emit(
        {"mode": book.mode, "mode_reason": book.mode_reason, "why_not": reasons},
        [f"book {book.mode}: {plain(book.mode_reason)}", *(f"{name}: {plain(why)}" for name, why in reasons.items())],
        as_json=as_json,
    )


def health(
    live: Annotated[bool, typer.Option("--live", help="Only whether the process lives.")] = False,
    ready: Annotated[bool, typer.Option("--ready", help="Whether it could hedge now (default).")] = False,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Say whether the daemon lives and is ready to hedge; for containers and monitors.

    Exit code: 0 yes, 1 not live, 3 not ready, 4 halted, 5 no daemon answers.
    """
    if live and ready:
        raise WrongUse("give --live or --ready, not both")
    answer = checked(ask(find_place(config, state_dir).state_dir, "health"))
    data = answer.data or {}
    reasons = data.get("not_live" if live else "not_ready") or []
    good = bool(data.get("live" if live else "ready"))
    what = "live" if live else "ready"
    emit(data, [what if good else f"not {what}", *(f"  {plain(str(one))}" for one in reasons)], as_json=as_json)
    raise typer.Exit(ExitCode.OK if good else answer.code or ExitCode.DEGRADED)


def kill(
    reason: common.ReasonOption = "no reason given",
    operator: common.OperatorOption = None,
    direct: Annotated[
        bool, typer.Option("--direct", help="Cancel at the venue from here, whether the daemon works or not.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--everything", help="With --direct: cancel everybody's orders, not only hedgebot's.")
    ] = False,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Halt the book now: no new orders, own orders cancelled, positions kept. Latched until `unkill`.

    Works with the daemon dead too: the kill file in the state folder stops the next start from trading. With --direct
    (which needs --config, for the keys) this process cancels at the venue itself and says what it could not prove.
    Exit code: 0 killed, 1 not killed, 5 killed but not proven that no order of ours is alive.
    """
    if everything and not direct:
        raise WrongUse("--everything goes with --direct")
    where = find_place(config, state_dir)
    if direct and where.config is None:
        raise WrongUse("--direct needs --config FILE: the keys are looked up there")
    who = operator or user_name()
    problem = write_kill_file(where.state_dir, who, reason)
    if direct and where.config is not None:
        if problem is not None:
            tell(f"{problem}: a restart may forget this kill", ExitCode.FAILED)
        kill_directly(where.config, who, reason, everything=everything, as_json=as_json)
        return
    try:
        answer: Answer | None = ask(where.state_dir, "kill", timeout_s=WORD_TIMEOUT_S, operator=who, reason=reason)
    except DaemonUnreachable as error:
        if problem is not None:
            raise HedgebotError(f"NOT KILLED: {problem}, and {error}") from None
        answer = None
    if problem is not None:
        tell(f"{problem}: a restart may forget this kill", ExitCode.FAILED)
    if answer is None:
        told = (
            f"no daemon answered; the kill file {where.state_dir / KILL_FILE} keeps the book halted from the next start"
        )
        emit({"killed": True, "daemon": False, "explanation": told}, [told], as_json=as_json)
        return
    data = checked(answer).data or {}
    told = plain(str(data.get("explanation") or "the book is halted"))
    emit({"killed": True, "daemon": True} | data, [f"killed: {told}"], as_json=as_json)


def unkill(
    operator: Annotated[str, typer.Option("--operator", help="Who says so; journaled.")],
    reason: Annotated[str, typer.Option("--reason", help="What was wrong and why it is over; journaled.")],
    confirm: common.ConfirmOption = None,
    dry_run: common.DryRunFlag = False,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Ask to leave HALTED. The engine's checklist decides; what is unmet is listed, and then nothing changes."""
    where = find_place(config, state_dir)
    snapshot = _snapshot(where)
    phrase = f"unkill {snapshot.daemon.book_name or where.state_dir.name}"
    _confirm(phrase, confirm, dry_run, _would(snapshot.book, "leave HALTED"), as_json)
    _say("unkill", where, as_json, operator=operator, reason=reason)


def enable(
    strategy: StrategyArgument,
    reason: common.ReasonOption = "no reason given",
    operator: common.OperatorOption = None,
    confirm: common.ConfirmOption = None,
    dry_run: common.DryRunFlag = False,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Switch a strategy on in the running daemon; journaled with who and why."""
    where = find_place(config, state_dir)
    _confirm(f"enable {strategy}", confirm, dry_run, _would(_snapshot(where).book, f"let {strategy} hedge"), as_json)
    _say("enable", where, as_json, strategy=strategy, operator=operator or user_name(), reason=reason)


def disable(
    strategy: StrategyArgument,
    reason: common.ReasonOption = "no reason given",
    operator: common.OperatorOption = None,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Switch a strategy off in the running daemon; positions stay as they are."""
    where = find_place(config, state_dir)
    _say("disable", where, as_json, strategy=strategy, operator=operator or user_name(), reason=reason)


def write_kill_file(state_dir: Path, operator: str, reason: str) -> str | None:
    """Write the kill file durably; the answer is a sentence when that failed."""
    path = state_dir / KILL_FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, f"killed by {operator}: {reason}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        return f"the kill file {path} could not be written ({error.strerror})"
    return None


def _confirm(phrase: str, given: str | None, dry_run: bool, would: list[str], as_json: bool) -> None:
    if dry_run:
        emit(
            {"dry_run": True, "would": would, "confirm": phrase},
            [*would, "dry run: nothing was changed"],
            as_json=as_json,
        )
        raise typer.Exit(ExitCode.OK)
    confirm_phrase(phrase, given)


def _would(book: BookSnapshot, action: str) -> list[str]:
    """What a verb of the risk direction would do, with the exposure it starts from."""
    lines = [f"would {action}; the book is {book.mode}: {plain(book.mode_reason)}"]
    for one in book.underlyings:
        delta = "unknown" if one.delta_coin is None else f"{one.delta_coin:+.4f} {one.underlying}"
        lines.append(f"  {one.underlying}: net delta {delta}, {plain(one.why_not)}")
    return lines


def _say(verb: str, where: Place, as_json: bool, **args: str) -> None:
    answer = checked(ask(where.state_dir, verb, timeout_s=WORD_TIMEOUT_S, **args))
    data = answer.data or {}
    emit(data, [f"{verb} taken: {plain(str(data.get('explanation') or 'done'))}"], as_json=as_json)


def _snapshot(where: Place) -> Snapshot:
    return read_snapshot(checked(ask(where.state_dir, "status")).data or {})
