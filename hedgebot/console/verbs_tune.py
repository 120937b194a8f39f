"""`hedgebot tune`: which band or tracking budget would have been better, on a market or on the book's own journal."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import msgspec
import typer

from hedgebot.console.backtest_report import money, number
from hedgebot.console.errors import WrongUse
from hedgebot.console.output import emit, table
from hedgebot.console.place import JsonFlag
from hedgebot.console.verbs_backtest import (
    DaysOption,
    Progress,
    ScenarioOption,
    backtest_world,
    default_scenario,
    looked_every,
    make_wish,
)
from hedgebot.console.verbs_exchange import DataOption, EndOption, StartOption
from hedgebot.domain.durations import NS_PER_DAY
from hedgebot.domain.settings import BUDGET

if TYPE_CHECKING:
    from hedgebot.config.loader import Config
    from hedgebot.core.strategy import Strategy
    from hedgebot.domain.settings import StrategySettings
    from hedgebot.exchange.scenario import Scenario
    from hedgebot.lab.budgets import StrategyFor
    from hedgebot.lab.sweep import Exposure
    from hedgebot.lab.tune import Choice, Tuned


LOOK_NS = 100_000_000
LOOKS_MAX = 200_000
"""Beyond it every second look is dropped, and half as many are taken from there on: memory is flat in history."""

STEP_S = 30.0


class Window(NamedTuple):
    """What of a journal is looked at: from one moment to another, both included; None is its begin and its end."""

    from_ns: int | None = None
    to_ns: int | None = None

    def has(self, at_ns: int) -> bool:
        """Whether a moment is in it."""
        return (self.from_ns is None or at_ns >= self.from_ns) and (self.to_ns is None or at_ns <= self.to_ns)


WHOLE = Window()


def register(app: typer.Typer) -> None:
    """Add `hedgebot tune` to the command line."""
    app.command(epilog="Example: hedgebot tune config/mine.toml --journal ~/.local/state/hedgebot/mine --days 30")(tune)


def tune(  # noqa: PLR0913, PLR0917  (one parameter for each flag)
    config: Annotated[Path, typer.Argument(help="The configuration whose band is to be held against others.")],
    journal: Annotated[
        Path | None, typer.Option("--journal", help="A state folder: tune on what that book lived through.")
    ] = None,
    budget_usd: Annotated[
        float | None,
        typer.Option("--budget-usd", min=0.0, help="Tracking error per sqrt(day). Default: what the band has now."),
    ] = None,
    folds: Annotated[int, typer.Option("--folds", min=1, max=50, help="Steps of the walk forward.")] = 5,
    scenario: ScenarioOption = None,
    data: DataOption = None,
    start: StartOption = None,
    end: EndOption = None,
    days: DaysOption = None,
    step_s: Annotated[
        float | None,
        typer.Option("--step-s", min=0.1, max=60, help="Seconds between looks at the market. Default: 30."),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Which of the many possible worlds.")] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processes. Default: one a core.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Search fixed bands and tracking budgets on history, walking forward: chosen before, reported on what came after.

    Budgets are those of the strategy that makes a band of one (`tracking_error_usd`), where one is configured. Without
    --journal the book is run once over the scenario or recording, and its exposure is searched on. With it --start and
    --end (UTC) choose a part of the journal, --days the last so many days of that part.
    """
    from hedgebot.config.loader import load_config
    from hedgebot.lab.tune import tune as search
    from hedgebot.lab.tune import tune_budgets

    loaded = load_config(config)
    if journal is not None:
        useless = {"--scenario": scenario, "--data": data or None, "--step-s": step_s, "--seed": seed}
        if given := [name for name, value in useless.items() if value is not None]:
            raise WrongUse(
                f"with --journal {' and '.join(given)} would do nothing: the journal is the market; leave out"
            )
        paths = journal_paths(loaded, journal, window=chosen_window(journal, start, end, days))
        engine = loaded.engine_settings(1)
    else:
        step_s = STEP_S if step_s is None else step_s
        world = backtest_world(scenario or default_scenario(loaded, recorded=bool(data)), data or [], start, end, seed)
        paths = _run_paths(loaded, world, step_s, days)
        engine = looked_every(loaded.engine_settings(1), step_s)
    found = []
    for name, path in paths.items():
        settings = next(one for one in engine.underlyings if one.underlying == name)
        for strategy in budget_strategies(loaded, name):
            present, strategy_for = float(strategy.params[BUDGET]), with_budget(strategy)
            found.append(tune_budgets(path, settings, present, strategy_for, budget_usd=budget_usd, folds=folds))
        found.append(search(path, settings, budget_usd=budget_usd, folds=folds, workers=workers))
    emit(found, [line for one in found for line in tuned_lines(one)], as_json=as_json)


