"""The instruments that an underlying is hedged with: what stands in each of them.

Owns the sums over them. Deltas are in coin, long positive. Must not know why something is hedged.
"""

from hedgebot.core.ledger import position_contracts
from hedgebot.core.state import EngineState
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.settings import UnderlyingSettings


def held_coins(state: EngineState, settings: UnderlyingSettings) -> dict[InstrumentId, float]:
    """Delta of the position in each hedge instrument that is known; nothing without a price."""
    price = state.underlyings[settings.underlying].price
    if price <= 0.0:
        return {}
    known = [rules for one in settings.hedge_instruments if (rules := state.instruments.get(one)) is not None]
    return {
        rules.id: rules.delta_coin(float(position_contracts(state, settings.hedge_account, rules.id)), price)
        for rules in known
    }


def held_coin(state: EngineState, settings: UnderlyingSettings) -> float:
    """Delta of all of them together."""
    return sum(held_coins(state, settings).values())
