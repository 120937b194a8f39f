"""Refuses a configuration without what an order needs that has no proven end. Owns the sentence; reads no file.

UNKNOWN ends only by proof (safety reference section 3): whoever takes an underlying or an account out of the
configuration while an order of ours may still be alive there would forget the order, and what it fills.
"""

from collections.abc import Iterable

from hedgebot.core.restored import left_behind
from hedgebot.core.state import EngineState
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.events import RestoredOrder
from hedgebot.domain.orders import OrderIntent
from hedgebot.domain.settings import EngineSettings


def check_left_behind(state: EngineState | None, restored: Iterable[RestoredOrder], settings: EngineSettings) -> None:
    """Raise ConfigError for the first order without a proven end that these settings would leave behind.

    `state` is the recovered engine's, None in a journal without a run; `restored` is what the journal has beyond it.
    """
    open_still = {one.client_id: one.intent for one in restored}
    if state is not None:
        open_still |= {one: state.orders[one].intent for one in state.unsettled}
    for client_id, intent in open_still.items():
        if missing := left_behind(settings, intent):
            raise ConfigError(_words(client_id, intent, missing))


def _words(client_id: str, intent: OrderIntent, missing: str) -> str:
    what = f"{intent.side} {intent.qty_contracts} {intent.instrument} on account {intent.account}"
    return (
        f"order {client_id} ({what}) has no proven end, and the configuration does not trade {missing} any more: put "
        "it back until that order is settled, or say in a run with the old configuration how it ended "
        "(`hedgebot adopt` or `hedgebot forget`)"
    )
