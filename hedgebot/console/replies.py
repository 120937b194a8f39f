"""What verbs share in talking to the daemon: its refusals passed on, risk confirmed, the operator named."""

import getpass
import os
import sys

import typer

from hedgebot.console.control import Answer
from hedgebot.console.errors import NotConfirmed, tell
from hedgebot.console.output import plain
from hedgebot.domain.errors import ExitCode

# The engine's own answer may take up to 10 s (the disk is in it); a look takes no time.
WORD_TIMEOUT_S = 12.0


def checked(answer: Answer) -> Answer:
    """Pass a good answer on; a refusal ends the verb with the daemon's own sentence and code."""
    if answer.ok:
        return answer
    code = answer.code or ExitCode.FAILED
    raise typer.Exit(tell(plain_lines(answer.error or "the daemon refused"), code, as_json="--json" in sys.argv))


def confirm(phrase: str, given: str | None) -> None:
    """Compare with the phrase, or have it typed on a terminal; raises NotConfirmed, and then nothing was done."""
    if given is None and sys.stdin.isatty():
        given = typer.prompt(f'This can add risk. Type "{phrase}" to go on', err=True, default="", show_default=False)
    if given != phrase:
        raise NotConfirmed(f'nothing was changed: this can add risk, confirm it with --confirm "{phrase}"')


def user_name() -> str:
    """The user's name on this machine, as the default operator."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def plain_lines(text: str) -> str:
    """Text of several lines made harmless for a terminal."""
    return "\n".join(plain(line) for line in text.splitlines())
