"""Plots of backtests as SVG text, for a page of its own. Owns their look; must not compute what they show.

matplotlib is the extra `lab`; it is imported when a plot is drawn and never by the daemon.
"""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hedgebot.console.errors import WrongUse

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]

INK, QUIET, LINE, FILL = "#1b2733", "#7b8794", "#0b6e99", "#cfe6ef"
GOOD, BAD, WARM = "#2a7f62", "#b23a48", "#d98e04"
PALETTE = (LINE, WARM, GOOD, BAD, "#6b4fa0", "#5f6b76")
POINTS_MAX = 1_600

# Typed as Any: matplotlib's stubs name every key there is.
_STYLE: Any = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6eaee",
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "legend.frameon": False,
    # Equal input gives equal bytes.
    "svg.hashsalt": "hedgebot",
}


def _figure(height: float, rows: int = 1, ratios: Sequence[float] = (1.0,)) -> "tuple[Figure, list[Axes]]":
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise WrongUse("plots need matplotlib: pip install 'hedgebot[lab]', or leave --report out") from None
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9.6, height), layout="constrained")
        axes = figure.subplots(rows, 1, sharex=rows > 1, squeeze=False, height_ratios=list(ratios))
        return figure, list(axes[:, 0])


def _title(axes: "Axes", text: str) -> None:
    axes.set_title(text, loc="left", fontweight="bold", fontsize=11, color=INK)
    axes.set_axisbelow(True)


def _svg(figure: "Figure") -> str:
    import matplotlib as mpl

    text = io.StringIO()
    with mpl.rc_context(_STYLE):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    whole = text.getvalue()
    return whole[whole.index("<svg") :]


def thinned(*columns: Floats) -> tuple[Floats, ...]:
    """At most `POINTS_MAX` rows of each column, evenly; the last one is kept."""
    count = len(columns[0])
    if count <= POINTS_MAX:
        return columns
    rows = np.unique(np.linspace(0, count - 1, POINTS_MAX).round().astype(int))
    return tuple(column[rows] for column in columns)


def delta_chart(
    title: str, days: Floats, price: Floats, delta: Floats, unhedged: Floats, low: Floats, high: Floats
) -> str:
    """Price above, the net delta in its band in the middle, below what it would be without hedges."""
    figure, (top, middle, bottom) = _figure(6.2, 3, (1.0, 1.6, 1.0))
    days, price, delta, unhedged, low, high = thinned(days, price, delta, unhedged, low, high)
    top.plot(days, price, color=QUIET, linewidth=1.0)
    _title(top, f"{title}: price")
    top.set_ylabel("USD")
    top.yaxis.set_major_formatter("{x:,g}")
    middle.fill_between(days, low, high, color=FILL, alpha=0.7, linewidth=0, label="band")
    for edge in (low, high):
        middle.plot(days, edge, color=QUIET, linewidth=0.8)
    middle.axhline(0.0, color=QUIET, linewidth=0.6)
    middle.plot(days, delta, color=LINE, linewidth=0.9, label="net delta")
    # The legend stands above the lines, not on them.
    shown = np.concatenate((low, high, delta))
    least, most = float(np.nanmin(shown)), float(np.nanmax(shown))
    middle.set_ylim(least - 0.06 * (most - least), most + 0.24 * (most - least))
    _title(middle, "net delta against its band")
    middle.set_ylabel("coins")
    middle.legend(loc="upper right", ncols=2)
    bottom.plot(days, unhedged, color=WARM, linewidth=1.0)
    bottom.fill_between(days, low, high, color=FILL, alpha=0.7, linewidth=0)
    bottom.axhline(0.0, color=QUIET, linewidth=0.6)
    _title(bottom, "what it would have been without hedges")
    bottom.set_ylabel("coins")
    bottom.set_xlabel("days")
    return _svg(figure)


def split_chart(title: str, parts: Sequence[tuple[str, float]]) -> str:
    """What hedging cost by its parts, a bar each with its number; what was earned points to the left."""
    figure, (axes,) = _figure(0.9 + 0.36 * len(parts))
    names, values = [name for name, _ in parts], [value for _, value in parts]
    bars = axes.barh(names, values, color=[BAD if value >= 0 else GOOD for value in values], height=0.6)
    axes.bar_label(bars, labels=[f"{value:,.2f}" for value in values], padding=4, color=INK, fontsize=9)
    axes.axvline(0.0, color=QUIET, linewidth=0.8)
    axes.invert_yaxis()
    axes.margins(x=0.14)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter("{x:,g}")
    _title(axes, f"{title}: of what the cost is made")
    axes.set_xlabel("USD, costs to the right")
    return _svg(figure)


def cost_chart(title: str, days: Floats, trading: Floats, funding: Floats) -> str:
    """Costs over time."""
    figure, (axes,) = _figure(2.8)
    axes.yaxis.set_major_formatter("{x:,g}")
    days, trading, funding = thinned(days, trading, funding)
    axes.plot(days, trading, color=LINE, linewidth=1.4, label="trading")
    axes.plot(days, trading + funding, color=WARM, linewidth=1.2, label="trading and funding")
    _title(axes, f"{title}: what hedging cost so far")
    axes.set_ylabel("USD")
    axes.set_xlabel("days")
    axes.legend(loc="upper left", ncols=2)
    return _svg(figure)


def profit_chart(parts: Sequence[tuple[str, float]]) -> str:
    """A waterfall of what moved equity, ending in the total."""
    figure, (axes,) = _figure(3.6)
    level = 0.0
    for number, (_, value) in enumerate(parts):
        bar = axes.bar(number, value, bottom=level, color=GOOD if value >= 0 else BAD, width=0.62)
        _on_top(axes, bar, value)
        level += value
    _on_top(axes, axes.bar(len(parts), level, color=INK, width=0.62), level)
    # A bar's foot is no edge of the picture: numbers stand there.
    axes.use_sticky_edges = False
    axes.margins(y=0.14)
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.axhline(0.0, color=QUIET, linewidth=0.8)
    axes.set_xticks(range(len(parts) + 1), [*(name for name, _ in parts), "equity"], rotation=25, ha="right")
    _title(axes, "where equity moved")
    axes.set_ylabel("USD")
    return _svg(figure)


def _on_top(axes: "Axes", bar: Any, value: float) -> None:  # noqa: ANN401  (matplotlib's container)
    """Write a bar's number at its end."""
    axes.bar_label(bar, labels=[f"{value:+,.0f}"], padding=2, fontsize=8, color=QUIET)


def frontier_chart(
    series: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    *,
    title: str = "cost against tracking error",
    error: str = "tracking error, USD per square root of a day",
    cost: str = "trading cost, USD a day",
    logarithmic: bool = False,
) -> str:
    """Cost against tracking error of several policies, a line each; lower and more to the left is better.

    `error` and `cost` name the axes with their units. Sweeps over orders of magnitude are read on logarithmic axes.
    """
    figure, (axes,) = _figure(4.6)
    for number, (name, points) in enumerate(series):
        known = sorted(points)
        color = PALETTE[number % len(PALETTE)]
        axes.plot([x for x, _ in known], [y for _, y in known], "o-", color=color, linewidth=1.4, label=name)
    _title(axes, title)
    axes.set_xlabel(error)
    axes.set_ylabel(cost)
    if logarithmic:
        for axis, scale in ((axes.xaxis, axes.set_xscale), (axes.yaxis, axes.set_yscale)):
            scale("log")
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter("{x:g}")
            axis.set_tick_params(which="minor", labelsize=7)
    else:
        axes.set_ylim(bottom=0.0)
    axes.legend()
    return _svg(figure)
