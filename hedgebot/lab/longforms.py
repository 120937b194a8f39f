"""Faults whose row of the table asks for hours, days or thousands of orders: played whole, beside the campaign's seeds.

Owns these worlds and their verdicts. They are the fault world's own (the oracle and the replay judge them), only
longer. What a row asks of a real process (memory, descriptors) is the soak's; what it asks of `doctor` its tests'.
"""

import itertools
import math
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import NamedTuple

import msgspec

from hedgebot.core.engine import LoadStrategy
from hedgebot.core.state import encode_state
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Mode
from hedgebot.domain.durations import NS_PER_MS, NS_PER_S
from hedgebot.exchange.faults import RequestFaultKind
from hedgebot.exchange.scenario import Scenario
from hedgebot.lab import criteria as must
from hedgebot.lab.campaign import few_collections
from hedgebot.lab.draws import minutes_for
from hedgebot.lab.evidence import Evidence
from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.mishaps import BY_ID
from hedgebot.lab.mishaps_inside import DRIFT_PPM, stand_still
from hedgebot.lab.outcome import Outcome
from hedgebot.lab.pace import ORDINARY_PACE, Pace
from hedgebot.lab.stage import Mishap, Stage, link, place
from hedgebot.lab.worldspec import SCENARIO

SEED = 1
HOUR_S = 3_600.0
STILL_S = 12.0
SLOW = Pace.of_seconds(10)
"""The soak's market is shown every ten seconds: at the world's own pace three days take half an hour and four GB."""

TOLD_OFF_MS, HALTED_OFF_MS = 500.0, 1_000.0
"""How far off a clock is told, and how far off it halts the book; it is compared with the venue's each minute."""
COMPARED_S = 60.0

