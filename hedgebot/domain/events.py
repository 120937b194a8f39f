"""Everything that can happen, as one closed union. An event is a fact with its time; it never says what to do about it.

`venue_at_ns` is the venue's own timestamp (UTC nanoseconds). The moment hedgebot took an event is stamped by the turn
(`Stamped.at_ns`) and is the only clock that decides. Unknown numbers are None, never zero.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgebot.domain.deadman import DeadManChanged
from hedgebot.domain.dropcopy import ExecutionsRead
from hedgebot.domain.holdings import HoldingReported
from hedgebot.domain.instrument import Instrument, InstrumentId, Side
from hedgebot.domain.operator_events import ConfigApplied as ConfigApplied  # noqa: PLC0414  (mypy: part of this module)
from hedgebot.domain.operator_events import OperatorEvent
from hedgebot.domain.operator_events import OperatorKilled as OperatorKilled  # noqa: PLC0414  (mypy: part of this module)
from hedgebot.domain.operator_events import OperatorUnkilled as OperatorUnkilled  # noqa: PLC0414  (mypy: part of this module)
from hedgebot.domain.operator_events import OrderResolved as OrderResolved  # noqa: PLC0414  (mypy: part of this module)
from hedgebot.domain.operator_events import StrategySwitched as StrategySwitched  # noqa: PLC0414  (mypy: part of this module)
from hedgebot.domain.orders import OrderIntent
from hedgebot.domain.reports import OrderReport, PositionReport, WalletReport
from hedgebot.domain.risk_events import FundingRead, RiskMeasured
from hedgebot.domain.settings import EngineSettings
from hedgebot.domain.treasury import CollateralMove, FundingWalletRead, MoveAnswered, MoveLookedUp
from hedgebot.domain.venue_events import KeyRightsAccepted as KeyRightsAccepted  # noqa: PLC0414  (mypy: part of this module)
from hedgebot.domain.venue_events import VenueEvent
from hedgebot.domain.venue_events import VenuePaused as VenuePaused  # noqa: PLC0414  (mypy: part of this module)
from hedgebot.domain.venue_events import WatchFailed as WatchFailed  # noqa: PLC0414  (mypy: part of this module)


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base of events: immutable, keyword-only, tagged with the class name in every encoding."""


# --- market ---------------------------------------------------------------------------------------------------------


class BookTop(_Event, frozen=True, kw_only=True):
    """Best bid and ask of an instrument. A missing side is None (an empty side of the book), never zero."""

    instrument: InstrumentId
    bid: Decimal | None
    bid_qty: Decimal | None
    ask: Decimal | None
    ask_qty: Decimal | None
    venue_at_ns: int


class Ticker(_Event, frozen=True, kw_only=True):
    """Mark, index and funding of a perpetual or future. `funding_rate` is per interval; longs pay when positive."""

    instrument: InstrumentId
    mark: Decimal | None
    index: Decimal | None
    last: Decimal | None = None
    funding_rate: float | None = None
    funding_interval_hours: float | None = None
    next_funding_at_ns: int | None = None
    venue_at_ns: int


class OptionQuote(_Event, frozen=True, kw_only=True):
    """An option's mark with the venue's implied volatility (1.0 = 100 %/year) and its own greeks.

    `forward` is the expiry's own forward in quote currency. Greeks are the venue's per coin of contract, Black-Scholes.
    """

    instrument: InstrumentId
    bid: Decimal | None
    ask: Decimal | None
    mark: Decimal | None
    index: Decimal | None
    forward: float | None
    iv: float | None
    delta: float | None
    gamma: float | None
    vega: float | None
    theta: float | None
    venue_at_ns: int


class InstrumentsLoaded(_Event, frozen=True, kw_only=True):
    """The venue's trading rules, as read now. Instruments already known are replaced."""

    venue: str
    instruments: tuple[Instrument, ...]


# --- private --------------------------------------------------------------------------------------------------------


