"""Auto-deleveraging: who is next in the queue, and how his position is closed against a bankrupt one.

Owns the ranking (1 to 5, as the venue shows it) and the order of events on a deleveraged account: its orders end, its
position is marked, closed at the bankruptcy price, and unmarked. Must not know why: `liquidation.py` does.
"""

from dataclasses import dataclass
from decimal import Decimal

from hedgebot.domain.decimals import ZERO, floor_to_step, is_multiple
from hedgebot.domain.instrument import Side
from hedgebot.exchange.account import Account
from hedgebot.exchange.desk import Desk
from hedgebot.exchange.fee_tiers import fee_rates
from hedgebot.exchange.health import Health
from hedgebot.exchange.market import Market
from hedgebot.exchange.position import Position
from hedgebot.exchange.risk import Standing
from hedgebot.exchange.trouble import Adl
from hedgebot.exchange.troubles.crowd import Crowd, Other, score
from hedgebot.exchange.troubles.offbook import Fill, OffBook, bounds_problem
from hedgebot.exchange.types import EndReason, ExecKind, PositionStatus

RANKS = 5
# Nobody's effective leverage counts for more: with nothing left behind a position the ratio has no bound.
_LEVERAGE_MAX = 1_000.0


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in the queue: an account's position, or one of the crowd."""

    score: float
    account: Account | None
    position: Position | None
    other: Other | None


class Deleveraging:
    """The queue of every contract."""

    def __init__(self, desk: Desk, off_book: OffBook, crowd: Crowd) -> None:
        self._desk = desk
        self._books = desk.books
        self._off_book = off_book
        self._crowd = crowd
        self._health = Health(desk.books.risk)
        # Of one ranking: an account's margin is computed once for all its positions.
        self._standings: dict[str, Standing] = {}

    # --- the queue

    def rerank(self) -> None:
        """Give every open contract position of an account its rank anew."""
        self._standings.clear()
        self._crowd.keep(self._desk.world.markets)
        for account in self._books.accounts.values():
            for position in account.positions.values():
                if position.contracts and not position.instrument.kind.is_option:
                    position.adl_rank = self._rank(account, position)

    def _rank(self, account: Account, position: Position) -> int:
        """1 to 5: the fifth of the queue's holders that a position stands in, 5 is next."""
        own, side = self._score(account, position), Side.of(position.contracts)
        scores = [place.score for place in self._queue(self._desk.world.markets[position.instrument.id], side)]
        behind = sum(other < own for other in scores)
        alone = len(scores) <= 1
        return RANKS if alone else min(1 + RANKS * behind // (len(scores) - 1), RANKS)

    def _score(self, account: Account, position: Position) -> float:
        """Profit over entry value, times value over what stands behind the position."""
        value = abs(float(self._books.risk.valuation.value(position)))
        cost = abs(float(position.cost))
        profit = float(self._books.risk.valuation.unrealised(position))
        standing = self._standings.get(account.name)
        if standing is None:
            standing = self._standings[account.name] = self._books.risk.standing(account, ())
        health = self._health.of_position(account, position, standing)
        usd = self._desk.world.usd_price(position.instrument.settle)
        behind = health.equity if health is not None else standing.balance / usd
        leverage = min(value / behind, _LEVERAGE_MAX) if behind > 0.0 else _LEVERAGE_MAX
        return score(profit / cost if cost else 0.0, max(leverage, 1.0 / _LEVERAGE_MAX))

    def _queue(self, market: Market, side: Side) -> list[_Place]:
        """Everyone who holds a side of a contract, next first; accounts before the crowd at equal scores."""
        found = [
            _Place(self._score(account, position), account, position, None)
            for account in self._books.accounts.values()
            for position in account.held(market.id)
            if Side.of(position.contracts) is side
        ]
        # An option that is over may be marked at nothing at all.
        mark = float(max(self._desk.world.mark(market), market.tick_size))
        found += [
            _Place(points, None, None, other)
            for points, other in self._crowd.scored(market, side, mark, self._books.now_ns)
        ]
        return sorted(found, key=lambda place: -place.score)

    # --- closing

    def deleverage(self, market: Market, taken_over: Side, contracts: Decimal, price: Decimal) -> Decimal:
        """Close `contracts` of the other side against a position that was taken over; what nobody had to give."""
        self._standings.clear()
        for place in self._queue(market, taken_over.opposite):
            if contracts <= ZERO:
                break
            if place.account is not None and place.position is not None:
                given = min(abs(place.position.contracts), contracts)
                self.close(place.account, place.position, given, price)
                contracts -= given
            elif place.other is not None:
                given = min(floor_to_step(Decimal(str(place.other.contracts)), market.lot_size), contracts)
                place.other.contracts -= float(given)
                contracts -= given
        return contracts

    def close(self, account: Account, position: Position, contracts: Decimal, price: Decimal) -> None:
        """Close part of a position by force, at a price, with everything that the venue tells about it."""
        market = self._desk.world.markets[position.instrument.id]
        for order in self._desk.orders.open_orders(account.name):
            same = order.instrument == market.id
            self._desk.end(order, EndReason.PREPARE_ADL if same else EndReason.BEFORE_ADL)
        position.status = PositionStatus.ADL
        self._books.tell_position(account, market, position.index)
        side, rate = Side.of(-position.contracts), fee_rates(account.fee_tier, market.instrument.kind).maker
        fill = Fill(side, contracts, price, ExecKind.ADL, rate)
        self._off_book.trade(account.name, market, position.index, fill)
        position.status = PositionStatus.NORMAL
        self._books.tell_position(account, market, position.index)

    def strike(self, trouble: Adl) -> None:
        """Deleverage a named account; ValueError says what cannot be."""
        account, market = self._books.accounts.get(trouble.account), self._desk.world.markets.get(trouble.instrument)
        if account is None or market is None:
            raise ValueError(f"account {trouble.account!r} and instrument {trouble.instrument!r} must both exist")
        held = account.held(market.id)
        if market.instrument.kind.is_option or not held:
            raise ValueError(f"{trouble.account} holds no contract position in {trouble.instrument}")
        position = max(held, key=lambda one: abs(one.contracts))
        contracts = abs(position.contracts) if trouble.contracts is None else trouble.contracts
        sized = contracts.is_finite() and ZERO < contracts <= abs(position.contracts)
        if not sized or not is_multiple(contracts, market.lot_size):
            raise ValueError(
                f"contracts is {contracts}, it must be a multiple of {market.lot_size} up to {abs(position.contracts)}"
            )
        price = self._desk.world.mark(market) if trouble.price is None else trouble.price
        problem = bounds_problem(market, contracts, price) or ("price is 0, it must be positive" if not price else None)
        if problem is not None:
            raise ValueError(problem)
        self._books.new_deal()
        self.close(account, position, contracts, price)
