"""What the engine is told to do: plain values, made once by the shell from the operator's files and journaled whole.

The engine never reads a file; a changed setting reaches it as an Event, so that a replay sees the same change.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgebot.domain.holdings import HoldingSettings
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.treasury import TreasurySettings

CHECK_INTERVAL_S = 0.5
"""From one look at the market to the next where nobody said: the timer's quarter of a second, and as much for an
order.
"""
BUDGET, FLOOR, CAP, REFERENCE_PRICE = "tracking_error_usd", "noise_floor_usd", "cap_coin", "reference_price_usd"
"""Parameters of a strategy that makes its band of a tracking budget: the budget, and what no band can be below."""


class AccountRole(StrEnum):
    """Whose fills an account has."""

    BOOK = "book"  # others trade there; its positions are exposure; we never order there
    HEDGE = "hedge"  # ours alone; anything not ours is foreign activity
    SHARED = "shared"  # one account for both; fills that are not ours are book flow
    WATCHED = "watched"  # its margin alone is read; its fills are not seen and its positions are no exposure here

    @property
    def may_trade(self) -> bool:
        """Whether we may send orders there."""
        return self in (AccountRole.HEDGE, AccountRole.SHARED)

    @property
    def is_followed(self) -> bool:
        """Whether its fills are seen, so that it has streams, a ledger and a truth to reconcile with."""
        return self is not AccountRole.WATCHED


class AdlPolicy(StrEnum):
    """What follows when the venue closes a position of ours by force."""

    FREEZE = "freeze"  # the hedge is not made larger until the venue has left it alone for a while
    REHEDGE_ELSEWHERE = "rehedge_elsewhere"  # the same for what was closed; the other hedge instruments take its place
    HALT = "halt"  # the book is halted: an operator decides


class DeltaConvention(StrEnum):
    """What a hedged book keeps constant (hedging reference section 3.2)."""

    LINEAR = "linear"  # USD value; nothing is margined in the coin
    COIN_NEUTRAL = "coin_neutral"  # the number of coins: the sum of all deltas, premium-adjusted
    USD_NEUTRAL = "usd_neutral"  # USD value of a coin-margined account: its coin equity and the sum of all deltas

    @property
    def meaning(self) -> str:
        """In a few words, for the screen."""
        return _MEANINGS[self]

    @property
    def counts_equity(self) -> bool:
        """Whether coins that are owned are exposure."""
        return self is not DeltaConvention.COIN_NEUTRAL


_MEANINGS = {
    DeltaConvention.LINEAR: "USD value held constant, Black-Scholes deltas",
    DeltaConvention.COIN_NEUTRAL: "number of coins held constant, premium-adjusted deltas, coins owned do not count",
    DeltaConvention.USD_NEUTRAL: "USD value held constant, coin equity and deltas count together",
}


class MarginMode(StrEnum):
    """How an account nets what it holds. No account of ours is isolated: that is here to be compared with."""

    ISOLATED = "isolated"  # each position by itself, with its own collateral
    CROSS = "cross"  # tiers of each position, summed
    PORTFOLIO = "portfolio"  # the worst cell of one scenario grid for each coin, summed


class MarginParameters(msgspec.Struct, frozen=True, kw_only=True):
    """A venue's dated margin parameters as their file has them; `hash` names them in the journal.

    `content` is the file itself: a replay computes with what the run computed with.
    """

    venue: str
    hash: str
    content: str


class FundingAction(StrEnum):
    """What happens when the funding of a hedge breaks a limit. It is told in any case."""

    ALERT = "alert"  # nothing else
    NO_RISK = "no_risk"  # no hedge that costs more, unless the delta is beyond its limit
    SWITCH = "switch"  # hedges go to the cheapest of several instruments, what is held in another is moved there
    UNWIND = "unwind"  # the hedge is closed, and the underlying is frozen until an operator says unkill


class CostSource(StrEnum):
    """Where the cost of a hedge comes from that bands and choices are made of."""

    CONFIGURED = "configured"  # cost_bps, whatever hedges really cost
    MEASURED = "measured"  # own fills, with cost_bps as what is believed before the first


class HedgeRole(StrEnum):
    """What one of an underlying's hedge instruments is opened for; any of them may be reduced."""

    MAIN = "main"  # its middle is the underlying's price; takes every hedge that no other instrument is there for
    BUY = "buy"  # long hedges
    SELL = "sell"  # short hedges
    ALTERNATIVE = "alternative"  # either side, while it is the cheaper one (funding_action: switch)


