"""The instruments of one venue connection and the client's own name for each. Filled from the client's markets."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hedgebot.domain.instrument import Instrument, InstrumentId, instrument_id
from hedgebot.venues.normalise_instruments import instruments_of
from hedgebot.venues.reading import Raw


class InstrumentTable:
    """Known instruments. A reload replaces those named again and keeps those that are gone: they can still be held."""

    def __init__(self, venue: str) -> None:
        self._venue = venue
        self._symbols: dict[InstrumentId, str] = {}
        self.instruments: dict[InstrumentId, Instrument] = {}

    def load(self, markets: Mapping[str, Mapping[str, Any]]) -> tuple[tuple[Instrument, ...], tuple[str, ...]]:
        """Take the client's markets; returns the instruments read now and a sentence for each unreadable row."""
        found, problems = instruments_of(self._venue, _rows(markets.values()))
        for market in markets.values():
            category = _category(market)
            if category is not None:
                self._symbols[instrument_id(self._venue, category, str(market["id"]))] = str(market["symbol"])
        self.instruments.update({instrument.id: instrument for instrument in found})
        return found, problems

    def symbol(self, instrument: InstrumentId) -> str | None:
        """The client's name of an instrument that we can trade or watch."""
        return self._symbols.get(instrument) if instrument in self.instruments else None


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
