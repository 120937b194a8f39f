"""How much collateral brings an account back from its line, and from which segment it may come. Pure arithmetic.

Owns the sums. Use is maintenance margin / equity. The lines sink with the floor of the buffer while the market is wild
or an event is on. Must not know proposals, moves or alerts (`treasury.py`).
"""

import math
from decimal import ROUND_UP, Decimal
from typing import NamedTuple

from hedgebot.core import limits, margin_distance, margin_gate, margin_legs, treasury_spare
from hedgebot.core.margin_legs import coin_prices
from hedgebot.core.margin_watch import AHEAD_RATIO, DISTANCE_CLEAR_RATIO
from hedgebot.core.state import AccountState, EngineState
from hedgebot.core.treasury_state import MoveStatus, TopUp
from hedgebot.domain.decimals import ZERO, plain
from hedgebot.domain.treasury import TreasurySettings

DISTANCE_TARGET_RATIO = DISTANCE_CLEAR_RATIO + 0.1
"""Of the least distance: somewhat beyond where REDUCING ends."""

_CHEAP_USD = 100.0
_STEPS = (Decimal("0.01"), Decimal("0.000001"))


class Need(NamedTuple):
    """What an account lacks, in USD of collateral, and why in a few words; nothing when `usd` is 0.

    `over` says that it is far enough from its line again for a proposal to be pointless.
    """

    usd: float
    why: str
    over: bool


def lines(state: EngineState, account: AccountState, settings: TreasurySettings) -> tuple[float, float]:
    """The use at which a top-up is planned, and the one it aims at, as the regime has them now."""
    share = margin_gate.lines_share(state, account)
    return settings.top_up_use * share, settings.target_use * share


def need(state: EngineState, account: AccountState, settings: TreasurySettings, at_ns: int) -> Need | None:
    """What the account lacks now; None while its margin is unknown."""
    use = margin_gate.judged_use(state, account, limits.margin_use(state, account, at_ns))
    if use is None:
        return None
    line, target = lines(state, account, settings)
    least, distance = state.limits.liquidation_distance_min, account.margin.distance
    near = distance is not None and abs(distance.move) < least * AHEAD_RATIO
    if use <= line and not near:
        far = distance is None or abs(distance.move) > least * DISTANCE_TARGET_RATIO
        return Need(0.0, "", over=far and use < (line + target) / 2.0)
    shock = margin_gate.floor_shock_usd(state, account) or 0.0
    by_use = _missing(state, account, target, at_ns, shock) / _kept(state, account, settings.coin)
    by_distance = _shortfall(state, account, least * DISTANCE_TARGET_RATIO, at_ns) if near else 0.0
    if by_distance > by_use:
        move = abs(distance.move) if distance is not None else 0.0
        return Need(by_distance, f"{account.name} is {move:.1%} from liquidation, {least:.1%} is the least", over=False)
    after = " after the collateral shock" if shock else ""
    return Need(by_use, f"margin use of {account.name}{after} is {use:.1%}, its line is {line:.1%}", over=False)


def _kept(state: EngineState, account: AccountState, coin: str) -> float:
    """The share of a top-up in a coin that its own shock would leave, where the floor is held after it."""
    found = account.margin.standing_stress
    shocked = state.limits.collateral_shock_in_floor and found is not None and found.coin in {coin, ""}
    return 1.0 - state.limits.collateral_shock_ratio if shocked else 1.0


def _missing(state: EngineState, account: AccountState, target: float, at_ns: int, shock_usd: float) -> float:
    """Equity short of what the requirement over the target is, by the venue's report and by our model since: the more.

    Each use has its own equity. The model's, of an account that a move has emptied since the report, times the equity
    of the report would be a multiple of what is missing, or infinite.
    """
    wallet, found = account.wallet, list[tuple[float, float]]()
    if wallet is not None and wallet.equity_usd is not None and wallet.maintenance_margin_usd is not None:
        found.append((float(wallet.maintenance_margin_usd), float(wallet.equity_usd)))
    model = margin_gate.model_now(state, account, at_ns)
    now = None if isinstance(model, str) else margin_gate.standing(state, account, model, model.now, at_ns)
    if now is not None:
        found.append((now.maintenance, now.equity))
    return max((0.0, *(maintenance / target - (equity - shock_usd) for maintenance, equity in found)))


def _shortfall(state: EngineState, account: AccountState, move: float, at_ns: int) -> float:
    """What is missing above the maintenance margin after a move of the market, the worse way; 0 where unknown."""
    model = margin_gate.model_now(state, account, at_ns)
    if isinstance(model, str):
        return 0.0
    now = margin_gate.standing(state, account, model, model.now, at_ns)
    left = None if now is None else margin_distance.left_after(state, account, model, now, move, at_ns)
    return max(-left, 0.0) if left is not None else 0.0


