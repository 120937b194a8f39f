"""The one screen of a book, as a pure function of the daemon's status answer. Reads no clock and no terminal.

Every line is made to fit: the important words come first, the rest is dropped whole, piece by piece, never cut in a
number. Laid out for 80x24 and up; more room shows more positions, hedges and alerts.
"""

from collections.abc import Sequence

from rich.console import Group
from rich.text import Text

from hedgebot.console import words
from hedgebot.console.bar import delta_bar
from hedgebot.console.output import plain
from hedgebot.console.snapshot import AccountRow, BookSnapshot, DecisionRow, PositionRow, Snapshot, UnderlyingRow

WIDTH_MIN = 60
MODE_STYLES = {
    "active": "bold green",
    "reducing": "bold yellow",
    "recovering": "bold yellow",
    "halted": "bold white on red",
}
SEVERITY_STYLES = {"crit": "bold red", "warn": "yellow", "info": "cyan"}

Piece = tuple[str, str]


def screen(snapshot: Snapshot, *, width: int = 80, height: int = 24, note: str = "") -> Group:
    """Draw the book in `width` x `height` characters; `note` is the last line (how to leave, how long it goes on)."""
    width = max(width, WIDTH_MIN)
    book = snapshot.book
    top = [_title(snapshot, width), _mode(book, width)]
    for one in book.underlyings:
        top += _underlying(one, width)
    middle = [line for account in book.accounts for line in _account(account, width)]
    middle += [fit([(words.venue_gone(one), ""), (words.venue_cap(one), "dim")], width) for one in book.venues]
    middle.append(_orders(book, width))
    footer = [fit([(note, "dim")], width)] if note else []
    room = height - len(top) - len(middle) - len(footer)
    alerts = _alerts(snapshot, width, max(1, room // 4))
    room -= len(alerts)
    positions = [(one, row) for one in book.underlyings for row in one.positions]
    wanted = len(positions) + 1
    share = max(2, min(wanted, room - min(len(book.decisions) + 1, max(room // 2, 4))))
    shown_positions = _positions(positions, width, share)
    hedges = _hedges(book.decisions, width, max(0, room - len(shown_positions)))
    lines = [*top, *shown_positions, *middle, *hedges, *alerts]
    return Group(*lines[: height - len(footer)], *footer)


def fit(pieces: Sequence[Piece], width: int, *, gap: str = "  ") -> Text:
    """Join pieces in one line; those that do not fit any more are left out whole, from the last one on.

    Only a first piece that alone is too long is shortened, with an ellipsis.
    """
    line = Text(no_wrap=True, overflow="ellipsis")
    for text, style in pieces:
        lead = gap if line.plain else ""
        if line.cell_len + len(lead) + Text(text).cell_len > width:
            if not line.plain:
                line.append(text, style)
                line.truncate(width, overflow="ellipsis")
            break
        line.append(lead)
        line.append(text, style)
    return line


def _title(snapshot: Snapshot, width: int) -> Text:
    book = snapshot.book
    daemon = snapshot.daemon
    run_mode = daemon.run_mode.upper()
    pieces = [
        (" hedgebot", "bold"),
        (run_mode, "bold red" if run_mode == "LIVE" else "bold"),
        (book.mode.upper() + (" latched" if book.latched else ""), MODE_STYLES.get(book.mode, "bold")),
        (daemon.book_name, ""),
        (f"up {words.duration(daemon.uptime_s)}", ""),
        (f"epoch {book.epoch or words.UNKNOWN}", ""),
        (f"config {book.config_hash[:8] or words.UNKNOWN}", ""),
        (f"{words.clock(book.at_ns)} UTC", ""),
        (f"version {daemon.version}", ""),
        ("KILL: hedgebot kill", "") if width >= 110 else ("", ""),
    ]
    line = fit([one for one in pieces if one[0]], width)
    line.pad_right(max(0, width - line.cell_len))
    line.stylize("reverse")
    return line


def _mode(book: BookSnapshot, width: int) -> Text:
    counts = f"{words.unsigned(book.hedges)} hedges, {words.unsigned(book.refusals)} refused"
    reason = "; ".join(map(words.latch_line, book.latches)) or plain(book.mode_reason) or "no reason given"
    line = fit([(reason, MODE_STYLES.get(book.mode, ""))], width - len(counts) - 2)
    line.pad_right(max(2, width - line.cell_len - len(counts)))
    return line.append(counts)


def _underlying(one: UnderlyingRow, width: int) -> list[Text]:
    name = one.underlying
    digits = words.coin_digits(name)
    first = [
        (f"{name:4}", "bold"),
        (f"net delta {words.coin(one.delta_coin, name)}", _delta_style(one)),
        (words.usd(one.delta_usd, sign=True), ""),
        (f"band {words.band(one)} {name}", ""),
        (f"limit ±{words.unsigned(one.limit_coin, 2)}", ""),
        (f"hedge {plain(words.hedge_names(one))}", ""),
        (plain(one.why_not), "dim"),
    ]
    third = [
        (f"     gamma {words.signed(one.gamma_coin_per_pct, digits)} {name}/1 %", ""),
        (f"worst {words.unsigned(one.worst_case_coin, digits)} {name}", _worst_style(one)),
        (words.triggers(one), ""),
        (f"price {words.usd(one.price_usd)}", ""),
        (f"book age {words.age(one.book_age_ms)}", ""),
        (f"options {words.age(one.option_age_ms)}", ""),
    ]
    bar = delta_bar(one, width)
    bar.no_wrap = True
    return [fit(first, width), bar, fit(third, width, gap=", ")]


def _delta_style(one: UnderlyingRow) -> str:
    if one.delta_coin is None:
        return "bold red"
    off = one.delta_coin - one.centre_coin
    edge = one.edge_coin(off)
    if one.limit_coin is not None and abs(one.delta_coin) > one.limit_coin:
        return "bold white on red"
    return "bold yellow" if edge is not None and abs(off) > edge else "bold green"


def _worst_style(one: UnderlyingRow) -> str:
    if one.worst_case_coin is None or one.limit_coin is None:
        return ""
    return "bold red" if abs(one.worst_case_coin) > one.limit_coin else ""


def _heading(title: str, width: int) -> Text:
    return Text(f"── {title} ".ljust(width, "─")[:width], style="dim", no_wrap=True)


def _positions(rows: Sequence[tuple[UnderlyingRow, PositionRow]], width: int, lines: int) -> list[Text]:
    """The largest positions by delta; the heading says how many are not shown."""
    ordered = sorted(rows, key=lambda row: -abs(_size(row[1]) * (row[0].price_usd or 1.0)))
    shown = ordered[: max(0, lines - 1)]
    hidden = len(ordered) - len(shown)
    more = f", {hidden} smaller not shown" if hidden else ""
    result = [_heading(f"positions: {len(ordered)}{more}", width)]
    for one, row in shown:
        delta = "" if row.delta_coin is None else f"delta {words.coin(row.delta_coin, one.underlying)}"
        pieces = [
            (f"{words.position_name(row):<31}", ""),
            (f"{words.position_size(row, one.underlying):>18}", ""),
            (f"mark {words.unsigned(row.mark, 2):>10}" if row.mark is not None else " " * 15, ""),
            (f"age {words.age(row.age_ms):>7}" if row.age_ms is not None else " " * 11, ""),
            (f"entry {words.unsigned(row.entry_price, 2):>10}" if row.entry_price else " " * 16, ""),
            (delta, ""),
            (row.account, "dim"),
        ]
        result.append(fit([piece for piece in pieces if piece[0]], width, gap=" "))
    return result


def _account(account: AccountRow, width: int) -> list[Text]:
    margin = [
        (f"margin use {words.percent(account.margin_use)}", "bold"),
        (f"equity {words.usd(account.equity_usd)}", ""),
        (f"age {words.age(account.margin_age_ms)}", ""),
        (f"initial {words.usd(account.initial_margin_usd)}", ""),
        (f"maintenance {words.usd(account.maintenance_margin_usd)}", ""),
        *(((plain(account.liquidation), ""),) if account.liquidation else ()),
        *(((words.stress_line(account), ""),) if words.stress_line(account) else ()),
        *(((plain(account.regime), "dim"),) if account.regime else ()),
    ]
    data = [
        ("data age", ""),
        *((words.stream(one), "" if one.up else "bold red") for one in account.streams),
        (words.clock_offset(account), ""),
        ("" if account.reconciled or account.watched else "NOT RECONCILED", "bold red"),
        (f"account {account.account} ({account.role})", "dim"),
        ("margin only" if account.watched else f"reconciled {words.age(account.reconciled_age_ms)} ago", "dim"),
    ]
    lines = [fit(margin, width), fit([one for one in data if one[0]], width)]
    if account.dead_man:
        well = account.dead_man.startswith("armed")
        lines.append(fit([(f"dead man's switch {words.dead_man(account)}", "" if well else "bold red")], width))
    return lines


def _orders(book: BookSnapshot, width: int) -> Text:
    unknown = book.unknown_orders
    pieces: list[Piece] = [
        (f"orders {len(book.orders)} open", ""),
        (f"{unknown} unknown{' (see hedgebot why-not)' if unknown else ''}", "bold red" if unknown else ""),
        (words.funding_forecast(book), _funding_style(book)),
        *((words.order_words(one), "") for one in book.orders),
        (f"fees {words.coins(book.fees)}", ""),
    ]
    return fit(pieces, width)


def _funding_style(book: BookSnapshot) -> str:
    cost, limit = book.funding_usd_per_day, book.funding_limit_usd_per_day
    return "bold red" if cost is not None and limit is not None and cost > limit else ""


def _size(row: PositionRow) -> float:
    """How much a position matters for the order of the list."""
    return abs(row.delta_coin if row.delta_coin is not None else float(row.contracts or 0))


def _hedges(decisions: Sequence[DecisionRow], width: int, lines: int) -> list[Text]:
    """The newest decisions, newest last, with what moved the exposure."""
    if lines < 2:
        return []
    result = [_heading("last decisions", width)]
    for one in decisions[-(lines - 1) :]:
        name, digits = one.underlying, words.coin_digits(one.underlying)
        band = words.half_widths(one.band_coin, one.band_below_coin) if one.band_coin else ""
        moved = f"net {words.signed(one.delta_coin, digits)} beyond {band}" if band else ""
        if len(one.explanation) <= width - 56:
            moved = plain(one.explanation)
        pieces = [
            (words.clock(one.at_ns), "dim"),
            (f"{name:4}", "bold"),
            (f"{words.decision_action(one):<20}", "cyan" if one.outcome == "hedge" else "yellow"),
            (f"{words.cause(one):<12}", ""),
            (moved, ""),
        ]
        result.append(fit([piece for piece in pieces if piece[0]], width, gap=" "))
    return result


def _alerts(snapshot: Snapshot, width: int, lines: int) -> list[Text]:
    """What is wrong, worst first, with the page that says what to do."""
    order = ["crit", "warn", "info"]
    alerts = sorted(snapshot.alerts, key=lambda one: order.index(one.severity) if one.severity in order else 0)
    if not alerts:
        channels = words.channel_lines(snapshot.daemon.alert_delivery)
        return [fit([("alerts none", "green"), *((one, "dim") for one in channels)], width)]
    shown = alerts[:lines]
    result = [
        fit(
            [
                (f"{one.severity.upper()} {one.kind}", SEVERITY_STYLES.get(one.severity, "bold red")),
                (f"runbooks/{one.runbook}-*.md", "bold"),
                (plain(one.subject), ""),
                (plain(one.summary), ""),
            ],
            width,
        )
        for one in shown
    ]
    if len(alerts) > len(shown):
        result[-1] = fit([(f"and {len(alerts) - len(shown) + 1} more alerts: hedgebot status", "bold red")], width)
    return result
