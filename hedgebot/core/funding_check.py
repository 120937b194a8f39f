"""The venue's transaction log against the funding that executions told: a difference that stays is a break.

Owns what is kept to compare with. Comparing begins with the first reading after the account was adopted: what was paid
before is not in this journal. A difference counts once two readings in a row have it.
"""

from collections.abc import Iterable
from decimal import Decimal

from hedgebot.core.risk_state import Payment
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.events import FundingPaid
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.risk_events import FundingRead

KEPT_NS = 2 * 86_400 * 1_000_000_000
PAYMENTS_MAX = 20_000
READINGS = 2
ROUNDING = Decimal("0.000001")
"""In the coin and for each payment: the two accounts round each for itself."""


def note(step: Step, payment: FundingPaid) -> None:
    """Keep a payment for as long as a reading may speak of it."""
    kept = step.state.risk.payments
    kept.append(
        Payment(
            account=payment.account,
            instrument=payment.instrument,
            cost=payment.cost,
            at_ns=payment.venue_at_ns,
        )
    )
    if len(kept) > PAYMENTS_MAX or kept[0].at_ns < step.at_ns - KEPT_NS:
        step.state.risk.payments = [one for one in kept if one.at_ns >= step.at_ns - KEPT_NS][-PAYMENTS_MAX:]


def on_read(step: Step, event: FundingRead) -> None:
    """Compare one reading."""
    account, risk = step.state.accounts.get(event.account), step.state.risk
    if account is None or not account.adopted:
        return
    begun_ns = risk.funding_from_ns.setdefault(event.account, event.until_ns)
    since_ns = max(event.since_ns, begun_ns)
    theirs = _sums((one.instrument, one.cost) for one in event.rows if since_ns <= one.at_ns < event.until_ns)
    ours = _sums(
        (one.instrument, one.cost)
        for one in risk.payments
        if one.account == event.account and since_ns <= one.at_ns < event.until_ns
    )
    differing = [
        f"{name}: {theirs.get(name, _NONE)[0]} by the venue's log, {ours.get(name, _NONE)[0]} in the journal"
        for name in dict.fromkeys((*theirs, *ours))
        if _differ(theirs.get(name, _NONE), ours.get(name, _NONE))
    ]
    seen = risk.funding_breaks[event.account] = risk.funding_breaks.get(event.account, 0) + 1 if differing else 0
    subject = f"{event.account} funding"
    if not differing:
        step.resolve(AlertKind.RECON_BREAK, subject)
    elif seen >= READINGS:
        step.alert(AlertKind.RECON_BREAK, subject, f"funding paid by {event.account} differs: {'; '.join(differing)}")


_Sum = tuple[Decimal, int]
_NONE: _Sum = (ZERO, 0)


def _sums(costs: Iterable[tuple[InstrumentId, Decimal]]) -> dict[InstrumentId, _Sum]:
    found: dict[InstrumentId, _Sum] = {}
    for instrument, cost in costs:
        total, count = found.get(instrument, _NONE)
        found[instrument] = (total + cost, count + 1)
    return found


def _differ(one: _Sum, other: _Sum) -> bool:
    return abs(one[0] - other[0]) > ROUNDING * max(one[1], other[1])
