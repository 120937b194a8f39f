"""The markets of a scenario on their grid of steps: prices, marks, forwards, funding rates, tickers.

Owns everything about the market that no account can change, and each instrument's `Market`. Knows no orders of accounts
beyond what rests in the books, and no money.
"""

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal

import numpy as np

from hedgebot.domain.durations import NS_PER_MS, NS_PER_S
from hedgebot.domain.instrument import InstrumentKind
from hedgebot.exchange.chains import Chain, listed_options
from hedgebot.exchange.crowd import Trades
from hedgebot.exchange.floor import Coin, Floor, cents, priced
from hedgebot.exchange.listings import make_listings
from hedgebot.exchange.market import Market
from hedgebot.exchange.options import OptionMark
from hedgebot.exchange.pegtape import RecordedPeg, written_peg
from hedgebot.exchange.perps import PerpState
from hedgebot.exchange.playback import RecordedPath
from hedgebot.exchange.pricepath import STEPS_PER_BLOCK, PricePath, all_paths_of
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.settlement import Settlements, index_unit
from hedgebot.exchange.types import InstrumentStatus, Listing

_MARK_SMOOTHING_S = 30.0
# Beyond these the listed ticks and strikes no longer fit the price.
SHIFT_MIN, SHIFT_MAX = 0.01, 100.0
LIQUIDITY_MIN, LIQUIDITY_MAX = 0.001, 20.0
USD = "USD"


