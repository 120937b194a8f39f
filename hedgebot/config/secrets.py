"""Where API keys come from: a file, the system's key store, or the environment. Never from a configuration file itself.

Owns the look-up and its sentences. A secret leaves this module only inside SecretStr, which prints as asterisks.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import SecretStr

from hedgebot.config.model import AccountSection

# The key pair of config/scenarios; it opens the simulated exchange on this machine and nothing else.
DEMO_KEY = "demo-key"
DEMO_SECRET = "demo-secret"  # noqa: S105  (it opens the demo's exchange only)


class KeyPair(NamedTuple):
    """The key of an account and the way it was found, in words."""

    api_key: SecretStr
    api_secret: SecretStr
    found_in: str


class Looked(NamedTuple):
    """Result of looking for one secret: its value or None, and where it was looked for."""

    value: str | None
    where: str


def find_keys(name: str, account: AccountSection, *, folder: Path, environment: Mapping[str, str]) -> KeyPair | str:
    """Find the keys of account `name`; the answer is a sentence when they are missing.

    Files are relative to `folder`, the folder of the configuration file.
    """
    if account.keyring is not None:
        found = [_from_keyring(account.keyring, word) for word in ("api_key", "api_secret")]
    elif account.api_key_file is not None and account.api_secret_file is not None:
        found = [_from_file(folder / path.expanduser()) for path in (account.api_key_file, account.api_secret_file)]
    elif account.api_key_env is not None and account.api_secret_env is not None:
        found = [_from_environment(word, environment) for word in (account.api_key_env, account.api_secret_env)]
    elif account.endpoint is not None:
        found = [Looked(DEMO_KEY, "the simulated exchange"), Looked(DEMO_SECRET, "the simulated exchange")]
    else:
        return f"accounts.{name} names no place for its keys"
    missing = [
        f"no {what} in {one.where}" for what, one in zip(("API key", "API secret"), found, strict=True) if not one.value
    ]
    if missing:
        return f"accounts.{name}: {' and '.join(missing)}"
    key, secret = (SecretStr(one.value or "") for one in found)
    return KeyPair(api_key=key, api_secret=secret, found_in=found[0].where)


def _from_file(path: Path) -> Looked:
    try:
        value = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return Looked(None, f"the file {path} (it does not exist)")
    except PermissionError:
        return Looked(None, f"the file {path} (it may not be read)")
    except (OSError, UnicodeDecodeError):
        return Looked(None, f"the file {path} (it cannot be read)")
    return Looked(value or None, f"the file {path}" if value else f"the file {path} (it is empty)")


def _from_environment(name: str, environment: Mapping[str, str]) -> Looked:
    """Read NAME_FILE (a file that holds the value, as container platforms hand secrets over), then NAME."""
    if environment.get(f"{name}_FILE"):
        return _from_file(Path(environment[f"{name}_FILE"]).expanduser())
    value = environment.get(name, "").strip()
    return Looked(
        value or None,
        f"the environment variables {name}_FILE and {name}" if not value else f"the environment variable {name}",
    )


def _from_keyring(service: str, word: str) -> Looked:
    where = f"the key store (service {service}, user name {word})"
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return Looked(None, f"{where}: the package keyring is not installed, install hedgebot[keyring]")
    try:
        value = keyring.get_password(service, word)
    except KeyringError as error:
        return Looked(None, f"{where}: {error}")
    return Looked(value or None, where)
