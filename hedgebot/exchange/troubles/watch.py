"""Decides when an account has to be looked at: margin is costly to compute, and mostly nothing is near.

Owns how long an account may go unseen: until its cash or positions changed, or prices moved by half of what could use
up its margin, or a hundred steps (10 seconds at least) passed. Isolated positions are looked at each second. Must not
know how a liquidation goes.
"""

from dataclasses import dataclass, field

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.account import Account
from hedgebot.exchange.books import Books
from hedgebot.exchange.health import AccountHealth
from hedgebot.exchange.troubles.adl import Deleveraging
from hedgebot.exchange.troubles.liquidation import Liquidations
from hedgebot.exchange.types import MarginMode, Notice, PositionChanged, WalletChanged

_LOOK_NS = 10_000_000_000
_LOOK_STEPS = 100
# Share of the distance to liquidation that prices may move unseen; the rest is for what moves beside them.
_UNSEEN = 0.5


@dataclass(slots=True)
class _Seen:
    """An account when it was last looked at: what its positions' prices may move by until it is again."""

    at_ns: int
    move_max: float
    prices: dict[InstrumentId, float] = field(default_factory=dict)


class Watch:
    """Looks after all accounts, once a second of the world."""

    def __init__(self, books: Books, liquidations: Liquidations, deleveraging: Deleveraging) -> None:
        self._books = books
        self._liquidations = liquidations
        self._deleveraging = deleveraging
        self._seen: dict[str, _Seen] = {}
        self._ranked_ns = 0
        self._pause_ns = max(_LOOK_NS, _LOOK_STEPS * books.world.step_ns)

    def heard(self, notice: Notice) -> None:
        """Forget what was seen of an account whose cash or positions changed."""
        if isinstance(notice, WalletChanged):
            self._seen.pop(notice.account, None)
        elif isinstance(notice, PositionChanged):
            self._seen.pop(notice.position.account, None)

    def alarm(self) -> None:
        """Forget everything: the venue's own prices were changed by force."""
        self._seen.clear()

    def look(self) -> None:
        """Liquidate what has to be, and bring the queue of deleveraging up to date now and then."""
        for account in self._books.accounts.values():
            if self._calls_for(account):
                self._seen[account.name] = self._now(account, self._liquidations.watch(account))
        if self._books.now_ns - self._ranked_ns >= self._pause_ns:
            self._ranked_ns = self._books.now_ns
            self._deleveraging.rerank()

    def _calls_for(self, account: Account) -> bool:
        seen = self._seen.get(account.name)
        if seen is None or self._books.now_ns - seen.at_ns >= self._pause_ns:
            positions, coins = account.positions.values(), account.coins.values()
            return any(one.contracts for one in positions) or any(amount < 0 for amount in coins)
        if account.margin.mode is MarginMode.ISOLATED:
            return True
        return any(
            abs(self._price(instrument) / price - 1.0) > seen.move_max for instrument, price in seen.prices.items()
        )

    def _now(self, account: Account, health: AccountHealth | None) -> _Seen:
        """What may happen unseen: the free margin over everything that the account's prices multiply.

        `health` is None where somebody was just liquidated or only positions are.
        """
        if account.margin.mode is MarginMode.ISOLATED:
            return _Seen(self._books.now_ns, 0.0)
        world = self._books.world
        if health is None:
            standing = self._books.risk.standing(account, ())
            free = max(standing.balance - standing.need.maintenance, 0.0)
        else:
            free = max(health.equity_usd - health.maintenance_margin_usd, 0.0)
        held = [one for one in account.positions.values() if one.contracts]
        exposed = sum(
            abs(float(one.instrument.coins(one.contracts, world.index(world.markets[one.instrument.id]))))
            * world.coins[one.instrument.underlying].index
            for one in held
        )
        exposed += sum(abs(float(amount)) * world.usd_price(coin) for coin, amount in account.coins.items())
        prices = {one.instrument.id: self._price(one.instrument.id) for one in held}
        return _Seen(self._books.now_ns, _UNSEEN * free / exposed if exposed else 0.0, prices)

    def _price(self, instrument: InstrumentId) -> float:
        """The price that a position's margin follows: a contract's mark, an option's index."""
        world = self._books.world
        market = world.markets[instrument]
        return float(world.index(market) if market.instrument.kind.is_option else world.mark(market))
