"""Moves a hedge from one instrument to another in pairs of orders: a piece is closed, and as much is opened.

Owns the pairs. Closing comes first where the band has room, so that margin is released before it is taken; a piece is
no larger than what keeps the net delta at the inside of its band, so that no move ever leaves it. Level-triggered: what
a pair has displaced is counted from fills, not from answers, and taken back before the next piece; one order is in
flight on an underlying, by the order table as ever. When a hedge of the policy's own comes between, the delta is the
policy's and the count is 0.
"""

from typing import NamedTuple

import msgspec

from hedgebot.core import depth, forced, hedges, latches, margin_fit, order_table, switching
from hedgebot.core.candidate import Candidate
from hedgebot.core.gate import judge_move
from hedgebot.core.hedges import Way
from hedgebot.core.ledger import position_contracts
from hedgebot.core.shaping import NoLot, shape
from hedgebot.core.state import EngineState, OrderRecord, UnderlyingState
from hedgebot.core.step import REPEAT_NOTE_NS, Step
from hedgebot.core.strategy import Proposal
from hedgebot.core.switch_state import MOVE_STRATEGY, SwitchState
from hedgebot.domain.commands import DecisionCause, Mode, Outcome, RecordDecision, RecordRefusal
from hedgebot.domain.durations import NS_PER_HOUR, NS_PER_S
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.kill import KILL_STRATEGY
from hedgebot.domain.orders import Approved, OrderIntent
from hedgebot.domain.settings import FundingAction, UnderlyingSettings

CLOSING_ROOM_RATIO = 1.0 / 3.0
"""Closing comes first while the band has at least this part of the room there that it has on the other side."""

PAUSE_NS = 2_500_000_000
"""Between two pieces: the market is not chased, and a move is never taken for a strategy that repeats itself."""

UNDO_NS = 60 * NS_PER_S
"""So long the second order waits for its market, inside the band; then the first one is taken back where it was."""

UNDONE_PAUSE_NS = NS_PER_HOUR
"""After that nothing is moved for as long as a choice stands: a market that comes and goes would cost two trades each
time. What its venue is about to end is moved all the same."""


class _Trade(NamedTuple):
    """One order of a move: in which instrument, how many coins (signed; 0: it waits), and why in words.

    `second` is where the other half of its pair belongs; empty for that half itself.
    """

    way: Way
    coin: float
    why: str
    second: InstrumentId = InstrumentId("")


def advance(
    step: Step, underlying: UnderlyingState, settings: UnderlyingSettings, proposal: Proposal, delta_coin: float
) -> None:
    """Send the next order of a move, if one is due; called while the delta is inside its band."""
    state = step.state
    if settings.funding_action is not FundingAction.SWITCH or proposal.strategy == KILL_STRATEGY:
        return
    busy = order_table.order_of(state, underlying.name) or step.at_ns < underlying.retry_at_ns
    # A move keeps the band of whoever proposed it: where that one is latched off, nobody trades on its behalf.
    busy = busy or proposal.strategy in state.tripped
    if busy or state.mode is not Mode.ACTIVE or state.stopping or latches.is_frozen(state, settings):
        return
    distance = delta_coin - proposal.centre_coin
    restoring = _restoring(state, settings, proposal, distance, step.at_ns)
    switch = underlying.switch
    if restoring is not None:
        undoes = restoring.way.instrument == switch.first
        if restoring.coin and _send(step, settings, proposal, delta_coin, restoring) and undoes:
            switch.undone_at_ns = step.at_ns
    elif step.at_ns - switch.moved_at_ns >= PAUSE_NS:
        first = _first(state, settings, proposal, distance, step.at_ns)
        if first is not None and _send(step, settings, proposal, delta_coin, first):
            switch.moved_at_ns, switch.first, switch.second = step.at_ns, first.way.instrument, first.second


def on_own_fill(underlying: UnderlyingState, record: OrderRecord, moved_coin: float | None, share: float) -> None:
    """Count what a fill of ours displaced; a fill of the policy's own hedge ends the count."""
    switch = underlying.switch
    if record.intent.strategy != MOVE_STRATEGY:
        switch.displaced_coin = 0.0
        return
    switch.displaced_coin += record.intent.delta_effect_coin * share if moved_coin is None else moved_coin


def _room_coin(proposal: Proposal, distance: float, sign: int) -> float:
    """How far the delta may go in a direction until it stands at the inside of its band."""
    _, inside = proposal.edges(float(sign))
    return max(inside - distance * sign, 0.0)


