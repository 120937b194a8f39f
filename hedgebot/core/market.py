"""Market state: what was quoted, when it last advanced, and whether it can be believed. Owns ages and sanity.

Age is judged by content: a frame whose venue timestamp does not advance leaves the age running, and a frame that is
already old by the venue's own clock (corrected by the measured offset) is as old as it says.
"""

import math
from decimal import Decimal

from hedgebot.core.exposure import own_option_delta
from hedgebot.core.quotes import OptionMark, Quote
from hedgebot.core.state import AccountState, EngineState, UnderlyingState
from hedgebot.core.step import Step
from hedgebot.core.trail import note, price_of_quote
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.events import BookTop, OptionQuote, Ticker
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind, venue_of
from hedgebot.domain.settings import LimitSettings

NEVER_MS = 10**12
IV_MAX = 20.0
"""2,000 % a year: ten times the worst that was recorded; beyond it the unit is wrong."""

FORWARD_RATIO_MAX = 3.0
"""A forward this far from the underlying is in another unit, not a basis."""

BASIS_RATIO_MAX = 0.005
"""A hedge's book this far from an option quote's own index is from before a jump that the quote has seen."""

CLOCK_AGE_NS_MAX = 300 * 1_000_000_000
"""Adapters measure once a minute: after five times without an answer an offset is a guess."""

AHEAD_MS_MAX = 10_000.0
"""A frame stamped further ahead of the venue's clock is wrong; the clock offset itself may be off by a second."""


def apply_book(step: Step, event: BookTop) -> Quote:
    """Take a book top. A book that fails sanity is kept out: the last good one ages until the gate calls it stale."""
    quote = step.state.quotes.setdefault(event.instrument, Quote())
    if event.venue_at_ns <= quote.book_venue_ns:
        return quote
    ahead = _ahead_problem(step, event.instrument, event.venue_at_ns)
    problem = ahead or _book_problem(step.state, quote, event) or _frozen_problem(step, quote, event)
    quote.book_problem = problem
    # One alert for an episode: books that can be believed may come between those that cannot.
    step.watch(AlertKind.SUSPECT_DATA, event.instrument, problem)
    if not ahead:
        quote.book_venue_ns = event.venue_at_ns
    if not problem:
        if quote.still_mark is None or (event.bid, event.ask) != (quote.bid, quote.ask):
            # A mark from before an outage says nothing about how far it moves from here on.
            fresh = mark_age_ms(step.state, event.instrument, step.at_ns) <= step.state.limits.mark_age_ms_max
            quote.still_since_ns, quote.still_mark = step.at_ns, quote.mark if fresh else None
        quote.bid, quote.ask, quote.book_at_ns = event.bid, event.ask, step.at_ns
        quote.bid_qty, quote.ask_qty = event.bid_qty, event.ask_qty
    return quote


def apply_ticker(step: Step, event: Ticker) -> Quote:
    """Take mark, index and funding. What is no price is kept out: the last good one ages, and is told of at once."""
    quote = step.state.quotes.setdefault(event.instrument, Quote())
    if event.venue_at_ns > quote.mark_venue_ns and not _ahead_problem(step, event.instrument, event.venue_at_ns):
        take_ticker(quote, event, step.at_ns)
        if quote.ticker_problem and _hedges_with(step.state, event.instrument):
            # Its end is the timer's to see: it looks at hedges, also when nothing comes any more.
            step.watch(AlertKind.SUSPECT_DATA, ticker_subject(event.instrument), quote.ticker_problem)
    return quote


def ticker_subject(instrument: InstrumentId) -> str:
    """What the alert of a ticker that cannot be believed is about."""
    return f"{instrument} ticker"


def take_ticker(quote: Quote, event: Ticker, at_ns: int) -> None:
    """Take of a ticker, which is newer than the last one and not from the future, what is a value."""
    quote.ticker_problem = _ticker_problem(event)
    if _is_price(event.mark):
        quote.mark, quote.mark_venue_ns, quote.mark_at_ns = event.mark, event.venue_at_ns, at_ns
        if _is_price(event.index):
            # One that is missing is not forgotten: without it book and mark could be wrong together and agree.
            quote.index, quote.index_venue_ns, quote.index_at_ns = event.index, event.venue_at_ns, at_ns
    if event.funding_rate is not None and math.isfinite(event.funding_rate):
        quote.funding_rate, quote.funding_at_ns = event.funding_rate, at_ns
        quote.funding_interval_hours = event.funding_interval_hours or quote.funding_interval_hours


