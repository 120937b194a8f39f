"""What held options and dated futures are worth in delta at one moment: one vectorised pass, pure.

Black-76 on the venue's implied volatility and the expiry's own forward, carried along with the live underlying. Inside
the averaging window before an expiry the option is one on an average: the part of the delivery price that was taken
moves no more. Delta is the share that is left times Black-76's, as the reference says (hedging reference section 3.3),
over the time that the average still varies. Gamma is the derivative of that delta, the share squared; the reference
puts one share on the gamma of the full time, which is less by the square root of 3 at the money and the same rule else.
Must not know bands, orders or conventions of a net delta.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from hedgebot.core.quotes import OptionMark
from hedgebot.core.state import EngineState, UnderlyingState
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind, OptionType
from hedgebot.domain.settings import UnderlyingSettings
from hedgebot.pricing.black76 import Bools, Floats, greeks, some
from hedgebot.pricing.delta import averaged_years, settlement_share, smile_adjusted_delta, smile_slope


class Columns(NamedTuple):
    """The option positions of one underlying, as columns of shape (n,). `held` is signed coins of contract."""

    moves: int
    keys: tuple[str, ...]
    ids: tuple[InstrumentId, ...]
    held: Floats
    strike: Floats
    expiry_ns: Floats
    is_call: Bools
    in_coin: Bools


class Values(NamedTuple):
    """Per coin of contract, shape (n,). `delta` is Black-Scholes with `smile` in it, `mark_coin` 0 unless coin-settled.

    `share` is what is left before the average is whole; `no_skew` says where a skew was asked for and is not known.
    """

    delta: Floats
    mark_coin: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    vol: Floats
    smile: Floats
    share: Floats
    no_skew: Bools


def window_ns(settings: UnderlyingSettings | None) -> int:
    """Length of the averaging window before an expiry."""
    return round((settings.settlement_window_s if settings else 1_800.0) * NS_PER_S)


def columns_of(state: EngineState, underlying: UnderlyingState, options: Mapping[str, InstrumentId]) -> Columns:
    """The columns of some held options, by position."""
    held = [(key, state.positions[key], state.instruments[instrument]) for key, instrument in options.items()]
    return Columns(
        moves=underlying.option_moves,
        keys=tuple(key for key, _, _ in held),
        ids=tuple(rules.id for _, _, rules in held),
        held=np.array([float(position.contracts * rules.contract_size) for _, position, rules in held]),
        strike=np.array([float(rules.strike or 1) for _, _, rules in held]),
        expiry_ns=np.array([float(rules.expiry_ns or 0) for _, _, rules in held]),
        is_call=np.array([rules.option_type is OptionType.CALL for _, _, rules in held], dtype=np.bool_),
        in_coin=np.array([rules.kind is InstrumentKind.COIN_OPTION for _, _, rules in held], dtype=np.bool_),
    )


def value_options(
    state: EngineState, columns: Columns, price: float, settings: UnderlyingSettings | None, at_ns: int
) -> Values:
    """Value every option at the live price of the underlying (0: not known); each must have been quoted."""
    marks = [state.options[instrument] for instrument in columns.ids]
    window = window_ns(settings)
    share = settlement_share(columns.expiry_ns, at_ns, window)
    # The expiry's own forward, carried along with the underlying since the quote came; what is averaged stays.
    forward = np.array([mark.forward for mark in marks]) * (1.0 + share * _moved(marks, price))
    vol = np.array([mark.iv for mark in marks])
    years = averaged_years(columns.expiry_ns, at_ns, window)
    found = greeks(forward, columns.strike, years, vol, columns.is_call)
    stickiness = settings.skew_stickiness if settings else 1.0
    delta, no_skew = found.delta, np.zeros(len(marks), dtype=np.bool_)
    if stickiness != 1.0 and price > 0.0:
        skew = _skews(state, columns)
        no_skew = np.isnan(skew)
        delta = smile_adjusted_delta(found.delta, found.vega, np.where(no_skew, 0.0, skew), price, stickiness)
    mark_coin = np.zeros(len(marks))
    if some(columns.in_coin):
        mark_coin = np.where(columns.in_coin, np.array([mark.mark_coin for mark in marks]), 0.0)
    return Values(
        delta=delta * share,
        mark_coin=mark_coin * share,
        gamma=found.gamma * share * share,
        vega=found.vega,
        theta=found.theta * share * share,
        vol=vol,
        smile=(delta - found.delta) * share,
        share=share,
        no_skew=no_skew,
    )


def settled_futures(
    state: EngineState, underlying: UnderlyingState, settings: UnderlyingSettings | None, at_ns: int
) -> tuple[float, bool]:
    """What averaging has taken from the deltas of dated futures, in coin, and whether one of them is in its window."""
    total, settling, window = 0.0, False, window_ns(settings)
    for key, instrument in underlying.sums.dated.items():
        rules = state.instruments[instrument]
        left = share_left(rules, at_ns, window)
        if left < 1.0 and underlying.price > 0.0:
            settling = True
            full = rules.delta_coin(float(state.positions[key].contracts), underlying.price)
            total -= (1.0 - left) * full
    return total, settling


def share_left(rules: Instrument, at_ns: int, window: int) -> float:
    """What is left of the delta of something that is delivered at an average; 1 for what never is."""
    if rules.expiry_ns is None:
        return 1.0
    return min(max((rules.expiry_ns - at_ns) / window, 0.0), 1.0)


def _moved(marks: list[OptionMark], price: float) -> Floats:
    """How far the underlying has moved since each quote, as a ratio; nothing where either price is not known."""
    quoted = [mark.underlying_price for mark in marks]
    return np.array([price / one - 1.0 if price > 0.0 and one > 0.0 else 0.0 for one in quoted])


def _skews(state: EngineState, columns: Columns) -> Floats:
    """Skew d vol / d ln K at each held strike, of its own expiry; NaN where only one strike of it is quoted."""
    found = np.full(len(columns.ids), np.nan)
    for expiry_ns in dict.fromkeys(columns.expiry_ns.tolist()):
        smile = _smile(state, columns, expiry_ns)
        if len(smile) < 2:
            continue
        strikes = np.array(sorted(smile))
        slope = smile_slope(np.log(strikes), np.array([smile[strike] for strike in strikes.tolist()]))
        mine = columns.expiry_ns == expiry_ns
        found[mine] = slope[np.searchsorted(strikes, columns.strike[mine])]
    return found


def _smile(state: EngineState, columns: Columns, expiry_ns: float) -> dict[float, float]:
    """Volatility by strike of one expiry: every option of the held ones' underlying that is quoted to us."""
    underlying = state.instruments[columns.ids[0]].underlying
    quoted: dict[float, list[float]] = {}
    for rules, mark in _quoted(state, underlying):
        if rules.expiry_ns is not None and float(rules.expiry_ns) == expiry_ns:
            quoted.setdefault(float(rules.strike or 1), []).append(mark.iv)
    return {strike: sum(vols) / len(vols) for strike, vols in quoted.items()}


def _quoted(state: EngineState, underlying: str) -> Iterable[tuple[Instrument, OptionMark]]:
    for instrument, mark in state.options.items():
        rules = state.instruments.get(instrument)
        if rules is not None and rules.underlying == underlying:
            yield rules, mark
