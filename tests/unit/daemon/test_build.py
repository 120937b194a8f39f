"""The build: the same for the same files, another with any file of the program changed, added or renamed."""

import subprocess
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


def test_the_commit_and_the_lock_of_a_checkout(tmp_path: Path) -> None:
    assert subject.checkout(tmp_path) == (None, None), "installed, or an archive"
    (tmp_path / subject.LOCK_FILE).write_text("a==1")
    assert subject.checkout(tmp_path).git_sha is None
    git = tmp_path / ".git"
    git.mkdir()
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    assert subject.checkout(tmp_path).git_sha is None, "no commit yet"
    (git / "packed-refs").write_text("# pack-refs with: peeled\n" + "b" * 40 + " refs/heads/main\n")
    assert subject.checkout(tmp_path).git_sha == "b" * 40
    (git / "refs/heads").mkdir(parents=True)
    (git / "refs/heads/main").write_text("c" * 40 + "\n")
    assert subject.checkout(tmp_path).git_sha == "c" * 40, "a loose ref is newer than a packed one"
    (git / "HEAD").write_text("d" * 40 + "\n")
    before = subject.checkout(tmp_path)
    assert before.git_sha == "d" * 40, "detached"
    (tmp_path / subject.LOCK_FILE).write_text("a==2")
    assert before.lock_hash != subject.checkout(tmp_path).lock_hash


def test_the_commit_of_a_worktree(tmp_path: Path) -> None:
    main, tree = tmp_path / "main", tmp_path / "tree"
    (main / ".git/worktrees/tree").mkdir(parents=True)
    (main / ".git/refs/heads").mkdir(parents=True)
    (main / ".git/refs/heads/side").write_text("e" * 40 + "\n")
    (main / ".git/worktrees/tree/HEAD").write_text("ref: refs/heads/side\n")
    (main / ".git/worktrees/tree/commondir").write_text("../..\n")
    tree.mkdir()
    (tree / ".git").write_text(f"gitdir: {main}/.git/worktrees/tree\n")
    (tree / subject.LOCK_FILE).write_text("a==1")
    assert subject.checkout(tree).git_sha == "e" * 40


def test_this_program_s_own_is_what_git_says(root: Path) -> None:
    asked = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    assert subject.checkout().git_sha == (asked.stdout.strip() if asked.returncode == 0 else None)
    assert subject.checkout().lock_hash
