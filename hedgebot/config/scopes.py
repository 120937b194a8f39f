"""Scopes of strategies that cannot be meant: names that do not exist, and scopes that get in each other's way.

Pure; looks at the values as they were written. An underlying has one hedge, so its strategies share one scope: a
section that names none takes that of the others.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from hedgebot.config.problems import Problem

Table = Mapping[str, Any]
KEYS = ("accounts", "instruments")


def check(
    strategies: Mapping[str, Table], accounts: Mapping[str, Table], holdings: Mapping[str, Table], file: str
) -> list[Problem]:
    """All wrong scopes of the main file (as raw tables)."""
    problems = []
    for name, strategy in strategies.items():
        problems += list(_unknown(f"strategies.{name}", strategy, accounts, holdings))
    problems += list(_opposed(strategies))
    return [Problem(key=key, sentence=f"{file}: {key} {what}") for key, what in problems]


def _unknown(
    key: str, strategy: Table, accounts: Mapping[str, Table], holdings: Mapping[str, Table]
) -> Iterator[tuple[str, str]]:
    for one in KEYS:
        names = _names(strategy, one)
        yield from (
            (f"{key}.{one}", f"names {name} twice") for name in sorted({x for x in names if names.count(x) > 1})
        )
    known = ", ".join(sorted({**accounts, **holdings})) or "none"
    for name in _names(strategy, "accounts"):
        if accounts.get(name, {}).get("role") == "watched":
            yield f"{key}.accounts", f"names {name}, which is only watched: nothing that it holds is exposure here"
        if name not in accounts and name not in holdings:
            yield f"{key}.accounts", f"names {name}, which is not one of the [accounts] or [holdings] (known: {known})"
    coins = _names(strategy, "underlyings")
    venues = {str(one.get("venue")) for one in accounts.values()}
    for name in _names(strategy, "instruments"):
        if name.count(":") != 2:
            continue
        venue, _, symbol = name.split(":")
        if venue not in venues:
            yield f"{key}.instruments", f"names {name}, and no account is at {venue}"
        if not any(coin in symbol for coin in coins):
            yield f"{key}.instruments", f"names {name}, which does not look like an instrument on {' or '.join(coins)}"


def _opposed(strategies: Mapping[str, Table]) -> Iterator[tuple[str, str]]:
    """Two sections that give one underlying different scopes."""
    seen: dict[str, tuple[str, tuple[tuple[str, ...], ...]]] = {}
    for name, strategy in strategies.items():
        scope = tuple(tuple(sorted(_names(strategy, key))) for key in KEYS)
        if not any(scope):
            continue
        for coin in _names(strategy, "underlyings"):
            other, its = seen.setdefault(coin, (name, scope))
            if its != scope:
                words = "an underlying has one hedge, so give both the same, or leave it out in one of them"
                what = f"and instruments give {coin} another scope than strategies.{other}: {words}"
                yield f"strategies.{name}.accounts", what


def _names(table: Table, key: str) -> list[str]:
    value = table.get(key)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list | tuple) else []
