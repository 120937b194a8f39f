"""Hard limits that a start would loosen: refused until an operator has confirmed exactly this configuration.

Owns the confirmation's file in the state folder. Safety reference section 11: a hard limit takes a changed file, a
restart and a second step. The refused start is the first one: it shows every limit and names the words of the second.
"""

import os
from pathlib import Path

import msgspec

from hedgebot.config import canonical
from hedgebot.config.changes import loosened
from hedgebot.config.loader import Config
from hedgebot.config.tiers import HARD
from hedgebot.daemon.identity import sync_folder
from hedgebot.daemon.slips import second_step
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.events import ConfigApplied
from hedgebot.domain.ports import EventSink
from hedgebot.domain.settings import EngineSettings

FILE = "confirmed_limits.json"


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """Who confirmed which configuration, and why."""

    config_hash: str
    operator: str
    reason: str


def loosened_since(before: EngineSettings, after: EngineSettings) -> list[str]:
    """A line "key: old -> new" for each hard limit that is looser than it was."""
    return loosened(canonical.changes(_hard(before), _hard(after)))


def phrase(config: Config) -> str:
    """The words that confirm the limits of exactly this configuration."""
    return f"loosen {config.book.name} {second_step(config.hash)}"


def check_loosened(before: EngineSettings | None, after: EngineSettings, config: Config) -> ConfigApplied | None:
    """The operator's word for what these settings loosen, to be journaled; None where they loosen nothing.

    `before` are the settings in force when the last run ended, None for a journal without one. Raises ConfigError where
    a hard limit would be looser and nobody has confirmed this very configuration.
    """
    lines = [] if before is None else loosened_since(before, after)
    if not lines:
        return None
    word = _read(config.state_dir)
    if word is None or word.config_hash != config.hash:
        files = f"{config.path} --limits {config.limits_path} -s {config.state_dir}"
        raise ConfigError(
            f"hard limits would be looser than in the last run: {'; '.join(lines)}. If it is meant, confirm it with "
            f'`hedgebot config confirm {files} --confirm "{phrase(config)}"` and start again'
        )
    return ConfigApplied(settings=after, changes=tuple(lines), operator=word.operator, reason=word.reason)


def confirm(state_dir: Path, word: Confirmation) -> None:
    """Keep an operator's word for the next start; raises OSError."""
    descriptor = os.open(state_dir / FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(word))
        file.flush()
        os.fsync(file.fileno())
    sync_folder(state_dir)


def take_over(word: ConfigApplied | None, sink: EventSink, state_dir: Path) -> None:
    """Have the word journaled once the run is on disk; it is good for one start."""
    if word is not None:
        sink.put(word)
    (state_dir / FILE).unlink(missing_ok=True)


def _hard(settings: EngineSettings) -> dict[str, object]:
    parts: dict[str, object] = {"limits": _hard_of(settings.limits)}
    return parts | {"underlyings": {one.underlying: _hard_of(one) for one in settings.underlyings}}


def _hard_of(part: msgspec.Struct) -> dict[str, object]:
    return {key: value for key, value in msgspec.to_builtins(part).items() if key in HARD}


def _read(state_dir: Path) -> Confirmation | None:
    """What cannot be read confirms nothing."""
    try:
        return msgspec.json.decode((state_dir / FILE).read_bytes(), type=Confirmation)
    except (OSError, msgspec.MsgspecError):
        return None
