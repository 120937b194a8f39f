"""Reads recorded quotes (bid and ask) as candles of their middle, so that they are played like any other recording.

Owns the grid that quotes are put on and how long one stands: a quote is true until the next one, and not for ever. The
spread is not played: what stands in a simulated book is the exchange's own law (`liquidity.py`).
"""

import numpy as np

from hedgebot.domain.durations import NS_PER_MINUTE, NS_PER_S
from hedgebot.domain.errors import DataError
from hedgebot.exchange.playback import Bars, Floats
from hedgebot.exchange.recordfile import FileLike, Rows, Window, positive, read_rows

BID_NAMES, ASK_NAMES = ("bid", "bid_price"), ("ask", "ask_price")
STANDS_NS = NS_PER_MINUTE
"""How long a quote stands without another: beyond it nobody knows, and nothing trades."""


def has_quotes(columns: set[str]) -> bool:
    """Whether a file with these columns is one of quotes."""
    return bool(columns.intersection(BID_NAMES)) and bool(columns.intersection(ASK_NAMES))


def read_quotes(file: FileLike, window: Window = (None, None)) -> Bars:
    """Read and check quotes in `window`, as candles of 1 to 60 seconds (their usual distance).

    DataError names file, row and what would be right.
    """
    rows = read_rows(file, {"bid": BID_NAMES, "ask": ASK_NAMES})
    positive(rows, ("bid", "ask"))
    crossed = rows.columns["bid"] >= rows.columns["ask"]
    if crossed.any():
        row = int(np.argmax(crossed))
        raise DataError(
            f"recording {rows.path}, row {row + 1}: bid {rows.columns['bid'][row]}, ask {rows.columns['ask'][row]}; "
            "the bid must be below the ask"
        )
    usual_s = float(np.median(np.diff(rows.times_ns))) / NS_PER_S
    return _candles(rows.within(window), int(np.clip(np.ceil(usual_s), 1, STANDS_NS // NS_PER_S)) * NS_PER_S)


def _candles(rows: Rows, step_ns: int) -> Bars:
    middles = (rows.columns["bid"] + rows.columns["ask"]) / 2.0
    number = rows.times_ns // step_ns
    firsts = np.flatnonzero(np.diff(number, prepend=number[0] - 1))
    lasts = np.append(firsts[1:], len(number)) - 1
    present = number[firsts]
    # Steps without a quote have the one before, where that stands long enough to reach the next.
    every = np.arange(present[0], present[-1] + 1)
    place = np.searchsorted(present, every, side="right") - 1
    reach = np.append(np.diff(present), 1) * step_ns <= STANDS_NS + step_ns
    fresh = present[place] == every
    kept = fresh | reach[place]
    place, fresh = place[kept], fresh[kept]
    closes = middles[lasts][place]

    def shown(values: Floats) -> Floats:
        found: Floats = np.where(fresh, values[place], closes)
        return found

    return Bars(
        times_ns=every[kept] * step_ns,
        step_ns=step_ns,
        opens=shown(middles[firsts]),
        highs=shown(np.maximum.reduceat(middles, firsts)),
        lows=shown(np.minimum.reduceat(middles, firsts)),
        closes=closes,
        column="bid",
    )
