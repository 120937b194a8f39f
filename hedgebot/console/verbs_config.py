"""Verbs about the configuration: show, validate, diff, apply. The rules are the config room's."""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hedgebot.config.canonical import is_slip
from hedgebot.console import place as common
from hedgebot.console.control import ask
from hedgebot.console.errors import DaemonUnreachable, WrongUse
from hedgebot.console.output import emit, plain
from hedgebot.console.place import find_place
from hedgebot.console.replies import WORD_TIMEOUT_S, checked, confirm, confirm_or_show, user_name
from hedgebot.domain.errors import ConfigError, JournalError

if TYPE_CHECKING:
    from hedgebot.config import Config

SECOND_STEP = re.compile(r"^[0-9a-f]{8}$")

FileArgument = Annotated[Path, typer.Argument(help="A book's configuration, a TOML file.")]


def register(app: typer.Typer) -> None:
    """Add `hedgebot config ...` to the command line."""
    group = typer.Typer(no_args_is_help=True, help="Show, check, compare and apply configurations.")
    group.command(epilog="Example: hedgebot config show config/demo.toml")(show)
    group.command(epilog="Example: hedgebot config validate config/bybit.example.toml --no-secrets")(validate)
    group.command(epilog="Example: hedgebot config diff old.toml new.toml")(diff)
    group.command(epilog='Example: hedgebot config apply config/demo.toml --confirm "apply demo"')(apply)
    group.command("confirm", epilog='Example: hedgebot config confirm mine.toml --confirm "loosen mine 1a2b3c4d"')(
        confirm_limits
    )
    app.add_typer(group, name="config")


def show(file: FileArgument, limits: common.LimitsOption = None, as_json: common.JsonFlag = False) -> None:
    """Show every setting with its value, defaults included. Secrets are not part of it."""
    from hedgebot.config import load_config
    from hedgebot.config.canonical import flatten

    config = load_config(file, limits)
    lines = [f"{key} = {value}" for key, value in flatten(config.tree()).items()]
    head = [f"config hash {config.hash}", f"state folder {config.state_dir}", ""]
    data = {"hash": config.hash, "state_dir": str(config.state_dir), "settings": config.tree()}
    emit(data, head + lines, as_json=as_json)


def validate(
    file: FileArgument,
    limits: common.LimitsOption = None,
    no_secrets: Annotated[bool, typer.Option("--no-secrets", help="Do not look for the API keys.")] = False,
    as_json: common.JsonFlag = False,
) -> None:
    """Check a configuration and its limits; lists every problem. Exit code 6 when there is one."""
    from hedgebot.config import load_config
    from hedgebot.daemon.idle_options import option_doubts, unhedged
    from hedgebot.daemon.margin_files import check_margin
    from hedgebot.daemon.tracking_budgets import budget_doubts

    config, now_ns = load_config(file, limits), time.time_ns()
    settings = config.engine_settings(1)
    if idle := unhedged(settings, now_ns):
        raise ConfigError("\n".join(f"{file}: {one}" for one in idle))
    doubts = check_margin(config, now_ns) + budget_doubts(settings.strategies) + option_doubts(settings, now_ns)
    found = [] if no_secrets else [f"keys of {one.account}: {one.keys_found_in}" for one in config.connections()]
    lines = [f"{file}: good, hash {config.hash}", *found, *(f"doubtful: {plain(one)}" for one in doubts)]
    emit({"ok": True, "hash": config.hash, "doubts": doubts}, lines, as_json=as_json)


def diff(
    old: Annotated[Path, typer.Argument(help="The configuration before.")],
    new: Annotated[Path, typer.Argument(help="The configuration after.")],
    as_json: common.JsonFlag = False,
) -> None:
    """Compare two configurations, setting by setting; marks what a running daemon cannot take over."""
    from hedgebot.config import diff as compare
    from hedgebot.config import load_config
    from hedgebot.config.changes import restart_needed

    before, after = load_config(old), load_config(new)
    changes = compare(before, after)
    restart = restart_needed(changes)
    slips = [one for one in changes if is_slip(one)]
    lines = [_marked(one, restart, slips) for one in changes] or ["no difference"]
    data = {"changes": changes, "restart_needed": restart, "check_the_unit": slips}
    emit(data | {"old": before.hash, "new": after.hash}, lines, as_json=as_json)


