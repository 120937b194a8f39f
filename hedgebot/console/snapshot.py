"""The daemon's status answer as the console reads it: every field optional, so that any daemon's can be shown.

Owns reading only. Unknown numbers are None and are shown as such, never as zero.
"""

from decimal import Decimal
from typing import Any

import msgspec

from hedgebot.domain.errors import DataError


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all parts: what a daemon does not send has a default, what the console does not know is ignored."""


class PositionRow(_Part, frozen=True, kw_only=True):
    """One position or coin balance. `delta_coin` signed; `mark` in quote currency."""

    account: str = ""
    instrument: str = ""
    contracts: Decimal | None = None
    delta_coin: float | None = None
    mark: Decimal | None = None
    age_ms: float | None = None


class DecisionRow(_Part, frozen=True, kw_only=True):
    """One decision in words and numbers."""

    at_ns: int = 0
    underlying: str = ""
    outcome: str = ""
    cause: str = ""
    delta_coin: float | None = None
    target_coin: float | None = None
    band_coin: float | None = None
    trade_coin: float | None = None
    explanation: str = ""
    client_id: str | None = None


class UnderlyingRow(_Part, frozen=True, kw_only=True):
    """Exposure of one underlying against its band."""

    underlying: str = ""
    delta_coin: float | None = None
    delta_usd: float | None = None
    target_coin: float | None = None
    band_coin: float | None = None
    inside_coin: float | None = None
    limit_coin: float | None = None
    worst_case_coin: float | None = None
    gamma_coin_per_pct: float | None = None
    index_usd: float | None = None
    hedge_instrument: str = ""
    next_trigger_up_usd: float | None = None
    next_trigger_down_usd: float | None = None
    positions: tuple[PositionRow, ...] = ()
    last_decision: DecisionRow | None = None
    why_not: str = ""


class StreamRow(_Part, frozen=True, kw_only=True):
    """One connection of an account."""

    up: bool = False
    age_ms: float | None = None


class AccountRow(_Part, frozen=True, kw_only=True):
    """Margin, funding and connections of one account. `margin_use` = maintenance margin / equity."""

    account: str = ""
    role: str = ""
    streams: dict[str, StreamRow] = {}
    margin_use: float | None = None
    equity_usd: float | None = None
    initial_margin_usd: float | None = None
    maintenance_margin_usd: float | None = None
    margin_age_ms: float | None = None
    funding_forecast_usd_per_day: float | None = None
    funding_paid_usd: float | None = None
    clock_offset_ms: float | None = None


class OrderRow(_Part, frozen=True, kw_only=True):
    """One order that is not settled."""

    client_id: str = ""
    instrument: str = ""
    side: str = ""
    qty: Decimal | None = None
    status: str = ""
    age_ms: float | None = None


class AlertRow(_Part, frozen=True, kw_only=True):
    """One alert that is up, with the page that says what to do."""

    kind: str = ""
    severity: str = ""
    runbook: str = ""
    subject: str = ""
    summary: str = ""
    since_ns: int = 0


class BookSnapshot(_Part, frozen=True, kw_only=True):
    """The book as the engine sees it at `at_ns`."""

    at_ns: int = 0
    name: str = ""
    run_mode: str = ""
    mode: str = "unknown"
    mode_reason: str = ""
    latched: bool = False
    epoch: int | None = None
    run_id: str = ""
    config_hash: str = ""
    started_at_ns: int | None = None
    underlyings: tuple[UnderlyingRow, ...] = ()
    accounts: tuple[AccountRow, ...] = ()
    orders: tuple[OrderRow, ...] = ()
    unknown_orders: int | None = None
    decisions: tuple[DecisionRow, ...] = ()
    alerts: tuple[AlertRow, ...] = ()
    fees_usd: float | None = None
    hedges: int | None = None
    refusals: int | None = None


class Snapshot(_Part, frozen=True, kw_only=True):
    """The whole answer: the book, and the daemon around it."""

    book: BookSnapshot = BookSnapshot()
    version: str = ""
    uptime_s: float | None = None


def read_snapshot(data: dict[str, Any]) -> Snapshot:
    """Read a status answer; raises DataError where a field has another type than the console knows."""
    whole = data if "book" in data else {"book": data}
    try:
        return msgspec.convert(whole, Snapshot, strict=False)
    except msgspec.ValidationError as error:
        raise DataError(f"the daemon's status cannot be read ({error}); is it of another version?") from None
