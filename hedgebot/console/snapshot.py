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
    """One position or coin balance. `delta_coin` signed, by the underlying's convention; `mark` in quote currency."""

    account: str = ""
    instrument: str = ""
    kind: str = ""
    contracts: Decimal | None = None
    in_scope: bool = True
    delta_coin: float | None = None
    entry_price: Decimal | None = None
    mark: Decimal | None = None
    age_ms: float | None = None
    venue: str = ""
    delta_usd: float | None = None
    equity_coin: float | None = None
    black_scholes_coin: float | None = None
    premium_adjusted_coin: float | None = None
    gamma_coin_per_usd: float | None = None
    vega_usd_per_vol_point: float | None = None
    theta_usd_per_day: float | None = None
    ratio: float | None = None


class DecisionRow(_Part, frozen=True, kw_only=True):
    """One decision in words and numbers; its time stands in the evidence."""

    underlying: str = ""
    outcome: str = ""
    cause: str = ""
    delta_coin: float | None = None
    band_coin: float | None = None
    band_below_coin: float | None = None
    trade_coin: float | None = None
    explanation: str = ""
    client_id: str | None = None
    evidence: dict[str, float | str | None] = {}

    @property
    def at_ns(self) -> int:
        """When it was made (UTC), 0 when not told."""
        found = self.evidence.get("at_ns")
        return int(found) if isinstance(found, int | float) else 0


class FiguresRow(_Part, frozen=True, kw_only=True):
    """How well an exposure was kept, predicted or realised (hedging reference section 6)."""

    tracking_error_usd_root_day: float | None = None
    cost_usd_day: float | None = None
    turnover_coin_day: float | None = None
    orders_day: float | None = None
    variance_coin2_day: float | None = None
    efficiency: float | None = None


class HedgeLegRow(_Part, frozen=True, kw_only=True):
    """One of the instruments that an underlying is hedged with; `held_coin` is its delta."""

    instrument: str = ""
    role: str = ""
    held_coin: float | None = None
    book_age_ms: float | None = None
    mark_age_ms: float | None = None
    cost_bps: float | None = None
    measured_bps: float | None = None
    cost_fills: int = 0


class CostRow(_Part, frozen=True, kw_only=True):
    """What a hedge costs one way, in basis points; `measured_bps` None: no fill of ours yet."""

    source: str = ""
    configured_bps: float | None = None
    measured_bps: float | None = None
    fills: int = 0
    in_force_bps: float | None = None


class UnderlyingRow(_Part, frozen=True, kw_only=True):
    """Exposure of one underlying against its band, which lies around `centre_coin`; None below it: as above it."""

    underlying: str = ""
    delta_coin: float | None = None
    delta_usd: float | None = None
    convention: str = ""
    band_coin: float | None = None
    inside_coin: float | None = None
    band_below_coin: float | None = None
    inside_below_coin: float | None = None
    centre_coin: float = 0.0
    limit_coin: float | None = None
    worst_case_coin: float | None = None
    gamma_coin_per_pct: float | None = None
    vega_usd_per_vol_point: float | None = None
    theta_usd_per_day: float | None = None
    price_usd: float | None = None
    hedge_instrument: str = ""
    hedge_legs: tuple[HedgeLegRow, ...] = ()
    opposed_coin: float = 0.0
    opposed_coin_max: float = 0.0
    next_trigger_up_usd: float | None = None
    next_trigger_down_usd: float | None = None
    book_age_ms: float | None = None
    option_age_ms: float | None = None
    lot_coin: float | None = None
    in_breach_ms: float | None = None
    hedges: int | None = None
    scope: str = ""
    outside_coin: float | None = 0.0
    gap_coin: float | None = None
    residual_coin: float | None = None
    positions: tuple[PositionRow, ...] = ()
    why_not: str = ""
    vol_year: float | None = None
    flow_coin2_day: float | None = None
    cost: CostRow = CostRow()
    tracked_days: float = 0.0
    predicted: FiguresRow = FiguresRow()
    realised: FiguresRow = FiguresRow()
    unpredicted: str = ""

    def edge_coin(self, side: float) -> float | None:
        """How far the band reaches from its centre, above it (side >= 0) or below."""
        return self.band_below_coin if side < 0 and self.band_below_coin is not None else self.band_coin

    def target_coin(self, side: float) -> float | None:
        """How far from the centre a hedge ends on a side; None where that is not known or not inside the band."""
        found = self.inside_below_coin if side < 0 and self.inside_below_coin is not None else self.inside_coin
        edge = self.edge_coin(side)
        return found if found is not None and edge is not None and 0 < found < edge else None


