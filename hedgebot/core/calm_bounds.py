"""For each gate, until when and within which prices a look at the market provably comes to nothing. Decides nothing.

A bound is a claim: before `until_ns`, and while the hedge's middle stays within `low` and `high`, the gate says what
it said at the last real step, wherever mark and index go within the look's `room`. None is no claim: then every event
is stepped. `BOOK_BOUNDS` are the gates that a book of the hedge passes, `TIMER_BOUNDS` those that the timer passes
besides, `ALIVE_BOUNDS` those of them that each sign of life or ticker moves on; the timer's own must have been seen at
rest just before, so a bound speaks only of what time, price and a snapshot can change. Bounds are drawn in by `EDGE`:
what is near an edge is stepped. Must not change the state.
"""

import math
from decimal import Decimal

from hedgebot.core import (
    book_delta,
    funding,
    hedges,
    limits,
    loss_limits,
    margin_regime,
    market,
    market_watch,
    policy,
    raises,
    reconcile,
    shut,
    tokens,
)
from hedgebot.core.calm_look import EDGE, FREE, NEVER_NS, Bound, BoundOf, Look
from hedgebot.core.calm_money import margin, money
from hedgebot.core.drift import Drift
from hedgebot.core.exposure import exposure_problem, linear_parts
from hedgebot.core.forced import SETTLING_ALERT_MS, settles_in_ms
from hedgebot.core.quotes import Quote
from hedgebot.core.risk_limits import holds_anything
from hedgebot.core.state import EngineState, UnderlyingState, followed
from hedgebot.core.tracking import RECORD_NS
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Mode
from hedgebot.domain.durations import NS_PER_DAY, NS_PER_HOUR, NS_PER_MS
from hedgebot.domain.instrument import venue_of

STANDING_ALERTS = frozenset({AlertKind.TAIL_RISK_LIMIT, AlertKind.CONVENTION_MISSING})
"""Alerts that only an event other than a book, a ticker or the timer can end."""


# --- what a book passes


def mode(look: Look) -> Bound | None:
    """Only a book that hedges, with nothing over it: no latch, no stop."""
    state = look.state
    return FREE if state.mode is Mode.ACTIVE and not state.latches and not state.stopping else None


def orders(look: Look) -> Bound | None:
    """With an order out, or one that was refused of late, anything may follow; a row of such orders ends by time."""
    state = look.state
    if state.unsettled or state.shut:
        return None
    ends = [shut.row_ends_ns(state, one) for one in state.underlyings.values()]
    return Bound(min((one for one in ends if one), default=NEVER_NS))


def exposure(look: Look) -> Bound | None:
    """Options and dated futures are marked anew by time and price, holdings outside age, what is unknown may change.

    A token's ratio that no price has spoken for is judged by each.
    """
    one = look.underlying
    moving = one.option_count or one.sums.dated or one.sums.holdings or one.remark_due or one.options_stale
    moving = moving or not all(tokens.is_settled(look.state, look.settings, token) for token in look.settings.tokens)
    return None if moving or one.held_cause is not None or exposure_problem(one) else FREE


def jump(look: Look) -> Bound | None:
    """Books within the allowed jump of the mark are believed."""
    if look.quote.book_problem or look.quote.mark is None:
        return None
    return _around(look, look.quote.mark, look.state.limits.price_jump_ratio_max)


def frozen(look: Look) -> Bound | None:
    """A book that stands still is frozen when its mark moved: from where it was then, or from one mark to another."""
    most, room = look.state.limits.frozen_move_bps_max * 1e-4 * (1.0 - EDGE), look.room
    between_marks = (1.0 + room) / (1.0 - room) - 1.0
    return FREE if max((1.0 + _moved(look.quote)) * (1.0 + room) - 1.0, between_marks) <= most else None


def band(look: Look) -> Bound | None:
    """Inside the band of all strategies together nothing is wanted."""
    steady, underlying = look.steady, look.underlying
    if underlying.breach_since_ns or underlying.residual_coin or underlying.note or underlying.waits_for:
        return None
    if underlying.drift.moves.span_ns:
        # For a gate that waits for a move within a span each price counts.
        return None
    if underlying.centre_coin != steady.centre_coin or not underlying.trigger_coin >= steady.above_coin:
        return None
    stands = policy.edges(underlying, 1.0)[0], policy.edges(underlying, -1.0)[0]
    if look.band_at is None and stands != (steady.above_coin, steady.below_coin):
        return None
    inside = prices_within(underlying, steady.centre_coin - steady.below_coin, steady.centre_coin + steady.above_coin)
    return inside and Bound(steady.until_ns, inside.low, min(inside.high, look.high))


