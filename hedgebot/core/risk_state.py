"""What risk numbers and loss limits remember of the past: closes, marks of equity, limits that an operator raised.

Owns the values and their small arithmetic; decides nothing. Part of the engine's state, so that it survives a restart.
"""

import math
from decimal import Decimal

import msgspec

from hedgebot.domain.durations import NS_PER_HOUR
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.risk_events import RiskMeasured

CLOSES_KEPT = 531
"""Days of closes: 500 scenarios, and 30 that seed the filter."""

_KEEP_PER_HOUR = 0.94 ** (1.0 / 24.0)
_WEIGHT_KNOWN = 1.0 - _KEEP_PER_HOUR**6
_HOURS_PER_DAY = 24.0


class DayClose(msgspec.Struct, frozen=True, kw_only=True):
    """The last price of a UTC day; `day` counts from 1970-01-01."""

    day: int
    price: float


class Closes(msgspec.Struct, kw_only=True):
    """Prices of one underlying at the ends of hours and UTC days (oldest first), and the volatility of the hours.

    `var_day` is the exponential mean of squared returns per day, `weight` how much of that mean has been seen (1: all);
    `hour` is the hour that `price` is the newest price of.
    """

    hour: int = 0
    price: float = 0.0
    closed_hour: int = 0
    closed_price: float = 0.0
    var_day: float = 0.0
    weight: float = 0.0
    days: list[DayClose] = []

    def add(self, price: float, at_ns: int) -> None:
        """The live price: the last one of an hour is its close."""
        hour = at_ns // NS_PER_HOUR
        if self.price > 0.0 and hour > self.hour:
            self._close()
        self.hour, self.price = hour, price

    def _close(self) -> None:
        passed = self.hour - self.closed_hour
        if self.closed_price > 0.0 and passed > 0:
            keep = _KEEP_PER_HOUR**passed
            per_day = math.log(self.price / self.closed_price) ** 2 / passed * _HOURS_PER_DAY
            self.var_day = self.var_day * keep + per_day * (1.0 - keep)
            self.weight = self.weight * keep + 1.0 - keep
        self.closed_hour, self.closed_price = self.hour, self.price
        if (self.hour + 1) % round(_HOURS_PER_DAY) == 0:
            self.days.append(DayClose(day=self.hour // round(_HOURS_PER_DAY), price=self.price))
            del self.days[:-CLOSES_KEPT]

    @property
    def vol_day(self) -> float | None:
        """Deviation of a day's return; None before six hours have been seen."""
        return math.sqrt(self.var_day / self.weight) if self.weight >= _WEIGHT_KNOWN else None


class Raised(msgspec.Struct, frozen=True, kw_only=True):
    """A soft limit that an operator raised, until when, who and why."""

    to: float
    until_ns: int
    operator: str
    reason: str


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """The highest equity of the book on one UTC day; `day` counts from 1970-01-01."""

    day: int
    equity_usd: float


class FundingDay(msgspec.Struct, kw_only=True):
    """What the hedge of one underlying paid on one UTC day (negative: received), and how often."""

    day: int
    paid_usd: float = 0.0
    payments: int = 0


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """One funding payment as an execution told it."""

    account: str
    instrument: InstrumentId
    cost: Decimal
    at_ns: int


class RiskState(msgspec.Struct, kw_only=True):
    """Everything this module keeps. `closes` by underlying; `measured` is the newest risk number, with when it came.

    `reducing` are causes for which the book only reduces risk, with their sentence; `raised` soft limits by name;
    `marks` the days of the drawdown's window, oldest first; `funding` is the newest day of each underlying's hedge.
    `payments` are recent ones of all accounts, compared with the venue's log from `funding_from_ns` on;
    `funding_breaks` counts readings in a row that differed.
    """

    closes: dict[str, Closes] = {}
    measured: RiskMeasured | None = None
    measured_at_ns: int = 0
    reducing: dict[str, str] = {}
    raised: dict[str, Raised] = {}
    marks: list[Mark] = []
    funding: dict[str, FundingDay] = {}
    payments: list[Payment] = []
    funding_from_ns: dict[str, int] = {}
    funding_breaks: dict[str, int] = {}
