"""What of a configuration's strategies hedges nothing, or does nothing beside the others.

Owns the sentences. Asks the strategies themselves, in their order, at the reference price of a budget: nothing is known
of the market yet. Decides nothing: a daemon whose `end_at` has passed still starts, and watches.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from hedgebot.core.strategy import Proposal, UnderlyingView
from hedgebot.daemon.plugins import load_strategy
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.settings import BUDGET, CAP, REFERENCE_PRICE, EngineSettings, StrategySettings, UnderlyingSettings


class _Asked(NamedTuple):
    """A strategy, the band before it, the band after it, and the one that it makes alone."""

    by: StrategySettings
    before: Proposal | None
    after: Proposal | None
    alone: Proposal | None


def unhedged(settings: EngineSettings, now_ns: int) -> list[str]:
    """One sentence for each underlying whose enabled strategies keep no band of it."""
    found = []
    for one in settings.underlyings:
        asked = list(_asked(settings, one, now_ns))
        if asked and asked[-1].after is None:
            now = datetime.fromtimestamp(now_ns // NS_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            found.append(
                f"nothing hedges {one.underlying}: the strategies {', '.join(each.by.name for each in asked)} keep no "
                f"band of it at {now}; name one that makes a band first, and an end_at that is later"
            )
    return found


def option_doubts(settings: EngineSettings, now_ns: int) -> list[str]:
    """One sentence for each option of a strategy that does nothing."""
    found = []
    for one in settings.underlyings:
        asked = list(_asked(settings, one, now_ns))
        for each in asked:
            found += [_replaced(each, one.underlying), _capped(each)]
        if asked and (band := asked[-1].after) is not None:
            found.append(_never_waits([each.by for each in asked], band))
    return [told for told in dict.fromkeys(found) if told]


def _asked(settings: EngineSettings, underlying: UnderlyingSettings, now_ns: int) -> Iterator[_Asked]:
    chosen = [one for one in settings.strategies if one.enabled and underlying.underlying in one.underlyings]
    prices = [price for one in chosen if isinstance(price := one.params.get(REFERENCE_PRICE), int | float)]
    view = UnderlyingView(
        at_ns=now_ns,
        delta_coin=0.0,
        gamma_coin_per_usd=0.0,
        price_usd=float(prices[0]) if prices else 1.0,
        settings=underlying,
    )
    before: Proposal | None = None
    for one in chosen:
        strategy = load_strategy(one)
        after = strategy.propose(view, before)
        yield _Asked(one, before, after, strategy.propose(view, None))
        before = after


def _replaced(one: _Asked, underlying: str) -> str:
    """A strategy that makes the same band whatever was before it."""
    if one.before is None or one.after is None or one.alone is None:
        return ""
    if any(one.after.edges(side) != one.alone.edges(side) for side in (-1.0, 1.0)):
        return ""
    lost = f", nor does its {BUDGET}" if one.before.risk_aversion else ""
    return (
        f"strategies.{one.by.name} makes a band of {underlying} of its own: that of {one.before.strategy} before it "
        f"does nothing{lost}; enable one of them"
    )


def _capped(one: _Asked) -> str:
    """A cap that the narrowest band is above: the floor wins."""
    cap = one.by.params.get(CAP)
    if one.alone is None or not isinstance(cap, int | float) or one.alone.trigger_coin <= cap * (1.0 + 1e-9):
        return ""
    return (
        f"strategies.{one.by.name}.params.{CAP} is {cap:g}, below the narrowest band that its budget gives "
        f"({one.alone.trigger_coin:.3g} coins): the floor wins, the cap does nothing; give a larger one, or a smaller "
        f"{BUDGET}"
    )


def _never_waits(asked: list[StrategySettings], band: Proposal) -> str:
    """A hard edge inside the band: whatever leaves the band is beyond it, and waits for nothing."""
    edge_coin = min(band.edges(1.0)[0], band.edges(-1.0)[0])
    hard_coin = band.patience.hard_coin if band.patience is not None else None
    if hard_coin is None or hard_coin > edge_coin:
        return ""
    by = next((one.name for one in reversed(asked) if one.params.get("hard_coin") == hard_coin), "patience")
    where = " at its reference conditions" if band.risk_aversion else ""
    return (
        f"strategies.{by}.params.hard_coin is {hard_coin:g}, not beyond the band's edge of {edge_coin:.3g} coins{where}"
        ": whatever leaves the band is hedged at once, waiting (dwell_s and the like) does nothing"
    )
