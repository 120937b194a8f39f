"""Breakers: what our own orders did, held against what they were meant to do. Owns the counts; never trades.

Five of them (safety reference section 11; the incidents are Knight 2012 and the peers' frozen position feed):

- effectiveness: a second fill within an hour that raises the distance from the target, or moves the delta otherwise
  than its intent said, halts the book; good fills between them excuse nothing. Delta is taken at one price before and
  after the fill, so that the market does not count. Less than a lot may be rounding, once: what fills raise beyond
  what those after them lower is added up, so that no size of order or of partial fill is too small to count;
- volume: all our hedging together may not exceed what others and the market moved, times a ratio, and the way that the
  strategies' target went. A target that swings to and fro allows its range once, not each swing;
- duplicates: the same order for the same cause within a second is refused: where the fills of the one before moved
  nothing, or the delta stands where it stood before them although nobody else traded;
- repeats: too many orders on one side within a window latch the strategy off until an operator enables it again. The
  pieces of one large hedge count once, also those of a thin book: each is judged by what its fills did;
- refusals: so do too many in a row of what the venue refuses because of the order itself.
"""

from decimal import Decimal

from hedgebot.core import canary, shut
from hedgebot.core.exposure import depends_on_price, net_delta_coin
from hedgebot.core.policy import edges
from hedgebot.core.state import Efficacy, EngineState, OrderRecord, UnderlyingState, settings_of
from hedgebot.core.step import Step
from hedgebot.core.switch_state import MOVE_STRATEGY
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import OrderIntent

VOLUME_RULE = "hedge_volume_coin"
INEFFECTIVE_FILLS_MAX = 2
INEFFECTIVE_WINDOW_NS = 3_600 * 1_000_000_000
"""A sound build has no bad fill at all; an hour keeps two accidents of different days apart."""

MISS_RATIO_MAX = 0.1
"""How far a fill may move the delta from what its intent said: an inverse contract's coins depend on its price."""

MISS_LOTS_MAX = 0.5
"""So far it may always: rounding. Less than a lot, or fills of one lot that move nothing would never count."""

ASTRAY_LOTS_MAX = 1.0 - 1e-6
"""So far from its target rounding may lead: hedges are cut to whole lots. The last digits are those of floats."""

HALF_LIFE_NS = 300 * 1_000_000_000
DUPLICATE_WINDOW_NS = 1_000_000_000
CLIP_DRIFT_RATIO_MAX = 0.5
"""An order after one that filled belongs to the same hedge while at most this part of what is wanted is newer drift."""


def on_sent(step: Step, record: OrderRecord) -> None:
    """Count an order that leaves, and what moved the delta since the one before."""
    intent = record.intent
    efficacy = step.state.underlyings[intent.underlying].efficacy
    if not goes_on(step.state, intent, record.delta_before_coin):
        _count_repeat(step, intent)
    _decay(efficacy, step.at_ns)
    efficacy.drift_coin += _drift_coin(efficacy, record.delta_before_coin, record.centre_coin)
    if intent.strategy != MOVE_STRATEGY:
        efficacy.target_low_coin, efficacy.target_high_coin = _target_range(efficacy, record.centre_coin)
    efficacy.left_coin, efficacy.newest_order = record.delta_before_coin, record.client_id
    record.foreign_fills = _foreign_fills(step.state)


