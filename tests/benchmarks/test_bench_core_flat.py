"""core_flat: one engine step must cost the same whatever the size of the book, and options must stay affordable.

Linear: a book top, and a ticker, of the one hedged instrument, with 1 to 1,000 instruments held. Options: 500 held on
one underlying; a step within the re-mark bounds (delta-gamma update), and one that marks all of them anew, beside a
one-line numpy Black-76 delta of the same 500. Times are CPU time of the thread: a neighbour's work does not count.
"""

import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial

import msgspec
import numpy as np
import pytest
from scipy.special import ndtr

from hedgebot.core.state import EngineState
from hedgebot.domain import events as ev
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind, OptionType, Side
from hedgebot.pricing.black76 import NS_PER_YEAR
from tests.benchmarks.measure import Goal, interleave, medians, missed, no_collector, paired_ratio, percentile, report
from tests.support.playbook import ACCOUNT, BTC_PERP, INSTRUMENTS, MS, Playbook, instrument

SIZES = (1, 10, 100, 1_000)
OPTIONS = 500
STEPS = 2_000
Clock = Callable[[], int]


def linear_book(size: int) -> Playbook:
    """An active book of `size` linear instruments, all held but for the hedge itself, with a net delta of zero."""
    play = Playbook()
    names = [InstrumentId(f"bybit:linear:BTC{number}USDT") for number in range(size - 1)]
    play.send(ev.InstrumentsLoaded(venue="bybit", instruments=tuple(instrument(name) for name in names)))
    play.ready()
    play.send(play.fill(Side.BUY, "0.02", BTC_PERP))
    for number, name in enumerate(names):
        play.send(play.book(name=name))
        play.send(play.fill(Side.BUY if number % 2 else Side.SELL, "0.02", name))
    assert len([one for one in play.state.positions.values() if one.contracts]) == size
    return play


def option_book(size: int) -> Playbook:
    """An active book of `size` options on one underlying, long and short by turns, well inside a wide band."""
    play = Playbook()
    wide = msgspec.structs.replace(play.settings.underlyings[0], band_coin=1e6, delta_limit_coin=2e6)
    play.settings = msgspec.structs.replace(play.settings, underlyings=(wide,))
    play.start(epoch=2)
    chain = [_option(number, size) for number in range(size)]
    play.send(ev.InstrumentsLoaded(venue="bybit", instruments=(*INSTRUMENTS, *chain)))
    play.ready()
    for number, rules in enumerate(chain):
        quote = msgspec.structs.replace(play.option(iv=0.4 + 0.4 * number / size), instrument=rules.id)
        play.send(quote)
        play.send(play.fill(Side.BUY if number % 2 else Side.SELL, "0.5", rules.id, price=Decimal(6_000)))
    play.send(play.book())
    assert play.state.underlyings["BTC"].option_count == size
    return play


def _option(number: int, size: int) -> Instrument:
    strike = 60_000 + round(80_000 * number / size)
    kind = OptionType.CALL if number % 3 else OptionType.PUT
    name = InstrumentId(f"bybit:option:BTC-27NOV26-{strike}-{kind[0].upper()}-USDT")
    days = 7 + number % 60
    return instrument(
        name,
        InstrumentKind.LINEAR_OPTION,
        strike=Decimal(strike),
        option_type=kind,
        expiry_ns=1_760_000_000_000_000_000 + days * 86_400 * 1_000 * MS,
    )


class Ticks:
    """Book tops of the hedge at prepared prices, each a millisecond after the last; events are made beforehand."""

    def __init__(self, play: Playbook, steps: int, *, wobble: Decimal, kind: type[ev.BookTop | ev.Ticker]) -> None:
        self._play = play
        self._steps = steps
        self._wobble = wobble
        self._kind = kind
        self._turn = 0

    def prepare(self) -> list[ev.Stamped]:
        """Stamped events, all newer than what the engine knows."""
        play, stamped = self._play, []
        for _ in range(self._steps):
            self._turn += 1
            price = Decimal(100_000) + (self._wobble if self._turn % 2 else -self._wobble)
            event = play.book(price) if self._kind is ev.BookTop else play.ticker(price)
            play.at_ns += MS
            play.seq += 1
            stamped.append(ev.Stamped(seq=play.seq, at_ns=play.at_ns, event=event))
        return stamped

    def us_per_step(self) -> float:
        """Microseconds of CPU for one step, over one batch."""
        stamped, step = self.prepare(), self._play.engine.step
        with no_collector():
            start = time.thread_time_ns()
            for one in stamped:
                step(one)
            return (time.thread_time_ns() - start) / 1e3 / self._steps


