"""Random days full of trouble at the simulated exchange: nothing is lost, nothing is left over, all the same.

The invariants are those of `test_exchange_invariants.py`; meanwhile accounts are liquidated, deleveraged, rolled back,
switched between margin modes and charged interest, and markets lose pegs, rules, listings and the venue itself. What a
liquidation leaves in the insurance fund, or takes out of it, is what its prices say.
"""

import contextlib
from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.position import booked_value
from hedgebot.exchange.scenario import AccountSpec, Scenario
from hedgebot.exchange.transfers import Wallet
from hedgebot.exchange.trouble import (
    Adl,
    Delisting,
    Depeg,
    FundingChange,
    HaltedIndex,
    InsuranceFund,
    Liquidation,
    Maintenance,
    MarginHike,
    OffBookTrade,
    PriceShock,
    Regime,
    Rollback,
    SpecificationChange,
    Suspension,
    Trouble,
    WrongMark,
)
from hedgebot.exchange.types import (
    Ack,
    EndReason,
    ExecKind,
    Executed,
    Execution,
    LedgerKind,
    MarginMode,
    Notice,
    OrderChanged,
    OrderRequest,
    OrderType,
    PublicTrade,
)
from tests.property.test_exchange_invariants import (
    START_NS,
    S,
    Trader,
    check_money,
    check_orders,
    check_positions,
    world,
)

# 30 s before interest is charged: five minutes past each hour.
EVENING_NS = START_NS + 270 * S
POOR = {"USDC": Decimal(200_000), "BTC": Decimal(20)}


def troubled(seed: int) -> Scenario:
    """The wild coin, and accounts that owe USDT as soon as they trade in it; no crowd stands in the queues."""
    plain = world(seed)
    accounts = tuple(msgspec.structs.replace(one, coins=POOR, spot_margin=True, leverage=20) for one in plain.accounts)
    apart = AccountSpec(
        name="apart",
        api_key="apart",
        api_secret="s",
        coins={"USDT": Decimal(100_000), "USDC": Decimal(100_000), "BTC": Decimal(2)},
        margin_mode=MarginMode.ISOLATED,
        leverage=25,
    )
    return msgspec.structs.replace(plain, accounts=(*accounts, apart), other_holders=0)