def on_own_fill(step: Step, record: OrderRecord, moved_coin: float | None, share: float) -> None:
    """Judge a fill of ours that was just booked. `share` is its part of the order's quantity.

    `moved_coin` is what it did to the net delta; None while there is no price yet:
    then it counts for what it was meant to do, and is not judged.
    """
    judged = moved_coin is not None and record.arrival_mid
    moved_coin = record.intent.delta_effect_coin * share if moved_coin is None else moved_coin
    record.moved_coin += moved_coin
    efficacy = step.state.underlyings[record.intent.underlying].efficacy
    if record.intent.strategy != MOVE_STRATEGY:
        # A move between two instruments answers no drift: it is bounded by what it closes (moving.py).
        efficacy.hedged_coin += abs(moved_coin)
    if efficacy.newest_order == record.client_id:
        efficacy.left_coin = record.delta_before_coin + record.moved_coin
    if not judged:
        # Restored from the journal alone (what it was decided on is not known), or without a price to measure at.
        return
    problem = _fill_problem(step.state, record, moved_coin, share)
    step.check(AlertKind.HEDGE_INEFFECTIVE, record.intent.underlying, problem)
    if not problem:
        return
    since_ns = step.at_ns - INEFFECTIVE_WINDOW_NS
    # The halt bounds the list: it is emptied by the operator who takes the halt back.
    efficacy.bad_fills_ns = [one for one in efficacy.bad_fills_ns if one >= since_ns][-INEFFECTIVE_FILLS_MAX:]
    efficacy.bad_fills_ns.append(step.at_ns)
    if len(efficacy.bad_fills_ns) >= INEFFECTIVE_FILLS_MAX:
        minutes = INEFFECTIVE_WINDOW_NS // 60_000_000_000
        why = f"{len(efficacy.bad_fills_ns)} fills within {minutes} minutes did not hedge: {problem}"
        step.halt(why, f"effectiveness:{record.intent.underlying}")


def forgive(state: EngineState) -> None:
    """Forget bad fills: an operator has gone through the checklist."""
    for underlying in state.underlyings.values():
        underlying.efficacy.bad_fills_ns, underlying.efficacy.astray_lots = [], 0.0


def on_rejected(step: Step, record: OrderRecord) -> None:
    """Latch a strategy off whose orders are refused again and again."""
    underlying = step.state.underlyings[record.intent.underlying]
    limit = step.state.limits.order_rejects_max
    if underlying.refusals >= limit:
        trip(step, record.intent.strategy, f"{underlying.refusals} orders on {underlying.name} in a row were refused")


def trip(step: Step, strategy: str, why: str) -> None:
    """Latch a strategy off: only an operator's `enable` lets it trade again, whatever is restarted or configured."""
    if strategy in step.state.tripped:
        return
    step.state.tripped[strategy] = why
    step.alert(AlertKind.ORDER_REJECTED, strategy, f"strategy {strategy} is latched off: {why}")


def rearm(step: Step, strategy: str) -> None:
    """Let a strategy trade again; its counts start anew."""
    state = step.state
    if state.tripped.pop(strategy, None) is None:
        return
    for key in [one for one in state.repeats if one.startswith(f"{strategy}|")]:
        del state.repeats[key]
    for underlying in state.underlyings.values():
        underlying.rejects = underlying.refusals = 0
    shut.forgive(state)
    step.resolve(AlertKind.ORDER_REJECTED, strategy)


def volume_coin(state: EngineState, underlying: UnderlyingState, intent: OrderIntent) -> float:
    """Our hedging on an underlying with this order filled, in coins of absolute delta."""
    return _decayed(underlying.efficacy, state.at_ns).hedged_coin + abs(intent.delta_effect_coin)


def volume_limit_coin(state: EngineState, underlying: UnderlyingState, delta_coin: float, centre_coin: float) -> float:
    """What our hedging may come to: the drift times its ratio, and one order for what came before the counting.

    Where the target went is no drift, it was meant: that way is allowed beside it, once.
    """
    efficacy = _decayed(underlying.efficacy, state.at_ns)
    drift = efficacy.drift_coin + _drift_coin(efficacy, delta_coin, centre_coin)
    low, high = _target_range(efficacy, centre_coin)
    settings = settings_of(state, underlying.name)
    allowance = settings.order_qty_coin_max if settings else 0.0
    return drift * state.limits.hedge_volume_ratio_max + allowance + high - low


def duplicate_of(state: EngineState, intent: OrderIntent, delta_coin: float, at_ns: int) -> str:
    """Client id of an order of the last second that this one would repeat: same instrument, side, size and cause."""
    for twin in reversed(state.orders.values()):
        if at_ns - twin.sent_at_ns > DUPLICATE_WINDOW_NS:
            break
        if twin.intent.underlying != intent.underlying or twin.filled_contracts == ZERO:
            # One that lives holds the slot (the gate's rule for it); one that ended so was proven to have done nothing.
            continue
        if twin.intent.delta_effect_coin * intent.delta_effect_coin < 0.0:
            # A hedge the other way is a trade that brings the delta back: what comes after it has that for its cause.
            break
        if _traded(twin.intent) == _traded(intent) and _same_cause(state, twin, delta_coin):
            return twin.client_id
    return ""


