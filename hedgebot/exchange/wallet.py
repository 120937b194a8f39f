"""How an account stands, as it is shown: positions marked now, coins, and the whole account in USD.

Owns the assembly of `SimPosition` and `WalletState` from what `risk.py`, `valuation.py` and `health.py` compute.
Must not compute margins itself.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument
from hedgebot.exchange.account import Account
from hedgebot.exchange.health import Health
from hedgebot.exchange.position import Position, PositionKey
from hedgebot.exchange.requirement import NOTHING, Requirement, total
from hedgebot.exchange.risk import Risk, Standing
from hedgebot.exchange.types import CoinBalance, MarginMode, PositionIndex, SimOrder, SimPosition, WalletState
from hedgebot.exchange.valuation import CoinSum, Working
from hedgebot.margin.collateral import Debt, hourly_interest

NO_DEBT = Debt(0.0, 0.0, 0.0)


class Held(NamedTuple):
    """A position without its margins, marked now."""

    instrument: Instrument
    position_index: PositionIndex
    contracts: Decimal
    mark_price: Decimal
    unrealised_pnl: Decimal


def held_now(risk: Risk, position: Position) -> Held:
    """A position marked now, as `position_states` has it."""
    instrument = position.instrument
    mark = risk.world.mark(risk.world.markets[instrument.id])
    return Held(instrument, position.index, position.contracts, mark, risk.valuation.unrealised(position))


def position_states(risk: Risk, account: Account, keys: Iterable[PositionKey]) -> tuple[SimPosition, ...]:
    """Positions marked now, in the order of the keys; a key where the account never had one is left out."""
    held = [account.positions[key] for key in keys if key in account.positions]
    if not held:
        return ()
    standing, needs = risk.standing(account, ()), risk.by_position(account, ())
    return tuple(_position(risk, account, one, standing, needs.get(one.key, NOTHING)) for one in held)


def _position(risk: Risk, account: Account, held: Position, standing: Standing, need: Requirement) -> SimPosition:
    instrument = held.instrument.id
    market = risk.world.markets[instrument]
    greeks, size = risk.world.option_mark(market), float(held.contracts)
    health = Health(risk).of_position(account, held, standing)
    return SimPosition(
        account=account.name,
        instrument=instrument,
        position_index=held.index,
        contracts=held.contracts,
        entry_price=held.entry_price,
        mark_price=risk.world.mark(market),
        value=abs(risk.valuation.value(held)),
        unrealised_pnl=risk.valuation.unrealised(held),
        realised_pnl=held.realised_pnl,
        initial_margin=need.initial,
        maintenance_margin=need.maintenance,
        leverage=account.leverage_of(instrument),
        margin_mode=account.margin.mode,
        position_margin=risk.position_margin(account, held),
        is_auto_add=held.key in account.margin.auto_add,
        liquidation_price=health.liquidation_price if health is not None else None,
        bankruptcy_price=health.bankruptcy_price if health is not None else None,
        status=held.status,
        adl_rank=held.adl_rank if held.contracts and not held.instrument.kind.is_option else 0,
        delta=size * greeks.delta if greeks else None,
        gamma=size * greeks.gamma if greeks else None,
        vega=size * greeks.vega if greeks else None,
        theta=size * greeks.theta if greeks else None,
        created_at_ns=held.created_at_ns,
        updated_at_ns=held.updated_at_ns,
        seq=held.seq,
    )


def wallet_state(risk: Risk, account: Account, open_orders: tuple[SimOrder, ...], at_ns: int) -> WalletState:
    """The whole account in USD, with every coin. In isolated margin the account as a whole has no rates."""
    valuation, world = risk.valuation, risk.world
    standing = risk.standing(account, open_orders)
    sums = standing.sums
    debts = valuation.debts(account, sums)
    margins = _margins(risk, account, valuation.working(open_orders))
    isolated = account.margin.mode is MarginMode.ISOLATED
    coins = tuple(_coin(risk, account, coin, one, debts.get(coin, NO_DEBT), margins) for coin, one in sums.items())
    if isolated:
        available = sum(max(risk.free(account, coin, open_orders, None), 0.0) * world.usd_price(coin) for coin in sums)
    else:
        available = max(standing.balance - standing.need.initial, 0.0)
    return WalletState(
        account=account.name,
        margin_mode=account.margin.mode,
        coins=coins,
        equity_usd=sum(coin.usd_value for coin in coins),
        wallet_usd=sum(float(coin.wallet) * coin.usd_price for coin in coins),
        margin_balance_usd=standing.balance,
        available_usd=available,
        perp_upl_usd=sum(float(one.profit) * world.usd_price(coin) for coin, one in sums.items()),
        option_value_usd=sum(float(one.options) * world.usd_price(coin) for coin, one in sums.items()),
        initial_margin_usd=standing.need.initial,
        maintenance_margin_usd=standing.need.maintenance,
        initial_margin_rate=None if isolated else standing.initial_rate,
        maintenance_margin_rate=None if isolated else standing.maintenance_rate,
        at_ns=at_ns,
    )


class _Margins(NamedTuple):
    """Margin of positions in their settlement coins, without and with their orders."""

    alone: dict[str, Requirement]
    with_orders: dict[str, Requirement]


def _margins(risk: Risk, account: Account, working: tuple[Working, ...]) -> _Margins:
    """By settlement coin; nothing in portfolio margin, which knows no coins."""
    if account.margin.mode is MarginMode.PORTFOLIO:
        return _Margins({}, {})

    def by_coin(orders: tuple[Working, ...]) -> dict[str, Requirement]:
        found: dict[str, Requirement] = {}
        for key, one in risk.by_position(account, orders).items():
            coin = risk.world.markets[key[0]].instrument.settle
            found[coin] = total((found.get(coin, NOTHING), one))
        return found

    alone = by_coin(())
    return _Margins(alone, by_coin(working) if working else alone)


def _coin(risk: Risk, account: Account, coin: str, one: CoinSum, owed: Debt, margins: _Margins) -> CoinBalance:
    price, terms = risk.world.usd_price(coin), risk.parameters.collateral_of(coin)
    alone, with_orders = margins.alone.get(coin, NOTHING), margins.with_orders.get(coin, NOTHING)
    return CoinBalance(
        coin=coin,
        wallet=one.cash,
        equity=one.equity,
        usd_price=price,
        usd_value=float(one.equity) * price,
        unrealised_pnl=one.profit,
        realised_pnl=account.realised.get(coin, ZERO),
        locked=one.locked,
        collateral_ratio=risk.valuation.collateral_ratio(account, coin, float(one.counted(account.margin.mode))),
        is_collateral=any(tier.ratio > 0.0 for tier in terms.tiers),
        is_collateral_on=coin not in account.margin.not_collateral,
        borrowed=one.debt(account.margin.mode),
        interest_next_hour=Decimal(str(round(hourly_interest(risk.parameters.borrowing_of(coin), owed), 8))),
        order_initial_margin=max(with_orders.initial - alone.initial, 0.0),
        position_initial_margin=alone.initial,
        position_maintenance_margin=alone.maintenance,
    )