def apply_option(step: Step, event: OptionQuote) -> OptionMark | None:
    """Take an option's surface point; None when it cannot be priced with (no volatility or forward)."""
    state = step.state
    iv, forward = _positive(event.iv), _positive(event.forward)
    if iv is None or forward is None:
        return None
    known = state.options.get(event.instrument)
    if known is not None and event.venue_at_ns <= known.venue_ns:
        return None
    problem = _ahead_problem(step, event.instrument, event.venue_at_ns) or _surface_problem(state, event, iv, forward)
    if problem:
        step.watch(AlertKind.SUSPECT_DATA, event.instrument, problem)
        return None
    instrument = state.instruments.get(event.instrument)
    underlying = state.underlyings.get(instrument.underlying) if instrument else None
    in_coin = instrument is not None and instrument.kind is InstrumentKind.COIN_OPTION
    if in_coin and not _is_value(event.mark):
        return None
    mark = OptionMark(
        iv=iv,
        forward=forward,
        underlying_price=_price_of_forward(state, underlying, event, forward, known) if underlying else 0.0,
        mark_coin=float(event.mark) if in_coin and event.mark is not None else 0.0,
        at_ns=step.at_ns,
        venue_ns=event.venue_at_ns,
    )
    state.options[event.instrument] = mark
    return mark


def book_age_ms(state: EngineState, instrument: InstrumentId, at_ns: int) -> int:
    """Age of the last believable book of an instrument, NEVER_MS when there was none."""
    quote = state.quotes.get(instrument)
    return NEVER_MS if quote is None else _age_ms(state, instrument, at_ns, quote.book_at_ns, quote.book_venue_ns)


def mark_age_ms(state: EngineState, instrument: InstrumentId, at_ns: int) -> int:
    """Age of the mark price of an instrument."""
    quote = state.quotes.get(instrument)
    return NEVER_MS if quote is None else _age_ms(state, instrument, at_ns, quote.mark_at_ns, quote.mark_venue_ns)


def index_age_ms(state: EngineState, instrument: InstrumentId, at_ns: int) -> int:
    """Age of an instrument's index; 0 for one whose venue never gave any."""
    quote = state.quotes.get(instrument)
    if quote is None or quote.index is None:
        return 0
    return _age_ms(state, instrument, at_ns, quote.index_at_ns, quote.index_venue_ns)


def option_age_ms(state: EngineState, instrument: InstrumentId, at_ns: int) -> int:
    """Age of the surface point of an option."""
    mark = state.options.get(instrument)
    return NEVER_MS if mark is None else _age_ms(state, instrument, at_ns, mark.at_ns, mark.venue_ns)


def known_age_ms(age_ms: int) -> int | None:
    """An age for people and programs to read: nothing in place of NEVER_MS."""
    return None if age_ms >= NEVER_MS else age_ms


def elapsed_ms(at_ns: int, since_ns: int) -> int:
    """Whole milliseconds since a moment, 0 for one that is yet to come."""
    return max(at_ns - since_ns, 0) // NS_PER_MS


def book_mark_gap_bps(quote: Quote, basis_ratio_max: float, index: Decimal | None) -> float | None:
    """Distance of the book's middle from the mark in basis points of it; None when one is missing.

    The distance from `index` counts too, where there is one and it is more than a basis may be.
    """
    mid = quote.mid
    if mid is None or quote.mark is None:
        return None
    gap = abs(float(mid / quote.mark) - 1.0)
    from_index = 0.0 if index is None else abs(float(mid / index) - 1.0)
    return (max(gap, from_index) if from_index > basis_ratio_max else gap) * 1e4


def gap_bps(state: EngineState, rules: Instrument, at_ns: int) -> float | None:
    """How far an instrument's book is from its mark or index now; an index beyond its age says nothing either way."""
    quote = state.quotes.get(rules.id)
    if quote is None:
        return None
    old = index_age_ms(state, rules.id, at_ns) > state.limits.mark_age_ms_max
    index = None if old else quote.index
    return book_mark_gap_bps(quote, basis_ratio_max(rules, state.limits), index)


def basis_ratio_max(rules: Instrument, limits: LimitSettings) -> float:
    """How far a book may be from its index without a word: a perpetual's basis is none, a dated future's is no jump."""
    return 0.0 if rules.kind.is_perp else limits.price_jump_ratio_max