class HedgeLeg(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument of those that an underlying is hedged with, all on its hedge account."""

    instrument: InstrumentId
    role: HedgeRole = HedgeRole.MAIN


class AccountSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One account at one venue; `name` is the operator's word for it, unique in the book.

    `dead_man_s` is the window in seconds of the dead-man's switch that it wants; None for none.
    `margin_mode` None: no model of ours, the venue's number alone decides. `region`: where its venue is hosted, in the
    operator's word; empty: not told. `no_exposure` are coins of its wallet that the operator wants nothing said of.
    """

    name: str
    venue: str
    role: AccountRole
    dead_man_s: float | None = None
    margin_mode: MarginMode | None = None
    region: str = ""
    no_exposure: tuple[str, ...] = ()


class UnderlyingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How one underlying is hedged. `band_coin` is the trigger b (half width); trades go to `target_ratio` * b.

    `cost_bps` is what a hedge is expected to cost one way: fee, half the spread and what the price gives way. With
    `cost_source` measured own fills move it: it weighs as much as `cost_prior_orders` and is moved by `cost_factor_max`
    times at most. Of each hedge instrument its fee and its volume of a day may be known: the choice among several is
    made of them, and of what an order moves the price by, `impact_ratio` times the square-root law; so may the
    volatility of its basis be, a ratio of the price per root day.
    `check_interval_s` are seconds from one look at the market to the next, with what an order takes (None: not said).
    `settlement_window_s` is how long before an expiry its delivery price is averaged; `skew_stickiness` how volatility
    moves with the price (1: sticky strike, up to 2: local-volatility-like). `delta_convention` None: not chosen, which
    will do while nothing is margined in the coin. `other_hedges` stand beside the main instrument, none of them twice.
    Longs and shorts among them may stand against each other up to `opposed_coin_max`; `hedge_hold_days` is how long a
    hedge is expected to be held. `funding_saving_day_min` is what another instrument must save, a ratio of notional a
    day, before hedges are switched to it; alternatives among `other_hedges` stand in the operator's order. `tokens` are
    coins of a wallet that stand for it, with the coins that one is; `token_jump_coin_max` None: half the band's width.
    """

    underlying: str
    hedge_account: str
    hedge_instrument: InstrumentId
    band_coin: float
    target_ratio: float
    delta_limit_coin: float
    collar_bps: float
    spread_bps_max: float
    order_qty_coin_max: float
    order_notional_usd_max: float
    cost_bps: float = 5.0
    check_interval_s: float | None = None
    cost_source: CostSource = CostSource.CONFIGURED
    cost_prior_orders: float = 20.0
    cost_factor_max: float = 2.0
    hedge_fees_bps: dict[InstrumentId, float] = {}
    hedge_day_volumes_usd: dict[InstrumentId, float] = {}
    hedge_basis_vols_day: dict[InstrumentId, float] = {}
    impact_ratio: float = 1.0
    settlement_window_s: float = 1_800.0
    skew_stickiness: float = 1.0
    delta_convention: DeltaConvention | None = None
    funding_action: FundingAction = FundingAction.NO_RISK
    other_hedges: tuple[HedgeLeg, ...] = ()
    opposed_coin_max: float = 0.0
    hedge_hold_days: float = 1.0
    funding_saving_day_min: float = 0.0005
    tokens: dict[str, Decimal] = {}
    token_jump_coin_max: float | None = None

    @property
    def looked_every_s(self) -> float:
        """Seconds from one look at the market to the next, with what an order takes."""
        return CHECK_INTERVAL_S if self.check_interval_s is None else self.check_interval_s

    @property
    def hedge_legs(self) -> tuple[HedgeLeg, ...]:
        """All instruments that it is hedged with, the main one first."""
        return (HedgeLeg(instrument=self.hedge_instrument), *self.other_hedges)

    @property
    def hedge_instruments(self) -> tuple[InstrumentId, ...]:
        """Their ids, in the same order."""
        if not self.other_hedges:
            return (self.hedge_instrument,)
        return (self.hedge_instrument, *(one.instrument for one in self.other_hedges))

    def opened_with(self, side: Side) -> InstrumentId:
        """The instrument in which a hedge of that side is opened."""
        role = HedgeRole.BUY if side is Side.BUY else HedgeRole.SELL
        return next((one.instrument for one in self.other_hedges if one.role is role), self.hedge_instrument)


class StrategySettings(msgspec.Struct, frozen=True, kw_only=True):
    """One plug-in and its switch; `params` are the plug-in's own, already validated by its model.

    `plugin` is the plug-in's module where `name` is another word; empty: they are the same. `accounts` and
    `instruments` are its scope (`domain/scope.py`); empty: everything that is held.
    """

    name: str
    enabled: bool
    underlyings: tuple[str, ...]
    params: dict[str, int | float | str | bool] = {}
    plugin: str = ""
    accounts: tuple[str, ...] = ()
    instruments: tuple[InstrumentId, ...] = ()

    @property
    def module(self) -> str:
        """The plug-in's module under strategies/."""
        return self.plugin or self.name


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Hard limits, from a file of their own. Ratios are maintenance margin / equity (bad direction: up)."""

    book_age_ms_max: int = 5_000
    mark_age_ms_max: int = 10_000
    option_age_ms_max: int = 30_000
    option_age_ms_stop: int = 600_000
    stale_band_ratio: float = 1.5
    margin_age_ms_max: int = 60_000
    funding_age_ms_max: int = 120_000
    private_silence_ms_max: int = 15_000
    private_silence_ms_halt: int = 120_000
    book_mark_gap_bps_max: float = 200.0
    frozen_ms_max: int = 10_000
    frozen_move_bps_max: float = 25.0
    price_jump_ratio_max: float = 0.5
    option_delta_gap_max: float = 0.05
    order_top_ratio_max: float = 100.0
    adl_pause_ms: int = 30_000
    chase_bps_max: float = 1_000.0
    chase_window_ms: int = 60_000
    account_notional_usd_max: float = 10_000_000.0
    book_delta_usd_max: float = 1e12
    orders_per_second_max: float = 5.0
    order_burst_max: int = 5
    canary_hours: float = 0.0
    canary_ratio: float = 0.25
    strategy_orders_max: int = 100
    repeat_orders_max: int = 60
    repeat_window_ms: int = 60_000
    hedge_volume_ratio_max: float = 1.5
    order_rejects_max: int = 12
    order_deadline_ms: int = 5_000
    unknown_margin_ms: int = 3_000
    pause_ms_max: int = 5_000
    reconcile_interval_ms: int = 15_000
    reconcile_timeout_ms: int = 20_000
    margin_use_alert: float = 0.50
    margin_use_no_risk: float = 0.70
    margin_use_reduce: float = 0.80
    margin_use_clear: float = 0.60
    margin_use_high_vol: float = 0.50
    high_vol_year: float = 1.0
    liquidation_distance_min: float = 0.08
    margin_tolerance_ratio: float = 0.01
    margin_polls_max: int = 3
    margin_diverged_ratio: float = 1.1
    margin_parameters_age_days_max: int = 90
    collateral_shock_ratio: float = 0.3333
    collateral_shock_in_floor: bool = False
    margin_hike_ratio: float = 1.5
    venue_equity_share_max: float = 1.0
    venue_equity_usd_max: float = 1e12
    funding_cost_usd_per_day_max: float = 5_000.0
    funding_ratio_day_alert: float = 0.003
    funding_share_day_max: float = 0.01
    daily_loss_usd_alert: float = 25_000.0
    daily_loss_usd_max: float = 50_000.0
    drawdown_ratio_alert: float = 0.1
    drawdown_ratio_max: float = 0.2
    drawdown_window_days: int = 30
    bleed_usd_alert: float = 5_000.0
    bleed_usd_max: float = 25_000.0
    es_ratio_alert: float = 0.04
    es_ratio_max: float = 0.05
    risk_age_ms_max: int = 300_000
    unexplained_position_ms_max: int = 30_000
    blind_ms_halt: int = 300_000
    adl_policy: AdlPolicy = AdlPolicy.FREEZE
    settling_ms_halt: int = 3_600_000

    def floor_use(self, *, raised: bool) -> float:
        """The margin use at which an account's buffer is at its floor; `raised` in a wild market or an event."""
        return min(self.margin_use_reduce, self.margin_use_high_vol) if raised else self.margin_use_reduce

    def risk_use(self, *, raised: bool) -> float:
        """The margin use above which nothing that adds risk is sent."""
        return min(self.margin_use_no_risk, self.margin_use_high_vol) if raised else self.margin_use_no_risk


class MarginEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A window of time (UTC nanoseconds, end exclusive) in which the buffer has its higher floor."""

    name: str
    start_ns: int
    end_ns: int


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the engine needs to know, in one value. `config_hash` identifies the files it was made from."""

    config_hash: str
    install: int
    accounts: tuple[AccountSettings, ...]
    underlyings: tuple[UnderlyingSettings, ...]
    strategies: tuple[StrategySettings, ...]
    limits: LimitSettings
    holdings: tuple[HoldingSettings, ...] = ()
    margin_parameters: tuple[MarginParameters, ...] = ()
    treasury: tuple[TreasurySettings, ...] = ()
    margin_events: tuple[MarginEvent, ...] = ()

    @property
    def traded(self) -> "EngineSettings":
        """The same without accounts that are only watched: where a market is played there is nobody to be read."""
        accounts = tuple(one for one in self.accounts if one.role.is_followed)
        return self if len(accounts) == len(self.accounts) else msgspec.structs.replace(self, accounts=accounts)

    def hedges_on(self, account: str) -> dict[InstrumentId, str]:
        """Hedge instruments that are traded on an account, with their underlyings."""
        return {
            instrument: one.underlying
            for one in self.underlyings
            if one.hedge_account == account
            for instrument in one.hedge_instruments
        }
