"""Net delta per underlying: O(1) for linear and inverse contracts, delta-gamma between re-marks for options.

Option greeks are our own Black-76 on the venue's implied volatility and the expiry's own forward, moved with the live
underlying; the venue's delta only cross-checks them (hedging reference sections 3.1 and 3.4). Deltas are in coin, long
positive, by the underlying's convention (section 3.2). The arrays here are derived from the state and never encoded.
"""

from decimal import Decimal

import numpy as np

from hedgebot.core.state import EngineState, UnderlyingState, settings_of
from hedgebot.core.valuation import Columns, columns_of, settled_futures, value_options, window_ns
from hedgebot.domain.instrument import InstrumentId, OptionType
from hedgebot.domain.settings import DeltaConvention
from hedgebot.pricing.black76 import Floats, delta_one, some, years_to
from hedgebot.pricing.delta import averaged_years_one, net_transaction_delta, settlement_share_one

REMARK_MOVE_RATIO = 0.001
"""Re-mark when the underlying moved this much: beyond it the third derivative is no longer negligible."""

REMARK_INTERVAL_NS = 1_000_000_000
"""Re-mark at least this often while quotes come: time and volatility move delta too."""


class Exposures:
    """Valuation of all underlyings of one state. Owns the arrays; the numbers it finds live in the state."""

    def __init__(self, state: EngineState) -> None:
        """Start on a state; arrays are built at the first re-mark."""
        self._state = state
        self._arrays: dict[str, Columns] = {}

    def set_price(self, underlying: UnderlyingState, price: float) -> None:
        """Take the live price of an underlying (USD per coin, > 0)."""
        underlying.price = price

    def value(self, underlying: UnderlyingState, at_ns: int) -> None:
        """Bring option numbers up to date if the underlying, time or a quote moved enough."""
        if underlying.option_count == 0 and not underlying.sums.dated and not underlying.remark_due:
            return
        moved = abs(underlying.price / underlying.remark_price - 1.0) if underlying.remark_price else 1.0
        if underlying.remark_due or moved > REMARK_MOVE_RATIO or at_ns - underlying.remark_at_ns > REMARK_INTERVAL_NS:
            self.remark(underlying, at_ns)

    def remark(self, underlying: UnderlyingState, at_ns: int) -> None:
        """Price every held option anew, in one vectorised pass; dated futures lose what is averaged already."""
        columns, sums = self._columns(underlying), underlying.sums
        settings = settings_of(self._state, underlying.name)
        underlying.remark_due = False
        underlying.option_count = len(columns.ids)
        underlying.remark_price, underlying.remark_at_ns = underlying.price, at_ns
        underlying.option_unknown = self._unknown(columns)
        sums.settled_coin, sums.settling = settled_futures(self._state, underlying, settings, at_ns)
        sums.smile_coin, sums.smile_unknown, sums.premium_coin = 0.0, 0, 0.0
        if underlying.option_unknown or not columns.ids:
            underlying.option_delta = underlying.option_gamma = underlying.option_vega = underlying.option_theta = 0.0
            underlying.option_vol = 0.0
            return
        found = value_options(self._state, columns, underlying.price, settings, at_ns)
        held = columns.held
        # Where equity counts, an option's value in coin is in it, and takes back what the premium adjusts.
        in_equity = sums.convention is not DeltaConvention.COIN_NEUTRAL
        delta = found.delta if in_equity else net_transaction_delta(found.delta, found.mark_coin)
        underlying.option_delta, sums.premium_coin = float(held @ delta), float(held @ found.mark_coin)
        underlying.option_gamma = float(held @ found.gamma)
        underlying.option_vega = float(held @ found.vega)
        underlying.option_theta = float(held @ found.theta)
        weight = np.abs(held * found.vega)
        whole = weight.sum()
        underlying.option_vol = float(found.vol @ weight / whole) if whole > 0.0 else 0.0
        sums.settling = sums.settling or some(found.share < 1.0)
        sums.smile_coin, sums.smile_unknown = float(held @ found.smile), int(np.count_nonzero(found.no_skew))

    def settle(self, underlying: UnderlyingState, at_ns: int) -> None:
        """What averaged delivery prices have taken from dated futures by now; options stay as they were marked."""
        settings = settings_of(self._state, underlying.name)
        underlying.sums.settled_coin, _ = settled_futures(self._state, underlying, settings, at_ns)

    def _columns(self, underlying: UnderlyingState) -> Columns:
        columns = self._arrays.get(underlying.name)
        if columns is None or columns.moves != underlying.option_moves:
            columns = self._arrays[underlying.name] = columns_of(self._state, underlying, underlying.option_keys)
        return columns

    def _unknown(self, columns: Columns) -> str:
        missing = [instrument for instrument in columns.ids if instrument not in self._state.options]
        return f"no implied volatility yet for {', '.join(missing[:3])}" if missing else ""