def _restoring(
    state: EngineState, settings: UnderlyingSettings, proposal: Proposal, distance: float, at_ns: int
) -> _Trade | None:
    """The second order of a pair: trade back what the first one displaced."""
    underlying = state.underlyings[settings.underlying]
    displaced = underlying.switch.displaced_coin
    if not displaced:
        return None
    side = Side.of(-displaced)
    # Sums of floats: without rounding a lot would be lost to the last bit.
    coin = round(min(abs(displaced), _room_coin(proposal, distance, side.sign)), 9)
    way = _second_way(state, settings, coin * side.sign, at_ns) if coin else None
    if way is None or way.instrument not in state.instruments or coin < hedges.least_coin(state, settings):
        return None
    if not hedges.is_open(state, settings, way.instrument, at_ns):
        return _Trade(way, 0.0, f"{way.instrument} cannot be traded now")
    return _Trade(way, coin * side.sign, f"the other half of a pair, on {way.instrument}")


def _second_way(state: EngineState, settings: UnderlyingSettings, coin: float, at_ns: int) -> Way:
    """Where the second order of a pair belongs, `coin` signed: its own instrument, unless that stays away.

    The best way of a hedge is not asked first: of what is held it would close the dearest, and that may be what the
    pair has just opened because the other one must be left.
    """
    switch = state.underlyings[settings.underlying].switch
    second, best = switch.second, hedges.ways(state, settings, coin, at_ns)[0]
    if second not in settings.hedge_instruments or second not in state.instruments:
        return best
    late = at_ns - switch.moved_at_ns >= UNDO_NS
    if late and not hedges.is_open(state, settings, second, at_ns):
        return best
    held = position_contracts(state, settings.hedge_account, second)
    # What the pair leaves is only closed; where less than that is left of it, somebody closed it meanwhile.
    closes = held * Side.of(coin).sign < 0
    if not closes and second not in {hedges.opened(state, settings, one) for one in Side}:
        return best
    return Way(second, abs(held) if closes else None, "the other half of a pair")


def _first(
    state: EngineState, settings: UnderlyingSettings, proposal: Proposal, distance: float, at_ns: int
) -> _Trade | None:
    """The first order of a pair: a piece of what stands in an instrument that is not the chosen one.

    It is closed where the band has room for that. After a hedge the delta stands at the inside of its band: then as
    much is opened first, if the margin allows it.
    """
    for hedge, coins in hedges.held_coins(state, settings).items():
        if not coins:
            continue
        held = Side.of(coins)
        target = hedges.opened(state, settings, held)
        why = _why_move(state, settings, hedge, target, held, at_ns)
        if not why:
            continue
        least = hedges.least_coin(state, settings)
        closing, opening = (_room_coin(proposal, distance, sign) for sign in (-held.sign, held.sign))
        coin = min(abs(coins), closing)
        if closing >= opening * CLOSING_ROOM_RATIO and coin >= least:
            contracts = abs(position_contracts(state, settings.hedge_account, hedge))
            way = Way(hedge, contracts, "a move closes it")
            return _Trade(way, -coin * held.sign, f"close {hedge}: {why}", target)
        coin = min(abs(coins), opening)
        if coin >= least:
            return _Trade(Way(target, None, "a move opens it"), coin * held.sign, f"open {target}: {why}", hedge)
    return None


def _why_move(
    state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, target: InstrumentId, held: Side, at_ns: int
) -> str:
    """Why a hedge is moved, in words; empty where it stands right, or where moving is dearer than staying."""
    known = hedge in hedges.choices(settings, held) and target in state.instruments
    if hedge == target or not known:
        return ""
    if not all(hedges.is_open(state, settings, one, at_ns) for one in (hedge, target)):
        # A piece that cannot be closed must not be opened elsewhere either.
        return ""
    if forced.must_wait(state, settings, target, at_ns):
        return ""
    ends = switching.delivers_soon(state, settings, hedge, at_ns)
    undone_at_ns = state.underlyings[settings.underlying].switch.undone_at_ns
    if undone_at_ns and at_ns - undone_at_ns < UNDONE_PAUSE_NS and not ends:
        return ""
    now = switching.holding_cost_day(state, settings, hedge, held, at_ns)
    then = switching.opening_cost_day(state, settings, target, held, at_ns)
    if then is None or switching.must_leave(state, settings, target, held, at_ns):
        return ""
    left = switching.must_leave(state, settings, hedge, held, at_ns)
    # Rates that swing around their limit change the choice of new hedges only: what stands would pay for every swing.
    if left and (ends or switching.stands(state, settings, held, at_ns)):
        return left
    if now is None:
        return ""
    saving = now - then
    price = switching.trade_cost(state, settings, hedge) + switching.trade_cost(state, settings, target)
    # What must be left soon is left anyway: until then alone it is saved, and a basis that swings near its end is none.
    days = min(switching.hold_days(state, settings, one, at_ns) for one in (hedge, target))
    worth = saving >= settings.funding_saving_day_min and saving * days >= price
    return f"{target} saves {saving:.3%} a day" if worth else ""


