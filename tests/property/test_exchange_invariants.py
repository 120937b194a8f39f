"""Random days at the simulated exchange, every product and both position modes: nothing is lost, nothing is left over.

Executions sum to positions; premiums, profits, fees, funding and deliveries sum to the wallets' changes to the last
decimal; every order that was taken is open in its book or has ended, and what it filled is what it was executed for.
"""

import random
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentId, InstrumentKind, Side
from hedgebot.domain.orders import OrderStatus, TimeInForce
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import AccountSpec, HoldingSpec, Scenario, UnderlyingSpec
from hedgebot.exchange.transfers import Wallet
from hedgebot.exchange.trouble import OffBookTrade
from hedgebot.exchange.types import (
    Ack,
    ExecKind,
    Execution,
    FundingSettlement,
    Listing,
    OrderRequest,
    OrderType,
    PositionIndex,
    Refusal,
)

# 2026-11-24 02:00:00 UTC.
START_NS = 1_795_485_600_000_000_000
S = 1_000_000_000
ACCOUNTS = ("one-way", "hedged")
COINS = {"USDT": Decimal(3_000_000), "USDC": Decimal(3_000_000), "BTC": Decimal(40)}
HELD = (
    HoldingSpec(instrument="option:BTC/0/0/C", contracts=Decimal("-0.7")),
    HoldingSpec(instrument="linear:BTCPERP", contracts=Decimal("1.5")),
    HoldingSpec(instrument="inverse:BTCUSDX26", contracts=Decimal(-5_000)),
)


def world(seed: int) -> Scenario:
    """A wild coin whose first options and futures end within a minute, with funding every minute."""
    coin = UnderlyingSpec(
        name="BTC",
        start_price=90_000.0,
        vol=3.0,
        jumps_per_day=2_000.0,
        option_strikes=3,
        option_settles=("USDT", "USDC"),
        option_expiries_s=(30.0,),
        option_expiries_days=(2.0,),
        future_expiries_s=(45.0,),
    )
    accounts = tuple(
        AccountSpec(name=name, api_key=name, api_secret="s", coins=COINS, positions=HELD) for name in ACCOUNTS
    )
    return Scenario(seed=seed, underlyings=(coin,), accounts=accounts, funding_interval_s=60, rate_limits=False)


class Trader:
    """Sends anything that could be sent, chosen by one seed; remembers what was taken."""

    def __init__(self, seed: int, scenario: Scenario | None = None, start_ns: int = START_NS) -> None:
        self.random = random.Random(seed)
        self.exchange = Exchange(scenario or world(seed), start_ns)
        self.accounts = tuple(spec.name for spec in self.exchange.scenario.accounts)
        self.taken: list[tuple[str, str]] = []
        assert self.exchange.switch_position_mode("hedged", "USDT", hedged=True) is None

    def deeds(self) -> tuple[Callable[[], None], ...]:
        """What it may do next, the frequent more than once."""
        return (self.order, self.order, self.order, self.amend, self.cancel, self.wait, self.off_book, self.switch)

    def run(self, steps: int) -> None:
        """Trade, amend, cancel and let time pass."""
        for _ in range(steps):
            self.random.choice(self.deeds())()

    def instrument(self) -> Listing:
        """Any product with the same chance, then any instrument of it."""
        by_kind: dict[InstrumentKind, list[Listing]] = defaultdict(list)
        for listing in self.exchange.listings():
            by_kind[listing.instrument.kind].append(listing)
        return self.random.choice(by_kind[self.random.choice(list(by_kind))])

    def price(self, listing: Listing) -> Decimal:
        """A price near the book's middle, on the tick or not."""
        book = self.exchange.book(listing.instrument.id, 1)
        levels = (*book.bids, *book.asks)
        near = levels[0][0] if levels else listing.instrument.tick_size
        ticks = int(near / listing.instrument.tick_size * Decimal(1 + self.random.gauss(0.0, 0.0005)))
        return max(ticks, 1) * listing.instrument.tick_size

    def qty(self, listing: Listing) -> Decimal:
        """Some lots, worth a few tens of thousands."""
        one, index = listing.instrument, Decimal(str(self.exchange.index_price("BTC")))
        lots = 30_000 / one.notional_quote(one.lot_size, index) * Decimal(self.random.uniform(0.05, 3))
        return max(int(lots), 1) * one.lot_size

    def order(self) -> None:
        """A market or limit order, sensible or not."""
        listing, account = self.instrument(), self.random.choice(self.accounts)
        indices = self.exchange.position_indices(account, listing.instrument.id)
        kind = self.random.choice(list(OrderType))
        answer = self.exchange.place(
            OrderRequest(
                account=account,
                instrument=listing.instrument.id,
                side=self.random.choice(list(Side)),
                type=kind,
                qty_contracts=self.qty(listing),
                limit_price=self.price(listing) if kind is OrderType.LIMIT else None,
                time_in_force=self.random.choice(list(TimeInForce)),
                reduce_only=self.random.random() < 0.2,
                position_index=self.random.choice((*indices, *indices, *PositionIndex)),
            )
        )
        if isinstance(answer, Ack):
            self.taken.append((account, answer.order_id))
            order = self.exchange.order(account, order_id=answer.order_id)
            assert order is not None
            if kind is OrderType.MARKET or order.time_in_force in {TimeInForce.IOC, TimeInForce.FOK}:
                assert order.status.is_terminal, "what may not rest has ended"

    def amend(self) -> None:
        """Another price, another quantity, or both, of an open order."""
        account = self.random.choice(self.accounts)
        orders = self.exchange.open_orders(account)
        if orders:
            order = self.random.choice(orders)
            listing = self.exchange.listing(order.instrument)
            assert listing is not None
            answer = self.exchange.amend(
                account,
                order.instrument,
                order_id=order.order_id,
                qty_contracts=self.random.choice((None, self.qty(listing))),
                limit_price=self.random.choice((None, self.price(listing))),
            )
            assert isinstance(answer, Ack | Refusal)

    def cancel(self) -> None:
        """Cancel one order."""
        account = self.random.choice(self.accounts)
        orders = self.exchange.open_orders(account)
        if orders:
            order = self.random.choice(orders)
            answer = self.exchange.cancel(account, order.instrument, order_id=order.order_id)
            assert isinstance(answer, Ack) is not self.exchange.troubles.is_down

    def wait(self) -> None:
        """Up to five seconds pass."""
        self.exchange.advance(self.exchange.now_ns + int(self.random.uniform(0.1, 5.0) * S))

    def off_book(self) -> None:
        """The venue trades for an account by its own rules."""
        listing = self.instrument()
        if listing.instrument.kind is not InstrumentKind.SPOT and listing.settlement_price is None:
            self.exchange.strike(
                OffBookTrade(
                    kind=self.random.choice((ExecKind.ADL, ExecKind.BUST, ExecKind.BLOCK_TRADE)),
                    account=self.random.choice(self.accounts),
                    instrument=listing.instrument.id,
                    side=self.random.choice(list(Side)),
                    contracts=listing.instrument.lot_size * self.random.randint(1, 50),
                )
            )

    def switch(self) -> None:
        """Try another position mode."""
        self.exchange.switch_position_mode(
            self.random.choice(self.accounts),
            self.random.choice(("USDT", self.instrument().instrument.id)),
            hedged=self.random.random() < 0.5,
        )


