"""margin: portfolio margin of a large book over the whole grid, and what judging one order by margin costs.

500 options and 20 linear positions on one underlying. Times are CPU time of the thread: a neighbour's work
does not count.
"""

import time
from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import margin_gate
from hedgebot.core.ledger import set_position
from hedgebot.core.margin_model import Model
from hedgebot.domain.events import InstrumentsLoaded
from hedgebot.domain.instrument import InstrumentId, InstrumentKind, OptionType
from hedgebot.domain.orders import TimeInForce
from hedgebot.domain.settings import MarginMode
from tests.benchmarks.measure import Goal, missed, no_collector, percentile
from tests.benchmarks.measure import report as report_goals
from tests.support.margins import account_of, margined, report
from tests.support.playbook import ACCOUNT, BTC_PERP, INSTRUMENTS, PRICE, Playbook, instrument
from tests.support.resting import candidate

GRID_MS_MAX = 5.0
GATE_MS_MAX = 0.5
"""Owner: issue 6, "Speed and memory"."""

OPTIONS, LINEAR = 500, 20


def _book(mode: MarginMode, options: int, linear: int) -> Playbook:
    book = Playbook(margined(mode, hedges=False))
    book.ready()
    rules = list(INSTRUMENTS)
    for number in range(options):
        strike, call = 60_001 + 160 * number, number % 2 == 0
        name = InstrumentId(f"bybit:option:BTC-27NOV26-{strike}-{'C' if call else 'P'}-USDT")
        kind = OptionType.CALL if call else OptionType.PUT
        rules.append(instrument(name, InstrumentKind.LINEAR_OPTION, strike=Decimal(strike), option_type=kind))
    names = (InstrumentId(f"bybit:linear:BTC-{number}") for number in range(linear - 1))
    rules.extend(instrument(name, InstrumentKind.LINEAR_FUTURE) for name in names)
    book.send(InstrumentsLoaded(venue="bybit", instruments=tuple(rules)))
    for one in rules[len(INSTRUMENTS) :]:
        if one.kind.is_option:
            book.send(msgspec.structs.replace(book.option(), instrument=one.id))
        else:
            book.send(book.ticker(name=one.id))
        size = Decimal(1 if len(one.id) % 3 else -1)
        set_position(book.state, ACCOUNT, one.id, size, PRICE, book.at_ns)
    set_position(book.state, ACCOUNT, BTC_PERP, Decimal(-2), PRICE, book.at_ns)
    report(book, 50_000_000.0)
    return book


def _ms(work: Callable[[], object], repeats: int) -> list[float]:
    found = []
    with no_collector():
        for _ in range(repeats):
            start = time.thread_time_ns()
            work()
            found.append((time.thread_time_ns() - start) / 1e6)
    return found


def _judge(book: Playbook) -> Callable[[], tuple[Decimal, margin_gate.MarginEffect | None]]:
    rules = book.state.instruments[BTC_PERP]
    intent = candidate(book, TimeInForce.IOC).intent
    account, settings = account_of(book), book.state.settings.underlyings[0]
    return lambda: margin_gate.clip(book.state, account, rules, intent, settings, book.at_ns)


def _whole(book: Playbook) -> Model | str:
    """The book's margin with nothing cached: columns, 33 cells of every option, sums, balance."""
    account = account_of(book)
    account.margin.grids.clear()
    return margin_gate.model_now(book.state, account, book.at_ns)


def test_smoke_the_workload_has_a_margin_and_the_order_an_effect() -> None:
    book = _book(MarginMode.PORTFOLIO, 20, 3)
    model = _whole(book)
    assert not isinstance(model, str)
    assert model.now.maintenance > 1_000.0
    _, effect = _judge(book)()
    assert effect is not None


@pytest.mark.bench
@pytest.mark.parametrize("mode", [MarginMode.CROSS, MarginMode.PORTFOLIO])
def test_bench_margin(mode: MarginMode) -> None:
    book = _book(mode, OPTIONS, LINEAR)
    judge = _judge(book)
    judge()
    goals = [
        Goal(name="whole grid, ms", value=percentile(_ms(lambda: _whole(book), 60), 0.5), limit=GRID_MS_MAX),
        Goal(name="margin gate, ms", value=percentile(_ms(judge, 300), 0.5), limit=GATE_MS_MAX),
    ]
    report_goals(
        f"margin_{mode}",
        goals=goals,
        options=OPTIONS,
        linear=LINEAR,
        clock="thread CPU time, medians of 60 and 300 calls",
    )
    assert not missed(goals), missed(goals)
