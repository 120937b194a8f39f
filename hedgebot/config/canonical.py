"""The identity of a configuration: its canonical form, its hash, and the difference between two. Free of secrets.

The canonical form holds settings only: where keys are found, never the keys.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson

HASH_BYTES = 8
# A value this many times larger or smaller than before is more often a slip of the unit than a wish.
SLIP_RATIO = 10.0
ABSENT = "(none)"


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn nested tables into one table with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        dotted = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{dotted}.")
        else:
            flat[dotted] = value
    return flat


def digest(tree: Mapping[str, Any]) -> str:
    """Hash of the canonical form: 16 hex characters; the same settings give the same hash on every machine."""
    text = orjson.dumps(tree, option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=HASH_BYTES).hexdigest()


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Lines "key: old -> new", sorted by key; a key that one side lacks is shown as (none)."""
    before, after = flatten(old), flatten(new)
    return [
        f"{key}: {_text(before.get(key))} -> {_text(after.get(key))}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def is_slip(change: str) -> bool:
    """Whether a line "key: old -> new" looks like a slip of unit or sign: ten times more or less, or turned."""
    values = change.partition(": ")[2].split(" -> ")
    try:
        old, new = (float(value) for value in values)
    except ValueError:
        return False
    if old == 0 or new == 0:
        return False
    return old * new < 0 or not 1 / SLIP_RATIO < abs(new / old) < SLIP_RATIO


def _text(value: object) -> str:
    return ABSENT if value is None else orjson.dumps(value).decode()