def numpy_delta_us(state: EngineState, repeats: int) -> float:
    """Microseconds of CPU for the reference: one line of numpy, everything that can be prepared is prepared."""
    rules = [
        one for one in state.instruments.values() if f"{ACCOUNT}|{one.id}" in state.positions and one.kind.is_option
    ]
    held = np.array([float(state.positions[f"{ACCOUNT}|{one.id}"].contracts) for one in rules])
    log_strike = np.log([float(one.strike or 1) for one in rules])
    years = np.array([((one.expiry_ns or 0) - 1_760_000_000_000_000_000) / NS_PER_YEAR for one in rules])
    deviation = np.array([state.options[one.id].iv for one in rules]) * np.sqrt(years)
    half, inverse = deviation / 2, 1 / deviation
    put = np.array([1.0 if one.option_type is OptionType.PUT else 0.0 for one in rules])
    start = time.thread_time_ns()
    for number in range(repeats):
        float(held @ (ndtr((np.log(100_000.0 + number) - log_strike) * inverse + half) - put))
    return (time.thread_time_ns() - start) / 1e3 / repeats


def remark_us(play: Playbook, repeats: int) -> list[float]:
    """Microseconds of CPU of single steps that re-mark every option: each moves the price by 0.4 %."""
    ticks = Ticks(play, repeats, wobble=Decimal(200), kind=ev.BookTop).prepare()
    found = []
    with no_collector():
        for one in ticks:
            start = time.thread_time_ns()
            play.engine.step(one)
            found.append((time.thread_time_ns() - start) / 1e3)
            assert play.state.underlyings["BTC"].remark_at_ns == one.at_ns
    return found


def timer_us(play: Playbook, repeats: int) -> float:
    """Microseconds of CPU of the 250 ms timer's step, which walks all positions: a bound on how large a book may be."""
    found = []
    with no_collector():
        for _ in range(repeats):
            play.at_ns += MS
            play.seq += 1
            stamped = ev.Stamped(seq=play.seq, at_ns=play.at_ns, event=ev.TimerFired())
            start = time.thread_time_ns()
            play.engine.step(stamped)
            found.append((time.thread_time_ns() - start) / 1e3)
    return percentile(found, 0.5)


def test_smoke_every_size_steps() -> None:
    for size in (1, 10):
        ticks = Ticks(linear_book(size), 20, wobble=Decimal(1), kind=ev.BookTop)
        assert ticks.us_per_step() > 0.0
    assert timer_us(linear_book(10), 3) > 0.0


def test_smoke_small_moves_do_not_re_mark_and_large_ones_do() -> None:
    play = option_book(20)
    before = play.state.underlyings["BTC"].remark_at_ns
    assert Ticks(play, 20, wobble=Decimal(1), kind=ev.BookTop).us_per_step() > 0.0
    assert play.state.underlyings["BTC"].remark_at_ns == before
    assert len(remark_us(play, 5)) == 5
    assert numpy_delta_us(play.state, 3) > 0.0


@pytest.mark.bench
def test_bench_core_flat() -> None:
    books = {size: linear_book(size) for size in SIZES}
    cases: dict[str, Callable[[], float]] = {}
    for kind in (ev.BookTop, ev.Ticker):
        for size, play in books.items():
            cases[f"{kind.__name__} {size}"] = Ticks(play, STEPS, wobble=Decimal(1), kind=kind).us_per_step
    samples = interleave(cases, rounds=9)
    flat = {
        kind: max(paired_ratio(samples[f"{kind} {size}"], samples[f"{kind} {SIZES[0]}"]) for size in SIZES)
        / min(paired_ratio(samples[f"{kind} {size}"], samples[f"{kind} {SIZES[0]}"]) for size in SIZES)
        for kind in ("BookTop", "Ticker")
    }
    goals = [Goal(name=f"{kind}: largest over smallest", value=value, limit=1.3) for kind, value in flat.items()]
    timers = interleave({str(size): partial(timer_us, play, 20) for size, play in books.items()})
    report(
        "core_flat",
        goals=goals,
        us_per_step=medians(samples),
        timer_us=medians(timers),
        clock="thread CPU time, medians of 9 interleaved rounds",
    )
    assert not missed(goals), missed(goals)


@pytest.mark.bench
def test_bench_core_options() -> None:
    play, empty = option_book(OPTIONS), linear_book(1)
    marks: list[float] = []

    def remark() -> float:
        found = remark_us(play, 40)
        marks.extend(found)
        return percentile(found, 0.5)

    small = Ticks(play, 200, wobble=Decimal(1), kind=ev.BookTop)
    plain = Ticks(empty, 200, wobble=Decimal(1), kind=ev.BookTop)
    samples = interleave(
        {
            "no options": plain.us_per_step,
            "delta-gamma": small.us_per_step,
            "re-mark": remark,
            "numpy line": lambda: numpy_delta_us(play.state, 200),
        },
        rounds=9,
    )
    goals = [Goal(name="re-mark of 500 in us, median", value=percentile(marks, 0.5), limit=1_000.0)]
    report(
        "core_options",
        goals=goals,
        options=OPTIONS,
        us_per_step=medians(samples),
        timer_us=round(timer_us(play, 100), 1),
        remark_us_p99=round(percentile(marks, 0.99), 1),
        remark_over_numpy_line=round(paired_ratio(samples["re-mark"], samples["numpy line"]), 2),
        delta_gamma_over_no_options=round(paired_ratio(samples["delta-gamma"], samples["no options"]), 2),
        numpy_line="one vectorised delta, nothing else; the re-mark finds four greeks, with fresh forwards and times",
    )
    assert not missed(goals), missed(goals)
