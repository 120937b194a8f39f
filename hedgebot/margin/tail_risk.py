"""VaR and expected shortfall of a book by filtered historical simulation with full revaluation.

Owns the filter and the quantiles (hedging reference section 11.1): each factor's daily returns over their own EWMA
deviation, times the deviation of now; dates stay joint, so that what fell together falls together. The horizon is one
day, without its passing. Reads no file: the history is handed in. A book with an underlying that has no history has no
number: None with the reason.
"""

from collections.abc import Mapping
from datetime import date
from itertools import pairwise

import msgspec
import numpy as np

from hedgebot.domain.errors import DataError
from hedgebot.domain.riskbook import RiskBook, UnderlyingPoint
from hedgebot.margin.revaluation import Columns
from hedgebot.pricing.black76 import Floats
from hedgebot.pricing.riskstats import EWMA_DECAY, forecast_variance

TAIL_PER_MILLE = 25
"""The tail of 97.5 %, in thousandths: a share of scenarios is counted in whole numbers."""

SCENARIOS = 500
SCENARIOS_MIN = 250
"""Below it the tail of 97.5 % is a handful of days."""

NS_PER_DAY = 86_400 * 1_000_000_000
STALE_DAYS = 5
"""Days after which the end of the history says nothing of the volatility of now."""

_EPOCH = date(1970, 1, 1)
_GAP_DAYS_MAX = 1


class History(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Closes of UTC days of several coins, as a dated record: `closes` from `first_day` on, one a day, no gap."""

    id: str
    source: str
    status: str
    first_day: str
    closes: Mapping[str, tuple[float, ...]]

    def __post_init__(self) -> None:
        """Refuse a record whose columns differ in length or hold what is no price."""
        lengths = {len(one) for one in self.closes.values()}
        if len(lengths) != 1:
            msg = f"closes must have one length for every coin, got {sorted(lengths)}"
            raise ValueError(msg)
        if any(not close > 0.0 for closes in self.closes.values() for close in closes):
            msg = "closes must be above zero"
            raise ValueError(msg)

    def dated(self, coin: str) -> dict[int, float]:
        """Closes of a coin by day since 1970-01-01; empty for one that is not there."""
        first = (date.fromisoformat(self.first_day) - _EPOCH).days
        return {first + number: close for number, close in enumerate(self.closes.get(coin, ()))}


class TailRisk(msgspec.Struct, frozen=True, kw_only=True):
    """Loss of one day in USD, positive, at 97.5 %. None: not known, and `problem` says why.

    `stale_days` is how old the newest return is; `vol_day` the deviation that scenarios were scaled to, by underlying.
    """

    es_usd: float | None
    var_usd: float | None
    scenarios: int
    stale_days: int = 0
    problem: str = ""
    vol_day: dict[str, float] = {}


def parse_history(content: bytes, name: str) -> History:
    """Read a history file's content; DataError names the file and what is wrong."""
    try:
        return msgspec.json.decode(content, type=History)
    except (msgspec.DecodeError, ValueError) as error:
        msg = f"history of returns {name}: {error}"
        raise DataError(msg) from error


def tail_count(scenarios: int, per_mille: int = TAIL_PER_MILLE) -> int:
    """How many of the worst make the shortfall: ceil((1 - level) * n), in whole numbers (a float gives 6 for 5)."""
    return -(-scenarios * per_mille // 1_000)


def shortfall(profits: Floats, per_mille: int = TAIL_PER_MILLE) -> tuple[float, float]:
    """VaR and ES of simulated profits as losses, positive."""
    worst = np.sort(profits)[: tail_count(len(profits), per_mille)]
    return -float(np.quantile(profits, per_mille / 1_000)), -float(worst.mean())


def dated_returns(point: UnderlyingPoint, history: History) -> dict[int, float]:
    """Simple returns by the day they ended on: the record's, then the daemon's own; none over a gap."""
    closes = history.dated(point.underlying) | dict(point.closes)
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
            msg = f"no history of returns of {point.underlying}: {history.id} has {', '.join(history.closes)}"
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


def tail_risk(book: RiskBook, history: History, columns: Columns | None = None) -> TailRisk:
    """VaR and ES of a book at 97.5 % over a day."""
    if book.unknown:
        return TailRisk(es_usd=None, var_usd=None, scenarios=0, problem="; ".join(book.unknown))
    pockets = (columns or Columns.of(book)).pockets
    held = {one.underlying for one in pockets}
    points = tuple(one for one in book.underlyings if one.underlying in held)
    if not points:
        return TailRisk(es_usd=0.0, var_usd=0.0, scenarios=0)
    today = book.at_ns // NS_PER_DAY
    try:
        moves, deviations, newest = filtered_scenarios(points, history, today)
    except DataError as error:
        return TailRisk(es_usd=None, var_usd=None, scenarios=0, problem=str(error))
    at = {one.underlying: number for number, one in enumerate(points)}
    calm = np.zeros(len(moves))
    profits = np.sum([one.profits(moves[:, at[one.underlying]], calm) for one in pockets], axis=0)
    var_usd, es_usd = shortfall(profits)
    return TailRisk(
        es_usd=max(es_usd, 0.0),
        var_usd=max(var_usd, 0.0),
        scenarios=len(moves),
        stale_days=max(today - newest, 0),
        vol_day=deviations,
    )
