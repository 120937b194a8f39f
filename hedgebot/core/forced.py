"""What others do to our positions: closes that the venue forces, trades that are not ours, hedges that come to an end.

Owns what each of them means; how long nobody goes in again is the gate's to keep. Sends no order.

After a deleveraging or a liquidation the venue may go on: whoever buys back at once is closed again, at the venue's
price. So nothing makes the hedge larger until the venue has left it alone for `adl_pause_ms` (the policy `freeze`), or
until an operator has looked (`halt`). What only reduces it passes. With `rehedge_elsewhere` that time holds for the
instrument that was closed; what its hedge was for is hedged in the underlying's other instruments meanwhile.

A venue that takes executions back has a history that nobody can trust meanwhile: positions follow what it tells, each
execution is an adjustment with its evidence, and the book is halted until an operator has looked.
"""

from hedgebot.core.ledger import execution_key
from hedgebot.core.state import AccountState, EngineState, UnderlyingState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.events import ExecutionKind, FillReceived
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.settings import AccountRole, AdlPolicy, UnderlyingSettings

SETTLING_ALERT_MS = 86_400_000
NEVER_MS = 10**12
_ROLLBACK = "rollback:"


def note_foreign(step: Step, account: AccountState | None, fill: FillReceived) -> None:
    """Executions that are not ours: the business of a book, an alarm where only we should trade."""
    if fill.kind in (ExecutionKind.ADL, ExecutionKind.LIQUIDATION):
        _note_forced(step, fill)
    elif fill.kind is ExecutionKind.ROLLBACK:
        _note_taken_back(step, fill)
    elif account is not None and _is_ours_alone(step.state, account, fill):
        summary = f"execution {fill.trade_id} on {fill.instrument} is not from an order of ours"
        step.alert(AlertKind.FOREIGN_ACTIVITY, fill.account, summary)


def suspicion(state: EngineState, account: AccountState) -> str:
    """What is suspected of a position that shrank without an execution; empty while neither market nor margin says so.

    Deleveraging and liquidation come in a wild market, or to an account whose margin is thin (safety reference 4.2).
    """
    if account.margin.high_vol:
        return "; the market is wild: auto-deleveraging or liquidation suspected"
    if f"{AlertKind.MARGIN_BUFFER_LOW}|{account.name}" in state.alerts:
        return "; its margin is low: liquidation suspected"
    return ""


def suspect(step: Step, account: AccountState, instrument: InstrumentId) -> None:
    """Count it as closed by force while nobody knows better: once the difference has ended, nobody goes in at once."""
    _strike(step, account.name, instrument)


def note_coming(step: Step, account: str, instrument: InstrumentId) -> None:
    """The venue ended an order of ours in order to close positions by force: told before it does."""
    _strike(step, account, instrument)
    summary = f"the venue cancelled an order in {instrument} on {account} before a deleveraging or liquidation"
    step.alert(AlertKind.ADL_OR_LIQUIDATION, _key(account, instrument), summary)


def _strike(step: Step, account: str, instrument: InstrumentId) -> None:
    for one in step.state.settings.underlyings:
        if one.hedge_account == account and instrument in one.hedge_instruments:
            struck = step.state.underlyings[one.underlying].forced
            for ended in struck.keys() - {*one.hedge_instruments}:
                del struck[ended]
            struck[instrument] = step.at_ns


def _note_forced(step: Step, fill: FillReceived) -> None:
    key = _key(fill.account, fill.instrument)
    _strike(step, fill.account, fill.instrument)
    summary = f"{fill.kind} of {fill.qty_contracts} {fill.instrument} on {fill.account} at {fill.price}"
    step.alert(AlertKind.ADL_OR_LIQUIDATION, key, summary)
    if step.state.limits.adl_policy is AdlPolicy.HALT:
        step.halt(f"{summary}; adl_policy is halt", f"forced:{key}")


def _note_taken_back(step: Step, fill: FillReceived) -> None:
    """The alert is up until the book is freed: a snapshot that agrees only says that both sides follow the venue."""
    cause = _ROLLBACK + _key(fill.account, fill.instrument)
    summary = (
        f"rollback: the venue took back executions on {fill.account}; execution {fill.trade_id} of its own is a"
        f" {fill.side} of {fill.qty_contracts} {fill.instrument} at {fill.price}"
    )
    step.adjust(fill.account, execution_key(fill), "as executed", "taken back", summary)
    step.alert(AlertKind.RECON_BREAK, cause, summary)
    step.halt(summary, cause)


def accept_rollbacks(step: Step) -> None:
    """An operator has looked at what was taken back, and frees the book."""
    for alert in list(step.state.alerts.values()):
        if alert.kind is AlertKind.RECON_BREAK and alert.subject.startswith(_ROLLBACK):
            step.resolve(alert.kind, alert.subject)


def since_ms(state: EngineState, underlying: UnderlyingState, hedge: InstrumentId, at_ns: int) -> int | None:
    """Milliseconds since the venue closed by force what an order in a hedge instrument would open; None for never."""
    if state.limits.adl_policy is AdlPolicy.REHEDGE_ELSEWHERE:
        struck_ns = underlying.forced.get(hedge, 0)
    else:
        struck_ns = max(underlying.forced.values(), default=0)
    return (at_ns - struck_ns) // NS_PER_MS if struck_ns else None


def must_wait(state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, at_ns: int) -> bool:
    """Whether nothing may be opened in a hedge instrument yet."""
    found = since_ms(state, state.underlyings[settings.underlying], hedge, at_ns)
    return found is not None and found < state.limits.adl_pause_ms


def _is_ours_alone(state: EngineState, account: AccountState, fill: FillReceived) -> bool:
    """Whether nobody but us should trade there: a hedge account, or the hedge instrument of a shared one.

    A delivery is nobody's trade: it is how a dated contract ends.
    """
    if fill.kind is ExecutionKind.DELIVERY:
        return False
    if account.role is AccountRole.HEDGE:
        return True
    return account.role is AccountRole.SHARED and fill.instrument in state.settings.hedges_on(account.name)


def settles_in_ms(state: EngineState, hedge: InstrumentId, at_ns: int) -> int:
    """Milliseconds until a hedge instrument is delivered or delisted; NEVER_MS when no end is known."""
    rules = state.instruments.get(hedge)
    if rules is None or rules.expiry_ns is None:
        return NEVER_MS
    return (rules.expiry_ns - at_ns) // NS_PER_MS


def watch_settling(step: Step, hedge: InstrumentId, underlying: str, *, in_use: bool) -> None:
    """A hedge that will be delivered or delisted is told a day before; a kill rule freezes while there is still time.

    The position ends at the venue's price in one moment, and the book would be naked: an operator moves the hedge, or
    the book does where it may switch (`switching.py`). An alternative that only stands by is told at its end.
    """
    left_ms = settles_in_ms(step.state, hedge, step.at_ns)
    # One sentence for the whole day: a figure that counts down would make it a new alert each time.
    problem = f"{hedge} is settled or delisted within a day, it hedges {underlying}"
    step.check(AlertKind.INSTRUMENT_SETTLING, hedge, problem if in_use and left_ms <= SETTLING_ALERT_MS else "")
    # And once more at the event: what it hedged is open from now on.
    ended = f"{hedge} has been settled or delisted: what stood in it is gone, and it hedges {underlying} no more"
    step.check(AlertKind.INSTRUMENT_SETTLING, f"{hedge} ended", ended if left_ms <= 0 else "")


def _key(account: str, instrument: str) -> str:
    return f"{account}|{instrument}"
