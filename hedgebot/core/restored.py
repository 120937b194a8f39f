"""Our orders over a restart: which are taken up again, and which nobody can decide on any more.

Owns what a changed configuration and a lost tape do to the order table. UNKNOWN ends only by proof, also where what it
was sent for left the configuration: the shell refuses such a start, and one that comes all the same is HALTED.
"""

from hedgebot.core.state import EngineState, OrderRecord
from hedgebot.core.step import Step
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.events import RestoredOrder
from hedgebot.domain.orders import OrderIntent, OrderStatus
from hedgebot.domain.settings import EngineSettings


def left_behind(settings: EngineSettings, intent: OrderIntent) -> str:
    """What an order needs to be brought to its end and a configuration has not: "underlying ETH"; empty for nothing."""
    if intent.underlying not in {one.underlying for one in settings.underlyings}:
        return f"underlying {intent.underlying}"
    if intent.account not in {one.name for one in settings.accounts if one.role.is_followed}:
        return f"account {intent.account}"
    return ""


def take_up(step: Step, journaled: tuple[RestoredOrder, ...]) -> None:
    """At a start: let go of orders whose underlying or account left, and take up those that only the journal has."""
    _forget_left_behind(step)
    for one in journaled:
        if missing := left_behind(step.state.settings, one.intent):
            _halt(step, one.client_id, missing)
        else:
            _restore(step.state, one)


def _forget_left_behind(step: Step) -> None:
    """Drop them: nobody decides on them any more. One without a proven end may be alive: the book does not go on."""
    state = step.state
    for record in list(state.orders.values()):
        if not (missing := left_behind(state.settings, record.intent)):
            continue
        if record.client_id in state.unsettled:
            _halt(step, record.client_id, missing)
        del state.orders[record.client_id]
        state.unsettled.pop(record.client_id, None)


def _halt(step: Step, client_id: str, missing: str) -> None:
    step.halt(f"order {client_id} has no proven end, and {missing} left the configuration", f"left_behind:{client_id}")


def _restore(state: EngineState, one: RestoredOrder) -> None:
    """Take an order that the journal has and this state does not (its market data was lost): it may be at the venue."""
    known = state.orders.get(one.client_id)
    if known is not None and known.intent == one.intent:
        return
    # The journal's terms replace those of an order that a replay without its tape invented.
    state.orders[one.client_id] = OrderRecord(
        client_id=one.client_id,
        intent=one.intent,
        status=OrderStatus.SENT,
        sent_at_ns=one.sent_at_ns,
        arrival_mid=0.0,
        delta_before_coin=0.0,
        filled_contracts=state.orphan_fills.pop(one.client_id, ZERO) + (known.filled_contracts if known else ZERO),
    )
    state.unsettled[one.client_id] = one.intent.underlying