BOOK_BOUNDS: tuple[BoundOf, ...] = (mode, orders, exposure, jump, frozen, band)


# --- what the timer passes


def book_cap(look: Look) -> Bound | None:
    """A cap on the whole book in USD has no bound here. Inside its band a delta is inside its limit (`policy.py`)."""
    return None if book_delta.is_capped(look.state) else FREE


def alerts(look: Look) -> Bound | None:
    """An alert that is up may end by time."""
    up = look.state.alerts.values()
    if look.underlying.drift.bounded:
        # The timer tells of a band that the delta limit bounds.
        return None
    return FREE if all(one.kind in STANDING_ALERTS and not one.seen_ns for one in up) else None


def snapshots(look: Look) -> Bound | None:
    """A snapshot is given up on when it does not come, and truth ends without one. A claim asks for what is due."""
    until_ns = NEVER_NS
    for account in followed(look.state):
        if not account.private.up or account.mismatches or account.paused_until_ns:
            return None
        if account.unseen or account.missing:
            return None
        until_ns = min(until_ns, reconcile.truth_until_ns(look.state, account))
        if account.request_open:
            until_ns = min(until_ns, account.request_at_ns + look.state.limits.reconcile_timeout_ms * NS_PER_MS)
    return Bound(until_ns)


def silence(look: Look) -> Bound | None:
    """A private stream must show that it lives."""
    at_most = look.state.limits
    first_ns = min([one.private.alive_at_ns for one in followed(look.state)], default=0)
    quiet_ns = min(at_most.private_silence_ms_max, at_most.private_silence_ms_halt) * NS_PER_MS
    return Bound(first_ns + quiet_ns) if first_ns > 0 else None


def marks(look: Look) -> Bound | None:
    """Mark and index must advance: when one of them is old it is told, and the feed counts as bad."""
    state, quote = look.state, look.quote
    at_ns, venue_ns = quote.mark_at_ns, quote.mark_venue_ns
    if quote.index is not None:
        at_ns, venue_ns = min(at_ns, quote.index_at_ns), min(venue_ns, quote.index_venue_ns)
    if not at_ns:
        return None
    offset_ms = market.clock_offset_ms(state, venue_of(look.settings.hedge_instrument))
    seen_ns = at_ns if offset_ms is None else min(at_ns, venue_ns - round(offset_ms * NS_PER_MS))
    told_ms = math.floor(state.limits.mark_age_ms_max * market_watch.STALE_TOLD_AT)
    return Bound(seen_ns + (told_ms + 1) * NS_PER_MS)


def clocks(look: Look) -> Bound | None:
    """A venue's clock that is not measured any more is told, and its feed counts as bad."""
    state = look.state
    seen_ns = [one.clock_at_ns or state.run_started_ns for one in followed(state)]
    return Bound(min(seen_ns, default=NEVER_NS) + market.CLOCK_AGE_NS_MAX + 1)


def raised(look: Look) -> Bound | None:
    """A limit that was raised for a while comes down by itself."""
    return Bound(min((one.until_ns for one in look.state.risk.raised.values()), default=NEVER_NS))


def gap(look: Look) -> Bound | None:
    """Book, mark and index must agree."""
    rules, limit = look.state.instruments.get(look.settings.hedge_instrument), look.state.limits.book_mark_gap_bps_max
    if rules is None or look.quote.mark is None:
        return None
    found = _around(look, look.quote.mark, limit * 1e-4)
    if look.quote.index is not None:
        index = _around(look, look.quote.index, max(limit * 1e-4, market.basis_ratio_max(rules, look.state.limits)))
        found = Bound(NEVER_NS, max(found.low, index.low), min(found.high, index.high))
    return found


def width(look: Look) -> Bound | None:
    """A spread that was too wide at the last timer is over, or told, at one of the next."""
    return None if look.quote.wide_since_ns else FREE


def settling(look: Look) -> Bound | None:
    """A hedge that is delivered or delisted is told a day before, and its underlying frozen later."""
    left_ms = settles_in_ms(look.state, look.settings.hedge_instrument, look.at_ns)
    lead_ms = max(SETTLING_ALERT_MS, look.state.limits.settling_ms_halt)
    return Bound(look.at_ns + (left_ms - lead_ms) * NS_PER_MS) if left_ms > lead_ms else None


