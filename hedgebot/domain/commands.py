"""Everything the engine can want, as one closed union. A command carries all it needs; nobody adds a decision to it.

Venue commands go to a VenuePort, records go to the journal, the rest goes to the shell.
"""

from decimal import Decimal
from enum import StrEnum
from typing import TypeGuard

import msgspec

from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.kill import KillAction, KillScope
from hedgebot.domain.orders import Approved, Refused
from hedgebot.domain.treasury import CollateralMove


class _Command(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base of commands: immutable, keyword-only, tagged with the class name in every encoding."""


# --- to a venue ----------------------------------------------------------------------------------------------------


class SubmitOrder(_Command, frozen=True, kw_only=True):
    """Send one approved order under this client id. Durable before its first byte leaves; never sent twice."""

    approved: Approved
    client_id: str


class CancelOrder(_Command, frozen=True, kw_only=True):
    """Cancel one of our orders. Never waits for the disk.

    `whole`: every order on this instrument is meant and nobody else orders on this account, so that one request may
    take the place of many.
    """

    account: str
    instrument: InstrumentId
    client_id: str
    reason: str
    whole: bool = False


class QueryOrder(_Command, frozen=True, kw_only=True):
    """Look one of our orders up by its client id: open orders, then history, then executions. Answer: OrderLookedUp."""

    account: str
    instrument: InstrumentId
    client_id: str


class RequestSnapshot(_Command, frozen=True, kw_only=True):
    """Pull positions, open orders and the wallet, then executions since `executions_since_ns`.

    Answer: FillReceived and FundingPaid for every execution found, then SnapshotTaken with the same `request`.
    """

    account: str
    request: int
    executions_since_ns: int
    reason: str


class WatchInstruments(_Command, frozen=True, kw_only=True):
    """Subscribe market data of these instruments beside what is subscribed; repeats are no-ops."""

    venue: str
    instruments: tuple[InstrumentId, ...]


class ArmDeadMan(_Command, frozen=True, kw_only=True):
    """Arm the account's dead-man's switch for `seconds`, push it back, or (0) disarm it. Answer: DeadManChanged.

    `instruments` are those that orders of ours may rest on, for venues whose switches cover an instrument.
    """

    account: str
    seconds: float
    instruments: tuple[InstrumentId, ...]


class MoveCollateral(_Command, frozen=True, kw_only=True):
    """Move coins from the funding wallet into the trading account under the move's id. Durable before it leaves.

    Never sent twice. Answer: exactly one MoveAnswered.
    """

    account: str
    move: CollateralMove


class QueryMove(_Command, frozen=True, kw_only=True):
    """Look a move up by its id in the venue's list, which is asked from `since_ns` on. Answer: MoveLookedUp."""

    account: str
    transfer_id: str
    since_ns: int


# --- to the shell --------------------------------------------------------------------------------------------------


class SetTimer(_Command, frozen=True, kw_only=True):
    """Wake the engine with TimerFired every `interval_ns` from now on; replaces the previous request."""

    interval_ns: int


class RaiseAlert(_Command, frozen=True, kw_only=True):
    """Something is wrong with `subject` (an instrument, an account, an order); once per occurrence until resolved."""

    kind: AlertKind
    subject: str
    summary: str


class ResolveAlert(_Command, frozen=True, kw_only=True):
    """What was wrong is over."""

    kind: AlertKind
    subject: str


class StopNow(_Command, frozen=True, kw_only=True):
    """The engine has wound down after StopRequested; the process may end."""

    summary: str


# --- records ----------------------------------------------------------------------------------------------------------


class Mode(StrEnum):
    """What the book may do. HALTED is latched across restarts."""

    RECOVERING = "recovering"
    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


class Outcome(StrEnum):
    """How a decision ended."""

    HEDGE = "hedge"
    REFUSED = "refused"
    NO_LOT = "no_lot"


class DecisionCause(StrEnum):
    """What moved the exposure out of its band."""

    FILL = "fill"
    PRICE = "price"
    FUNDING = "funding"
    RECOVERY = "recovery"
    OPERATOR = "operator"


class RecordDecision(_Command, frozen=True, kw_only=True):
    """Why the engine did, or did not, hedge at this moment, with every input and its age.

    Delta in coin, signed; `trade_coin` is what the policy wanted before lots and limits, `residual_coin` what is left.
    `band_coin` is the band's half width around its target, `band_below_coin` that below it where the sides differ.
    """

    underlying: str
    strategy: str
    outcome: Outcome
    cause: DecisionCause
    delta_coin: float
    target_coin: float
    band_coin: float
    trade_coin: float
    residual_coin: float
    client_id: str | None
    explanation: str
    evidence: dict[str, int | float | str | None]
    band_below_coin: float | None = None

    def reach_coin(self, delta_coin: float) -> float:
        """Half width of the band on the side of a delta."""
        if self.band_below_coin is not None and delta_coin < self.target_coin:
            return self.band_below_coin
        return self.band_coin


class RecordRefusal(_Command, frozen=True, kw_only=True):
    """The gate stopped an intent. `left_out` are repeats of the row before that have no row of their own."""

    refused: Refused
    left_out: int = 0


class RecordMode(_Command, frozen=True, kw_only=True):
    """The book changed its mode."""

    before: Mode
    after: Mode
    reason: str
    latched: bool


class RecordAdjustment(_Command, frozen=True, kw_only=True):
    """The venue and the ledger differed and the venue was right: the ledger was moved, here is the evidence."""

    account: str
    subject: str
    before: str
    after: str
    evidence: str


class RecordOperator(_Command, frozen=True, kw_only=True):
    """An operator's word and what came of it."""

    operator: str
    action: str
    accepted: bool
    explanation: str


class RecordLatch(_Command, frozen=True, kw_only=True):
    """A kill's latch was set, changed or lifted (`held` is False). `causes` are the rules that fired by themselves.

    `done` says that the action has come to its end: nothing is sent any more.
    """

    scope: KillScope
    name: str
    action: KillAction
    operator: str
    reason: str
    causes: tuple[str, ...]
    done: bool
    held: bool


class RecordTracking(_Command, frozen=True, kw_only=True):
    """How one underlying was kept since `since_ns`, and what its bands promised: figures by name, None unknown.

    Names carry their units; see `core/drift.py`.
    """

    underlying: str
    since_ns: int
    days: float
    predicted: dict[str, float | None]
    realised: dict[str, float | None]


class RecordMargin(_Command, frozen=True, kw_only=True):
    """An account's margin by the venue and by our model at the same moment, in USD; None is unknown.

    `parameters` names the set by its id and hash; `gap_ratio` is the larger relative difference, `differs` what it lies
    in once it lasts. `distance_move` is the signed move that liquidates, `distance_price` where that ends.
    """

    account: str
    margin_mode: str
    parameters: str
    venue_initial_usd: float | None
    venue_maintenance_usd: float | None
    venue_equity_usd: float | None
    model_initial_usd: float
    model_maintenance_usd: float
    model_balance_usd: float
    gap_ratio: float | None
    differs: str
    distance_move: float | None
    distance_price: float | None
    uncovered: tuple[str, ...]


class RecordMove(_Command, frozen=True, kw_only=True):
    """A top-up was proposed, decided, sent, or came to its end. `status` is a MoveStatus, `why` in a sentence.

    `operator` is who decided; empty where it moved by itself under its limits. `emergency_qty` of `qty` is from there.
    """

    account: str
    number: int
    status: str
    coin: str
    qty: Decimal
    emergency_qty: Decimal
    operator: str
    transfer_id: str
    why: str


class RecordRegime(_Command, frozen=True, kw_only=True):
    """An account's buffer has another floor: `before` and `after` are normal, high_vol or event.

    `floor_use` is the margin use at which the buffer is at its floor now.
    """

    account: str
    before: str
    after: str
    floor_use: float
    why: str


VenueCommand = (
    SubmitOrder
    | CancelOrder
    | QueryOrder
    | RequestSnapshot
    | WatchInstruments
    | ArmDeadMan
    | MoveCollateral
    | QueryMove
)
ShellCommand = SetTimer | RaiseAlert | ResolveAlert | StopNow
RecordCommand = (
    RecordDecision
    | RecordRefusal
    | RecordMode
    | RecordAdjustment
    | RecordOperator
    | RecordLatch
    | RecordTracking
    | RecordMargin
    | RecordMove
    | RecordRegime
)
Command = VenueCommand | ShellCommand | RecordCommand
RiskCommand = SubmitOrder | MoveCollateral
"""What acts at a venue and cannot be taken back; a replay is held against the journal's."""


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A command with the event that caused it (`seq`) and its place among that event's commands (`index`)."""

    seq: int
    index: int
    at_ns: int
    command: Command


def adds_risk(command: Command) -> TypeGuard[RiskCommand]:
    """Whether the command must be durable before it leaves the process: orders and moves, never cancels or queries."""
    return isinstance(command, RiskCommand)
