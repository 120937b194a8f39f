"""What can go wrong between a client and an exchange, and with single orders, as neutral values.

Owns the vocabulary: which requests, pushes, connections and orders a fault picks, and what it does to them. Both faces
use it: `link.py` in process, the wire with kinds of its own beside these (`wire/faults.py`). Must not know how a fault
is carried out, nor a wire format. Troubles of the world itself are in `trouble.py`.
"""

from enum import StrEnum
from typing import Annotated, Self

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=31_536_000)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=86_400_000)]
Chance = Annotated[float, msgspec.Meta(gt=0, le=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Worded(StrEnum):
    """Words that say themselves what they mean: `does` is a sentence for people (`GET /admin/help`)."""

    does: str

    def __new__(cls, value: str, does: str) -> Self:
        """A word and its meaning."""
        made = str.__new__(cls, value)
        made._value_ = value
        made.does = does
        return made


class FaultBase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all faults: how often they strike. `account` "" picks every account.

    A fault is over after it struck `count` times or after `seconds`, whichever comes first; without either it stays
    until it is taken away. It strikes what it picks with `probability`, from a stream of its own, and lets the first
    `skip` ones pass.
    """

    account: str = ""
    count: Count | None = None
    seconds: Seconds | None = None
    probability: Chance = 1.0
    skip: Annotated[int, msgspec.Meta(ge=0)] = 0


class RequestFaultKind(Worded):
    """What happens to a request and its answer."""

    REQUEST_LOST = "request_lost", "not carried out, no answer"
    ACK_LOST = "ack_lost", "carried out, no answer"
    ACK_FALSE = "ack_false", "not carried out, answered as if (an order id that never was)"
    REFUSE = "refuse", "answered with an error; carried out or not, as `executed` says"
    DELAY = "delay", "carried out later"
    ACK_DELAY = "ack_delay", "carried out at once, answered later: what it caused may arrive first"
    ACK_DUPLICATE = "ack_duplicate", "answered twice"
    EMPTY = "empty", "the answer has no rows: a position list that says flat"
    GARBLE = "garble", "carried out, the answer cannot be read"
    ALTER = "alter", "figures in the answer are wrong (`fields`, `factor`, `missing`)"


class PushFaultKind(Worded):
    """What happens to news on its way to a client, while heartbeats go on."""

    MUTE = "mute", "never sent"
    DELAY = "delay", "held back, what follows on the stream with it"
    DUPLICATE = "duplicate", "delivered twice"
    REORDER = "reorder", "arrives after the next one, or after `delay_ms` where there is none"
    GARBLE = "garble", "cannot be read"
    ALTER = "alter", "figures are wrong (`fields`, `factor`, `missing`)"


class LineFaultKind(Worded):
    """What happens to a connection that stands or is to be made."""

    FREEZE = "freeze", "nothing is delivered, not even heartbeats; everything comes when it is over"
    HALF_OPEN = "half_open", "the connection stands, what is sent in either direction is gone"
    REFUSE = "refuse", "no connection can be made"
    SLOW = "slow", "a connection takes `delay_ms` to be made"
    CUT = "cut", "a connection is cut `delay_ms` after it was made"


class OrderFaultKind(Worded):
    """What the venue's matching does to an order or a cancel, against what its answer let hope."""

    REJECT = "reject", "taken, then rejected: the end is seen in the order only"
    PARTIAL = "partial", "only `share` of the quantity finds a match at once"
    PIECES = "pieces", "every match is executed in `pieces` executions"
    VENUE_CANCEL = "venue_cancel", "what still rests is cancelled by the venue after `delay_ms`"
    CANCEL_RACE = "cancel_race", "the cancel is taken; `share` of the rest fills `delay_ms` later, then it ends"
    CANCEL_LATE = "cancel_late", "the cancel is taken and has its effect after `delay_ms`"
    OVERLOADED = "overloaded", "new orders are refused; ones that only reduce pass where the venue's rules say so"


class Altered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Wrong figures: each of `fields` times `factor`, or NaN, or missing."""

    fields: tuple[str, ...] = ()
    factor: float = 1.0
    nan: bool = False
    missing: bool = False


class RequestFault(FaultBase, frozen=True, kw_only=True, tag="request"):
    """Strikes requests whose name starts with `request` ("" any; `link.py` lists the names) on an instrument ("" any).

    `reason` is the refusal's (`RefusalReason`); "" is an error that says nothing about what happened. `told`: of a lost
    request or answer the client learns that its connection broke.
    """

    kind: RequestFaultKind
    count: Count | None = 1
    request: str = ""
    instrument: str = ""
    reason: str = ""
    executed: bool = False
    told: bool = False
    delay_ms: Milliseconds = 1_000.0
    altered: Altered = Altered()


class PushFault(FaultBase, frozen=True, kw_only=True, tag="push"):
    """Strikes pushes whose topic starts with `topic` ("" any; `link.py` lists them) on an instrument ("" any)."""

    kind: PushFaultKind
    topic: str = ""
    instrument: str = ""
    delay_ms: Milliseconds = 1_000.0
    altered: Altered = Altered()


class LineFault(FaultBase, frozen=True, kw_only=True, tag="line"):
    """Strikes a client's connections by `stream` ("requests", "private", "public"; "" all)."""

    kind: LineFaultKind
    stream: str = ""
    delay_ms: Milliseconds = 1_000.0


class OrderFault(FaultBase, frozen=True, kw_only=True, tag="order"):
    """Strikes orders (or cancels) of clients with a key; `instrument` "" any, `client_id` a prefix."""

    kind: OrderFaultKind
    count: Count | None = 1
    instrument: str = ""
    client_id: str = ""
    share: Share = 0.5
    pieces: Annotated[int, msgspec.Meta(ge=2, le=100)] = 3
    delay_ms: Milliseconds = 100.0

    def picks(self, account: str, instrument: str, client_id: str | None) -> bool:
        """Whether this fault is for such an order."""
        return (
            self.account in {"", account}
            and self.instrument in {"", instrument}
            and (client_id or "").startswith(self.client_id)
        )


class Fate(msgspec.Struct, frozen=True, kw_only=True):
    """What an order fault makes of one order's matching: `share` of its quantity at most, each match in `pieces`."""

    rejected: bool = False
    share: float | None = None
    pieces: int = 1


ScriptedFault = LineFault | OrderFault
"""What a scenario can have written down: told apart by `type` ("line", "order")."""

LinkFault = RequestFault | PushFault | LineFault
"""What a link can be told to do."""
