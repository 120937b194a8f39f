"""Orders: what we mean to send, whether it was approved, and the one transition table of an order's life.

The table owns command-side moves only: a fill never asks it (it may precede the acknowledgement or follow a cancel
and is always booked). UNKNOWN is left only by proof (safety reference section 3).
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgebot.domain.errors import ProgrammingError
from hedgebot.domain.instrument import InstrumentId, Side

FORCED_REASON = "forced_close"
"""`OrderReport.reason` of an order that the venue ended before a deleveraging or liquidation, whatever its words."""


class OrderStatus(StrEnum):
    """Where an order stands, as far as we can prove."""

    PLANNED = "planned"
    SENT = "sent"
    ACKED = "acked"
    UNKNOWN = "unknown"
    OPEN = "open"
    PARTIAL = "partial"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing more can fill, as far as the venue said."""
        return self in TERMINAL


TERMINAL = frozenset({OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED})
_ENDS = (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED)
_SEEN = (OrderStatus.ACKED, OrderStatus.OPEN, OrderStatus.PARTIAL)

TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.PLANNED: frozenset({OrderStatus.SENT, OrderStatus.UNKNOWN}),
    OrderStatus.SENT: frozenset({OrderStatus.UNKNOWN, *_SEEN, *_ENDS}),
    OrderStatus.ACKED: frozenset({OrderStatus.UNKNOWN, OrderStatus.OPEN, OrderStatus.PARTIAL, *_ENDS}),
    OrderStatus.UNKNOWN: frozenset({*_SEEN, *_ENDS}),
    OrderStatus.OPEN: frozenset({OrderStatus.UNKNOWN, OrderStatus.PARTIAL, *_ENDS}),
    OrderStatus.PARTIAL: frozenset({OrderStatus.UNKNOWN, *_ENDS}),
    # A terminal order does not move again; a late fill is booked by the ledger without asking.
    OrderStatus.FILLED: frozenset(),
    OrderStatus.CANCELLED: frozenset({OrderStatus.FILLED}),
    OrderStatus.REJECTED: frozenset(),
    OrderStatus.EXPIRED: frozenset({OrderStatus.FILLED}),
}


def move(current: OrderStatus, new: OrderStatus) -> OrderStatus:
    """Take one command-side move; raises ProgrammingError when the table does not allow it. Staying put is allowed."""
    if new is current:
        return current
    if new not in TRANSITIONS[current]:
        msg = f"an order cannot move from {current} to {new}"
        raise ProgrammingError(msg)
    return new


def transition_diagram() -> str:
    """Draw the table as a Mermaid state diagram; the documentation's picture is this text, so it cannot drift."""
    lines = ["stateDiagram-v2", f"    [*] --> {OrderStatus.PLANNED.name}"]
    for source, targets in TRANSITIONS.items():
        lines += [f"    {source.name} --> {target.name}" for target in OrderStatus if target in targets]
        if source in TERMINAL:
            lines.append(f"    {source.name} --> [*]")
    return "\n".join(lines) + "\n"


class TimeInForce(StrEnum):
    """How long an order lives. Hedges are IOC; the simulated exchange knows all of them."""

    IOC = "ioc"
    FOK = "fok"
    GTC = "gtc"
    POST_ONLY = "post_only"


class OrderIntent(msgspec.Struct, frozen=True, kw_only=True):
    """An order we would like to send, before anyone approved it.

    `qty_contracts` > 0; `delta_effect_coin` is the signed delta of its full fill; `deadline_ns` is the latest moment
    at which the venue may still accept it (after it, absence is proof); `reason` is a sentence for the journal.
    """

    account: str
    instrument: InstrumentId
    underlying: str
    strategy: str
    side: Side
    qty_contracts: Decimal
    limit_price: Decimal
    time_in_force: TimeInForce
    reduce_only: bool
    delta_effect_coin: float
    notional_usd: float
    deadline_ns: int
    reason: str


class RuleCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One rule of the gate with the number it saw and the limit it held it against."""

    rule: str
    value: int | float | str
    limit: int | float | str


class Approved(msgspec.Struct, frozen=True, kw_only=True):
    """An intent that passed every rule. Only the gate constructs it, and only it can be sent to a venue."""

    intent: OrderIntent
    checks: tuple[RuleCheck, ...]
    risk_reducing: bool


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """An intent that a rule stopped: data for the journal, not a log line."""

    intent: OrderIntent
    check: RuleCheck
    explanation: str
