"""`hedgebot alerts test`: does an alert reach people? By the daemon's own channels, or from here while none runs."""

import asyncio
import time
from typing import TYPE_CHECKING

import msgspec
import typer

from hedgebot.console import place as common
from hedgebot.console.control import ask
from hedgebot.console.errors import DaemonUnreachable
from hedgebot.console.output import emit, plain, table
from hedgebot.console.place import find_place
from hedgebot.console.replies import WORD_TIMEOUT_S, checked, user_name

if TYPE_CHECKING:
    from hedgebot.config import Config


def register(app: typer.Typer) -> None:
    """Add `hedgebot alerts ...` to the command line."""
    group = typer.Typer(no_args_is_help=True, help="Alerts and the ways in which they reach people.")
    group.callback()(lambda: None)
    group.command("test", epilog="Example: hedgebot alerts test --config config/mine.toml")(try_channels)
    app.add_typer(group, name="alerts")


def try_channels(
    operator: common.OperatorOption = None,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Send a test through every alert channel, each one by itself, and say which took it and how fast.

    By the daemon when one runs; else from here, which needs --config. Exit code: 0 all took it, 3 some did, 1 none.
    """
    where = find_place(config, state_dir)
    who = operator or user_name()
    try:
        answer = checked(ask(where.state_dir, "alerts-test", timeout_s=WORD_TIMEOUT_S, operator=who))
        by, code, trials = "the daemon", answer.code, (answer.data or {}).get("trials") or []
    except DaemonUnreachable:
        if where.config is None:
            raise
        by = "this process (no daemon runs)"
        code, trials = _from_here(where.config, who)
    rows = [
        (str(one["channel"]), str(one["kind"]), f"{one['seconds']:.2f} s", plain(str(one["problem"])) or "taken")
        for one in trials
    ]
    lines = [f"tested by {by}:", *table(rows)]
    if code:
        lines.append("what to do: runbooks/RB-30-alert-delivery-failed.md")
    emit({"by": by, "code": code, "trials": trials}, lines, as_json=as_json)
    raise typer.Exit(code)


def _from_here(config: "Config", operator: str) -> tuple[int, list[dict[str, object]]]:
    from hedgebot.daemon.alerts import open_alerts
    from hedgebot.daemon.delivery import trial_code
    from hedgebot.daemon.identity import prepare_state_dir

    prepare_state_dir(config.state_dir)
    trials = asyncio.run(open_alerts(config, time.time_ns).test(operator))
    return trial_code(trials), msgspec.to_builtins(trials)
