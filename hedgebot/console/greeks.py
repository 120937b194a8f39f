"""The exposure of a book in rows: by instrument, and summed by account and venue, in words and as plain data.

Owns sums and layout. A sum with an unknown part is unknown, never the rest of it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from hedgebot.console.output import plain
from hedgebot.console.snapshot import PositionRow, UnderlyingRow

SUMMED = (
    "delta_coin",
    "delta_usd",
    "equity_coin",
    "gamma_coin_per_usd",
    "vega_usd_per_vol_point",
    "theta_usd_per_day",
)
_OPTIONS_ONLY = SUMMED[3:]


def greeks_data(one: UnderlyingRow) -> dict[str, Any]:
    """Net numbers, sums by venue and by account, and the rows; every key has its unit."""
    return {
        "convention": one.convention,
        "price_usd": one.price_usd,
        "delta_coin": one.delta_coin,
        "delta_usd": one.delta_usd,
        "gap_coin": one.gap_coin,
        "residual_coin": one.residual_coin,
        "option_age_ms": one.option_age_ms,
        "book_age_ms": one.book_age_ms,
        "scope": one.scope,
        "outside_coin": one.outside_coin,
        "sums": sums(_counted(one)),
        "by_venue": _grouped(_counted(one), lambda row: row.venue),
        "by_account": _grouped(_counted(one), lambda row: row.account),
        "by_instrument": [msgspec.to_builtins(row) for row in one.positions],
    }


def _counted(one: UnderlyingRow) -> list[PositionRow]:
    """Rows that the scope does not leave out: those that make the net delta."""
    return [row for row in one.positions if row.in_scope]


def sums(rows: Iterable[PositionRow]) -> dict[str, float | None]:
    """Each number over some rows; only options have gamma, vega and theta."""
    held = list(rows)
    return {name: _sum(held, name) for name in SUMMED}


def greeks_lines(underlyings: Sequence[UnderlyingRow]) -> list[str]:
    """One block for each underlying."""
    lines: list[str] = []
    for one in underlyings:
        lines += [*_block(one), ""]
    return lines[:-1] or ["this book has no underlyings"]


def _block(one: UnderlyingRow) -> list[str]:
    heading = (
        f"{'':<44}{'delta coin':>12}{'delta USD':>14}{'gamma/USD':>12}{'vega/pt':>11}{'theta/day':>11}{'age ms':>8}"
    )
    lines = [f"{one.underlying} at {_number(one.price_usd, 2).lstrip('+')} USD, {plain(one.convention)}", heading]
    for row in one.positions:
        outside = "" if row.in_scope else " (outside)"
        times = f" x {row.ratio:g}" if row.ratio is not None else ""
        lines.append(_line(f"  {row.account} {row.instrument}{times}{outside}", msgspec.to_builtins(row), row.age_ms))
        if row.premium_adjusted_coin is not None:
            lines.append(
                f"      Black-Scholes {_number(row.black_scholes_coin, 6)}, premium-adjusted "
                f"{_number(row.premium_adjusted_coin, 6)}, worth {_number(row.equity_coin, 6)} {one.underlying}"
            )
    groups = (("account", _grouped(_counted(one), lambda row: row.account)), ("venue", _grouped_by_venue(one)))
    for what, found in groups:
        lines += [_line(f"  {what} {name}", numbers, None) for name, numbers in found.items()]
    net = sums(_counted(one)) | {"delta_coin": one.delta_coin, "delta_usd": one.delta_usd}
    lines.append(_line("  net", net, one.option_age_ms))
    if one.scope:
        lines.append(
            f"  hedged are {plain(one.scope)} alone; {_number(one.outside_coin, 6)} outside that are not hedged"
        )
    lines.append(
        f"  rows explain the net delta but for {_number(one.gap_coin, 6)} {one.underlying} (moves since the last "
        f"re-mark); {_number(one.residual_coin, 6)} of the last hedge was less than a lot"
    )
    return lines


def _grouped_by_venue(one: UnderlyingRow) -> dict[str, dict[str, float | None]]:
    return _grouped(_counted(one), lambda row: row.venue)


def _grouped(rows: Iterable[PositionRow], key: Callable[[PositionRow], str]) -> dict[str, dict[str, float | None]]:
    found: dict[str, list[PositionRow]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return {name: sums(some) for name, some in found.items()}


def _sum(rows: Sequence[PositionRow], name: str) -> float | None:
    values = [getattr(row, name) for row in rows if name not in _OPTIONS_ONLY or row.kind.endswith("option")]
    known = [value for value in values if value is not None]
    return sum(known, 0.0) if len(known) == len(values) else None


def _line(name: str, numbers: dict[str, Any], age_ms: float | None) -> str:
    return (
        f"{plain(name):<44}{_number(numbers['delta_coin'], 6):>12}{_number(numbers['delta_usd'], 2):>14}"
        f"{_number(numbers['gamma_coin_per_usd'], 8):>12}{_number(numbers['vega_usd_per_vol_point'], 2):>11}"
        f"{_number(numbers['theta_usd_per_day'], 2):>11}{_number(age_ms, 0):>8}"
    )


def _number(value: float | None, places: int) -> str:
    return "-" if value is None else f"{value:+.{places}f}" if places else f"{value:.0f}"
