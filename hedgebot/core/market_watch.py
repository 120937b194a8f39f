"""The standing watch over the market that hedges trade in: ages, gaps, spreads, ends, and the delta itself.

Owns which alert is up for them. Changes no mode and sends no order: the gate and the kill rules look for themselves.
"""

from hedgebot.core import book_delta, forced, hedges, limits, market
from hedgebot.core.exposure import exposure_problem, net_delta_coin
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.settings import UnderlyingSettings

# The share of the age limit at which the alert rises; the timer that looks comes every quarter of a second.
STALE_TOLD_AT = 0.9
_OUTSIDE_BAND_S_MAX = 60
WIDE_NS = 2_000_000_000
"""How long a spread must be beyond its limit before it is told: a book that thins for a moment is no news."""


def watch(step: Step) -> None:
    """Look at every underlying and its hedges. Called by the timer."""
    for settings in step.state.settings.underlyings:
        _watch_data(step, settings)
    book_delta.watch(step)


def _watch_data(step: Step, settings: UnderlyingSettings) -> None:
    state, at_most = step.state, step.state.limits
    since_start_ms = (step.at_ns - state.run_started_ns) // NS_PER_MS
    # An alternative that nobody needs, or that has ended, does not hide how old the others are.
    used = hedges.in_use(state, settings)
    ages_ms = {one: market.book_age_ms(state, one, step.at_ns) for one in settings.hedge_instruments}
    oldest_ms, hedge = max([(ages_ms[one], one) for one in used])
    book_ms = min(oldest_ms, since_start_ms)
    option_ms, option = limits.oldest_option(state, settings.underlying, step.at_ns)
    problem = ""
    # Told before the gate shuts: whoever is woken shall know within the limit, not after it (fault N02).
    if book_ms > at_most.book_age_ms_max * STALE_TOLD_AT:
        problem = f"the book of {hedge} is {book_ms} ms old, limit {at_most.book_age_ms_max} ms"
    underlying = state.underlyings[settings.underlying]
    underlying.options_stale = option_ms > at_most.option_age_ms_max
    if underlying.options_stale and not problem:
        problem = (
            f"the quote of {option} is {option_ms} ms old, limit {at_most.option_age_ms_max} ms: delta comes from the "
            f"live underlying and the last volatility, the band is {at_most.stale_band_ratio:g} times as wide"
        )
    step.watch(AlertKind.STALE_MARKET_DATA, settings.underlying, problem)
    for hedge, age_ms in ages_ms.items():
        _watch_marks(step, hedge, age_ms, in_use=hedge in used)
        _watch_gap(step, hedge, age_ms)
        _watch_spread(step, hedge, settings.spread_bps_max, age_ms)
        forced.watch_settling(step, hedge, settings.underlying, in_use=hedge in used)
    _watch_delta(step, settings)


def _watch_marks(step: Step, hedge: InstrumentId, book_ms: int, *, in_use: bool) -> None:
    """Mark and index of a hedge beside a live book: without them what would add risk is not sent.

    Where the book is old as well it is the connection, and told already. Of an alternative that nobody needs nothing is
    said, but for the end of what was.
    """
    state, at_most = step.state, step.state.limits
    if book_ms > at_most.book_age_ms_max * STALE_TOLD_AT:
        return
    since_start_ms = (step.at_ns - state.run_started_ns) // NS_PER_MS
    quote, told_ms = state.quotes.get(hedge), at_most.mark_age_ms_max * STALE_TOLD_AT
    suspect = quote.ticker_problem if quote and in_use else ""
    mark_ms = min(market.mark_age_ms(state, hedge, step.at_ns), since_start_ms) if in_use else 0
    index_ms = min(market.index_age_ms(state, hedge, step.at_ns), since_start_ms) if in_use else 0
    only, stale, lost = "only what shrinks a position is sent on it", "", ""
    if suspect:
        pass  # why they are old: it is told once
    elif mark_ms > told_ms:
        stale = f"the mark price of {hedge} is {mark_ms} ms old, limit {at_most.mark_age_ms_max} ms: {only}"
    elif index_ms > told_ms:
        lost = f"the index of {hedge} was lost {index_ms} ms ago, limit {at_most.mark_age_ms_max} ms: {only}"
    step.watch(AlertKind.STALE_MARKET_DATA, f"{hedge} mark", stale)
    step.watch(AlertKind.SUSPECT_DATA, f"{hedge} index", lost)
    step.watch(AlertKind.SUSPECT_DATA, market.ticker_subject(hedge), suspect)


def _watch_gap(step: Step, hedge: InstrumentId, book_ms: int) -> None:
    """Book, mark and index of a hedge must agree; while one of them is old nothing is said anew."""
    rules, at_most = step.state.instruments.get(hedge), step.state.limits
    gap = market.gap_bps(step.state, rules, step.at_ns) if rules else None
    if gap is None or book_ms > at_most.book_age_ms_max:
        return
    if market.mark_age_ms(step.state, hedge, step.at_ns) > at_most.mark_age_ms_max:
        return
    problem = ""
    if gap > at_most.book_mark_gap_bps_max:
        problem = f"the book of {hedge} is {gap:.0f} bps from its mark or index: nothing is sent on it"
    step.watch(AlertKind.SUSPECT_DATA, f"{hedge} mark", problem)


def _watch_spread(step: Step, hedge: InstrumentId, limit: float, book_ms: int) -> None:
    """A book that is too wide to hedge on is told once it stays so; an old one says nothing anew."""
    quote = step.state.quotes.get(hedge)
    spread = market.spread_bps(quote) if quote else None
    if not quote or spread is None or book_ms > step.state.limits.book_age_ms_max:
        return
    quote.wide_since_ns = (quote.wide_since_ns or step.at_ns) if spread > limit else 0
    lasts = quote.wide_since_ns and step.at_ns - quote.wide_since_ns >= WIDE_NS
    problem = f"the spread of {hedge} is {spread:.0f} bps, limit {limit:g} bps: nothing is sent on it" if lasts else ""
    if problem or not quote.wide_since_ns:
        step.check(AlertKind.SUSPECT_DATA, f"{hedge} spread", problem)


def _watch_delta(step: Step, settings: UnderlyingSettings) -> None:
    """While the exposure is unknown nothing is said anew: what was wrong is not known to be over."""
    name, underlying = settings.underlying, step.state.underlyings[settings.underlying]
    if exposure_problem(underlying):
        return
    delta = net_delta_coin(underlying)
    beyond = abs(delta) > settings.delta_limit_coin
    problem = f"net delta {delta:+.4f} {name} is beyond its limit {settings.delta_limit_coin:g}" if beyond else ""
    step.watch(AlertKind.DELTA_OUTSIDE_LIMIT, name, problem)
    outside_s = (step.at_ns - underlying.breach_since_ns) // 1_000_000_000 if underlying.breach_since_ns else 0
    lasting = outside_s > _OUTSIDE_BAND_S_MAX
    # One sentence for the whole episode: the figure would make it a new alert each time.
    problem = f"net delta of {name} stays outside its band for more than {_OUTSIDE_BAND_S_MAX} s" if lasting else ""
    step.check(AlertKind.DELTA_OUTSIDE_LIMIT, f"{name} band", problem)
