"""The drop copy on virtual time: a second reader of what the venue says was executed, on a link of its own.

Owns when it reads and what it has told, at the pace of the real one. It takes identities and nothing else, shares
neither connection nor fault with the venue's other requests, and leaves the judgement to the engine.
"""

from hedgebot.domain.dropcopy import ExecutionsRead
from hedgebot.domain.durations import NS_PER_S
from hedgebot.exchange.link_types import Call
from hedgebot.lab.seat import Seat

EVERY_NS = 6 * NS_PER_S
WINDOW_NS = 90 * NS_PER_S
TIMEOUT_NS = 10 * NS_PER_S


class SimReader:
    """The second reader of one account; its seat has a link of its own."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._told: dict[str, int] = {}
        self._failed = False
        self._running = False

    def start(self) -> None:
        """Read from now on."""
        self._running = True
        self._seat.timeline.after(EVERY_NS, self._read)

    def stop(self) -> None:
        """Read no more; what is under way is told to nobody."""
        self._running = False

    def _read(self) -> None:
        if not self._running:
            return
        asked_at_ns = self._seat.clock()
        self._seat.link.request(
            self._list,
            lambda found: self._take(found, "", asked_at_ns),
            lambda why: self._take((), why, asked_at_ns),
            TIMEOUT_NS,
            Call(name="query.executions", sent_ms=self._seat.exchange.now_ns // 1_000_000),
        )
        self._seat.timeline.after(EVERY_NS, self._read)

    def _list(self) -> tuple[str, ...]:
        """Identities of what was executed of late, as the ledger keeps them."""
        rows = self._seat.exchange.executions(self._seat.holder, self._seat.exchange.now_ns - WINDOW_NS)
        return tuple(f"{self._seat.account}|{one.instrument.rpartition(':')[0]}|{one.exec_id}" for one in rows)

    def _take(self, found: tuple[str, ...], problem: str, asked_at_ns: int) -> None:
        if not self._running:
            return
        new = tuple(one for one in found if one not in self._told)
        self._told = {one: at for one, at in self._told.items() if asked_at_ns - at <= 2 * WINDOW_NS}
        self._told |= dict.fromkeys(found, asked_at_ns)
        if new or problem or self._failed:
            self._seat.put(
                ExecutionsRead(account=self._seat.account, executions=new, problem=problem, asked_at_ns=asked_at_ns)
            )
        self._failed = bool(problem)
