"""Several exchanges over the same underlying prices: each with accounts, basis, depth, weather and events of its own.

Owns how a scenario with venues becomes one scenario for each, and their common clock. What one exchange does is the
model's; nothing is shared but where the underlying prices come from.
"""

import zlib
from collections.abc import Iterator, Mapping

import msgspec

from hedgebot.exchange.model import Exchange
from hedgebot.exchange.recording import load_paths, load_pegs
from hedgebot.exchange.scenario import ClientFlowSpec, Scenario, UnderlyingSpec, VenueSpec


def venue_scenarios(scenario: Scenario) -> dict[str, Scenario]:
    """One scenario for each venue by name; a scenario without venues is its own, under the name of its rules."""
    if not scenario.venues:
        return {scenario.venue_rules: scenario}
    return {venue.name: _of_venue(scenario, venue) for venue in scenario.venues}


def _of_venue(scenario: Scenario, venue: VenueSpec) -> Scenario:
    return msgspec.structs.replace(
        scenario,
        name=f"{scenario.name}/{venue.name}",
        # Ids, books and the client are the venue's own; the prices are everybody's.
        seed=zlib.crc32(f"{scenario.seed}/{venue.name}".encode()),
        path_seed=scenario.seed if scenario.path_seed is None else scenario.path_seed,
        venues=(),
        underlyings=tuple(_shifted(one, venue) for one in scenario.underlyings),
        recordings=venue.recordings or scenario.recordings,
        accounts=venue.accounts or scenario.accounts,
        client_flow=_flow(scenario, venue),
        weather=venue.weather or scenario.weather,
        events=(*scenario.events, *venue.events),
        venue_rules=venue.venue_rules or scenario.venue_rules,
    )


def _flow(scenario: Scenario, venue: VenueSpec) -> ClientFlowSpec | None:
    """The client trades where its account is."""
    flow = venue.client_flow or scenario.client_flow
    accounts = venue.accounts or scenario.accounts
    return flow if flow is not None and any(one.name == flow.account for one in accounts) else None


def _shifted(spec: UnderlyingSpec, venue: VenueSpec) -> UnderlyingSpec:
    return msgspec.structs.replace(
        spec,
        perp_offset_bps=spec.perp_offset_bps + venue.basis_bps,
        depth_ratio=spec.depth_ratio * venue.depth_ratio,
    )


def open_exchange(scenario: Scenario, now_ns: int) -> Exchange:
    """One exchange with its recordings loaded. DataError or ConfigError for what cannot be."""
    paths = load_paths(scenario)
    return Exchange(scenario, now_ns, paths, load_pegs(scenario, paths))


class Exchanges(Mapping[str, Exchange]):
    """All exchanges of a scenario by name, on one clock."""

    def __init__(self, scenario: Scenario, now_ns: int) -> None:
        self._exchanges = {name: open_exchange(one, now_ns) for name, one in venue_scenarios(scenario).items()}

    def advance(self, now_ns: int) -> None:
        """Let all run to a moment, one after the other: none sees another's present."""
        for exchange in self._exchanges.values():
            exchange.advance(now_ns)

    def __getitem__(self, name: str) -> Exchange:
        return self._exchanges[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._exchanges)

    def __len__(self) -> int:
        return len(self._exchanges)
