"""Draws the picture of the demo's screen: `python -m hedgebot.console.picture OUT.svg`, from a real short demo run.

Made by a command, so that the picture in the documentation stays true. The SVG refers to no other address.
"""

import io
import re
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from hedgebot.console.demo import DemoWish, prepare, run_demo, stoppable
from hedgebot.console.errors import WrongUse, tell, tell_error
from hedgebot.console.screen import screen
from hedgebot.console.snapshot import Snapshot
from hedgebot.domain.errors import ExitCode, HedgebotError

WIDTH, HEIGHT = 100, 30
SECONDS = 45
NOTE = "Ctrl-C ends the demo"


def svg_of(snapshot: Snapshot) -> str:
    """The screen of a snapshot as an SVG file; the same snapshot gives the same text."""
    console = Console(record=True, width=WIDTH, height=HEIGHT, file=io.StringIO(), force_terminal=True)
    console.print(screen(snapshot, width=WIDTH, height=HEIGHT, note=NOTE))
    drawn = console.export_svg(title="hedgebot demo", unique_id="hedgebot")
    # Fonts from somebody's server would tell them who reads the documentation; the viewer's own monospace serves.
    return re.sub(r"\s*@font-face \{[^}]*\}", "", drawn).replace("Fira Code", "monospace")


def main(arguments: list[str]) -> int:
    """Run a short demo and draw its last screen; the exit code."""
    if len(arguments) != 1:
        return tell_error(WrongUse("usage: python -m hedgebot.console.picture OUT.svg"))
    seen: list[Snapshot] = []
    try:
        with tempfile.TemporaryDirectory() as folder, stoppable():
            wish = DemoWish(seconds=SECONDS, state_dir=Path(folder) / "demo", as_json=True)
            run_demo(wish, prepare(wish), lambda snapshot, _left_s: seen.append(snapshot))
    except HedgebotError as error:
        return tell_error(error)
    active = [one for one in seen if one.book.mode == "active" and one.book.decisions]
    if not active:
        return tell("the demo was never active: there is nothing to draw", ExitCode.FAILED)
    Path(arguments[0]).write_text(svg_of(active[-1]), encoding="utf-8")
    sys.stdout.write(f"{arguments[0]}: drawn\n")
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
