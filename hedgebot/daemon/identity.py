"""Who this installation is: a 32-bit number made once, kept in the state directory, part of every client order id.

Must not: make another number when the file is damaged, because orders under the old one would become foreign.
"""

import os
import secrets
from pathlib import Path

from hedgebot.domain.errors import ConfigError

FILE = "install_id"


def prepare_state_dir(state_dir: Path) -> Path:
    """Make the state directory, readable by its owner alone; raises ConfigError where that cannot be."""
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        state_dir.chmod(0o700)
    except OSError as error:
        raise ConfigError(
            f"state directory {state_dir}: {error.strerror}; name a directory that this user may write"
        ) from error
    return state_dir


def install_id(state_dir: Path) -> int:
    """The number of this installation, 0 to 2**32 - 1; made at the first call, mode 0600, and then never changed."""
    path = state_dir / FILE
    try:
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        return _make(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    try:
        number = int(text, 16)
    except ValueError:
        number = -1
    if not 0 <= number < 1 << 32:
        raise ConfigError(f"{path} holds {text[:20]!r}, it must hold 8 hex digits: restore it from a backup")
    return number


def _make(path: Path) -> int:
    number = secrets.randbits(32)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{number:08x}\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)
    return number


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
