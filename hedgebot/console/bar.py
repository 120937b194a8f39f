"""Net delta drawn against its band, as one line of characters. Pure.

::

      -0.42 ······[··¦···········|···········¦··]··●··· +0.42   BTC

`[ ]` are the edges where a hedge is due, `¦` where a hedge ends, `|` zero, `●` net delta, `◀ ▶` beyond the scale.
"""

from rich.text import Text

from hedgebot.console.snapshot import UnderlyingRow

# The band takes three fifths of the scale, so that a breach is seen to leave it.
SCALE_PER_BAND = 5 / 3


def delta_bar(one: UnderlyingRow, width: int) -> Text:
    """Draw one underlying in `width` characters, with the scale's ends and unit."""
    band = one.band_coin
    if band is None or band <= 0:
        return Text(f"     the band of {one.underlying} is not known", style="red")
    scale = band * SCALE_PER_BAND
    # Ends of one width, so that the bars of several underlyings stand below each other.
    left = f"     {_end(-scale):>7} "
    right = f" {_end(scale):<7} {one.underlying:<4}"
    if (width - len(left) - len(right)) % 2 == 0:
        right += " "  # an odd number of cells has a middle
    cells = width - len(left) - len(right)
    inside = one.inside_coin if one.inside_coin is not None and 0 < one.inside_coin < band else None
    bar = Text(left, style="dim")
    bar.append_text(_cells(cells, band / scale, None if inside is None else inside / scale, one, scale))
    return bar.append(right, style="dim")


def _end(coins: float) -> str:
    digits = next((digits for digits, least in ((0, 100.0), (1, 10.0), (2, 0.1)) if abs(coins) >= least), 4)
    return f"{coins:+.{digits}f}"


def _cells(cells: int, edge: float, inside: float | None, one: UnderlyingRow, scale: float) -> Text:
    """The scale itself; `edge` and `inside` are shares of half the scale."""
    marks = {column(0.0, cells): ("|", "bold"), column(-edge, cells): ("[", "bold"), column(edge, cells): ("]", "bold")}
    if inside is not None:
        marks |= {column(-inside, cells): ("¦", ""), column(inside, cells): ("¦", "")}
    if one.delta_coin is not None:
        place = one.delta_coin / scale
        inside_band = abs(place) <= edge
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
