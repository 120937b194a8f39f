"""Net delta per underlying: O(1) for linear and inverse contracts, delta-gamma between re-marks for options.

Option greeks are our own Black-76 on the venue's implied volatility and the expiry's own forward, moved with the live
underlying; the venue's delta only cross-checks them (hedging reference sections 3.1 and 3.4). Deltas are in coin, long
positive; coin-settled options count premium-adjusted. The arrays here are derived from the state and never encoded.
"""

from typing import NamedTuple

import numpy as np

from hedgebot.core.state import EngineState, Position, UnderlyingState
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind, OptionType
from hedgebot.pricing.black76 import NS_PER_YEAR, Bools, Floats, greeks, years_to
from hedgebot.pricing.delta import net_transaction_delta

REMARK_MOVE_RATIO = 0.001
"""Re-mark when the underlying moved this much: beyond it the third derivative is no longer negligible."""

REMARK_INTERVAL_NS = 1_000_000_000
"""Re-mark at least this often while quotes come: time and volatility move delta too."""


class _Arrays(NamedTuple):
    """The option positions of one underlying, as columns of shape (n,). `held` is signed coins of contract."""

    moves: int
    ids: tuple[InstrumentId, ...]
    held: Floats
    strike: Floats
    expiry_ns: Floats
    is_call: Bools
    in_coin: Bools


class Exposures:
    """Valuation of all underlyings of one state. Owns the arrays; the numbers it finds live in the state."""

    def __init__(self, state: EngineState) -> None:
        """Start on a state; arrays are built at the first re-mark."""
        self._state = state
        self._arrays: dict[str, _Arrays] = {}

    def set_price(self, underlying: UnderlyingState, price: float) -> None:
        """Take the live price of an underlying (USD per coin, > 0)."""
        underlying.price = price

    def value(self, underlying: UnderlyingState, at_ns: int) -> None:
        """Bring option numbers up to date if the underlying, time or a quote moved enough."""
        if underlying.option_count == 0 and not underlying.remark_due:
            return
        moved = abs(underlying.price / underlying.remark_price - 1.0) if underlying.remark_price else 1.0
        if underlying.remark_due or moved > REMARK_MOVE_RATIO or at_ns - underlying.remark_at_ns > REMARK_INTERVAL_NS:
            self.remark(underlying, at_ns)

    def remark(self, underlying: UnderlyingState, at_ns: int) -> None:
        """Price every held option of the underlying anew: one vectorised pass."""
        arrays = self._columns(underlying)
        underlying.remark_due = False
        underlying.option_count = len(arrays.ids)
        underlying.remark_price, underlying.remark_at_ns = underlying.price, at_ns
        underlying.option_unknown = self._unknown(arrays)
        if underlying.option_unknown or not arrays.ids:
            underlying.option_delta = underlying.option_gamma = underlying.option_vega = underlying.option_theta = 0.0
            underlying.option_vol = 0.0
            return
        marks = [self._state.options[instrument] for instrument in arrays.ids]
        price = underlying.price
        forward = np.array(
            [
                # The expiry's own forward, carried along with the underlying since the quote came.
                mark.forward * (price / mark.underlying_price if mark.underlying_price and price else 1.0)
                for mark in marks
            ]
        )
        years = np.maximum(arrays.expiry_ns - at_ns, 0.0) / NS_PER_YEAR
        vol = np.array([mark.iv for mark in marks])
        found = greeks(forward, arrays.strike, years, vol, arrays.is_call)
        mark_coin = np.where(arrays.in_coin, np.array([mark.mark_coin for mark in marks]), 0.0)
        underlying.option_delta = float(arrays.held @ net_transaction_delta(found.delta, mark_coin))
        underlying.option_gamma = float(arrays.held @ found.gamma)
        underlying.option_vega = float(arrays.held @ found.vega)
        underlying.option_theta = float(arrays.held @ found.theta)
        weight = np.abs(arrays.held * found.vega)
        underlying.option_vol = float(vol @ weight / weight.sum()) if weight.sum() > 0.0 else 0.0

    def _columns(self, underlying: UnderlyingState) -> _Arrays:
        arrays = self._arrays.get(underlying.name)
        if arrays is None or arrays.moves != underlying.option_moves:
            arrays = self._arrays[underlying.name] = self._build(underlying)
        return arrays

    def _build(self, underlying: UnderlyingState) -> _Arrays:
        held: list[tuple[Position, Instrument]] = []
        for key, instrument in underlying.option_keys.items():
            held.append((self._state.positions[key], self._state.instruments[instrument]))
        return _Arrays(
            moves=underlying.option_moves,
            ids=tuple(rules.id for _, rules in held),
            held=np.array([float(position.contracts * rules.contract_size) for position, rules in held]),
            strike=np.array([float(rules.strike or 1) for _, rules in held]),
            expiry_ns=np.array([float(rules.expiry_ns or 0) for _, rules in held]),
            is_call=np.array([rules.option_type is OptionType.CALL for _, rules in held], dtype=np.bool_),
            in_coin=np.array([rules.kind is InstrumentKind.COIN_OPTION for _, rules in held], dtype=np.bool_),
        )

    def _unknown(self, arrays: _Arrays) -> str:
        missing = [instrument for instrument in arrays.ids if instrument not in self._state.options]
        return f"no implied volatility yet for {', '.join(missing[:3])}" if missing else ""


def net_delta_coin(underlying: UnderlyingState) -> float:
    """Net delta in coin at the live price; long positive. The caller checks `exposure_problem` first."""
    delta = float(underlying.linear_coin)
    if underlying.inverse_quote:
        delta += float(underlying.inverse_quote) / underlying.price
    if underlying.option_count:
        delta += underlying.option_delta + underlying.option_gamma * (underlying.price - underlying.remark_price)
    return delta


def exposure_problem(underlying: UnderlyingState) -> str:
    """Why the net delta of an underlying is unknown; empty when it is known."""
    if underlying.price <= 0.0:
        return f"no price of {underlying.name} yet"
    return underlying.option_unknown


def own_option_delta(state: EngineState, instrument: InstrumentId, at_ns: int) -> float | None:
    """Our Black-76 delta of one option at its own quote, to hold against the venue's; None when it is not known."""
    rules, mark = state.instruments.get(instrument), state.options.get(instrument)
    if rules is None or mark is None or rules.strike is None or rules.expiry_ns is None:
        return None
    years = np.array([years_to(rules.expiry_ns, at_ns)])
    found = greeks(
        np.array([mark.forward]),
        np.array([float(rules.strike)]),
        years,
        np.array([mark.iv]),
        np.array([rules.option_type is OptionType.CALL]),
    )
    return float(found.delta[0])
