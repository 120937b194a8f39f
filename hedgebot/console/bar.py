"""Net delta drawn against its band, as one line of characters. Pure.

::

      -0.42 ······[··¦···········|···········¦··]··●··· +0.42   BTC

`[ ]` are the edges where a hedge is due, `¦` where a hedge ends, `|` the centre (zero unless a target is set), `●` net
delta, `◀ ▶` beyond the scale.
"""

from rich.text import Text

from hedgebot.console.snapshot import UnderlyingRow

# The band takes three fifths of the scale, so that a breach is seen to leave it.
SCALE_PER_BAND = 5 / 3


def delta_bar(one: UnderlyingRow, width: int) -> Text:
    """Draw one underlying in `width` characters, with the scale's ends and unit."""
    above, below = one.edge_coin(1.0), one.edge_coin(-1.0)
    if above is None or below is None or max(above, below) <= 0:
        return Text(f"     the band of {one.underlying} is not known", style="red")
    scale = max(above, below) * SCALE_PER_BAND
    # Ends of one width, so that the bars of several underlyings stand below each other.
    left = f"     {_end(one.centre_coin - scale):>7} "
    right = f" {_end(one.centre_coin + scale):<7} {one.underlying:<4}"
    if (width - len(left) - len(right)) % 2 == 0:
        right += " "  # an odd number of cells has a middle
    cells = width - len(left) - len(right)
    bar = Text(left, style="dim")
    bar.append_text(_cells(cells, one, above, -below, scale))
    return bar.append(right, style="dim")


def _end(coins: float) -> str:
    digits = next((digits for digits, least in ((0, 100.0), (1, 10.0), (2, 0.1)) if abs(coins) >= least), 4)
    return f"{coins:+.{digits}f}"


def _cells(cells: int, one: UnderlyingRow, high: float, low: float, scale: float) -> Text:
    """The scale itself, around the centre; `high` and `low` are the edges, `scale` is half of it, all in coin."""
    marks = {column(0.0, cells): ("|", "bold")}
    marks |= {column(low / scale, cells): ("[", "bold"), column(high / scale, cells): ("]", "bold")}
    targets = [(side, one.target_coin(side)) for side in (-1.0, 1.0)]
    marks |= {column(side * found / scale, cells): ("¦", "") for side, found in targets if found is not None}
    if one.delta_coin is not None:
        off = one.delta_coin - one.centre_coin
        place, inside_band = off / scale, low <= off <= high
        mark = "●" if abs(place) <= 1 else ("◀" if place < 0 else "▶")
        marks[column(place, cells)] = (mark, "bold green" if inside_band else "bold yellow")
    text = Text()
    for index in range(cells):
        mark, style = marks.get(index, ("·", "dim"))
        text.append(mark, style)
    return text


def column(place: float, cells: int) -> int:
    """Index of the cell at `place` (-1 left end, 0 middle, +1 right end); beyond the ends the end itself."""
    return round((min(1.0, max(-1.0, place)) + 1) / 2 * (cells - 1))