def spread_bps(quote: Quote) -> float | None:
    """Spread of a two-sided book in basis points of its middle."""
    mid = quote.mid
    if mid is None or quote.bid is None or quote.ask is None:
        return None
    return float((quote.ask - quote.bid) / mid) * 1e4


def _age_ms(state: EngineState, instrument: InstrumentId, at_ns: int, advanced_at_ns: int, venue_ns: int) -> int:
    return content_age_ms(at_ns, advanced_at_ns, venue_ns, clock_offset_ms(state, venue_of(instrument)))


def content_age_ms(at_ns: int, advanced_at_ns: int, venue_ns: int, offset_ms: float | None) -> int:
    """Age of content that last advanced at `advanced_at_ns` with the venue's stamp `venue_ns`; NEVER_MS for none."""
    if advanced_at_ns == 0:
        return NEVER_MS
    age_ns = at_ns - advanced_at_ns
    if offset_ms is not None:
        # What the venue's own stamp says, on the venue's clock: a replay of old frames is as old as it says.
        stamped_ns = at_ns + round(offset_ms * NS_PER_MS) - venue_ns
        age_ns = stamped_ns if stamped_ns > age_ns else age_ns  # noqa: FURB136  (asked for many times an event)
    return age_ns // NS_PER_MS if age_ns > 0 else 0


def ahead_ms(state: EngineState, venue: str, venue_at_ns: int, at_ns: int) -> float:
    """How far a venue's stamp lies in the future of the venue's own clock."""
    return (venue_at_ns - at_ns) / NS_PER_MS - (clock_offset_ms(state, venue) or 0.0)


def is_ahead(state: EngineState, venue: str, venue_at_ns: int, at_ns: int) -> bool:
    """Whether a venue's stamp lies so far in its own future that it is wrong: it would make all that follows old."""
    return ahead_ms(state, venue, venue_at_ns, at_ns) > AHEAD_MS_MAX


def clock_offset_ms(state: EngineState, venue: str) -> float | None:
    """Venue clock minus ours; None when it was never measured."""
    for one in state.accounts.values():
        if one.venue == venue and one.clock_offset_ms is not None:
            return one.clock_offset_ms
    return None


def clock_is_known(account: AccountState, at_ns: int) -> bool:
    """Whether the offset of the venue's clock was measured, and lately enough to be one.

    Orders go on with an old one (a clock drifts by milliseconds within minutes, and what it signs is refused with proof
    where it is wrong); the kill rule and the checklist of an unkill do not.
    """
    return account.clock_offset_ms is not None and at_ns - account.clock_at_ns <= CLOCK_AGE_NS_MAX


def note_price(state: EngineState, underlying: UnderlyingState, event: BookTop) -> None:
    """Keep a price of the hedge's book for the option quotes of the next seconds."""
    note(underlying.trail, _own_ns(state, event.instrument, event.venue_at_ns), underlying.price)


def _price_of_forward(
    state: EngineState, underlying: UnderlyingState, event: OptionQuote, forward: float, known: OptionMark | None
) -> float:
    """What the underlying stood at when an option's forward was (0 = unknown).

    A forward from before a jump must not be paired with the price after it, nor one that has jumped already with the
    price before it: each would be carried along by the same jump once more, hedged, and taken back.
    """
    price, index = underlying.price, event.index
    if not price:
        return price
    ahead = index is not None and _is_price(index) and abs(price / float(index) - 1.0) > BASIS_RATIO_MAX
    now = (price, float(index)) if ahead and index is not None else (price,)
    if known is None or not known.underlying_price:
        return now[-1]
    expected = forward * known.underlying_price / known.forward
    return price_of_quote(underlying.trail, _own_ns(state, event.instrument, event.venue_at_ns), now, expected)


def _own_ns(state: EngineState, instrument: InstrumentId, venue_at_ns: int) -> int:
    """A venue's stamp on our clock."""
    return venue_at_ns - round((clock_offset_ms(state, venue_of(instrument)) or 0.0) * NS_PER_MS)


def _hedges_with(state: EngineState, instrument: InstrumentId) -> bool:
    return any(instrument in one.hedge_instruments for one in state.settings.underlyings)


def _ticker_problem(event: Ticker) -> str:
    """Why a ticker cannot be believed, as a sentence; empty when it can. An index may be missing, a mark may not."""
    if event.mark is None:
        return f"the ticker of {event.instrument} has no mark price"
    if not _is_price(event.mark):
        return f"the mark price of {event.instrument} is {event.mark}: not a price"
    if event.index is not None and not _is_price(event.index):
        return f"the index of {event.instrument} is {event.index}: not a price"
    return ""


