"""Which book a verb is about: its state folder and, where given, its configuration. Owns the common options."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hedgebot.console.control import is_running
from hedgebot.console.errors import WrongUse

if TYPE_CHECKING:
    from hedgebot.config import Config

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object in place of text.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="HEDGEBOT_CONFIG", help="The book's configuration, a TOML file."),
]
LimitsOption = Annotated[
    Path | None,
    typer.Option("--limits", help="A file of hard limits in place of the one that the configuration names."),
]
StateDirOption = Annotated[
    Path | None,
    typer.Option(
        "--state-dir",
        "-s",
        envvar="HEDGEBOT_STATE_DIR",
        help="Folder of the book's journal and control socket. Default: from --config, else the only book there is.",
    ),
]
OperatorOption = Annotated[
    str | None, typer.Option("--operator", help="Who says so; journaled. Default: your user name on this machine.")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in a few words; journaled.")]
ConfirmOption = Annotated[
    str | None, typer.Option("--confirm", help="The phrase that confirms a verb which can add risk.")
]
DryRunFlag = Annotated[bool, typer.Option("--dry-run", help="Show what would happen; change nothing.")]

MARKS = ("journal.db", "control.sock", "install_id")


@dataclass(frozen=True, slots=True)
class Place:
    """A book: where its memory is, and its configuration when the command line named one."""

    state_dir: Path
    config: "Config | None"


def find_place(config: Path | None, state_dir: Path | None, limits: Path | None = None) -> Place:
    """Find the book that the options mean; raises WrongUse where they do not say which."""
    if config is not None:
        from hedgebot.config import load_config

        loaded = load_config(config, limits, state_dir=state_dir)
        return Place(loaded.state_dir, loaded)
    if state_dir is not None:
        return Place(state_dir.expanduser().absolute(), None)
    return Place(_only_book(books()), None)


def books() -> list[Path]:
    """State folders under $XDG_STATE_HOME/hedgebot, newest first."""
    base = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "hedgebot"
    found = {path.parent for mark in MARKS for depth in ("*", "*/*") for path in base.glob(f"{depth}/{mark}")}
    return sorted(found, key=lambda folder: (-folder.stat().st_mtime, folder))


def _only_book(found: list[Path]) -> Path:
    running = [folder for folder in found if is_running(folder)]
    if len(running) == 1:
        return running[0]
    if len(found) == 1:
        return found[0]
    if not found:
        raise WrongUse("no book was found; name one with --config FILE or --state-dir DIR")
    several = running or found
    names = ", ".join(str(folder) for folder in several[:5])
    raise WrongUse(f"there are {len(several)} books ({names}); name one with --state-dir DIR or --config FILE")
