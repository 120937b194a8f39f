import dataclasses

from pydantic import SecretStr

from hedgebot.config.loader import AccountConnection
from hedgebot.daemon.reaching import secrets_of, venue_connection
from hedgebot.domain.settings import AccountRole


def test_the_same_account_is_reached_with_its_keys() -> None:
    made = venue_connection(
        AccountConnection(
            account="main",
            venue="bybit",
            role=AccountRole.SHARED,
            endpoint="http://127.0.0.1:8700",
            testnet=True,
            api_key=SecretStr("the-key"),
            api_secret=SecretStr("the-secret"),
            keys_found_in="files",
            recv_window_ms=7_000,
            order_timeout_ms=1_000,
            order_entry="ws",
        )
    )
    assert (made.account, made.venue, made.role) == ("main", "bybit", AccountRole.SHARED)
    assert (made.endpoint, made.testnet, made.recv_window_ms) == ("http://127.0.0.1:8700", True, 7_000)
    assert (made.api_key, made.api_secret) == ("the-key", "the-secret")
    assert "the-" not in repr(made), "no key is shown"


def test_what_must_be_shown_nowhere_is_what_the_connection_has() -> None:
    one = AccountConnection(
        account="main",
        venue="okx",
        role=AccountRole.WATCHED,
        endpoint=None,
        testnet=True,
        api_key=SecretStr("the-key"),
        api_secret=SecretStr(""),
        api_passphrase=SecretStr("the-word"),
        keys_found_in="files",
        recv_window_ms=7_000,
        order_timeout_ms=1_000,
        order_entry="ws",
    )
    assert secrets_of(one) == ("the-key", "the-word")
    assert secrets_of(dataclasses.replace(one, api_passphrase=None)) == ("the-key",)
