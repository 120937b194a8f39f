"""The whole mutable state of the engine, as one tree of plain values. Owns its encoding; decides nothing.

It survives a snapshot and a restart; what is derived (option arrays) is made anew. Dictionaries are in journal order.
"""

from decimal import Decimal
from hashlib import blake2b

import msgspec

from hedgebot.core.cash_state import CoinCash
from hedgebot.core.drift import Drift, Tracking
from hedgebot.core.margin_state import MarginState
from hedgebot.core.quotes import OptionMark, Quote
from hedgebot.core.risk_state import RiskState
from hedgebot.core.shut_state import ShutMarket
from hedgebot.core.sums import Sums
from hedgebot.core.switch_state import SwitchState
from hedgebot.core.trail import Spell
from hedgebot.core.treasury_state import TreasuryState
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import DecisionCause, Mode, RecordDecision
from hedgebot.domain.deadman import DeadManKind, DeadManStatus
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument, InstrumentId
from hedgebot.domain.kill import KillAction, KillScope
from hedgebot.domain.orders import OrderIntent, OrderStatus
from hedgebot.domain.reports import WalletReport
from hedgebot.domain.settings import AccountRole, EngineSettings, LimitSettings, UnderlyingSettings


class Position(msgspec.Struct, kw_only=True):
    """A derivative position built from fills. `realised_settle` is profit before fees; `moved_at_ns` its last fill.

    `entry_price` zero means that it is not known (adopted from a venue that did not say): no profit is claimed then.
    """

    account: str
    instrument: InstrumentId
    contracts: Decimal = ZERO
    entry_price: Decimal = ZERO
    realised_settle: Decimal = ZERO
    moved_at_ns: int = 0


class Coin(msgspec.Struct, kw_only=True):
    """Coins held in a wallet, built from spot fills and fees; `compared`: with the venue's, or what is there is new."""

    account: str
    coin: str
    qty: Decimal = ZERO
    moved_at_ns: int = 0
    compared: bool = True


class OrderRecord(msgspec.Struct, kw_only=True):
    """One of our orders. `filled_contracts` counts booked fills; `reported_contracts` what the venue's reports say.

    `centre_coin` is the delta that the hedge was to bring the book towards, `moved_coin` what its fills did to it.
    `foreign_fills` are others' executions booked before it left. `listed`: the venue lists it open, taken for ended.
    """

    client_id: str
    intent: OrderIntent
    status: OrderStatus
    sent_at_ns: int
    arrival_mid: float
    delta_before_coin: float
    centre_coin: float = 0.0
    moved_coin: float = 0.0
    foreign_fills: int = 0
    order_id: str = ""
    filled_contracts: Decimal = ZERO
    reported_contracts: Decimal = ZERO
    query_at_ns: int = 0
    queries: int = 0
    ended_at_ns: int = 0
    listed: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether the order ended and every execution the venue spoke of is booked: only then its slot is free."""
        return self.status.is_terminal and not self.listed and self.filled_contracts >= self.reported_contracts


class Efficacy(msgspec.Struct, kw_only=True):
    """What our fills did to one underlying, in coins of delta; the two sums halve every few minutes.

    `left_coin` is the delta that our newest hedge left behind (None before the first), `drift_coin` what others and the
    market have moved since, summed over hedges; between `target_low_coin` and `target_high_coin` lay the strategies'
    targets of late. `bad_fills_ns` are the moments of fills that did not hedge. `astray_lots` is how far our fills led
    away from their targets, less what those after them brought back, in lots of their instruments; at most one.
    """

    bad_fills_ns: list[int] = []
    astray_lots: float = 0.0
    left_coin: float | None = None
    hedged_coin: float = 0.0
    drift_coin: float = 0.0
    target_low_coin: float | None = None
    target_high_coin: float | None = None
    decayed_at_ns: int = 0
    newest_order: str = ""


class ChaseStart(msgspec.Struct, kw_only=True, frozen=True):
    """An instrument's middle (in its quote coin) at our first order of a window that follows it, and the moment."""

    price: float
    at_ns: int