def wallet(exchange: Exchange, account: str) -> dict[str, Decimal]:
    """Cash by coin."""
    return {one.coin: one.wallet for one in exchange.wallet(account).coins}


def booked(exchange: Exchange, account: str) -> dict[str, Decimal]:
    """What executions, fees, funding and transfers say that each coin changed by, with interest from the ledger."""
    change: dict[str, Decimal] = defaultdict(Decimal)
    for row in exchange.executions(account):
        if isinstance(row, FundingSettlement):
            change[row.coin] -= row.cost
            continue
        listing = exchange.listing(row.instrument)
        assert listing is not None
        one = listing.instrument
        change[row.fee_coin] -= row.fee
        match one.kind:
            case InstrumentKind.SPOT:
                change[one.underlying] += row.side.sign * row.qty_contracts
                change[one.quote] -= row.side.sign * row.value
            case InstrumentKind.LINEAR_OPTION:
                change[one.settle] -= row.side.sign * row.value
            case _:
                change[one.settle] += row.realised_pnl
    for entry in exchange.ledger(account):
        change[entry.coin] -= entry.interest
    for moved in exchange.transfers.made(account):
        change[moved.coin] += moved.qty if moved.target is Wallet.UNIFIED else -moved.qty
    return change


def check_money(exchange: Exchange, account: str) -> None:
    """Wallets moved by exactly what was booked, line by line and in all."""
    now, change = wallet(exchange, account), booked(exchange, account)
    start = next(spec.coins for spec in exchange.scenario.accounts if spec.name == account)
    assert {coin: amount - start.get(coin, ZERO) for coin, amount in now.items()} == {
        coin: change.get(coin, ZERO) for coin in now
    }
    assert set(change) <= set(now)
    balances = dict(start)
    for entry in exchange.ledger(account):
        assert entry.change == entry.cash_flow - entry.fee - entry.funding - entry.interest
        balances[entry.coin] = balances.get(entry.coin, ZERO) + entry.change
        assert entry.balance_after == balances[entry.coin]


