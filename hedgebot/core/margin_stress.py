"""Two standing stresses of an account: a coin of its collateral loses a third, and the venue raises its margin rates.

Owns the sums, on every look at the margin. Every coin of the wallet that is not one of the underlyings is a stablecoin
or a token that stands for something: what it counts as collateral loses `collateral_shock_ratio`, one coin at a time,
with the requirement as it is (2025-10-10: USDe at 0.65, staked tokens mispriced). The hike multiplies the whole
requirement by `margin_hike_ratio`. Coins of the underlyings move with the market: that is the distance to liquidation.

Both are told. With `collateral_shock_in_floor` the floor of the buffer is held after the collateral shock besides
(safety reference section 11); without it an account of stablecoins alone has the buffer that the margin reference names
in sections 3 and 10 (a use of 0.8 at its floor), which after a loss of a third would be a use of 1.2.
"""

from hedgebot.core import margin_gate, margin_legs
from hedgebot.core.margin_state import StandingStress
from hedgebot.core.state import AccountState, EngineState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.health import use_of


def measured(
    state: EngineState, account: AccountState, equity: float | None, maintenance: float | None
) -> StandingStress | None:
    """Both; None where equity or margin is unknown, and without a shock where a watched account's coins are."""
    if equity is None or maintenance is None:
        return None
    known, worst, loss = _collateral_usd(state, account), "", None
    if known is not None:
        worst, worth = max(known.items(), key=lambda one: one[1], default=("", 0.0))
        loss = worth * state.limits.collateral_shock_ratio
    left, floor = None if loss is None else equity - loss, margin_gate.floor_use(state, account)
    return StandingStress(
        coin=worst if loss else "",
        shock_loss_usd=loss,
        shock_use=None if left is None else use_of(maintenance, left),
        shock_missing_usd=None if left is None else max(maintenance / floor - left, 0.0),
        hike_use=use_of(maintenance * state.limits.margin_hike_ratio, equity),
    )


def watch(step: Step, account: AccountState, use: float | None) -> None:
    """Tell what would take the account under its floor; one that is there already is told by its use."""
    found, floor = account.margin.standing_stress, margin_gate.floor_use(step.state, account)
    if found is None or use is None:
        return
    limits, above = step.state.limits, use <= floor
    shock = ""
    if above and found.shock_use is not None and found.coin and found.shock_use > floor:
        words = f"{shock_words(found, limits.collateral_shock_ratio)}, the floor is {floor:.0%}{missing_words(found)}"
        shock = f"{account.name}: {words}"
    step.watch(AlertKind.COLLATERAL_SHOCK, account.name, shock)
    hike = ""
    if above and found.hike_use > floor:
        hike = f"{account.name}: {hike_words(found, limits.margin_hike_ratio)}, the floor is {floor:.0%}"
    step.watch(AlertKind.VENUE_MARGIN_HIKE, account.name, hike)


def describe(state: EngineState, account: AccountState) -> tuple[str, str]:
    """Both stresses in a few words; empty while unknown."""
    found = account.margin.standing_stress
    if found is None:
        return "", ""
    shock = "no coin that could lose its peg" if found.shock_use is not None else "unknown: its coins are not all known"
    if found.coin:
        counts = "" if not state.limits.collateral_shock_in_floor else " (the floor is held after it)"
        shock = f"{shock_words(found, state.limits.collateral_shock_ratio)}{missing_words(found)}{counts}"
    return shock, hike_words(found, state.limits.margin_hike_ratio)


def shock_words(found: StandingStress, ratio: float) -> str:
    """The collateral shock with its use."""
    return f"{found.coin} losing {ratio:.0%} costs {found.shock_loss_usd:,.0f} USD: margin use {found.shock_use:.0%}"


def missing_words(found: StandingStress) -> str:
    """What would keep the account at its floor through the shock; empty where nothing is missing."""
    return f", {found.shock_missing_usd:,.0f} USD in other coins are missing" if found.shock_missing_usd else ""


def hike_words(found: StandingStress, ratio: float) -> str:
    """The margin hike with its use."""
    return f"margin rates x {ratio:g}: margin use {found.hike_use:.0%}"


def _collateral_usd(state: EngineState, account: AccountState) -> dict[str, float] | None:
    """What each coin that stands for something counts as collateral now, in USD; None: not known of every coin."""
    wallet = account.wallet
    if wallet is None:
        return {}
    if wallet.watched is not None and not wallet.watched.coins_known:
        return None
    prices = margin_legs.reported_prices(account)
    worth: dict[str, float] = {}
    for coin, qty in wallet.balances.items():
        if qty <= ZERO or coin in state.underlyings or coin == "USD":
            continue
        if wallet.watched is not None and coin not in prices:
            return None
        worth[coin] = margin_legs.counted(state, account, coin, float(qty)) * prices.get(coin, 0.0)
    return worth
