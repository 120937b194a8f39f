"""Reads recorded quotes (bid, ask, sizes) as what a book's touch was, and as candles of their middle.

Owns what a quote may be, the grid that quotes are put on and how long one stands: a quote is true until the next one,
and not for ever. A simulated book has the recorded touch; what stands behind it was not recorded and is the
exchange's own law (`liquidity.py`).
"""

from collections.abc import Iterator

import numpy as np

from hedgebot.domain.durations import NS_PER_MINUTE, NS_PER_S
from hedgebot.domain.errors import DataError
from hedgebot.exchange.playback import Bars, Floats, Quotes
from hedgebot.exchange.recordfile import FileLike, Rows, Window, positive, read_rows
from hedgebot.exchange.recordunits import BESIDE_NAMES, check_columns

BID_NAMES = ("bid", "bid_price", "best_bid_price", "bidPrice")
ASK_NAMES = ("ask", "ask_price", "best_ask_price", "askPrice")
BID_SIZE_NAMES = ("bid_size", "bid_qty", "bid_amount", "bid_quantity", "best_bid_qty", "bidQty")
ASK_SIZE_NAMES = ("ask_size", "ask_qty", "ask_amount", "ask_quantity", "best_ask_qty", "askQty")
CANDLE_QUOTES = ("bid_open", "bid_close", "ask_open", "ask_close")
"""What candles of quotes have besides their middle."""
SIZE_USD_MAX = 2e7
"""The usual size of a touch is a twentieth of it in the deepest books: beyond it sizes are contracts, not coins."""
STANDS_NS = NS_PER_MINUTE
"""How long a quote stands without another: beyond it nobody knows, and nothing trades."""


def has_quotes(columns: set[str]) -> bool:
    """Whether a file with these columns is one of quotes."""
    return bool(columns.intersection(BID_NAMES)) and bool(columns.intersection(ASK_NAMES))


def read_quotes(file: FileLike, window: Window = (None, None)) -> Bars:
    """Read and check quotes in `window`, with candles of 1 to 60 seconds (their usual distance). Sizes are coins.

    DataError names file, row and what would be right.
    """
    sizes = {"bid_size": BID_SIZE_NAMES, "ask_size": ASK_SIZE_NAMES}
    rows = read_rows(file, {"bid": BID_NAMES, "ask": ASK_NAMES}, {**sizes, **BESIDE_NAMES})
    _two_sided(rows)
    positive(rows, ("bid", "ask"))
    _uncrossed(rows, rows.columns["bid"], rows.columns["ask"])
    _sized(rows)
    check_columns(rows, "bid", rows.columns["bid"])
    usual_s = float(np.median(np.diff(rows.times_ns))) / NS_PER_S
    return _candles(rows.within(window), int(np.clip(np.ceil(usual_s), 1, STANDS_NS // NS_PER_S)) * NS_PER_S)


def candle_quotes(rows: Rows, step_ns: int, wanted: Rows) -> Quotes:
    """The spreads of candles that have their first and last quote: each stands for half of its candle.

    Of `rows` all are checked, those of `wanted` are given. Sizes of such files are a venue's contracts and are not
    played.
    """
    for what in ("open", "close"):
        _uncrossed(rows, rows.columns[f"bid_{what}"], rows.columns[f"ask_{what}"])
    halves = [_half(wanted.columns[f"bid_{what}"], wanted.columns[f"ask_{what}"]) for what in ("open", "close")]
    unknown = np.full(2 * len(wanted.times_ns), np.nan)
    return Quotes(
        times_ns=np.column_stack((wanted.times_ns, wanted.times_ns + step_ns // 2)).ravel(),
        half_ratio=np.column_stack(halves).ravel(),
        bid_coin=unknown,
        ask_coin=unknown,
    )


def _half(bids: Floats, asks: Floats) -> Floats:
    """Half the spread over the middle."""
    return (asks - bids) / (asks + bids)


def _two_sided(rows: Rows) -> None:
    """DataError at the first row that has one side alone: an empty price, or a price or size of zero."""
    for side, other in (("bid", "ask"), ("ask", "bid")):
        price, beside = rows.columns[side], rows.columns[other]
        missing = (np.isnan(price) | (price == 0.0)) & (beside > 0.0)
        if (size := rows.columns.get(f"{side}_size")) is not None:
            missing |= (size == 0.0) & (beside > 0.0)
        if missing.any():
            row = int(np.argmax(missing))
            raise DataError(
                f"recording {rows.path}, row {row + 1}: {other} {beside[row]} and no {side}: the quote is one-sided, "
                "so it has no spread to be played; leave the row out (the quote before it then stands, at most "
                f"{STANDS_NS // NS_PER_S} s), or end the file before it"
            )


def _uncrossed(rows: Rows, bids: Floats, asks: Floats) -> None:
    """DataError at the first row whose bid is not below its ask."""
    crossed = bids >= asks
    if crossed.any():
        row = int(np.argmax(crossed))
        equal, count = bids[row] == asks[row], int(crossed.sum())
        why = (
            "its spread is zero, where hedging would cost fees alone; the bid must be below the ask (a file of one "
            "price is one of candles)"
            if equal
            else "the quote is crossed; the bid must be below the ask"
        )
        more = f"; so are {count - 1} rows more" if count > 1 else ""
        raise DataError(f"recording {rows.path}, row {row + 1}: bid {bids[row]}, ask {asks[row]}: {why}{more}")


def _sized(rows: Rows) -> None:
    """DataError for sizes that are none, or cannot be coins."""
    for name, middle in _sizes(rows):
        sizes = rows.columns[name]
        wrong = ~(np.isfinite(sizes) & (sizes > 0.0))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise DataError(
                f"recording {rows.path}, row {row + 1}: {name} is {sizes[row]}; sizes must be coins, above 0"
            )
        usual_usd = float(np.median(sizes * middle))
        if usual_usd > SIZE_USD_MAX:
            raise DataError(
                f"recording {rows.path}: {name} is {float(np.median(sizes)):g} in its middle, worth {usual_usd:.3g} in "
                "quote currency, more than any book holds at one price; sizes must be coins (these look like contracts)"
            )


def _sizes(rows: Rows) -> Iterator[tuple[str, Floats]]:
    """Columns of sizes that the file has, each with the price of its side."""
    for side in ("bid", "ask"):
        if f"{side}_size" in rows.columns:
            yield f"{side}_size", rows.columns[side]


def _quotes(rows: Rows, middles: Floats) -> Quotes:
    unknown = np.full(len(middles), np.nan)
    return Quotes(
        times_ns=rows.times_ns,
        half_ratio=_half(rows.columns["bid"], rows.columns["ask"]),
        bid_coin=rows.columns.get("bid_size", unknown),
        ask_coin=rows.columns.get("ask_size", unknown),
        middle=middles,
    )


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
        quotes=_quotes(rows, middles),
    )
