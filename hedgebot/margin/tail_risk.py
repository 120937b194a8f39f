"""VaR and expected shortfall of a book by filtered historical simulation with full revaluation.

Owns the filter and the quantiles (hedging reference section 11.1): each factor's daily returns over their own EWMA
deviation, times the deviation of now; dates stay joint, so that what fell together falls together. The horizon is one
day, without its passing. Reads no file: the history is handed in. An underlying without a history is not known, and
counts by a declared rule that errs on the high side (`Proxy`); where even that has no history there is no number.
"""

from collections.abc import Mapping
from datetime import date
from itertools import pairwise

import msgspec
import numpy as np

from hedgebot.domain.decoding import decoded
from hedgebot.domain.durations import NS_PER_DAY
from hedgebot.domain.errors import DataError
from hedgebot.domain.riskbook import RiskBook, UnderlyingPoint
from hedgebot.margin.revaluation import Columns, Pocket
from hedgebot.pricing.black76 import Floats
from hedgebot.pricing.riskstats import EWMA_DECAY, forecast_variance

TAIL_PER_MILLE = 25
"""The tail of 97.5 %, in thousandths: a share of scenarios is counted in whole numbers."""

SCENARIOS = 500
SCENARIOS_MIN = 250
"""Below it the tail of 97.5 % is a handful of days."""

STALE_DAYS = 5
"""Days after which the end of the history says nothing of the volatility of now."""

UNIT_RATIO_MAX = 4.0
UNIT_CHECKED_DAYS = 60
"""In so many days no large coin moved by that factor."""

_EPOCH = date(1970, 1, 1)
_GAP_DAYS_MAX = 1


