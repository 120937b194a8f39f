"""Searches a band, or a tracking budget, on history: chosen on what came before, judged on what came after it.

Owns the folds, the choice and what is reported: out-of-sample figures only, a search always looks good on its own
past. The objective is the cost at a tracking error the operator pays for; where no band keeps it, the tightest one.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import msgspec
import numpy as np

from hedgebot.domain.errors import ConfigError, DataError
from hedgebot.domain.settings import UnderlyingSettings
from hedgebot.lab.budgets import StrategyFor, asked, budgets, play_moving, thinned
from hedgebot.lab.sweep import BandChoice, BudgetChoice, Exposure, Played, checked, sweep

Choice = BandChoice | BudgetChoice
Replay = Callable[[int, int, Sequence[Choice]], list[Played]]
"""Plays choices over the looks from one number up to another."""

FOLDS = 5
LOOKS_PER_FOLD_MIN = 200
RATIOS = (0.5, 0.75, 0.9)


class Fold(msgspec.Struct, frozen=True, kw_only=True):
    """One step forward: days (from, until) of the judged part, the band chosen before it, and what it came to there."""

    from_day: float
    until_day: float
    chosen: Choice
    after: Played
    present: Played


class Tuned(msgspec.Struct, frozen=True, kw_only=True):
    """A search. `now` is what the whole history would choose for the time after it; its figures are not told.

    `cost_bps` is what a hedge was taken to cost, one way.
    """

    underlying: str
    budget_usd: float
    cost_bps: float
    candidates: int
    folds: tuple[Fold, ...]
    now: Choice

    @property
    def gain(self) -> float | None:
        """Out-of-sample cost against the present band's, as a ratio less one; None where that cost nothing."""
        before = sum(one.present.cost_usd_day * (one.until_day - one.from_day) for one in self.folds)
        after = sum(one.after.cost_usd_day * (one.until_day - one.from_day) for one in self.folds)
        return after / before - 1.0 if before > 0.0 else None


def candidates(path: Exposure, limit_coin: float, count: int = 33) -> list[BandChoice]:
    """Bands from two lots (or a 200th of the exposure's reach) up to that reach, evenly by their logarithm.

    Each is below the delta limit, as the configuration wants it.
    """
    reach = float(np.ptp(path.unhedged_coin))
    if reach <= 0.0:
        raise DataError("the exposure never moved: there is nothing to tune a band on")
    low = max(2.0 * path.lot_coin, reach / 200.0)
    if low >= limit_coin:
        raise DataError(f"a band of {low:g} coins, the least that can be traded, is not below the limit {limit_coin:g}")
    high = max(reach, 2.0 * low)
    widths = np.geomspace(low, high, count) if high < limit_coin else np.geomspace(low, limit_coin, count + 1)[:-1]
    return [BandChoice(trigger_coin=float(width), target_ratio=ratio) for width in widths for ratio in RATIOS]


def choose(played: Sequence[Played], budget_usd: float) -> Choice:
    """The cheapest band within the budget; the one that tracks best where none keeps it."""
    within = [one for one in played if one.tracking_error_usd <= budget_usd]
    if within:
        return min(within, key=lambda one: one.cost_usd_day).choice
    return min(played, key=lambda one: one.tracking_error_usd).choice


def tune(
    path: Exposure,
    settings: UnderlyingSettings,
    *,
    budget_usd: float | None,
    folds: int = FOLDS,
    workers: int | None = None,
) -> Tuned:
    """Walk forward over a path with fixed bands, in whole lots of its hedge.

    Without a budget it is the tracking error that the present band had all along.
    """
    checked(path)
    present = BandChoice(trigger_coin=settings.band_coin, target_ratio=settings.target_ratio)
    cost_ratio = cost_bps_of(path, settings) * 1e-4

    def replay(first: int, last: int, choices: Sequence[Choice]) -> list[Played]:
        bands = [one for one in choices if isinstance(one, BandChoice)]
        part = path.part(first, last)
        return sweep(
            part, bands, cost_ratio=cost_ratio, lot_coin=path.lot_coin, workers=workers if len(bands) > 1 else 1
        )

    choices = candidates(path, settings.delta_limit_coin)
    return walk(path, settings, present, choices, replay, budget_usd, folds)


def cost_bps_of(path: Exposure, settings: UnderlyingSettings) -> float:
    """What a hedge is taken to cost one way: as own fills told by the path's end, or as configured."""
    return settings.cost_bps if path.cost_bps is None else path.cost_bps


def tune_budgets(
    path: Exposure,
    settings: UnderlyingSettings,
    present_usd: float,
    strategy_for: StrategyFor,
    *,
    budget_usd: float | None,
    folds: int = FOLDS,
) -> Tuned:
    """The same for the tracking budgets of a strategy; those that it refuses are left out.

    Without a budget the choice keeps the tracking error that the present one had; ConfigError if that is refused.
    """
    path, present = thinned(checked(path)), BudgetChoice(tracking_error_usd=present_usd)
    bands = {present: asked(path, strategy_for(present_usd), settings, path.lot_coin)}
    for choice in budgets(present_usd):
        try:
            bands[choice] = asked(path, strategy_for(choice.tracking_error_usd), settings, path.lot_coin)
        except ConfigError:
            continue

    def replay(first: int, last: int, choices: Sequence[Choice]) -> list[Played]:
        part, cost_ratio = path.part(first, last), cost_bps_of(path, settings) * 1e-4
        return [
            play_moving(part, bands[one].part(first, last), one, cost_ratio=cost_ratio, lot_coin=path.lot_coin)
            for one in choices
            if isinstance(one, BudgetChoice)
        ]

    return walk(path, settings, present, list(bands), replay, budget_usd, folds)


def walk(
    path: Exposure,
    settings: UnderlyingSettings,
    present: Choice,
    choices: Sequence[Choice],
    replay: Replay,
    budget_usd: float | None,
    folds: int,
) -> Tuned:
    """Choose before, judge after, fold by fold."""
    count = len(path.days)
    edges = np.linspace(0, count, folds + 2).astype(int).tolist()
    if edges[1] < LOOKS_PER_FOLD_MIN:
        least = LOOKS_PER_FOLD_MIN * (folds + 1)
        raise DataError(f"{count} looks are too few for {folds} folds: at least {least} are needed")
    allowed = budget_usd if budget_usd is not None else replay(0, count, (present,))[0].tracking_error_usd
    steps: list[Fold] = []
    for first, last in pairwise(edges[1:]):
        chosen = choose(replay(0, first, choices), allowed)
        steps.append(
            Fold(
                from_day=float(path.days[first]),
                until_day=float(path.days[last - 1]),
                chosen=chosen,
                after=replay(first, last, (chosen,))[0],
                present=replay(first, last, (present,))[0],
            )
        )
    return Tuned(
        underlying=settings.underlying,
        budget_usd=allowed,
        cost_bps=cost_bps_of(path, settings),
        candidates=len(choices),
        folds=tuple(steps),
        now=choose(replay(0, count, choices), allowed),
    )
