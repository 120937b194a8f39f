"""Hyperliquid: clearinghouseState. Owns its words; no what-if and no maintenance margin of single positions.

Sources: margin reference sections 3 and 6.5; recorded answers (data sets m01, m05, m24). The cross part is what is
liquidated together; isolated positions stand beside it.
"""

from collections.abc import Mapping

from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.health import AccountHealth, Holding, Relation
from hedgebot.venues.health.words import absent, printed_unit, relation
from hedgebot.venues.reading import FrameProblem, Raw, as_object, as_rows, float_or_none

_MICRO = 1e-6


def read(frame: object) -> tuple[AccountHealth, ...] | None:
    """The cross account of one state."""
    if not isinstance(frame, Mapping) or "crossMarginSummary" not in frame:
        return None
    summary = as_object(frame["crossMarginSummary"], "crossMarginSummary")
    holdings = tuple(_holding(row) for row in as_rows(frame.get("assetPositions"), "assetPositions"))
    crossed = tuple(one for one in holdings if not one.isolated)
    notional = float_or_none(summary, "totalNtlPos")
    listed = sum(one.value or 0.0 for one in crossed)
    complete = notional is not None and abs(notional - listed) <= _MICRO * max(len(crossed), 1)
    maintenance = float_or_none(frame, "crossMaintenanceMarginUsed")
    missing = absent(frame, "crossMaintenanceMarginUsed")
    if not complete:
        missing = (*missing, f"positions: {listed:g} of {notional} notional is listed")
    return (
        AccountHealth(
            venue="hyperliquid",
            account="cross",
            unit="USD",
            equity=float_or_none(summary, "accountValue"),
            initial=float_or_none(summary, "totalMarginUsed"),
            maintenance=maintenance,
            printed=_MICRO,
            at_ns=_at_ns(frame),
            relations=_equity(summary, crossed) if complete else (),
            holdings=holdings,
            complete=complete,
            missing=missing,
        ),
    )


def _at_ns(frame: Raw) -> int:
    at_ms = frame.get("time")
    return at_ms * NS_PER_MS if isinstance(at_ms, int) else 0


def _equity(summary: Raw, crossed: tuple[Holding, ...]) -> tuple[Relation, ...]:
    raw = float_or_none(summary, "totalRawUsd")
    worth = sum((one.value or 0.0) * (1.0 if one.contracts > 0.0 else -1.0) for one in crossed)
    return relation(
        "accountValue = totalRawUsd + positions",
        float_or_none(summary, "accountValue"),
        None if raw is None else raw + worth,
        _MICRO * (len(crossed) + 1),
    )


def _holding(row: Raw) -> Holding:
    position = as_object(row.get("position"), "position")
    leverage = as_object(position.get("leverage"), "leverage")
    size = float_or_none(position, "szi")
    if size is None:
        raise FrameProblem("szi is missing")
    value = float_or_none(position, "positionValue")
    return Holding(
        instrument=str(position.get("coin")),
        contracts=size,
        value=value,
        mark=value / abs(size) if value is not None and size else None,
        entry=float_or_none(position, "entryPx"),
        leverage=float_or_none(leverage, "value"),
        leverage_max=float_or_none(position, "maxLeverage"),
        initial=float_or_none(position, "marginUsed"),
        profit=float_or_none(position, "unrealizedPnl"),
        isolated=leverage.get("type") == "isolated",
        printed=printed_unit(position, "marginUsed") or _MICRO,
        missing=absent(position, "maxLeverage"),
    )
