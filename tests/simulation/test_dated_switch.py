"""Funding of the hedge stays high: it is moved into a dated future, stands there, and is moved back before that ends.

A day and a half on virtual time with the daemon's own limits: the future's delivery is part of it. What is declared:
a hedge in a future is left four hours before its end (four times `settling_ms_halt`), whatever the other one costs; one
that cannot be left halts the book an hour before it. Prices, fills, funding, basis and delivery are the exchange's.
"""

from collections import Counter
from decimal import Decimal
from typing import NamedTuple

import msgspec
import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Mode
from hedgebot.domain.instrument import InstrumentId, InstrumentKind, Side
from hedgebot.domain.settings import FundingAction, HedgeLeg, HedgeRole
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.requests import OrderRequest, OrderType
from hedgebot.exchange.scenario_file import load_scenario
from hedgebot.exchange.trouble import FundingChange, Suspension
from hedgebot.lab.backtest import START_NS
from hedgebot.lab.pace import Pace
from hedgebot.lab.simbook import SimBook
from hedgebot.lab.truth import delta_coin
from strategies.delta_neutral import STRATEGY
from tests.simulation.test_funding_switch import BAND, HEDGE, ROOT, desk_and_hedger, settings_of

HOUR_NS = 3_600 * 1_000_000_000
STEP_S = 60
ENDS_H = 36
THERE_H = 3
SHUT_H = 28
LEFT_H = ENDS_H - 4
HALTED_H = ENDS_H - 1
DEAR = -0.00099
"""Of eight hours: shorts pay 29.7 bps a day, just within the limit of 30."""


class Run(NamedTuple):
    """What came of it. `held` is the hedge by instrument at each full hour, `worst_coin` the largest true net delta."""

    future: InstrumentId
    held: list[dict[str, Decimal]]
    worst_coin: float
    outside: int
    orders: list[tuple[float, str, InstrumentId]]
    client_ids: list[str]
    alerts: list[tuple[float, str, str]]
    modes: list[tuple[float, Mode, str]]
    frozen: list[tuple[float, str]]

    def moves(self) -> list[float]:
        """The hours at which orders of moves left."""
        return [hour for hour, strategy, _ in self.orders if strategy == "funding_switch"]


def _exchange() -> tuple[Exchange, InstrumentId]:
    quiet = load_scenario(ROOT / "config" / "scenarios" / "quiet.toml")
    coin = msgspec.structs.replace(quiet.underlyings[0], future_expiries_s=(ENDS_H * 3_600.0,), option_expiries_days=())
    scenario = msgspec.structs.replace(quiet, accounts=desk_and_hedger(), underlyings=(coin,), step_ms=STEP_S * 1_000)
    exchange = Exchange(scenario, START_NS)
    ends_ns = START_NS + ENDS_H * HOUR_NS
    (future,) = (
        one.instrument.id
        for one in exchange.listings()
        if one.instrument.kind is InstrumentKind.LINEAR_FUTURE
        and one.instrument.settle == "USDT"
        and one.instrument.expiry_ns == ends_ns
    )
    return exchange, future


