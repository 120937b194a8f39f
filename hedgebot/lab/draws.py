"""Which mishaps a world plays, and when: drawn from its chance, or given to play a world again as it once was.

Owns the plan of a world and how long a mishap needs. Must not know what a mishap does.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple

from hedgebot.lab.stage import Mishap

WARM_UP_S, PEACE_S, QUIET_S = 30.0, 90.0, 20.0
MISHAPS_MAX = 4
LONG_EVERY = 20
"""One world in so many plays a mishap that lasts longer than the worlds do, and lasts as long as that needs."""


class Plan(NamedTuple):
    """Mishaps with their begins (seconds from the start), in order, and how many minutes the world lasts."""

    mishaps: tuple[tuple[Mishap, float], ...]
    minutes: float


def minutes_for(mishap: Mishap) -> float:
    """Length of a world that has room for a mishap: at least five minutes, and some of them for chance."""
    return max(5.0, (WARM_UP_S + mishap.seconds + 45.0 + PEACE_S + QUIET_S) / 60.0)


def chance_of(seed: int) -> random.Random:
    """The stream that a seed's mishaps are drawn from, and then what they leave to chance."""
    return random.Random(f"{seed}/mishaps")


def draw(chance: random.Random, mishaps: Sequence[Mishap], minutes: float, seed: int) -> Plan:
    """Up to four mishaps, one after the other or two at a time; one that needs the world for itself is alone.

    Those that do not fit into so many minutes have worlds of their own, by turns: else nobody ever saw them.
    """
    fitting = [one for one in mishaps if _room_s(one, minutes) > 0]
    too_long = [one for one in mishaps if one not in fitting and one.seconds > 0]
    if fitting and too_long and seed % LONG_EVERY == 0:
        chosen = [too_long[seed // LONG_EVERY % len(too_long)]]
        minutes = max(minutes, minutes_for(chosen[0]))
    elif fitting:
        chosen = chance.sample(fitting, min(chance.randint(1, MISHAPS_MAX), len(fitting)))
        chosen = [one for one in chosen if one.alone][:1] or chosen
    else:
        return Plan((), minutes)
    begins = [(one, WARM_UP_S + _room_s(one, minutes) * chance.random()) for one in chosen]
    return Plan(tuple(sorted(begins, key=lambda one: one[1])), minutes)


def _room_s(mishap: Mishap, minutes: float) -> float:
    """How much later than at the warm-up's end it may begin; not above zero where it does not fit."""
    return minutes * 60.0 - PEACE_S - QUIET_S - WARM_UP_S - mishap.seconds
