"""A journal in memory that loses at a crash what a disk would lose: everything after the last durable write.

Owns the point up to which entries are durable, and the events that recovery replays. Entries keep their values, not
their bytes; the real journal's format is tested elsewhere.
"""

from collections.abc import Callable, Sequence

from hedgebot.domain.commands import Issued, SubmitOrder
from hedgebot.domain.errors import JournalError
from hedgebot.domain.events import Stamped
from hedgebot.domain.orders import OrderIntent


class MemoryJournal:
    """Entries in order, with a durable part."""

    def __init__(self) -> None:
        self._entries: list[Stamped | Issued] = []
        self._durable = 0
        self._intents: dict[str, tuple[int, OrderIntent | None]] = {}
        # What a broken disk does: the next writes fail with this sentence.
        self.broken = ""

    @property
    def entries(self) -> Sequence[Stamped | Issued]:
        """Everything written and not lost, in order."""
        return self._entries

    def write(self, entries: Sequence[Stamped | Issued], *, durable: bool) -> None:
        """Append; raises JournalError while the disk is broken, and then keeps the entries for its next write."""
        for number, one in enumerate(entries, len(self._entries)):
            if isinstance(one, Issued) and isinstance(one.command, SubmitOrder):
                self._intents[one.command.client_id] = (number, one.command.approved.intent)
        self._entries += entries
        if self.broken:
            raise JournalError(self.broken)
        if durable:
            self._durable = len(self._entries)

    def sync(self) -> None:
        """What the tape's and the database's housekeeping does from time to time."""
        if not self.broken:
            self._durable = len(self._entries)

    def crash(self, *, power_cut: bool) -> int:
        """The process ends; with a power cut what was not durable is gone. How many entries were lost."""
        kept = self._durable if power_cut else len(self._entries)
        lost = len(self._entries) - kept
        del self._entries[kept:]
        self._intents = {name: one for name, one in self._intents.items() if one[0] < kept}
        self._durable = kept
        return lost

    def events(self) -> list[Stamped]:
        """What recovery replays."""
        return [one for one in self._entries if isinstance(one, Stamped)]

    def orders(self) -> list[Issued]:
        """Every order that was journaled, in order."""
        return [one for one in self._entries if isinstance(one, Issued) and isinstance(one.command, SubmitOrder)]

    def durable_intent(self, client_id: str) -> OrderIntent | None:
        """The intent of an order, when it would survive a power cut in this moment; None otherwise."""
        number, intent = self._intents.get(client_id, (self._durable, None))
        return intent if number < self._durable else None

    @property
    def next_seq(self) -> int:
        """The number of the next event."""
        last = next((one.seq for one in reversed(self._entries) if isinstance(one, Stamped)), 0)
        return last + 1


class PassingJournal(MemoryJournal):
    """Hands every entry on and keeps none, so that a long history costs no memory. A crash would lose all of it."""

    def __init__(self, told: Callable[[Stamped | Issued], None]) -> None:
        super().__init__()
        self._told = told

    def write(self, entries: Sequence[Stamped | Issued], *, durable: bool) -> None:
        """Pass on; raises JournalError while the disk is broken."""
        if self.broken:
            raise JournalError(self.broken)
        for one in entries:
            self._told(one)
