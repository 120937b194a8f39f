"""Which markets are open, and how one is opened, quoted and closed: the standing half of a world.

Owns the coins, their markets and what stands beside them (funding, futures, settlement averages), and the shape of each
crowd. Must not move time: `world.py` does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind
from hedgebot.exchange.bookshape import crowd_shape, ladder_shape
from hedgebot.exchange.chains import Chain
from hedgebot.exchange.crowd import Crowd, Trades
from hedgebot.exchange.fundingtape import FundingTape
from hedgebot.exchange.futures import FutureState
from hedgebot.exchange.ladder import Ladder
from hedgebot.exchange.liquidity import load_liquidity
from hedgebot.exchange.market import Market, seed_volume
from hedgebot.exchange.options import OptionBoard, SeededSurface, Surface
from hedgebot.exchange.perps import PerpState
from hedgebot.exchange.pricepath import STEPS_PER_BLOCK, PathBlock, PricePath, Quoted, stream
from hedgebot.exchange.scenario import UnderlyingSpec
from hedgebot.exchange.settlement import Settlements, index_unit
from hedgebot.exchange.types import Listing

CENT = Decimal("0.01")
_LOT_ROUNDING = 1e-9


@dataclass(slots=True)
class Coin:
    """One underlying now. `index` is in quote currency."""

    spec: UnderlyingSpec
    path: PricePath
    block: PathBlock
    board: OptionBoard
    linear: tuple[Market, ...]
    options: tuple[Market, ...]
    index: float
    index_price: Decimal
    stress: float = 1.0
    live: bool = True
    # Whether the last step went up: then the low inside it came before the high.
    rose: bool = True
    # What shocks have made of the path's prices, all together.
    shifted: float = 1.0


class Floor:
    """All markets of a scenario as they stand."""

    coins: dict[str, Coin]
    markets: dict[InstrumentId, Market]
    perps: dict[InstrumentId, PerpState]
    futures: dict[InstrumentId, FutureState]
    settlements: Settlements
    # USD per unit of what prices are quoted in.
    pegs: dict[str, float]
    # What a position needs, times this.
    margin_ratio = 1.0
    start_ns: int
    step_ns: int
    step_number: int
    step_s: float
    _seed: int
    _chains: dict[str, Chain | None]
    _tapes: dict[str, FundingTape | None]
    _crowds: dict[InstrumentId, Crowd]
    _trades: dict[InstrumentId, dict[int, Trades]]

    @property
    def now_ns(self) -> int:
        """Moment of the current grid point."""
        return self.start_ns + self.step_number * self.step_ns

    def _open(self, listing: Listing, price: float, now_ns: int) -> None:
        instrument = listing.instrument
        tick = float(instrument.tick_size)
        start = Decimal(round(price / tick)) * instrument.tick_size
        volume = ZERO if instrument.kind.is_option else seed_volume(instrument, price, 2e9)
        self.markets[instrument.id] = Market(listing, self._ladder(instrument, price), start, volume)
        if not instrument.kind.is_option:
            crowd = crowd_shape(instrument, price, self.step_s, load_liquidity())
            self._crowds[instrument.id] = Crowd(crowd, stream(self._seed, "prints", instrument.id))
        if listing.funding_interval_ns is not None and listing.funding_rate_cap is not None:
            interval = listing.funding_interval_ns
            perp = self.perps[instrument.id] = PerpState(
                interval, listing.funding_rate_cap, (now_ns // interval + 1) * interval, start.quantize(CENT)
            )
            tape = self._tapes.get(instrument.underlying)
            if tape is not None:
                perp.play(tape, now_ns)
        average = self.settlements.open(instrument, now_ns)
        if average is not None and instrument.kind.is_future:
            self.futures[instrument.id] = FutureState(average, start.quantize(CENT))

    def _ladder(self, instrument: Instrument, price: float) -> Ladder:
        seed = int(stream(self._seed, "ladder", instrument.id).integers(2**32))
        return Ladder(ladder_shape(instrument, price, self.step_s, seed, load_liquidity()))

    def _coin(self, spec: UnderlyingSpec, path: PricePath) -> Coin:
        mine = [market for market in self.markets.values() if market.instrument.underlying == spec.name]
        options = tuple(market for market in mine if market.instrument.kind.is_option)
        return Coin(
            spec=spec,
            path=path,
            block=path.next_block(),
            board=OptionBoard(self._surface(spec), [market.instrument for market in options]),
            linear=tuple(market for market in mine if not market.instrument.kind.is_option),
            options=options,
            index=path.start_price,
            index_price=Decimal(str(round(path.start_price, 2))),
        )

    def _surface(self, spec: UnderlyingSpec) -> Surface:
        chain = self._chains[spec.name]
        return SeededSurface(spec, self._seed) if chain is None else chain.surface

    # --- listing as time goes on

    def add(self, listings: Sequence[Listing]) -> None:
        """Open markets for what is new of one or more coins."""
        for listing in listings:
            coin = self.coins[listing.instrument.underlying]
            self._open(listing, coin.index, self.now_ns)
            market = self.markets[listing.instrument.id]
            if coin.linear:
                market.ladder.liquidity = coin.linear[0].ladder.liquidity
            if listing.instrument.kind.is_option:
                coin.options = (*coin.options, market)
            else:
                coin.linear = (*coin.linear, market)
        for name in dict.fromkeys(listing.instrument.underlying for listing in listings):
            self._value(self.coins[name], [one.instrument.id for one in listings])

    def _value(self, coin: Coin, fresh: Sequence[InstrumentId]) -> None:
        """Bring a coin's chain up to date, and books and marks of its new contracts."""
        self.revalue(coin)
        coin.board.value(coin.index, self.now_ns, self.settlements.chain(coin.spec.name))
        for name in fresh:
            market = self.markets[name]
            if market.instrument.underlying == coin.spec.name:
                if market.instrument.kind.is_option:
                    market.tape.start_at(cents(coin.board.marks[name].mark))
                elif name in self.futures:
                    self._quote_future(coin, market, 0.0)
                    market.tape.start_at(market.price(round(market.middle / float(market.tick_size))))

    def respecify(self, market: Market, listing: Listing) -> tuple[str, ...]:
        """Give an instrument other rules; the ids of resting orders that no longer fit, which left the book."""
        instrument, coin = listing.instrument, self.coins[listing.instrument.underlying]
        price = coin.index / self._peg(instrument)
        ladder = self._ladder(instrument, price)
        ladder.liquidity = market.ladder.liquidity
        unfit = market.respecify(listing, ladder)
        if not instrument.kind.is_option:
            crowd = crowd_shape(instrument, price, self.step_s, load_liquidity())
            random = stream(self._seed, "prints", instrument.id, str(self.step_number))
            self._crowds[instrument.id] = Crowd(crowd, random)
            self._trades.pop(instrument.id, None)
            self._requote(market, market.middle, coin.stress)
        else:
            self.revalue(coin)
        return unfit

    def end_at(self, market: Market, listing: Listing) -> None:
        """Have an instrument end at the expiry that its new listing has."""
        market.relist(listing)
        self.settlements.open(listing.instrument, self.now_ns)

    def close(self, market: Market) -> None:
        """Take a delivered market out of what moves; it can still be asked about."""
        coin = self.coins[market.instrument.underlying]
        market.close()
        coin.linear = tuple(one for one in coin.linear if one is not market)
        if market.instrument.kind.is_option:
            coin.options = tuple(one for one in coin.options if one is not market)
            self.revalue(coin)
        for state in (self.perps, self.futures, self._crowds, self._trades):
            state.pop(market.id, None)
        self.settlements.keep(coin.spec.name, [one.instrument for one in (*coin.linear, *coin.options)])

    def revalue(self, coin: Coin) -> None:
        """Value what is not delivered yet from now on."""
        coin.board.relist([one.instrument for one in coin.options if one.listing.settlement_price is None])

    def has_recorded_chain(self, underlying: str) -> bool:
        """Whether a recording says which options are listed."""
        return self._chains[underlying] is not None

    def retire(self, market: Market) -> None:
        """Forget a closed market altogether."""
        del self.markets[market.id]
        self.coins[market.instrument.underlying].board.drop(market.id)

    # --- quoting

    def _quote_future(self, coin: Coin, market: Market, excitement: float) -> None:
        """Put a future's book and mark where index, carry and the perpetual's excitement have them."""
        future, index = self.futures[market.id], coin.index / self._peg(market.instrument)
        middle = future.middle(index, excitement, self.now_ns)
        self._requote(market, middle, coin.stress)
        future.mark = priced(future.remark(index, middle, self.now_ns, self.step_s))

    def _requote(self, market: Market, middle: float, stress: float) -> None:
        market.middle = middle
        ticks, quoted = middle / float(market.tick_size), self._quoted(market.instrument)
        if quoted is None:
            moved = market.ladder.requote(ticks, self.step_number, stress)
        else:
            # What a scenario says of its books' depth is of the model's: a recorded one changes by events alone.
            offset, coin = self.step_number % STEPS_PER_BLOCK, self.coins[market.instrument.underlying]
            ease, lot_coin = market.ladder.liquidity / coin.spec.depth_ratio, market.instrument.lot_coin(middle)
            half = ticks * float(quoted.half_ratio[offset]) / ease
            bid, ask = (_lots(float(one[offset]) * ease / lot_coin) for one in (quoted.bid_coin, quoted.ask_coin))
            moved = market.ladder.stand(ticks - half, ticks + half, self.step_number, stress, (bid, ask))
        market.update_id += moved

    def _quoted(self, instrument: Instrument) -> Quoted | None:
        """What was recorded of a market's book: the perpetual's is each one's of its coin, a future's nobody's."""
        kind, block = instrument.kind, self.coins[instrument.underlying].block
        if kind is InstrumentKind.SPOT:
            return block.spot_quoted
        return None if kind.is_future else block.perp_quoted

    def _peg(self, instrument: Instrument) -> float:
        """USD per unit of what an instrument's index is counted in."""
        return self.pegs.get(index_unit(instrument), 1.0)


def _lots(size: float) -> int | None:
    """Whole lots of a recorded size, at least one; None where none was recorded."""
    return None if math.isnan(size) else max(int(size + _LOT_ROUNDING), 1)


def cents(value: float) -> Decimal:
    """Round to 0.01, exactly."""
    return Decimal(round(value * 100)).scaleb(-2)


def priced(value: float) -> Decimal:
    """A price of something that is never worth nothing: rounded to 0.01, at least that."""
    return max(cents(value), CENT)
