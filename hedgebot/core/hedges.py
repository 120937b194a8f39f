"""The instruments that an underlying is hedged with: what stands in each, and in which one the next hedge is traded.

Owns the choice and the cap on hedges that stand against each other. Deltas are in coin, long positive; costs are ratios
of notional, positive when paid. Must not know why something is hedged, nor how an order is made.

What is held is reduced before anything is opened elsewhere, unless that is dearer over the days that a hedge is held
(hedging reference section 9.2): reducing A by one coin saves A's own closing and its carry, opening B costs two trades
and B's carry. So A comes first while -carry_A * days <= 2 * cost_B + carry_B * days. Where the opposed part would grow
beyond its cap, A always comes first.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from hedgebot.core import costs, depth, forced, limits, market, shut
from hedgebot.core.exposure import depends_on_price
from hedgebot.core.ledger import position_contracts
from hedgebot.core.state import EngineState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.durations import NS_PER_DAY
from hedgebot.domain.instrument import Instrument, InstrumentId, Side
from hedgebot.domain.settings import FundingAction, HedgeRole, UnderlyingSettings

_DAYS_MIN = 1.0
"""What is left of a basis near its end is paid once, not once an hour: a day of it costs no more than all of it."""

_BPS = 1e-4
_SLACK = 0.01
"""The instruments' own prices differ from the underlying's by a basis."""


class Way(NamedTuple):
    """One way to trade a hedge; `contracts_max` None: as much as is wanted, else it only shrinks what is held."""

    instrument: InstrumentId
    contracts_max: Decimal | None
    why: str


def hedged_by(state: EngineState, instrument: InstrumentId) -> UnderlyingSettings | None:
    """Settings of the underlying that an instrument hedges; None when it hedges none."""
    for one in state.settings.underlyings:
        if instrument in one.hedge_instruments:
            return one
    return None


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
    return sum(held_coins(state, settings).values(), 0.0)


def least_coin(state: EngineState, settings: UnderlyingSettings) -> float:
    """The delta of the smallest order that every one of them takes, its limit as far from the price as it may be."""
    price = state.underlyings[settings.underlying].price * (1.0 - settings.collar_bps * _BPS - _SLACK)
    known = (state.instruments.get(one) for one in settings.hedge_instruments)
    return max(rules.least_coin(price) for rules in known if rules is not None)


def opposed_coin(coins: dict[InstrumentId, float]) -> float:
    """What of the hedges stands against each other: the smaller of all longs and all shorts."""
    return min(sum(max(one, 0.0) for one in coins.values()), sum(max(-one, 0.0) for one in coins.values()))


def choices(settings: UnderlyingSettings, side: Side) -> tuple[InstrumentId, ...]:
    """The instruments that hedges of a side may be opened in, the operator's preferred one first."""
    if settings.funding_action is not FundingAction.SWITCH:
        return (settings.opened_with(side),)
    others = (one.instrument for one in settings.other_hedges if one.role is HedgeRole.ALTERNATIVE)
    return (settings.opened_with(side), *others)


def opened(state: EngineState, settings: UnderlyingSettings, side: Side) -> InstrumentId:
    """The instrument in which a hedge of that side is opened now: the chosen one, where they may be switched."""
    allowed, underlying = choices(settings, side), state.underlyings.get(settings.underlying)
    chosen = underlying.switch.chosen.get(side.value) if underlying else None
    return chosen if chosen in allowed else allowed[0]


def in_use(state: EngineState, settings: UnderlyingSettings) -> tuple[InstrumentId, ...]:
    """The instruments that the hedge depends on: all, but for alternatives that are neither held nor chosen."""
    if not settings.other_hedges:
        return settings.hedge_instruments
    chosen = {opened(state, settings, side) for side in Side}
    return tuple(
        one.instrument
        for one in settings.hedge_legs
        if one.role is not HedgeRole.ALTERNATIVE
        or one.instrument in chosen
        or position_contracts(state, settings.hedge_account, one.instrument)
    )


def stale(state: EngineState, settings: UnderlyingSettings, at_ns: int) -> list[InstrumentId]:
    """Those of them whose book is not fresh and should be."""
    return _older(state, settings, at_ns, market.book_age_ms, state.limits.book_age_ms_max)


def unmarked(state: EngineState, settings: UnderlyingSettings, at_ns: int) -> list[InstrumentId]:
    """The same for marks: without one nothing is opened on a book, however fresh it is."""
    return _older(state, settings, at_ns, market.mark_age_ms, state.limits.mark_age_ms_max)


