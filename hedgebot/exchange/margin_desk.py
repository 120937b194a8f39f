"""What an account may change about its margin: mode, collateral, margin of isolated positions, spot margin.

Owns the rules of these requests and carries them out; a refusal leaves no trace. Limits of rates and the way in are
`model.py`'s. Sources: docs/v5/account/{set-margin-mode, set-collateral}.mdx, docs/v5/position/{manual-add-margin,
auto-add-margin}.mdx, docs/v5/spot-margin-uta/switch-mode.mdx and docs/v5/error.mdx.
"""

from decimal import Decimal

from hedgebot.domain.decimals import ZERO, is_multiple
from hedgebot.exchange.account import Account
from hedgebot.exchange.books import Books
from hedgebot.exchange.checks import refuse
from hedgebot.exchange.health import Health
from hedgebot.exchange.history import OrderStore
from hedgebot.exchange.position import Position, PositionKey
from hedgebot.exchange.risk import Risk
from hedgebot.exchange.types import MarginMode, PositionChanged, Refusal, RefusalReason, SimOrder, WalletChanged
from hedgebot.exchange.wallet import position_states

MARGIN_STEP = Decimal("0.0001")


class MarginDesk:
    """Margin requests of all accounts. KeyError for an unknown account."""

    def __init__(self, books: Books, orders: OrderStore) -> None:
        self._books = books
        self._risk: Risk = books.risk
        self._orders = orders

    # --- the whole account

    def mode(self, account: str) -> MarginMode:
        """The account's margin mode."""
        return self._books.accounts[account].margin.mode

    def spot_margin(self, account: str) -> bool:
        """Whether its spot orders may borrow. KeyError for an unknown account."""
        return self._books.accounts[account].margin.spot_margin

    def set_mode(self, account: str, mode: MarginMode) -> tuple[Refusal, ...]:
        """Switch the margin mode; every reason against it, none when done (also where it is that mode already)."""
        holder, orders = self._books.accounts[account], self._orders.open_orders(account)
        if holder.margin.mode is mode:
            return ()
        reasons = self._against(holder, orders, mode)
        if reasons:
            return reasons
        holder.margin.mode = mode
        holder.margin.added.clear()
        holder.margin.auto_add.clear()
        if mode is MarginMode.ISOLATED:
            holder.margin.spot_margin = False
        self._tell(holder, *(one.key for one in holder.positions.values() if one.contracts))
        return ()

    def _against(self, account: Account, orders: tuple[SimOrder, ...], mode: MarginMode) -> tuple[Refusal, ...]:
        tried = account.copied()
        tried.margin.mode = mode
        if mode is MarginMode.ISOLATED:
            found = self._against_isolated(account, tried, orders)
        else:
            found = [self._against_whole(tried, orders)]
            least = self._risk.parameters.portfolio.equity_min_usd
            equity = self._equity_usd(account)
            if mode is MarginMode.PORTFOLIO and equity < least:
                detail = f"equity {equity:.2f} USD, portfolio margin needs {least:.0f}"
                found.append(refuse(RefusalReason.EQUITY_TOO_LOW, detail))
        return tuple(one for one in found if one is not None)

    def _equity_usd(self, account: Account) -> float:
        sums = self._risk.valuation.sums(account, ())
        return sum(float(one.equity) * self._risk.world.usd_price(coin) for coin, one in sums.items())

    def _against_whole(self, tried: Account, orders: tuple[SimOrder, ...]) -> Refusal | None:
        """In cross and portfolio margin the account must afford what it has."""
        standing = self._risk.standing(tried, orders)
        need, balance = standing.need, standing.balance
        if need.maintenance > 0.0 and need.maintenance >= balance:
            detail = f"maintenance margin would be {need.maintenance:.2f} USD of {balance:.2f}"
            return refuse(RefusalReason.WOULD_LIQUIDATE, detail)
        if need.initial > balance and need.initial > 0.0:
            detail = f"initial margin {need.initial:.2f} USD needed, margin balance {balance:.2f} USD"
            return refuse(RefusalReason.INSUFFICIENT_MARGIN, detail)
        return None

    def _against_isolated(self, account: Account, tried: Account, orders: tuple[SimOrder, ...]) -> list[Refusal | None]:
        """Isolated margin knows no options and no debts, and each coin must cover its own positions."""
        risk, found = self._risk, list[Refusal | None]()
        markets = risk.world.markets
        options = [one.key[0] for one in account.positions.values() if one.contracts and one.instrument.kind.is_option]
        if options:
            found.append(refuse(RefusalReason.POSITION_OPEN, f"{options[0]} cannot be held in isolated margin"))
        waiting = [one.instrument for one in orders if markets[one.instrument].instrument.kind.is_option]
        if waiting:
            found.append(refuse(RefusalReason.ORDERS_OPEN, f"{waiting[0]} has an open order"))
        sums = risk.valuation.sums(account, risk.valuation.working(orders))
        owed = [coin for coin, one in sums.items() if one.realised_debt > 0]
        if owed:
            found.append(refuse(RefusalReason.DEBTS_OPEN, f"{', '.join(owed)} is borrowed"))
        free = {coin: risk.free(tried, coin, orders, None) for coin in sums}
        for coin, left in free.items():
            if left < 0.0 and coin not in owed:
                found.append(refuse(RefusalReason.INSUFFICIENT_MARGIN, f"{-left:.8g} {coin} are missing"))
        dead = [
            one.key[0]
            for one in Health(risk).isolated_positions(tried)
            if one.is_liquidatable and free[tried.positions[one.key].instrument.settle] >= 0.0
        ]
        if dead:
            found.append(refuse(RefusalReason.WOULD_LIQUIDATE, f"{dead[0]} would be liquidated at once"))
        return found

    def set_collateral(self, account: str, coin: str, *, on: bool) -> Refusal | None:
        """Have a coin count as collateral or not; None when done."""
        holder, terms = self._books.accounts[account], self._risk.parameters.collateral_of(coin)
        if not terms.can_switch_off:
            return refuse(RefusalReason.NOT_COLLATERAL, f"{coin} is always collateral")
        if on:
            holder.margin.not_collateral.discard(coin)
            self._tell(holder)
            return None
        inverse = [
            one.key[0]
            for one in holder.positions.values()
            if one.contracts and one.instrument.kind.is_inverse and one.instrument.settle == coin
        ]
        if inverse:
            return refuse(RefusalReason.NOT_COLLATERAL, f"{inverse[0]} settles in {coin}")
        tried = holder.copied()
        tried.margin.not_collateral.add(coin)
        if holder.margin.mode is not MarginMode.ISOLATED:
            problem = self._against_whole(tried, self._orders.open_orders(account))
            if problem is not None:
                return problem
        holder.margin.not_collateral.add(coin)
        self._tell(holder)
        return None

    def set_spot_margin(self, account: str, *, on: bool) -> Refusal | None:
        """Allow spot orders that ask for it to borrow what they lack, or no longer; None when done."""
        holder = self._books.accounts[account]
        if on and holder.margin.mode is MarginMode.ISOLATED:
            return refuse(RefusalReason.NOT_IN_MARGIN_MODE, "isolated margin borrows nothing")
        holder.margin.spot_margin = on
        return None

    # --- isolated positions

    def add_margin(self, account: str, key: PositionKey, amount: Decimal) -> Refusal | None:
        """Set more aside for an isolated position (below zero: less), in its settlement coin; None when done."""
        holder = self._books.accounts[account]
        position = self._isolated(holder, key)
        if isinstance(position, Refusal):
            return position
        if not amount.is_finite() or not amount or not is_multiple(amount, MARGIN_STEP):
            return refuse(RefusalReason.BAD_QTY, f"margin {amount}: not zero, in steps of {MARGIN_STEP}")
        coin = position.instrument.settle
        before = holder.margin.added.get(key, ZERO)
        if amount > 0:
            free = self._free(holder, coin)
            if float(amount) > free:
                return refuse(RefusalReason.INSUFFICIENT_MARGIN, f"{amount} {coin} needed, {max(free, 0):.8g} free")
        elif before + amount < 0:
            detail = f"{-amount} {coin} cannot be taken: {before} were added"
            return refuse(RefusalReason.INSUFFICIENT_MARGIN, detail)
        tried = holder.copied()
        tried.margin.added[key] = before + amount
        health = Health(self._risk).of_position(tried, tried.positions[key])
        if amount < 0 and health is not None and health.is_liquidatable:
            detail = (
                f"{health.equity:.8g} {coin} would be left of a maintenance margin of {health.maintenance_margin:.8g}"
            )
            return refuse(RefusalReason.WOULD_LIQUIDATE, detail)
        self._set_aside(holder, key, amount)
        return None

    def set_auto_add(self, account: str, key: PositionKey, *, on: bool) -> Refusal | None:
        """Have free coins added to an isolated position that would be liquidated, or no longer; None when done."""
        holder = self._books.accounts[account]
        position = self._isolated(holder, key)
        if isinstance(position, Refusal):
            return position
        if on:
            holder.margin.auto_add.add(key)
        else:
            holder.margin.auto_add.discard(key)
        self._tell(holder, key)
        return None

    def replenish(self) -> None:
        """Add free coins to isolated positions that would be liquidated now and asked for it.

        Each gets its initial margin once more, or what is free; called before anybody is liquidated.
        """
        for account in self._books.accounts.values():
            if not account.margin.auto_add:
                continue
            for health in Health(self._risk).isolated_positions(account):
                position = account.positions[health.key]
                if health.is_liquidatable and health.key in account.margin.auto_add:
                    wanted = abs(position.cost) / account.leverage_of(position.instrument.id)
                    free = Decimal(repr(self._free(account, position.instrument.settle)))
                    amount = min(wanted, max(free, ZERO)) // MARGIN_STEP * MARGIN_STEP
                    if amount:
                        self._set_aside(account, health.key, amount)

    def _isolated(self, account: Account, key: PositionKey) -> Position | Refusal:
        if account.margin.mode is not MarginMode.ISOLATED:
            return refuse(RefusalReason.NOT_IN_MARGIN_MODE, f"the account is in {account.margin.mode} margin")
        position = account.positions.get(key)
        if position is None or not position.contracts:
            return refuse(RefusalReason.NO_POSITION, f"no position {key[1].value} in {key[0]}")
        return position

    def _free(self, account: Account, coin: str) -> float:
        return self._risk.free(account, coin, self._orders.open_orders(account.name), None)

    def _set_aside(self, account: Account, key: PositionKey, amount: Decimal) -> None:
        added = account.margin.added.get(key, ZERO) + amount
        if added:
            account.margin.added[key] = added
        else:
            account.margin.added.pop(key, None)
        self._tell(account, key)

    def _tell(self, account: Account, *keys: PositionKey) -> None:
        for position in position_states(self._risk, account, keys):
            self._books.tell(PositionChanged(position=position))
        self._books.tell(WalletChanged(account=account.name))