class StreamRow(_Part, frozen=True, kw_only=True):
    """One connection of an account."""

    stream: str = ""
    up: bool = False
    age_ms: float | None = None


class AccountRow(_Part, frozen=True, kw_only=True):
    """Margin and connections of one account. `margin_use` = maintenance margin / equity."""

    account: str = ""
    venue: str = ""
    role: str = ""
    streams: tuple[StreamRow, ...] = ()
    reconciled: bool = False
    reconciled_age_ms: float | None = None
    margin_use: float | None = None
    equity_usd: float | None = None
    initial_margin_usd: float | None = None
    maintenance_margin_usd: float | None = None
    margin_age_ms: float | None = None
    clock_offset_ms: float | None = None
    differences: tuple[str, ...] = ()
    dead_man: str = ""
    liquidation: str = ""
    regime: str = ""
    collateral_shock: str = ""
    collateral_shock_use: float | None = None
    collateral_shock_missing_usd: float | None = None
    margin_hike: str = ""
    margin_hike_use: float | None = None
    watched: bool = False
    pocket: str = ""
    unnamed: tuple[str, ...] = ()


class OrderRow(_Part, frozen=True, kw_only=True):
    """One order that is not settled."""

    client_id: str = ""
    instrument: str = ""
    side: str = ""
    qty_contracts: Decimal | None = None
    filled_contracts: Decimal | None = None
    status: str = ""
    age_ms: float | None = None


class AlertRow(_Part, frozen=True, kw_only=True):
    """One alert that is up, with the page that says what to do. The daemon's own have `raised_at_ns` for an age."""

    kind: str = ""
    severity: str = ""
    runbook: str = ""
    subject: str = ""
    summary: str = ""
    age_ms: float | None = None
    raised_at_ns: int | None = None


class LatchRow(_Part, frozen=True, kw_only=True):
    """One kill that stands: what it stops, what it lets through, who and why. `review` names what to look at first."""

    scope: str = ""
    name: str = ""
    action: str = ""
    operator: str = ""
    reason: str = ""
    review: tuple[str, ...] = ()
    done: bool = False
    note: str = ""
    age_ms: float | None = None


class GoneRow(_Part, frozen=True, kw_only=True):
    """The net delta of one underlying if a venue is gone."""

    underlying: str = ""
    delta_coin: float | None = None
    delta_usd: float | None = None


class VenueRow(_Part, frozen=True, kw_only=True):
    """One venue: its share of the equity against the cap, and what is lost and left open if it is gone."""

    venue: str = ""
    equity_usd: float | None = None
    share: float | None = None
    share_max: float | None = None
    equity_usd_max: float | None = None
    loss_usd: float | None = None
    gone: tuple[GoneRow, ...] = ()
    region: str = ""
    region_share: float | None = None


class TreasuryRow(_Part, frozen=True, kw_only=True):
    """One account's segments of collateral in `coin`: trading is the account, the others are its funding wallet."""

    account: str = ""
    coin: str = ""
    trading_qty: Decimal | None = None
    spare_qty: Decimal | None = None
    buffer_qty: Decimal | None = None
    emergency_qty: Decimal | None = None
    age_ms: float | None = None
    line_use: float | None = None
    target_use: float | None = None
    moved_by_itself_qty: Decimal | None = None
    day_max_qty: Decimal | None = None
    plan: str = ""
    problem: str = ""


class MoveRow(_Part, frozen=True, kw_only=True):
    """One top-up by its number; `left_ms` is how long a proposal still waits for an operator."""

    number: int = 0
    account: str = ""
    coin: str = ""
    qty: Decimal | None = None
    emergency_qty: Decimal | None = None
    status: str = ""
    why: str = ""
    note: str = ""
    operator: str = ""
    age_ms: float | None = None
    left_ms: float | None = None


