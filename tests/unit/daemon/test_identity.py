"""The installation's number: made once, kept private, never made anew."""

import stat
from pathlib import Path

import pytest

from hedgebot.daemon.identity import FILE, install_id, prepare_state_dir, sync_folder
from hedgebot.domain.errors import ConfigError


def test_the_state_directory_is_the_owners_alone(tmp_path: Path) -> None:
    folder = prepare_state_dir(tmp_path / "a" / "b")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    prepare_state_dir(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_file_in_the_way_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(ConfigError, match=r"state directory .*taken"):
        prepare_state_dir(tmp_path / "taken")


def test_the_number_is_made_once_and_stays(tmp_path: Path) -> None:
    number = install_id(tmp_path)
    assert 0 <= number < 1 << 32
    assert install_id(tmp_path) == number
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_two_installations_differ(tmp_path: Path) -> None:
    numbers = set()
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        numbers.add(install_id(tmp_path / name))
    assert len(numbers) == 3


@pytest.mark.parametrize("text", ["", "hello", "123456789", "-1"])
def test_a_damaged_number_is_never_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ConfigError, match="8 hex digits"):
        install_id(tmp_path)
    assert (tmp_path / FILE).read_text() == text


def test_a_draft_that_a_crash_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "install_id.new").write_text("torn")
    assert install_id(tmp_path) == install_id(tmp_path)


def test_a_folder_can_be_synced(tmp_path: Path) -> None:
    sync_folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "absent")
