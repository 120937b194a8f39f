"""One daemon per state directory and account: the second one is refused, whatever its state directory."""

import os
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from hedgebot.daemon.lock import InstanceLocks, account_fingerprint, lock_folders, uid_fingerprint
from hedgebot.domain.errors import InstanceError

PRINT = account_fingerprint(venue="bybit", endpoint=None, testnet=False, api_key="key")


def test_a_second_owner_of_the_state_directory_is_refused(tmp_path: Path) -> None:
    with InstanceLocks() as first, InstanceLocks() as second:
        first.take_state_dir(tmp_path)
        with pytest.raises(InstanceError, match=f"process {os.getpid()}") as caught:
            second.take_state_dir(tmp_path)
    assert caught.value.exit_code == 7


def test_a_second_owner_of_the_account_is_refused_from_another_state_directory(tmp_path: Path) -> None:
    folders = lock_folders({"XDG_STATE_HOME": str(tmp_path)})
    with InstanceLocks() as first, InstanceLocks() as second:
        first.take_account("main", PRINT, folders, tmp_path / "one")
        with pytest.raises(InstanceError, match=r"account main .*one"):
            second.take_account("main", PRINT, folders, tmp_path / "two")


def test_another_account_is_free(tmp_path: Path) -> None:
    other = account_fingerprint(venue="bybit", endpoint=None, testnet=False, api_key="another")
    with InstanceLocks() as locks:
        locks.take_account("a", PRINT, [tmp_path], tmp_path)
        locks.take_account("b", other, [tmp_path], tmp_path)
        assert len(list(tmp_path.glob("*.lock"))) == 2


def test_released_locks_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        with InstanceLocks() as locks, InstanceLocks() as others:
            locks.take_state_dir(tmp_path)
            locks.take_account("main", PRINT, [tmp_path], tmp_path)
            with pytest.raises(InstanceError):
                others.take_state_dir(tmp_path)


@pytest.mark.parametrize(
    "change",
    [{"venue": "other"}, {"endpoint": "http://127.0.0.1:1"}, {"testnet": True}, {"api_key": "key2"}],
)
def test_every_part_of_the_fingerprint_counts(change: dict[str, Any]) -> None:
    parts: dict[str, Any] = {"venue": "bybit", "endpoint": None, "testnet": False, "api_key": "key"}
    assert account_fingerprint(**(parts | change)) != PRINT


def test_two_simulated_exchanges_on_one_host_are_two_accounts() -> None:
    one, two = (
        account_fingerprint(venue="bybit", endpoint=f"http://127.0.0.1:{port}", testnet=False, api_key="k")
        for port in (1, 2)
    )
    assert one != two


def test_no_key_is_in_the_name(tmp_path: Path) -> None:
    key = "AKIA-very-secret"
    fingerprint = account_fingerprint(venue="bybit", endpoint=None, testnet=False, api_key=key)
    with InstanceLocks() as locks:
        locks.take_account("main", fingerprint, [tmp_path], tmp_path)
        for path in tmp_path.iterdir():
            assert key not in path.name
            assert key not in path.read_text()


def test_a_session_and_a_service_meet_in_the_state_folder(tmp_path: Path) -> None:
    state, runtime = tmp_path / "state", tmp_path / "runtime"
    service = lock_folders({"XDG_STATE_HOME": str(state)})
    session = lock_folders({"XDG_STATE_HOME": str(state), "XDG_RUNTIME_DIR": str(runtime)})
    assert len(session) == 2
    assert set(service) & set(session)


def test_where_no_folder_can_be_made_the_temporary_one_serves(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folders = lock_folders({"XDG_STATE_HOME": str(tmp_path / "file")})
    assert len(folders) == 1
    assert folders[0].is_dir()


def test_two_names_of_one_folder_are_one_lock(tmp_path: Path) -> None:
    folders = lock_folders({"XDG_STATE_HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)})
    assert folders == [tmp_path / "hedgebot" / "locks"]
    with InstanceLocks() as locks:
        locks.take_account("main", "f" * 32, folders, tmp_path)


def test_an_account_by_its_venues_name_is_one_whatever_key(tmp_path: Path) -> None:
    one = uid_fingerprint(venue="bybit", endpoint=None, testnet=False, uid="7")
    assert one == uid_fingerprint(venue="bybit", endpoint=None, testnet=False, uid="7")
    assert one != uid_fingerprint(venue="bybit", endpoint=None, testnet=True, uid="7")
    assert one != account_fingerprint(venue="bybit", endpoint=None, testnet=False, api_key="7")


@pytest.mark.skipif(sys.platform != "linux", reason="abstract socket names are Linux's")
def test_another_users_daemon_has_other_folders_and_is_met_all_the_same(tmp_path: Path) -> None:
    """Folders stand for users here: no file is shared between the two."""
    fingerprint = account_fingerprint(venue="bybit", endpoint=None, testnet=False, api_key=uuid.uuid4().hex)
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    mine.mkdir()
    theirs.mkdir()
    with InstanceLocks() as first, InstanceLocks() as second:
        first.take_account("main", fingerprint, [mine], tmp_path, for_all_users=True)
        words = rf"account main is already run by process {os.getpid()} of the user with number {os.getuid()}: stop"
        with pytest.raises(InstanceError, match=words):
            second.take_account("main", fingerprint, [theirs], tmp_path, for_all_users=True)
    with InstanceLocks() as third:
        third.take_account("main", fingerprint, [theirs], tmp_path, for_all_users=True)