def _run(*, shut: bool = False) -> Run:
    """`shut`: the perpetual cannot be traded from `SHUT_H` on."""
    exchange, future = _exchange()
    made = settings_of(FundingAction.SWITCH, ())
    leg = HedgeLeg(instrument=future, role=HedgeRole.ALTERNATIVE)
    btc = msgspec.structs.replace(made.underlyings[0], other_hedges=(leg,))
    made = msgspec.structs.replace(made, underlyings=(btc,))
    book = SimBook(exchange, made, STRATEGY.build, pace=Pace.of_seconds(float(STEP_S)))
    sent: list[str] = []
    exchange.listen(lambda notice: _note(sent, notice), market=False)
    book.host.start()
    held: list[dict[str, Decimal]] = []
    worst, outside = 0.0, 0
    for step in range((ENDS_H + 2) * 3_600 // STEP_S):
        seconds = step * STEP_S
        if seconds == 600:
            _desk_trades(exchange, Side.BUY, "2")
        if seconds >= 7_200 and seconds % 14_400 == 1_200:
            # To and fro by a third of a coin: hedges of the policy's own, in whatever instrument is chosen then.
            _desk_trades(exchange, Side.BUY if seconds // 14_400 % 2 else Side.SELL, "0.3")
        if seconds >= 3_600 and seconds % 3_600 == 0:
            exchange.strike(FundingChange(instrument=HEDGE, next_rate=DEAR))
        if shut and seconds == SHUT_H * 3_600:
            exchange.strike(Suspension(instrument=HEDGE, duration_s=20.0 * 3_600))
        book.timeline.advance(START_NS + (seconds + STEP_S) * 1_000_000_000)
        true = sum(delta_coin(exchange, name, "BTC") for name in ("desk", "hedger"))
        if seconds > 660:
            worst, outside = max(worst, abs(true)), outside + (abs(true) > BAND + 0.02)
        if (seconds + STEP_S) % 3_600 == 0:
            held.append({one.instrument: one.contracts for one in exchange.positions("hedger") if one.contracts})
    journal = book.host.journal
    orders = [
        (_hour(one.at_ns), one.command.approved.intent.strategy, one.command.approved.intent.instrument)
        for one in journal.orders()
        if isinstance(one.command, cmd.SubmitOrder)
    ]
    modes = [
        (_hour(one.at_ns), one.command.after, one.command.reason)
        for one in journal.entries
        if isinstance(one, cmd.Issued) and isinstance(one.command, cmd.RecordMode)
    ]
    frozen = [
        (_hour(one.at_ns), one.command.reason)
        for one in journal.entries
        if isinstance(one, cmd.Issued) and isinstance(one.command, cmd.RecordLatch) and one.command.held
    ]
    alerts = [(_hour(at_ns), kind, subject) for at_ns, kind, subject in book.host.alert_log]
    return Run(future, held, worst, outside, orders, sent, alerts, modes, frozen)


def _hour(at_ns: int) -> float:
    return (at_ns - START_NS) / HOUR_NS


def _desk_trades(exchange: Exchange, side: Side, qty: str) -> None:
    exchange.place(
        OrderRequest(account="desk", instrument=HEDGE, side=side, type=OrderType.MARKET, qty_contracts=Decimal(qty))
    )


def _note(sent: list[str], notice: object) -> None:
    order = getattr(notice, "order", None)
    if order is not None and order.account == "hedger" and order.client_id and order.client_id not in sent:
        sent.append(order.client_id)


pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def moved() -> Run:
    return _run()


def test_the_hedge_stands_in_the_future_while_the_perpetual_is_dear(moved: Run) -> None:
    before, there = moved.held[0], moved.held[THERE_H]
    assert set(before) == {HEDGE}
    assert set(there) == {moved.future}
    # Only what the desk traded since is different, give or take the band.
    moved_coin = abs(sum(there.values(), Decimal(0)) - sum(before.values(), Decimal(0)))
    assert moved_coin <= Decimal("0.3") + Decimal(str(BAND))
    assert all(set(one) == {moved.future} for one in moved.held[THERE_H : LEFT_H - 1])
    # Hedges of the policy's own went there, too.
    own = {instrument for hour, strategy, instrument in moved.orders if strategy != "funding_switch" and hour > THERE_H}
    assert moved.future in own


def test_it_is_left_four_hours_before_its_end_although_the_other_one_is_dear(moved: Run) -> None:
    back = [hour for hour in moved.moves() if hour > THERE_H]
    assert back
    assert LEFT_H <= min(back) <= LEFT_H + 0.05
    assert max(back) < HALTED_H
    assert all(set(one) == {HEDGE} for one in moved.held[HALTED_H - 1 :])


def test_the_delivery_itself_moves_nothing_and_the_book_is_never_halted(moved: Run) -> None:
    assert [after for _, after, _ in moved.modes] == [Mode.ACTIVE]
    assert moved.worst_coin <= BAND + 0.3 + 0.02, "a trade of the desk's until it is hedged"
    assert moved.outside <= 16, "a step after each trade of the desk"
    assert max(Counter(moved.client_ids).values()) == 1
    settling = [(hour, subject) for hour, kind, subject in moved.alerts if kind == AlertKind.INSTRUMENT_SETTLING]
    assert [subject for _, subject in settling] == [moved.future, f"{moved.future} ended"]
    assert settling[0][0] == pytest.approx(ENDS_H - 24, abs=0.02)
    assert settling[1][0] == pytest.approx(ENDS_H, abs=0.02)
    # What has ended is no market that stands still.
    assert not [hour for hour, kind, _ in moved.alerts if kind == AlertKind.STALE_MARKET_DATA and hour > 1]


def test_a_future_that_cannot_be_left_freezes_its_underlying_an_hour_before_its_end() -> None:
    run = _run(shut=True)
    assert run.held[HALTED_H - 2].keys() == {run.future}
    assert Mode.HALTED not in [after for _, after, _ in run.modes]
    ((hour, reason),) = run.frozen
    assert hour == pytest.approx(HALTED_H, abs=0.02)
    assert f"{run.future} is about to be settled or delisted" in reason
    assert [one for one in run.orders if one[0] > hour] == []
    # Told while there is time: a day before, at the halt, and at the end.
    kinds = [(kind, subject) for at, kind, subject in run.alerts if at > ENDS_H - 25]
    assert (AlertKind.INSTRUMENT_SETTLING, run.future) in kinds
    assert (AlertKind.KILL_ACTIVE, "underlying:BTC") in kinds
    assert (AlertKind.INSTRUMENT_SETTLING, f"{run.future} ended") in kinds
