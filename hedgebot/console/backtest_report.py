"""A backtest's page and its lines for a terminal. Owns words and layout; figures are the lab's, plots the charts'."""

import html
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hedgebot.console.output import plain, table

if TYPE_CHECKING:
    from hedgebot.lab.backtest import Hedges, Result

_STYLE = """
:root { color-scheme: light; --ink: #1b2733; --quiet: #66727f; --line: #e3e8ed; --paper: #fff; --ground: #f4f6f8; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 28px 18px 60px; }
h1 { font-size: 26px; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 18px; margin: 34px 0 10px; }
p.sub { color: var(--quiet); margin: 4px 0 20px; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; }
.card, .plot, .wide {
  background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px;
}
.card b { display: block; font-size: 21px; font-variant-numeric: tabular-nums; letter-spacing: -0.01em; }
.card span { color: var(--quiet); font-size: 13px; }
.plot { margin-top: 12px; padding: 10px; }
.plot svg { width: 100%; height: auto; display: block; }
.wide { margin-top: 12px; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 6px 10px; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
th { color: var(--quiet); font-weight: 600; font-size: 13px; }
tr:last-child td { border-bottom: 0; }
"""


def money(value: float) -> str:
    """USD with a thousands separator; cents below a hundred."""
    return f"{value:,.2f}" if abs(value) < 100.0 else f"{value:,.0f}"


def number(value: float | None, form: str = ".4g") -> str:
    """A figure, or a dash where there is none."""
    return "-" if value is None or not math.isfinite(value) else format(value, form)


def profit_parts(result: "Result") -> list[tuple[str, float]]:
    """Causes of the change of equity, in the order in which they are told."""
    one = result.profit
    return [
        ("delta", one.delta),
        ("gamma and theta", one.gamma_theta),
        ("vega", one.vega),
        ("basis", one.basis),
        ("hedge funding", one.funding),
        ("hedge fees", one.hedge_fees),
        ("hedge execution", one.hedge_execution),
        ("book's funding", one.book_funding),
        ("client's trades", one.client),
        ("client's fees", one.client_fees),
        ("rest", one.rest),
    ]


def report_lines(result: "Result") -> list[str]:
    """The run for a terminal."""
    moved = result.equity_last_usd - result.equity_first_usd
    rows = [("", *(one.underlying for one in result.hedges))]
    for name, cells in _figures(result.hedges):
        rows.append((name, *cells))
    causes = ", ".join(f"{name} {money(value)}" for name, value in profit_parts(result) if abs(value) >= 0.005)
    head = (
        f"{plain(result.label)}: {_days(result)} of {plain(result.scenario)}, {_since(result)}every "
        f"{result.step_s:g} s, "
        f"{result.events:,} events, the book ended {result.mode}"
    )
    lines = [head, *table(rows), f"equity moved {money(moved)} USD: {causes}"]
    lines += [*([gap_words(result)] * bool(result.gaps)), *spread_words(result), *_doubts(result)]
    if result.alerts:
        lines.append("alerts: " + ", ".join(f"{name} {count}" for name, count in sorted(result.alerts.items())))
    if result.refusals:
        lines.append("refused: " + ", ".join(f"{name} {count}" for name, count in sorted(result.refusals.items())))
    return lines


def _figures(hedges: "Sequence[Hedges]") -> list[tuple[str, list[str]]]:
    """Name and one cell for each underlying."""
    return [
        ("tracking error, USD/sqrt(day)", [money(one.measures.tracking_error_usd) for one in hedges]),
        ("  predicted tracking error", [number(one.predicted.tracking_error_usd_root_day) for one in hedges]),
        ("trading cost, USD/day", [money(one.measures.cost_usd_per_day) for one in hedges]),
        ("  predicted cost", [number(one.predicted.cost_usd_day) for one in hedges]),
        ("  fees, USD", [money(one.costs.fees) for one in hedges]),
        ("  half spreads, USD", [money(one.costs.spread) for one in hedges]),
        ("  beyond the spread, USD", [money(one.costs.impact) for one in hedges]),
        ("funding of hedges, USD", [money(one.costs.funding) for one in hedges]),
        ("orders/day", [number(one.measures.orders_per_day) for one in hedges]),
        ("  predicted orders", [number(one.predicted.orders_day) for one in hedges]),
        ("turnover, coins/day", [number(one.measures.turnover_coin_per_day) for one in hedges]),
        ("exposure's variance, coin2/day", [number(one.measures.flow_coin2_per_day) for one in hedges]),
        ("efficiency E", [number(one.measures.efficiency, ".3f") for one in hedges]),
        ("  predicted E", [number(one.predicted.efficiency, ".3f") for one in hedges]),
        ("time inside the band", [number(one.measures.inside_band, ".1%") for one in hedges]),
    ]


def _doubts(result: "Result") -> list[str]:
    """What makes predicted figures unreliable, a sentence for each underlying where something does."""
    return [f"{one.underlying}: predicted figures are {one.unpredicted}" for one in result.hedges if one.unpredicted]


