"""A book as risk numbers need it: plain values at one moment, from a running daemon or from a file.

Owns the shape and its checks. Every leg is one position in units of its underlying; USD where the name says so. What is
unknown is None or stands in `unknown`, never zero. Computes nothing.
"""

import math
from enum import StrEnum

import msgspec

from hedgebot.domain.settings import LimitSettings, MarginMode


class LegKind(StrEnum):
    """What a leg without optionality is. Basis moves derivatives against the spot price; funding is paid on perps."""

    COINS = "coins"
    PERP = "perp"
    FUTURE = "future"


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all rows: an unknown key in a file is an error, not a silent default."""


class LinearLeg(_Row, frozen=True, kw_only=True):
    """Coins, a perpetual or a dated future. `coins` is its delta: a move m of the price earns coins * price * m USD.

    `nominal_coins` is the size that margin is asked for (an inverse contract's coins count without its profit).
    `is_hedge`: whether it stands there to hedge the rest. `price_usd` is its own mark, None for the underlying's price;
    `leverage` what its initial margin is set aside at, None where that is unknown.
    """

    account: str
    underlying: str
    instrument: str
    kind: LegKind
    coins: float
    nominal_coins: float = 0.0
    is_hedge: bool = False
    is_inverse: bool = False
    price_usd: float | None = None
    expiry_ns: int | None = None
    leverage: float | None = None


class OptionLeg(_Row, frozen=True, kw_only=True):
    """A European option; `coins` signed, `vol` per root year, `forward` and `strike` in quote currency per coin."""

    account: str
    underlying: str
    instrument: str
    coins: float
    forward: float
    strike: float
    expiry_ns: int
    vol: float
    is_call: bool


class UnderlyingPoint(_Row, frozen=True, kw_only=True):
    """One underlying now. `cost_bps` is what a hedge costs one way; `closes` are (day, price) at ends of UTC days.

    `day` counts from 1970-01-01. `vol_day` is the daily deviation of returns seen by the daemon itself, None before it
    has seen enough, and `vol_weight` the share of that in the estimate.
    """

    underlying: str
    price_usd: float
    cost_bps: float = 5.0
    funding_ratio_day: float | None = None
    vol_day: float | None = None
    vol_weight: float = 0.0
    closes: tuple[tuple[int, float], ...] = ()


NO_MARGIN_REPORTED = "the venue reports no margin for positions that need some: unknown, not zero"


class AccountPoint(_Row, frozen=True, kw_only=True):
    """One account's money as its venue reports it; None is unknown. `margin_mode` is cross or portfolio.

    `floor_raised`: its buffer has the higher floor of a wild market or an event. `floor_shock_usd`: what the collateral
    shock takes of the equity that the floor is held against; None: it counts and is unknown.
    `watched`: its positions are not in the book, so that its equity stands behind none of these risks.
    """

    account: str
    equity_usd: float | None
    maintenance_margin_usd: float | None
    initial_margin_usd: float | None = None
    venue: str = ""
    margin_mode: str = ""
    floor_raised: bool = False
    floor_shock_usd: float | None = 0.0
    watched: bool = False


class RiskBook(_Row, frozen=True, kw_only=True):
    """The whole book. `unknown` says what is missing, in sentences: risk numbers on it would be wrong.

    The margin uses are the operator's limits, shown beside what a scenario would do.
    """

    at_ns: int
    underlyings: tuple[UnderlyingPoint, ...]
    linear: tuple[LinearLeg, ...] = ()
    options: tuple[OptionLeg, ...] = ()
    accounts: tuple[AccountPoint, ...] = ()
    unknown: tuple[str, ...] = ()
    margin_use_alert: float = 0.5
    margin_use_reduce: float = 0.8
    margin_use_no_risk: float = 0.7
    margin_use_high_vol: float = 0.5

    def __post_init__(self) -> None:
        """Refuse legs on underlyings or accounts that are not there, and prices that are none."""
        underlyings = {one.underlying for one in self.underlyings}
        accounts = {one.account for one in self.accounts}
        for point in self.underlyings:
            if not (math.isfinite(point.price_usd) and point.price_usd > 0.0):
                msg = f"underlyings: price_usd of {point.underlying} is {point.price_usd}, it must be above zero"
                raise ValueError(msg)
        legs: tuple[LinearLeg | OptionLeg, ...] = (*self.linear, *self.options)
        for leg in legs:
            if leg.underlying not in underlyings:
                msg = f"{leg.instrument}: underlying {leg.underlying} is not among the underlyings"
                raise ValueError(msg)
            if leg.account not in accounts:
                msg = f"{leg.instrument}: account {leg.account} is not among the accounts"
                raise ValueError(msg)
            if not math.isfinite(leg.coins):
                msg = f"{leg.instrument}: coins is {leg.coins}, it must be a number"
                raise ValueError(msg)
        for line in self.linear:
            for name in ("price_usd", "leverage"):
                value = getattr(line, name)
                if value is not None and not (math.isfinite(value) and value > 0.0):
                    msg = f"{line.instrument}: {name} is {value}, it must be above zero, or left out"
                    raise ValueError(msg)
        for option in self.options:
            for name in ("forward", "strike", "vol"):
                value = getattr(option, name)
                if not (math.isfinite(value) and value > 0.0):
                    msg = f"{option.instrument}: {name} is {value}, it must be above zero"
                    raise ValueError(msg)

    @property
    def limits(self) -> LimitSettings:
        """The limits that it brings along; every other one is the default."""
        return LimitSettings(
            margin_use_alert=self.margin_use_alert,
            margin_use_reduce=self.margin_use_reduce,
            margin_use_no_risk=self.margin_use_no_risk,
            margin_use_high_vol=self.margin_use_high_vol,
        )

    def believed(self, point: AccountPoint) -> AccountPoint:
        """An account without margins that cannot be: in portfolio mode zero is unknown while something needs some.

        Clients read an empty field as zero (margin reference section 1, rule 6).
        """
        if point.maintenance_margin_usd or point.margin_mode != MarginMode.PORTFOLIO:
            return point
        held = any(one.coins and one.account == point.account and one.kind is not LegKind.COINS for one in self.linear)
        sold = any(one.coins < 0.0 and one.account == point.account for one in self.options)
        if not held and not sold:
            return point
        return msgspec.structs.replace(point, maintenance_margin_usd=None, initial_margin_usd=None)

    @property
    def has_hedge(self) -> bool:
        """Whether a leg is marked as hedge, so that there is something to compare without it."""
        return any(one.is_hedge for one in self.linear)

    @property
    def equity_usd(self) -> float | None:
        """Equity of all accounts but those only watched; None while one of them is unknown or there is none."""
        behind = [one for one in self.accounts if not one.watched]
        found = [one.equity_usd for one in behind if one.equity_usd is not None]
        return sum(found) if found and len(found) == len(behind) else None
