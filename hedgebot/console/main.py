"""The command line: assembles the verbs, and turns every error into one sentence and its exit code. Owns no verb."""

import os
import sys
from collections.abc import Sequence

import typer

from hedgebot.console import (
    leash,
    verbs_alerts,
    verbs_backtest,
    verbs_book,
    verbs_compare,
    verbs_config,
    verbs_dashboard,
    verbs_exchange,
    verbs_journal,
    verbs_kill,
    verbs_lab,
    verbs_limit,
    verbs_margin,
    verbs_sim,
    verbs_stress,
    verbs_system,
    verbs_treasury,
    verbs_tune,
)
from hedgebot.console.errors import crash_hook, tell_error, with_last_word
from hedgebot.daemon import heap
from hedgebot.domain.errors import HedgebotError

HELP = """Keep a crypto derivatives book inside its delta band.

Start with `hedgebot demo`: two minutes against a simulated exchange, no keys needed.

Exit codes: 0 ok, 1 failed, 2 usage, 3 degraded, 4 halted, 5 state unknown, 6 refused by a safety check,
7 another instance owns the account.
"""

app = typer.Typer(
    name="hedgebot",
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for _verbs in (
    verbs_system,
    verbs_book,
    verbs_journal,
    verbs_kill,
    verbs_exchange,
    verbs_config,
    verbs_sim,
    verbs_lab,
    verbs_margin,
    verbs_stress,
    verbs_limit,
    verbs_treasury,
    verbs_alerts,
    verbs_backtest,
    verbs_compare,
    verbs_tune,
    verbs_dashboard,
):
    _verbs.register(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one verb and leave with its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    heap.share_arena()
    leash.hold_if_asked(os.environ)
    try:
        app(args=words, prog_name="hedgebot")
    except HedgebotError as error:
        sys.exit(tell_error(error, as_json="--json" in words))
    finally:
        # typer puts a hook of its own in place; the daemon's, which redacts and writes to its log, gets a last word.
        if sys.excepthook.__module__.startswith("typer"):
            sys.excepthook = crash_hook
        elif sys.excepthook.__module__.startswith("hedgebot.daemon"):
            sys.excepthook = with_last_word(sys.excepthook)


if __name__ == "__main__":
    main()