class BookSnapshot(_Part, frozen=True, kw_only=True):
    """The book as the engine sees it at `at_ns`. Fees and funding are costs (positive: paid), by coin."""

    at_ns: int = 0
    mode: str = "unknown"
    mode_reason: str = ""
    latched: bool = False
    latches: tuple[LatchRow, ...] = ()
    epoch: int | None = None
    config_hash: str = ""
    strategies: dict[str, bool] = {}
    underlyings: tuple[UnderlyingRow, ...] = ()
    accounts: tuple[AccountRow, ...] = ()
    orders: tuple[OrderRow, ...] = ()
    decisions: tuple[DecisionRow, ...] = ()
    alerts: tuple[AlertRow, ...] = ()
    funding_usd_per_day: float | None = None
    funding_limit_usd_per_day: float | None = None
    fees: dict[str, Decimal] = {}
    funding: dict[str, Decimal] = {}
    hedges: int | None = None
    refusals: int | None = None
    rejects: int | None = None
    fills: int | None = None
    own_fills: int | None = None
    canary_left_ms: float | None = None
    treasury: tuple[TreasuryRow, ...] = ()
    moves: tuple[MoveRow, ...] = ()
    venues: tuple[VenueRow, ...] = ()

    @property
    def unknown_orders(self) -> int:
        """Orders whose outcome is not known."""
        return sum(one.status == "unknown" for one in self.orders)


class ChannelRow(_Part, frozen=True, kw_only=True):
    """One way in which alerts reach people; `problem` is empty while it works."""

    name: str = ""
    kind: str = ""
    problem: str = ""
    handed_over: int = 0
    failures: int = 0
    last_ok_age_s: float | None = None
    next_try_s: float | None = None


class LatencyFacts(_Part, frozen=True, kw_only=True):
    """Seconds from an alert's event to its first hand-off; `buckets` count those up to a bound (None: all)."""

    count: int = 0
    sum_s: float = 0.0
    max_s: float = 0.0
    buckets: tuple[tuple[float | None, int], ...] = ()


class DeliveryFacts(_Part, frozen=True, kw_only=True):
    """Alerts on their way to people."""

    channels: tuple[ChannelRow, ...] = ()
    waiting: int = 0
    dropped: int = 0
    latency: LatencyFacts = LatencyFacts()


class DaemonFacts(_Part, frozen=True, kw_only=True):
    """The process around the engine."""

    version: str = ""
    book_name: str = ""
    run_mode: str = ""
    state_dir: str = ""
    uptime_s: float | None = None
    rss_bytes: int | None = None
    tasks: int | None = None
    journal_failing: bool = False
    kill_file: bool = False
    stopping: bool = False
    loop_lag_ms: float | None = None
    loop_lag_ms_max: float | None = None
    journal_head_seq: int | None = None
    alerts: tuple[AlertRow, ...] = ()
    alert_delivery: DeliveryFacts = DeliveryFacts()


class Snapshot(_Part, frozen=True, kw_only=True):
    """The whole answer: the book, and the daemon around it."""

    book: BookSnapshot = BookSnapshot()
    daemon: DaemonFacts = DaemonFacts()

    @property
    def alerts(self) -> tuple[AlertRow, ...]:
        """What is wrong, by the engine and by the process around it, each thing once."""
        known = {(one.kind, one.subject) for one in self.book.alerts}
        own = [self._aged(one) for one in self.daemon.alerts if (one.kind, one.subject) not in known]
        return (*self.book.alerts, *own)

    def _aged(self, one: AlertRow) -> AlertRow:
        if one.raised_at_ns is None or not self.book.at_ns:
            return one
        return msgspec.structs.replace(one, age_ms=max(0.0, (self.book.at_ns - one.raised_at_ns) / 1e6))


def read_snapshot(data: dict[str, Any]) -> Snapshot:
    """Read a status answer; raises DataError where a field has another type than the console knows."""
    try:
        return msgspec.convert(data, Snapshot, strict=False)
    except msgspec.ValidationError as error:
        raise DataError(f"the daemon's status cannot be read ({error}); is it of another version?") from None
