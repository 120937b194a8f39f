"""What people see of top-ups: each account's segments and plan, and the moves with their numbers. A pure function."""

from decimal import Decimal

import msgspec

from hedgebot.core import market, treasury_plan, treasury_spare
from hedgebot.core.state import EngineState
from hedgebot.core.treasury_state import Move, MoveStatus
from hedgebot.domain.decimals import ZERO, plain
from hedgebot.domain.treasury import TreasurySettings

SHOWN_MAX = 20


class TreasuryView(msgspec.Struct, frozen=True, kw_only=True):
    """One account's segments in `coin`; None is unknown. `line_use` and `target_use` as the regime has them now.

    `spare_qty` is what trading holds beyond its target and all that it must bear: told, moved by nobody here.
    """

    account: str
    coin: str
    trading_qty: str | None
    spare_qty: str
    buffer_qty: str | None
    emergency_qty: str | None
    age_ms: int | None
    line_use: float | None
    target_use: float | None
    moved_by_itself_qty: str
    day_max_qty: str
    plan: str
    problem: str


class MoveView(msgspec.Struct, frozen=True, kw_only=True):
    """One top-up. `left_ms` is how long a proposal still waits."""

    number: int
    account: str
    coin: str
    qty: str
    emergency_qty: str
    status: str
    why: str
    note: str
    operator: str
    age_ms: int
    left_ms: int | None


def treasuries(state: EngineState, at_ns: int) -> tuple[TreasuryView, ...]:
    """Every configured treasury."""
    return tuple(_one(state, settings, at_ns) for settings in state.settings.treasury)


def moves(state: EngineState, at_ns: int) -> tuple[MoveView, ...]:
    """The newest moves, oldest first; what waits or is on its way is always among them."""
    known = list(state.treasury.moves.values())
    newest = {one.number for one in known[-SHOWN_MAX:]}
    return tuple(_move(one, at_ns) for one in known if one.number in newest or not one.ended_ns)


def _one(state: EngineState, settings: TreasurySettings, at_ns: int) -> TreasuryView:
    account, known = state.accounts.get(settings.account), state.treasury.of(settings.account)
    trading = account.wallet.balances.get(settings.coin) if account is not None and account.wallet else None
    there = None if known.balances is None else treasury_plan.in_funding_wallet(state, settings)
    line, target = (None, None) if account is None else treasury_plan.lines(state, account, settings)
    return TreasuryView(
        account=settings.account,
        coin=settings.coin,
        trading_qty=None if trading is None else plain(trading),
        spare_qty=plain(_spare_qty(state, settings, at_ns)),
        buffer_qty=None if there is None else plain(treasury_plan.buffer_qty(state, settings)),
        emergency_qty=None if there is None else plain(min(there, settings.emergency_qty)),
        age_ms=market.elapsed_ms(at_ns, known.read_at_ns) if known.read_at_ns else None,
        line_use=line,
        target_use=target,
        moved_by_itself_qty=plain(state.treasury.moved_by_itself(settings.account, at_ns)),
        day_max_qty=plain(settings.day_max_qty),
        plan="" if known.plan is None else treasury_plan.words(known.plan, settings),
        problem=known.problem,
    )


def _spare_qty(state: EngineState, settings: TreasurySettings, at_ns: int) -> Decimal:
    """What may be told as spare: nothing while a top-up is wanted, a move has no end, or it is not worth a move."""
    account, treasury = state.accounts.get(settings.account), state.treasury
    busy = treasury.of(settings.account).plan is not None or treasury.moving(settings.account) is not None
    if account is None or busy or treasury.unsettled(settings.account, at_ns):
        return ZERO
    bears = state.limits.liquidation_distance_min * treasury_plan.DISTANCE_TARGET_RATIO
    found = treasury_spare.spare_qty(state, account, settings.coin, bears, at_ns)
    return found if found >= settings.move_min_qty else ZERO


def _move(one: Move, at_ns: int) -> MoveView:
    waits = one.status is MoveStatus.PROPOSED
    return MoveView(
        number=one.number,
        account=one.account,
        coin=one.coin,
        qty=plain(one.qty),
        emergency_qty=plain(one.emergency_qty),
        status=one.status.value,
        why=one.why,
        note=one.note,
        operator=one.operator,
        age_ms=market.elapsed_ms(at_ns, one.made_ns),
        left_ms=market.elapsed_ms(one.expires_ns, at_ns) if waits else None,
    )
