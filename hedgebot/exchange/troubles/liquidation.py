"""Liquidation: an account or position that no longer covers its maintenance margin is reduced, then taken over.

Owns the order of events. Cross and portfolio margin: at a rate of 100 % all orders end; then, position by position (the
hungriest first), a fill-or-kill order in the market, down to the next risk tier or as much as brings the rate to 90 %;
what the market does not take at the bankruptcy price or better is taken over whole at that price. An isolated position
in its lowest tier is taken over at once. The liquidation engine closes what it took over in the market, for the
insurance fund's account; what the fund cannot bear goes to auto-deleveraging. At last, if that was not enough, coins
are exchanged for those that are owed. All of it happens within one moment.
Sources: Bybit's help pages "Trading Rules: Liquidation Process (Unified Trading Account)" and "Liquidation Process
(USDC Perpetual & Futures)"; docs/v5/enum.mdx (createType); the margin reference section 3 for the 90 %.
"""

from collections.abc import Callable
from decimal import ROUND_CEILING, Decimal

from hedgebot.domain.decimals import ZERO, floor_to_step, price_down, price_up
from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.exchange.account import Account
from hedgebot.exchange.desk import Desk
from hedgebot.exchange.fee_tiers import fee_rates
from hedgebot.exchange.health import AccountHealth, Health
from hedgebot.exchange.market import Market
from hedgebot.exchange.position import Position
from hedgebot.exchange.trouble import Liquidation as Forced
from hedgebot.exchange.troubles.bankruptcy import Bankruptcy
from hedgebot.exchange.troubles.engine import Engine
from hedgebot.exchange.troubles.offbook import Fill, OffBook
from hedgebot.exchange.types import EndReason, ExecKind, Liquidated, MarginMode, PositionStatus

RATE_TARGET = 0.9
# Of the value: what a step costs in fee and spread, so that the rate it aims at is the one it reaches.
_STEP_COST = 0.0008
# A position needs as many steps as it has tiers, and a few to come to the target; then it is taken over.
_STEPS_MAX = 40
# Worst price against the index of coins that are exchanged for those owed, and room for the fee; what that leaves is
# tried again at the next look.
_EXCHANGE_SLIP_MAX, _EXCHANGE_FEE_MAX = Decimal("0.01"), Decimal("0.005")


