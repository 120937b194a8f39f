"""Which key was meant by one that nobody knows: near spellings, and keys that differ in their unit only.

Owns the search and the words that count as units. Reads no file and knows no model of any configuration.
"""

import difflib
from collections.abc import Iterable

UNIT_WORDS = frozenset(
    {"s", "sec", "secs", "seconds", "ms", "us", "ns", "min", "minutes", "hours", "days", "day"}
    | {"usd", "usdt", "usdc", "coin", "coins", "btc", "eth", "base", "contracts", "qty"}
    | {"bps", "bp", "pct", "percent", "ratio", "share"}
)


def stem(key: str) -> str:
    """The key without the words for units: two keys with one stem differ in their unit only."""
    return "_".join(word for word in key.lower().split("_") if word not in UNIT_WORDS)


def nearest(word: str, known: Iterable[str]) -> tuple[str | None, bool]:
    """Find the known key that was meant; the flag says that only the unit differs."""
    candidates = sorted(known)
    same_stem = [name for name in candidates if stem(name) == stem(word) != "" and name != word]
    if same_stem:
        return difflib.get_close_matches(word, same_stem, n=1, cutoff=0.0)[0], True
    close = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    return (close[0], False) if close else (None, False)
