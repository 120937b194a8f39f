"""The insurance fund of each settlement coin: what liquidations left or cost, and when it can bear no more.

Owns balances, each contract's part in them, and the two triggers of auto-deleveraging: a fund at zero, and a contract
whose profit fell by more than a share of the fund's peak within eight hours. Must not know accounts or orders.
Source: docs/v5/market/adl-alert.mdx (formula, -0.3 to start, -0.25 to stop, and the balance from which it counts).
"""

from collections import deque
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.market import Market
from hedgebot.exchange.quotes import Value

WINDOW_NS = 8 * 3_600 * 1_000_000_000
TRIGGER_RATIO, STOP_RATIO = Decimal("-0.3"), Decimal("-0.25")
# From this balance on a contract's drawdown counts; the figure of stablecoins is the documented example's.
TRIGGER_BALANCE_STABLE, TRIGGER_BALANCE_COIN = Decimal(10_000), Decimal(1)
START_STABLE, START_COIN = Decimal(20_000_000), Decimal(500)
_STABLE = frozenset({"USDT", "USDC"})
_CHANGES_MAX = 1_000


class AdlAlert(Value, frozen=True, kw_only=True):
    """How near a contract is to auto-deleveraging; amounts in the settlement `coin` of the insurance fund.

    `pnl_ratio` (<= 0) is the contract's drawdown within eight hours over the fund's peak: below `trigger_ratio`, while
    the fund has more than `trigger_balance`, it starts; above `stop_ratio` it ends. A fund at zero starts it too.
    """

    instrument: InstrumentId
    coin: str
    balance: Decimal
    balance_max: Decimal
    pnl_ratio: float
    trigger_ratio: float
    trigger_balance: Decimal
    stop_ratio: float
    is_active: bool
    at_ns: int


class Peaked:
    """A number with its highest value of the last eight hours; of very many changes the newest thousand count."""

    def __init__(self, value: Decimal) -> None:
        self.value = value
        self._past: deque[tuple[int, Decimal]] = deque(maxlen=_CHANGES_MAX)

    def change(self, value: Decimal, now_ns: int) -> None:
        """Give it another value from now on."""
        self._past.append((now_ns, self.value))
        self.value = value

    def peak(self, now_ns: int) -> Decimal:
        """Highest value that held within the window; a value held until the moment it was changed."""
        while self._past and self._past[0][0] < now_ns - WINDOW_NS:
            self._past.popleft()
        return max(self.value, *(value for _, value in self._past)) if self._past else self.value


class Insurance:
    """All funds of an exchange, on the clock that is handed in."""

    def __init__(self, clock: Callable[[], int], balances: Mapping[str, Decimal]) -> None:
        self._clock = clock
        self._funds = {coin: Peaked(balance) for coin, balance in balances.items()}
        self._profits: dict[InstrumentId, Peaked] = {}
        self._deleveraging: set[InstrumentId] = set()
        # What deals left or cost: (deal, contract, amount), so that they can be taken back.
        self._deals: deque[tuple[int, Market, Decimal]] = deque(maxlen=_CHANGES_MAX)

    def balance(self, coin: str) -> Decimal:
        """What the fund of a settlement coin has."""
        return self._fund(coin).value

    def coins(self) -> tuple[str, ...]:
        """Coins that have a fund so far."""
        return tuple(self._funds)

    def set_balance(self, coin: str, balance: Decimal) -> None:
        """Have the venue put money in or take it out; no contract's profit changes."""
        self._fund(coin).change(balance, self._clock())

    def take_back(self, deals: AbstractSet[int]) -> None:
        """Undo what these deals left in the funds or took out of them (of the last thousand changes)."""
        kept = deque[tuple[int, Market, Decimal]](maxlen=_CHANGES_MAX)
        gone: list[tuple[int, Market, Decimal]] = []
        for one in self._deals:
            (gone if one[0] in deals else kept).append(one)
        for deal, market, amount in gone:
            self.book(market, -amount, deal)
        self._deals = kept

    def book(self, market: Market, amount: Decimal, deal: int = 0) -> None:
        """Add a deal's gain (or loss, negative) of a liquidation on a contract to its fund."""
        self._deals.append((deal, market, amount))
        now_ns, fund, profit = self._clock(), self._fund(market.instrument.settle), self._profit(market.id)
        fund.change(fund.value + amount, now_ns)
        profit.change(profit.value + amount, now_ns)

    def bearable(self, market: Market) -> Decimal:
        """How much more may be lost on a contract, >= 0; at zero its liquidations go to auto-deleveraging."""
        self._judge(market)
        return ZERO if market.id in self._deleveraging else self._room(market)

    def _room(self, market: Market) -> Decimal:
        now_ns, fund, profit = self._clock(), self._fund(market.instrument.settle), self._profit(market.id)
        room = fund.value
        if fund.value > _trigger_balance(market.instrument.settle):
            fallen = profit.peak(now_ns) - profit.value
            room = min(room, -TRIGGER_RATIO * fund.peak(now_ns) - fallen)
        return max(room, ZERO)

    def exhausted(self, market: Market) -> None:
        """A loss had to be turned away: the contract is deleveraged until its fund has recovered."""
        self._deleveraging.add(market.id)

    def _judge(self, market: Market) -> None:
        """Start or stop deleveraging a contract by the documented conditions."""
        fund, ratio = self._fund(market.instrument.settle), self._ratio(market)
        counts = fund.value > _trigger_balance(market.instrument.settle)
        if fund.value <= ZERO or (counts and ratio < TRIGGER_RATIO):
            self._deleveraging.add(market.id)
        elif not counts or ratio > STOP_RATIO:
            self._deleveraging.discard(market.id)

    def _ratio(self, market: Market) -> Decimal:
        """Drawdown of a contract over the fund's peak, <= 0."""
        now_ns, profit = self._clock(), self._profit(market.id)
        top = self._fund(market.instrument.settle).peak(now_ns)
        return (profit.value - profit.peak(now_ns)) / top if top > ZERO else ZERO

    def alert(self, market: Market) -> AdlAlert:
        """How near a contract is to auto-deleveraging."""
        self._judge(market)
        fund = self._fund(market.instrument.settle)
        return AdlAlert(
            instrument=market.id,
            coin=market.instrument.settle,
            balance=fund.value,
            balance_max=fund.peak(self._clock()),
            pnl_ratio=float(round(self._ratio(market), 6)),
            trigger_ratio=float(TRIGGER_RATIO),
            trigger_balance=_trigger_balance(market.instrument.settle),
            stop_ratio=float(STOP_RATIO),
            is_active=market.id in self._deleveraging,
            at_ns=self._clock(),
        )

    def _fund(self, coin: str) -> Peaked:
        found = self._funds.get(coin)
        if found is None:
            found = self._funds[coin] = Peaked(START_STABLE if coin in _STABLE else START_COIN)
        return found

    def _profit(self, instrument: InstrumentId) -> Peaked:
        return self._profits.setdefault(instrument, Peaked(ZERO))


def _trigger_balance(coin: str) -> Decimal:
    return TRIGGER_BALANCE_STABLE if coin in _STABLE else TRIGGER_BALANCE_COIN