def check_positions(exchange: Exchange, account: str) -> None:
    """Executions (and what was held at the start) sum to contracts, costs and realised profits, by position."""
    first = Exchange(exchange.scenario, exchange._world.start_ns)._accounts[account]
    contracts: dict[tuple[InstrumentId, PositionIndex], Decimal] = defaultdict(Decimal)
    paid: dict[tuple[InstrumentId, PositionIndex], Decimal] = defaultdict(Decimal)
    for key, held in first.positions.items():
        contracts[key], paid[key] = held.contracts, held.cost
    for row in exchange.executions(account):
        if isinstance(row, Execution) and ":spot:" not in row.instrument:
            key = (row.instrument, row.order.position_index)
            contracts[key] += row.side.sign * row.qty_contracts
            inverse = row.instrument.startswith("bybit:inverse")
            paid[key] += row.side.sign * row.value + (-row.realised_pnl if inverse else row.realised_pnl)
    positions = exchange._accounts[account].positions
    assert {key: one.contracts for key, one in positions.items()} == {key: contracts[key] for key in positions}
    assert {key: one.cost for key, one in positions.items()} == {key: paid[key] for key in positions}
    assert set(contracts) <= set(positions)
    for (name, index), one in positions.items():
        assert one.contracts * {PositionIndex.LONG: 1, PositionIndex.SHORT: -1}.get(index, 0) >= 0
        listing = exchange.listing(name)
        assert listing is not None
        if listing.settlement_price is not None:
            assert one.contracts == ZERO, "nothing is held of what was delivered"


def check_orders(trader: Trader) -> None:
    """Each order that was taken is open and in its book, or ended; its executions are what it filled."""
    exchange = trader.exchange
    filled: dict[str, Decimal] = defaultdict(Decimal)
    fees: dict[str, Decimal] = defaultdict(Decimal)
    for account in trader.accounts:
        for row in exchange.executions(account):
            if isinstance(row, Execution):
                filled[row.order.order_id] += row.qty_contracts
                fees[row.order.order_id] += row.fee
    resting = {
        order.order_id: order.lots
        for market in exchange._world.markets.values()
        for side in Side
        for order in market.resting(side)
    }
    for account, order_id in trader.taken:
        order = exchange.order(account, order_id=order_id)
        assert order is not None
        assert (order.filled_contracts, order.fee) == (filled[order_id], fees[order_id])
        assert (order.status is OrderStatus.FILLED) is (order.filled_contracts == order.qty_contracts)
        if order.status.is_terminal:
            assert order_id not in resting
            assert (order.end_reason is None) is (order.status is OrderStatus.FILLED)
        else:
            market = exchange._world.markets[order.instrument]
            assert market.qty(resting.pop(order_id)) == order.leaves_contracts > 0
    assert not resting, "nothing rests that nobody sent"


@settings(max_examples=8)
@given(seed=st.integers(0, 2**32 - 1))
def test_nothing_is_lost_and_nothing_is_left_over(seed: int) -> None:
    trader = Trader(seed)
    for _ in range(4):
        trader.run(50)
        for account in ACCOUNTS:
            check_money(trader.exchange, account)
            check_positions(trader.exchange, account)
        check_orders(trader)
    exchange = trader.exchange
    exchange.advance(START_NS + 130 * S)
    for account in ACCOUNTS:
        exchange.cancel_all(account, lambda _: True)
        assert exchange.open_orders(account) == ()
        check_money(exchange, account)
        check_positions(exchange, account)
    check_orders(trader)


def test_a_run_covers_every_product_kind_and_mode() -> None:
    """What the property is about does happen in its runs."""
    kinds: set[tuple[InstrumentKind, ExecKind]] = set()
    indices: set[PositionIndex] = set()
    funded: set[str] = set()
    for seed in range(3):
        trader = Trader(seed)
        trader.run(250)
        trader.exchange.advance(START_NS + 130 * S)
        for account in ACCOUNTS:
            for row in trader.exchange.executions(account):
                if isinstance(row, FundingSettlement):
                    funded.add(row.coin)
                    continue
                listing = trader.exchange.listing(row.instrument)
                assert listing is not None
                kinds.add((listing.instrument.kind, row.kind))
                indices.add(row.order.position_index)
    every = [kind for kind in InstrumentKind if kind is not InstrumentKind.COIN_OPTION]
    assert {kind for kind, why in kinds if why is ExecKind.TRADE} == set(every)
    delivered = {InstrumentKind.LINEAR_OPTION, InstrumentKind.LINEAR_FUTURE, InstrumentKind.INVERSE_FUTURE}
    assert {kind for kind, why in kinds if why in {ExecKind.DELIVERY, ExecKind.SETTLE}} >= delivered
    assert indices == set(PositionIndex)
    assert funded == {"USDT", "USDC", "BTC"}


@pytest.mark.parametrize("seed", [1, 2])
def test_one_seed_one_day(seed: int) -> None:
    one, other = Trader(seed), Trader(seed)
    for trader in (one, other):
        trader.run(120)
    for account in ACCOUNTS:
        rows = [msgspec.to_builtins(row) for row in one.exchange.executions(account)]
        assert rows == [msgspec.to_builtins(row) for row in other.exchange.executions(account)]
        assert rows
