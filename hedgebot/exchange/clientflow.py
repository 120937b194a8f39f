"""Someone else's trading in the book's own account: seeded market orders in spot, USDC perpetuals and options.

Owns when the client trades, what, and how much; it keeps the client's inventory around the start. It never uses a
hedgebot's client ids, and it is a plain client: refusals are its bad luck. Must not know hedges or bands.
"""

import math
from decimal import Decimal

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_MINUTE
from hedgebot.domain.instrument import Instrument, InstrumentKind, Side
from hedgebot.exchange.floor import Coin
from hedgebot.exchange.market import Market
from hedgebot.exchange.pricepath import stream
from hedgebot.exchange.scenario import ClientFlowSpec
from hedgebot.exchange.types import OrderRequest, OrderType
from hedgebot.exchange.world import World

_SIZE_COIN, _BOUND_COIN = 0.1, 0.5
# Options traded by the client have at least this much delta, so that a wanted delta needs no absurd quantity.
_OPTION_DELTA_MIN = 0.15


class ClientFlow:
    """A Poisson process of client orders. While it is off it draws nothing."""

    def __init__(self, spec: ClientFlowSpec, world: World, seed: int) -> None:
        self.enabled = spec.enabled
        self.trades_per_minute = spec.trades_per_minute
        self.inventory_coin: dict[str, float] = dict.fromkeys(world.coins, 0.0)
        self._spec = spec
        self._world = world
        self._random = stream(seed, "client flow", spec.account)
        self._count = 0
        self._next_ns = world.start_ns + self._pause_ns()

    @property
    def account(self) -> str:
        """Whose orders these are."""
        return self._spec.account

    def switch(self, *, enabled: bool, now_ns: int) -> None:
        """Turn the flow on or off; on, the next order comes a pause later."""
        if enabled and not self.enabled:
            self._next_ns = now_ns + self._pause_ns()
        self.enabled = enabled

    def due(self, now_ns: int) -> OrderRequest | None:
        """The client's next order if its time has come; None otherwise (also when the market is stale)."""
        if not self.enabled or now_ns < self._next_ns:
            return None
        self._next_ns = now_ns + self._pause_ns()
        coins = list(self._world.coins.values())
        coin = coins[int(self._random.integers(len(coins)))]
        product = self._pick_product()
        wanted = self._wanted_delta(coin)
        market = self._market(coin, product)
        if market is None or not market.trading:
            return None
        per_contract = self._delta(market)
        side = Side.of(wanted * per_contract)
        qty = _to_lots(market.instrument, abs(wanted / per_contract))
        self._count += 1
        return OrderRequest(
            account=self._spec.account,
            instrument=market.id,
            side=side,
            type=OrderType.MARKET,
            qty_contracts=qty,
            # The venue demands a client id for options; the client's own words, not a hedgebot's.
            client_id=f"client-{self._world.start_ns}-{self._count}" if market.instrument.kind.is_option else None,
        )

    def traded(self, instrument: Instrument, side: Side, qty: Decimal) -> None:
        """Count what the client got into its inventory, at the delta of now."""
        delta = self._delta(self._world.markets[instrument.id]) * float(qty) * side.sign
        self.inventory_coin[instrument.underlying] += delta

    def _pause_ns(self) -> int:
        return int(self._random.exponential(NS_PER_MINUTE / max(self.trades_per_minute, 1e-6)))

    def _pick_product(self) -> str:
        names, weights = list(self._spec.products), list(self._spec.products.values())
        draw = float(self._random.random()) * sum(weights)
        for name, weight in zip(names, weights, strict=True):
            draw -= weight
            if draw < 0:
                return name
        return names[-1]

    def _wanted_delta(self, coin: Coin) -> float:
        """Signed delta of the next trade: log-normal size, direction leaning back to the start."""
        name = coin.spec.name
        size = self._spec.size_coin.get(name, _SIZE_COIN)
        bound = self._spec.bound_coin.get(name, _BOUND_COIN)
        magnitude = size * math.exp(0.4 * float(self._random.standard_normal()) - 0.08)
        buys = float(self._random.random()) < 0.5 - 0.5 * math.tanh(self.inventory_coin[name] / bound)
        return magnitude if buys else -magnitude

    def _market(self, coin: Coin, product: str) -> Market | None:
        """The instrument to trade; draws one number for options whatever the chain looks like."""
        draw = float(self._random.random())
        if product == "option":
            marks = coin.board.marks
            chain = [one for one in coin.options if one.trading and abs(marks[one.id].delta) >= _OPTION_DELTA_MIN]
            return chain[int(draw * len(chain))] if chain else None
        kind, settle = (InstrumentKind.SPOT, "USDT") if product == "spot" else (InstrumentKind.LINEAR_PERP, "USDC")
        found = (one for one in coin.linear if (one.instrument.kind, one.instrument.settle) == (kind, settle))
        return next(found, None)

    def _delta(self, market: Market) -> float:
        mark = self._world.option_mark(market)
        return mark.delta if mark else 1.0


def _to_lots(instrument: Instrument, contracts: float) -> Decimal:
    """A tradable quantity near a wanted one, at least the minimum."""
    lots = round(contracts / float(instrument.lot_size))
    return max(instrument.lot_size * lots, instrument.qty_min, _least(instrument))


def _least(instrument: Instrument) -> Decimal:
    """Smallest whole number of lots that is not below the minimum quantity."""
    return -(-instrument.qty_min // instrument.lot_size) * instrument.lot_size or ZERO