class UnderlyingState(msgspec.Struct, kw_only=True):
    """Exposure and hedging of one underlying. Deltas in coin; option numbers are as of the last full re-mark.

    `below`: (trigger, inside) below the centre where it differs; `breach_side`: 1 above the band, -1 below, else 0.
    `rejects` are orders in a row that did nothing, `refusals` those refused since one was last taken, `left_out` those
    without a row. `held_cause` moved the exposure while it was unknown; `option_keys` are positions of held options,
    `option_moves` counts their changes: whoever derives columns knows then when to rebuild. `chased`: where the hedges'
    prices stood that our orders may have moved (`chase.py`); `forced`: when the venue last closed one by force.
    """

    name: str
    linear_coin: Decimal = ZERO
    inverse_quote: Decimal = ZERO
    option_keys: dict[str, InstrumentId] = {}
    option_moves: int = 0
    option_count: int = 0
    options_stale: bool = False
    option_unknown: str = ""
    option_delta: float = 0.0
    option_gamma: float = 0.0
    option_vega: float = 0.0
    option_theta: float = 0.0
    remark_price: float = 0.0
    remark_at_ns: int = 0
    remark_due: bool = False
    price: float = 0.0
    trail: list[Spell] = []
    breach_since_ns: int = 0
    breach_cause: DecisionCause = DecisionCause.RECOVERY
    breach_side: int = 0
    held_cause: DecisionCause | None = None
    rejects: int = 0
    refusals: int = 0
    retry_at_ns: int = 0
    note: str = ""
    noted_at_ns: int = 0
    left_out: int = 0
    residual_coin: float = 0.0
    chased: dict[InstrumentId, ChaseStart] = {}
    forced: dict[InstrumentId, int] = {}
    hedges: int = 0
    last_decision: RecordDecision | None = None
    efficacy: Efficacy = msgspec.field(default_factory=Efficacy)
    option_vol: float = 0.0
    centre_coin: float = 0.0
    trigger_coin: float = 0.0
    inside_coin: float = 0.0
    below: tuple[float, float] | None = None
    waits_for: str = ""
    drift: Drift = msgspec.field(default_factory=Drift)
    switch: SwitchState = msgspec.field(default_factory=SwitchState)
    tracking: Tracking = msgspec.field(default_factory=Tracking)
    sums: Sums = msgspec.field(default_factory=Sums)


class StreamState(msgspec.Struct, kw_only=True):
    """One connection: up or not, and when it last proved to be alive."""

    up: bool = False
    up_since_ns: int = 0
    alive_at_ns: int = 0


class Mismatch(msgspec.Struct, kw_only=True):
    """A difference between the venue and the ledger, with how often and since when the venue repeats it."""

    venue_value: Decimal
    ledger_value: Decimal
    venue_price: Decimal
    first_seen_ns: int
    count: int
    suspicion: str = ""


class DeadManState(msgspec.Struct, kw_only=True):
    """One account's dead-man's switch. `fires_at_ns` is 0 while no timer runs, `due_ns` when it is asked for next.

    `own_open` are orders of ours in the newest snapshot; `stop_at_ns` is when a graceful stop began to lay it down.
    """

    kind: DeadManKind | None = None
    status: DeadManStatus = DeadManStatus.OFF
    seconds: float = 0.0
    read_back: bool = False
    detail: str = ""
    asked_at_ns: int = 0
    due_ns: int = 0
    fires_at_ns: int = 0
    unarmed_since_ns: int = 0
    own_open: int = 0
    stop_at_ns: int = 0
    laying_down: bool = False


class AccountState(msgspec.Struct, kw_only=True):
    """What is known of one account. `reconciled` holds from a clean snapshot until the next loss of truth.

    `flat_answers` are first snapshots without a position, `rounded` what coins differed by on one day. `listed_ns` is
    when the newest list of open orders without one of ours that the journal does not know was asked for. `unseen` are
    executions that only the drop copy has, with when it read them, `unlisted` fills of the journal that it has not
    listed yet, with when they were booked, `missing` those that it should have listed (since when). From
    `copied_from_ns` on the copy was whole; `break_since_ns` is 0 while neither is late, `unread_since_ns` while it is.
    `clock_at_ns`: when the offset of the venue's clock was measured last, 0 before a run's first. `cash`: `cash.py`.
    """

    name: str
    venue: str
    role: AccountRole
    public: StreamState = msgspec.field(default_factory=StreamState)
    private: StreamState = msgspec.field(default_factory=StreamState)
    trade: StreamState = msgspec.field(default_factory=StreamState)
    instruments_loaded: bool = False
    adopted: bool = False
    flat_answers: int = 0
    rounded: dict[str, Decimal] = {}
    rounded_day: int = 0
    reconciled: bool = False
    request: int = 0
    request_open: bool = False
    request_at_ns: int = 0
    snapshot_due_ns: int = 0
    snapshot_at_ns: int = 0
    truth_lost_at_ns: int = 0
    cursor_ns: int = 0
    wallet: WalletReport | None = None
    wallet_at_ns: int = 0
    clock_offset_ms: float | None = None
    clock_at_ns: int = 0
    mismatches: dict[str, Mismatch] = {}
    cash: dict[str, CoinCash] = {}
    day: int = 0
    day_equity_usd: Decimal | None = None
    paused_until_ns: int = 0
    listed_ns: int = 0
    unseen: dict[str, int] = {}
    unlisted: dict[str, int] = {}
    missing: dict[str, int] = {}
    copied_from_ns: int = 0
    break_since_ns: int = 0
    unread_since_ns: int = 0
    dead_man: DeadManState = msgspec.field(default_factory=DeadManState)
    margin: MarginState = msgspec.field(default_factory=MarginState)


class AlertState(msgspec.Struct, kw_only=True):
    """An alert that is up; `seen_ns` is when what is wrong was seen last, for those that end after a steady while."""

    kind: AlertKind
    subject: str
    summary: str
    since_ns: int
    seen_ns: int = 0


