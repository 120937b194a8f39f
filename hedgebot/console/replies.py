"""What verbs share in talking to the daemon: its refusals passed on, risk confirmed, the operator named."""

import getpass
import os
import sys
from typing import Any

import typer

from hedgebot.console.control import Answer, ask
from hedgebot.console.errors import NotConfirmed, tell
from hedgebot.console.output import emit, plain
from hedgebot.console.place import Place
from hedgebot.console.snapshot import BookSnapshot, Snapshot, read_snapshot
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


def confirm_or_show(phrase: str, given: str | None, would: list[str], *, dry_run: bool, as_json: bool) -> None:
    """Have a verb of the risk direction confirmed; with --dry-run show what it would do, and end."""
    if dry_run:
        emit(
            {"dry_run": True, "would": would, "confirm": phrase},
            [*would, "dry run: nothing was changed"],
            as_json=as_json,
        )
        raise typer.Exit(ExitCode.OK)
    confirm(phrase, given)


def exposure_now(book: BookSnapshot, action: str) -> list[str]:
    """What a verb of the risk direction would do, with the exposure it starts from."""
    lines = [f"would {action}; the book is {book.mode}: {plain(book.mode_reason)}"]
    for one in book.underlyings:
        delta = "unknown" if one.delta_coin is None else f"{one.delta_coin:+.4f} {one.underlying}"
        lines.append(f"  {one.underlying}: net delta {delta}, {plain(one.why_not)}")
    return lines


def say(verb: str, where: Place, *, as_json: bool, timeout_s: float = WORD_TIMEOUT_S, **args: Any) -> None:  # noqa: ANN401  (JSON)
    """Tell the daemon an operator's word and show what came of it."""
    data = checked(ask(where.state_dir, verb, timeout_s=timeout_s, **args)).data or {}
    emit(data, [f"{verb} taken: {plain(str(data.get('explanation') or 'done'))}"], as_json=as_json)


def snapshot_of(where: Place) -> Snapshot:
    """The running daemon's status."""
    return read_snapshot(checked(ask(where.state_dir, "status")).data or {})