def _traded(intent: OrderIntent) -> tuple[InstrumentId, Side, Decimal]:
    return intent.instrument, intent.side, intent.qty_contracts


def _same_cause(state: EngineState, twin: OrderRecord, delta_coin: float) -> bool:
    """Whether an order would answer what a filled one answered already.

    Its fills moved nothing, or the delta stands where it stood before them and neither a trade of others nor the market
    brought it back. What they lowered, as the clips of one large hedge do, leaves the next one a cause of its own.
    """
    meant_coin = abs(twin.intent.delta_effect_coin * float(twin.filled_contracts / twin.intent.qty_contracts))
    if abs(twin.moved_coin) <= MISS_RATIO_MAX * meant_coin:
        return True
    quote = state.quotes[twin.intent.instrument]
    moves = depends_on_price(state.underlyings[twin.intent.underlying])
    still = not moves or (quote.mid is not None and float(quote.mid) == twin.arrival_mid)
    alone = twin.foreign_fills == _foreign_fills(state)
    return still and alone and abs(delta_coin - twin.delta_before_coin) <= MISS_RATIO_MAX * meant_coin


def _foreign_fills(state: EngineState) -> int:
    """Executions of others that are booked."""
    return state.totals.fills - state.totals.own_fills


def measured_delta_coin(underlying: UnderlyingState) -> float | None:
    """Net delta as far as it can be compared before and after a fill; None without a price.

    An option that is not quoted yet is missing on both sides alike.
    """
    return net_delta_coin(underlying) if underlying.price > 0.0 else None


def _fill_problem(state: EngineState, record: OrderRecord, moved_coin: float, share: float) -> str:
    intent = record.intent
    meant_coin = intent.delta_effect_coin * share
    rules = state.instruments[intent.instrument]
    lot_coin = float(rules.lot_size * rules.contract_size)
    if rules.kind.is_inverse:
        lot_coin /= record.arrival_mid
    away_coin = _away_coin(record, moved_coin)
    efficacy = state.underlyings[intent.underlying].efficacy
    astray_lots = max(efficacy.astray_lots + away_coin / lot_coin, 0.0)
    # What was counted stays one lot, so that the next fill in that way counts as well and one that hedges ends it.
    efficacy.astray_lots = min(astray_lots, 1.0)
    if away_coin > 0.0 and astray_lots >= ASTRAY_LOTS_MAX:
        return (
            f"order {record.client_id} brought the delta of {intent.underlying} from "
            f"{record.delta_before_coin:+.4f} to {record.delta_before_coin + record.moved_coin:+.4f}, "
            f"away from {record.centre_coin:+g}: with the fills before it by {astray_lots:.3g} lots"
        )
    if abs(moved_coin - meant_coin) > max(MISS_RATIO_MAX * abs(meant_coin), MISS_LOTS_MAX * lot_coin):
        return (
            f"a fill of order {record.client_id} moved the delta of {intent.underlying} by {moved_coin:+.4f}, "
            f"it was meant to move it by {meant_coin:+.4f}"
        )
    return ""


def _away_coin(record: OrderRecord, moved_coin: float) -> float:
    """How far a fill led away from its order's target, against where it was decided; negative: nearer to it.

    What leaves the order nearer than it began does not lead away, also where it went beyond its target and back.
    """
    began = abs(record.delta_before_coin - record.centre_coin)
    after = _distance_coin(record) - began
    before = abs(record.delta_before_coin + record.moved_coin - moved_coin - record.centre_coin) - began
    return after - before if after <= before else max(after, 0.0) - max(before, 0.0)


def _distance_coin(record: OrderRecord) -> float:
    """How far from its target an order's fills left the delta that it was decided on."""
    return abs(record.delta_before_coin + record.moved_coin - record.centre_coin)


def _repeat_key(strategy: str, instrument: InstrumentId, side: Side) -> str:
    return f"{strategy}|{instrument}|{side}"


