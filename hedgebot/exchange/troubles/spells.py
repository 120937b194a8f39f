"""Troubles that last: what ends when, so that a world comes back to itself.

Owns the endings. A trouble of a kind on a target takes the place of the one before it there. Knows no clock: it is told
the time, once a second of the world.
"""

from collections.abc import Callable

Key = tuple[str, str]
"""(kind of trouble, what it befalls)."""


class Spells:
    """Everything that is to end."""

    def __init__(self) -> None:
        self._endings: dict[Key, tuple[int, Callable[[], None]]] = {}

    def begin(self, key: Key, until_ns: int | None, end: Callable[[], None]) -> None:
        """Have `end` called at the first second at or after `until_ns` (None: never), unless another comes before."""
        self._endings.pop(key, None)
        if until_ns is not None:
            self._endings[key] = (until_ns, end)

    def runs(self, kind: str) -> bool:
        """Whether any trouble of a kind is under way (one that ends)."""
        return any(key[0] == kind for key in self._endings)

    def advance(self, now_ns: int) -> bool:
        """End what is due, in the order in which it began; whether anything ended."""
        due = [(key, ending) for key, ending in self._endings.items() if ending[0] <= now_ns]
        for key, ending in due:
            # What one ending began in the place of another has its own time.
            if self._endings.get(key) is ending:
                del self._endings[key]
                ending[1]()
        return bool(due)