def _older(
    state: EngineState,
    settings: UnderlyingSettings,
    at_ns: int,
    age_ms: Callable[[EngineState, InstrumentId, int], int],
    age_ms_max: int,
) -> list[InstrumentId]:
    return [
        one
        for one in in_use(state, settings)
        if age_ms(state, one, at_ns) > age_ms_max and owes_market(state, settings, one)
    ]


def owes_market(state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId) -> bool:
    """Whether a hedge must have a market now: one that its venue does not trade owes none.

    The gate asks nothing of it either where another is traded, unless the delta is valued at its price.
    """
    valued_at = hedge == settings.hedge_instrument and depends_on_price(state.underlyings[settings.underlying])
    return valued_at or not shut.status(state, hedge)


def ways(state: EngineState, settings: UnderlyingSettings, trade_coin: float, at_ns: int) -> tuple[Way, ...]:
    """How a wanted trade (signed coin, not zero) can be made, the best way first; never empty.

    A way that its market does not allow now stands behind those that it does.
    """
    side = Side.of(trade_coin)
    opened_in = opened(state, settings, side)
    opening = Way(opened_in, None, f"it is what {'long' if side is Side.BUY else 'short'} hedges are opened in")
    if not settings.other_hedges:
        return (opening,)
    coins = held_coins(state, settings)
    against = [one for one, held in coins.items() if held * side.sign < 0.0]
    # Where instruments may be switched, what is not chosen stands behind: a market that is shut stops no hedge.
    main, *others = choices(settings, side)
    behind = [Way(one, None, "what is chosen cannot be traded now") for one in (*others, main) if one != opened_in]
    if against == [opened_in] and not behind:
        return (opening,)
    after = coins | {opened_in: coins.get(opened_in, 0.0) + trade_coin}
    capped = opposed_coin(after) > max(settings.opposed_coin_max, opposed_coin(coins))
    first, later = [], []
    for one in sorted(against, key=lambda leg: _kept_ratio(state, settings, leg, trade_coin, at_ns)):
        contracts = abs(position_contracts(state, settings.hedge_account, one))
        dearer = _dearer_by(state, settings, one, opened_in, trade_coin, at_ns)
        if capped or dearer <= 0.0:
            why = "it reduces what is held" + (" (opposed hedges are at their cap)" if capped and dearer > 0.0 else "")
            first.append(Way(one, contracts, why))
        else:
            later.append(Way(one, contracts, f"reducing it is {dearer / _BPS:.1f} bps dearer"))
    found = [*first, opening, *later, *behind]
    return tuple(sorted(found, key=lambda way: not _is_usable(state, settings, way, at_ns)))


def opposition_limit_coin(state: EngineState, settings: UnderlyingSettings) -> float:
    """The operator's cap, or what is too little to be traded away if that is more."""
    price, dust = state.underlyings[settings.underlying].price, 0.0
    for one in held_coins(state, settings):
        rules, held = state.instruments[one], abs(position_contracts(state, settings.hedge_account, one))
        dust += abs(rules.delta_coin(float(_dust(rules, held, price)), price))
    return max(settings.opposed_coin_max, dust)


def opposed_after_coin(state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, effect: float) -> float:
    """What would stand against each other once a hedge instrument's delta changed by `effect`."""
    coins = held_coins(state, settings)
    return opposed_coin(coins | {hedge: coins.get(hedge, 0.0) + effect})


def watch(step: Step) -> None:
    """Hold an alert up for each underlying whose hedges stand against each other beyond the cap."""
    for settings in step.state.settings.underlyings:
        if not settings.other_hedges:
            continue
        opposed = opposed_coin(held_coins(step.state, settings))
        limit, name = opposition_limit_coin(step.state, settings), settings.underlying
        problem = f"hedges of {name} stand against each other beyond opposed_coin_max = {settings.opposed_coin_max:g}"
        step.check(AlertKind.HEDGES_OPPOSED, name, problem if opposed > limit * (1.0 + 1e-9) else "")