class Latch(msgspec.Struct, kw_only=True):
    """A kill that stands until it is lifted. `causes` are rules that fired by themselves, by name, with their sentence.

    `done`: its action has ended. `note` is how it goes; at `cancel_at_ns` orders that may live are cancelled again.
    """

    scope: KillScope
    name: str
    action: KillAction
    operator: str
    reason: str
    since_ns: int
    causes: dict[str, str] = {}
    done: bool = False
    note: str = ""
    cancel_at_ns: int = 0

    @property
    def in_force(self) -> KillAction:
        """What may leave now: nothing once the action is done."""
        return KillAction.FREEZE if self.done else self.action


class Totals(msgspec.Struct, kw_only=True):
    """Counters since the journal began. Costs are in the coin they were charged in; cost is positive."""

    hedges: int = 0
    refusals: int = 0
    rejects: int = 0
    fills: int = 0
    own_fills: int = 0
    fees: dict[str, Decimal] = {}
    funding: dict[str, Decimal] = {}


class EngineState(msgspec.Struct, kw_only=True):
    """Everything the engine knows. `unsettled` maps orders that are not settled to their underlying.

    `executions` are trade ids that are booked, with when they were seen; `forgetting` says how long. `orphan_fills` are
    contracts filled under client ids of ours that no order here has (a lost tape). `at_ns` is the newest moment seen,
    `resumed_at_ns` the end of the last pause, `stop_at_ns` a graceful stop's begin (0: none). `id_epoch` is the epoch
    that client ids carry: the run's, or a later one where the venue has seen ids from there. `switches` are strategies
    that an operator turned since the configuration, `tripped` those that are latched off, with why. `repeats` are the
    moments of orders that a throttle counts. `latches` are kills that stand, by `scope_key`; `pauses` are the moments
    at which the process had stood still. `good_at_ns` is when a kill rule's feed was good last in this run; `shut` are
    markets that take no orders. `changed_at_ns`: the `version` or the configuration changed last, or the journal began.
    """

    settings: EngineSettings
    epoch: int
    run_id: str
    at_ns: int = 0
    run_started_ns: int = 0
    resumed_at_ns: int = 0
    mode: Mode = Mode.RECOVERING
    mode_reason: str = "starting"
    latched: bool = False
    stopping: bool = False
    stop_at_ns: int = 0
    next_intent: int = 1
    version: str = ""
    changed_at_ns: int = 0
    id_epoch: int = 0
    tokens: float = 0.0
    tokens_at_ns: int = 0
    instruments: dict[InstrumentId, Instrument] = {}
    quotes: dict[InstrumentId, Quote] = {}
    options: dict[InstrumentId, OptionMark] = {}
    positions: dict[str, Position] = {}
    coins: dict[str, Coin] = {}
    executions: dict[str, int] = {}
    orders: dict[str, OrderRecord] = {}
    unsettled: dict[str, str] = {}
    orphan_fills: dict[str, Decimal] = {}
    underlyings: dict[str, UnderlyingState] = {}
    accounts: dict[str, AccountState] = {}
    alerts: dict[str, AlertState] = {}
    switches: dict[str, bool] = {}
    repeats: dict[str, list[int]] = {}
    tripped: dict[str, str] = {}
    latches: dict[str, Latch] = {}
    pauses: list[int] = []
    good_at_ns: dict[str, int] = {}
    watched: dict[InstrumentId, int] = {}
    shut: dict[InstrumentId, ShutMarket] = {}
    decisions: list[RecordDecision] = []
    totals: Totals = msgspec.field(default_factory=Totals)
    risk: RiskState = msgspec.field(default_factory=RiskState)
    treasury: TreasuryState = msgspec.field(default_factory=TreasuryState)

    @property
    def limits(self) -> LimitSettings:
        """The hard limits in force."""
        return self.settings.limits


def followed(state: EngineState) -> tuple[AccountState, ...]:
    """Accounts whose fills are seen: all but those that are only watched."""
    return tuple([one for one in state.accounts.values() if one.role is not AccountRole.WATCHED])


def settings_of(state: EngineState, underlying: str) -> UnderlyingSettings | None:
    """How an underlying is hedged; None when it is not configured."""
    return next((one for one in state.settings.underlyings if one.underlying == underlying), None)


def adopt_settings(state: EngineState, settings: EngineSettings) -> None:
    """Put new settings in force; accounts and underlyings that are new get empty records, others keep theirs."""
    state.settings = settings
    for underlying in settings.underlyings:
        known = state.underlyings.setdefault(underlying.underlying, UnderlyingState(name=underlying.underlying))
        known.sums.convention = underlying.delta_convention
    for account in settings.accounts:
        fresh = AccountState(name=account.name, venue=account.venue, role=account.role)
        state.accounts.setdefault(account.name, fresh).role = account.role


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(EngineState)


def encode_state(state: EngineState) -> bytes:
    """Write the state as MessagePack; equal states give equal bytes."""
    return _ENCODER.encode(state)


def decode_state(data: bytes) -> EngineState:
    """Read what `encode_state` wrote; raises msgspec.ValidationError for anything else."""
    return _DECODER.decode(data)


def state_digest(state: EngineState) -> str:
    """Hex digest of the state, to compare two engines."""
    return blake2b(encode_state(state), digest_size=16).hexdigest()