def _send(step: Step, settings: UnderlyingSettings, proposal: Proposal, delta_coin: float, trade: _Trade) -> bool:
    """Shape, fit to the margin, judge and send; True when an order left."""
    state, way, underlying = step.state, trade.way, step.state.underlyings[settings.underlying]
    rules, quote = state.instruments[way.instrument], state.quotes.get(way.instrument)
    mid = quote.mid if quote else None
    if mid is None:
        return False
    asked = msgspec.structs.replace(proposal, strategy=MOVE_STRATEGY, reason=trade.why)
    shaped = shape(state, settings, way, mid, asked, trade.coin, step.at_ns)
    fitted = shaped if isinstance(shaped, NoLot) else margin_fit.fit(state, settings, rules, shaped, step.at_ns)
    if isinstance(fitted, NoLot):
        return False
    intent = fitted.intent
    # Where this order is meant to bring the delta: the breakers judge its fills by that.
    meant = delta_coin + intent.delta_effect_coin
    verdict = judge_move(
        Candidate.of(
            state,
            settings,
            intent,
            step.at_ns,
            delta_coin=delta_coin,
            centre_coin=proposal.centre_coin,
            effect=fitted.effect,
        )
    )
    if not isinstance(verdict, Approved):
        if _is_news(step, underlying.switch, verdict.check.rule):
            state.totals.refusals += 1
            step.emit(RecordRefusal(refused=verdict, left_out=underlying.switch.left_out))
            underlying.switch.left_out = 0
        return False
    client_id = order_table.send(step, verdict, arrival_mid=float(mid), delta_before_coin=delta_coin, centre_coin=meant)
    step.decided(underlying, _decision(step, settings, proposal, delta_coin, intent, client_id))
    return True


def _is_news(step: Step, switch: SwitchState, rule: str) -> bool:
    """Whether a refused order of a move is worth a journal row: inside the band it is tried at every look.

    What is not is counted, and told with the next row.
    """
    if switch.refused == rule and step.at_ns - switch.refused_at_ns < REPEAT_NOTE_NS:
        switch.left_out += 1
        return False
    switch.refused, switch.refused_at_ns = rule, step.at_ns
    return True


def _decision(
    step: Step,
    settings: UnderlyingSettings,
    proposal: Proposal,
    delta_coin: float,
    intent: OrderIntent,
    client_id: str,
) -> RecordDecision:
    state, at_ns = step.state, step.at_ns
    held = Side.of(hedges.held_coin(state, settings) or -intent.delta_effect_coin)
    choices = hedges.choices(settings, held)
    costs = {f"cost_day {one}": switching.cost_day(state, settings, one, held, at_ns) for one in choices}
    if settings.hedge_basis_vols_day:
        costs |= {f"basis_risk_day {one}": switching.basis_risk_day(state, settings, one, held) for one in choices}
    costs |= {f"trade_cost_ratio {one}": switching.trade_cost(state, settings, one) for one in choices}
    return RecordDecision(
        underlying=settings.underlying,
        strategy=MOVE_STRATEGY,
        outcome=Outcome.HEDGE,
        cause=DecisionCause.FUNDING,
        delta_coin=delta_coin,
        target_coin=proposal.centre_coin,
        band_coin=proposal.trigger_coin,
        band_below_coin=proposal.below[0] if proposal.below is not None else None,
        trade_coin=intent.delta_effect_coin,
        residual_coin=0.0,
        client_id=client_id,
        explanation=(
            f"{intent.reason}: {intent.side} {intent.qty_contracts} at {intent.limit_price} or better, inside the band"
        ),
        evidence={
            "at_ns": at_ns,
            "displaced_coin": state.underlyings[settings.underlying].switch.displaced_coin,
            "chosen": hedges.opened(state, settings, held),
            **costs,
            **depth.evidence(state, intent.instrument, intent.side, intent.qty_contracts),
        },
    )
