from hedgebot.domain.settings import AccountRole
from hedgebot.venues.connection import VenueConnection


def test_keys_are_never_shown() -> None:
    made = VenueConnection(
        account="main", venue="bybit", role=AccountRole.HEDGE, api_key="canary-key", api_secret="canary-secret"
    )
    for shown in (repr(made), str(made), f"{made}", f"{[made]}"):
        assert "canary" not in shown
        assert "main" in shown
    assert made.has_key


def test_half_a_key_is_none() -> None:
    assert not VenueConnection(account="a", venue="bybit", role=AccountRole.HEDGE, api_key="k").has_key


def test_the_ping_interval_is_well_below_the_silence_limit() -> None:
    made = VenueConnection(account="a", venue="bybit", role=AccountRole.HEDGE)
    assert 3 * made.keep_alive_ms <= made.silence_ms_max
