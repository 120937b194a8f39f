"""`hedgebot compare`: several hedging policies side by side on one path, cost against tracking error."""

import html
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hedgebot.console.backtest_report import html_table, money, number, page, plot
from hedgebot.console.output import emit, table
from hedgebot.console.place import JsonFlag
from hedgebot.console.verbs_backtest import (
    DaysOption,
    Progress,
    ScenarioOption,
    StepOption,
    backtest_world,
    default_scenario,
    make_wish,
)
from hedgebot.console.verbs_exchange import DataOption, EndOption, StartOption

if TYPE_CHECKING:
    from hedgebot.lab.compare import Point

DEFAULT_SCALES = (0.5, 1.0, 2.0)


def register(app: typer.Typer) -> None:
    """Add `hedgebot compare` to the command line."""
    app.command(epilog="Example: hedgebot compare config/backtest.toml --days 10 --report out.html")(compare)


def compare(  # noqa: PLR0913, PLR0917  (one parameter for each flag)
    config: Annotated[Path, typer.Argument(help="The configuration, as `hedgebot run` takes it.")],
    policy: Annotated[
        list[str] | None, typer.Option("--policy", help="A policy; again for more. Default: all of them.")
    ] = None,
    scale: Annotated[
        list[float] | None, typer.Option("--scale", help="Width over the configured one; again for more.")
    ] = None,
    scenario: ScenarioOption = None,
    data: DataOption = None,
    start: StartOption = None,
    end: EndOption = None,
    days: DaysOption = None,
    step_s: StepOption = 30.0,
    seed: Annotated[int | None, typer.Option("--seed", help="Which of the many possible worlds.")] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processes. Default: one a core.")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write a page with a plot to this file.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Run the configured policy against a fixed band to its edge, a fixed band to zero, and hedging by the clock.

    All meet the same prices and the same client; each is run through the whole engine at every --scale.
    """
    from hedgebot.config.loader import load_config
    from hedgebot.daemon.plugins import load_strategy
    from hedgebot.lab import compare as lab

    loaded = load_config(config)
    world = backtest_world(scenario or default_scenario(loaded, recorded=bool(data)), data or [], start, end, seed)
    wish = make_wish(loaded, world, step_s, days)
    with Progress() as progress:
        points = lab.compare(
            wish,
            load_strategy,
            policy or tuple(lab.Policy),
            scale or DEFAULT_SCALES,
            workers=workers,
            told=progress.told,
        )
    lines = [*table(point_rows(points)), *verdicts(points)]
    if report is not None:
        report.write_text(compare_page(points, f"{config.stem}: {wish.days:g} days"), encoding="utf-8")
        lines.append(f"the page with its plot is {report}")
    emit(points, lines, as_json=as_json)


def point_rows(points: "list[Point]") -> list[tuple[str, ...]]:
    """The runs as rows, a head first."""
    rows: list[tuple[str, ...]] = [
        ("underlying", "policy", "width x", "tracking error USD/sqrt(day)", "cost USD/day", "orders/day", "E")
    ]
    rows += [
        (
            one.underlying,
            one.policy,
            f"{one.scale:g}",
            money(one.tracking_error_usd),
            money(one.cost_usd_day),
            number(one.orders_day),
            number(one.efficiency, ".3f"),
        )
        for one in points
    ]
    return rows


def verdicts(points: "list[Point]") -> list[str]:
    """One sentence for each rival on each underlying; none where the configured policy was not run."""
    from hedgebot.lab.compare import Policy, dearer

    if all(one.policy != Policy.OURS for one in points):
        return []
    rivals = dict.fromkeys((one.underlying, one.policy) for one in points if one.policy != Policy.OURS)
    lines = []
    for underlying, policy in rivals:
        more = dearer(points, policy, underlying)
        if more is None:
            told = (
                f"no run of {policy} had a tracking error that the configured policy had too, so their costs are not "
                "comparable; add --scale values that bring the two together"
            )
        else:
            told = f"{policy} costs {more:+.0%} against the configured policy at equal tracking error"
        lines.append(f"{underlying}: {told}")
    return lines


def compare_page(points: "list[Point]", title: str) -> str:
    """Table and plots as one page."""
    from hedgebot.console.charts import frontier_chart

    parts = [f"<h1>{html.escape(title)}</h1>"]
    for name in dict.fromkeys(one.underlying for one in points):
        mine = [one for one in points if one.underlying == name]
        series = [
            (policy, [(one.tracking_error_usd, one.cost_usd_day) for one in mine if one.policy == policy])
            for policy in dict.fromkeys(one.policy for one in mine)
        ]
        parts.append(f"<h2>{html.escape(name)}</h2>{plot(frontier_chart(series))}")
    parts += [f"<p>{html.escape(line)}</p>" for line in verdicts(points)]
    parts.append(html_table(point_rows(points)))
    return page(title, "".join(parts))
