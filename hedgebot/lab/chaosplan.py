"""A seeded day of bad lines: which blow falls when on which connections, and the hand that lets them fall.

The plan is a function of its seed; the carrying out goes by the clock that it is given. Owns neither the proxy nor what
the blows mean.
"""

import random
from collections.abc import Callable
from enum import StrEnum

import msgspec

from hedgebot.lab.chaosproxy import ChaosProxy, Door, Way

# Names that the first lines of a venue's connections contain; "" is all of them at once.
PLACES = ("/v5/private", "/v5/trade", "/v5/public/linear", "/v5/public/", "/v5/", "api.", "")
CALM_S, CALM_S_MAX = 6.0, 16.0
FIRST_S = 5.0


class Kind(StrEnum):
    """What happens to the line."""

    CUT = "cut"
    FREEZE = "freeze"
    DEAF = "deaf"
    HALF_OPEN = "half_open"
    SLOW = "slow"
    GARBLE = "garble"
    REFUSE = "refuse"
    SLOW_DIALS = "slow_dials"


_SECONDS: dict[Kind, tuple[float, float]] = {
    Kind.CUT: (0.0, 0.0),
    Kind.FREEZE: (1.0, 12.0),
    Kind.DEAF: (1.0, 8.0),
    Kind.HALF_OPEN: (0.0, 0.0),
    Kind.SLOW: (2.0, 8.0),
    Kind.GARBLE: (0.0, 0.0),
    Kind.REFUSE: (1.0, 8.0),
    Kind.SLOW_DIALS: (3.0, 10.0),
}


class Blow(msgspec.Struct, frozen=True, kw_only=True):
    """One blow: seconds from the start, what, to which connections, for how long (0: it is done at once)."""

    at_s: float
    kind: Kind
    place: str
    seconds: float


def plan(seed: int, seconds: float) -> tuple[Blow, ...]:
    """Blows for a run of so many seconds, one after the other with calm in between; none lasts beyond the end."""
    dice = random.Random(seed)
    blows: list[Blow] = []
    at_s = FIRST_S
    while True:
        kind = dice.choice(tuple(Kind))
        low_s, high_s = _SECONDS[kind]
        lasts_s = round(dice.uniform(low_s, high_s), 1)
        if at_s + lasts_s > seconds:
            return tuple(blows)
        blows.append(Blow(at_s=round(at_s, 1), kind=kind, place=dice.choice(PLACES), seconds=lasts_s))
        at_s += lasts_s + dice.uniform(CALM_S, CALM_S_MAX)


class Hand:
    """Lets the blows of a plan fall, and ends them; `tick` is called often, with seconds from the start."""

    def __init__(self, blows: tuple[Blow, ...]) -> None:
        self._waiting = list(blows)
        self._ends: list[tuple[float, Callable[[ChaosProxy], object]]] = []
        self.fallen: list[Blow] = []

    def tick(self, proxy: ChaosProxy, now_s: float) -> None:
        """Do what is due by now."""
        due = [end for end in self._ends if end[0] <= now_s]
        self._ends = [end for end in self._ends if end[0] > now_s]
        for _, finish in due:
            finish(proxy)
        while self._waiting and self._waiting[0].at_s <= now_s:
            blow = self._waiting.pop(0)
            self.fallen.append(blow)
            finish_of = _strike(proxy, blow)
            if finish_of is not None:
                self._ends.append((now_s + blow.seconds, finish_of))

    def rest(self, proxy: ChaosProxy) -> None:
        """Let no more fall, and end what still lasts."""
        self._waiting.clear()
        for _, finish in self._ends:
            finish(proxy)
        self._ends.clear()


def _strike(proxy: ChaosProxy, blow: Blow) -> Callable[[ChaosProxy], object] | None:
    """Strike; what ends it, where it lasts."""
    place = blow.place
    match blow.kind:
        case Kind.CUT:
            proxy.cut(place)
        case Kind.FREEZE:
            proxy.freeze(place)
            return ChaosProxy.thaw
        case Kind.DEAF:
            proxy.freeze(place, (Way.DOWN,))
            return ChaosProxy.thaw
        case Kind.HALF_OPEN:
            proxy.half_open(place)
        case Kind.SLOW:
            proxy.slow(place, 4_000.0)
            return lambda one: one.slow("", None)
        case Kind.GARBLE:
            proxy.garble(place)
        case Kind.REFUSE:
            proxy.open_door(Door(name=place, refuse=True))
            proxy.cut(place)
            return lambda one: one.open_door(Door(name=place))
        case Kind.SLOW_DIALS:
            proxy.open_door(Door(name=place, delay_s=2.0))
            proxy.cut(place)
            return lambda one: one.open_door(Door(name=place))
    return None
