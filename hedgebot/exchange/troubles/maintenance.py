"""Maintenance: when the venue takes no request, and what it has announced about it.

Owns each maintenance from its announcement to its end; the last hundred are remembered. One that begins while another
is under way changes its end. Must not know accounts, orders or the wire.
"""

from collections import deque
from collections.abc import Callable
from enum import StrEnum

import msgspec

from hedgebot.domain.durations import NS_PER_S
from hedgebot.exchange.quotes import Value
from hedgebot.exchange.trouble import Maintenance
from hedgebot.exchange.troubles.bent import BentWorld
from hedgebot.exchange.troubles.spells import Spells

# An interruption of less than ten seconds is not announced (docs/v5/system-status.mdx).
TOLD_S_MIN = 10.0
_KEPT_MAX = 100
_KIND, _AHEAD = "maintenance", "maintenance ahead"


class Stage(StrEnum):
    """How far a maintenance is."""

    SCHEDULED = "scheduled"
    ONGOING = "ongoing"
    COMPLETED = "completed"


class Announcement(Value, frozen=True, kw_only=True):
    """One maintenance; `end_ns` is what is expected until it is over. `is_told` to clients unless it is a short one.

    `is_planned` where it was known ahead.
    """

    id: str
    stage: Stage
    is_planned: bool
    is_told: bool
    begin_ns: int
    end_ns: int


class Maintenances:
    """The venue's maintenances on a world."""

    def __init__(
        self, world: BentWorld, spells: Spells, clock: Callable[[], int], new_id: Callable[[str], str]
    ) -> None:
        self._world = world
        self._spells = spells
        self._clock = clock
        self._new_id = new_id
        self._known: deque[Announcement] = deque(maxlen=_KEPT_MAX)

    @property
    def is_down(self) -> bool:
        """Whether the venue takes no request now."""
        return self._spells.runs(_KIND)

    def announcements(self) -> tuple[Announcement, ...]:
        """What is ahead, under way and over, oldest first."""
        return tuple(self._known)

    def strike(self, trouble: Maintenance) -> None:
        """Begin it, or announce it where it is for later."""
        begin_ns = self._clock() + int(trouble.in_s * NS_PER_S)
        made = Announcement(
            id=self._new_id(_KIND),
            stage=Stage.SCHEDULED,
            is_planned=trouble.in_s > 0.0,
            is_told=trouble.duration_s >= TOLD_S_MIN,
            begin_ns=begin_ns,
            end_ns=begin_ns + int(trouble.duration_s * NS_PER_S),
        )
        if made.is_planned:
            self._known.append(made)
            self._spells.begin((_AHEAD, made.id), begin_ns, lambda: self._begin(made, trouble))
        else:
            self._begin(made, trouble)

    def _begin(self, made: Announcement, trouble: Maintenance) -> None:
        end_ns = self._clock() + int(trouble.duration_s * NS_PER_S)
        going = next((one for one in self._known if one.stage is Stage.ONGOING), None)
        if going is None:
            now_on = msgspec.structs.replace(made, stage=Stage.ONGOING, begin_ns=self._clock(), end_ns=end_ns)
        else:
            self._forget(made.id)
            now_on = msgspec.structs.replace(going, end_ns=end_ns, is_told=going.is_told or made.is_told)
        self._put(now_on)
        self._world.is_paused = trouble.pauses_market
        self._spells.begin((_KIND, ""), end_ns, lambda: self._end(now_on))

    def _end(self, one: Announcement) -> None:
        self._world.is_paused = False
        self._put(msgspec.structs.replace(one, stage=Stage.COMPLETED, end_ns=self._clock()))

    def _forget(self, name: str) -> None:
        for one in [one for one in self._known if one.id == name]:
            self._known.remove(one)

    def _put(self, one: Announcement) -> None:
        self._forget(one.id)
        self._known.append(one)
