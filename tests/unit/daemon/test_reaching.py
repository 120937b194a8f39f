import dataclasses

from pydantic import SecretStr

from hedgebot.daemon.reaching import secrets_of, venue_connection
from hedgebot.domain.settings import AccountRole
from tests.support.connections import account_connection


def test_the_same_account_is_reached_with_its_keys() -> None:
    made = venue_connection(
        account_connection(endpoint="http://127.0.0.1:8700", testnet=True, recv_window_ms=7_000, order_timeout_ms=1_000)
    )
    assert (made.account, made.venue, made.role) == ("main", "bybit", AccountRole.SHARED)
    assert (made.endpoint, made.testnet, made.recv_window_ms) == ("http://127.0.0.1:8700", True, 7_000)
    assert (made.api_key, made.api_secret) == ("the-key", "the-secret")
    assert "the-" not in repr(made), "no key is shown"


def test_what_must_be_shown_nowhere_is_what_the_connection_has() -> None:
    one = account_connection(api_secret=SecretStr(""), api_passphrase=SecretStr("the-word"))
    assert secrets_of(one) == ("the-key", "the-word")
    assert secrets_of(dataclasses.replace(one, api_passphrase=None)) == ("the-key",)
