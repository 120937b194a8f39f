"""What one order does to an account's margin buffer after its worst-case fills, and how much of it the buffer allows.

Owns the floors and the verdict. Use u = maintenance margin / equity, the buffer is 1 - u. The account's own number is
the larger of the venue's (carried along by what our model says changed since) and the model's. Unknown is None: then
the gate falls back to the venue's last number (`limits.margin_use`). Source: margin reference sections 3, 4 and 8.
"""

from decimal import Decimal
from typing import NamedTuple

import msgspec

from hedgebot.core import margin_distance, margin_legs, margin_model, margin_venue, margin_watched
from hedgebot.core.ledger import only_shrinks
from hedgebot.core.margin_legs import MarginBook, Parameters
from hedgebot.core.margin_model import Model, Standing
from hedgebot.core.margin_state import Figures, Stress
from hedgebot.core.state import AccountState, EngineState
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.health import use_of
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.orders import OrderIntent
from hedgebot.domain.settings import UnderlyingSettings
from hedgebot.margin.venue_models import VenueModel

_SAME = 1e-9
"""Relative: margins are floats, and an order that changes nothing must not fail by a last bit."""


class MarginEffect(NamedTuple):
    """An order's margin before and after it, at worst. `floor_use` is the use at which the buffer is at its floor.

    `left_before` and `left_after` are USD above the maintenance margin after the least move that must be borne: a cheap
    maintenance margin shows a small use until just before liquidation. `shock_usd` is what the collateral shock takes
    of the equity that the floor is held against; 0 where the operator does not want it there.
    """

    before: Standing
    after: Standing
    floor_use: float
    risk_use: float
    left_before: float = 0.0
    left_after: float = 0.0
    shock_usd: float = 0.0

    @property
    def lowers(self) -> bool:
        """Whether the requirement does not rise: nothing is taken from the buffer."""
        return self.after.worst <= self.before.worst * (1.0 + _SAME)

    @property
    def keeps_floor(self) -> bool:
        """Above its floor the buffer may be used down to it; below it only what does not lower it further passes."""
        return self.bears_move and (self.lowers or self.shocked(self.after) <= self.floor_use)

    def shocked(self, one: Standing) -> float:
        """The use that the floor is held against: after the collateral shock where it counts."""
        return use_of(one.worst, one.equity - self.shock_usd)

    @property
    def bears_move(self) -> bool:
        """The same of the move that must be borne: it is still borne, or no worse than before."""
        return self.left_after >= min(self.left_before - _SAME * abs(self.left_before), 0.0)

    @property
    def is_affordable(self) -> bool:
        """Whether the venue would set its initial margin aside: there is as much, or no more is needed."""
        return self.after.initial <= max(self.before.initial * (1.0 + _SAME), self.after.equity)

    @property
    def fits(self) -> bool:
        """Whether a hedge may be sent as far as margin goes."""
        return self.keeps_floor and self.is_affordable

    @property
    def adds_within(self) -> bool:
        """Whether an order that is no hedge may be sent: it stays within the line of added risk."""
        within = self.after.use <= self.risk_use and self.shocked(self.after) <= self.floor_use
        return within and self.is_affordable and self.bears_move

    @property
    def top_up_usd(self) -> float:
        """Collateral in USD with which the whole order would fit."""
        wanted = max(self.after.worst / self.floor_use + self.shock_usd, self.after.initial)
        return max(wanted - self.after.equity, -self.left_after, 0.0)


def verdict(effect: MarginEffect, account: str, *, hedges: bool) -> tuple[str, float, float, str]:
    """What the gate's rule of margin finds: its name, the use after the order, the limit, and the problem if any."""
    before, use, limit = effect.before.use, effect.after.use, effect.floor_use if hedges else effect.risk_use
    shocked = effect.shock_usd and (hedges or use <= limit)
    if shocked:
        before, use, limit = effect.shocked(effect.before), effect.shocked(effect.after), effect.floor_use
    if effect.keeps_floor if hedges else effect.adds_within:
        return "margin_use", use, limit, ""
    if not effect.bears_move:
        words = f"a move that {account} must bear would cost {-effect.left_after:.0f} USD more than it has"
        return "margin_use", use, limit, words
    if not hedges and use <= limit:
        return "margin_use", use, limit, f"{account} has no initial margin left for it"
    after = " after the collateral shock" if shocked else ""
    words = f"it would take the margin use of {account}{after} from {before:.1%} to {use:.1%}"
    return "margin_use", use, limit, f"{words}: a top-up of {effect.top_up_usd:.0f} USD would cover it"