def carry_day(state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, at_ns: int) -> float | None:
    """What a long in a hedge instrument pays a day as a ratio of its notional; None while that is not known.

    Funding of a perpetual; of a dated future its basis over the days that are left, all of it on the last one; spot
    carries nothing here.
    """
    rules, quote = state.instruments.get(hedge), state.quotes.get(hedge)
    if rules is None:
        return None
    if rules.kind.is_perp:
        return limits.funding_ratio_day(state, hedge, at_ns)
    if rules.expiry_ns is None:
        return 0.0
    mid = quote.mid if quote else None
    spot = float(quote.newest_index) if quote and quote.newest_index else state.underlyings[settings.underlying].price
    if mid is None or spot <= 0.0:
        return None
    return (float(mid) / spot - 1.0) / max((rules.expiry_ns - at_ns) / NS_PER_DAY, _DAYS_MIN)


def held_cost_ratio(
    state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, trade_coin: float, at_ns: int
) -> float:
    """What so many coins (signed) cost as a ratio of notional, opened and closed again and held meanwhile.

    2 kappa + (carry + what the risk of its basis is worth) * days (hedging reference section 9.2); an unknown carry
    counts for nothing.
    """
    trading = 2.0 * costs.one_way(state, settings, hedge, trade_coin).ratio
    return trading + _kept_ratio(state, settings, hedge, trade_coin, at_ns)


def _dearer_by(
    state: EngineState,
    settings: UnderlyingSettings,
    held: InstrumentId,
    opened: InstrumentId,
    trade_coin: float,
    at_ns: int,
) -> float:
    """By how much it is dearer to reduce one instrument than to open another; an unknown carry counts for nothing."""
    opening = held_cost_ratio(state, settings, opened, trade_coin, at_ns)
    return _kept_ratio(state, settings, held, trade_coin, at_ns) - opening


def _kept_ratio(
    state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, trade_coin: float, at_ns: int
) -> float:
    """What so many coins (signed) cost until the hedge is over: carry, and the risk of the basis.

    Below zero for what reduces a position that pays, or whose basis is a risk.
    """
    carry = Side.of(trade_coin).sign * (carry_day(state, settings, hedge, at_ns) or 0.0)
    risk = basis_risk_day(state, settings, hedge, trade_coin)
    return (carry + risk) * _carried_days(state, settings, hedge, at_ns)


def basis_risk_day(state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, trade_coin: float) -> float:
    """What a trade (signed coins) adds to the risk of a basis beside what is held there, a day, of its notional."""
    if not settings.hedge_basis_vols_day:
        return 0.0
    return costs.basis_risk_day(state, settings, hedge, trade_coin, held_coins(state, settings).get(hedge, 0.0))


def _carried_days(state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, at_ns: int) -> float:
    """For how many days a hedge carries: while it is held, and a dated future no longer than its basis is there."""
    rules = state.instruments.get(hedge)
    if rules is None or rules.expiry_ns is None:
        return settings.hedge_hold_days
    return min(settings.hedge_hold_days, max((rules.expiry_ns - at_ns) / NS_PER_DAY, _DAYS_MIN))


def _is_usable(state: EngineState, settings: UnderlyingSettings, way: Way, at_ns: int) -> bool:
    """Whether the gate would take its order: nothing is opened yet in what the venue closed by force of late."""
    opens_struck = way.contracts_max is None and forced.must_wait(state, settings, way.instrument, at_ns)
    return not opens_struck and is_open(state, settings, way.instrument, at_ns)


def is_open(state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, at_ns: int) -> bool:
    """Whether the gate would take an order on its market as it stands, and the market itself an order of late."""
    rules, quote = state.instruments.get(hedge), state.quotes.get(hedge)
    if (
        rules is None
        or quote is None
        or quote.book_problem
        or quote.ticker_problem
        or shut.is_avoided(state, hedge, at_ns)
    ):
        return False
    spread = market.spread_bps(quote)
    if spread is None or spread > settings.spread_bps_max or depth.is_unknown(rules, quote):
        return False
    gap_bps = market.gap_bps(state, rules, at_ns)
    if gap_bps is None or gap_bps > state.limits.book_mark_gap_bps_max:
        return False
    mark_ms = max(market.mark_age_ms(state, hedge, at_ns), market.index_age_ms(state, hedge, at_ns))
    book_ms, at_most = market.book_age_ms(state, hedge, at_ns), state.limits
    return book_ms <= at_most.book_age_ms_max and mark_ms <= at_most.mark_age_ms_max


def _dust(rules: Instrument, contracts: Decimal, price: float) -> Decimal:
    """What the venue takes no closing order for: what is left of whole lots, or all where those are too little."""
    whole = rules.floor_qty(contracts)
    too_small = rules.notional_quote(whole, Decimal(repr(price))) < rules.min_notional_quote
    return contracts if too_small else contracts - whole