class Source(StrEnum):
    """How a private fact reached us: pushed by the stream, or pulled by REST."""

    STREAM = "stream"
    QUERY = "query"


class ExecutionKind(StrEnum):
    """Why a position changed. ROLLBACK: an administrator of the venue took an execution back, or closed a position."""

    TRADE = "trade"
    ADL = "adl"
    LIQUIDATION = "liquidation"
    DELIVERY = "delivery"
    ROLLBACK = "rollback"
    OTHER = "other"


class FillReceived(_Event, frozen=True, kw_only=True):
    """An execution that moved a position. Its identity is (account, category, trade id): twice is once.

    `qty_contracts` > 0; `fee` > 0 is a cost, in `fee_coin`. `client_id` is None for orders without one.
    """

    account: str
    instrument: InstrumentId
    trade_id: str
    order_id: str
    client_id: str | None
    side: Side
    qty_contracts: Decimal
    price: Decimal
    fee: Decimal
    fee_coin: str
    kind: ExecutionKind
    source: Source
    venue_at_ns: int


class FundingPaid(_Event, frozen=True, kw_only=True):
    """One funding settlement. `cost` > 0 was paid by us, < 0 received, in `coin`."""

    account: str
    instrument: InstrumentId
    trade_id: str
    cost: Decimal
    coin: str
    rate: float | None
    source: Source
    venue_at_ns: int


class OrderUpdated(_Event, frozen=True, kw_only=True):
    """The private stream reported an order, ours or not."""

    report: OrderReport


class PositionUpdated(_Event, frozen=True, kw_only=True):
    """The private stream reported a position. It cross-checks the ledger and never drives it."""

    report: PositionReport


class WalletUpdated(_Event, frozen=True, kw_only=True):
    """The private stream or a query reported balances and margin."""

    report: WalletReport
    source: Source


# --- replies to our own commands -----------------------------------------------------------------------------------


class OrderAccepted(_Event, frozen=True, kw_only=True):
    """The venue took the request; not `definitive` where acceptance is asynchronous: the order is still SENT."""

    account: str
    client_id: str
    order_id: str
    definitive: bool


class OrderRejected(_Event, frozen=True, kw_only=True):
    """The venue refused with a code that is proof of non-execution (the venue profile's allow-list).

    `passing`: not the order was refused but the moment (never sent, a clock, a market's state): no row of refusals.
    `of_market`: the adapter knows that it is about this market (its state, its rules), not our clock, funds or key.
    """

    account: str
    client_id: str
    code: str
    message: str
    passing: bool = False
    of_market: bool = False


class OrderOutcomeUnknown(_Event, frozen=True, kw_only=True):
    """Anything else: a timeout, a lost connection, a 5xx, a duplicate id, an answer we cannot read."""

    account: str
    client_id: str
    code: str
    message: str


class OrderLookedUp(_Event, frozen=True, kw_only=True):
    """Answer to QueryOrder. Fills found on the way were put before it.

    `report` is None when the order is in none of `searched`; `complete` says that every source answered.
    `asked_at_ns` is when the first source was asked (hedgebot's clock), so absence can be held against the deadline.
    """

    account: str
    client_id: str
    report: OrderReport | None
    searched: tuple[str, ...]
    complete: bool
    asked_at_ns: int


class CancelAnswered(_Event, frozen=True, kw_only=True):
    """Outcome of a cancel request; `accepted` is no proof that the order ended, the order's own report is."""

    account: str
    client_id: str | None
    accepted: bool
    code: str
    message: str


class SnapshotTaken(_Event, frozen=True, kw_only=True):
    """Answer to RequestSnapshot: everything the venue holds for one account, pulled by REST.

    Fills since `executions_since_ns` were put before it. `complete` is False when any sub-query failed; `problem` says
    which, and absent positions or orders must not be read as zero. `asked_at_ns` is when the first query left.
    """

    account: str
    request: int
    complete: bool
    problem: str
    positions: tuple[PositionReport, ...]
    open_orders: tuple[OrderReport, ...]
    wallet: WalletReport | None
    executions_since_ns: int
    asked_at_ns: int


