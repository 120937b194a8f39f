"""Verbs about the program itself: demo, run, doctor, version. The work is in demo.py, the daemon and doctor.py."""

import platform
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from hedgebot import __version__
from hedgebot.console import place as common
from hedgebot.console.errors import NotConfirmed, WrongUse, tell
from hedgebot.console.output import emit, table
from hedgebot.console.verbs_exchange import DataOption, EndOption, SpeedOption, StartOption
from hedgebot.domain.errors import ExitCode

LIBRARIES = ("ccxt", "aiohttp", "msgspec", "numpy", "pydantic")


def register(app: typer.Typer) -> None:
    """Add these verbs to the command line."""
    app.command(epilog="Example: hedgebot demo --seconds 120 --seed 7")(demo)
    app.command(epilog="Example: hedgebot run --config config/bybit.toml")(run)
    app.command(epilog="Example: hedgebot doctor --config config/bybit.toml")(doctor)
    app.command(epilog="Example: hedgebot version --json")(version)


def demo(  # noqa: PLR0913, PLR0917  (one parameter for each flag)
    seconds: Annotated[int, typer.Option("--seconds", min=0, help="How long it goes on; 0 until stopped.")] = 120,
    seed: Annotated[int, typer.Option("--seed", help="Which of the many possible worlds.")] = 7,
    data: DataOption = None,
    speed: SpeedOption = 1.0,
    start: StartOption = None,
    end: EndOption = None,
    state_dir: Annotated[
        Path | None,
        typer.Option("--state-dir", "-s", help="A new folder for its journal. Default: by XDG."),
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Plain lines in place of the live screen.")] = False,
    as_json: common.JsonFlag = False,
) -> None:
    """Watch a book of spot, perpetuals and options being kept inside its delta band.

    Starts a simulated exchange and the daemon on this machine; no keys, no money. Ends with a summary and where to look
    next.
    """
    from hedgebot.console.demo import DemoWish, play

    wish = DemoWish(
        seconds=seconds,
        seed=seed,
        data=tuple(data or ()),
        speed=speed,
        start=start.isoformat() if start else None,
        end=end.isoformat() if end else None,
        state_dir=state_dir,
        plain=plain,
        as_json=as_json,
    )
    raise typer.Exit(play(wish))


def run(
    config: common.ConfigOption = None,
    limits: common.LimitsOption = None,
    state_dir: common.StateDirOption = None,
    live: Annotated[bool, typer.Option("--live", help="Needed for a book whose run_mode is live: real money.")] = False,
    accept_key_rights: Annotated[
        list[str] | None,
        typer.Option("--accept-key-rights", help="A venue whose key may move money out; journaled with your name."),
    ] = None,
) -> None:
    """Run the daemon of one book until it is stopped (SIGTERM or Ctrl-C). Log lines go where the configuration says.

    Exit codes that must not be restarted: 2 usage, 6 refused by a safety check, 7 another daemon owns the account.
    """
    if config is None:
        raise WrongUse("name the book's configuration: hedgebot run --config FILE (try hedgebot demo first)")
    from hedgebot.config import load_config

    loaded = load_config(config, limits, state_dir=state_dir)
    if loaded.book.run_mode == "live" and not live:
        raise NotConfirmed(f'{config}: this book trades real money (run_mode = "live"); add --live to start it')
    if live and loaded.book.run_mode != "live":
        raise WrongUse(f'{config}: --live was given, but book.run_mode is "{loaded.book.run_mode}"')
    venues = {one.venue for one in loaded.file.accounts.values()}
    if stranger := sorted(set(accept_key_rights or ()) - venues):
        raise WrongUse(
            f"--accept-key-rights {stranger[0]}: it must name a venue of the book ({', '.join(sorted(venues))})"
        )
    from hedgebot.daemon.run import run as run_to_the_end

    code = run_to_the_end(loaded, key_rights_of=frozenset(accept_key_rights or ()))
    if code == ExitCode.FAILED:
        file = loaded.daemon.log_file
        tell(f"the daemon failed; the reason is in {loaded.state_dir / file if file else 'the log above'}", code)
    raise typer.Exit(code)


def doctor(
    config: common.ConfigOption = None,
    limits: common.LimitsOption = None,
    state_dir: common.StateDirOption = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not talk to the venue.")] = False,
    as_json: common.JsonFlag = False,
) -> None:
    """Look for what would go wrong: machine, folders, configuration, secrets, clock, venue, key rights.

    Exit code: 0 nothing failed, 1 something failed, 6 a safety check failed (configuration, key rights).
    """
    from hedgebot.console.doctor import examine, exit_code

    rows = examine(config, limits, state_dir, offline=offline)
    lines = table([(row.status.upper(), row.check, row.finding) for row in rows])
    advice = [f"{row.check}: {row.advice}" for row in rows if row.advice]
    emit(rows, lines + (["", "What to do:", *(f"  {one}" for one in advice)] if advice else []), as_json=as_json)
    raise typer.Exit(exit_code(rows))


def version(as_json: common.JsonFlag = False) -> None:
    """Say which version this is, and of which libraries."""
    from hedgebot.console.doctor import sqlite_version

    data = {
        "hedgebot": __version__,
        "python": platform.python_version(),
        "sqlite": sqlite_version(),
        **{name: metadata.version(name) for name in LIBRARIES},
    }
    emit(data, [f"{name} {number}" for name, number in data.items()], as_json=as_json)
