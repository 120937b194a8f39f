"""The table of dead-man's switches: one row per venue, complete, dated, and cautious about what is not known."""

from datetime import date

from hedgebot.domain.deadman import DeadManKind
from hedgebot.venues.deadman_table import AS_OF, TABLE, capability
from hedgebot.venues.registry import VENUES


def test_every_row_is_whole() -> None:
    assert date.fromisoformat(AS_OF) >= date(2026, 11, 25)
    names = [one.venue for one in TABLE]
    assert len(names) == len(set(names))
    for one in TABLE:
        assert one.source, one.venue
        assert (one.scope == "none") is (one.kind is DeadManKind.NONE), one.venue
        assert one.seconds_min is None or one.seconds_max is None or 0 < one.seconds_min < one.seconds_max


def test_the_venues_of_the_safety_reference_are_there() -> None:
    assert {"binance", "bybit", "okx", "kraken", "kraken_futures", "deribit", "hyperliquid", "bitget", "gate"} <= {
        one.venue for one in TABLE
    }
    assert capability("bybit").kind is DeadManKind.WS_DISCONNECT
    assert (capability("bybit").seconds_min, capability("bybit").seconds_max) == (3.0, 300.0)
    assert capability("bybit").reads_back
    assert capability("hyperliquid").triggers_per_day == 10
    assert capability("dydx").kind is DeadManKind.NONE
    assert all(capability(name).source != "not in the table" for name in VENUES)


def test_an_unknown_venue_has_none() -> None:
    assert capability("atlantis").kind is DeadManKind.NONE
