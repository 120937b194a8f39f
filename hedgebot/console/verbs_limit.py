"""`hedgebot limit raise | restore`: a soft limit lifted for a while in the running daemon. Decides nothing."""

import re
from typing import Annotated

import typer

from hedgebot.console import place as common
from hedgebot.console.errors import WrongUse
from hedgebot.console.place import find_place
from hedgebot.console.replies import confirm_or_show, exposure_now, say, snapshot_of, user_name

_LENGTH = re.compile(r"(\d+(?:\.\d+)?)(m|h)")
_MS = {"m": 60_000, "h": 3_600_000}

LimitArgument = Annotated[str, typer.Argument(help="Name of a soft limit, for example es_ratio_alert.")]


def register(app: typer.Typer) -> None:
    """Add `hedgebot limit ...` to the command line."""
    group = typer.Typer(no_args_is_help=True, help="Soft limits of the running book.")
    group.callback()(lambda: None)
    group.command("raise", epilog='Example: hedgebot limit raise es_ratio_alert --to 0.045 --for 2h --reason "expiry"')(
        raise_limit
    )
    group.command(epilog='Example: hedgebot limit restore es_ratio_alert --reason "over"')(restore)
    app.add_typer(group, name="limit")


def raise_limit(  # noqa: PLR0913, PLR0917  (one parameter for each flag)
    limit: LimitArgument,
    to: Annotated[float, typer.Option("--to", help="The limit for that time, in its own unit.")],
    length: Annotated[str, typer.Option("--for", help="How long: minutes or hours, like 90m or 2h.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; journaled.")],
    operator: common.OperatorOption = None,
    confirm: common.ConfirmOption = None,
    dry_run: common.DryRunFlag = False,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Raise a soft limit for a while, at most up to its hard limit; it ends by itself.

    A hard limit is not raised: it needs a change of the file of limits and a restart.
    """
    for_ms = milliseconds(length)
    where = find_place(config, state_dir)
    would = exposure_now(snapshot_of(where).book, f"raise {limit} to {to:g} for {length}")
    confirm_or_show(f"raise {limit}", confirm, would, dry_run=dry_run, as_json=as_json)
    who = operator or user_name()
    say("limit-raise", where, as_json=as_json, limit=limit, to=to, for_ms=for_ms, operator=who, reason=reason)


def restore(
    limit: LimitArgument,
    reason: common.ReasonOption = "no reason given",
    operator: common.OperatorOption = None,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """End a raise before its time."""
    where = find_place(config, state_dir)
    say("limit-restore", where, as_json=as_json, limit=limit, operator=operator or user_name(), reason=reason)


def milliseconds(length: str) -> int:
    """A length of time as people type it; raises WrongUse for what is none."""
    found = _LENGTH.fullmatch(length.strip())
    if found is None:
        raise WrongUse(f"--for {length!r} must be minutes or hours, like 90m or 2h")
    return round(float(found.group(1)) * _MS[found.group(2)])
