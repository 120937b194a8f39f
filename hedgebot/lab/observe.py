"""What a run on virtual time came to: columns over time, costs and profit by cause. Reads the exchange's side only.

Owns what is looked at and how profit is told apart; must not know the engine (the band in force is handed in). Deltas
in coin, money in USD, costs positive. Attribution between two looks takes the position at the first: delta x move of
the index, half gamma x move squared with theta x time, vega x change of volatility, basis = what marks moved beyond
the index. What trading inside the interval moved is the rest, which is shown and not hidden.
"""

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from hedgebot.domain.durations import NS_PER_DAY
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.types import Executed, Execution, FundingSettled, Notice, PositionIndex
from hedgebot.lab.madeby import MadeBy
from hedgebot.lab.truth import Holding, coins, holdings
from hedgebot.pricing.band import efficiency

VOL_POINT = 0.01

Floats = npt.NDArray[np.float64]


class Costs(msgspec.Struct, kw_only=True):
    """What hedging cost: fees, half spreads and what prices went beyond them, funding. USD, positive is a cost.

    `funding` is that of what hedges made of each position: what the client's own positions pay is no cost of hedging.
    """

    fees: float = 0.0
    spread: float = 0.0
    impact: float = 0.0
    funding: float = 0.0

    @property
    def trading(self) -> float:
        """Without funding, which belongs to holding."""
        return self.fees + self.spread + self.impact


class Profit(msgspec.Struct, kw_only=True):
    """Where equity moved, USD, gains positive. `client` is what others' trades in the accounts gained against marks.

    `funding` is the hedges' own, `book_funding` that of what else is held.
    """

    delta: float = 0.0
    gamma_theta: float = 0.0
    vega: float = 0.0
    basis: float = 0.0
    funding: float = 0.0
    hedge_fees: float = 0.0
    hedge_execution: float = 0.0
    book_funding: float = 0.0
    client: float = 0.0
    client_fees: float = 0.0
    rest: float = 0.0

    @property
    def total(self) -> float:
        """All of it: the change of equity."""
        return sum(float(getattr(self, name)) for name in self.__struct_fields__)


class Track:
    """One underlying's columns: a row a look, as plain numbers (88 bytes; years of minutes fit into memory)."""

    def __init__(self) -> None:
        self._numbers = array("d")

    def add(self, *row: float) -> None:
        """One look: a number for each of `Columns`, in their order."""
        self._numbers.extend(row)

    def __len__(self) -> int:
        """Number of looks."""
        return len(self._numbers) // len(Columns.__struct_fields__)

    def columns(self) -> "Columns":
        """As arrays of shape (n,)."""
        table = np.array(self._numbers, dtype=np.float64).reshape(-1, len(Columns.__struct_fields__))
        return Columns(*(table[:, number].copy() for number in range(table.shape[1])))


class Columns(msgspec.Struct, frozen=True):
    """One underlying over time, arrays of shape (n,); costs are those so far, in USD.

    The band in force at each look is from `low_coin` to `high_coin` around `centre_coin`; edges are NaN where none was.
    """

    days: Floats
    price: Floats
    delta_coin: Floats
    unhedged_coin: Floats
    low_coin: Floats
    high_coin: Floats
    centre_coin: Floats
    gamma: Floats
    vol: Floats
    trading_usd: Floats
    funding_usd: Floats

    @property
    def seen_coin(self) -> Floats:
        """What a band would have seen without its hedges: of an exposure that is hedged in part, that part."""
        return self.unhedged_coin - self.centre_coin


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """Realised figures of one underlying (hedging reference sections 6 and 7).

    `tracking_error_usd`: of the delta left open, per square root of a day. `efficiency`: sqrt(Var) x turnover / s2.
    `inside_band`: share of the time in which there was a band; NaN where there was never one.
    """

    days: float
    variance_coin2: float
    flow_coin2_per_day: float
    turnover_coin_per_day: float
    orders_per_day: float
    cost_usd_per_day: float
    tracking_error_usd: float
    efficiency: float | None
    inside_band: float


class InForce(NamedTuple):
    """A band at a moment, in coin: its edges and what it lies around."""

    low_coin: float
    high_coin: float
    centre_coin: float


