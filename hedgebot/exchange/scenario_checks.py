"""What does not make sense in a scenario's events, pegs, tokens and venues: the path of the key and the sentence.

Owns these rules. `scenario.py` has the values, and the rules of everything else.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec

from hedgebot.domain.toml_lines import Path
from hedgebot.exchange.faults import OrderFault
from hedgebot.exchange.venue_rules import VENUES

if TYPE_CHECKING:
    from hedgebot.exchange.scenario import Scenario

AT_S_MAX = 400 * 86_400.0
# Stablecoins that can lose their peg.
PEGGED = ("USDT", "USDC")


def event_problems(scenario: "Scenario") -> Iterator[tuple[Path, str]]:
    """What is wrong with the written events."""
    known = {
        "underlying": [spec.name for spec in scenario.underlyings],
        "account": [spec.name for spec in scenario.accounts],
    }
    for number, event in enumerate(scenario.events):
        path: Path = ("events", number)
        if (event.at_s is None) == (event.at is None):
            yield path, "an event needs at_s (seconds after the start) or at (the recording's clock), one of them"
        if event.at_s is not None and not 0 <= event.at_s <= AT_S_MAX:
            yield (*path, "at_s"), f"at_s is {event.at_s}, it must be 0 to {AT_S_MAX:g} seconds"
        if event.at is not None and not scenario.recordings:
            yield (*path, "at"), "at counts on a recording's clock, and nothing recorded is played; give at_s"
        if event.trouble is None and event.flow is None and event.weather is None and not event.faults:
            yield path, "an event needs what happens: a trouble, flow, weather or faults"
        if event.flow is not None and scenario.client_flow is None:
            yield (*path, "flow"), "flow changes the client's trading, and there is no client_flow"
        for key, names in known.items():
            named = getattr(event.trouble, key, None)
            if isinstance(named, str) and named and named not in names:
                yield (*path, "trouble", key), f"trouble.{key} is {named!r}, it must be one of {names}"
        for place, fault in enumerate(event.faults):
            # The sockets of a fault of the line may be anybody's; orders are an account's.
            if isinstance(fault, OrderFault) and fault.account not in {"", *known["account"]}:
                sentence = f"account of an order fault is {fault.account!r}, it must be one of {known['account']}"
                yield (*path, "faults", place, "account"), sentence


def peg_problems(scenario: "Scenario") -> Iterator[tuple[Path, str]]:
    """What is wrong with the pegs."""
    for number, peg in enumerate(scenario.pegs):
        path: Path = ("pegs", number)
        if peg.coin not in PEGGED:
            yield (*path, "coin"), f"pegs coin is {peg.coin!r}, it must be one of {', '.join(PEGGED)}"
        if bool(peg.points) == bool(peg.usd_bars or peg.coin_bars):
            yield path, "a peg needs points, or usd_bars and coin_bars, one of the two"
        if bool(peg.usd_bars) != bool(peg.coin_bars):
            yield path, "a recorded peg needs both usd_bars and coin_bars"
        times = [at_s for at_s, _ in peg.points]
        if times != sorted(set(times)) or not all(0.01 <= usd <= 100 for _, usd in peg.points):
            yield (*path, "points"), "points of a peg must rise in time, each with 0.01 to 100 USD"


def token_problems(scenario: "Scenario") -> Iterator[tuple[Path, str]]:
    """What is wrong with the tokens."""
    traded = [spec.name for spec in scenario.underlyings]
    taken = ["USD", *PEGGED, *traded]
    for number, token in enumerate(scenario.tokens):
        path: Path = ("tokens", number)
        if not token.name or token.name in taken:
            yield (*path, "name"), f"token name is {token.name!r}; a token needs a name that no other coin has"
        if token.underlying not in traded:
            yield (*path, "underlying"), f"token underlying is {token.underlying!r}, it must be one of {traded}"
        taken.append(token.name)


def venue_problems(
    scenario: "Scenario", problems: Callable[["Scenario"], Iterator[tuple[Path, str]]]
) -> Iterator[tuple[Path, str]]:
    """What is wrong with the venues; `problems` finds what is wrong with a scenario, of which each venue makes one."""
    names = [venue.name for venue in scenario.venues]
    for number, venue in enumerate(scenario.venues):
        path: Path = ("venues", number)
        if not venue.name or venue.name in names[:number]:
            yield (*path, "name"), f"venue name is {venue.name!r}; each venue needs a name of its own"
        if venue.venue_rules is not None and venue.venue_rules not in VENUES:
            known = ", ".join(sorted(VENUES))
            yield (*path, "venue_rules"), f"venue_rules is {venue.venue_rules!r}, it must be one of {known}"
        inner = msgspec.structs.replace(
            scenario,
            venues=(),
            pegs=(),
            accounts=venue.accounts or scenario.accounts,
            client_flow=venue.client_flow or scenario.client_flow,
            recordings=venue.recordings or scenario.recordings,
            events=venue.events,
        )
        own = {"accounts", "client_flow", "recordings", "events"}
        for inner_path, sentence in problems(inner):
            if inner_path[0] in own and getattr(venue, str(inner_path[0])):
                yield (*path, *inner_path), f"venue {venue.name}: {sentence}"
