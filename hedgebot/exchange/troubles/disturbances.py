"""What befalls markets for a while: a lost peg, a halted index, a wrong mark, volatility, margins, suspension, funding.

Owns how each begins and ends; the world carries it out at its next step. Must not know accounts.
"""

from collections.abc import Callable

import msgspec

from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.books import Books
from hedgebot.exchange.market import Market
from hedgebot.exchange.trouble import Depeg, FundingChange, HaltedIndex, MarginHike, Regime, Suspension, WrongMark
from hedgebot.exchange.troubles.bent import Bend, BentWorld
from hedgebot.exchange.troubles.spells import Spells
from hedgebot.exchange.types import InstrumentStatus, ListingChanged

_OPEN = (InstrumentStatus.TRADING, InstrumentStatus.STALE, InstrumentStatus.SUSPENDED)
Disturbance = Depeg | HaltedIndex | WrongMark | Regime | MarginHike | Suspension | FundingChange


class Disturbances:
    """Makes them happen in one world."""

    def __init__(self, books: Books, world: BentWorld, spells: Spells) -> None:
        self._books = books
        self._world = world
        self._spells = spells

    def strike(self, trouble: Disturbance) -> None:
        """Begin it; ValueError says what cannot be."""
        match trouble:
            case Depeg(coin=coin, usd_price=usd_price, duration_s=duration_s):
                self._repeg(coin, usd_price)
                self._begin("peg", coin, duration_s, lambda: self._end_depeg(coin))
            case HaltedIndex(underlying=name, duration_s=duration_s):
                self._halt(self._bend(name), on=True)
                self._begin("index", name, duration_s, lambda: self._halt(self._bend(name), on=False))
            case WrongMark(instrument=instrument, ratio=ratio, duration_s=duration_s):
                self._market(instrument)
                self._world.mark_ratios = {**self._world.mark_ratios, instrument: ratio}
                self._begin("mark", instrument, duration_s, lambda: self._right(instrument))
            case Regime(underlying=name, volatility=volatility, liquidity=liquidity, duration_s=duration_s):
                self._regime(name, volatility, liquidity)
                self._begin("regime", name, duration_s, lambda: self._regime(name, 1.0, 1.0))
            case MarginHike(ratio=ratio, duration_s=duration_s):
                self._hike(ratio)
                self._begin("margin", "", duration_s, lambda: self._hike(1.0))
            case Suspension(instrument=instrument, duration_s=duration_s):
                market = self._market(instrument)
                self._suspend(market, on=True)
                self._begin("suspension", instrument, duration_s, lambda: self._suspend(market, on=False))
            case FundingChange():
                self._change_funding(trouble)

    def _hike(self, ratio: float) -> None:
        self._world.margin_ratio = ratio

    def _begin(self, kind: str, target: str, duration_s: float | None, end: Callable[[], None]) -> None:
        until_ns = None if duration_s is None else self._books.now_ns + int(duration_s * NS_PER_S)
        self._spells.begin((kind, target), until_ns, end)

    def _bend(self, name: str) -> Bend:
        if name not in self._world.coins:
            raise ValueError(f"underlying is {name!r}, it must be one of {', '.join(self._world.coins)}")
        return self._world.bend(name)

    def _market(self, instrument: InstrumentId) -> Market:
        found = self._world.markets.get(instrument)
        if found is None:
            raise ValueError(f"instrument is {instrument!r}: there is none of that name")
        return found

    def _repeg(self, coin: str, usd_price: float) -> None:
        try:
            self._world.repeg(coin, usd_price)
        except KeyError:
            raise ValueError(f"coin is {coin!r}, it must be a stablecoin that is traded here") from None
        self._world.held_pegs.add(coin)

    def _end_depeg(self, coin: str) -> None:
        """Back to par; a peg that is written or recorded is followed again from the next step on."""
        self._world.held_pegs.discard(coin)
        self._world.repeg(coin, 1.0)

    def _right(self, instrument: InstrumentId) -> None:
        ratios = self._world.mark_ratios
        self._world.mark_ratios = {name: ratio for name, ratio in ratios.items() if name != instrument}

    @staticmethod
    def _halt(bend: Bend, *, on: bool) -> None:
        bend.is_index_halted = on

    def _regime(self, name: str, volatility: float, liquidity: float) -> None:
        bend = self._bend(name)
        self._world.set_liquidity(name, liquidity * self._world.coins[name].spec.depth_ratio)
        bend.volatility = volatility

    def _suspend(self, market: Market, *, on: bool) -> None:
        others = self._world.suspended - {market.id}
        self._world.suspended = others | {market.id} if on else others
        status = self._world.status(market)
        # What was delivered meanwhile never trades again, and what is not launched yet has its own moment.
        if market.listing.status in _OPEN and market.listing.status is not status:
            market.set_status(status)
            self._books.tell(ListingChanged(listing=market.listing))

    def _change_funding(self, trouble: FundingChange) -> None:
        market = self._market(trouble.instrument)
        perp = self._world.perps.get(trouble.instrument)
        if perp is None:
            raise ValueError(f"instrument is {trouble.instrument!r}: it pays no funding")
        if trouble.rate_cap is not None:
            perp.rate_cap = trouble.rate_cap
        if trouble.interval_s is not None:
            perp.tape = None
            perp.interval_ns = trouble.interval_s * NS_PER_S
            perp.next_funding_at_ns = (self._books.now_ns // perp.interval_ns + 1) * perp.interval_ns
        perp.forced_rate = trouble.next_rate if trouble.next_rate is not None else perp.forced_rate
        market.listing = msgspec.structs.replace(
            market.listing,
            funding_interval_ns=perp.interval_ns,
            funding_rate_cap=perp.rate_cap,
        )
        self._books.tell(ListingChanged(listing=market.listing))