NO_BAND = InForce(math.nan, math.nan, 0.0)


def measures(columns: Columns, *, volume_coin: float, orders: int, trading_cost_usd: float) -> Measures:
    """Realised figures of a run; ValueError with fewer than two looks.

    What is off is counted from the centre of each look: with a hedge ratio it moves with the exposure.
    """
    if len(columns.days) < 2:
        msg = "figures need at least two looks"
        raise ValueError(msg)
    gaps = np.diff(columns.days)
    days = float(gaps.sum())
    off = columns.delta_coin - columns.centre_coin
    variance = float((off[:-1] ** 2 * gaps).sum() / days)
    rate = float((np.diff(columns.seen_coin) ** 2).sum() / days)
    turnover = volume_coin / days
    left = off[:-1] * np.diff(columns.price)
    is_band = ~np.isnan(columns.low_coin)
    inside = is_band & (columns.delta_coin >= columns.low_coin) & (columns.delta_coin <= columns.high_coin)
    banded = float((is_band[:-1] * gaps).sum())
    return Measures(
        days=days,
        variance_coin2=variance,
        flow_coin2_per_day=rate,
        turnover_coin_per_day=turnover,
        orders_per_day=orders / days,
        cost_usd_per_day=trading_cost_usd / days,
        tracking_error_usd=math.sqrt(float((left**2).sum() / days)),
        efficiency=efficiency(variance, turnover, rate) if rate > 0.0 else None,
        inside_band=float((inside[:-1] * gaps).sum()) / banded if banded else math.nan,
    )


