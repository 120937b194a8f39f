"""Verbs of the kill switch: kill, reduce, unkill, and adopt or forget for an order that nobody can look up.

Two classes (safety reference section 9): kill and reduce need no more than the word; unkill, adopt and forget need a
phrase typed out. A kill writes its file here before it asks anybody: it works with the daemon dead.
"""

from typing import Annotated

import typer

from hedgebot import __version__
from hedgebot.console import place as common
from hedgebot.console.control import Answer, ask
from hedgebot.console.direct_kill import kill_directly
from hedgebot.console.errors import DaemonUnreachable, WrongUse, tell
from hedgebot.console.kill_scope import check_scope, chosen_scope
from hedgebot.console.output import emit, plain
from hedgebot.console.place import Place, find_place
from hedgebot.console.replies import (
    WORD_TIMEOUT_S,
    checked,
    confirm_or_show,
    exposure_now,
    say,
    snapshot_of,
    user_name,
)
from hedgebot.daemon.latch import file_name, kill_file_problem
from hedgebot.domain.errors import ExitCode, HedgebotError
from hedgebot.domain.kill import KillAction, KillScope, scope_key, scope_words

# The daemon verifies the whole journal before it answers.
UNKILL_TIMEOUT_S = 75.0

OrderOption = Annotated[str | None, typer.Option("--order", help="One order, by its client id.")]
StrategyOption = Annotated[str | None, typer.Option("--strategy", help="One strategy.")]
UnderlyingOption = Annotated[str | None, typer.Option("--underlying", help="One underlying, for example BTC.")]
AccountOption = Annotated[str | None, typer.Option("--account", help="One account, by its name in the configuration.")]
VenueOption = Annotated[str | None, typer.Option("--venue", help="One venue, for example bybit.")]
AllOption = Annotated[bool, typer.Option("--all", help="The whole book (default).")]
ActionOption = Annotated[
    KillAction,
    typer.Option(
        "--action",
        help="freeze: cancel, keep positions. reduce: only orders that reduce risk. hedge-to-flat: delta to zero, then "
        "freeze. flatten: close our hedge positions, then freeze.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add these verbs to the command line."""
    app.command(
        epilog='Example: hedgebot kill --reason "prices look wrong"; the daemon hangs: hedgebot kill --direct -c FILE'
    )(kill)
    app.command(epilog='Example: hedgebot reduce --underlying BTC --reason "event at noon"')(reduce)
    app.command(epilog='Example: hedgebot unkill --operator eve --reason "venue is back" --confirm "unkill demo"')(
        unkill
    )
    app.command(epilog='Example: hedgebot adopt ORDER --operator eve --evidence "filled 0.1 on the order page"')(adopt)
    app.command(epilog='Example: hedgebot forget ORDER --operator eve --evidence "support ticket 42"')(forget)


def kill(  # noqa: PLR0913, PLR0917  (one parameter for each flag)
    reason: common.ReasonOption = "no reason given",
    operator: common.OperatorOption = None,
    action: ActionOption = KillAction.FREEZE,
    order: OrderOption = None,
    strategy: StrategyOption = None,
    underlying: UnderlyingOption = None,
    account: AccountOption = None,
    venue: VenueOption = None,
    everything: AllOption = False,
    direct: Annotated[
        bool, typer.Option("--direct", help="Cancel at the venue from here, whether the daemon works or not.")
    ] = False,
    foreign: Annotated[
        bool, typer.Option("--foreign", help="With --direct: cancel everybody's orders, not only hedgebot's.")
    ] = False,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Stop the book, or a part of it, now: own orders cancelled, no new risk. Latched until `unkill`.

    Works with the daemon dead too: the kill file in the state folder stops the next start from trading. With --direct
    (which needs --config, for the keys) this process cancels at the venue itself and says what it could not prove.
    Exit code: 0 killed, 1 not killed, 5 killed but not proven that no order of ours is alive.
    """
    scope, name = chosen_scope(order, strategy, underlying, account, venue, everything=everything)
    if foreign and not direct:
        raise WrongUse("--foreign goes with --direct")
    where = find_place(config, state_dir)
    if direct and where.config is None:
        raise WrongUse("--direct needs --config FILE: the keys are looked up there")
    if direct and scope is KillScope.UNDERLYING:
        raise WrongUse("--direct knows orders by their client ids, which name no underlying: choose another scope")
    check_scope(where, scope, name, action)
    who = operator or user_name()
    problem = kill_file_problem(where.state_dir, who, reason, scope, name, action)
    if direct and where.config is not None:
        if problem:
            tell(f"{problem}: a restart may forget this kill", ExitCode.FAILED)
        kill_directly(
            where.config, who, reason, scope=scope, name=name, action=action, foreign=foreign, as_json=as_json
        )
        return
    _tell_daemon(where, who, reason, scope, name, action, problem, as_json=as_json)


def reduce(  # noqa: PLR0913, PLR0917  (one parameter for each flag)
    reason: common.ReasonOption = "no reason given",
    operator: common.OperatorOption = None,
    strategy: StrategyOption = None,
    underlying: UnderlyingOption = None,
    account: AccountOption = None,
    venue: VenueOption = None,
    everything: AllOption = False,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Let only orders out that reduce risk: the same latch as `kill --action reduce`. Latched until `unkill`."""
    scope, name = chosen_scope(None, strategy, underlying, account, venue, everything=everything)
    where = find_place(config, state_dir)
    check_scope(where, scope, name, KillAction.REDUCE)
    who = operator or user_name()
    problem = kill_file_problem(where.state_dir, who, reason, scope, name, KillAction.REDUCE)
    _tell_daemon(where, who, reason, scope, name, KillAction.REDUCE, problem, as_json=as_json)


def unkill(  # noqa: PLR0913, PLR0917  (one parameter for each flag)
    operator: Annotated[str, typer.Option("--operator", help="Who says so; journaled.")],
    reason: Annotated[str, typer.Option("--reason", help="What was wrong and why it is over; journaled.")],
    reviewed: Annotated[
        list[str] | None,
        typer.Option(
            "--reviewed",
            help="A cause, throttle, other latch or difference that you looked at, by its name; once for each.",
        ),
    ] = None,
    strategy: StrategyOption = None,
    underlying: UnderlyingOption = None,
    account: AccountOption = None,
    venue: VenueOption = None,
    order: OrderOption = None,
    everything: AllOption = False,
    confirm: common.ConfirmOption = None,
    dry_run: common.DryRunFlag = False,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Ask to lift a kill. A checklist decides; everything that is unmet is listed, and then nothing changes.

    Whoever names a difference with --reviewed accepts the venue's number for that position.
    """
    scope, name = chosen_scope(order, strategy, underlying, account, venue, everything=everything)
    where = find_place(config, state_dir)
    snapshot = snapshot_of(where)
    book = snapshot.daemon.book_name or where.state_dir.name
    phrase = f"unkill {book}" if scope is KillScope.ALL else f"unkill {book} {scope_key(scope, name)}"
    would = exposure_now(snapshot.book, f"lift the kill of {scope_words(scope, name)}")
    confirm_or_show(phrase, confirm, would, dry_run=dry_run, as_json=as_json)
    say(
        "unkill",
        where,
        as_json=as_json,
        timeout_s=UNKILL_TIMEOUT_S,
        operator=operator,
        reason=reason,
        scope=scope.value,
        name=name,
        reviewed=reviewed or [],
        version=__version__,
    )


def adopt(
    order: Annotated[str, typer.Argument(help="Client id of an order without a proven end.")],
    operator: Annotated[str, typer.Option("--operator", help="Who says so; journaled.")],
    evidence: Annotated[str, typer.Option("--evidence", help="What the venue shows, and where; journaled.")],
    confirm: common.ConfirmOption = None,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Say that the venue had an unknown order and that it has ended; the venue's positions judge what it did."""
    _resolve("adopt", order, operator, evidence, confirm, find_place(config, state_dir), as_json=as_json)


def forget(
    order: Annotated[str, typer.Argument(help="Client id of an order without a proven end.")],
    operator: Annotated[str, typer.Option("--operator", help="Who says so; journaled.")],
    evidence: Annotated[str, typer.Option("--evidence", help="Why it never got there; journaled.")],
    confirm: common.ConfirmOption = None,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Say that an unknown order never reached the venue; the venue's positions judge it."""
    _resolve("forget", order, operator, evidence, confirm, find_place(config, state_dir), as_json=as_json)


def _tell_daemon(
    where: Place,
    who: str,
    reason: str,
    scope: KillScope,
    name: str,
    action: KillAction,
    problem: str | None,
    *,
    as_json: bool,
) -> None:
    words = {"scope": scope.value, "name": name, "action": action.value, "operator": who, "reason": reason}
    try:
        answer: Answer | None = ask(where.state_dir, "kill", timeout_s=WORD_TIMEOUT_S, **words)
    except DaemonUnreachable as error:
        if problem:
            raise HedgebotError(f"NOT KILLED: {problem}, and {error}") from None
        answer = None
    if problem:
        tell(f"{problem}: a restart may forget this kill", ExitCode.FAILED)
    if answer is None:
        file = where.state_dir / file_name(scope, name)
        told = f"no daemon answered; the kill file {file} keeps {scope_words(scope, name)} killed from the next start"
        emit({"killed": True, "daemon": False, "explanation": told}, [told], as_json=as_json)
        return
    data = checked(answer).data or {}
    told = plain(str(data.get("explanation") or f"{scope_words(scope, name)} is killed"))
    unproven = [f"  not proven: {plain(str(one))}" for one in data.get("unproven") or ()]
    emit({"killed": True, "daemon": True} | data, [f"killed: {told}", *unproven], as_json=as_json)


def _resolve(
    verb: str, order: str, operator: str, evidence: str, confirm: str | None, where: Place, *, as_json: bool
) -> None:
    confirm_or_show(f"{verb} {order}", confirm, [], dry_run=False, as_json=as_json)
    say(verb, where, as_json=as_json, order=order, operator=operator, reason=evidence)
