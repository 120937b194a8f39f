"""One daemon per state directory and per account on this host: file locks, released by the kernel at any death.

The account's lock lies outside the state directory, under the user's runtime and state folders, so that a second daemon
with another state directory is refused as well. It holds no secret: its name is a digest. Hosts do not see each other.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import IO, Self
from urllib.parse import urlsplit

from hedgebot.domain.errors import ConfigError, InstanceError


def account_fingerprint(*, venue: str, endpoint: str | None, testnet: bool, api_key: str) -> str:
    """Digest (32 hex) of what makes an account: the venue, where it is reached, and the key."""
    host = urlsplit(endpoint).netloc if endpoint else ("testnet" if testnet else "mainnet")
    text = f"{venue}\n{host}\n{api_key}"
    return blake2b(text.encode(), digest_size=16, person=b"hedgebot-account").hexdigest()


def lock_folders(environment: Mapping[str, str]) -> list[Path]:
    """Folders, made if need be, in which account locks are taken: all of them, so that logins of either kind meet.

    A user session has a runtime folder and a service often has none, while both have the state folder; where neither
    can be written (a read-only container) the folder for temporary files serves.
    """
    state_home = environment.get("XDG_STATE_HOME") or str(Path(environment.get("HOME", "/")) / ".local" / "state")
    wanted = [Path(state_home) / "hedgebot" / "locks"]
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        wanted.append(Path(runtime) / "hedgebot" / "locks")
    # Two names of one folder must not become two locks: the second would find itself in the way.
    found = list(dict.fromkeys(folder.resolve() for folder in wanted if _usable(folder)))
    if found:
        return found
    fallback = Path(tempfile.gettempdir()) / f"hedgebot-{os.getuid()}" / "locks"
    if not _usable(fallback):
        raise ConfigError(f"no folder for the account lock can be written: tried {', '.join(map(str, wanted))}")
    return [fallback]


def _usable(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


class InstanceLocks:
    """The locks that one daemon holds; a context manager that lets go of all of them."""

    def __init__(self) -> None:
        self._files: list[IO[str]] = []

    def take_state_dir(self, state_dir: Path) -> None:
        """Own this state directory; raises InstanceError when another daemon does."""
        self._take(state_dir / "daemon.lock", f"state directory {state_dir}", str(state_dir))

    def take_account(self, name: str, fingerprint: str, folders: Iterable[Path], state_dir: Path) -> None:
        """Own this account on this host; raises InstanceError when another daemon does."""
        for folder in folders:
            self._take(folder / f"{fingerprint}.lock", f"account {name}", str(state_dir))

    def _take(self, path: Path, what: str, where: str) -> None:
        file = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            owner = file.read(200).strip() or "another process"
            file.close()
            raise InstanceError(
                f"{what} is already run by {owner}: stop that daemon first, one account has one"
            ) from None
        path.chmod(0o600)
        file.truncate(0)
        file.write(f"process {os.getpid()} with state directory {where}\n")
        file.flush()
        self._files.append(file)

    def release(self) -> None:
        """Let go of every lock. The files stay: removing them would race with the next owner."""
        while self._files:
            self._files.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.release()
