"""One daemon per state directory and per account on this host: locks that the kernel releases at any death.

An account is locked twice, by its key before anything is opened and by the venue's own name of it once that is known:
several keys may belong to it. The files lie outside the state directory, under the user's runtime and state folders, so
that a second daemon with another state directory is refused as well; a name in the system's socket space (Linux) holds
against daemons of other users, who have other folders. Simulated exchanges are many and have no such name. Nothing
holds a secret: names are digests. Hosts do not see each other, nor do containers with networks of their own.
"""

import fcntl
import os
import socket
import struct
import sys
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


def uid_fingerprint(*, venue: str, endpoint: str | None, testnet: bool, uid: str) -> str:
    """The same of an account by the venue's own name of it, whichever key asked."""
    return account_fingerprint(venue=venue, endpoint=endpoint, testnet=testnet, api_key=f"account {uid}")


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
        self._names: list[socket.socket] = []

    def take_state_dir(self, state_dir: Path) -> None:
        """Own this state directory; raises InstanceError when another daemon does."""
        self._take(state_dir / "daemon.lock", f"state directory {state_dir}", str(state_dir))

    def take_account(
        self, name: str, fingerprint: str, folders: Iterable[Path], state_dir: Path, *, for_all_users: bool = False
    ) -> None:
        """Own this account on this host; raises InstanceError when another daemon does, of any user where asked."""
        for folder in folders:
            self._take(folder / f"{fingerprint}.lock", f"account {name}", str(state_dir))
        if for_all_users and sys.platform == "linux":
            self._take_name(f"hedgebot-{fingerprint}", f"account {name}")

    def _take(self, path: Path, what: str, where: str) -> None:
        file = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            owner = file.read(200).strip() or "another process"
            file.close()
            raise _owned(what, owner) from None
        path.chmod(0o600)
        file.truncate(0)
        file.write(f"process {os.getpid()} with state directory {where}\n")
        file.flush()
        self._files.append(file)

    def _take_name(self, name: str, what: str) -> None:
        """Take an abstract socket's name: no file, no rights, gone with its process."""
        held = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            held.bind(f"\0{name}")
            held.listen(1)
        except OSError:
            held.close()
            raise _owned(what, _listener(name)) from None
        self._names.append(held)

    def release(self) -> None:
        """Let go of every lock. The files stay: removing them would race with the next owner."""
        while self._files:
            self._files.pop().close()
        while self._names:
            self._names.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.release()


def _owned(what: str, owner: str) -> InstanceError:
    return InstanceError(f"{what} is already run by {owner}: stop that daemon first, one account has one")


def _listener(name: str) -> str:
    """Who holds an abstract socket's name, by the kernel's word."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(0.5)
            asking.connect(f"\0{name}")
            pid, uid, _group = struct.unpack("3i", asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    except OSError:
        return "another process"
    return f"process {pid} of the user with number {uid}"