def _count_repeat(step: Step, intent: OrderIntent) -> None:
    limits = step.state.limits
    key = _repeat_key(intent.strategy, intent.instrument, intent.side)
    moments = step.state.repeats.setdefault(key, [])
    moments.append(step.at_ns)
    since_ns = step.at_ns - limits.repeat_window_ms * NS_PER_MS
    # Never more than one over the limit is kept: the list is bounded by the limit.
    step.state.repeats[key] = kept = [one for one in moments if one >= since_ns]
    if len(kept) > canary.pieces(step.state, limits.repeat_orders_max):
        seconds = limits.repeat_window_ms / 1_000
        trip(step, intent.strategy, f"{len(kept)} {intent.side} orders on {intent.instrument} within {seconds:g} s")


def repeats(state: EngineState, strategy: str, instrument: InstrumentId, at_ns: int) -> int:
    """Hedges of a strategy on an instrument within the throttle's window, both sides together."""
    since_ns = at_ns - state.limits.repeat_window_ms * NS_PER_MS
    kept = [state.repeats.get(_repeat_key(strategy, instrument, side), []) for side in Side]
    return sum(moment >= since_ns for moments in kept for moment in moments)


def goes_on(state: EngineState, intent: OrderIntent, delta_coin: float) -> bool:
    """Whether an order only goes on with a hedge that was larger than one order may be, or than its book gave.

    The one before filled, whole or as far as the book went, and brought the delta nearer to its target; what is wanted
    now is mostly what it left. An order that is cut to a thin book is no measure of that: any drift is large beside it.
    """
    efficacy = state.underlyings[intent.underlying].efficacy
    before = state.orders.get(efficacy.newest_order)
    if before is None or before.filled_contracts == ZERO or efficacy.left_coin is None:
        return False
    if (before.intent.strategy, before.intent.instrument, before.intent.side) != (
        intent.strategy,
        intent.instrument,
        intent.side,
    ):
        return False
    if _distance_coin(before) >= abs(before.delta_before_coin - before.centre_coin):
        return False
    underlying = state.underlyings[intent.underlying]
    distance = delta_coin - underlying.centre_coin
    wanted_coin = max(abs(intent.delta_effect_coin), abs(distance) - edges(underlying, distance)[1])
    return abs(delta_coin - efficacy.left_coin) <= CLIP_DRIFT_RATIO_MAX * wanted_coin


def _target_range(efficacy: Efficacy, centre_coin: float) -> tuple[float, float]:
    """Lowest and highest target of late, with the one of now."""
    low, high = efficacy.target_low_coin, efficacy.target_high_coin
    return (
        centre_coin if low is None else min(low, centre_coin),
        centre_coin if high is None else max(high, centre_coin),
    )


def _drift_coin(efficacy: Efficacy, delta_coin: float, centre_coin: float) -> float:
    left = centre_coin if efficacy.left_coin is None else efficacy.left_coin
    return abs(delta_coin - left)


def _decayed(efficacy: Efficacy, at_ns: int) -> Efficacy:
    """The sums as they stand at a moment, without changing them; the range of targets shrinks around its middle."""
    factor = 0.5 ** (max(at_ns - efficacy.decayed_at_ns, 0) / HALF_LIFE_NS) if efficacy.decayed_at_ns else 1.0
    low, high = efficacy.target_low_coin, efficacy.target_high_coin
    if low is not None and high is not None:
        middle, reach = (low + high) / 2, (high - low) / 2 * factor
        low, high = middle - reach, middle + reach
    return Efficacy(
        left_coin=efficacy.left_coin,
        hedged_coin=efficacy.hedged_coin * factor,
        drift_coin=efficacy.drift_coin * factor,
        target_low_coin=low,
        target_high_coin=high,
    )


def _decay(efficacy: Efficacy, at_ns: int) -> None:
    now = _decayed(efficacy, at_ns)
    efficacy.hedged_coin, efficacy.drift_coin, efficacy.decayed_at_ns = now.hedged_coin, now.drift_coin, at_ns
    efficacy.target_low_coin, efficacy.target_high_coin = now.target_low_coin, now.target_high_coin
