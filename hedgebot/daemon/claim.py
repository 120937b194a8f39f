"""Claims accounts for this daemon, by key and by the venue's own name. Owns what an account is; the locks do the rest.

Two keys of one account are one account: each would hedge the other's book.
"""

from pathlib import Path

import structlog

from hedgebot.config.loader import AccountConnection
from hedgebot.daemon.lock import InstanceLocks, account_fingerprint, uid_fingerprint


class AccountClaim:
    """The accounts of one daemon. Each method raises InstanceError when another daemon has the account."""

    def __init__(self, locks: InstanceLocks, folders: list[Path], state_dir: Path) -> None:
        self._locks = locks
        self._folders = folders
        self._state_dir = state_dir

    def by_key(self, one: AccountConnection) -> None:
        """Before anything is opened: two daemons with one key find each other at once."""
        key = one.api_key.get_secret_value()
        self._take(one, account_fingerprint(venue=one.venue, endpoint=one.endpoint, testnet=one.testnet, api_key=key))

    def by_uid(self, one: AccountConnection, uid: str) -> None:
        """Once the venue has said whose the key is; empty where it does not, then the key's claim stands alone."""
        if not uid:
            doubt = "its venue does not say whose the key is: another key of the account is not noticed"
            structlog.stdlib.get_logger("hedgebot.daemon").warning("account lock", account=one.account, doubt=doubt)
            return
        self._take(one, uid_fingerprint(venue=one.venue, endpoint=one.endpoint, testnet=one.testnet, uid=uid))

    def _take(self, one: AccountConnection, fingerprint: str) -> None:
        real = one.endpoint is None
        self._locks.take_account(one.account, fingerprint, self._folders, self._state_dir, for_all_users=real)