GROWTH_MAX = 0.10
ROWS_APART_MAX = 0.25


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one long form; `problem` is empty when it held. `cpu_s` are seconds of one core."""

    id: str
    title: str
    figures: str
    problem: str
    cpu_s: float

    @property
    def passed(self) -> bool:
        """Whether all held."""
        return not self.problem


class Look(NamedTuple):
    """One hour's end of a soak: bytes of the engine's state, rows of the journal, deeds that wait on the timeline."""

    state_bytes: int
    rows: int
    waiting: int


def drift(load_strategy: LoadStrategy, hours: float = 24.0) -> Verdict:
    """C04: a clock that runs 500 ppm fast for a day; then market data stand still, and are called stale in time.

    Nobody sets it right: it is told once it is half a second off, and the book halts for it once it is a second off.
    """
    still_s = hours * HOUR_S

    def begin(stage: Stage) -> None:
        stage.host.drift(DRIFT_PPM)
        stage.later(still_s, lambda: link(stand_still())(stage))

    mishap = msgspec.structs.replace(
        BY_ID["C04"],
        title=f"our clock runs fast for {hours:g} h, then market data stand still",
        begin=begin,
        seconds=still_s + 30.0,
        criterion=must.every(must.stale_once(from_s=still_s, until_s=still_s + STILL_S), _clock_is_told),
        due=lambda evidence: evidence.begun_ns + round(still_s * NS_PER_S),
        alone=True,
        may_halt=True,
    )
    world, outcome, cpu_s = _played(load_strategy, mishap, SCENARIO)
    gained_s = (world.host.now_ns() - world.timeline.now_ns) / NS_PER_S
    figures = f"{hours:g} h, the clock gained {gained_s:.1f} s, {outcome.hedges} orders"
    return _verdict(mishap, outcome, figures, cpu_s)


def _clock_is_told(evidence: Evidence) -> str:
    """A clock that is too far off is told, and then halts the book: each in time, and not before it is."""
    lasted_s = (evidence.ended_ns - evidence.begun_ns) / NS_PER_S
    told = min([at_ns for at_ns, _ in evidence.alerts(AlertKind.CLOCK_SKEW)], default=None)
    blind_s = evidence.settings.limits.blind_ms_halt / 1_000.0
    for what, at_ns, off_ms, patience_s in (
        ("the clock was told", told, TOLD_OFF_MS, 0.0),
        ("the book was halted", evidence.entered(Mode.HALTED), HALTED_OFF_MS, blind_s),
    ):
        off_s = off_ms * 1e3 / DRIFT_PPM
        in_time = off_s - COMPARED_S, off_s + patience_s + COMPARED_S
        after_s = math.inf if at_ns is None else (at_ns - evidence.begun_ns) / NS_PER_S
        if after_s < in_time[0] or in_time[1] < min(after_s, lasted_s):
            return f"{what} after {after_s:.0f} s of a clock that is {off_ms:g} ms off after {off_s:.0f} s"
    return ""


def lost_answers(
    load_strategy: LoadStrategy, venue_rules: str, orders_min: int = 10_000, minutes: float = 275.0
) -> Verdict:
    """N05: every other answer to an order is lost, over so many orders; ids are unique at the venue or are not."""
    seconds = minutes * 60.0
    mishap = msgspec.structs.replace(
        BY_ID["N05"],
        title=f"every other answer to {orders_min:,} orders is lost, by the rules of {venue_rules}",
        begin=place(RequestFaultKind.ACK_LOST, seconds=seconds),
        seconds=seconds,
        scenario=_busy,
        alone=True,
    )
    scenario = msgspec.structs.replace(SCENARIO, venue_rules=venue_rules)
    _, outcome, cpu_s = _played(load_strategy, mishap, scenario)
    few = f"only {outcome.hedges} orders, {orders_min} are asked for" if outcome.hedges < orders_min else ""
    figures = f"{outcome.hedges:,} orders, {len(_doubles(outcome))} of them twice, {minutes / 60.0:.1f} h"
    return _verdict(mishap, outcome, figures, cpu_s, few)


def soak(load_strategy: LoadStrategy, hours: float = 72.0, look_s: float = HOUR_S) -> Verdict:
    """P11: days in which the lines drop each hour; nothing that the engine keeps grows, the journal grows in a line."""
    looks: list[Look] = []

    def look(stage: Stage) -> None:
        rows = len(stage.host.journal.entries)
        looks.append(Look(len(encode_state(stage.host.engine.state)), rows, stage.host.timeline.waiting))
        stage.link.streams.drop("")
        stage.later(look_s, partial(look, stage))

    mishap = Mishap(
        id="P11",
        title=f"{hours:g} h with lines that drop each hour",
        begin=look,
        seconds=hours * HOUR_S,
        scenario=_slow_market,
        settings=SLOW.slowed,
        alone=True,
    )
    _, outcome, cpu_s = _played(load_strategy, mishap, SCENARIO, SLOW)
    last = looks[-1]
    figures = (
        f"{hours:g} h, {outcome.hedges:,} orders, {last.rows:,} rows; state {last.state_bytes / 1e3:.0f} kB, "
        f"{last.waiting} deeds wait"
    )
    return _verdict(mishap, outcome, figures, cpu_s, growth(looks))


def growth(looks: Sequence[Look]) -> str:
    """What grew between the middle third and the last one, in a sentence; the first third is the warm-up."""
    third = len(looks) // 3
    if third < 2:
        return "too few looks to tell growth"
    middle, last = looks[third : 2 * third], looks[-third:]
    for name, before, after in (
        ("the engine's state", max(one.state_bytes for one in middle), max(one.state_bytes for one in last)),
        ("what waits on the timeline", max(one.waiting for one in middle), max(one.waiting for one in last)),
    ):
        if after > before * (1.0 + GROWTH_MAX) + 4:
            return f"{name} grew from {before} to {after}"
    early, late = _rows_each(middle), _rows_each(last)
    if abs(late - early) > ROWS_APART_MAX * early:
        return f"the journal grew by {early:.0f} rows a look, and then by {late:.0f}"
    return ""


def _rows_each(looks: Sequence[Look]) -> float:
    return statistics.fmean(b.rows - a.rows for a, b in itertools.pairwise(looks))


Form = Callable[[LoadStrategy], Verdict]
FORMS: dict[str, Form] = {
    "C04": drift,
    "N05": partial(lost_answers, venue_rules="bybit"),
    "N05n": partial(lost_answers, venue_rules="deribit"),
    "P11": soak,
}
"""The long forms by name; `N05n` is the venue whose ids are not unique."""


def play(
    names: Sequence[str], load_strategy: LoadStrategy, told: Callable[[Verdict], None], workers: int = 1
) -> list[Verdict]:
    """Play some of them, each in a process of its own; `told` hears of each, in order. KeyError for an unknown name."""
    forms = [FORMS[name] for name in names]
    verdicts = []
    # A process of its own each: a day of a world leaves a gigabyte behind.
    with ProcessPoolExecutor(workers, max_tasks_per_child=1) as pool:
        for verdict in pool.map(partial(_one, load_strategy=load_strategy), forms):
            verdicts.append(verdict)
            told(verdict)
    return verdicts


def _one(form: Form, load_strategy: LoadStrategy) -> Verdict:
    return form(load_strategy)


def _played(
    load_strategy: LoadStrategy, mishap: Mishap, scenario: Scenario, pace: Pace = ORDINARY_PACE
) -> tuple[FaultWorld, Outcome, float]:
    began_s = time.process_time()
    with few_collections():
        world = FaultWorld(SEED, minutes_for(mishap), load_strategy, [mishap], scenario=scenario, pace=pace)
        return world, world.run(), time.process_time() - began_s


def _verdict(mishap: Mishap, outcome: Outcome, figures: str, cpu_s: float, beyond: str = "") -> Verdict:
    broken = [f"{one.invariant}: {one.sentence}" for one in outcome.violations[:3]]
    problem = "; ".join([*broken, *outcome.unmet, *filter(None, (outcome.stuck, beyond))])
    return Verdict(id=mishap.id, title=mishap.title, figures=figures, problem=problem, cpu_s=round(cpu_s, 1))


def _doubles(outcome: Outcome) -> list[str]:
    return [one.sentence for one in outcome.violations if one.invariant == "I1"]


def _busy(scenario: Scenario) -> Scenario:
    """A client whose trades nearly all ask for a hedge, once a second."""
    flow = scenario.client_flow
    if flow is None:
        return scenario
    return msgspec.structs.replace(
        scenario, client_flow=msgspec.structs.replace(flow, trades_per_minute=60.0, size_coin={"BTC": 0.15})
    )


def _slow_market(scenario: Scenario) -> Scenario:
    return msgspec.structs.replace(scenario, step_ms=SLOW.market_ns // NS_PER_MS)
