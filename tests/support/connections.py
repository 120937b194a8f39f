"""How an account is reached, as the configuration says it."""

import dataclasses
from typing import Any

from pydantic import SecretStr

from hedgebot.config import AccountConnection
from hedgebot.domain.settings import AccountRole


def account_connection(**changes: Any) -> AccountConnection:
    """A shared account at Bybit; `changes` replace fields."""
    plain = AccountConnection(
        account="main",
        venue="bybit",
        role=AccountRole.SHARED,
        endpoint="http://127.0.0.1:1",
        testnet=False,
        api_key=SecretStr("the-key"),
        api_secret=SecretStr("the-secret"),
        keys_found_in="files",
        recv_window_ms=5_000,
        order_timeout_ms=2_000,
        order_entry="ws",
    )
    return dataclasses.replace(plain, **changes)
