"""How much of the book's money stands at each venue, and the cap on it: beyond it nothing there adds risk.

Owns the shares, the cap's alert and its rule of the gate (safety reference section 11; FTX, 2022). Venues that one
region hosts fall together (AWS Tokyo, 2025-04-15): their shares count as one against the same cap. What a venue that is
gone would leave is `venue_view.py`'s. Equity is the venue's own number; what is unknown makes the share unknown.
"""

from collections.abc import Iterable, Mapping

from hedgebot.core import holdings, limits, margin_watched, raises
from hedgebot.core.candidate import Candidate, Finding, finding
from hedgebot.core.state import EngineState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind

SHARE, USD = "venue_equity_share_max", "venue_equity_usd_max"


def venue_equity_usd(state: EngineState, venue: str, at_ns: int) -> float | None:
    """Equity of all accounts at a venue; None while one is unknown or too old."""
    total = 0.0
    for account in state.accounts.values():
        if account.venue != venue:
            continue
        fresh = limits.margin_age_ms(account, at_ns) <= state.limits.margin_age_ms_max
        equity = margin_watched.equity_usd(account)
        if equity is None or not fresh:
            return None
        total += float(equity)
    return total


def outside_usd(state: EngineState) -> float | None:
    """What holdings outside the exchanges are worth; None while one was never read or has no price."""
    total = 0.0
    for settings in state.settings.holdings:
        underlying = state.underlyings.get(settings.underlying)
        held = underlying.sums.holdings.get(settings.name) if underlying is not None else None
        if underlying is None or held is None or held.qty is None or underlying.price <= 0.0:
            return None
        total += float(holdings.coins(settings, held)) * underlying.price
    return total


def venues(state: EngineState) -> tuple[str, ...]:
    """Every venue with an account here, once."""
    return tuple(dict.fromkeys([one.venue for one in state.accounts.values()]))


def region_of(state: EngineState, venue: str) -> str:
    """The region that hosts a venue; empty where the operator told none."""
    return next((one.region for one in state.settings.accounts if one.venue == venue and one.region), "")


def neighbours(state: EngineState, venue: str) -> tuple[str, ...]:
    """The venues of a venue's region, itself among them; it alone where the region is not known."""
    region = region_of(state, venue)
    return tuple(one for one in venues(state) if region_of(state, one) == region) if region else (venue,)


def region_share(state: EngineState, venue: str, at_ns: int) -> float | None:
    """The share of all that a venue's region holds; None while a part is unknown, or the region."""
    if not region_of(state, venue):
        return None
    return _share(state, neighbours(state, venue), {one: venue_equity_usd(state, one, at_ns) for one in venues(state)})


def share(state: EngineState, venue: str, at_ns: int) -> float | None:
    """A venue's equity as a share of all there is, coins outside included; None while a part is unknown."""
    return _share(state, (venue,), {one: venue_equity_usd(state, one, at_ns) for one in venues(state)})


def _share(state: EngineState, of: Iterable[str], equities: Mapping[str, float | None]) -> float | None:
    outside = outside_usd(state)
    known = {venue: equity for venue, equity in equities.items() if equity is not None}
    if outside is None or len(known) < len(equities):
        return None
    # A venue without an account of ours holds nothing.
    mine, total = sum(max(known.get(one, 0.0), 0.0) for one in of), sum(known.values()) + outside
    return mine / total if total > 0.0 else None


def problem(state: EngineState, venue: str, at_ns: int) -> tuple[str, float | None, float]:
    """Why a venue has too much of the money, in a sentence (empty when not), with the number and its limit.

    The number is its equity in USD where that is beyond its cap, else its share, or that of its region where only that
    is beyond; None is unknown.
    """
    most, most_usd = raises.in_force(state, SHARE, at_ns), raises.in_force(state, USD, at_ns)
    equities = {one: venue_equity_usd(state, one, at_ns) for one in venues(state)}
    equity, part = equities.get(venue, 0.0), _share(state, (venue,), equities)
    if equity is not None and equity > most_usd:
        return f"{venue} holds {equity:,.0f} USD of equity, limit {most_usd:,.0f}", equity, most_usd
    if part is not None and part > most:
        return f"{venue} holds {part:.0%} of all equity, limit {most:.0%}", part, most
    together = neighbours(state, venue) if most < 1.0 else (venue,)
    shared = _share(state, together, equities) if len(together) > 1 else None
    if shared is not None and shared > most:
        where = f"{' and '.join(together)}, hosted in {region_of(state, venue)},"
        return f"{where} hold {shared:.0%} of all equity, limit {most:.0%}", shared, most
    return "", part, most


def watch(step: Step) -> None:
    """Hold the alert up while a venue has more than its cap. Called by the timer."""
    for venue in venues(step.state):
        words, value, most = problem(step.state, venue, step.at_ns)
        if not words and _unknown(value, most):
            continue  # what is not known ends no alert
        told = f"{words}: nothing there adds risk" if words else ""
        step.watch(AlertKind.VENUE_EQUITY_CAP, venue, told)


def equity_cap(one: Candidate) -> Finding:
    """The gate's rule: an order that does not reduce risk is refused at a venue that has, or may have, too much."""
    words, value, most = problem(one.state, one.account.venue, one.at_ns)
    shown = "unknown" if value is None else value
    if one.reduces_risk:
        return finding("venue_equity", shown, "risk-reducing")
    if not words and _unknown(value, most):
        words = f"what share of all equity {one.account.venue} holds is not known, limit {most:.0%}"
    return finding("venue_equity", shown, most, words)


def _unknown(value: float | None, most: float) -> bool:
    """Whether a share is capped and not known; a cap of everything caps nothing."""
    return value is None and most < 1.0
