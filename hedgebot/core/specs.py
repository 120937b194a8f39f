"""Changed trading rules: what a venue may change under a running book, and what only an operator may take over.

How orders are shaped (tick, lot, least and most, funding interval) is taken over and recorded: the next order keeps
to it. What a position means (contract size, kind, currencies, underlying, strike, expiry) changes every delta at once:
the new rules are counted with from now on, and the book is halted, for nobody here can know whether the venue is right.
Instruments that are neither held nor hedged with are replaced without a word.
"""

from hedgebot.core import forgetting, ledger
from hedgebot.core.state import EngineState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.events import InstrumentsLoaded
from hedgebot.domain.instrument import Instrument, InstrumentId

MEANING = ("contract_size", "kind", "quote", "settle", "underlying", "strike", "expiry_ns", "option_type")
SHAPE = ("tick_size", "lot_size", "qty_min", "qty_max", "min_notional_quote", "funding_interval_hours")

_SUBJECT = " rules"


def take(step: Step, event: InstrumentsLoaded) -> None:
    """Take trading rules; known instruments are replaced. One that is not named stays, until it is long expired."""
    state = step.state
    forgetting.forget_instruments(state, event.venue, step.at_ns)
    known = {one.id: state.instruments.get(one.id) for one in event.instruments}
    for instrument in event.instruments:
        state.instruments[instrument.id] = instrument
    for instrument in event.instruments:
        before = known[instrument.id]
        if before is not None and before != instrument and _matters(state, instrument.id):
            _note_change(step, before, instrument)
    for account in state.accounts.values():
        if account.venue == event.venue:
            account.instruments_loaded = True


def accept(step: Step) -> None:
    """An operator has gone through the checklist: what the venue publishes now is taken for what is meant."""
    for one in list(step.state.alerts.values()):
        if one.kind is AlertKind.SUSPECT_DATA and one.subject.endswith(_SUBJECT):
            step.resolve(one.kind, one.subject)


def _matters(state: EngineState, instrument: InstrumentId) -> bool:
    held = any(one.instrument == instrument and one.contracts for one in state.positions.values())
    return held or any(instrument in one.hedge_instruments for one in state.settings.underlyings)


def _note_change(step: Step, before: Instrument, after: Instrument) -> None:
    changed = [name for name in (*MEANING, *SHAPE) if getattr(before, name) != getattr(after, name)]
    if not changed:
        return
    old, new = (", ".join(f"{name} {getattr(one, name)}" for name in changed) for one in (before, after))
    step.adjust(after.venue, f"rules of {after.symbol}", old, new, "the venue published other rules")
    # A date on a perpetual is a delisting that was announced (or taken back): what it is worth stays, until then.
    ending = {"expiry_ns"} if after.kind.is_perp else set()
    if not any(name in MEANING and name not in ending for name in changed):
        return
    # The sums of exposure were kept by the old rules.
    ledger.rebuild(step.state)
    summary = f"the venue changed what {after.id} means: {old} became {new}"
    step.alert(AlertKind.SUSPECT_DATA, f"{after.id}{_SUBJECT}", summary)
    step.halt(summary, f"specification:{after.id}")
