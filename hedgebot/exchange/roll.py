"""New expiries as old ones end: what is listed next, so that a world that runs for months keeps its chains.

Owns the calendar's memory. An option expiry that was so many days ahead is followed by one that is as many days ahead
again; futures follow the Fridays and quarters. Expiries in seconds have no successor of their own. What is new cannot
be traded in its first minute. Must not know markets or accounts.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import msgspec

from hedgebot.domain.durations import NS_PER_S
from hedgebot.exchange.expiries import (
    day_ahead,
    inverse_future_expiries,
    linear_future_expiries,
    moment,
    option_expiries,
)
from hedgebot.exchange.listings import inverse_futures, linear_futures, option_chain
from hedgebot.exchange.scenario import UnderlyingSpec
from hedgebot.exchange.types import InstrumentStatus, Listing

PRE_LAUNCH_NS = 60 * NS_PER_S


class Roll:
    """One coin's calendar of what ends."""

    def __init__(self, spec: UnderlyingSpec, now_ns: int, *, options: bool = True) -> None:
        # Calendar dates only from here on.
        self._spec = msgspec.structs.replace(spec, future_expiries_s=(), option_expiries_s=())
        ends = {at.date(): at for at in option_expiries(spec, now_ns)} if options else {}
        # Days ahead, and the expiry that stands for them now; without `options`, something else lists those.
        days_ahead = spec.option_expiries_days if options else ()
        self._slots = [(days, ends[day_ahead(days, now_ns).date()]) for days in days_ahead]
        # Days and months whose symbols are in use or were used.
        self._option_days = set(ends)
        self._linear_days = {at.date() for at in linear_future_expiries(spec, now_ns)}
        self._inverse_months = {_month(at) for at in inverse_future_expiries(spec, now_ns)}

    def successors(self, price: float, now_ns: int) -> list[Listing]:
        """What is listed in place of what has ended by now, before its launch; strikes stand around `price`."""
        linear = [at for at in linear_future_expiries(self._spec, now_ns) if at.date() not in self._linear_days]
        inverse = [at for at in inverse_future_expiries(self._spec, now_ns) if _month(at) not in self._inverse_months]
        self._linear_days |= {at.date() for at in linear}
        self._inverse_months |= {_month(at) for at in inverse}
        made = [
            *linear_futures(self._spec, linear),
            *inverse_futures(self._spec, inverse),
            *option_chain(self._spec, self._next_options(now_ns), price),
        ]
        self._forget(moment(now_ns).date())
        launched_at_ns = now_ns + PRE_LAUNCH_NS
        return [
            msgspec.structs.replace(one, status=InstrumentStatus.PRE_LAUNCH, launched_at_ns=launched_at_ns)
            for one in made
        ]

    def _next_options(self, now_ns: int) -> Iterable[datetime]:
        now, found = moment(now_ns), list[datetime]()
        for number, (days, at) in enumerate(self._slots):
            if at > now:
                continue
            following = day_ahead(days, now_ns)
            while following.date() in self._option_days:
                following += timedelta(days=1)
            self._option_days.add(following.date())
            self._slots[number] = (days, following)
            found.append(following)
        return sorted(found)

    def _forget(self, today: date) -> None:
        """Bound the memory: a past day's symbol cannot come again."""
        self._option_days = {day for day in self._option_days if day >= today}
        self._linear_days = {day for day in self._linear_days if day >= today}
        self._inverse_months = {one for one in self._inverse_months if one >= (today.year, today.month)}


def _month(at: datetime) -> tuple[int, int]:
    return at.year, at.month
