"""Whether an order is proven to lower risk while an input is in doubt: at every value that the doubt leaves open.

A flag on data or on a strategy stops what adds risk; what lowers it passes, where that is proven and not estimated
(safety reference section 2). What is never proven here: anything while positions are not known for certain (a stream
that is down, a difference with the venue), and anything without a fresh, two-sided book of what is traded (no price
can be put on it). Approves nothing: the gate's rules ask.
"""

import math

from hedgebot.core import holdings, market, tokens
from hedgebot.core.candidate import Candidate
from hedgebot.core.exposure import linear_parts
from hedgebot.core.ledger import position_contracts
from hedgebot.domain.instrument import OptionType
from hedgebot.domain.settings import DeltaConvention


def unproven(one: Candidate) -> str:
    """Why an order may add risk for all that is known, in a sentence; empty when it is proven to lower it.

    Held options may have any delta that options can have, holdings that are not trusted any size, and while the main
    hedge's book is not fresh the price may be any.
    """
    if not one.reduces_risk:
        return "it is not known to lower risk"
    if one.settings.delta_convention is DeltaConvention.COIN_NEUTRAL or one.settings.skew_stickiness != 1.0:
        return "a delta that is adjusted for premium or skew has no bounds"
    low_coin, high_coin = delta_bounds_coin(one)
    if lowers_everywhere(low_coin, high_coin, one.intent.delta_effect_coin):
        return ""
    order = f"{one.intent.delta_effect_coin:+g} {one.underlying.name}"
    return f"an order of {order} does not lower every delta from {low_coin:g} to {high_coin:g}"


def unproven_shrinking(one: Candidate) -> str:
    """The same for an order that must also only shrink what the venue and we agree that we hold: that has an end."""
    held = position_contracts(one.state, one.account.name, one.rules.id)
    shrinks = one.intent.reduce_only and 0 < one.intent.qty_contracts <= -held * one.intent.side.sign
    if not shrinks or one.rules.id in one.account.mismatches:
        return f"it would not only shrink our position of {held} contracts"
    return unproven(one)


def delta_bounds_coin(one: Candidate) -> tuple[float, float]:
    """The least and the most net delta before the order, in coin, whatever options are worth and doubted holdings hold.

    A call's delta stands between nothing and one, a put's between minus one and nothing, at every price and volatility
    (Black-Scholes; the share that an averaged delivery leaves only shrinks it). A holding is never negative; a token's
    ratio that is not believed yet is the old one or the new one. Dollars of inverse contracts are so many coins at the
    price, any number of them where that is not known.
    """
    low_coin = high_coin = one.delta_coin - _options_coin(one)
    _, quote = linear_parts(one.underlying)
    if quote and _price_in_doubt(one):
        value_coin = float(quote) / one.underlying.price
        low_coin, high_coin = low_coin - value_coin, high_coin - value_coin
        # While one of them is delivered at an average, what that took from its delta was valued at the price as well.
        both = one.underlying.sums.settling
        low_coin, high_coin = (
            -math.inf if both or quote < 0 else low_coin,
            math.inf if both or quote > 0 else high_coin,
        )
    for key, instrument in one.underlying.option_keys.items():
        rules = one.state.instruments[instrument]
        whole = float(one.state.positions[key].contracts * rules.contract_size)
        whole = whole if rules.option_type is OptionType.CALL else -whole
        low_coin, high_coin = low_coin + min(0.0, whole), high_coin + max(0.0, whole)
    for settings, held in holdings.doubted(one.state, one.settings.underlying, one.at_ns):
        low_coin, high_coin = low_coin - float(holdings.coins(settings, held)), math.inf
    less_coin, more_coin = tokens.doubt_coin(one.state, one.settings)
    return low_coin + less_coin, high_coin + more_coin


def lowers_everywhere(low_coin: float, high_coin: float, effect_coin: float) -> bool:
    """Whether every part of an order leaves less absolute delta than before, wherever between the bounds that was."""
    if effect_coin < 0.0:
        return low_coin > -effect_coin / 2.0
    return effect_coin > 0.0 and high_coin < -effect_coin / 2.0


def _price_in_doubt(one: Candidate) -> bool:
    """Whether the price that the delta is valued at is old."""
    age_ms = market.book_age_ms(one.state, one.settings.hedge_instrument, one.at_ns)
    return age_ms > one.state.limits.book_age_ms_max


def _options_coin(one: Candidate) -> float:
    """What options add to the net delta as it was valued."""
    underlying = one.underlying
    if not underlying.option_count:
        return 0.0
    return underlying.option_delta + underlying.option_gamma * (underlying.price - underlying.remark_price)
