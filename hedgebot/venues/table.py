"""The instruments of one venue connection and the client's own name for each. Filled from the client's markets."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hedgebot.domain.instrument import Instrument, InstrumentId, instrument_id
from hedgebot.venues.normalise_instruments import instruments_of
from hedgebot.venues.reading import Raw


class InstrumentTable:
    """Known instruments. A reload replaces those named again and keeps those that are gone: they can still be held.

    Those that have expired go when nobody can bring an execution of them any more: new ones are listed every day.
    """

    def __init__(self) -> None:
        self._symbols: dict[InstrumentId, str] = {}
        self.instruments: dict[InstrumentId, Instrument] = {}

    def take(self, found: Iterable[Instrument], symbols: Mapping[InstrumentId, str]) -> None:
        """Take instruments and the client's names, as `read_markets` found them."""
        self._symbols.update(symbols)
        self.instruments.update({instrument.id: instrument for instrument in found})

    def forget_ended(self, before_ns: int) -> None:
        """Forget instruments that expired before a moment."""
        for one in [
            one for one in self.instruments.values() if one.expiry_ns is not None and one.expiry_ns < before_ns
        ]:
            del self.instruments[one.id]
            self._symbols.pop(one.id, None)

    def symbol(self, instrument: InstrumentId) -> str | None:
        """The client's name of an instrument that we can trade or watch."""
        return self._symbols.get(instrument) if instrument in self.instruments else None


def read_markets(
    venue: str, markets: Mapping[str, Mapping[str, Any]]
) -> tuple[tuple[Instrument, ...], dict[InstrumentId, str], tuple[str, ...]]:
    """The client's markets as instruments, its own name of each, and a sentence for each unreadable row. Pure."""
    found, problems = instruments_of(venue, _rows(markets.values()))
    symbols: dict[InstrumentId, str] = {}
    for market in markets.values():
        category = _category(market)
        if category is not None:
            symbols[instrument_id(venue, category, str(market["id"]))] = str(market["symbol"])
    return found, symbols, problems


def read_statuses(venue: str, markets: Mapping[str, Mapping[str, Any]]) -> dict[InstrumentId, str]:
    """The venue's word for the status of each of the client's markets. Pure."""
    return {
        instrument_id(venue, category, str(row["symbol"])): str(row.get("status"))
        for category, row in _rows(markets.values())
        if "symbol" in row
    }


def _rows(markets: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Raw]]:
    for market in markets:
        category = _category(market)
        if category is not None and isinstance(market.get("info"), dict):
            yield category, market["info"]


def _category(market: Mapping[str, Any]) -> str | None:
    """The venue's category, from the client's flags. Symbols repeat across categories, so it must be known."""
    if market.get("spot"):
        return "spot"
    if market.get("option"):
        return "option"
    if market.get("linear"):
        return "linear"
    return "inverse" if market.get("inverse") else None
