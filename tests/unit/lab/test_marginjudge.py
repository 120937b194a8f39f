"""What an order did to the margin, by the exchange's own figures: told where the floor is broken, and nowhere else."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.client_id import ClientId
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import Approved, OrderIntent, TimeInForce
from hedgebot.domain.settings import MarginEvent
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.trouble import MarginHike
from hedgebot.exchange.types import Ack, MarginMode, OrderRequest, OrderType
from hedgebot.lab.marginjudge import USE_SLACK, margin_use
from hedgebot.lab.memory import MemoryJournal
from hedgebot.lab.oracle import Oracle
from tests.unit.lab.bench import PERP, SCENARIO, SETTINGS, START_NS, S

OURS = ClientId(install=7, epoch=1, strategy=0, intent=1).encode()
EVENT = cmd.RecordRegime(account="main", before="normal", after="event", floor_use=0.5, why="a configured event")


def watched(usdt: int) -> tuple[Exchange, Oracle, MemoryJournal]:
    account = msgspec.structs.replace(
        SCENARIO.accounts[0], coins={"USDT": Decimal(usdt)}, margin_mode=MarginMode.PORTFOLIO
    )
    exchange = Exchange(msgspec.structs.replace(SCENARIO, accounts=(account,), client_flow=None), START_NS)
    journal = MemoryJournal()
    return exchange, Oracle(exchange, "main", journal, SETTINGS), journal


def place(exchange: Exchange, client_id: str, qty: str, side: Side) -> None:
    request = OrderRequest(
        account="main",
        instrument=PERP,
        side=side,
        type=OrderType.MARKET,
        qty_contracts=Decimal(qty),
        client_id=client_id,
    )
    answer = exchange.place(request)
    assert isinstance(answer, Ack), answer


def submitted(client_id: str, qty: str, side: Side) -> cmd.SubmitOrder:
    intent = OrderIntent(
        account="main",
        instrument=PERP,
        underlying="BTC",
        strategy="delta_neutral",
        side=side,
        qty_contracts=Decimal(qty),
        limit_price=Decimal(90_000),
        time_in_force=TimeInForce.IOC,
        reduce_only=False,
        delta_effect_coin=float(qty) * side.sign,
        notional_usd=1.0,
        deadline_ns=START_NS,
        reason="test",
    )
    approved = Approved(intent=intent, checks=(), risk_reducing=False)
    return cmd.SubmitOrder(approved=approved, client_id=client_id)


def known(exchange: Exchange, oracle: Oracle, seconds: int = 25) -> None:
    """The account stands as it does for long enough that every report has said so."""
    oracle.margin_use()
    exchange.advance(exchange.now_ns + seconds * S)


def judged(oracle: Oracle, journal: MemoryJournal, commands: Sequence[cmd.Command]) -> list[str]:
    entries = [cmd.Issued(seq=1, index=nr, at_ns=START_NS, command=one) for nr, one in enumerate(commands, 1)]
    journal.write(entries, durable=True)
    return [sentence for _, _, sentence in oracle._margin.judge(entries, SETTINGS)]


def test_an_order_that_takes_the_buffer_below_its_floor_is_found() -> None:
    """By its floor of that moment: 20 % in normal times, half of the equity in an event."""
    exchange, oracle, journal = watched(15_000)
    known(exchange, oracle)
    place(exchange, OURS, "1", Side.BUY)
    use = margin_use(exchange, "main")
    assert 0.5 < use < 0.8
    order = submitted(OURS, "1", Side.BUY)
    assert judged(oracle, journal, [order]) == []
    (sentence,) = judged(oracle, journal, [EVENT, order])
    assert sentence == f"order {OURS} took the margin use at the venue from 0.0% to {use:.1%}, its floor is 50%"


@pytest.mark.parametrize(("side", "found"), [(Side.BUY, 1), (Side.SELL, 0)])
def test_below_the_floor_only_what_gives_buffer_back_may_be_sent(side: Side, found: int) -> None:
    exchange, oracle, journal = watched(15_000)
    place(exchange, "somebody", "1", Side.BUY)
    known(exchange, oracle)
    place(exchange, OURS, "0.05", side)
    assert len(judged(oracle, journal, [EVENT, submitted(OURS, "0.05", side)])) == found


@pytest.mark.parametrize(("seconds", "found"), [(19, 0), (20, 1)])
def test_margins_that_were_raised_just_now_could_not_be_known(seconds: int, found: int) -> None:
    exchange, oracle, journal = watched(15_000)
    place(exchange, "somebody", "0.45", Side.BUY)
    exchange.strike(MarginHike(ratio=2.0, duration_s=90.0))
    known(exchange, oracle, seconds)
    place(exchange, OURS, "0.05", Side.BUY)
    assert margin_use(exchange, "main") > 0.5
    assert len(judged(oracle, journal, [EVENT, submitted(OURS, "0.05", Side.BUY)])) == found


@pytest.mark.parametrize(("seconds", "found"), [(19, 0), (20, 1), (34, 1), (36, 0)])
def test_a_margin_that_jumped_a_moment_ago_could_not_be_known(seconds: int, found: int) -> None:
    """Nor is it proven how it stood where nobody looked."""
    exchange, oracle, journal = watched(15_000)
    place(exchange, "somebody", "1", Side.BUY)
    known(exchange, oracle, seconds)
    place(exchange, OURS, "0.05", Side.BUY)
    assert len(judged(oracle, journal, [EVENT, submitted(OURS, "0.05", Side.BUY)])) == found


def test_where_the_floor_stands_is_not_taken_from_the_accused() -> None:
    """Neither from a wrong figure in its record, nor from a record that is missing in a configured event."""
    exchange, oracle, journal = watched(15_000)
    known(exchange, oracle)
    place(exchange, OURS, "1", Side.BUY)
    order = submitted(OURS, "1", Side.BUY)
    assert len(judged(oracle, journal, [msgspec.structs.replace(EVENT, floor_use=0.8), order])) == 1
    calm = msgspec.structs.replace(EVENT, after="normal", floor_use=0.5)
    assert judged(oracle, journal, [EVENT, calm, order]) == []
    window = MarginEvent(name="FOMC", start_ns=START_NS - 2 * S, end_ns=START_NS + S)
    during = msgspec.structs.replace(SETTINGS, margin_events=(window,))
    entry = cmd.Issued(seq=1, index=1, at_ns=START_NS, command=order)
    assert len(list(oracle._margin.judge([entry], during))) == 1


def test_many_little_orders_below_the_floor_are_found_by_what_they_need() -> None:
    exchange, oracle, journal = watched(15_000)
    place(exchange, "somebody", "1", Side.BUY)
    known(exchange, oracle)
    ids = [ClientId(install=7, epoch=1, strategy=0, intent=number).encode() for number in range(2, 12)]
    for one in ids:
        place(exchange, one, "0.001", Side.BUY)
    grown: list[cmd.Command] = [submitted(one, "0.001", Side.BUY) for one in ids]
    taken = [oracle._margin._weighed[one].taken for one in ids]
    assert max(taken) < USE_SLACK < sum(taken)
    assert judged(oracle, journal, [EVENT, *grown[:2]]) == []
    assert len(judged(oracle, journal, [EVENT, *grown])) > 0
    # What an order costs in fee and spread is not held against it: its price is judged elsewhere.
    for one in ids:
        known_of = oracle._margin._weighed[one]
        dearer = known_of.before._replace(equity_usd=known_of.before.equity_usd - 100.0)
        oracle._margin._weighed[one] = known_of._replace(after=dearer)
    assert judged(oracle, journal, [EVENT, *grown]) == []


def test_an_order_that_only_shrinks_a_position_is_let_pass_as_by_the_gate() -> None:
    exchange, oracle, journal = watched(15_000)
    place(exchange, "somebody", "1", Side.BUY)
    known(exchange, oracle)
    place(exchange, OURS, "0.05", Side.BUY)
    order = submitted(OURS, "0.05", Side.BUY)
    shrinking = msgspec.structs.replace(order.approved.intent, reduce_only=True)
    order = msgspec.structs.replace(order, approved=msgspec.structs.replace(order.approved, intent=shrinking))
    assert judged(oracle, journal, [EVENT, order]) == []


def test_what_others_do_and_orders_that_never_came_are_nobodys_fault() -> None:
    exchange, oracle, journal = watched(15_000)
    place(exchange, "somebody", "1", Side.BUY)
    assert judged(oracle, journal, [EVENT, submitted(OURS, "1", Side.BUY)]) == []


def test_the_oracle_judges_by_it() -> None:
    exchange, oracle, journal = watched(15_000)
    known(exchange, oracle)
    place(exchange, OURS, "1", Side.BUY)
    judged(oracle, journal, [EVENT, submitted(OURS, "1", Side.BUY)])
    assert any(one.invariant == "I13" and "at the venue" in one.sentence for one in oracle.judge())


def test_an_event_is_not_an_order() -> None:
    _, oracle, _ = watched(15_000)
    entries = [ev.Stamped(seq=1, at_ns=START_NS, event=ev.TimerFired())]
    assert list(oracle._margin.judge(entries, SETTINGS)) == []


def test_nothing_held_needs_nothing() -> None:
    exchange, _, _ = watched(15_000)
    assert margin_use(exchange, "main") == 0.0
    place(exchange, "somebody", "1", Side.BUY)
    assert margin_use(exchange, "main") > 0.0
