"""Verbs that ask or tell the running daemon: status, why-not, health, enable, disable, pause. Decides nothing.

Two classes (safety reference section 9): the safe direction (disable, pause) needs no more than the word; the risk
direction (enable) needs a phrase typed out, and shows what it would do with --dry-run.
"""

from typing import Annotated

import typer

from hedgebot.console import place as common
from hedgebot.console.control import ask
from hedgebot.console.errors import WrongUse
from hedgebot.console.greeks import greeks_data, greeks_lines
from hedgebot.console.output import emit, plain
from hedgebot.console.place import find_place
from hedgebot.console.replies import (
    WORD_TIMEOUT_S,
    checked,
    confirm_or_show,
    exposure_now,
    say,
    snapshot_of,
    user_name,
)
from hedgebot.console.snapshot import BookSnapshot, UnderlyingRow, read_snapshot
from hedgebot.console.words import status_lines
from hedgebot.domain.errors import ExitCode

StrategyArgument = Annotated[str, typer.Argument(help="Name of a configured strategy, for example delta_neutral.")]


def register(app: typer.Typer) -> None:
    """Add these verbs to the command line."""
    app.command(epilog="Example: hedgebot status --json")(status)
    app.command("why-not", epilog="Example: hedgebot why-not BTC")(why_not)
    app.command(epilog="Example: hedgebot greeks BTC --json")(greeks)
    app.command(epilog="Example: hedgebot health --live")(health)
    app.command(epilog='Example: hedgebot enable delta_neutral --confirm "enable delta_neutral"')(enable)
    app.command(epilog="Example: hedgebot disable delta_neutral")(disable)
    app.command(epilog='Example: hedgebot pause --reason "maintenance at noon"')(pause)


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
    book = snapshot_of(find_place(config, state_dir)).book
    reasons = {one.underlying: one.why_not for one in _chosen(book, underlying)}
    emit(
        {"mode": book.mode, "mode_reason": book.mode_reason, "why_not": reasons},
        [f"book {book.mode}: {plain(book.mode_reason)}", *(f"{name}: {plain(why)}" for name, why in reasons.items())],
        as_json=as_json,
    )


def greeks(
    underlying: Annotated[str | None, typer.Argument(help="One underlying, for example BTC. Default: all.")] = None,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Say where the exposure stands: delta in coin and USD, gamma, vega, theta, by venue, account and instrument.

    Each number says its convention; rows are valued now, and what they do not explain of the net delta is shown.
    """
    chosen = _chosen(snapshot_of(find_place(config, state_dir)).book, underlying)
    emit({one.underlying: greeks_data(one) for one in chosen}, greeks_lines(chosen), as_json=as_json)


def _chosen(book: BookSnapshot, underlying: str | None) -> list[UnderlyingRow]:
    """One underlying of the book, or all of them; WrongUse for one that it does not have."""
    known = [one.underlying for one in book.underlyings]
    if underlying is not None and underlying not in known:
        raise WrongUse(f"{underlying} is not an underlying of this book (known: {', '.join(known) or 'none'})")
    return [one for one in book.underlyings if underlying in {None, one.underlying}]


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
    would = exposure_now(snapshot_of(where).book, f"let {strategy} hedge")
    confirm_or_show(f"enable {strategy}", confirm, would, dry_run=dry_run, as_json=as_json)
    say("enable", where, as_json=as_json, strategy=strategy, operator=operator or user_name(), reason=reason)


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
    say("disable", where, as_json=as_json, strategy=strategy, operator=operator or user_name(), reason=reason)


def pause(
    reason: common.ReasonOption = "no reason given",
    operator: common.OperatorOption = None,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Switch every strategy off in the running daemon: unfilled hedges are cancelled, positions stay as they are.

    No latch: `hedgebot enable STRATEGY` switches each on again, and a changed configuration decides anew.
    """
    where = find_place(config, state_dir)
    on = [name for name, enabled in snapshot_of(where).book.strategies.items() if enabled]
    told = []
    for strategy in on:
        answer = ask(
            where.state_dir,
            "disable",
            timeout_s=WORD_TIMEOUT_S,
            strategy=strategy,
            operator=operator or user_name(),
            reason=reason,
        )
        told.append(plain(str((checked(answer).data or {}).get("explanation") or f"{strategy} is off")))
    emit({"paused": on, "explanation": told}, told or ["no strategy was on: nothing is hedged"], as_json=as_json)
