"""Words of dead-man's switches: what a venue has, how one stands, and what a venue said of it.

A dead-man's switch cancels orders when nobody speaks for them any more; it never closes a position. Owns values only.
"""

from enum import StrEnum

import msgspec

DEAD_MAN_REASON = "dead_man"
"""`OrderReport.reason` of an order that a dead-man's switch cancelled, whatever the venue calls it."""


class DeadManKind(StrEnum):
    """What a venue's switch waits for."""

    NATIVE_TIMER = "native_timer"  # it fires unless it is pushed back in time
    WS_DISCONNECT = "ws_disconnect"  # it fires when the private connections that count for it are gone for a while
    NONE = "none"


class DeadManStatus(StrEnum):
    """How a switch stands, as far as it was read back."""

    OFF = "off"  # never asked for, or disarmed
    ARMED = "armed"
    REFUSED = "refused"  # the venue has none, or not for this account
    FAILED = "failed"  # no answer, or it reads back as something else
    FIRED = "fired"


class DeadManChanged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Answer to ArmDeadMan. `asked_at_ns` (hedgebot's clock) is when the request left: a timer counts from then on.

    `seconds` is the window as it reads back where the venue has a query for it (`read_back`), else as it was asked for.
    """

    account: str
    kind: DeadManKind
    status: DeadManStatus
    seconds: float
    read_back: bool
    detail: str
    asked_at_ns: int