class Observer:
    """Watches the accounts of a book at an exchange, from the moment it is made."""

    def __init__(self, exchange: Exchange, holders: Iterable[str], underlyings: Iterable[str], ours: MadeBy) -> None:
        """`ours` is there since before the first hedge."""
        self._exchange = exchange
        self._holders = tuple(holders)
        self._ours = ours
        self._start_ns = exchange.now_ns
        self.tracks = {name: Track() for name in underlyings}
        self._spots = {name: _spot_of(name) for name in self.tracks}
        self.costs = {name: Costs() for name in self.tracks}
        self.volume_coin: dict[str, float] = defaultdict(float)
        self.orders: dict[str, int] = defaultdict(int)
        self.profit = Profit()
        self.equity_usd = self._equity()
        self.first_equity_usd = self.equity_usd
        self._hedged_coin: dict[str, float] = defaultdict(float)
        self._seen: dict[str, None] = {}
        self._mids: dict[str, tuple[float, float]] = {}
        self._before = self._holdings()
        self._prices = {name: exchange.index_price(name) for name in self.tracks}
        self._looked_ns = exchange.now_ns
        exchange.listen(self._on_notice, market=False)

    # --- what happens

    def note_order(self, client_id: str, bid: float, ask: float) -> None:
        """The book at which a hedge was decided: what it costs beyond the middle is told apart by it."""
        self._mids[client_id] = (bid, ask)

    def _on_notice(self, notice: Notice) -> None:
        match notice:
            case Executed(execution=row) if row.account in self._holders:
                self._on_execution(row)
            case FundingSettled(settlement=paid) if paid.account in self._holders:
                listing = self._exchange.listing(paid.instrument)
                cost = float(paid.cost) * self._usd(paid.account, paid.coin)
                ours = cost * self._ours.share(paid)
                self.profit.funding -= ours
                self.profit.book_funding -= cost - ours
                if listing is not None and listing.instrument.underlying in self.costs:
                    self.costs[listing.instrument.underlying].funding += ours
            case _:
                pass

    def _on_execution(self, row: Execution) -> None:
        listing = self._exchange.listing(row.instrument)
        if listing is None:
            return
        rules = listing.instrument
        name, coins = rules.underlying, abs(float(rules.coins(row.qty_contracts, row.price)))
        fee = float(row.fee) * self._usd(row.account, row.fee_coin)
        mark = float(row.mark_price) if row.mark_price is not None else float(row.index_price)
        against_mark = (mark - float(row.price)) * coins * row.side.sign
        if not self._ours.made(row):
            self.profit.client += against_mark
            self.profit.client_fees -= fee
            return
        self.profit.hedge_fees -= fee
        self.profit.hedge_execution += against_mark
        if name not in self.costs:
            return
        costs, client_id = self.costs[name], row.order.client_id or ""
        bid, ask = self._mids.get(client_id, (mark, mark))
        half, middle = (ask - bid) / 2.0, (ask + bid) / 2.0
        costs.fees += fee
        costs.spread += half * coins
        costs.impact += ((float(row.price) - middle) * row.side.sign - half) * coins
        self.volume_coin[name] += coins
        self._hedged_coin[name] += coins * row.side.sign
        if client_id not in self._seen:
            self._seen[client_id] = None
            self.orders[name] += 1

    # --- looks

    def look(self, bands: Mapping[str, InForce]) -> None:
        """Take a row of every underlying; `bands` are those in force now."""
        now = self._holdings()
        prices = {name: self._exchange.index_price(name) for name in self.tracks}
        equity = self._equity()
        days = (self._exchange.now_ns - self._looked_ns) / NS_PER_DAY
        for key, held in self._before.items():
            self._explain(held, now.get(key), prices, days)
        self.profit.rest += equity - self.first_equity_usd - self.profit.total
        self.equity_usd, self._before, self._prices = equity, now, prices
        self._looked_ns = self._exchange.now_ns
        for name, track in self.tracks.items():
            mine = [one for one in now.values() if one.instrument.underlying == name]
            delta = sum(one.delta_coin for one in mine)
            gamma = sum(one.size * one.gamma for one in mine)
            vols = [one.vol for one in mine if one.vol > 0.0]
            track.add(
                (self._exchange.now_ns - self._start_ns) / NS_PER_DAY,
                prices[name],
                delta,
                delta - self._hedged_coin[name],
                *bands.get(name, NO_BAND),
                gamma,
                sum(vols) / len(vols) if vols else math.nan,
                self.costs[name].trading,
                self.costs[name].funding,
            )

    def _explain(self, held: Holding, later: Holding | None, prices: Mapping[str, float], days: float) -> None:
        name = held.instrument.underlying
        if name not in prices:
            return
        move = prices[name] - self._prices[name]
        self.profit.delta += held.delta_coin * move
        if later is None:
            return
        if held.instrument.kind.is_option:
            self.profit.gamma_theta += held.size * (0.5 * held.gamma * move * move + held.theta * days)
            self.profit.vega += held.size * held.vega * (later.vol - held.vol) / VOL_POINT
        elif held.instrument.kind is not InstrumentKind.SPOT and not held.instrument.kind.is_inverse:
            self.profit.basis += held.size * (later.mark - held.mark - move)

    def _holdings(self) -> dict[tuple[str, str, PositionIndex], Holding]:
        """Everything the accounts hold, by account, instrument and leg; coins count under their own name."""
        found: dict[tuple[str, str, PositionIndex], Holding] = {}
        for holder in self._holders:
            found |= {(holder, one.instrument.id, one.leg): one for one in holdings(self._exchange, holder)}
            for name, spot in self._spots.items():
                held = coins(self._exchange, holder, name)
                if held:
                    coin = Holding(instrument=spot, size=held, mark=self._exchange.index_price(name))
                    found[holder, name, coin.leg] = coin
        return found

    def _equity(self) -> float:
        return sum(self._exchange.wallet(holder).equity_usd for holder in self._holders)

    def _usd(self, holder: str, coin: str) -> float:
        return next((one.usd_price for one in self._exchange.wallet(holder).coins if one.coin == coin), 1.0)


def _spot_of(coin: str) -> Instrument:
    """What coins of an underlying count as, whether or not their pair is listed."""
    one = Decimal(1)
    return Instrument(
        id=InstrumentId(f"wallet:spot:{coin}"),
        venue="wallet",
        category="spot",
        symbol=coin,
        kind=InstrumentKind.SPOT,
        underlying=coin,
        quote="USD",
        settle="USD",
        contract_size=one,
        tick_size=one,
        lot_size=one,
        qty_min=one,
    )
