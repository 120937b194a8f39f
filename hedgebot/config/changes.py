"""What differs between two configurations, and what of it a running daemon cannot take over. Reads no file."""

import orjson

from hedgebot.config import canonical
from hedgebot.config.loader import Config
from hedgebot.config.tiers import loosens

RESTART_SECTIONS = ("book", "accounts", "treasury", "alerts", "daemon")
LIMIT_SECTIONS = ("limits", "underlyings")
"""Where hard limits stand: a running daemon takes a tighter one, and a looser one with its next start."""
# What the engine judges a holding by; where it is read is the task's, which begins with the run.
_HOLDING_KEYS_LIVE = ("ratio", "age_s_max", "jump_coin_max", "coin_max")


def diff(old: Config, new: Config) -> list[str]:
    """Lines "key: old -> new" for every setting that differs."""
    return canonical.changes(old.tree(), new.tree())


def restart_needed(lines: list[str]) -> list[str]:
    """Those lines of a diff that a running daemon cannot take over: they need a restart."""
    return [line for line in lines if _needs_restart(line.split(":", 1)[0]) or _loosens(line)]


def loosened(lines: list[str]) -> list[str]:
    """Those lines of a diff that loosen a hard limit. What is new loosens nothing that was in force."""
    return [line for line in lines if _loosens(line)]


def _loosens(line: str) -> bool:
    key, _, change = line.partition(": ")
    old, _, new = change.partition(" -> ")
    section, _, rest = key.partition(".")
    if section not in LIMIT_SECTIONS or old == canonical.ABSENT:
        return False
    if new == canonical.ABSENT:
        return section == "limits"  # a whole underlying that leaves is no limit that is loosened
    # A setting of an underlying may be a table of its own, by instrument: its name is what bounds, or does not.
    name = rest.split(".")[1] if section == "underlyings" else rest.rpartition(".")[2]
    return loosens(name, orjson.loads(old), orjson.loads(new))


def _needs_restart(key: str) -> bool:
    section, _, last = key.split(".", 1)[0], *key.rpartition(".")[1:]
    return section in RESTART_SECTIONS or (section == "holdings" and last not in _HOLDING_KEYS_LIVE)
