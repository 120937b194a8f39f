"""Searches a band on history with walk-forward validation: chosen on what came before, judged on what came after.

Owns the folds, the choice and what is reported: out-of-sample figures only, a search always looks good on its own
past. The objective is the cost at a tracking error the operator pays for; where no band keeps it, the tightest one.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from hedgebot.domain.errors import DataError
from hedgebot.lab.sweep import BandChoice, Exposure, Extremes, Played, checked, play, sweep

FOLDS = 5
LOOKS_PER_FOLD_MIN = 200
RATIOS = (0.5, 0.75, 0.9)


class Fold(msgspec.Struct, frozen=True, kw_only=True):
    """One step forward: days (from, until) of the judged part, the band chosen before it, and what it came to there."""

    from_day: float
    until_day: float
    chosen: BandChoice
    after: Played
    present: Played


class Tuned(msgspec.Struct, frozen=True, kw_only=True):
    """A search. `now` is what the whole history would choose for the time after it; its figures are not told."""

    underlying: str
    budget_usd: float
    candidates: int
    folds: tuple[Fold, ...]
    now: BandChoice

    @property
    def gain(self) -> float | None:
        """Out-of-sample cost against the present band's, as a ratio less one; None where that cost nothing."""
        before = sum(one.present.cost_usd_day * (one.until_day - one.from_day) for one in self.folds)
        after = sum(one.after.cost_usd_day * (one.until_day - one.from_day) for one in self.folds)
        return after / before - 1.0 if before > 0.0 else None


def candidates(path: Exposure, count: int = 33, lot_coin: float = 0.0) -> list[BandChoice]:
    """Bands from two lots (or a hundredth of the exposure's reach) up to that reach, evenly by their logarithm."""
    reach = float(np.ptp(path.unhedged_coin))
    if reach <= 0.0:
        raise DataError("the exposure never moved: there is nothing to tune a band on")
    low = max(2.0 * lot_coin, reach / 200.0)
    widths = np.geomspace(low, max(reach, 2.0 * low), count)
    return [BandChoice(trigger_coin=float(width), target_ratio=ratio) for width in widths for ratio in RATIOS]


def choose(played: Sequence[Played], budget_usd: float) -> BandChoice:
    """The cheapest band within the budget; the one that tracks best where none keeps it."""
    within = [one for one in played if one.tracking_error_usd <= budget_usd]
    if within:
        return min(within, key=lambda one: one.cost_usd_day).choice
    return min(played, key=lambda one: one.tracking_error_usd).choice


def tune(
    path: Exposure,
    underlying: str,
    present: BandChoice,
    *,
    budget_usd: float | None,
    cost_ratio: float,
    lot_coin: float = 0.0,
    folds: int = FOLDS,
    workers: int | None = None,
) -> Tuned:
    """Walk forward over a path. Without a budget it is the tracking error that the present band had all along."""
    checked(path)
    edges = np.linspace(0, len(path.days), folds + 2).astype(int)
    if edges[1] < LOOKS_PER_FOLD_MIN:
        least = LOOKS_PER_FOLD_MIN * (folds + 1)
        raise DataError(f"{len(path.days)} looks are too few for {folds} folds: at least {least} are needed")
    choices = candidates(path, lot_coin=lot_coin)
    allowed = budget_usd if budget_usd is not None else _played(path, present, cost_ratio, lot_coin).tracking_error_usd
    steps: list[Fold] = []
    for number in range(1, folds + 1):
        seen, ahead = path.part(0, int(edges[number])), path.part(int(edges[number]), int(edges[number + 1]))
        chosen = choose(sweep(seen, choices, cost_ratio=cost_ratio, lot_coin=lot_coin, workers=workers), allowed)
        steps.append(
            Fold(
                from_day=float(ahead.days[0]),
                until_day=float(ahead.days[-1]),
                chosen=chosen,
                after=_played(ahead, chosen, cost_ratio, lot_coin),
                present=_played(ahead, present, cost_ratio, lot_coin),
            )
        )
    whole = sweep(path, choices, cost_ratio=cost_ratio, lot_coin=lot_coin, workers=workers)
    return Tuned(
        underlying=underlying,
        budget_usd=allowed,
        candidates=len(choices),
        folds=tuple(steps),
        now=choose(whole, allowed),
    )


def _played(path: Exposure, choice: BandChoice, cost_ratio: float, lot_coin: float) -> Played:
    return play(path, choice, cost_ratio=cost_ratio, lot_coin=lot_coin, extremes=Extremes(path.unhedged_coin))
