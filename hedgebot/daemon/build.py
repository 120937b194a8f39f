"""Which build of the program this is: its version alone does not tell two states of its files apart."""

from hashlib import blake2b
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

from hedgebot import __version__

PACKAGES = ("hedgebot", "strategies")
LOCK_FILE = "requirements.lock"
_SKIPPED = "__pycache__"


def build() -> str:
    """The version, and a digest of every file of the program and of its strategies. Takes about 30 ms."""
    digest = blake2b(digest_size=6)
    for package in PACKAGES:
        _add(digest, files(package), package)
    return f"{__version__}+{digest.hexdigest()}"


def _add(digest: blake2b, folder: Traversable, name: str) -> None:
    for one in sorted(folder.iterdir(), key=lambda entry: entry.name):
        inside = f"{name}/{one.name}"
        if one.is_file():
            content = one.read_bytes()
            digest.update(f"{inside} {len(content)} ".encode() + content)
        elif one.name != _SKIPPED:
            _add(digest, one, inside)


class Checkout(NamedTuple):
    """Where the program runs from its repository: the commit, and a digest of what its libraries were locked to.

    Each is None where there is none: a program that was installed knows neither, its build's digest stands alone.
    """

    git_sha: str | None
    lock_hash: str | None


def checkout(root: Path | None = None) -> Checkout:
    """What the repository around the program says of itself; read from its files, no other program is asked."""
    folder = root or Path(__file__).resolve().parents[2]
    try:
        lock = (folder / LOCK_FILE).read_bytes()
    except OSError:
        return Checkout(None, None)
    return Checkout(_commit(folder), blake2b(lock, digest_size=16).hexdigest())


def _commit(folder: Path) -> str | None:
    """The commit that is checked out. Source: gitrepository-layout(5), a worktree's `.git` is a file that names it."""
    try:
        git = folder / ".git"
        if git.is_file():
            git = folder / git.read_text("utf-8").removeprefix("gitdir:").strip()
        common = git / "commondir"
        shared = git / common.read_text("utf-8").strip() if common.is_file() else git
        head = (git / "HEAD").read_text("utf-8").strip()
        if not head.startswith("ref:"):
            return head
        name = head.removeprefix("ref:").strip()
        for one in (git / name, shared / name):
            if one.is_file():
                return one.read_text("utf-8").strip()
        lines = (shared / "packed-refs").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    return next((line.split()[0] for line in lines if line.split()[1:] == [name]), None)