class Victim(Trader):
    """A trader to whom things happen."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, troubled(seed), EVENING_NS)
        self.met: Counter[str] = Counter()
        self.moves = 0
        self.ends: Counter[EndReason] = Counter()
        self.exchange.listen(self._note)

    def _note(self, notice: Notice) -> None:
        if isinstance(notice, OrderChanged) and notice.order.end_reason is not None:
            self.ends[notice.order.end_reason] += 1

    def deeds(self) -> tuple[Callable[[], None], ...]:
        plain = super().deeds()
        return (
            *plain,
            *plain,
            self.strike,
            self.strike,
            self.strike,
            self.liquidate,
            self.change_mode,
            self.move_coins,
            *[self.rest] * 3,
        )

    def rest(self) -> None:
        """A limit order in something that is held, which stays in the book for a while."""
        (account, name), side = self.held(), self.random.choice(list(Side))
        listing = self.exchange.listing(name)
        assert listing is not None
        one = listing.instrument
        near = int(self.price(listing) * (1 - side.sign * Decimal("0.01")) / one.tick_size)
        answer = self.exchange.place(
            OrderRequest(
                account=account,
                instrument=one.id,
                side=side,
                type=OrderType.LIMIT,
                qty_contracts=self.qty(listing),
                limit_price=max(near, 1) * one.tick_size,
                position_index=self.random.choice(self.exchange.position_indices(account, one.id)),
                on_margin=True,
            )
        )
        if isinstance(answer, Ack):
            self.taken.append((account, answer.order_id))

    def strike(self) -> None:
        """Anything that can happen; what cannot be now changes nothing."""
        trouble = self.trouble()
        with contextlib.suppress(ValueError):
            self.exchange.strike(trouble)
            self.met[type(trouble).__name__] += 1

    def held(self) -> tuple[str, InstrumentId]:
        """An account and something that it holds (or anything)."""
        account = self.random.choice(self.accounts)
        held = [one.instrument for one in self.exchange.positions(account)]
        return account, self.random.choice(held) if held else self.instrument().instrument.id

    def trouble(self) -> Trouble:
        """One of every kind, with the same chance."""
        draw, listing, (account, held) = self.random, self.instrument(), self.held()
        one = listing.instrument
        return draw.choice(
            (
                PriceShock(underlying="BTC", ratio=draw.uniform(0.93, 1.07)),
                OffBookTrade(
                    kind=draw.choice((ExecKind.MOVE_POSITION, ExecKind.BLOCK_TRADE, ExecKind.FUTURE_SPREAD)),
                    account="one-way",
                    instrument=one.id,
                    side=draw.choice(list(Side)),
                    contracts=self.qty(listing),
                    counterparty="hedged",
                ),
                Adl(account=account, instrument=held),
                InsuranceFund(coin=draw.choice(("USDT", "USDC", "BTC")), balance=Decimal(draw.choice((0, 1, 10**6)))),
                Depeg(coin=draw.choice(("USDT", "USDC")), usd_price=draw.uniform(0.95, 1.02), duration_s=10),
                HaltedIndex(underlying="BTC", duration_s=draw.uniform(1, 8)),
                WrongMark(instrument=held, ratio=draw.uniform(0.95, 1.05), duration_s=draw.uniform(1, 8)),
                Regime(underlying="BTC", volatility=draw.uniform(0, 3), liquidity=draw.uniform(0.2, 3), duration_s=9),
                Suspension(instrument=one.id, duration_s=draw.uniform(1, 6)),
                FundingChange(
                    instrument=one.id, interval_s=draw.choice((60, 120)), next_rate=draw.uniform(-0.01, 0.01)
                ),
                MarginHike(ratio=draw.uniform(1.0, 1.2), duration_s=draw.uniform(1, 6)),
                Maintenance(duration_s=draw.uniform(0.3, 1.5), pauses_market=draw.random() < 0.5),
                SpecificationChange(instrument=one.id, tick_size=one.tick_size * draw.choice((1, 2, 5))),
                Delisting(instrument=one.id, in_s=draw.uniform(5, 60)),
                Rollback(
                    last_s=draw.uniform(0.5, 15),
                    accounts=draw.choice(((), (account,))),
                    instruments=draw.choice(((), (one.id,), (held,))),
                ),
            )
        )

    def change_mode(self) -> None:
        """Try another margin mode; the third account stays isolated."""
        self.exchange.margin.set_mode(self.random.choice(self.accounts[:2]), self.random.choice(list(MarginMode)))

    def move_coins(self) -> None:
        """Some coins to the funding wallet, or back; what is not there, or is margin, stays."""
        wallets = [Wallet.UNIFIED, Wallet.FUND]
        self.random.shuffle(wallets)
        self.moves += 1
        self.exchange.transfers.move(
            self.random.choice(self.accounts),
            f"move-{self.moves}",
            self.random.choice(("USDT", "USDC", "BTC")),
            Decimal(self.random.randint(1, 50)) / 100,
            *wallets,
        )

    def liquidate(self) -> None:
        """Have a position taken over, and hold the insurance fund against the prices that this was done at."""
        account, held = self.held()
        told: list[Notice] = []
        listing = self.exchange.listing(held)
        assert listing is not None
        fund = self.exchange.troubles.insurance
        before, stop = fund.balance(listing.instrument.settle), self.exchange.listen(told.append)
        try:
            self.exchange.strike(Liquidation(account=account, instrument=held))
        except ValueError:
            return
        finally:
            stop()
        self.met["Liquidation"] += 1
        rows = [one.execution for one in told if isinstance(one, Executed)]
        busts = [row for row in rows if row.kind is ExecKind.BUST]
        if len(busts) == 1:
            prints = [one.trade for one in told if isinstance(one, PublicTrade)]
            given = sum((row.qty_contracts for row in rows if row.kind is ExecKind.ADL), ZERO)
            gains = [(one.qty_contracts, one.price) for one in prints]
            left = busts[0].qty_contracts - given - sum((qty for qty, _ in gains), ZERO)
            assert left >= 0
            if left:
                gains.append((left, self.exchange._world.mark(self.exchange._world.markets[held])))
            gained = sum((_gain(self.exchange, busts[0], qty, price) for qty, price in gains), ZERO)
            assert fund.balance(listing.instrument.settle) - before == gained


def _gain(exchange: Exchange, bust: Execution, qty: Decimal, price: Decimal) -> Decimal:
    """What the fund gains by closing, at a price, a part of what was taken over."""
    listing = exchange.listing(bust.instrument)
    assert listing is not None
    one = listing.instrument
    sold = booked_value(one, qty, price) - booked_value(one, qty, bust.price)
    return sold * bust.side.sign * (1 if one.kind.is_inverse else -1)


def check(trader: Victim) -> None:
    """Everything that must always be true."""
    for account in trader.accounts:
        check_money(trader.exchange, account)
        check_positions(trader.exchange, account)
    check_orders(trader)


@settings(max_examples=8)
@given(seed=st.integers(0, 2**32 - 1))
def test_nothing_is_lost_in_trouble_either(seed: int) -> None:
    trader = Victim(seed)
    for _ in range(4):
        trader.run(70)
        check(trader)
    exchange = trader.exchange
    exchange.advance(EVENING_NS + 130 * S)
    for account in trader.accounts:
        exchange.cancel_all(account, lambda _: True)
        assert exchange.open_orders(account) == ()
    check(trader)


def test_a_run_meets_every_trouble_and_what_it_does() -> None:
    """What the property is about does happen in its runs."""
    met: Counter[str] = Counter()
    ends: Counter[EndReason] = Counter()
    kinds: set[ExecKind] = set()
    lines: set[LedgerKind] = set()
    modes: set[MarginMode] = set()
    for seed in range(6):
        trader = Victim(seed)
        for _ in range(5):
            trader.run(70)
            modes |= {trader.exchange.margin.mode(account) for account in trader.accounts}
        check(trader)
        met += trader.met
        ends += trader.ends
        for account in trader.accounts:
            kinds |= {row.kind for row in trader.exchange.executions(account) if isinstance(row, Execution)}
            lines |= {line.kind for line in trader.exchange.ledger(account)}
    assert set(met) == {one.__name__ for one in Trouble.__args__}
    assert kinds >= {ExecKind.TRADE, ExecKind.BUST, ExecKind.ADL, ExecKind.ROLLBACK, ExecKind.DELIVERY}
    assert lines == set(LedgerKind)
    assert modes == set(MarginMode)
    assert set(ends) >= {EndReason.ADMIN, EndReason.PREPARE_LIQUIDATION, EndReason.BEFORE_LIQUIDATION}


def test_a_troubled_day_repeats_itself() -> None:
    one, other = Victim(5), Victim(5)
    for trader in (one, other):
        trader.run(120)
    rows = [msgspec.to_builtins(row) for name in one.accounts for row in one.exchange.ledger(name)]
    assert rows == [msgspec.to_builtins(row) for name in other.accounts for row in other.exchange.ledger(name)]
    assert len(rows) > 20