# --- connections, time, people -------------------------------------------------------------------------------------


class Stream(StrEnum):
    """The connections of one account."""

    PUBLIC = "public"
    PRIVATE = "private"
    TRADE = "trade"


class StreamChanged(_Event, frozen=True, kw_only=True):
    """A connection came up (authenticated, subscribed) or went down."""

    account: str
    stream: Stream
    up: bool
    reason: str


class StreamAlive(_Event, frozen=True, kw_only=True):
    """A connection proved to be alive: a pong or any message, at most once a second."""

    account: str
    stream: Stream


class FrameQuarantined(_Event, frozen=True, kw_only=True):
    """A frame that could not be understood; `sample` is a short, escaped piece of it. Its feed is suspect."""

    account: str
    stream: Stream
    topic: str
    problem: str
    sample: str


class AuthenticationFailed(_Event, frozen=True, kw_only=True):
    """The venue refused the key. Retrying does not help."""

    account: str
    code: str
    message: str


class ClockMeasured(_Event, frozen=True, kw_only=True):
    """Venue clock minus ours, in milliseconds, halved round trip removed."""

    account: str
    offset_ms: float
    round_trip_ms: float


class InboxOverflowed(_Event, frozen=True, kw_only=True):
    """The bounded inbox dropped events of this kind; what it lost must be pulled again."""

    kind: str
    dropped: int


class TimerFired(_Event, frozen=True, kw_only=True):
    """The shell's one timer: the interval that SetTimer named has passed again."""


class TaskFailed(_Event, frozen=True, kw_only=True):
    """A supervised task ended with an error; `restarting` is False when its restart budget is used up."""

    task: str
    error: str
    restarting: bool


class RestoredOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order of the journal whose cause is on no tape any more (power cut): it may have reached the venue."""

    client_id: str
    intent: OrderIntent
    sent_at_ns: int


class AccessRefused(_Event, frozen=True, kw_only=True):
    """A door of the shell (the dashboard's) refused a stranger: `action` is what was tried. For the record only."""

    operator: str
    action: str
    reason: str


class RunStarted(_Event, frozen=True, kw_only=True):
    """The first event of every run: start-up is crash recovery. `epoch` is larger than any before it.

    `id_epoch` is the least epoch of its client ids: it grows with time, for a journal from a backup knows no later run.
    """

    run_id: str
    epoch: int
    settings: EngineSettings
    version: str
    restored: tuple[RestoredOrder, ...] = ()
    id_epoch: int = 0
    restored_moves: tuple[CollateralMove, ...] = ()


class StopRequested(_Event, frozen=True, kw_only=True):
    """The process was asked to end (SIGTERM, or the demo's end): no new orders from here on."""

    reason: str


MarketEvent = BookTop | Ticker | OptionQuote | StreamAlive | TimerFired
"""Conflatable facts: only the newest of each matters. They go to the tape, not to the journal database."""

Event = (
    MarketEvent
    | InstrumentsLoaded
    | FillReceived
    | FundingPaid
    | OrderUpdated
    | PositionUpdated
    | WalletUpdated
    | OrderAccepted
    | OrderRejected
    | OrderOutcomeUnknown
    | OrderLookedUp
    | CancelAnswered
    | SnapshotTaken
    | DeadManChanged
    | ExecutionsRead
    | HoldingReported
    | RiskMeasured
    | FundingRead
    | FundingWalletRead
    | MoveAnswered
    | MoveLookedUp
    | StreamChanged
    | FrameQuarantined
    | AuthenticationFailed
    | ClockMeasured
    | VenueEvent
    | InboxOverflowed
    | TaskFailed
    | AccessRefused
    | RunStarted
    | StopRequested
    | OperatorEvent
)


class Stamped(msgspec.Struct, frozen=True, kw_only=True):
    """An event as the turn took it: its place in the order of everything and the only clock that decides."""

    seq: int
    at_ns: int
    event: Event