def quantity(state: EngineState, account: AccountState, coin: str, usd: float) -> Decimal | None:
    """Coins whose worth as collateral is that many USD, rounded up; None while the coin has no price or counts nought.

    The next coin counts by the tier that the account stands in.
    """
    price = coin_prices(state, account).get(coin, 0.0)
    held = max(float(account.wallet.balances.get(coin, ZERO)) if account.wallet else 0.0, 0.0)
    one_more, now = (margin_legs.counted(state, account, coin, qty) for qty in (held + 1.0, held))
    ratio = one_more - now
    worth = price * ratio
    if worth <= 0.0 or not math.isfinite(usd / worth):
        return None
    step = _STEPS[0] if price < _CHEAP_USD else _STEPS[1]
    return Decimal(repr(usd / worth)).quantize(step, rounding=ROUND_UP)


def split(
    state: EngineState, account: AccountState, settings: TreasurySettings, wanted: Need, at_ns: int, waits: str
) -> TopUp | None:
    """Where a need is met from; None while the funding wallet or the coin's worth is unknown.

    `waits` is why nothing moves by itself now; empty when the limits alone decide.
    """
    qty, known = quantity(state, account, settings.coin, wanted.usd), state.treasury.of(account.name)
    if qty is None or known.balances is None:
        return None
    qty = max(qty, settings.move_min_qty)
    there = in_funding_wallet(state, settings)
    buffer = buffer_qty(state, settings)
    left_today = settings.day_max_qty - state.treasury.moved_by_itself(account.name, at_ns)
    by_itself = max(min(buffer, settings.move_max_qty, left_today), ZERO)
    if not waits and by_itself < min(qty, settings.move_min_qty):
        waits = _bound(settings, buffer, left_today)
    own = ZERO if waits else min(qty, by_itself)
    ask = min(qty, there) - own
    # A remainder that is too small to be worth asking for is left: the next look sees what is still missing.
    ask = ask if ask >= settings.move_min_qty else ZERO
    outside = max(qty - there, ZERO)
    bears = state.limits.liquidation_distance_min * DISTANCE_TARGET_RATIO
    return TopUp(
        need_usd=wanted.usd,
        need_qty=qty,
        own_qty=own,
        ask_qty=ask,
        outside_qty=outside,
        why=wanted.why,
        waits=waits,
        spares=treasury_spare.spares(state, account, settings, bears, at_ns) if outside else (),
    )


def in_funding_wallet(state: EngineState, settings: TreasurySettings) -> Decimal:
    """What the funding wallet holds: the newest reading, less what has arrived or may have since."""
    known = state.treasury.of(settings.account)
    left = sum(
        one.qty
        for one in state.treasury.moves.values()
        if (one.account, one.coin) == (settings.account, settings.coin)
        and (one.status.is_moving or (one.status is MoveStatus.DONE and one.ended_ns >= known.read_at_ns))
    )
    return max((known.balances or {}).get(settings.coin, ZERO) - left, ZERO)


def buffer_qty(state: EngineState, settings: TreasurySettings) -> Decimal:
    """What the funding wallet holds above the emergency segment."""
    return max(in_funding_wallet(state, settings) - settings.emergency_qty, ZERO)


def emergency_part(state: EngineState, settings: TreasurySettings, qty: Decimal) -> Decimal:
    """What of a quantity is beyond the buffer now."""
    return max(qty - buffer_qty(state, settings), ZERO)


def _bound(settings: TreasurySettings, buffer: Decimal, left_today: Decimal) -> str:
    if not settings.move_max_qty or not settings.day_max_qty:
        return "move_max_qty and day_max_qty say so"
    if left_today < settings.move_min_qty:
        return f"{plain(max(left_today, ZERO))} {settings.coin} are left of what may move by itself in a day"
    if buffer < settings.move_min_qty:
        return f"the buffer has {plain(buffer)} {settings.coin} left above the emergency segment"
    return f"move_max_qty is {plain(settings.move_max_qty)} {settings.coin}"


def words(plan: TopUp, settings: TreasurySettings) -> str:
    """A plan in one sentence."""
    parts = [f"{plain(qty)} {settings.coin} {how}" for qty, how in _parts(plan) if qty]
    waits = f"; by itself nothing moves: {plan.waits}" if plan.waits else ""
    qty = f"{plain(plan.need_qty)} {settings.coin}"
    return f"{plan.why}: {qty} would cure it ({', '.join(parts) or 'from nowhere'}){waits}"


def _from_where(plan: TopUp) -> str:
    """The accounts that could give it, the best source first."""
    if not plan.spares:
        return ""
    named = ", ".join(f"{one.account} could give {plain(one.qty)}" for one in plan.spares)
    return f": above its own line {named}, moved at the venue by hand"


def _parts(plan: TopUp) -> tuple[tuple[Decimal, str], ...]:
    return (
        (plan.own_qty, "may move by themselves"),
        (plan.ask_qty, "wait for an operator's approval"),
        (plan.outside_qty, f"must be brought from outside, which hedgebot never does{_from_where(plan)}"),
    )
