"""What an account is worth and what its positions and open orders need: the unified account's cross margin, in USD.

Owns the aggregation; tiers and the option formula are `hedgebot.margin.tiers`. No netting between instruments, no
liquidation. Margins are float; stablecoins count as 1 USD (margin reference section 6.3).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.resources import files

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentId, InstrumentKind, OptionType, Side
from hedgebot.exchange.account import Account
from hedgebot.exchange.market import Market
from hedgebot.exchange.position import Position, PositionKey, booked_value
from hedgebot.exchange.types import CoinBalance, OrderRequest, PositionIndex, SimOrder, SimPosition, WalletState
from hedgebot.exchange.world import World
from hedgebot.margin.collateral import collateral_qty
from hedgebot.margin.parameters import ParameterSet, parse_parameters
from hedgebot.margin.tiers import Ladder, short_option_initial, short_option_maintenance

PARAMETER_FILE = "bybit_20261125.json"


def load_parameters() -> ParameterSet:
    """The margin parameters that ship with hedgebot."""
    return parse_parameters(files("hedgebot.margin").joinpath(PARAMETER_FILE).read_bytes(), PARAMETER_FILE)


@dataclass(slots=True)
class _Working:
    """Open orders of one instrument: quantities, and what buying them costs (quote)."""

    buys: float = 0.0
    sells: float = 0.0
    buy_cost: float = 0.0
    sell_price: float = 0.0

    def add(self, side: Side, qty: float, price: float) -> None:
        """Count an order."""
        if side is Side.BUY:
            self.buys += qty
            self.buy_cost += qty * price
        else:
            self.sells += qty
            self.sell_price = max(self.sell_price, price)


@dataclass(frozen=True, slots=True)
class Requirement:
    """Initial and maintenance margin in USD."""

    initial: float
    maintenance: float


@dataclass(frozen=True, slots=True)
class Risk:
    """Margin arithmetic over a world with one venue's parameters."""

    world: World
    parameters: ParameterSet = field(default_factory=load_parameters)

    def requirement(
        self, account: Account, open_orders: Iterable[SimOrder], extra: OrderRequest | None = None
    ) -> Requirement:
        """Margin of all positions and open orders (and of one order more); orders count at their worse side."""
        working: dict[PositionKey, _Working] = {}
        for order in open_orders:
            price, key = float(order.limit_price or ZERO), (order.instrument, order.position_index)
            working.setdefault(key, _Working()).add(order.side, float(order.leaves_contracts), price)
        if extra is not None:
            price = float(extra.limit_price or self.world.mark(self.world.markets[extra.instrument]))
            key = (extra.instrument, extra.position_index)
            working.setdefault(key, _Working()).add(extra.side, float(extra.qty_contracts), price)
        initial = maintenance = 0.0
        nothing = _Working()
        for key in dict.fromkeys((*account.positions, *working)):
            market = self.world.markets[key[0]]
            held = float(account.contracts(*key))
            one = self._instrument(market, held, working.get(key, nothing), account.leverage_of(key[0]))
            initial += one.initial
            maintenance += one.maintenance
        return Requirement(initial, maintenance)

    def _instrument(self, market: Market, held: float, working: _Working, leverage: Decimal) -> Requirement:
        match market.instrument.kind:
            case InstrumentKind.SPOT:
                return Requirement(0.0, 0.0)  # spot orders are covered by locked balances
            case InstrumentKind.LINEAR_OPTION:
                return self._option(market, held, working)
            case _:
                each = self.contract_usd(market)
                ladder = self.ladder(market)
                worst = max(abs(held + working.buys), abs(held - working.sells)) * each
                return Requirement(ladder.initial(worst, float(leverage)), ladder.maintenance(abs(held) * each))

    def contract_usd(self, market: Market) -> float:
        """USD that one contract is worth at its mark."""
        value = market.instrument.value_settle(Decimal(1), self.world.mark(market))
        return float(value) * self.world.usd_price(market.instrument.settle)

    def ladder(self, market: Market) -> Ladder:
        """Risk-limit tiers of a contract."""
        instrument = market.instrument
        return self.parameters.ladder(instrument.underlying, is_inverse=instrument.kind.is_inverse)

    def _option(self, market: Market, held: float, working: _Working) -> Requirement:
        """Short options need margin; a long one is paid for, so only its order's premium is set aside."""
        rates, instrument = self.parameters.short_option, market.instrument
        index, mark = float(self.world.index(market)), float(self.world.mark(market))
        initial_each = short_option_initial(
            rates,
            index=index,
            mark=mark,
            strike=float(instrument.strike or ZERO),
            is_call=instrument.option_type is OptionType.CALL,
            order_price=working.sell_price,
        )
        short_now, short_worst = max(-held, 0.0), max(working.sells - held, 0.0)
        return Requirement(
            short_worst * initial_each + working.buy_cost,
            short_now * short_option_maintenance(rates, index, mark),
        )

    def unrealised(self, position: Position) -> Decimal:
        """Profit of a position at its mark, in its settlement coin."""
        return position.unrealised(self.world.mark(self.world.markets[position.instrument.id]))

    def margin_balance(self, account: Account) -> float:
        """Cash at collateral value plus profit of perpetuals, in USD; in cross margin options do not count."""
        cash = sum(
            collateral_qty(self.parameters.collateral_of(coin), float(amount)) * self.world.usd_price(coin)
            for coin, amount in account.coins.items()
        )
        return cash + sum(
            float(self.unrealised(one)) * self.world.usd_price(one.instrument.settle)
            for one in account.positions.values()
            if one.contracts and not one.instrument.kind.is_option
        )

    def _collateral(self, coin: str, qty: float) -> float:
        """Share of a holding's value that counts, over all its tiers; the first tier's where nothing is held."""
        terms = self.parameters.collateral_of(coin)
        return collateral_qty(terms, qty) / qty if qty > 0.0 else terms.tiers[0].ratio

    def position(
        self, account: Account, instrument: InstrumentId, index: PositionIndex = PositionIndex.ONE_WAY
    ) -> SimPosition | None:
        """A position marked now; None if the account never had one there."""
        held = account.positions.get((instrument, index))
        if held is None:
            return None
        market = self.world.markets[instrument]
        mark, greeks = self.world.mark(market), self.world.option_mark(market)
        need = self._instrument(market, float(held.contracts), _Working(), account.leverage_of(instrument))
        size = float(held.contracts)
        return SimPosition(
            account=account.name,
            instrument=instrument,
            position_index=index,
            contracts=held.contracts,
            entry_price=held.entry_price,
            mark_price=mark,
            value=abs(booked_value(held.instrument, held.contracts, mark)),
            unrealised_pnl=self.unrealised(held),
            realised_pnl=held.realised_pnl,
            initial_margin=need.initial,
            maintenance_margin=need.maintenance,
            leverage=account.leverage_of(instrument),
            delta=size * greeks.delta if greeks else None,
            gamma=size * greeks.gamma if greeks else None,
            vega=size * greeks.vega if greeks else None,
            theta=size * greeks.theta if greeks else None,
            created_at_ns=held.created_at_ns,
            updated_at_ns=held.updated_at_ns,
            seq=held.seq,
        )

    def locked(self, open_orders: Iterable[SimOrder]) -> dict[str, Decimal]:
        """Coins that open spot orders have set aside."""
        locked: dict[str, Decimal] = {}
        for order in open_orders:
            instrument = self.world.markets[order.instrument].instrument
            if instrument.kind is not InstrumentKind.SPOT:
                continue
            buys = order.side is Side.BUY
            coin = instrument.quote if buys else instrument.underlying
            amount = order.leaves_contracts * ((order.limit_price or ZERO) if buys else 1)
            locked[coin] = locked.get(coin, ZERO) + amount
        return locked

    def wallet(self, account: Account, open_orders: tuple[SimOrder, ...], at_ns: int) -> WalletState:
        """The whole account in USD."""
        profit: dict[str, Decimal] = {}
        options: dict[str, Decimal] = {}
        profit_usd = 0.0
        for held in account.positions.values():
            coin = held.instrument.settle
            if held.instrument.kind.is_option:
                value = booked_value(
                    held.instrument, held.contracts, self.world.mark(self.world.markets[held.instrument.id])
                )
                options[coin] = options.get(coin, ZERO) + value
            else:
                gain = self.unrealised(held)
                profit[coin] = profit.get(coin, ZERO) + gain
                profit_usd += float(gain) * self.world.usd_price(coin)
        locked = self.locked(open_orders)
        coins = tuple(
            self._coin(account, coin, profit.get(coin, ZERO), options.get(coin, ZERO), locked.get(coin, ZERO))
            for coin in dict.fromkeys((*account.coins, *profit, *options))
        )
        need = self.requirement(account, open_orders)
        margin = self.margin_balance(account)
        return WalletState(
            account=account.name,
            coins=coins,
            equity_usd=sum(coin.usd_value for coin in coins),
            wallet_usd=sum(float(coin.wallet) * coin.usd_price for coin in coins),
            margin_balance_usd=margin,
            available_usd=max(margin - need.initial, 0.0),
            perp_upl_usd=profit_usd,
            option_value_usd=float(sum(options.values(), ZERO)),
            initial_margin_usd=need.initial,
            maintenance_margin_usd=need.maintenance,
            initial_margin_rate=need.initial / margin if margin > 0 else None,
            maintenance_margin_rate=need.maintenance / margin if margin > 0 else None,
            at_ns=at_ns,
        )

    def _coin(
        self, account: Account, coin: str, profit: Decimal, option_value: Decimal, locked: Decimal
    ) -> CoinBalance:
        cash, price = account.coins.get(coin, ZERO), self.world.usd_price(coin)
        equity = cash + profit + option_value
        return CoinBalance(
            coin=coin,
            wallet=cash,
            equity=equity,
            usd_price=price,
            usd_value=float(equity) * price,
            unrealised_pnl=profit,
            realised_pnl=account.realised.get(coin, ZERO),
            locked=locked,
            collateral_ratio=self._collateral(coin, float(cash)),
        )
