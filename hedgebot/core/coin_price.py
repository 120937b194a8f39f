"""What a coin of an underlying is worth in USD by the newest index. Pure; owns no age and no price of other coins."""

from collections.abc import Mapping

from hedgebot.core.state import EngineState
from hedgebot.domain.settings import UnderlyingSettings


def coin_price(state: EngineState, settings: UnderlyingSettings, prices: Mapping[str, float]) -> float:
    """USD per coin of an underlying; 0 where nothing says it. An index is in the coin that its hedge is quoted in.

    `prices` are USD per coin of those.
    """
    # Of several hedges the newest index: the main one's feed may be the one that stands still.
    told = [
        (quote.mark_venue_ns, float(quote.newest_index) * prices.get(rules.quote, 0.0))
        for hedge in settings.hedge_instruments
        if (quote := state.quotes.get(hedge)) and quote.newest_index and (rules := state.instruments.get(hedge))
    ]
    if told:
        return max(told, key=lambda one: one[0])[1]
    main = state.instruments.get(settings.hedge_instrument)
    return state.underlyings[settings.underlying].price * prices.get(main.quote, 0.0) if main else 0.0
