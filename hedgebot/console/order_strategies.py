"""Which strategy sent an order, for `kill --direct`: as the journal has it, never as the present file would have it.

An order's id carries the place of its strategy in the configuration of the moment; a file that was edited since has
other places. Owns how long the journal is waited for: a disk that hangs must not hold a kill up. Fails closed: an order
that the journal does not know may be anybody's of ours.
"""

import threading
from pathlib import Path

from hedgebot.console.output import plain
from hedgebot.domain.errors import HedgebotError
from hedgebot.journal.query import JournalReader

WAIT_S = 1.0
ORDERS_READ = 2_000
"""Far more than can be alive at once: one order for each underlying, all immediate-or-cancel."""


class OrderStrategies:
    """The strategies of the newest orders of a state folder's journal."""

    def __init__(self, state_dir: Path, wait_s: float = WAIT_S) -> None:
        self._strategies: dict[str, str] = {}
        self._unknown: set[str] = set()
        self._problem = f"it was not read within {wait_s:g} s"
        # Not a pool's: at the end of the process one that hangs in a read would be waited for.
        reading = threading.Thread(target=self._read, args=(state_dir,), daemon=True)
        reading.start()
        reading.join(wait_s)

    def may_be(self, client_id: str | None, strategy: str) -> bool:
        """Whether an order of ours was sent by a strategy, or by nobody that the journal can name."""
        sent_by = self._strategies.get(client_id or "")
        if sent_by is None:
            self._unknown.add(client_id or "")
        return sent_by in {None, strategy}

    def notes(self) -> list[str]:
        """What an operator must know of orders that were taken although nobody could say whose they were."""
        if self._problem:
            return [f"the journal cannot say which strategy sent an order ({self._problem}): all of ours were taken"]
        if not self._unknown:
            return []
        return [f"taken too, because the journal does not know who sent them: {', '.join(sorted(self._unknown))}"]

    def _read(self, state_dir: Path) -> None:
        try:
            with JournalReader(state_dir) as journal:
                found = journal.strategies(ORDERS_READ)
        except (HedgebotError, OSError) as error:
            self._problem = plain(str(error))
        else:
            self._strategies, self._problem = found, ""