class World(Floor):
    """All markets of a scenario; `step` moves them to the next grid point."""

    def __init__(
        self,
        scenario: Scenario,
        now_ns: int,
        paths: Mapping[str, PricePath],
        recorded_pegs: Iterable[RecordedPeg] = (),
    ) -> None:
        self.step_ns = scenario.step_ms * NS_PER_MS
        self.step_s = scenario.step_ms / 1_000
        self.steps_per_second = max(round(1_000 / scenario.step_ms), 1)
        self.start_ns = now_ns
        self.pegs = {USD: 1.0, "USDT": 1.0, "USDC": 1.0}
        # Stablecoins whose written or recorded peg is not followed now.
        self.held_pegs: set[str] = set()
        self.step_number = 0
        self._tokens = {token.name: token for token in scenario.tokens}
        self._seed = scenario.seed
        self._peg_tapes = [written_peg(one.coin, one.points, now_ns) for one in scenario.pegs if one.points]
        self._peg_tapes += [one.played(now_ns) for one in recorded_pegs]
        all_paths = all_paths_of(scenario, paths, self.step_s)
        starts = {name: path.start_price for name, path in all_paths.items()}
        self._tapes = {name: path.funding(now_ns) for name, path in all_paths.items() if isinstance(path, RecordedPath)}
        self._chains = {name: Chain.of(path, now_ns) for name, path in all_paths.items()}
        listings = make_listings(scenario, starts, now_ns, listed_options(self._chains, now_ns))
        self.markets = {}
        self.perps = {}
        self.futures = {}
        self.settlements = Settlements(scenario.delivery_window_s * NS_PER_S)
        self._crowds = {}
        for listing in listings:
            self._open(listing, starts[listing.instrument.underlying], now_ns)
        self.coins = {spec.name: self._coin(spec, all_paths[spec.name]) for spec in scenario.underlyings}
        self._trades = {}
        self._follow_pegs()
        for coin in self.coins.values():
            self.set_liquidity(coin.spec.name, coin.spec.depth_ratio)
            self._move(coin, 0)
            self.remark_options(coin)
            for market in coin.options:
                market.tape.start_at(cents(coin.board.marks[market.id].mark))

    # --- moving on

    def step(self) -> list[Coin]:
        """Move every coin to the next grid point; the coins whose liveness changed."""
        self.step_number += 1
        offset = self.step_number % STEPS_PER_BLOCK
        changed: list[Coin] = []
        self._follow_pegs()
        for coin in self.coins.values():
            if offset == 0:
                coin.block = coin.path.next_block()
                for market in coin.linear:
                    self._trades.pop(market.id, None)
            was_live = coin.live
            self._move(coin, offset)
            if coin.live is not was_live:
                changed.append(coin)
        return changed

    def settlement_price(self, market: Market) -> Decimal:
        """Price of the underlying at which an instrument that ends is delivered; the index without any sample."""
        return self.predicted_delivery_price(market) or self.index(market)

    def predicted_delivery_price(self, market: Market) -> Decimal | None:
        """The average that an instrument is delivered at, as far as it has been taken; None before its window."""
        return self.settlements.price(market.instrument)

    def shock(self, name: str, ratio: float) -> None:
        """Multiply a coin's prices from its next step on. KeyError for an unknown coin, ValueError out of bounds."""
        coin = self.coins[name]
        shifted = coin.shifted * ratio
        if not SHIFT_MIN <= shifted <= SHIFT_MAX:
            msg = (
                f"all shocks of {name} together would be {shifted:g}, they must stay in {SHIFT_MIN:g} to {SHIFT_MAX:g}"
            )
            raise ValueError(msg)
        coin.shifted = shifted

    def _follow_pegs(self) -> None:
        for tape in self._peg_tapes:
            if tape.coin not in self.held_pegs:
                self.repeg(tape.coin, tape.at(self.now_ns))

    def _move(self, coin: Coin, offset: int) -> None:
        block = coin.block
        coin.live = bool(block.live[offset])
        if not coin.live:
            self._sample(coin)
            return
        before = coin.index
        coin.index = float(block.index[offset]) * coin.shifted
        coin.rose = coin.index >= before
        coin.index_price = priced(coin.index)
        self._sample(coin)
        coin.stress = float(block.stress[offset])
        spot, perp, mark = (float(row[offset]) * coin.shifted for row in (block.spot, block.perp, block.mark))
        offset_ratio = 1.0 + coin.spec.perp_offset_bps * 1e-4
        perp, mark = perp * offset_ratio, mark * offset_ratio
        for market in coin.linear:
            peg = self._peg(market.instrument)
            if market.instrument.kind is InstrumentKind.SPOT:
                self._requote(market, spot / peg, coin.stress)
                continue
            index = coin.index / peg
            if market.instrument.kind.is_future:
                self._quote_future(coin, market, perp / coin.index - 1.0 - coin.spec.basis_bps * 1e-4)
                continue
            # The other books follow the USDT one loosely: part of its basis is missing.
            middle = (perp if market.instrument.settle == "USDT" else 0.7 * perp + 0.3 * spot) / peg
            self._requote(market, middle, coin.stress)
            self._remark_perp(self.perps[market.id], index, middle, mark / peg)

    def inside(self, market: Market) -> tuple[float, float, float] | None:
        """First and second extreme middle of the last step and the one at its end; None where the grid is fine.

        The low comes first where the step went up. Options have no extremes: they are valued at grid points only.
        """
        coin = self.coins[market.instrument.underlying]
        inside, offset = coin.block.inside, self.step_number % STEPS_PER_BLOCK
        if inside is None or market.instrument.kind.is_option:
            return None
        spot, end = market.instrument.kind is InstrumentKind.SPOT, market.middle
        low = end * float((inside.spot_low if spot else inside.perp_low)[offset])
        high = end * float((inside.spot_high if spot else inside.perp_high)[offset])
        return (low, high, end) if coin.rose else (high, low, end)

    def visit(self, market: Market, middle: float) -> None:
        """Have a market's book stand around a middle that its price passed inside the step."""
        self._requote(market, middle, self.coins[market.instrument.underlying].stress)

    def _sample(self, coin: Coin) -> None:
        """Once a second, take the index into the averages of what is delivered soon; a held index counts too."""
        if self.step_number % self.steps_per_second == 0:
            self.settlements.sample(coin.spec.name, lambda unit: self._index_in(coin, unit), self.now_ns)

    def _remark_perp(self, perp: PerpState, index: float, middle: float, recorded_mark: float) -> None:
        """Mark = index plus smoothed basis, unless the recording has one."""
        basis = middle / index - 1.0
        weight = 1.0 if perp.basis == 0.0 else min(self.step_s / _MARK_SMOOTHING_S, 1.0)
        perp.basis += weight * (basis - perp.basis)
        perp.premium_sum += basis
        perp.premium_count += 1
        perp.mark = priced(index * (1.0 + perp.basis) if math.isnan(recorded_mark) else recorded_mark)

    def relist_options(self, coin: Coin) -> list[Listing]:
        """Take up what a recorded chain shows since the last call and let settled options go; the new ones."""
        chain = self._chains[coin.spec.name]
        if chain is None or not chain.due(self.now_ns):
            return []
        made = [one for one in chain.listings(coin.spec, self.now_ns) if one.instrument.id not in self.markets]
        self.add(made)
        for one in made:
            self.markets[one.instrument.id].ladder.liquidity = coin.spec.depth_ratio
        return made

    def remark_options(self, coin: Coin) -> None:
        """Value a coin's chain at its index and requote its books; once a second, or each step that is longer."""
        averages = self.settlements.chain(coin.spec.name)
        coin.board.remark(coin.index, self.now_ns, max(self.step_s, 1.0), averages)
        for market in coin.options:
            if not market.trading:
                continue
            mark = coin.board.marks[market.id]
            tick = float(market.tick_size)
            # Wider where a volatility point is worth more, and at least a tick in all.
            half = max(0.5 * tick, 0.01 * mark.mark + 0.5 * mark.vega) / tick
            if market.ladder.requote(mark.mark / tick, self.step_number, coin.stress, half):
                market.update_id += 1

    def prints(self, market: Market) -> Trades:
        """The crowd's trades at this step, takers' sides and lots."""
        trades = self._trades.get(market.id)
        if trades is None:
            block = self.coins[market.instrument.underlying].block
            price = block.spot if market.instrument.kind is InstrumentKind.SPOT else block.perp
            moves = np.diff(price, prepend=price[0])
            trades = self._trades[market.id] = self._crowds[market.id].block(block.stress, moves)
        return trades.get(self.step_number % STEPS_PER_BLOCK, ())

    def set_liquidity(self, name: str, liquidity: float) -> None:
        """Make all of a coin's books this many times as deep as their laws, from the next quote on, and less wide.

        KeyError for an unknown coin, ValueError out of bounds.
        """
        coin = self.coins[name]
        if not LIQUIDITY_MIN <= liquidity <= LIQUIDITY_MAX:
            msg = f"liquidity of {name} is {liquidity:g}, it must be {LIQUIDITY_MIN:g} to {LIQUIDITY_MAX:g}"
            raise ValueError(msg)
        for market in (*coin.linear, *coin.options):
            market.ladder.liquidity = liquidity

    # --- prices

    def mark(self, market: Market) -> Decimal:
        """Mark price of an instrument (spot: the index); what was delivered keeps what it was worth."""
        if market.listing.settlement_price is not None:
            return market.instrument.delivery_value(market.listing.settlement_price)
        if market.instrument.kind.is_option:
            # Margins ask for the same mark many times a step.
            board = self.coins[market.instrument.underlying].board
            known = board.prices.get(market.id)
            if known is None:
                known = board.prices[market.id] = cents(board.marks[market.id].mark)
            return known
        priced = self.perps.get(market.id) or self.futures.get(market.id)
        return self.index(market) if priced is None else priced.mark

    def option_mark(self, market: Market) -> OptionMark | None:
        """Volatility and greeks; None for what is no option."""
        return self.coins[market.instrument.underlying].board.marks.get(market.id)

    def index(self, market: Market) -> Decimal:
        """Index price of the underlying in what the market is quoted in."""
        return self._index_in(self.coins[market.instrument.underlying], index_unit(market.instrument))

    def usd_price(self, coin: str) -> float:
        """USD per coin; a stablecoin's is its peg, a token's that of what it stands for.

        What is not traded here has no price: it counts for nothing.
        """
        peg = self.pegs.get(coin)
        if peg is not None:
            return peg
        token = self._tokens.get(coin)
        traded = self.coins.get(coin if token is None else token.underlying)
        if traded is None:
            return 0.0
        return traded.index if token is None else traded.index * token.ratio

    def repeg(self, coin: str, usd_price: float) -> None:
        """Have a stablecoin be worth so many USD from now on: prices quoted in it move the other way.

        KeyError for what is no stablecoin (or USD itself), ValueError out of bounds.
        """
        if coin not in self.pegs or coin == USD:
            raise KeyError(coin)
        if not SHIFT_MIN <= usd_price <= SHIFT_MAX:
            msg = f"usd_price of {coin} is {usd_price:g}, it must be {SHIFT_MIN:g} to {SHIFT_MAX:g}"
            raise ValueError(msg)
        self.pegs[coin] = usd_price

    def _index_in(self, coin: Coin, unit: str) -> Decimal:
        """A coin's index in USD or a stablecoin."""
        peg = self.pegs.get(unit, 1.0)
        return coin.index_price if peg == 1.0 else priced(coin.index / peg)

    def status(self, market: Market) -> InstrumentStatus:
        """Status that the coin's liveness gives an instrument that has not been settled."""
        return InstrumentStatus.TRADING if self.coins[market.instrument.underlying].live else InstrumentStatus.STALE
