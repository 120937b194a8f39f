"""What an account's positions and open orders need, by its margin mode: the unified account's three models, in USD.

Owns the aggregation; formulas and figures are `hedgebot.margin`, coin sums `valuation.py`, what is shown `wallet.py`.
Margins are float. Cross and isolated margin do not net instruments; portfolio margin nets within a base coin. No fee to
close is set aside. Source: the margin reference section 6.3; Bybit's help pages named in the modules called.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.resources import files

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument, InstrumentKind, OptionType, Side
from hedgebot.exchange.account import Account
from hedgebot.exchange.market import Market
from hedgebot.exchange.portfolio import portfolio_requirement
from hedgebot.exchange.position import Position, PositionKey
from hedgebot.exchange.requirement import NOTHING, Requirement, total
from hedgebot.exchange.types import MarginMode, OrderRequest, SimOrder
from hedgebot.exchange.valuation import Sums, Valuation, Working
from hedgebot.exchange.world import World
from hedgebot.margin.parameters import ParameterSet, parse_parameters
from hedgebot.margin.tiers import Ladder, short_option_initial, short_option_maintenance

PARAMETER_FILE = "bybit_20261125.json"


def load_parameters() -> ParameterSet:
    """The margin parameters that ship with hedgebot."""
    return parse_parameters(files("hedgebot.margin").joinpath(PARAMETER_FILE).read_bytes(), PARAMETER_FILE)


@dataclass(slots=True)
class _Both:
    """Open orders of one position: contracts on each side, and what a sold option is offered at at best."""

    buys: float = 0.0
    sells: float = 0.0
    buy_cost: float = 0.0
    sell_price: float = 0.0

    def add(self, order: Working) -> None:
        """Count an order."""
        qty, price = float(order.qty), float(order.price)
        if order.side is Side.BUY:
            self.buys += qty
            self.buy_cost += qty * price
        else:
            self.sells += qty
            self.sell_price = max(self.sell_price, price)


@dataclass(frozen=True, slots=True)
class Standing:
    """An account's margin now, in USD: what stands behind it, what it needs, and the rates (None: nothing left)."""

    balance: float
    need: Requirement
    # What it was computed from, by coin.
    sums: Sums = field(default_factory=dict, repr=False, compare=False)

    @property
    def initial_rate(self) -> float | None:
        """Initial margin over the balance."""
        return self.need.initial / self.balance if self.balance > 0.0 else None

    @property
    def maintenance_rate(self) -> float | None:
        """Maintenance margin over the balance: liquidation begins at 1."""
        return self.need.maintenance / self.balance if self.balance > 0.0 else None