class History(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Closes of UTC days of several coins, as a dated record: `closes` from `first_day` on, one a day, no gap.

    `dated` are closes by day since 1970-01-01, each coin with its own days; they go before `closes`.
    """

    id: str
    source: str
    status: str
    first_day: str
    closes: Mapping[str, tuple[float, ...]] = {}
    dated: Mapping[str, tuple[tuple[int, float], ...]] = {}

    def __post_init__(self) -> None:
        """Refuse a record whose columns differ in length or hold what is no price."""
        lengths = {len(one) for one in self.closes.values()}
        if len(lengths) > 1 or not (lengths or self.dated):
            msg = f"closes must have one length for every coin, got {sorted(lengths)}"
            raise ValueError(msg)
        days = (close for closes in self.dated.values() for _, close in closes)
        if any(not close > 0.0 for closes in (*self.closes.values(), days) for close in closes):
            msg = "closes must be above zero"
            raise ValueError(msg)

    def by_day(self, coin: str) -> dict[int, float]:
        """Closes of a coin by day since 1970-01-01; empty for one that is not there."""
        first = (date.fromisoformat(self.first_day) - _EPOCH).days
        found = {first + number: close for number, close in enumerate(self.closes.get(coin, ()))}
        return found | dict(self.dated.get(coin, ()))

    @property
    def coins(self) -> tuple[str, ...]:
        """Coins that it has."""
        return tuple(dict.fromkeys((*self.closes, *self.dated)))


class Proxy(msgspec.Struct, frozen=True, kw_only=True):
    """How an underlying without a history counts: as `ratio` times the moves of `coin`, whichever way is worse.

    Its loss is added to the rest: nothing is known of what falls with it, so that nothing is netted against it.
    """

    coin: str = "BTC"
    ratio: float = 2.0


STANDARD_PROXY = Proxy()


class TailRisk(msgspec.Struct, frozen=True, kw_only=True):
    """Loss of one day in USD, positive, at 97.5 %. None: not known, and `problem` says why.

    `stale_days` is how old the newest return is; `vol_day` the deviation that scenarios were scaled to, by underlying;
    `assumed` says what was not known and by which rule it counts.
    """

    es_usd: float | None
    var_usd: float | None
    scenarios: int
    stale_days: int = 0
    problem: str = ""
    vol_day: dict[str, float] = {}
    assumed: tuple[str, ...] = ()


def parse_history(content: bytes, name: str) -> History:
    """Read a history file's content; DataError names the file and what is wrong."""
    return decoded(content, History, "history of returns", name)


def tail_count(scenarios: int, per_mille: int = TAIL_PER_MILLE) -> int:
    """How many of the worst make the shortfall: ceil((1 - level) * n), in whole numbers (a float gives 6 for 5)."""
    return -(-scenarios * per_mille // 1_000)


def shortfall(profits: Floats, per_mille: int = TAIL_PER_MILLE) -> tuple[float, float]:
    """VaR and ES of simulated profits as losses, positive."""
    worst = np.sort(profits)[: tail_count(len(profits), per_mille)]
    return -float(np.quantile(profits, per_mille / 1_000)), -float(worst.mean())


def dated_returns(point: UnderlyingPoint, history: History) -> dict[int, float]:
    """Simple returns by the day they ended on: the record's, then the daemon's own; none over a gap."""
    closes = history.by_day(point.underlying) | dict(point.closes)
    days = sorted(closes)
    return {
        after: closes[after] / closes[before] - 1.0
        for before, after in pairwise(days)
        if after - before <= _GAP_DAYS_MAX
    }


def filtered_scenarios(
    points: tuple[UnderlyingPoint, ...], history: History, today: int, scenarios: int = SCENARIOS
) -> tuple[Floats, dict[str, float], int]:
    """Joint moves of shape (n, underlyings), the deviation each was scaled to, and the newest day used.

    Raises DataError where an underlying has no history or too little of it is joint.
    """
    columns = [dated_returns(one, history) for one in points]
    for point, column in zip(points, columns, strict=True):
        if not column:
            msg = f"no history of returns of {point.underlying}: {history.id} has {', '.join(history.coins)}"
            raise DataError(msg)
    joint = sorted(set.intersection(*(set(column) for column in columns)))
    if len(joint) < SCENARIOS_MIN:
        msg = f"{len(joint)} days of joint returns, {SCENARIOS_MIN} are needed"
        raise DataError(msg)
    moves, deviations = [], {}
    for point, column in zip(points, columns, strict=True):
        returns = np.array([column[day] for day in joint])
        variance = forecast_variance(returns)
        ahead = float(EWMA_DECAY * variance[-1] + (1.0 - EWMA_DECAY) * returns[-1] ** 2)
        if today - joint[-1] > STALE_DAYS:
            # What the market was like when the record ended says little of today: not calmer than it was on the whole.
            ahead = max(ahead, float(returns.var()))
        now = _deviation_now(point, ahead)
        # A dead market (no variance at all) has no standard returns: they count as none.
        standard = np.divide(returns, np.sqrt(variance), out=np.zeros_like(returns), where=variance > 0.0)
        moves.append(standard[-scenarios:] * now)
        deviations[point.underlying] = now
    return np.column_stack(moves), deviations, joint[-1]


def _deviation_now(point: UnderlyingPoint, record_variance: float) -> float:
    """The record's deviation and the daemon's own, by how much of the estimate the daemon has seen."""
    if point.vol_day is None:
        return float(np.sqrt(record_variance))
    return float(np.sqrt((1.0 - point.vol_weight) * record_variance + point.vol_weight * point.vol_day**2))


def tail_risk(
    book: RiskBook, history: History, columns: Columns | None = None, proxy: Proxy = STANDARD_PROXY
) -> TailRisk:
    """VaR and ES of a book at 97.5 % over a day."""
    if book.unknown:
        return TailRisk(es_usd=None, var_usd=None, scenarios=0, problem="; ".join(book.unknown))
    pockets = (columns or Columns.of(book)).pockets
    held = {one.underlying for one in pockets}
    points = tuple(one for one in book.underlyings if one.underlying in held)
    if not points:
        return TailRisk(es_usd=0.0, var_usd=0.0, scenarios=0)
    today = book.at_ns // NS_PER_DAY
    known = tuple(one for one in points if len(dated_returns(one, history)) >= SCENARIOS_MIN)
    try:
        for point in known:
            _check_unit(point, history, today)
        parts = [_known_part(pockets, known, history, today)] if known else []
        parts += [_proxied_part(pockets, point, book, history, proxy) for point in points if point not in known]
    except DataError as error:
        return TailRisk(es_usd=None, var_usd=None, scenarios=0, problem=str(error))
    return TailRisk(
        es_usd=sum(max(one.es_usd or 0.0, 0.0) for one in parts),
        var_usd=sum(max(one.var_usd or 0.0, 0.0) for one in parts),
        scenarios=min(one.scenarios for one in parts),
        stale_days=max(one.stale_days for one in parts),
        vol_day={name: vol for one in parts for name, vol in one.vol_day.items()},
        assumed=tuple(words for one in parts for words in one.assumed),
    )


def _known_part(
    pockets: tuple[Pocket, ...], points: tuple[UnderlyingPoint, ...], history: History, today: int
) -> TailRisk:
    moves, deviations, newest = filtered_scenarios(points, history, today)
    at = {one.underlying: number for number, one in enumerate(points)}
    calm = np.zeros(len(moves))
    mine = [one for one in pockets if one.underlying in at]
    profits = np.sum([one.profits(moves[:, at[one.underlying]], calm) for one in mine], axis=0)
    var_usd, es_usd = shortfall(profits)
    return TailRisk(
        es_usd=es_usd,
        var_usd=var_usd,
        scenarios=len(moves),
        stale_days=max(today - newest, 0),
        vol_day=deviations,
    )


def _proxied_part(
    pockets: tuple[Pocket, ...], point: UnderlyingPoint, book: RiskBook, history: History, proxy: Proxy
) -> TailRisk:
    """One underlying by the rule; at least as wild as what the daemon has seen of it."""
    today, name = book.at_ns // NS_PER_DAY, point.underlying
    like = next((one for one in book.underlyings if one.underlying == proxy.coin), None)
    like = like or UnderlyingPoint(underlying=proxy.coin, price_usd=1.0)
    if not dated_returns(like, history):
        msg = f"no history of returns of {name}, and none of {proxy.coin} that stands for it: name a file of closes"
        raise DataError(msg)
    moves, deviations, newest = filtered_scenarios((like,), history, today)
    deviation = proxy.ratio * deviations[proxy.coin]
    factor = proxy.ratio * max(1.0, (point.vol_day or 0.0) / deviation) if deviation > 0.0 else proxy.ratio
    calm = np.zeros(len(moves))
    mine = [one for one in pockets if one.underlying == name]
    both = [
        shortfall(np.sum([one.profits(sign * factor * moves[:, 0], calm) for one in mine], axis=0))
        for sign in (1.0, -1.0)
    ]
    rule = f"{name} has no history of returns: it counts as {factor:.3g} times the moves of {proxy.coin}, either way"
    return TailRisk(
        es_usd=max(es_usd for _, es_usd in both),
        var_usd=max(var_usd for var_usd, _ in both),
        scenarios=len(moves),
        stale_days=max(today - newest, 0),
        vol_day={name: factor * deviations[proxy.coin]},
        assumed=(f"{rule}, added to the rest without netting",),
    )


def _check_unit(point: UnderlyingPoint, history: History, today: int) -> None:
    """A recent record that ends far from the price is of another unit or coin: its returns are not this one's."""
    closes = history.dated.get(point.underlying, ())
    if not closes or today - closes[-1][0] > UNIT_CHECKED_DAYS:
        return
    ratio = closes[-1][1] / point.price_usd
    if not 1.0 / UNIT_RATIO_MAX < ratio < UNIT_RATIO_MAX:
        msg = (
            f"closes of {point.underlying} end at {closes[-1][1]:g} and its price is {point.price_usd:g}: another unit?"
        )
        raise DataError(msg)
