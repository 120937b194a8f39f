"""What differs between two configurations, and what of it a running daemon cannot take over. Reads no file."""

from hedgebot.config import canonical
from hedgebot.config.loader import Config

RESTART_SECTIONS = ("book", "accounts", "treasury", "alerts", "daemon")
RESTART_TO_LOOSEN = frozenset(
    f"limits.{name}"
    for name in (
        "daily_loss_usd_max",
        "drawdown_ratio_max",
        "bleed_usd_max",
        "es_ratio_max",
        "funding_cost_usd_per_day_max",
        "canary_ratio",
    )
)
"""Hard limits: a running daemon takes a tighter one, and a looser one with its next start."""
RESTART_TO_SHORTEN = frozenset({"limits.canary_hours"})
"""The same for those that are looser the smaller they are."""
# What the engine judges a holding by; where it is read is the task's, which begins with the run.
_HOLDING_KEYS_LIVE = ("ratio", "age_s_max", "jump_coin_max")


def diff(old: Config, new: Config) -> list[str]:
    """Lines "key: old -> new" for every setting that differs."""
    return canonical.changes(old.tree(), new.tree())


def restart_needed(lines: list[str]) -> list[str]:
    """Those lines of a diff that a running daemon cannot take over: they need a restart."""
    return [line for line in lines if _needs_restart(line.split(":", 1)[0]) or _loosens(line)]


def _loosens(line: str) -> bool:
    key, _, change = line.partition(": ")
    old, _, new = change.partition(" -> ")
    if key in RESTART_TO_SHORTEN:
        return float(new) < float(old)
    return key in RESTART_TO_LOOSEN and float(new) > float(old)


def _needs_restart(key: str) -> bool:
    section, _, last = key.split(".", 1)[0], *key.rpartition(".")[1:]
    return section in RESTART_SECTIONS or (section == "holdings" and last not in _HOLDING_KEYS_LIVE)
