import os
from pathlib import Path

import pytest

from hedgebot.console.errors import WrongUse
from hedgebot.console.place import books, find_place
from tests.unit.console.conftest import StubDaemon


def make_book(base: Path, name: str) -> Path:
    folder = base / "hedgebot" / name
    folder.mkdir(parents=True)
    (folder / "journal.db").write_text("")
    return folder


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", os.fspath(tmp_path))
    return tmp_path


def test_a_folder_on_the_command_line_is_taken(tmp_path: Path) -> None:
    assert find_place(None, tmp_path).state_dir == tmp_path
    assert find_place(None, tmp_path).config is None


def test_a_configuration_names_its_folder(root: Path, base: Path) -> None:
    place = find_place(root / "config" / "demo.toml", None)
    assert place.state_dir == base / "hedgebot" / "demo"
    assert place.config is not None


def test_the_only_book_needs_no_name(base: Path) -> None:
    with pytest.raises(WrongUse, match="no book was found; name one with --config FILE or --state-dir DIR"):
        find_place(None, None)
    only = make_book(base, "one")
    assert find_place(None, None).state_dir == only


def test_several_books_are_listed_unless_one_runs(
    base: Path, daemon: StubDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_book(base, "one"), make_book(base, "demo/20260101")
    with pytest.raises(WrongUse, match="there are 2 books") as caught:
        find_place(None, None)
    assert str(first) in str(caught.value)
    assert str(second) in str(caught.value)
    monkeypatch.setenv("XDG_STATE_HOME", os.fspath(daemon.state_dir))
    running = make_book(daemon.state_dir, "a")
    make_book(daemon.state_dir, "b")
    (running / "control.sock").symlink_to(daemon.state_dir / "control.sock")
    assert find_place(None, None).state_dir == running
    assert len(books()) == 2
