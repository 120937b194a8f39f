import msgspec
import pytest

from hedgebot.exchange.scenario import ClientFlowSpec, PegSpec, RecordingSpec, Scenario, TokenSpec, VenueSpec, problems


def paths(scenario: Scenario) -> list[tuple[str | int, ...]]:
    return [path for path, _ in problems(scenario)]


@pytest.mark.parametrize(
    ("peg", "key"),
    [
        (PegSpec(coin="BTC", points=((0.0, 1.0),)), ("coin",)),
        (PegSpec(coin="USDC"), ()),
        (PegSpec(coin="USDC", usd_bars="x", points=((0.0, 1.0),)), ()),
        (PegSpec(coin="USDC", usd_bars="x"), ()),
        (PegSpec(coin="USDC", points=((5.0, 1.0), (5.0, 0.9))), ("points",)),
        (PegSpec(coin="USDC", points=((5.0, 0.0),)), ("points",)),
    ],
)
def test_a_peg_that_makes_no_sense_is_named(scenario: Scenario, peg: PegSpec, key: tuple[str, ...]) -> None:
    assert ("pegs", 0, *key) in paths(msgspec.structs.replace(scenario, pegs=(peg,)))


def test_a_token_that_makes_no_sense_is_named(scenario: Scenario) -> None:
    tokens = (
        TokenSpec(name="WBTC", underlying="BTC"),
        TokenSpec(name="WBTC", underlying="BTC"),
        TokenSpec(name="USDT", underlying="BTC"),
        TokenSpec(name="STSOL", underlying="SOL"),
    )
    assert paths(msgspec.structs.replace(scenario, tokens=tokens)) == [
        ("tokens", 1, "name"),
        ("tokens", 2, "name"),
        ("tokens", 3, "underlying"),
    ]


def test_venues_are_checked_with_what_they_change(scenario: Scenario) -> None:
    venues = (
        VenueSpec(name="one"),
        VenueSpec(name="one"),
        VenueSpec(name="two", venue_rules="nowhere"),
        VenueSpec(name="three", recordings=(RecordingSpec(underlying="SOL"),)),
        VenueSpec(name="four", client_flow=ClientFlowSpec(account="nobody")),
    )
    assert paths(msgspec.structs.replace(scenario, venues=venues)) == [
        ("venues", 1, "name"),
        ("venues", 2, "venue_rules"),
        ("venues", 3, "recordings", 0, "underlying"),
        ("venues", 4, "client_flow", "account"),
    ]
    assert paths(msgspec.structs.replace(scenario, venues=venues[:1])) == []
