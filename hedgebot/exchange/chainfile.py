"""Reads captures of an option chain into a tape.

Owns the columns and the traps: in a capture that was pulled by REST the forwards come from one call and the
volatilities from many calls over the next minutes, so each row's moneyness is counted at the forward moved by the index
since the first row (data FACTS.md, m19). Rows without a usable volatility say nothing; of a strike the side out of the
money counts.
"""

from decimal import Decimal

import numpy as np
import numpy.typing as npt

from hedgebot.domain.decimals import plain
from hedgebot.domain.errors import DataError
from hedgebot.domain.instrument import OptionType
from hedgebot.exchange.chaintape import Capture, ChainTape, OptionSeen, Smile
from hedgebot.exchange.recordfile import FileLike, Floats, Times, Window, column_names, read_captures, utc

_COLUMNS = {
    "strike": ("strike",),
    "forward": ("underlying", "underlying_price", "forward"),
    "iv": ("implied_volatility", "mark_iv", "iv"),
}
_INDEX = {"index": ("index_price",)}
_TYPES = {"call": OptionType.CALL, "C": OptionType.CALL, "put": OptionType.PUT, "P": OptionType.PUT}
_IV_RANGE = (0.01, 5.0)
_STRIKES_MIN = 3


def read_chain(file: FileLike, window: Window, width: float) -> ChainTape:
    """Read the captures in a window, and the newest one before it so that a world can begin between two.

    `width` keeps strikes with |ln(K/F)| at most that when they are first seen; 0 keeps all. DataError names the
    file and what would be right.
    """
    table = read_captures(file, _COLUMNS, _INDEX, words=("option_type",), moments=("expiry_datetime",))
    kinds, expiries = table.words["option_type"], table.moments["expiry_datetime"]
    unknown = sorted(set(kinds) - set(_TYPES))
    if unknown:
        raise DataError(f"recording {table.path}: option_type is {unknown[0]!r}; it must be call or put")
    start, end = window
    captures: list[Capture] = []
    seen: dict[tuple[int, float, OptionType], int] = {}
    is_call = np.array([_TYPES[one] is OptionType.CALL for one in kinds], dtype=np.bool_)
    bounds = np.flatnonzero(np.diff(table.times_ns)) + 1
    firsts = [0, *bounds.tolist()]
    lasts = [*bounds.tolist(), len(table.times_ns)]
    times = [int(table.times_ns[first]) for first in firsts]
    skip = max((number for number, at_ns in enumerate(times) if start is not None and at_ns <= start), default=0)
    for first, last, at_ns in list(zip(firsts, lasts, times, strict=True))[skip:]:
        if end is not None and at_ns >= end:
            break
        rows = slice(first, last)
        smiles = _smiles(
            table.columns["strike"][rows],
            table.columns["forward"][rows],
            table.columns["iv"][rows],
            table.columns["index"][rows] if "index" in table.columns else None,
            expiries[rows],
            is_call[rows],
        )
        smiles = {expiry_ns: one for expiry_ns, one in smiles.items() if expiry_ns > at_ns}
        captures.append(Capture(at_ns, smiles))
        _see(seen, captures[-1], table.columns["strike"][rows], expiries[rows], is_call[rows], width)
    if not captures:
        raise DataError(f"recording {table.path}: no chain in the window; it has {utc(times[0])} to {utc(times[-1])}")
    if not seen:
        raise DataError(f"recording {table.path}: {_unseen(table.columns['iv'], _iv_name(file))}")
    return ChainTape(tuple(captures), tuple(_option(key, at_ns) for key, at_ns in seen.items()))


def _iv_name(file: FileLike) -> str:
    """What the file calls its volatilities."""
    return next(one for one in _COLUMNS["iv"] if one in column_names(file))


def _unseen(ivs: Floats, column: str) -> str:
    """Why no option can be valued."""
    (low, high), known = _IV_RANGE, ivs[np.isfinite(ivs)]
    right = f"between {low:g} and {high:g} a year (a fraction, 0.5 is 50 %)"
    if not len(known):
        return f"column {column} is empty; options have no value without a volatility {right}"
    if ((known >= low) & (known <= high)).any():
        return (
            f"no expiry in the window has {_STRIKES_MIN} strikes with a volatility in column {column} {right}; without "
            "volatilities options have no value"
        )
    middle = float(np.median(known))
    guess = "; these look like percent: divide them by 100" if low <= middle / 100.0 <= high else ""
    return f"column {column} is about {middle:g} in its middle; volatilities must be {right}{guess}"


def _smiles(
    strikes: Floats,
    forwards: Floats,
    ivs: Floats,
    index: Floats | None,
    expiries: Times,
    is_call: npt.NDArray[np.bool_],
) -> dict[int, Smile]:
    moved = index / index[0] if index is not None else np.ones(len(strikes))
    good = (ivs >= _IV_RANGE[0]) & (ivs <= _IV_RANGE[1]) & (forwards > 0) & (strikes > 0)
    out_of_money = np.where(strikes >= forwards, is_call, ~is_call)
    found: dict[int, Smile] = {}
    for expiry in np.unique(expiries[good]).tolist():
        mine = good & (expiries == expiry)
        # Of a strike the row out of the money comes last, and the last one counts.
        order = np.lexsort((out_of_money[mine], strikes[mine]))
        log_moneyness = np.log(strikes[mine] / (forwards[mine] * moved[mine]))[order]
        last_of_strike = np.append(np.diff(strikes[mine][order]) > 0, True)
        log_moneyness, iv = log_moneyness[last_of_strike], ivs[mine][order][last_of_strike]
        rising = np.argsort(log_moneyness, kind="stable")
        if len(iv) >= _STRIKES_MIN:
            found[int(expiry)] = Smile(float(np.median(forwards[mine])), log_moneyness[rising], iv[rising])
    return found


def _see(
    seen: dict[tuple[int, float, OptionType], int],
    capture: Capture,
    strikes: Floats,
    expiries: Times,
    is_call: npt.NDArray[np.bool_],
    width: float,
) -> None:
    """Note the options that this capture shows first."""
    for strike, expiry, call in zip(strikes.tolist(), expiries.tolist(), is_call.tolist(), strict=True):
        smile = capture.smiles.get(expiry)
        if smile is None or (width > 0 and abs(np.log(strike / smile.forward)) > width):
            continue
        seen.setdefault((expiry, strike, OptionType.CALL if call else OptionType.PUT), capture.at_ns)


def _option(key: tuple[int, float, OptionType], at_ns: int) -> OptionSeen:
    expiry_ns, strike, option_type = key
    return OptionSeen(expiry_ns, Decimal(plain(Decimal(str(strike)))), option_type, at_ns)