def _is_price(value: Decimal | None) -> bool:
    return value is not None and value.is_finite() and value > 0


def _surface_problem(state: EngineState, event: OptionQuote, iv: float, forward: float) -> str:
    """Why a volatility or forward cannot be believed (another unit, as a rule); empty when it can."""
    instrument = state.instruments.get(event.instrument)
    underlying = state.underlyings.get(instrument.underlying) if instrument else None
    if iv > IV_MAX:
        return f"the volatility of {event.instrument} is {iv:.0%} a year"
    if underlying and underlying.price and not 1 / FORWARD_RATIO_MAX < forward / underlying.price < FORWARD_RATIO_MAX:
        return f"the forward of {event.instrument} is {forward:g}, the underlying stands at {underlying.price:g}"
    return ""


def _is_value(value: Decimal | None) -> bool:
    """Whether this can be what something is worth: a price, or zero."""
    return value is not None and value.is_finite() and value >= 0


def _ahead_problem(step: Step, instrument: InstrumentId, venue_at_ns: int) -> str:
    """Why a venue timestamp cannot be: it would make every later frame look old. Empty when it can."""
    ahead = ahead_ms(step.state, venue_of(instrument), venue_at_ns, step.at_ns)
    return f"{instrument} is stamped {ahead:.0f} ms in the future" if ahead > AHEAD_MS_MAX else ""


def _positive(value: float | None) -> float | None:
    return value if value is not None and 0.0 < value < math.inf else None


def _book_problem(state: EngineState, quote: Quote, event: BookTop) -> str:
    """Why a book top cannot be believed, as a sentence; empty when it can."""
    bid, ask = event.bid, event.ask
    if bid is None or ask is None:
        return f"the book of {event.instrument} has an empty side"
    if not (_is_price(bid) and _is_price(ask)):
        return f"the book of {event.instrument} quotes {bid} / {ask}: not prices"
    empty = [one for one in (event.bid_qty, event.ask_qty) if one is not None and not _is_price(one)]
    if empty:
        return f"the book of {event.instrument} quotes a quantity of {empty[0]}: nobody stands there"
    if bid >= ask:
        return f"the book of {event.instrument} is crossed: bid {bid}, ask {ask}"
    reference = quote.mark or quote.mid
    if reference is not None:
        jump = abs(float((bid + ask) / 2 / reference) - 1.0)
        if jump > state.limits.price_jump_ratio_max:
            return f"the book of {event.instrument} jumped {jump:.0%} from {reference}: a unit change or a broken feed"
    return ""


def _frozen_problem(step: Step, quote: Quote, event: BookTop) -> str:
    """Why a book that keeps coming is not alive: its prices stand still while the mark moves. Empty when it is."""
    if (event.bid, event.ask) != (quote.bid, quote.ask) or quote.mark is None or quote.still_mark is None:
        return ""
    still_ms = (step.at_ns - quote.still_since_ns) // NS_PER_MS
    moved_bps = abs(float(quote.mark / quote.still_mark) - 1.0) * 1e4
    limits = step.state.limits
    if still_ms <= limits.frozen_ms_max or moved_bps <= limits.frozen_move_bps_max:
        return ""
    return f"the book of {event.instrument} stands still while its mark moved: it is frozen"


def check_venue_delta(step: Step, event: OptionQuote) -> None:
    """Hold our delta against the venue's at the same quote: a wrong sign or unit shows here first."""
    limit, gap, own = step.state.limits.option_delta_gap_max, 0.0, None
    # While a delivery price is averaged a venue may publish either: the decayed delta, or the plain one.
    for averaged in (True, False) if event.delta is not None else ():
        found = own_option_delta(step.state, event.instrument, step.at_ns, averaged=averaged)
        if found is not None and event.delta is not None and (own is None or abs(found - event.delta) < gap):
            own, gap = found, abs(found - event.delta)
        if gap <= limit:
            break
    # "Not within" and not "beyond": a venue's NaN must not pass.
    suspect = not gap <= limit
    step.state.options[event.instrument].suspect = suspect
    problem = f"delta of {event.instrument}: ours {own:.3f}, the venue's {event.delta:.3f}" if suspect else ""
    # One alert for an episode, as for books.
    step.watch(AlertKind.SUSPECT_DATA, event.instrument, problem)