class Liquidations:
    """Watches every account; `watch` is called after each second of the world."""

    def __init__(self, desk: Desk, off_book: OffBook, engine: Engine) -> None:
        self._desk = desk
        self._books = desk.books
        self._off_book = off_book
        self._engine = engine
        self._health = Health(desk.books.risk)
        self._bankruptcy = Bankruptcy(desk.books.risk)

    def watch(self, account: Account) -> AccountHealth | None:
        """Liquidate what has to be, of one account; its health where nothing had to be (not in isolated margin)."""
        if account.margin.mode is MarginMode.ISOLATED:
            for found in self._health.isolated_positions(account):
                if found.is_liquidatable and self._trades(account.positions[found.key]):
                    self._isolated(account, account.positions[found.key])
            return None
        whole = self._health.of_account(account, self._desk.orders.open_orders(account.name))
        if whole is not None and whole.is_liquidatable:
            self._account(account)
            return None
        return whole

    def strike(self, trouble: Forced) -> None:
        """Liquidate a named account now, whatever its rate: whole. ValueError says what cannot be."""
        account = self._books.accounts.get(trouble.account)
        if account is None:
            raise ValueError(f"account is {trouble.account!r}, it must be one of {', '.join(self._books.accounts)}")
        held = [one for one in account.positions.values() if one.contracts and self._trades(one)]
        chosen = [one for one in held if trouble.instrument in {None, one.instrument.id}]
        if not chosen:
            raise ValueError(f"{trouble.account} holds nothing that trades in {trouble.instrument or 'any instrument'}")
        self._cancel(account, lambda _: True)
        for position in chosen:
            self._marked(account, position, self._take_over)

    def _rate(self, account: Account) -> float:
        found = self._health.of_account(account, self._desk.orders.open_orders(account.name))
        return found.rate if found is not None else 0.0

    def _trades(self, position: Position) -> bool:
        return self._desk.world.markets[position.instrument.id].trading

    # --- cross and portfolio margin

    def _account(self, account: Account) -> None:
        self._cancel(account, lambda _: True)
        if self._rate(account) < 1.0:
            return
        for position in self._hungriest(account):
            self._marked(account, position, self._reduce)
            if self._rate(account) <= RATE_TARGET:
                return
        if self._rate(account) >= 1.0:
            self._repay(account)

    def _repay(self, account: Account) -> None:
        """Exchange what the account has for the coins that it owes, where there is a spot pair of the two."""
        valuation = self._books.risk.valuation
        for coin in valuation.debts(account, valuation.sums(account, ())):
            for market in self._desk.world.markets.values():
                if market.instrument.kind is InstrumentKind.SPOT and market.trading:
                    self._exchange_for(account, coin, market)

    def _exchange_for(self, account: Account, coin: str, market: Market) -> None:
        """Buy a coin that is owed with the other one of a pair, as much as is owed and the other one pays for."""
        pair, mark = market.instrument, self._desk.world.mark(market)
        if coin not in {pair.underlying, pair.quote}:
            return
        side = Side.BUY if coin == pair.underlying else Side.SELL
        edge = mark * (1 + _EXCHANGE_SLIP_MAX * side.sign)
        limit = price_down(edge, market.tick_size) if side is Side.BUY else price_up(edge, market.tick_size)
        owed, has = (
            -account.coins.get(coin, ZERO),
            account.coins.get(pair.quote if side is Side.BUY else pair.underlying),
        )
        # The fee is taken from what is bought.
        wanted = owed * (1 + _EXCHANGE_FEE_MAX) / (1 if side is Side.BUY else mark)
        most = (has or ZERO) / (limit if side is Side.BUY else 1)
        contracts = floor_to_step(min(wanted, most), market.lot_size)
        if contracts > ZERO:
            self._engine.exchange(account, market, side, contracts, limit)

    def _hungriest(self, account: Account) -> list[Position]:
        """Open positions by maintenance margin, largest first; what needs none (a long option) last."""
        held = [one for one in account.positions.values() if one.contracts and self._trades(one)]
        return sorted(held, key=lambda one: -self._bankruptcy.maintenance_usd(account, one))

    def _reduce(self, account: Account, position: Position) -> None:
        """Step a position down its ladder until the account is safe, the position gone, or the market unwilling."""
        for _ in range(_STEPS_MAX):
            if not position.contracts or self._rate(account) <= RATE_TARGET:
                return
            if not self._step(account, position, self._step_size(account, position)):
                break
        self._take_over(account, position)

    def _step_size(self, account: Account, position: Position) -> Decimal:
        """Contracts of the next step: to the next lower tier, or less where less brings the rate to its target."""
        market = self._desk.world.markets[position.instrument.id]
        standing = self._books.risk.standing(account, ())
        value_usd, relief = self._bankruptcy.marginal(account, position)
        wanted = (standing.need.maintenance - RATE_TARGET * standing.balance) / value_usd
        gain = relief - RATE_TARGET * _STEP_COST
        by_rate = wanted / gain if gain > 0.0 else float(abs(position.contracts))
        lots = Decimal(str(min(by_rate, self._above_tier(market, position)))) / market.lot_size
        contracts = lots.to_integral_value(ROUND_CEILING) * market.lot_size
        return min(max(contracts, market.lot_size), abs(position.contracts))

    def _above_tier(self, market: Market, position: Position) -> float:
        """Contracts above the next lower risk tier; all of them in the lowest one, and of an option."""
        held = float(abs(position.contracts))
        if market.instrument.kind.is_option:
            return held
        ladder, each = self._books.risk.ladder(market), self._books.risk.value_each(market)
        number = ladder.tier_of(held * each)
        return held - ladder.tiers[number - 1].value_max_settle / each if number else held

    # --- isolated margin

    def _isolated(self, account: Account, position: Position) -> None:
        instrument = position.instrument.id
        self._cancel(account, lambda name: name == instrument)
        self._marked(account, position, self._reduce_isolated)

    def _reduce_isolated(self, account: Account, position: Position) -> None:
        """Down one tier after the other while that helps; in the lowest the position is taken over."""
        market = self._desk.world.markets[position.instrument.id]
        for _ in range(_STEPS_MAX):
            found = self._health.of_position(account, position)
            if found is None or not found.is_liquidatable:
                return
            above = Decimal(str(self._above_tier(market, position)))
            contracts = (above / market.lot_size).to_integral_value(ROUND_CEILING) * market.lot_size
            if contracts >= abs(position.contracts) or not self._step(account, position, contracts):
                break
        self._take_over(account, position)

    # --- the two ways down

    def _step(self, account: Account, position: Position, contracts: Decimal) -> bool:
        """One fill-or-kill order in the market, no worse than the bankruptcy price; whether it was filled."""
        market, side = self._desk.world.markets[position.instrument.id], Side.of(-position.contracts)
        limit = self._bankruptcy.price(account, position)
        filled = self._engine.step(account, market, position.index, side, contracts, limit)
        if filled:
            self._tell(market, side, contracts, limit)
        return filled

    def _take_over(self, account: Account, position: Position) -> None:
        """Close the whole position at its bankruptcy price; the engine has it now and gets rid of it."""
        market, side = self._desk.world.markets[position.instrument.id], Side.of(-position.contracts)
        contracts, price = abs(position.contracts), self._bankruptcy.price(account, position)
        rate = fee_rates(account.fee_tier, market.instrument.kind).taker
        fill = Fill(side, contracts, price, ExecKind.BUST, rate)
        # The takeover and whoever takes the position over from the engine stand against each other.
        self._books.new_deal()
        self._off_book.trade(account.name, market, position.index, fill)
        self._tell(market, side, contracts, price)
        self._engine.unload(market, side, contracts, price)

    def _tell(self, market: Market, side: Side, contracts: Decimal, price: Decimal) -> None:
        """Tell everyone; the public sees the side of the position, and its bankruptcy price."""
        self._books.tell(
            Liquidated(
                instrument=market.id,
                position_side=side.opposite,
                contracts=contracts,
                price=price,
                at_ns=self._books.now_ns,
            )
        )

    def _marked(self, account: Account, position: Position, act: Callable[[Account, Position], None]) -> None:
        """Do something to a position that the venue shows as being liquidated meanwhile."""
        market = self._desk.world.markets[position.instrument.id]
        position.status = PositionStatus.LIQUIDATION
        self._books.tell_position(account, market, position.index)
        act(account, position)
        position.status = PositionStatus.NORMAL
        self._books.tell_position(account, market, position.index)

    def _cancel(self, account: Account, chosen: Callable[[str], bool]) -> None:
        """End orders to free what they have set aside; orders on positions first in the venue's words."""
        for order in self._desk.orders.open_orders(account.name):
            if chosen(order.instrument):
                held = account.contracts(order.instrument, order.position_index) != ZERO
                self._desk.end(order, EndReason.PREPARE_LIQUIDATION if held else EndReason.BEFORE_LIQUIDATION)