def report_page(result: "Result") -> str:
    """The run as one HTML page without anything outside it."""
    from hedgebot.console.charts import cost_chart, delta_chart, profit_chart, split_chart

    parts = [_head(result)]
    for one in result.hedges:
        columns, name = one.columns, one.underlying
        parts.append(f"<h2>{html.escape(name)}</h2>{_cards(one)}")
        parts.append(
            plot(
                delta_chart(
                    name,
                    columns.days,
                    columns.price,
                    columns.delta_coin,
                    columns.unhedged_coin,
                    columns.low_coin,
                    columns.high_coin,
                )
            )
        )
        parts.append(plot(cost_chart(name, columns.days, columns.trading_usd, columns.funding_usd)))
        parts.append(plot(split_chart(name, cost_parts(one))))
    parts.append("<h2>Profit and its causes</h2>" + plot(profit_chart(profit_parts(result))))
    parts.append(f"<h2>All figures</h2>{html_table(_figure_rows(result))}{_told(result)}")
    return page(f"Backtest: {result.label}", "".join(parts))


def cost_parts(one: "Hedges") -> list[tuple[str, float]]:
    """What hedging cost, by its parts."""
    costs = one.costs
    return [
        ("fees", costs.fees),
        ("half spreads", costs.spread),
        ("beyond the spread", costs.impact),
        ("funding", costs.funding),
    ]


def _figure_rows(result: "Result") -> list[tuple[str, ...]]:
    """A head and a row for each figure, what was predicted beside what came."""
    rows: list[tuple[str, ...]] = [
        ("figure", *(text for one in result.hedges for text in (one.underlying, f"{one.underlying}, predicted")))
    ]
    figures = _figures(result.hedges)
    for number, (name, cells) in enumerate(figures):
        if name.startswith("  predicted"):
            continue
        ahead = figures[number + 1] if number + 1 < len(figures) else ("", [])
        promised = ahead[1] if ahead[0].startswith("  predicted") else [""] * len(cells)
        rows.append((name.strip(), *(text for pair in zip(cells, promised, strict=True) for text in pair)))
    return rows


def _told(result: "Result") -> str:
    """What the book said meanwhile."""
    words = [*([gap_words(result)] * bool(result.gaps)), *spread_words(result), *_doubts(result)]
    found = [f"<p class='sub'>{html.escape(one)}</p>" for one in words]
    for what, counts in (("alerts", result.alerts), ("orders refused by the rule", result.refusals)):
        if counts:
            told = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
            found.append(f"<p class='sub'>{what}: {html.escape(told)}</p>")
    return "".join(found)


def page(title: str, body: str) -> str:
    """A page with the reports' look. `body` is HTML."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )


def html_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a table, the first one its head."""
    head, *body = rows
    cells = "".join(f"<th>{html.escape(one)}</th>" for one in head)
    lines = "".join("<tr>" + "".join(f"<td>{html.escape(one)}</td>" for one in row) + "</tr>" for row in body)
    return f'<div class="wide"><table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table></div>'


def _head(result: "Result") -> str:
    moved = result.equity_last_usd - result.equity_first_usd
    trading = sum(one.costs.trading for one in result.hedges)
    cards = [
        (f"{money(moved)} USD", "change of equity"),
        (f"{money(trading)} USD", "trading cost of hedges"),
        (f"{money(sum(one.costs.funding for one in result.hedges))} USD", "funding of hedges"),
        (f"{sum(one.measures.orders_per_day for one in result.hedges):,.1f}", "hedges a day"),
        (f"{result.events:,}", "events through the engine"),
    ]
    told = (
        f"{_days(result)} of {result.scenario}, {_since(result)}a look every {result.step_s:g} s; "
        f"configuration {result.config_hash}; the book ended {result.mode}"
    )
    return f"<h1>{html.escape(result.label)}</h1><p class='sub'>{html.escape(told)}</p>{_card_row(cards)}"


def gap_words(result: "Result") -> str:
    """What of the recording is missing."""
    many = "gaps" if result.gaps > 1 else "gap"
    return (
        f"the recording has {result.gaps} {many} of {result.gaps_s / 60:.1f} min in all: nothing trades and no price "
        "is new in them, so that the book stops hedging there"
    )


def spread_words(result: "Result") -> list[str]:
    """Whose spreads the costs are made of; nothing for a market of a seed."""
    if result.recorded_ns is None:
        return []
    if not result.spreads_bps:
        return ["no quotes were recorded: spreads and depths are the model's"]
    books = ", ".join(f"{name} {number(bps, '.3g')} bps" for name, bps in sorted(result.spreads_bps.items()))
    told = (
        f"best bids and asks are the recording's, their mean spread: {books}; what stands behind them, and every other"
    )
    return [f"{told} book, is the model's"]


def _days(result: "Result") -> str:
    return f"{result.days:g} day{'' if result.days == 1.0 else 's'}"


def _since(result: "Result") -> str:
    """The recorded moment at which it began; empty for a market of a seed."""
    if result.recorded_ns is None:
        return ""
    began = datetime.fromtimestamp(result.recorded_ns / 1e9, tz=UTC)
    return f"recorded from {began:%Y-%m-%d %H:%M} UTC on, "


def _cards(one: "Hedges") -> str:
    return _card_row(
        [
            (f"{money(one.measures.tracking_error_usd)} USD", "tracking error per sqrt(day)"),
            (f"{money(one.measures.cost_usd_per_day)} USD", "trading cost a day"),
            (number(one.measures.orders_per_day), "orders a day"),
            (number(one.measures.efficiency, ".3f"), "efficiency E"),
            (number(one.measures.inside_band, ".1%"), "of the time inside the band"),
        ]
    )


def _card_row(cards: Sequence[tuple[str, str]]) -> str:
    inner = "".join(f'<div class="card"><b>{html.escape(big)}</b><span>{small}</span></div>' for big, small in cards)
    return f'<div class="cards">{inner}</div>'


def plot(svg: str) -> str:
    """A plot in its frame."""
    return f'<div class="plot">{svg}</div>'