def apply(
    file: Annotated[
        Path | None, typer.Argument(help="The changed configuration. Default: the daemon's own file.")
    ] = None,
    limits: common.LimitsOption = None,
    reason: common.ReasonOption = "no reason given",
    operator: common.OperatorOption = None,
    confirm_phrase: common.ConfirmOption = None,
    dry_run: common.DryRunFlag = False,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Put a changed configuration in force in the running daemon; journaled with every change, who and why.

    A bad one is refused, and the last good one stays. One in which a value looks like a slip (tenfold or more, a sign
    turned) is refused once, with what it would do to the book now, and names the words that confirm exactly it.
    """
    from hedgebot.config import load_config

    if file is None and (limits is not None or dry_run):
        raise WrongUse("name the configuration file: hedgebot config apply FILE")
    phrase = "apply"
    if file is not None:
        loaded = load_config(file, limits, state_dir=state_dir)
        phrase = f"apply {loaded.book.name}"
        state_dir = state_dir or loaded.state_dir
    where = find_place(None, state_dir)
    words = {"path": str(file.absolute())} if file is not None else {}
    if limits is not None:
        words["limits"] = str(limits.absolute())
    if dry_run:
        _show_what_would_change(where.state_dir, phrase, words, as_json)
        return
    step = second_step(phrase, confirm_phrase)
    if step:
        words["confirm"] = step
    else:
        confirm(phrase, confirm_phrase)
    answer = checked(
        ask(
            where.state_dir, "apply", timeout_s=WORD_TIMEOUT_S, operator=operator or user_name(), reason=reason, **words
        )
    )
    data = answer.data or {}
    lines = [
        f"applied: {plain(str(data.get('explanation', '')))}",
        *(f"  {plain(str(one))}" for one in data.get("changes", [])),
    ]
    emit(data, lines, as_json=as_json)


def confirm_limits(
    file: FileArgument,
    limits: common.LimitsOption = None,
    reason: common.ReasonOption = "no reason given",
    operator: common.OperatorOption = None,
    confirm_phrase: common.ConfirmOption = None,
    dry_run: common.DryRunFlag = False,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Confirm that the next start may loosen hard limits: those of exactly this configuration, once; journaled then.

    A start that finds a hard limit looser than in the last run is refused until this was said.
    """
    from hedgebot.config import load_config
    from hedgebot.daemon import loosened

    config = load_config(file, limits, state_dir=state_dir)
    lines, words = _looser(config), loosened.phrase(config)
    confirm_or_show(words, confirm_phrase, lines, dry_run=dry_run, as_json=as_json)
    word = loosened.Confirmation(config_hash=config.hash, operator=operator or user_name(), reason=reason)
    try:
        loosened.confirm(config.state_dir, word)
    except OSError as error:
        raise ConfigError(f"{config.state_dir} cannot be written ({error.strerror}): nothing was confirmed") from error
    done = f"confirmed: the next start with configuration {config.hash} may loosen hard limits"
    emit({"config_hash": config.hash, "looser": lines}, [done, *lines], as_json=as_json)


def _looser(config: "Config") -> list[str]:
    """What a start with this configuration loosens beside the last one, as far as the journal tells."""
    from hedgebot.daemon.loosened import loosened_since
    from hedgebot.journal.query import JournalReader

    try:
        with JournalReader(config.state_dir) as journal:
            before = journal.runs()[-1].record.manifest.settings
    except (JournalError, IndexError):
        return ["no run to compare with"]
    changes = loosened_since(before, config.engine_settings(before.install))
    return [plain(one) for one in changes] or ["nothing is looser than at the last start"]


def second_step(phrase: str, given: str | None) -> str:
    """The piece of a hash behind the phrase, by which a change that looks like a slip is confirmed; else empty."""
    word = (given or "").removeprefix(f"{phrase} ")
    return word if given == f"{phrase} {word}" and SECOND_STEP.match(word) else ""


def _show_what_would_change(state_dir: Path, phrase: str, words: dict[str, str], as_json: bool) -> None:
    """Ask the daemon for the difference to the configuration it runs on; without one the file is good all the same."""
    closing = f'dry run: nothing was changed; to apply it add --confirm "{phrase}"'
    try:
        answer = checked(ask(state_dir, "apply", timeout_s=WORD_TIMEOUT_S, dry_run=True, **words))
    except DaemonUnreachable as error:
        told = f"{words['path']} is good; there is no running configuration to compare it with: {error}"
        emit(
            {"dry_run": True, "changes": None, "confirm": phrase},
            [told, "dry run: nothing was changed"],
            as_json=as_json,
        )
        return
    data = answer.data or {}
    changes = [str(one) for one in data.get("changes", [])]
    slips = [one for one in changes if is_slip(one)]
    head = f"running {data.get('running_hash')}, {words['path']} {data.get('config_hash')}"
    lines = [f"  {plain(_marked(one, [], slips))}" for one in changes] or ["  no difference"]
    emit(data | {"confirm": phrase, "check_the_unit": slips}, [head, *lines, closing], as_json=as_json)


def _marked(change: str, restart: list[str], slips: list[str]) -> str:
    notes = [word for word, among in (("needs a restart", restart), ("check the unit", slips)) if change in among]
    return f"{change}  ({', '.join(notes)})" if notes else change