def net_delta_coin(underlying: UnderlyingState) -> float:
    """Net delta in coin at the live price; long positive. The caller checks `exposure_problem` first."""
    delta = linear_delta(*linear_floats(underlying), underlying.price)
    if underlying.option_count:
        delta += underlying.option_delta + underlying.option_gamma * (underlying.price - underlying.remark_price)
    return delta


def linear_floats(underlying: UnderlyingState) -> tuple[float, float]:
    """`linear_parts` as floats, with what is averaged of dated futures; they stand until something is booked."""
    coins, quote = linear_parts(underlying)
    return float(coins) + underlying.sums.settled_coin, float(quote) if quote else 0.0


def linear_delta(coins: float, quote: float, price: float) -> float:
    """Delta in coin at a price of what is linear or inverse."""
    return coins + quote / price if quote else coins


def linear_delta_row(coins: float, quote: float, prices: Floats) -> Floats:
    """`linear_delta` at many prices."""
    found: Floats = coins + quote / prices if quote else np.full(len(prices), coins)
    return found


def linear_parts(underlying: UnderlyingState) -> tuple[Decimal, Decimal]:
    """What of the net delta does not depend on the price (coins), and what is divided by it (USD)."""
    sums, coins, quote = underlying.sums, underlying.linear_coin, underlying.inverse_quote
    if sums.convention is DeltaConvention.COIN_NEUTRAL:
        # The sum of deltas alone: neither coins that are owned nor unrealised ones.
        coins, quote = coins - sums.balance_coin - sums.entry_coin, quote + sums.entry_quote
    return coins, quote


def depends_on_price(underlying: UnderlyingState) -> bool:
    """Whether the net delta changes with the live price: options do, and contracts that are worth dollars in coin."""
    return bool(underlying.option_keys or linear_parts(underlying)[1])


def exposure_problem(underlying: UnderlyingState) -> str:
    """Why the net delta of an underlying is unknown; empty when it is known."""
    if underlying.price <= 0.0:
        return f"no price of {underlying.name} yet"
    outside = underlying.sums.holdings
    # Asked several times at each event, and most books have none.
    unread = [name for name, held in outside.items() if held.qty is None] if outside else None
    if unread:
        return f"holding {unread[0]} was not read yet"
    return underlying.option_unknown


def own_option_delta(
    state: EngineState, instrument: InstrumentId, at_ns: int, *, averaged: bool = True
) -> float | None:
    """Our Black-76 delta of one option at its own quote; None when it is not known.

    With `averaged` it is what the option still moves by while its delivery price is averaged; without, the plain one.
    """
    rules, mark = state.instruments.get(instrument), state.options.get(instrument)
    if rules is None or mark is None or not rules.strike or rules.expiry_ns is None:
        return None
    window, expiry_ns = window_ns(settings_of(state, rules.underlying)), rules.expiry_ns
    years = averaged_years_one(expiry_ns, at_ns, window) if averaged else years_to(expiry_ns, at_ns)
    is_call = rules.option_type is OptionType.CALL
    delta = delta_one(mark.forward, float(rules.strike), years, mark.iv, is_call=is_call)
    return delta * settlement_share_one(expiry_ns, at_ns, window) if averaged else delta
