"""Figures of the paper of record on the book of 28 options, whose net gamma changes its sign."""

from collections.abc import Iterable, Iterator

import numpy as np

from hedgebot.lab.bandsim import Bands, Clock, Step, play
from hedgebot.lab.experiment import Experiment, Figures, Setting
from hedgebot.lab.figures_model_a import EVERY, lines_of
from hedgebot.lab.frontier import dearer_percent
from hedgebot.lab.worlds import COST_RATIO, MixedBook
from hedgebot.pricing.black76 import Floats

_SHARES = (0.003, 0.006, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.085, 0.1, 0.13, 0.16, 0.2, 0.25)
WIDTHS = tuple(6.0 * one for one in _SHARES)
SCALES = tuple(np.geomspace(0.4, 6.0, 14).tolist())
PATHS = 4_000
DEVIATIONS = (1.5, 2.0)
FLOOR_SHARE = 0.25
_CHANGES = ("ww-edge", "ww-rho75", "ww-floor", "band-zero", "time")


def with_floor(block: Iterable[Step]) -> Iterator[Step]:
    """The same steps, no width below a quarter of its own mean so far (hedging reference section 5.5)."""
    mean: Floats | None = None
    for number, step in enumerate(block):
        mean = step.shape if mean is None else mean + (step.shape - mean) / (number + 1)
        yield step._replace(shape=np.maximum(step.shape, FLOOR_SHARE * mean))


def _book(setting: Setting) -> Figures:
    policies = (
        Bands("band-edge", WIDTHS, 1.0),
        Bands("band-zero", WIDTHS, 0.0),
        Bands("ww-edge", SCALES, 1.0, scaled=True),
        Bands("ww-rho75", SCALES, 0.75, scaled=True),
        Clock("time", EVERY),
    )
    world = MixedBook(paths=setting.paths(PATHS))
    floored = Bands("ww-floor", SCALES, 1.0, scaled=True)
    played = play(world.blocks(), policies, COST_RATIO)
    played |= play(map(with_floor, world.blocks()), (floored,), COST_RATIO)
    lines = lines_of(played, 1.0)
    found = {
        "book28-ww-rho75-vs-edge": dearer_percent(lines["ww-rho75"], lines["band-edge"], 2.0),
        "book28-ww-rho75-vs-zero": dearer_percent(lines["ww-rho75"], lines["band-zero"], 2.0),
    }
    for name in _CHANGES:
        for deviation in DEVIATIONS:
            found[f"table-book28-{name}-{deviation}"] = dearer_percent(lines[name], lines["band-edge"], deviation)
    return found


EXPERIMENTS = (
    Experiment(
        ids=(
            *("book28-ww-rho75-vs-edge", "book28-ww-rho75-vs-zero"),
            *(f"table-book28-{name}-{deviation}" for name in _CHANGES for deviation in DEVIATIONS),
        ),
        find=_book,
        seconds=60.0,
    ),
)
