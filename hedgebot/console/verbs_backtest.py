"""`hedgebot backtest`: a configuration over a market of history or of a seed, on virtual time, with a page of plots."""

import math
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import msgspec
import typer

from hedgebot.console.assets import scenario_file
from hedgebot.console.errors import WrongUse
from hedgebot.console.output import emit
from hedgebot.console.place import JsonFlag
from hedgebot.console.verbs_exchange import DataOption, EndOption, StartOption, build_world
from hedgebot.domain.durations import NS_PER_DAY, NS_PER_S

if TYPE_CHECKING:
    from hedgebot.config.loader import Config
    from hedgebot.domain.settings import EngineSettings
    from hedgebot.exchange.scenario import Scenario
    from hedgebot.lab.backtest import Result, Wish

BAR_WIDTH = 30
_INSTALL = 1

ScenarioOption = Annotated[
    Path | None, typer.Option("--scenario", help="Accounts, positions, client flow and market, a TOML file.")
]
DaysOption = Annotated[
    float | None, typer.Option("--days", min=0.01, help="Days to run. Default: to the recording's end, or 1.")
]
StepOption = Annotated[float, typer.Option("--step-s", min=0.1, max=60, help="Seconds between looks at the market.")]


def register(app: typer.Typer) -> None:
    """Add `hedgebot backtest` to the command line."""
    app.command(
        epilog="Example: hedgebot backtest config/demo.toml --data BTCUSDT_1m.csv --report out.html", name="backtest"
    )(backtest)


def backtest(  # noqa: PLR0913, PLR0917  (one parameter for each flag)
    config: Annotated[Path, typer.Argument(help="The configuration to try, as `hedgebot run` takes it.")],
    scenario: ScenarioOption = None,
    data: DataOption = None,
    start: StartOption = None,
    end: EndOption = None,
    days: DaysOption = None,
    step_s: StepOption = 10.0,
    seed: Annotated[int | None, typer.Option("--seed", help="Which of the many possible worlds.")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write a page with plots to this file.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Run the engine over a market and say what hedging cost and what it left open.

    It is the daemon's own engine and turn, against the simulated exchange in process. Limits on the age of data are
    raised to what --step-s can keep. Exit code: 0 done, 2 the configuration and the scenario do not fit.
    """
    from hedgebot.config.loader import load_config
    from hedgebot.console.backtest_report import report_lines, report_page
    from hedgebot.daemon.plugins import load_strategy
    from hedgebot.lab.backtest import run_backtest

    loaded = load_config(config)
    world = backtest_world(scenario or default_scenario(loaded, recorded=bool(data)), data or [], start, end, seed)
    wish = make_wish(loaded, world, step_s, days)
    with Progress() as progress:
        result = run_backtest(wish, load_strategy, progress.told)
    lines = report_lines(result)
    if report is not None:
        report.write_text(report_page(result), encoding="utf-8")
        lines.append(f"the page with its plots is {report}")
    emit(result_data(result), lines, as_json=as_json)


def default_scenario(config: "Config", *, recorded: bool) -> Path:
    """The shipped scenario that has what a configuration hedges."""
    if set(config.file.underlyings) <= {"BTC"}:
        return scenario_file("options_book")
    return scenario_file("recorded" if recorded else "demo")


def backtest_world(
    scenario: Path, data: list[Path], start: datetime | None, end: datetime | None, seed: int | None
) -> "Scenario":
    """The world of a run; raises ConfigError, DataError or WrongUse for one that cannot be."""
    world = build_world(scenario, seed, data, 1.0, start, end)
    if world.venues:
        raise WrongUse("a backtest runs one exchange; this scenario has several [[venues]]")
    if hurried := [one.underlying for one in world.recordings if one.speed != 1.0]:
        raise WrongUse(
            f"the recording of {hurried[0]} has a speed of its own; a backtest plays it on the recording's clock, as "
            "fast as it can: leave speed out of the scenario"
        )
    # A demo's world settles every minute so that people see it; economics have real venues' eight hours.
    return msgspec.structs.replace(world, funding_interval_s=max(world.funding_interval_s, 3_600))


def make_wish(config: "Config", world: "Scenario", step_s: float, days: float | None) -> "Wish":
    """A run of a configuration in a world; raises ConfigError, DataError or WrongUse for what does not fit."""
    from hedgebot.exchange.playback import RecordedPath
    from hedgebot.exchange.recording import load_paths, load_pegs
    from hedgebot.lab.backtest import Wish

    # Files are read onto the steps of the scenario, so the step is set first.
    world = msgspec.structs.replace(world, step_ms=round(step_s * 1_000))
    paths = load_paths(world)
    recorded = {name: one.days for name, one in paths.items() if isinstance(one, RecordedPath)}
    return Wish(
        scenario=world,
        settings=looked_every(config.engine_settings(_INSTALL).traded, step_s),
        days=_days(days, recorded, step_s) if recorded else days or 1.0,
        paths=paths,
        pegs=load_pegs(world, paths),
        label=config.path.stem,
    )


def _days(days: float | None, recorded: Mapping[str, float], step_s: float) -> float:
    """Days of recordings (their own, by underlying) that can be looked at: no price is new after the shortest's end."""
    from hedgebot.lab.backtest import warm_up_ns

    shortest = min(recorded, key=recorded.__getitem__)
    warm_up_days = warm_up_ns(step_s) / NS_PER_DAY
    most = recorded[shortest] - warm_up_days
    has = f"the recording of {shortest} has {recorded[shortest]:.4g} days"
    begins = f"the first {warm_up_days * 1_440:g} minutes go to hedging the book"
    if most * NS_PER_DAY < step_s * NS_PER_S:
        raise WrongUse(f"{has}, and {begins} (--step-s {step_s:g}): nothing is left to look at; give a longer one")
    if days is not None and days > most:
        # Rounded down, so that what is named is taken.
        least = math.floor(most * 10_000) / 10_000
        raise WrongUse(f"--days {days:g} is too long: {has}, and {begins}; leave --days out, or give at most {least:g}")
    return days or most


def looked_every(settings: "EngineSettings", step_s: float) -> "EngineSettings":
    """The market is shown once in a step: that is how far looks are apart, unless the operator says otherwise."""
    looked = tuple(
        one if one.check_interval_s is not None else msgspec.structs.replace(one, check_interval_s=step_s)
        for one in settings.underlyings
    )
    return msgspec.structs.replace(settings, underlyings=looked)


def result_data(result: "Result") -> dict[str, Any]:
    """The figures without their columns, for programs."""
    data = {name: getattr(result, name) for name in result.__struct_fields__ if name != "hedges"}
    data["hedges"] = [
        {name: getattr(one, name) for name in one.__struct_fields__ if name not in {"columns", "seen"}}
        for one in result.hedges
    ]
    return data


class Progress:
    """A bar on the terminal, only where there is one."""

    def __init__(self, what: str = "") -> None:
        self._what = what
        self._shown = -1

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the line."""
        if self._shown >= 0:
            sys.stderr.write("\n")

    def told(self, share: float) -> None:
        """Show how much is done, 0 to 1."""
        if not sys.stderr.isatty() or round(share * 100) == self._shown:
            return
        self._shown = round(share * 100)
        full = round(share * BAR_WIDTH)
        sys.stderr.write(f"\r{self._what}[{'#' * full}{'.' * (BAR_WIDTH - full)}] {self._shown:3d} %")
        sys.stderr.flush()