def events(look: Look) -> Bound | None:
    """The floor is higher while a configured event is on."""
    ends = [one for event in look.state.settings.margin_events for one in (event.start_ns, event.end_ns)]
    return Bound(min((one for one in ends if one > look.timer_ns), default=NEVER_NS))


def volatility(look: Look) -> Bound | None:
    """Once a minute the price moves the realised volatility, and the next timer tells of a regime that is another then.

    A claim makes that step by itself, but where the band is made of it.
    """
    drift = look.underlying.drift
    if not drift.since_ns or drift.vol_price <= 0.0 or not regime_stays(look.state, drift):
        return None
    return FREE if look.band_at is None else Bound(drift.vol_due_ns)


def regime_stays(state: EngineState, drift: Drift) -> bool:
    """Whether the market's regime is what it was, for each account. `drift`: the only underlying's, without options."""
    vols = [drift.realised_vol_root_day()]
    return all(margin_regime.is_wild(state, one, vols) is one.margin.high_vol for one in state.accounts.values())


def hours(look: Look) -> Bound | None:
    """With an hour end its close and its record of tracking; with some a day ends, and its mark of equity."""
    kept, hour = look.underlying.tracking, look.at_ns // NS_PER_HOUR
    closes = look.state.risk.closes.get(look.underlying.name)
    if closes is None or closes.price <= 0.0 or closes.hour != hour or kept.recorded_ns // RECORD_NS != hour:
        return None
    return Bound((hour + 1) * NS_PER_HOUR)


def tail_risk(look: Look) -> Bound | None:
    """The number of tail risk ages."""
    state, measured = look.state, look.state.risk.measured
    newest_ns = max(state.run_started_ns, measured.book_at_ns if measured else 0)
    until_ns = newest_ns + state.limits.risk_age_ms_max * NS_PER_MS
    if until_ns > look.at_ns:
        return Bound(until_ns)
    told = f"{AlertKind.TAIL_RISK_LIMIT}|measurement" in state.alerts
    return FREE if told or not holds_anything(state) else None


def funding_cost(look: Look) -> Bound | None:
    """What the hedge pays a day: against the budget at the worst of the rest of the day, against what it protects."""
    state, settings, at_ns = look.state, look.settings, look.at_ns
    forecast, found = limits.funding_cost_usd_per_day(state, at_ns), funding.terms(state, settings, at_ns)
    if forecast is None or found is None:
        return None
    spent, forecast = funding.spent_usd_today(state, at_ns), forecast + abs(forecast) * look.room
    if max(forecast, spent, spent + forecast) > state.limits.funding_cost_usd_per_day_max * (1.0 - EDGE):
        return None
    if found.ratio_day > raises.in_force(state, "funding_ratio_day_alert", at_ns):
        return None
    if _share_max(look, found) > state.limits.funding_share_day_max * (1.0 - EDGE):
        return None
    return Bound(look.quote.funding_at_ns + state.limits.funding_age_ms_max * NS_PER_MS)


def bleed(look: Look) -> Bound | None:
    """What hedging cost above its plan: the plan grows with each look, and is carried over the time without one.

    Costs stand, and what was planned comes to no less than planned so far over planned days, with at most those days.
    """
    state, kept = look.state, look.underlying.tracking
    sums, before = kept.sums, kept.before
    alert_usd = raises.in_force(state, "bleed_usd_alert", look.at_ns)
    left_usd = min(alert_usd, state.limits.bleed_usd_max) * (1.0 - EDGE) - (sums.cost_usd - before.cost_usd)
    if left_usd >= 0.0:
        return FREE
    planned_days = sums.predicted_days - before.predicted_days
    if planned_days < loss_limits.PLANNED_AFTER_DAYS:
        known_in_days = (loss_limits.PLANNED_AFTER_DAYS - planned_days) * (1.0 - EDGE)
        return Bound(kept.at_ns + math.floor(known_in_days * NS_PER_DAY))
    planned_usd = sums.predicted_cost_usd - before.predicted_cost_usd
    share = min((sums.days - before.days) / planned_days, 1.0)
    return FREE if planned_usd * share * (1.0 - EDGE) + left_usd >= 0.0 else None


