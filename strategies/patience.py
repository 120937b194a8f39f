"""patience: lets a hedge beyond the soft band wait, and never one beyond the hard band. Refines the strategy before it.

Does: between the band and `hard_coin` a hedge waits until the delta was outside for `dwell_s`, `interval_s` after the
last hedge, for a price move of `price_move_bps` since then (not after a fill) and, with `price_move_within_minutes`,
within the last so many minutes, and for the hours of the day in `hours` ("07:00-22:00", UTC; may run over midnight).
From `end_at` on (ISO time, UTC) it stops hedging and leaves positions.
Nothing that lowers the delta waits while the margin buffer is below its floor, or while a delivery price is averaged.
Limits: waiting costs money; it moves any band towards hedging by the clock (hedging reference section 13).
Fails: without an enabled strategy before it there is no band to refine.
"""

import re
from datetime import UTC, datetime

import msgspec

from hedgebot.core.strategy import BandTerms, Patience, Proposal, Steady, Strategy, UnderlyingView
from hedgebot.domain.durations import NS_PER_MINUTE
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.settings import StrategySettings, UnderlyingSettings

_MINUTES_PER_DAY = 24 * 60
WAIT_S_MAX = 7.0 * _MINUTES_PER_DAY * 60.0
_HOURS = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$")


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the plug-in. `hard_coin` 0: the delta limit alone is the hard edge."""

    hard_coin: float = 0.0
    dwell_s: float = 0.0
    interval_s: float = 0.0
    price_move_bps: float = 0.0
    price_move_within_minutes: float = 0.0
    hours: str = ""
    end_at: str = ""


class Waiting:
    """Refines a proposal. `hours` are minutes of the UTC day (from, until), `end_ns` UTC nanoseconds."""

    def __init__(self, name: str, parameters: Parameters) -> None:
        self.name = name
        self._parameters = parameters
        self._hours = _minutes(name, parameters.hours)
        self._end_ns = _moment_ns(name, parameters.end_at)

    def terms(self, before: BandTerms) -> BandTerms:
        """What hedges wait for: times, and gates that no prediction knows."""
        one, gates = self._parameters, list(before.gates)
        if one.price_move_bps:
            within = one.price_move_within_minutes
            gates.append(f"a price move of {one.price_move_bps:g} bps" + (f" within {within:g} min" if within else ""))
        if one.hours:
            gates.append(f"the hours {one.hours} UTC")
        return msgspec.structs.replace(
            before,
            dwell_ms=max(before.dwell_ms, round(one.dwell_s * 1_000)),
            interval_ms=max(before.interval_ms, round(one.interval_s * 1_000)),
            gates=tuple(gates),
        )

    def propose(self, view: UnderlyingView, previous: Proposal | None) -> Proposal | None:
        """Add what has to be waited for; nothing at all after the end."""
        if previous is None or (self._end_ns is not None and view.at_ns >= self._end_ns):
            return None
        one = self._parameters
        patience = Patience(
            hard_coin=one.hard_coin or None,
            dwell_ms=round(one.dwell_s * 1_000),
            interval_ms=round(one.interval_s * 1_000),
            price_move_bps=one.price_move_bps,
            price_move_within_ms=round(one.price_move_within_minutes * 60_000),
            closed=self._closed(view.at_ns),
        )
        return msgspec.structs.replace(previous, patience=patience)

    def steady(self, settings: UnderlyingSettings, previous: Steady | None) -> Steady | None:
        """The band before it, until the end: inside it nothing waits, but for a move that is to be within a span.

        For that one each price counts, also those that come to nothing.
        """
        del settings
        if self._parameters.price_move_within_minutes:
            return None
        if previous is None or self._end_ns is None:
            return previous
        return previous._replace(until_ns=min(previous.until_ns, self._end_ns))

    def _closed(self, at_ns: int) -> str:
        if self._hours is None:
            return ""
        begin, end = self._hours
        minute = at_ns // NS_PER_MINUTE % _MINUTES_PER_DAY
        inside = begin <= minute < end if begin < end else minute >= begin or minute < end
        return "" if inside else f"outside the hours {self._parameters.hours} UTC only the hard band is hedged"


class Plugin:
    """How the daemon finds this strategy."""

    name = "patience"
    parameters = Parameters

    def build(self, settings: StrategySettings) -> Strategy:
        """Make the strategy; raises ConfigError for a parameter out of range."""
        one = msgspec.convert(settings.params, Parameters)
        for name in ("hard_coin", "dwell_s", "interval_s", "price_move_bps", "price_move_within_minutes"):
            if getattr(one, name) < 0.0:
                where = f"strategies.{settings.name}.params.{name}"
                raise ConfigError(f"{where} is {getattr(one, name):g}, it must not be negative")
        for name in ("dwell_s", "interval_s"):
            if getattr(one, name) > WAIT_S_MAX:
                where = f"strategies.{settings.name}.params.{name}"
                raise ConfigError(f"{where} is {getattr(one, name):g}, it must be at most a week ({WAIT_S_MAX:g})")
        if one.price_move_within_minutes:
            _within(settings.name, one)
        return Waiting(settings.name, one)


def _within(name: str, one: Parameters) -> None:
    """Refuse a span that nothing is waited for in, or none that prices are kept for."""
    where = f"strategies.{name}.params.price_move_within_minutes"
    if not one.price_move_bps:
        raise ConfigError(f"{where} does nothing without price_move_bps; set both")
    least, most = 1.0 / 60.0, 7.0 * _MINUTES_PER_DAY
    if not least <= one.price_move_within_minutes <= most:
        raise ConfigError(
            f"{where} is {one.price_move_within_minutes:g}, it must be a second (0.0167) to a week ({most:g})"
        )


def _minutes(name: str, hours: str) -> tuple[int, int] | None:
    if not hours:
        return None
    found = _HOURS.match(hours)
    if found is None or found[0][:5] == found[0][6:]:
        raise ConfigError(
            f'strategies.{name}.params.hours is {hours!r}, it must be like "07:00-22:00" with two different times'
        )
    first, second, third, fourth = (int(one) for one in found.groups())
    return first * 60 + second, third * 60 + fourth


def _moment_ns(name: str, moment: str) -> int | None:
    if not moment:
        return None
    try:
        parsed = datetime.fromisoformat(moment)
    except ValueError:
        raise ConfigError(
            f"strategies.{name}.params.end_at is {moment!r}, it must be a time like 2026-12-31T08:00:00"
        ) from None
    return round((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()) * 1_000_000_000


STRATEGY = Plugin()