def budget_strategies(config: "Config", underlying: str) -> "list[StrategySettings]":
    """Enabled strategies of an underlying that make a band of a tracking budget."""
    return [
        one
        for one in config.engine_settings(1).strategies
        if one.enabled and underlying in one.underlyings and BUDGET in one.params
    ]


def with_budget(settings: "StrategySettings") -> "StrategyFor":
    """Builds that strategy with another budget; ConfigError for one that it refuses."""
    from hedgebot.daemon.plugins import load_strategy

    def build(budget_usd: float) -> "Strategy":
        return load_strategy(msgspec.structs.replace(settings, params=settings.params | {BUDGET: budget_usd}))

    return build


def _run_paths(config: "Config", world: "Scenario", step_s: float, days: float | None) -> "dict[str, Exposure]":
    from hedgebot.daemon.plugins import load_strategy
    from hedgebot.lab.backtest import run_backtest
    from hedgebot.lab.sweep import Exposure

    with Progress() as progress:
        result = run_backtest(make_wish(config, world, step_s, days), load_strategy, progress.told)
    return {
        one.underlying: Exposure(one.columns.days, one.columns.price, one.columns.seen_coin, one.seen, one.lot_coin)
        for one in result.hedges
    }


def chosen_window(state_dir: Path, start: datetime | None, end: datetime | None, days: float | None) -> Window:
    """The part of a journal between two moments (UTC), and of that its last `days`; those of the whole without them."""
    from hedgebot.exchange.recording import moment_ns
    from hedgebot.journal.query import JournalReader

    from_ns, to_ns = moment_ns(start), moment_ns(end)
    if from_ns is not None and to_ns is not None and from_ns >= to_ns:
        raise WrongUse(f"--start ({start}) must be before --end ({end})")
    if days is None:
        return Window(from_ns, to_ns)
    with JournalReader(state_dir) as reader:
        newest = max((one.at_ns for one in reader.tail(1)), default=0)
    last_ns = newest if to_ns is None else min(newest, to_ns)
    return Window(max(from_ns or 0, last_ns - round(days * NS_PER_DAY)), to_ns)


