"""What an account's coins are worth now: cash, profit, options, what is locked, owed and counts as collateral.

Owns the sums by coin that wallet, margin and borrowing are all made of, so that they cannot disagree. Must not know
margin requirements of positions. Source: docs/v5/account/wallet-balance.mdx; Bybit's help pages "Key Terms and Formulas
in Unified Trading Account" (2025-09-05) and "Borrowing, Interest and Repayment (Unified Trading Account)" (2025-10-22).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.exchange.account import Account
from hedgebot.exchange.market import Market
from hedgebot.exchange.position import Position, PositionKey, booked_value
from hedgebot.exchange.types import MarginMode, OrderRequest, SimOrder
from hedgebot.exchange.world import World
from hedgebot.margin.collateral import Debt, collateral_qty, debt
from hedgebot.margin.parameters import ParameterSet


class Working(NamedTuple):
    """What an open order may still trade, at its limit (a market order that is not placed yet: at the mark)."""

    market: Market
    key: PositionKey
    side: Side
    qty: Decimal
    price: Decimal


@dataclass(slots=True)
class CoinSum:
    """One coin of an account, in coins. `options` is their value at mark, of which `long_options` is what is owned.

    `locked` is set aside by open spot orders, `premiums` by open orders that buy options.
    """

    cash: Decimal = ZERO
    profit: Decimal = ZERO
    options: Decimal = ZERO
    long_options: Decimal = ZERO
    locked: Decimal = ZERO
    premiums: Decimal = ZERO

    @property
    def equity(self) -> Decimal:
        """Cash with everything that is not realised."""
        return self.cash + self.profit + self.options

    def debt(self, mode: MarginMode) -> Decimal:
        """Coins that are borrowed now (>= 0), by the venue's formula of the mode; isolated margin borrows nothing."""
        match mode:
            case MarginMode.ISOLATED:
                return ZERO
            case MarginMode.CROSS:
                return -min(self.equity - self.long_options - self.premiums - self.locked, ZERO)
            case MarginMode.PORTFOLIO:
                return -min(self.equity - self.locked, ZERO)

    @property
    def realised_debt(self) -> Decimal:
        """Coins that would be borrowed if no open contract had a profit or loss."""
        return -min(self.cash - self.locked - self.premiums, ZERO)

    def counted(self, mode: MarginMode) -> Decimal:
        """Coins that stand behind positions, before haircuts: options only in portfolio margin."""
        return self.equity if mode is MarginMode.PORTFOLIO else self.cash + self.profit


Sums = dict[str, CoinSum]


@dataclass(frozen=True, slots=True)
class Valuation:
    """Values accounts on a world with one venue's parameters."""

    world: World
    parameters: ParameterSet

    def unrealised(self, position: Position) -> Decimal:
        """Profit of a position at its mark, in its settlement coin."""
        if not position.contracts:
            return ZERO
        return position.unrealised(self.world.mark(self.world.markets[position.instrument.id]))

    def value(self, position: Position) -> Decimal:
        """Value of a position at its mark in its settlement coin, signed like its contracts."""
        instrument = position.instrument
        return booked_value(instrument, position.contracts, self.world.mark(self.world.markets[instrument.id]))

    def working(self, open_orders: Iterable[SimOrder], extra: OrderRequest | None = None) -> tuple[Working, ...]:
        """Open orders, and one more that is asked about. Those that can only reduce need nothing, and are left out."""
        markets = self.world.markets
        found = [
            Working(
                markets[order.instrument],
                (order.instrument, order.position_index),
                order.side,
                order.leaves_contracts,
                order.limit_price or ZERO,
            )
            for order in open_orders
            if not order.reduce_only
        ]
        if extra is not None:
            market = markets[extra.instrument]
            price = extra.limit_price or self.world.mark(market)
            key = (extra.instrument, extra.position_index)
            found.append(Working(market, key, extra.side, extra.qty_contracts, price))
        return tuple(found)

    def sums(self, account: Account, working: Iterable[Working]) -> Sums:
        """Every coin that the account has, owes or settles in, in a fixed order."""
        sums = {coin: CoinSum(cash) for coin, cash in account.coins.items()}
        for position in account.positions.values():
            coin = sums.get(position.instrument.settle)
            if coin is None:
                coin = sums[position.instrument.settle] = CoinSum()
            if not position.contracts:
                continue
            if position.instrument.kind.is_option:
                value = self.value(position)
                coin.options += value
                coin.long_options += max(value, ZERO)
            else:
                coin.profit += self.unrealised(position)
        for order in working:
            _set_aside(sums, order)
        return sums

    def debts(self, account: Account, sums: Sums) -> dict[str, Debt]:
        """What is borrowed, by coin; only coins that are."""
        mode = account.margin.mode
        return {
            coin: debt(
                self.parameters.borrowing_of(coin), borrowed=float(owed), realised=float(min(one.realised_debt, owed))
            )
            for coin, one in sums.items()
            if (owed := one.debt(mode)) > 0
        }

    def margin_balance(self, account: Account, sums: Sums) -> float:
        """USD that stand behind the account's positions: counted coins after haircuts, debts whole."""
        return sum(
            self.collateral(account, coin, float(one.counted(account.margin.mode))) * self.world.usd_price(coin)
            for coin, one in sums.items()
        )

    def collateral(self, account: Account, coin: str, qty: float) -> float:
        """Coins that `qty` of them count for as collateral of this account."""
        if coin in account.margin.not_collateral and qty > 0.0:
            return 0.0
        return collateral_qty(self.parameters.collateral_of(coin), qty)

    def collateral_ratio(self, account: Account, coin: str, qty: float) -> float:
        """Share of a holding that counts, over all its tiers; the first tier's where nothing is held."""
        if qty > 0.0:
            return self.collateral(account, coin, qty) / qty
        return 0.0 if coin in account.margin.not_collateral else self.parameters.collateral_of(coin).tiers[0].ratio


def _set_aside(sums: Sums, order: Working) -> None:
    """Count what an open order has reserved: a spot order its coins, a bought option its premium."""
    instrument, buys = order.market.instrument, order.side is Side.BUY
    amount = order.qty * (order.price if buys else 1)
    if instrument.kind is InstrumentKind.SPOT:
        sums.setdefault(instrument.quote if buys else instrument.underlying, CoinSum()).locked += amount
    elif instrument.kind.is_option and buys:
        sums.setdefault(instrument.settle, CoinSum()).premiums += amount
