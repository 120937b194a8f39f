"""Caches that tell: what the client parsed from a private stream reaches us at once, watched or not.

As shipped, a fill that arrives while nobody awaits the stream is delivered only together with the next one. A cache of
our own in its place hands each item on when it is stored. Owns no meaning of the items.
"""

from collections.abc import Callable
from typing import Any

from ccxt.async_support.base.ws.cache import ArrayCacheBySymbolById

from hedgebot.venues.reading import Raw

# Nobody reads the items again: each has been handed on. The client wants the last ones for updates of one id.
CACHE_ITEMS_MAX = 50


class NotifyingCache(ArrayCacheBySymbolById):  # type: ignore[misc]  # ccxt is untyped
    """The client's own cache, bounded, that first hands the raw row of each new item to `notify`."""

    def __init__(self, notify: Callable[[Raw], None]) -> None:
        super().__init__(CACHE_ITEMS_MAX)
        self._notify = notify

    def append(self, item: dict[str, Any]) -> None:
        """Hand on the raw row, then store the parsed item. The client merges items of one id; `info` is this one's."""
        info = item.get("info")
        if isinstance(info, dict):
            self._notify(info)
        super().append(item)
