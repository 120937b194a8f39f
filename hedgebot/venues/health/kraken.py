"""Kraken Futures (balances and margins, open positions) and the margin balance of Kraken spot.

Futures tell amounts by margin account. Spot's `ml` is equity / initial margin in percent: down is bad, and it is no
maintenance margin. Sources: margin reference sections 3 and 6.9; recorded frames of data sets m01 and m24; profit of
an inverse contract is size * (1 / entry - 1 / mark).
"""

from collections.abc import Mapping

from hedgebot.domain.health import AccountHealth, Holding, Relation
from hedgebot.venues.health.words import absent, less, printed_unit, relation
from hedgebot.venues.reading import Raw, as_rows, float_or_none, text

_PLACES = 1e-9
_MARGIN_ACCOUNT = "f-"


def read(frame: object) -> tuple[AccountHealth, ...] | None:
    """Margin accounts and positions of one frame or answer."""
    if not isinstance(frame, Mapping):
        return None
    if "margin_accounts" in frame:
        rows = as_rows(frame["margin_accounts"], "margin_accounts")
        return tuple(_account(row) for row in rows if text(row, "name").startswith(_MARGIN_ACCOUNT) and _used(row))
    if {"name", "pv", "am", "mm"} <= frame.keys():
        return (_account(frame),)
    if frame.get("feed") == "open_positions":
        return (_positions(as_rows(frame.get("positions"), "positions"), str(frame.get("account", ""))),)
    if "openPositions" in frame:
        return (_listed(as_rows(frame["openPositions"], "openPositions")),)
    result = frame.get("result")
    if isinstance(result, Mapping) and {"eb", "tb", "m", "mf"} <= result.keys():
        return (_spot(result),)
    return None


def _used(row: Raw) -> bool:
    return any(float_or_none(row, field) for field in ("balance", "pv", "im", "mm"))


def _account(row: Raw) -> AccountHealth:
    value, initial = float_or_none(row, "pv"), float_or_none(row, "im")
    balance = float_or_none(row, "balance")
    parts = (
        None
        if balance is None
        else balance + (float_or_none(row, "pnl") or 0.0) + (float_or_none(row, "funding") or 0.0)
    )
    in_margin = text(row, "name").startswith(_MARGIN_ACCOUNT)
    return AccountHealth(
        venue="krakenfutures",
        account=text(row, "name"),
        unit=text(row, "name").removeprefix(_MARGIN_ACCOUNT).partition(":")[0].upper(),
        equity=value if in_margin else None,
        initial=initial,
        maintenance=float_or_none(row, "mm"),
        printed=_PLACES,
        relations=(
            *(relation("pv = balance + pnl + funding", value, parts, _PLACES) if in_margin else ()),
            *_available(row, value, initial, in_margin=in_margin),
        ),
        missing=absent(row, "pv", "im", "mm") if in_margin else ("equity: a cash account margins nothing",),
    )


def _available(row: Raw, value: float | None, initial: float | None, *, in_margin: bool) -> tuple[Relation, ...]:
    left = less(value, initial) if in_margin else None
    return relation("am = pv - im", float_or_none(row, "am"), left, _PLACES)


def _positions(rows: tuple[Raw, ...], account: str) -> AccountHealth:
    return AccountHealth(
        venue="krakenfutures",
        account=account or "positions",
        unit="XBT",
        holdings=tuple(_holding(row) for row in rows),
        missing=("equity, im and mm: a position frame has none",),
    )


def _holding(row: Raw) -> Holding:
    size, entry, mark = (
        float_or_none(row, "balance") or 0.0,
        float_or_none(row, "entry_price"),
        float_or_none(row, "mark_price"),
    )
    profit = size * (1.0 / entry - 1.0 / mark) if entry and mark and text(row, "instrument").startswith("PI_") else None
    stated = float_or_none(row, "pnl")
    return Holding(
        instrument=text(row, "instrument"),
        contracts=size,
        value=abs(size) / mark if mark else None,
        mark=mark,
        entry=entry,
        profit=stated,
        printed=_PLACES,
        relations=relation("pnl = size (1/entry - 1/mark)", stated, profit, 1e-9 * abs(profit or 0.0)),
        missing=("initial and maintenance margin of the position are not told",),
    )


def _listed(rows: tuple[Raw, ...]) -> AccountHealth:
    return AccountHealth(
        venue="krakenfutures",
        account="positions",
        unit="USD",
        holdings=tuple(
            Holding(
                instrument=text(row, "symbol"),
                contracts=(float_or_none(row, "size") or 0.0) * (-1.0 if row.get("side") == "short" else 1.0),
                entry=float_or_none(row, "price"),
                missing=("mark price, initial and maintenance margin are not told",),
            )
            for row in rows
        ),
        missing=("equity, im and mm: a list of positions has none",),
    )


def _spot(row: Raw) -> AccountHealth:
    equity, initial, level = float_or_none(row, "e"), float_or_none(row, "m"), float_or_none(row, "ml")
    share = 100.0 * equity / initial if equity is not None and initial else None
    unit = 2.0 * printed_unit(row, "e", "m")
    return AccountHealth(
        venue="kraken",
        account="spot margin",
        unit="USD",
        equity=equity,
        initial=initial,
        printed=unit,
        relations=(
            *relation("mf = e - m", float_or_none(row, "mf"), less(equity, initial), unit),
            *relation("ml = 100 e / m (down is bad)", level, share, printed_unit(row, "ml")),
        ),
        missing=("maintenance margin: the venue tells none for spot margin",),
    )
