"""What an account holds above its own line, and which other one at the venue could give some of it. Pure arithmetic.

Owns the sums; what is told here nobody moves but an operator, at the venue. Within one user nothing goes back into
the funding wallet by itself: a spare coin in trading bears its own account's losses, the same coin in the buffer can do
no more than come back, and a number of ours that is wrong would be noticed when it has gone. Between accounts of
different users (sub-accounts) Bybit moves coins with a master key's right SubMemberTransfer alone, which our keys must
not have (safety reference section 8).
"""

import math
from decimal import ROUND_DOWN, Decimal

from hedgebot.core import limits, margin_distance, margin_gate, margin_legs
from hedgebot.core.margin_legs import coin_prices
from hedgebot.core.state import AccountState, EngineState
from hedgebot.core.treasury_state import Spare
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.treasury import TreasurySettings

_STEP = Decimal("0.01")


def spares(
    state: EngineState, account: AccountState, settings: TreasurySettings, distance: float, at_ns: int
) -> tuple[Spare, ...]:
    """Accounts at the venue that can give at least the least move, the richest first.

    `distance` is the move of the market that an account must bear with what it keeps.
    """
    others = (one for one in state.accounts.values() if one.venue == account.venue and one.name != account.name)
    found = [Spare(account=one.name, qty=spare_qty(state, one, settings.coin, distance, at_ns)) for one in others]
    enough = [one for one in found if one.qty >= settings.move_min_qty]
    return tuple(sorted(enough, key=lambda one: (-one.qty, one.account)))


def spare_qty(state: EngineState, account: AccountState, coin: str, distance: float, at_ns: int) -> Decimal:
    """Coins that an account could give and keep its use at its own target; 0 where anything about it is not proven."""
    held = account.wallet.balances.get(coin, ZERO) if account.wallet else ZERO
    if held <= ZERO or not (account.reconciled and account.private.up):
        return ZERO
    worth = coin_prices(state, account).get(coin, 0.0) * _last_ratio(state, account, coin, float(held))
    usd = spare_usd(state, account, distance, at_ns)
    if usd <= 0.0 or worth <= 0.0 or not math.isfinite(usd / worth):
        return ZERO
    return min(held, Decimal(repr(usd / worth))).quantize(_STEP, rounding=ROUND_DOWN)


def _last_ratio(state: EngineState, account: AccountState, coin: str, held: float) -> float:
    """What the last coin of a holding counts for: the first one to go."""
    all_of_it, without = (margin_legs.counted(state, account, coin, qty) for qty in (held, max(held - 1.0, 0.0)))
    return (all_of_it - without) / min(held, 1.0)


def spare_usd(state: EngineState, account: AccountState, distance: float, at_ns: int) -> float:
    """Equity above what an account keeps for itself, in USD; 0 while it is unknown.

    It keeps the use at which its own top-up aims (without a treasury of its own: at which REDUCING ends), what its
    positions set aside at first, and what bears the move.
    """
    if limits.margin_use(state, account, at_ns) is None or account.wallet is None:
        return 0.0
    model = margin_gate.model_now(state, account, at_ns)
    now = None if isinstance(model, str) else margin_gate.standing(state, account, model, model.now, at_ns)
    shock = margin_gate.floor_shock_usd(state, account)
    if isinstance(model, str) or now is None or shock is None:
        return 0.0
    left = margin_distance.left_after(state, account, model, now, distance, at_ns)
    reported = float(account.wallet.equity_usd or 0)
    equity = min(now.equity, reported)
    by_use = equity - shock - now.worst / _line(state, account)
    return max(min(by_use, equity - now.initial, 0.0 if left is None else left), 0.0)


def _line(state: EngineState, account: AccountState) -> float:
    own = next((one.target_use for one in state.settings.treasury if one.account == account.name), None)
    return (own or state.limits.margin_use_clear) * margin_gate.lines_share(state, account)