def blind(look: Look) -> Bound | None:
    """A feed that the last timer did not find good halts the book in time."""
    state, blind_ns = look.state, look.state.limits.blind_ms_halt * NS_PER_MS
    bad = [last for last in state.good_at_ns.values() if last < look.timer_ns]
    return Bound(min((max(last, state.resumed_at_ns) + blind_ns for last in bad), default=NEVER_NS))


def switches(look: Look) -> Bound | None:
    """A dead-man's switch is pushed back every few seconds: no bound."""
    return None if any(one.dead_man_s is not None for one in look.state.settings.accounts) else FREE


def top_ups(look: Look) -> Bound | None:
    """A treasury looks once a second, and its moves run out: no bound."""
    return None if look.state.settings.treasury or look.state.treasury.moves else FREE


TIMER_BOUNDS: tuple[BoundOf, ...] = (
    book_cap,
    alerts,
    snapshots,
    clocks,
    raised,
    gap,
    width,
    settling,
    margin,
    money,
    events,
    volatility,
    hours,
    tail_risk,
    funding_cost,
    bleed,
    blind,
    switches,
    top_ups,
)


ALIVE_BOUNDS: tuple[BoundOf, ...] = (silence, marks)


TICKED: tuple[BoundOf, ...] = (jump, frozen, gap, funding_cost, silence, volatility)
"""The bounds that a mark, a rate or a sign of life moves, and the one whose claim may have moved what it is of; the
others stand until something else is stepped."""


def room_of(state: EngineState, quote: Quote) -> float:
    """How far mark and index may move from where they are (a share) so that each bound that they move still has room.

    A share of each limit: what the mark may move, the middle may not.
    """
    most = state.limits
    frozen_ratio = most.frozen_move_bps_max * 1e-4
    left = (1.0 + frozen_ratio) / (1.0 + _moved(quote)) - 1.0
    room = min(frozen_ratio / 2.1, left, most.book_mark_gap_bps_max * 1e-4 / 4.0, most.price_jump_ratio_max / 4.0, 0.25)
    return max(room * (1.0 - 2.0 * EDGE) - 2.0 * EDGE, 0.0)


# --- prices


def prices_within(underlying: UnderlyingState, low_coin: float, high_coin: float) -> Bound | None:
    """Prices at which the delta of what is linear or inverse, c + q / price, lies between two edges."""
    coins, quote = linear_parts(underlying)
    c, q = float(coins) + underlying.sums.settled_coin, float(quote)
    room = (high_coin - low_coin) * EDGE + EDGE * (abs(c) + abs(high_coin) + abs(low_coin))
    least, most = low_coin - c + room, high_coin - c - room
    if least > most:
        return None
    if q == 0.0:
        return FREE if least <= 0.0 <= most else None
    if q < 0.0:
        q, least, most = -q, -most, -least
    if most <= 0.0:
        return None
    return Bound(NEVER_NS, q / most * (1.0 + EDGE), q / least * (1.0 - EDGE) if least > 0.0 else math.inf)


def _around(look: Look, reference: Decimal, ratio: float) -> Bound:
    """Within a share of a mark or an index, wherever in its room that is."""
    price, inside = float(reference), ratio * (1.0 - EDGE)
    return Bound(NEVER_NS, price * (1.0 + look.room) * (1.0 - inside), price * (1.0 - look.room) * (1.0 + inside))


def _moved(quote: Quote) -> float:
    """How far the mark is from where it was when the book last changed, as a share."""
    return 0.0 if quote.mark is None or quote.still_mark is None else abs(float(quote.mark / quote.still_mark) - 1.0)


def _share_max(look: Look, found: funding.Terms) -> float:
    """The largest share of what it protects that a hedge may cost a day within the prices that are left."""
    if found.usd_day <= 0.0:
        return 0.0
    rules = look.state.instruments[look.settings.hedge_instrument]
    if rules.kind.is_inverse:
        return math.inf
    coins, quote = linear_parts(look.underlying)
    rest = float(coins) + look.underlying.sums.settled_coin - hedges.held_coin(look.state, look.settings)
    ends = [rest + float(quote) / price if price > 0.0 else math.inf for price in (look.low, look.high)]
    least = min(abs(one) for one in ends) if ends[0] * ends[1] > 0.0 else 0.0
    return found.usd_day / look.underlying.price / least * (1.0 + EDGE) if least > 0.0 else math.inf
