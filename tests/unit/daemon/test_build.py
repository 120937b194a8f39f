"""The build: the same for the same files, another with any file of the program changed, added or renamed."""

from pathlib import Path

import pytest

from hedgebot import __version__
from hedgebot.daemon import build as subject


def built(monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    monkeypatch.setattr(subject, "files", folder.joinpath)
    return subject.build()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    for name in ("hedgebot/core/a.py", "hedgebot/margin/b.json", "strategies/c.py", "hedgebot/__pycache__/a.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_the_program_s_own_is_its_version_with_a_digest() -> None:
    assert subject.build() == subject.build()
    assert subject.build().startswith(f"{__version__}+")


def test_what_python_makes_of_the_files_does_not_count(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = built(monkeypatch, program)
    (program / "hedgebot/__pycache__/a.pyc").write_text("other")
    assert built(monkeypatch, program) == before


@pytest.mark.parametrize("name", ["hedgebot/core/a.py", "hedgebot/margin/b.json", "strategies/c.py", "hedgebot/new.py"])
def test_each_file_counts(program: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    before = built(monkeypatch, program)
    (program / name).write_text("other")
    assert built(monkeypatch, program) != before


def test_a_name_counts_too(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = built(monkeypatch, program)
    (program / "strategies/c.py").rename(program / "strategies/d.py")
    assert built(monkeypatch, program) != before
