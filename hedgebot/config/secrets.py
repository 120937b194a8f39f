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


WITH_PASSPHRASE = frozenset({"okx"})
"""Venues whose keys have a third part."""


_WORDS = ("api_key", "api_secret", "api_passphrase")


class KeyPair(NamedTuple):
    """The key of an account and the way it was found, in words; `api_passphrase` is empty where the venue has none."""

    api_key: SecretStr
    api_secret: SecretStr
    found_in: str
    api_passphrase: SecretStr = SecretStr("")


class Looked(NamedTuple):
    """Result of looking for one secret: its value or None, and where it was looked for."""

    value: str | None
    where: str


def find_keys(name: str, account: AccountSection, *, folder: Path, environment: Mapping[str, str]) -> KeyPair | str:
    """Find the keys of account `name`; the answer is a sentence when they are missing.

    Files are relative to `folder`, the folder of the configuration file.
    """
    words = _WORDS if account.venue in WITH_PASSPHRASE else _WORDS[:2]
    files = (account.api_key_file, account.api_secret_file, account.api_passphrase_file)[: len(words)]
    variables = (account.api_key_env, account.api_secret_env, account.api_passphrase_env)[: len(words)]
    if account.keyring is not None:
        found = [_from_keyring(account.keyring, word) for word in words]
    elif None not in files:
        found = [_from_file(folder / path.expanduser()) for path in files if path is not None]
    elif None not in variables:
        found = [_from_environment(word, environment) for word in variables if word is not None]
    elif account.endpoint is not None:
        found = [Looked(value, "the simulated exchange") for value in (DEMO_KEY, DEMO_SECRET, DEMO_SECRET)][
            : len(words)
        ]
    else:
        return f"accounts.{name} names no place for its keys"
    missing = [
        f"no {word.replace('_', ' ').replace('api', 'API')} in {one.where}"
        for word, one in zip(words, found, strict=True)
        if not one.value
    ]
    if missing:
        return f"accounts.{name}: {' and '.join(missing)}"
    key, secret, *passphrase = (SecretStr(one.value or "") for one in found)
    return KeyPair(key, secret, found[0].where, *passphrase)


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