def journal_paths(
    config: "Config", state_dir: Path, every_ns: int = LOOK_NS, window: Window = WHOLE
) -> "dict[str, Exposure]":
    """Exposure without hedges, from its band's centre, and price of each underlying; at most once in `every_ns`.

    A long window has fewer looks: no more than LOOKS_MAX are kept of it; nothing of what is outside.
    """
    import numpy as np

    from hedgebot.console.replaying import replay_journal
    from hedgebot.core.cost_state import band_cost_bps
    from hedgebot.core.engine import Engine
    from hedgebot.core.exposure import exposure_problem, net_delta_coin
    from hedgebot.domain.commands import Command
    from hedgebot.domain.events import Stamped
    from hedgebot.lab.budgets import known_now
    from hedgebot.lab.sweep import Exposure, Seen

    rows: dict[str, list[tuple[float, ...]]] = {name: [] for name in config.file.underlyings}
    settings = {one.underlying: one for one in config.engine_settings(1).underlyings}
    last_ns: dict[str, int] = {}
    spacing, lots = dict.fromkeys(rows, every_ns), dict.fromkeys(rows, 0.0)
    costs_bps: dict[str, float] = {}

    def see(stamped: Stamped, _commands: tuple[Command, ...], engine: Engine) -> None:
        if not window.has(stamped.at_ns):
            return
        for name, one in engine.state.underlyings.items():
            if name not in rows or stamped.at_ns - last_ns.get(name, 0) < spacing[name] or exposure_problem(one):
                continue
            last_ns[name] = stamped.at_ns
            if (rules := engine.state.instruments.get(settings[name].hedge_instrument)) is not None:
                lots[name] = rules.lot_coin(one.price)
            costs_bps[name] = band_cost_bps(one.drift.costs, settings[name])
            unhedged_coin = net_delta_coin(one) - one.tracking.hedged_coin - one.centre_coin
            known = known_now(one, settings[name], stamped.at_ns)
            rows[name].append((stamped.at_ns / 86_400e9, one.price, unhedged_coin, *known))
            if len(rows[name]) >= LOOKS_MAX:
                del rows[name][1::2]
                spacing[name] *= 2

    replay_journal(state_dir, verify=False, observer=see)
    paths = {name: np.array(seen, dtype=np.float64) for name, seen in rows.items() if len(seen) > 1}
    if not paths:
        part = "" if window == WHOLE else " between --start and --end, or in the last --days"
        raise WrongUse(f"the journal of {state_dir} has no priced exposure of {', '.join(rows)}{part}")
    return {
        name: Exposure(
            found[:, 0] - found[0, 0],
            found[:, 1].copy(),
            found[:, 2].copy(),
            Seen(*(found[:, column].copy() for column in range(3, found.shape[1]))),
            lots[name],
            costs_bps[name],
        )
        for name, found in paths.items()
    }


def tuned_lines(one: "Tuned") -> list[str]:
    """A search in words: its steps, and what it comes to."""
    from hedgebot.lab.sweep import BandChoice

    rows: list[tuple[str, ...]] = [
        ("days", "chosen before", "cost USD/day", "tracking error", "present one: cost", "tracking error")
    ]
    rows += [
        (
            _span(fold.from_day, fold.until_day, one.folds[-1].until_day),
            _choice_words(fold.chosen),
            money(fold.after.cost_usd_day),
            money(fold.after.tracking_error_usd),
            money(fold.present.cost_usd_day),
            money(fold.present.tracking_error_usd),
        )
        for fold in one.folds
    ]
    gain = one.gain
    is_band = isinstance(one.now, BandChoice)
    what = "band" if is_band else "budget"
    told = f"the present {what} cost nothing" if gain is None else f"{gain:+.0%} of the present {what}'s cost"
    head = (
        f"{one.underlying}: {one.candidates} {what}s at {one.cost_bps:.3g} bps a hedge, "
        f"tracking error at most {money(one.budget_usd)} USD/sqrt(day); out-of-sample figures only"
    )
    last = f"out of sample: {told}; for the time after this history: {_keys(one.now)}"
    return [head, *table(rows), last]


def _span(from_day: float, until_day: float, whole_days: float) -> str:
    """A part of the history: in days, or in minutes where all of it is less than one."""
    if whole_days >= 1.0:
        return f"{from_day:.2f} to {until_day:.2f}"
    return f"{from_day * 1_440:.1f} to {until_day * 1_440:.1f} min"


def _choice_words(choice: "Choice") -> str:
    from hedgebot.lab.sweep import BandChoice

    if isinstance(choice, BandChoice):
        return f"{choice.trigger_coin:.4g} to {choice.target_ratio:g}"
    return f"budget {choice.tracking_error_usd:.4g}"


def _keys(choice: "Choice") -> str:
    """As it is written in a configuration."""
    from hedgebot.lab.sweep import BandChoice

    if isinstance(choice, BandChoice):
        return f"band_coin = {number(choice.trigger_coin)}, target_ratio = {choice.target_ratio:g}"
    return f"{BUDGET} = {choice.tracking_error_usd:.4g}"