@dataclass(frozen=True, slots=True)
class Risk:
    """Margin arithmetic over a world with one venue's parameters."""

    world: World
    parameters: ParameterSet = field(default_factory=load_parameters)
    # The coin sums that everything here is made of.
    valuation: Valuation = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "valuation", Valuation(self.world, self.parameters))

    def standing(
        self, account: Account, open_orders: Iterable[SimOrder], extra: OrderRequest | None = None
    ) -> Standing:
        """Balance and requirement of the whole account, with its open orders (and one order more)."""
        working = self.valuation.working(open_orders, extra)
        sums = self.valuation.sums(account, working)
        return Standing(self.valuation.margin_balance(account, sums), self._needed(account, working, sums), sums)

    def requirement(
        self, account: Account, open_orders: Iterable[SimOrder], extra: OrderRequest | None = None
    ) -> Requirement:
        """Margin of all positions, open orders (at their worse side) and debts, in USD."""
        working = self.valuation.working(open_orders, extra)
        return self._needed(account, working, self.valuation.sums(account, working))

    def margin_balance(self, account: Account) -> float:
        """USD that stand behind the account's positions, after haircuts."""
        return self.valuation.margin_balance(account, self.valuation.sums(account, ()))

    def _needed(self, account: Account, working: tuple[Working, ...], sums: Sums) -> Requirement:
        if account.margin.mode is MarginMode.PORTFOLIO:
            derivatives = portfolio_requirement(self.world, self.parameters.portfolio, account, working)
            derivatives = derivatives.times(self.world.margin_ratio)
        else:
            derivatives = total(
                one.times(self.world.usd_price(self.world.markets[key[0]].instrument.settle))
                for key, one in self.by_position(account, working).items()
                if one is not NOTHING
            )
        return total((derivatives, *self.of_debts(account, sums).values()))

    def of_debts(self, account: Account, sums: Sums) -> dict[str, Requirement]:
        """Margin of what is borrowed, by coin, in USD."""
        found: dict[str, Requirement] = {}
        for coin, owed in self.valuation.debts(account, sums).items():
            terms, value = self.parameters.borrowing_of(coin), owed.amount * self.world.usd_price(coin)
            found[coin] = Requirement(terms.initial_rate * value, terms.maintenance_rate * value)
        return found

    # --- one by one (cross and isolated margin), in settlement coins

    def by_position(self, account: Account, working: tuple[Working, ...]) -> dict[PositionKey, Requirement]:
        """Margin of each position with its orders, in its settlement coin."""
        orders: dict[PositionKey, _Both] = {}
        for order in working:
            orders.setdefault(order.key, _Both()).add(order)
        none = _Both()
        found = {
            key: self._position(account, key, orders.get(key, none))
            for key in dict.fromkeys((*account.positions, *orders))
        }
        if self.world.margin_ratio == 1.0:
            return found
        return {key: one.times(self.world.margin_ratio) for key, one in found.items()}

    def _position(self, account: Account, key: PositionKey, orders: _Both) -> Requirement:
        position = account.positions.get(key)
        held = float(position.contracts) if position is not None else 0.0
        if not (held or orders.buys or orders.sells):
            return NOTHING  # flat: most of what an account has ever held
        market = self.world.markets[key[0]]
        if market.instrument.kind is InstrumentKind.SPOT:
            return NOTHING  # spot orders are covered by locked balances, or by what they borrow
        if market.instrument.kind.is_option and held > 0 and not (orders.sells or orders.buy_cost):
            return NOTHING  # a long option
        if market.instrument.kind.is_option:
            return self._option(market, held, orders)
        ladder, leverage, each = self.ladder(market), float(account.leverage_of(key[0])), self.value_each(market)
        worst = max(abs(held + orders.buys), abs(held - orders.sells)) * each
        at_worst = ladder.initial(worst, leverage)
        maintenance = ladder.maintenance(abs(held) * each)
        if account.margin.mode is MarginMode.ISOLATED:
            # What the position has is fixed; only what its orders may add moves with the mark.
            fixed = float(self.position_margin(account, position)) if position is not None else 0.0
            return Requirement(fixed + max(at_worst - ladder.initial(abs(held) * each, leverage), 0.0), maintenance)
        return Requirement(at_worst, maintenance)

    def position_margin(self, account: Account, position: Position) -> Decimal:
        """Margin set aside for an isolated position, in its settlement coin: entry value over leverage, plus added."""
        if not position.contracts:
            return ZERO
        entry = abs(position.cost) / account.leverage_of(position.instrument.id)
        return entry + account.margin.added.get(position.key, ZERO)

    def margin_behind(self, account: Account, position: Position) -> float:
        """What is there of an isolated position's margin: where its coin is short, payments came out of the margins."""
        coin, margin = position.instrument.settle, self.position_margin(account, position)
        mine = (one for one in account.positions.values() if one.contracts and one.instrument.settle == coin)
        whole = sum((self.position_margin(account, one) for one in mine), ZERO)
        cash = max(account.coins.get(coin, ZERO), ZERO)
        return float(margin if whole <= cash else margin * cash / whole)

    def value_each(self, market: Market) -> float:
        """Value of one contract at its mark, in its settlement coin."""
        return abs(float(market.instrument.value_settle(Decimal(1), self.world.mark(market))))

    def ladder(self, market: Market) -> Ladder:
        """Risk-limit tiers of a contract, in its settlement coin."""
        return ladder_of(self.parameters, market.instrument)

    def _option(self, market: Market, held: float, orders: _Both) -> Requirement:
        """Short options need margin; a long one is paid for, so only its order's premium is set aside."""
        rates, instrument = self.parameters.short_option, market.instrument
        index, mark = float(self.world.index(market)), float(self.world.mark(market))
        initial_each = short_option_initial(
            rates,
            index=index,
            mark=mark,
            strike=float(instrument.strike or ZERO),
            is_call=instrument.option_type is OptionType.CALL,
            order_price=orders.sell_price,
        )
        short_now, short_worst = max(-held, 0.0), max(orders.sells - held, 0.0)
        return Requirement(
            short_worst * initial_each + orders.buy_cost,
            short_now * short_option_maintenance(rates, index, mark),
        )

    # --- isolated margin

    def free(self, account: Account, coin: str, open_orders: Iterable[SimOrder], extra: OrderRequest | None) -> float:
        """Coins that no isolated position and no order has set aside; may be negative."""
        working = self.valuation.working(open_orders, extra)
        held = self.valuation.sums(account, working).get(coin)
        taken = sum(
            one.initial
            for key, one in self.by_position(account, working).items()
            if self.world.markets[key[0]].instrument.settle == coin
        )
        return (float(held.cash - held.locked) if held is not None else 0.0) - taken


def ladder_of(parameters: ParameterSet, instrument: Instrument) -> Ladder:
    """Risk-limit tiers of a contract, in its settlement coin."""
    return parameters.ladder(instrument.underlying, is_inverse=instrument.kind.is_inverse)