def floor_use(state: EngineState, account: AccountState) -> float:
    """The use at which the account's buffer is at its floor: lower while the market is wild or an event is on."""
    return state.limits.floor_use(raised=account.margin.floor_raised)


def floor_shock_usd(state: EngineState, account: AccountState) -> float | None:
    """What the floor takes from equity beforehand: the collateral shock where it counts; None while it is unknown."""
    if not state.limits.collateral_shock_in_floor:
        return 0.0
    found = account.margin.standing_stress
    return None if found is None else found.shock_loss_usd


def judged_use(state: EngineState, account: AccountState, use: float | None) -> float | None:
    """A use as the floor is held against it: after the collateral shock where that counts; None: unknown."""
    if use is None or not state.limits.collateral_shock_in_floor:
        return use
    found = account.margin.standing_stress
    return None if found is None or found.shock_use is None else max(use, found.shock_use)


def risk_use(state: EngineState, account: AccountState) -> float:
    """The use above which nothing that adds risk is sent."""
    return state.limits.risk_use(raised=account.margin.floor_raised)


def lines_share(state: EngineState, account: AccountState) -> float:
    """The share of itself that any other line of the use stands at: it sinks with the floor."""
    return floor_use(state, account) / state.limits.margin_use_reduce


def model_now(state: EngineState, account: AccountState, at_ns: int) -> Model | str:
    """The model's figures at this moment, or why there are none."""
    found = margin_legs.model_of(state, account)
    if isinstance(found, str):
        return found
    parameters, mode = found
    if account.role.is_followed:
        book = margin_legs.read_book(state, account, parameters, mode, at_ns)
    else:
        book = margin_watched.read_book(account, mode)
    if isinstance(book, str):
        return book
    margin = account.margin
    if not account.role.is_followed and margin.base is not None and margin.base_of == _base_of(account, parameters):
        # What is read once stays as it is until the next report.
        return Model(parameters, mode, book, margin.base)
    if isinstance(parameters, VenueModel) and (problem := margin_venue.problem(parameters, book)):
        return problem
    return Model(parameters, mode, book, margin_model.figures(parameters, mode, book))


def keep_base(account: AccountState, model: Model) -> None:
    """Remember the model's figures at the venue's newest report, and what they are of."""
    account.margin.base, account.margin.base_of = model.now, _base_of(account, model.parameters)


def _base_of(account: AccountState, parameters: Parameters) -> str:
    return f"{account.wallet_at_ns} {parameters.id}"


def standing(state: EngineState, account: AccountState, model: Model, figures: Figures, at_ns: int) -> Standing | None:
    """The larger of the model's figures and the venue's newest, carried along; None without a venue's number."""
    wallet, base = account.wallet, account.margin.base
    if wallet is None or base is None or at_ns - account.wallet_at_ns > state.limits.margin_age_ms_max * NS_PER_MS:
        return None
    if wallet.equity_usd is None or wallet.maintenance_margin_usd is None:
        return None
    booked = model.book.realised_usd - account.margin.realised_usd
    equity = float(wallet.equity_usd) + figures.balance - base.balance + booked
    venue_maintenance, venue_initial = float(wallet.maintenance_margin_usd), float(wallet.initial_margin_usd or 0)
    maintenance = max(figures.maintenance, venue_maintenance + figures.maintenance - base.maintenance)
    worst = max(figures.maintenance_worst, venue_maintenance + figures.maintenance_worst - base.maintenance)
    initial = max(figures.initial, venue_initial + figures.initial - base.initial)
    return Standing(equity, initial, maintenance, worst)


def effect(
    state: EngineState, account: AccountState, rules: Instrument, intent: OrderIntent, cost_bps: float, at_ns: int
) -> MarginEffect | None:
    """What an order does to its account's margin when it and all live orders fill at their worst; None: unknown."""
    if rules.category == "spot":
        return None
    model = _with_instrument(state, account, rules, at_ns)
    return None if model is None else _effect(state, account, model, rules, intent, cost_bps, at_ns)


def _with_instrument(state: EngineState, account: AccountState, rules: Instrument, at_ns: int) -> Model | None:
    model = model_now(state, account, at_ns)
    if isinstance(model, str):
        return None
    if rules.id not in model.book.contracts:
        flat = margin_legs.flat_contract(state, account, rules, model.book.prices)
        if isinstance(flat, str):
            return None
        model.book.contracts[rules.id] = flat
    return model


