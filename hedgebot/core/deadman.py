"""Dead-man's switches: armed before an order may rest, refreshed, armed again after firing, laid down when all is over.

Safety reference 4.1, D1 to D6. A switch cancels orders and keeps positions. Owns when it is asked for and whether an
order may rest behind it; what a venue has is the adapter's to say, in its answer. Where there is no armed switch,
orders are immediate-or-cancel and nothing rests.
"""

from hedgebot.core.state import AccountState, DeadManState, EngineState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import ArmDeadMan
from hedgebot.domain.deadman import DeadManChanged, DeadManKind, DeadManStatus
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.orders import TimeInForce

RESTING = frozenset({TimeInForce.GTC, TimeInForce.POST_ONLY})
"""Orders that stay in the book by themselves."""

_REFRESH_SHARE = 0.25
"""Of a timer's window; the rule is a third at most, and our own timer and the request take time too."""

_READ_AGAIN_NS = 60 * NS_PER_S
_ANSWER_NS = 20 * NS_PER_S
_RETRY_NS = 2 * NS_PER_S
_REFUSED_RETRY_NS = 30 * NS_PER_S
_ALERT_AFTER_NS = 10 * NS_PER_S


def wanted_s(state: EngineState, account: AccountState) -> float | None:
    """The window in seconds that an operator wants for an account; None for none."""
    if not account.role.may_trade:
        return None
    return next((one.dead_man_s for one in state.settings.accounts if one.name == account.name), None)


def watch(step: Step) -> None:
    """Look at every account's switch: ask for it when it is due, and raise what is not armed. Called by the timer."""
    for account in step.state.accounts.values():
        seconds, one = wanted_s(step.state, account), account.dead_man
        if seconds is None or one.laying_down:
            continue
        _age(step, account)
        if step.at_ns >= one.due_ns and _may_ask(account):
            _ask(step, account, seconds)
        _tell(step, account)


def on_changed(step: Step, event: DeadManChanged) -> None:
    """Take the adapter's answer."""
    account = step.state.accounts.get(event.account)
    if account is None:
        return
    one = account.dead_man
    one.kind, one.seconds, one.read_back, one.detail = event.kind, event.seconds, event.read_back, event.detail
    match event.status:
        case DeadManStatus.ARMED:
            one.status, one.unarmed_since_ns = DeadManStatus.ARMED, 0
            timer = event.kind is DeadManKind.NATIVE_TIMER
            one.fires_at_ns = event.asked_at_ns + round(event.seconds * NS_PER_S) if timer else 0
            again_ns = round(event.seconds * _REFRESH_SHARE * NS_PER_S) if timer else _READ_AGAIN_NS
            one.due_ns = max(event.asked_at_ns + again_ns, step.at_ns)
        case DeadManStatus.OFF:
            one.status, one.fires_at_ns = DeadManStatus.OFF, 0
        case DeadManStatus.FAILED:
            # A timer that could not be pushed back still runs: it holds until it fires.
            if one.status is not DeadManStatus.ARMED or event.kind is not DeadManKind.NATIVE_TIMER:
                one.status = DeadManStatus.FAILED
            one.due_ns = step.at_ns + _RETRY_NS
        case _:
            one.status, one.due_ns = event.status, step.at_ns + _REFUSED_RETRY_NS
    _age(step, account)
    _tell(step, account)


def on_fired(step: Step, account: AccountState) -> None:
    """An order was cancelled by the switch: an expected event, after which it is armed again before anything rests."""
    one, seconds = account.dead_man, wanted_s(step.state, account)
    one.status = DeadManStatus.FIRED
    if seconds is None or one.laying_down:
        return
    if one.asked_at_ns + _RETRY_NS <= step.at_ns and _may_ask(account):
        _ask(step, account, seconds)
    else:
        one.due_ns = min(one.due_ns, step.at_ns + _RETRY_NS)


def resting_problem(state: EngineState, account: AccountState, at_ns: int) -> str:
    """Why no order may rest on an account; empty when it may."""
    one = account.dead_man
    if wanted_s(state, account) is None:
        return f"an order of {account.name} may not rest: accounts.{account.name}.dead_man_s is not set"
    if one.status is DeadManStatus.ARMED and not _over(one, at_ns):
        return ""
    return f"an order of {account.name} may not rest: its dead man's switch is {_standing(one, at_ns)}"


