"""When options and futures end, and what they are called for it.

Owns the calendars and the symbols, from docs/v5/enum.mdx (symbol): options of a day carry it without a leading zero,
linear futures with one; an inverse future carries the letter of its month and the year. Must not know prices or rules.
"""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.instrument import OptionType
from hedgebot.exchange.scenario import UnderlyingSpec

EXPIRY_HOUR_UTC = 8
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
# The letters that futures markets give to months; the venue's quarters are H, M, U and Z.
_LETTERS = "FGHJKMNQUVXZ"
_QUARTER_MONTHS = (3, 6, 9, 12)
_FRIDAY = 4


def moment(at_ns: int) -> datetime:
    """UTC time of a moment."""
    return datetime.fromtimestamp(at_ns / NS_PER_S, UTC)


def nanoseconds(at: datetime) -> int:
    """A moment of whole seconds in UTC nanoseconds."""
    return int(at.timestamp()) * NS_PER_S


def option_expiries(spec: UnderlyingSpec, now_ns: int) -> tuple[datetime, ...]:
    """Expiry moments, ascending, one a day: those in seconds, and 08:00 UTC of the first day that many days ahead."""
    # A symbol names the day only: one expiry a day.
    found = {at.date(): at for at in _soon(spec.option_expiries_s, now_ns)}
    for days in spec.option_expiries_days:
        at = day_ahead(days, now_ns)
        found.setdefault(at.date(), at)
    return tuple(sorted(found.values()))


def day_ahead(days: float, now_ns: int) -> datetime:
    """The first 08:00 UTC that is at least that many days ahead."""
    earliest = moment(now_ns) + timedelta(days=days)
    at = _morning(earliest.date())
    return at if at >= earliest else at + timedelta(days=1)


def linear_future_expiries(spec: UnderlyingSpec, now_ns: int) -> tuple[datetime, ...]:
    """Expiry moments of linear futures, ascending, one a day: in seconds, the next Fridays, ends of quarters."""
    found = {at.date(): at for at in _soon(spec.future_expiries_s, now_ns)}
    for at in (*_fridays(spec.future_weeks, now_ns), *_quarter_ends(spec.future_quarters, now_ns)):
        found.setdefault(at.date(), at)
    return tuple(sorted(found.values()))


def inverse_future_expiries(spec: UnderlyingSpec, now_ns: int) -> tuple[datetime, ...]:
    """Expiry moments of inverse futures, ascending, one a month: those in seconds, and the quarters' ends."""
    found = {(at.year, at.month): at for at in _soon(spec.future_expiries_s, now_ns)}
    for at in _quarter_ends(spec.future_quarters, now_ns):
        found.setdefault((at.year, at.month), at)
    return tuple(sorted(found.values()))


def _soon(seconds: tuple[float, ...], now_ns: int) -> list[datetime]:
    now = moment(now_ns).replace(microsecond=0)
    return [now + timedelta(seconds=math.ceil(one)) for one in seconds]


def _morning(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, EXPIRY_HOUR_UTC, tzinfo=UTC)


def _fridays(count: int, now_ns: int) -> list[datetime]:
    """The next Fridays at 08:00 UTC that are ahead."""
    now = moment(now_ns)
    first = _morning(now.date() + timedelta(days=(_FRIDAY - now.weekday()) % 7))
    first = first if first > now else first + timedelta(days=7)
    return [first + timedelta(days=7 * number) for number in range(count)]


def _quarter_ends(count: int, now_ns: int) -> list[datetime]:
    """The last Fridays of March, June, September and December that are ahead."""
    now, found = moment(now_ns), list[datetime]()
    year = now.year
    while len(found) < count:
        ends = (_last_friday(year, month) for month in _QUARTER_MONTHS)
        found += [at for at in ends if at > now]
        year += 1
    return found[:count]


def _last_friday(year: int, month: int) -> datetime:
    last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    return _morning(last - timedelta(days=(last.weekday() - _FRIDAY) % 7))


def option_symbol(coin: str, expiry: datetime, strike: Decimal, option_type: OptionType, settle: str = "USDT") -> str:
    """Symbol of an option; only USDT is named."""
    date_text = f"{expiry.day}{_MONTHS[expiry.month - 1]}{expiry.year % 100:02d}"
    letter = "C" if option_type is OptionType.CALL else "P"
    return f"{coin}-{date_text}-{format(strike, 'f')}-{letter}" + ("-USDT" if settle == "USDT" else "")


def linear_future_symbol(coin: str, settle: str, expiry: datetime) -> str:
    """Symbol of a USDT or USDC future."""
    date_text = f"{expiry.day:02d}{_MONTHS[expiry.month - 1]}{expiry.year % 100:02d}"
    return f"{coin}{'USDT' if settle == 'USDT' else ''}-{date_text}"


def inverse_future_symbol(coin: str, expiry: datetime) -> str:
    """Symbol of an inverse future."""
    return f"{coin}USD{_LETTERS[expiry.month - 1]}{expiry.year % 100:02d}"
