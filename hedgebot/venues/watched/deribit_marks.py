"""What Deribit marks options at: price, implied volatility and the forward of the expiry, of one moment.

Owns how they are asked for. A few are asked one by one; for many the whole list of a currency is one question, since
each takes time in which the others grow old. What is not told stays None. Sources: public/ticker and
public/get_book_summary_by_currency (mark_price in the settlement coin, mark_iv in percent, underlying_price).
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from hedgebot.domain.reports import WatchedPosition
from hedgebot.venues.guard import FAULTS
from hedgebot.venues.reading import Raw, as_object, as_rows, float_or_none

ONE_BY_ONE_MAX = 4

Client = Any
"""ccxt is untyped."""


async def with_marks(client: Client, positions: Iterable[WatchedPosition]) -> tuple[WatchedPosition, ...]:
    """The positions, the options among them with what they are marked at now, as far as it is told.

    What keeps it from being told is no error: margins are worth reading without it.
    """
    held = tuple(positions)
    wanted = [one for one in held if one.rules.kind.is_option]
    try:
        rows = await _rows(client, wanted)
    except FAULTS:
        rows = {}
    return tuple(marked(one, rows[one.rules.symbol]) if one.rules.symbol in rows else one for one in held)


def marked(position: WatchedPosition, row: Raw) -> WatchedPosition:
    """An option with what one answer says of it."""
    percent = float_or_none(row, "mark_iv")
    return msgspec.structs.replace(
        position,
        mark=float_or_none(row, "mark_price") or position.mark,
        vol=None if percent is None else percent / 100.0,
        forward=float_or_none(row, "underlying_price"),
    )


async def _rows(client: Client, wanted: list[WatchedPosition]) -> dict[str, Raw]:
    """Answers by the name of the instrument."""
    if len(wanted) <= ONE_BY_ONE_MAX:
        return {one.rules.symbol: await _ticker(client, one.rules.symbol) for one in wanted}
    names, found = {one.rules.symbol for one in wanted}, dict[str, Raw]()
    for currency in sorted({one.rules.settle for one in wanted}):
        answer = await client.publicGetGetBookSummaryByCurrency({"currency": currency, "kind": "option"})
        rows = as_rows(as_object(answer, "the summaries").get("result"), "result")
        found |= {name: row for row in rows if (name := str(row.get("instrument_name"))) in names}
    return found


async def _ticker(client: Client, name: str) -> Raw:
    answer = await client.publicGetTicker({"instrument_name": name})
    return as_object(as_object(answer, "the ticker").get("result"), "result")