def laid_down(step: Step) -> bool:
    """Whether nothing is left to disarm at a graceful stop; asks for it once the venue has shown that all is empty.

    Where that cannot be shown, or the venue does not answer, the timer stays armed and fires by itself.
    """
    left = False
    for account in step.state.accounts.values():
        one = account.dead_man
        if one.kind is not DeadManKind.NATIVE_TIMER or one.status is not DeadManStatus.ARMED:
            continue
        left = True
        if one.stop_at_ns == 0:
            one.stop_at_ns, account.snapshot_due_ns = step.at_ns, 0
        # The cursor is when the last clean snapshot was asked for.
        if account.cursor_ns > one.stop_at_ns and not one.own_open and not one.laying_down:
            one.laying_down = True
            _ask(step, account, 0.0)
    return not left


def describe(state: EngineState, account: AccountState, at_ns: int) -> str:
    """How the switch stands, and what it does and does not do; empty when none was asked for."""
    seconds, one = wanted_s(state, account), account.dead_man
    if seconds is None:
        return ""
    if one.status is not DeadManStatus.ARMED or _over(one, at_ns):
        return f"{_standing(one, at_ns)}: immediate-or-cancel orders only"
    if one.kind is DeadManKind.NATIVE_TIMER:
        left = f"{(one.fires_at_ns - at_ns) / NS_PER_S:.0f} s left of {one.seconds:g} s"
    else:
        left = f"{one.seconds:g} s after the private stream is lost"
    return f"armed, {left}: cancels orders, keeps positions"


def _standing(one: DeadManState, at_ns: int) -> str:
    if one.status is DeadManStatus.ARMED and _over(one, at_ns):
        return "fired"
    word = "not armed yet" if one.status is DeadManStatus.OFF else one.status.value
    return f"{word} ({one.detail})" if one.detail else word


def _over(one: DeadManState, at_ns: int) -> bool:
    return one.kind is DeadManKind.NATIVE_TIMER and at_ns >= one.fires_at_ns


def _age(step: Step, account: AccountState) -> None:
    """What time and a lost stream do to a switch that was armed."""
    one = account.dead_man
    if one.status is not DeadManStatus.ARMED:
        return
    if _over(one, step.at_ns):
        one.status, one.detail, one.due_ns = DeadManStatus.FIRED, "it was not pushed back in time", step.at_ns
    elif one.kind is DeadManKind.WS_DISCONNECT and not account.private.up:
        one.status, one.detail, one.due_ns = DeadManStatus.OFF, "the private stream is down", step.at_ns


def _may_ask(account: AccountState) -> bool:
    """Timers are pushed back whatever the streams do; the others need the stream that they watch."""
    return account.instruments_loaded and (account.private.up or account.dead_man.kind is DeadManKind.NATIVE_TIMER)


def _ask(step: Step, account: AccountState, seconds: float) -> None:
    one = account.dead_man
    one.asked_at_ns, one.due_ns = step.at_ns, step.at_ns + _ANSWER_NS
    if one.status is not DeadManStatus.ARMED:
        one.unarmed_since_ns = one.unarmed_since_ns or step.at_ns
    instruments = tuple(step.state.settings.hedges_on(account.name))
    step.emit(ArmDeadMan(account=account.name, seconds=seconds, instruments=instruments))


def _tell(step: Step, account: AccountState) -> None:
    one = account.dead_man
    if one.status is DeadManStatus.ARMED:
        step.resolve(AlertKind.DMS_NOT_ARMED, account.name)
        return
    late = one.unarmed_since_ns and step.at_ns - one.unarmed_since_ns > _ALERT_AFTER_NS
    if late or one.status in (DeadManStatus.REFUSED, DeadManStatus.FAILED):
        summary = f"the dead man's switch of {account.name} is {_standing(one, step.at_ns)}: no order may rest"
        step.alert(AlertKind.DMS_NOT_ARMED, account.name, summary)
