"""An account is claimed by its key and by the venue's own name of it: two keys of one account are one account."""

import dataclasses
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from hedgebot.config.loader import AccountConnection, load_config
from hedgebot.daemon.claim import AccountClaim
from hedgebot.daemon.lock import InstanceLocks
from hedgebot.domain.errors import InstanceError
from tests.unit.daemon.fakes import write_config


def connection(folder: Path, key: str) -> AccountConnection:
    (one,) = load_config(write_config(folder), state_dir=folder / "state").connections({})
    return dataclasses.replace(one, api_key=SecretStr(key))


def claim(locks: InstanceLocks, folder: Path) -> AccountClaim:
    return AccountClaim(locks, [folder], folder / "state")


def test_two_keys_of_one_account_meet_at_its_venues_name(tmp_path: Path) -> None:
    one, other = connection(tmp_path, "one"), connection(tmp_path, "other")
    with InstanceLocks() as first, InstanceLocks() as second:
        claim(first, tmp_path).by_key(one)
        claim(first, tmp_path).by_uid(one, "7001")
        rival = claim(second, tmp_path)
        rival.by_key(other)
        rival.by_uid(other, "7002")
        with pytest.raises(InstanceError, match=r"account main is already run by process .*one account has one"):
            rival.by_uid(other, "7001")


def test_a_venue_that_does_not_tell_whose_the_key_is_leaves_the_keys_claim_and_says_so(tmp_path: Path) -> None:
    one = connection(tmp_path, "one")
    with InstanceLocks() as locks, capture_logs() as told:
        claim(locks, tmp_path).by_key(one)
        claim(locks, tmp_path).by_uid(one, "")
    assert [(row["event"], row["account"]) for row in told] == [("account lock", "main")]
    assert "another key of the account is not noticed" in told[0]["doubt"]