def _effect(
    state: EngineState,
    account: AccountState,
    model: Model,
    rules: Instrument,
    intent: OrderIntent,
    cost_bps: float,
    at_ns: int,
) -> MarginEffect | None:
    size = float(intent.qty_contracts) * intent.side.sign
    before = standing(state, account, model, model.now, at_ns)
    after_figures = margin_model.figures(model.parameters, model.mode, model.book, (rules.id, size))
    after = standing(state, account, model, after_figures, at_ns)
    if before is None or after is None:
        return None
    diverged = state.limits.margin_diverged_ratio if account.margin.diverged and not intent.reduce_only else 1.0
    cost = _cost_usd(model.book, rules, intent, cost_bps)
    # Where the venue's number holds the fee to close, a position more adds its own.
    opens = account.margin.close_fee and not intent.reduce_only
    fee = margin_model.order_close_fee_usd(model, model.book.contracts[rules.id], size) if opens else 0.0
    after = Standing(
        after.equity - cost,
        before.initial + (after.initial - before.initial) * diverged + fee,
        before.maintenance + (after.maintenance - before.maintenance) * diverged + fee,
        before.worst + (after.worst - before.worst) * diverged + fee,
    )
    floor, risk = floor_use(state, account), risk_use(state, account)
    stress, shock = margin_distance.stressed(state, account, model, before, at_ns), floor_shock_usd(state, account)
    if stress is None or shock is None:
        return None
    now = before.equity - before.maintenance
    left = now + _left_after(model.book, rules, intent, stress, cost + after.worst - before.worst)
    return MarginEffect(before, after, floor, risk, now + min(stress.down, stress.up), left, shock)


def _left_after(book: MarginBook, rules: Instrument, intent: OrderIntent, stress: Stress, taken: float) -> float:
    """What the order leaves of a stress: its own profit in the move, less what it costs and needs more, now or then."""
    one, size = book.contracts[rules.id], float(intent.qty_contracts) * intent.side.sign
    gain = size * margin_model.value_each(one) * book.prices[rules.settle] * stress.ratio
    return min(stress.down - gain, stress.up + gain) - max(taken, taken * (1.0 + stress.ratio))


def _cost_usd(book: MarginBook, rules: Instrument, intent: OrderIntent, cost_bps: float) -> float:
    """What the worst fill costs at once: its limit against the mark, and the fee."""
    one = book.contracts[rules.id]
    worse = max((float(intent.limit_price) / one.mark - 1.0) * intent.side.sign, 0.0)
    notional = abs(float(rules.notional_quote(intent.qty_contracts, Decimal(repr(one.mark)))))
    return notional * (worse + cost_bps / 1e4) * book.prices[rules.quote]


def clip(
    state: EngineState,
    account: AccountState,
    rules: Instrument,
    intent: OrderIntent,
    settings: UnderlyingSettings,
    at_ns: int,
) -> tuple[Decimal, MarginEffect | None]:
    """Contracts of a hedge that its account's margin allows (0: none), and what the whole order would do.

    The requirement is convex in the quantity, so that what fits is all up to a largest one.
    """
    model = None if rules.category == "spot" else _with_instrument(state, account, rules, at_ns)
    if model is None:
        return intent.qty_contracts, None
    whole = _effect(state, account, model, rules, intent, settings.cost_bps, at_ns)
    if whole is None or whole.fits:
        return intent.qty_contracts, whole
    low, high = 0, int(intent.qty_contracts / rules.lot_size)
    while high - low > 1:
        middle = (low + high) // 2
        part = sized(state, intent, rules, rules.lot_size * middle)
        found = _effect(state, account, model, rules, part, settings.cost_bps, at_ns)
        if found is not None and found.fits:
            low = middle
        else:
            high = middle
    return rules.floor_qty(rules.lot_size * low), whole


def sized(state: EngineState, intent: OrderIntent, rules: Instrument, contracts: Decimal) -> OrderIntent:
    """The same order with another quantity (> 0)."""
    return msgspec.structs.replace(
        intent,
        qty_contracts=contracts,
        delta_effect_coin=intent.delta_effect_coin * float(contracts / intent.qty_contracts),
        notional_usd=float(rules.notional_quote(contracts, intent.limit_price)),
        reduce_only=only_shrinks(state, intent.account, rules.id, intent.side, contracts),
    )
