"""The oracle finds what it is for: each invariant is broken on purpose, and a sound run breaks none."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.client_id import ClientId
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.kill import KillAction, KillScope
from hedgebot.domain.orders import TimeInForce
from hedgebot.exchange.types import Ack, OrderRequest, OrderType
from hedgebot.lab.memory import MemoryJournal
from hedgebot.lab.oracle import Oracle, positions_of, tally
from tests.unit.lab.bench import PERP, SETTINGS, Bench

OURS = ClientId(install=7, epoch=9, strategy=0, intent=1).encode()


def watched(*, flow: bool = True) -> tuple[Bench, Oracle]:
    bench = Bench(flow=flow)
    return bench, Oracle(bench.exchange, "main", bench.host.journal, SETTINGS)


def invariants(oracle: Oracle) -> set[str]:
    return set(tally(oracle.violations))


def place(bench: Bench, client_id: str, *, qty: str = "0.1", side: Side = Side.BUY, price: str | None = None) -> None:
    answer = bench.exchange.place(
        OrderRequest(
            account="main",
            instrument=PERP,
            side=side,
            type=OrderType.LIMIT if price else OrderType.MARKET,
            qty_contracts=Decimal(qty),
            limit_price=None if price is None else Decimal(price),
            time_in_force=TimeInForce.GTC,
            client_id=client_id,
        )
    )
    assert isinstance(answer, Ack), answer


def test_a_sound_run_breaks_nothing() -> None:
    bench, oracle = watched()
    bench.host.start()
    bench.run(180)
    bench.exchange.set_client_flow(enabled=False)
    bench.run(5)
    oracle.judge()
    oracle.judge_quiet()
    assert oracle.violations == []
    assert oracle.own_fills > 5
    assert abs(oracle.delta_coin(SETTINGS.underlyings[0])) <= 0.05 + 0.01


def test_an_order_without_a_durable_intent_is_found() -> None:
    bench, oracle = watched(flow=False)
    place(bench, OURS)
    oracle.judge()
    assert invariants(oracle) == {"I2", "I3"}


def test_an_order_before_its_commit_is_found() -> None:
    """A build that sends first and writes afterwards."""
    bench, oracle = watched()
    journal = bench.host.journal
    write = journal.write

    def late(entries: Iterable[ev.Stamped | cmd.Issued], *, durable: bool) -> None:
        write(tuple(entries), durable=False)

    journal.write = late  # type: ignore[method-assign]
    journal.sync = lambda: None  # type: ignore[method-assign]
    bench.host.start()
    bench.run(60)
    assert "I3" in invariants(oracle)


def test_an_intent_that_was_accepted_twice_is_found() -> None:
    bench, oracle = watched()
    bench.host.start()
    bench.run(60)
    submit = bench.host.journal.orders()[0].command
    assert isinstance(submit, cmd.SubmitOrder)
    twin = next(one for one in oracle._seen.values() if one.client_id == submit.client_id)
    oracle._on_new_order(msgspec.structs.replace(twin, order_id="second"))
    assert "I1" in invariants(oracle)


@pytest.mark.parametrize("instrument", [PERP, InstrumentId("bybit:linear:BTCPERP")])
def test_a_hedge_before_the_last_one_is_booked_is_found(instrument: InstrumentId) -> None:
    """Wherever the second one trades: what both hedge is one underlying."""
    bench, oracle = watched()
    bench.host.start()
    bench.run(60)
    last = bench.host.journal.orders()[-1]
    assert isinstance(last.command, cmd.SubmitOrder)
    row = oracle.own_executions[-1]
    intent = msgspec.structs.replace(last.command.approved.intent, instrument=instrument)
    second = msgspec.structs.replace(
        last.command, client_id=OURS, approved=msgspec.structs.replace(last.command.approved, intent=intent)
    )
    known = bench.host.journal.entries
    unbooked = [
        one
        for one in known
        if not (
            isinstance(one, ev.Stamped) and isinstance(one.event, ev.FillReceived) and one.event.trade_id == row.exec_id
        )
    ]
    assert len(unbooked) < len(known)
    journal = MemoryJournal()
    journal.write(
        [*unbooked, cmd.Issued(seq=known[-1].seq + 1, index=1, at_ns=row.at_ns + 10**9, command=second)], durable=True
    )
    oracle._journal = journal
    oracle.judge()
    assert any("was decided while a fill of" in one.sentence for one in oracle.violations)


def test_a_fill_beyond_the_limit_is_found() -> None:
    bench, oracle = watched(flow=False)
    place(bench, "somebody", qty="4.9")
    assert oracle.violations == []
    place(bench, OURS, qty="0.3")
    assert "I4" in invariants(oracle)
    assert any("from +4.9000 to +5.2000" in one.sentence for one in oracle.violations)


def test_a_fill_back_from_beyond_the_limit_is_none() -> None:
    bench, oracle = watched(flow=False)
    place(bench, "somebody", qty="6")
    place(bench, OURS, qty="0.3", side=Side.SELL)
    assert invariants(oracle) == {"I3"}


@pytest.mark.parametrize("mode", [cmd.Mode.HALTED, cmd.Mode.REDUCING, cmd.Mode.RECOVERING])
def test_an_order_in_a_mode_that_forbids_it_is_found(mode: cmd.Mode) -> None:
    bench, oracle = watched()
    bench.host.start()
    bench.run(60)
    order = bench.host.journal.orders()[-1]
    assert isinstance(order.command, cmd.SubmitOrder)
    adding = msgspec.structs.replace(
        order.command, approved=msgspec.structs.replace(order.command.approved, risk_reducing=False)
    )
    bench.host.journal.write(
        [
            cmd.Issued(
                seq=order.seq,
                index=8,
                at_ns=order.at_ns,
                command=cmd.RecordMode(before=cmd.Mode.ACTIVE, after=mode, reason="test", latched=False),
            ),
            cmd.Issued(seq=order.seq, index=9, at_ns=order.at_ns, command=adding),
        ],
        durable=True,
    )
    oracle.judge()
    assert invariants(oracle) == {"I4"}


def test_a_latch_that_lets_go_by_itself_is_found() -> None:
    bench, oracle = watched()
    bench.host.start()
    bench.host.put(ev.OperatorKilled(operator="eve", reason="drill"))
    bench.run(5)
    bench.host.journal.write(
        [
            cmd.Issued(
                seq=99_999,
                index=1,
                at_ns=bench.timeline.now_ns,
                command=cmd.RecordMode(
                    before=cmd.Mode.HALTED, after=cmd.Mode.ACTIVE, reason="by itself", latched=False
                ),
            )
        ],
        durable=True,
    )
    oracle.judge()
    assert invariants(oracle) == {"I7"}


def test_decisions_on_dead_data_are_found() -> None:
    """What the data were is asked of the journal: without its books every order was decided blindly, and untold."""
    bench, oracle = watched()
    bench.host.start()
    bench.run(60)
    entries = bench.host.journal.entries
    kept = [one for one in entries if not (isinstance(one, ev.Stamped) and isinstance(one.event, ev.BookTop))]
    bench.host.journal._entries = kept
    oracle.judge()
    assert invariants(oracle) == {"I5", "I9"}


def test_a_position_that_the_journal_does_not_explain_is_found() -> None:
    bench, oracle = watched()
    bench.host.start()
    bench.run(30)
    bench.host.crash()
    place(bench, "somebody", qty="0.5")
    oracle.judge_quiet()
    assert invariants(oracle) == {"I6"}


def test_too_many_orders_in_a_second_are_found() -> None:
    _, oracle = watched(flow=False)
    oracle._moments = [number * 10_000_000 for number in range(20)]
    oracle.judge()
    assert invariants(oracle) == {"I11"}


def test_a_storm_of_orders_that_the_venue_refuses_is_found() -> None:
    bench, oracle = watched()
    bench.host.start()
    bench.run(60)
    order = bench.host.journal.orders()[-1]
    assert oracle.judge() == []
    storm = [msgspec.structs.replace(order, at_ns=order.at_ns + number) for number in range(20)]
    bench.host.journal.write(storm, durable=True)
    oracle.judge()
    assert "I11" in invariants(oracle)


def test_a_kill_that_only_a_lax_mode_followed_is_found() -> None:
    """Whatever the book calls its mode: after a kill nothing is sent before an accepted unkill."""
    bench, oracle = watched()
    bench.host.start()
    bench.run(60)
    order = bench.host.journal.orders()[-1]
    killed = ev.OperatorKilled(operator="eve", reason="drill")
    journal = bench.host.journal
    journal.write([ev.Stamped(seq=journal.next_seq, at_ns=order.at_ns, event=killed), order], durable=True)
    # The repeated order is also beyond the newer book.
    assert {one.invariant for one in oracle.judge()} - {"I4"} == {"I7"}


@pytest.mark.parametrize(
    ("name", "action", "done", "held", "found"),
    [
        ("BTC", KillAction.FREEZE, False, True, True),
        ("BTC", KillAction.HEDGE_TO_FLAT, True, True, True),
        ("BTC", KillAction.REDUCE, False, True, False),
        ("ETH", KillAction.FREEZE, False, True, False),
        ("BTC", KillAction.FREEZE, False, False, False),  # it was lifted
    ],
)
def test_an_order_on_a_frozen_underlying_is_found(
    name: str, action: KillAction, done: bool, held: bool, found: bool
) -> None:
    bench, oracle = watched()
    bench.host.start()
    bench.run(60)
    order, journal = bench.host.journal.orders()[-1], bench.host.journal
    latch = cmd.RecordLatch(
        scope=KillScope.UNDERLYING,
        name=name,
        action=action,
        operator="rules",
        reason="test",
        causes=("settling:x",),
        done=done,
        held=held,
    )
    journal.write([cmd.Issued(seq=order.seq, index=9, at_ns=order.at_ns, command=latch), order], durable=True)
    oracle.judge()
    assert bool([one for one in oracle.violations if "is frozen" in one.sentence]) is found


def test_an_order_of_ours_that_rests_is_found() -> None:
    bench, oracle = watched(flow=False)
    place(bench, OURS, price="80000")
    bench.run(31)
    bench.exchange.cancel("main", PERP, client_id=OURS)
    assert [one.sentence for one in oracle.judge() if "rested" in one.sentence]


def test_an_order_that_lives_on_after_a_kill_is_found() -> None:
    bench, oracle = watched(flow=False)
    place(bench, OURS, price="80000")
    killed = ev.OperatorKilled(operator="eve", reason="drill")
    bench.host.journal.write([ev.Stamped(seq=1, at_ns=bench.timeline.now_ns, event=killed)], durable=True)
    bench.run(9)
    assert not [one for one in oracle.judge() if one.invariant == "I7"]
    bench.run(2)
    assert [one for one in oracle.judge() if one.invariant == "I7"]


def test_an_order_that_could_leave_the_limit_is_found_before_it_fills() -> None:
    bench, oracle = watched(flow=False)
    place(bench, "somebody", qty="4.9")
    place(bench, OURS, qty="0.3", price="80000")
    assert any("may take the delta of BTC from +4.9000 to +5.2000" in one.sentence for one in oracle.violations)


@pytest.mark.parametrize(("side", "found"), [(Side.BUY, {"I4"}), (Side.SELL, set())])
def test_a_reducing_book_is_judged_by_the_true_delta(side: Side, found: set[str]) -> None:
    """The book says of itself that an order reduces risk: what the venue holds says whether it did."""
    bench, oracle = watched()
    bench.host.start()
    bench.run(60)
    bench.exchange.set_client_flow(enabled=False)
    bench.run(5)
    order = bench.host.journal.orders()[-1]
    assert isinstance(order.command, cmd.SubmitOrder)
    place(bench, "somebody", qty="1")
    bench.run(0)
    intent = msgspec.structs.replace(order.command.approved.intent, side=side)
    approved = msgspec.structs.replace(order.command.approved, intent=intent, risk_reducing=True)
    bench.host.crash()
    bench.run(2)
    before = len(oracle.violations)
    at_ns, seq = bench.timeline.now_ns, bench.host.journal.next_seq
    reducing = cmd.RecordMode(before=cmd.Mode.ACTIVE, after=cmd.Mode.REDUCING, reason="test", latched=False)
    submit = cmd.SubmitOrder(client_id=OURS, approved=approved)
    bench.host.journal.write(
        [
            cmd.Issued(seq=seq, index=1, at_ns=at_ns, command=reducing),
            cmd.Issued(seq=seq, index=2, at_ns=at_ns, command=submit),
        ],
        durable=True,
    )
    place(bench, OURS, qty="0.01", side=side)
    assert len(oracle.violations) == before
    oracle._judge_modes()
    assert invariants(oracle) == found


def test_positions_count_each_execution_once_and_adjustments_as_recorded() -> None:
    journal = MemoryJournal()

    def fill(seq: int, trade_id: str, qty: str, instrument: InstrumentId = PERP) -> ev.Stamped:
        event = ev.FillReceived(
            account="main",
            instrument=instrument,
            trade_id=trade_id,
            order_id="o",
            client_id=None,
            side=Side.BUY,
            qty_contracts=Decimal(qty),
            price=Decimal(1),
            fee=Decimal(0),
            fee_coin="USDT",
            kind=ev.ExecutionKind.TRADE,
            source=ev.Source.STREAM,
            venue_at_ns=seq,
        )
        return ev.Stamped(seq=seq, at_ns=seq, event=event)

    def adjustment(subject: str, after: str) -> cmd.Issued:
        command = cmd.RecordAdjustment(account="main", subject=subject, before="0", after=after, evidence="test")
        return cmd.Issued(seq=1, index=1, at_ns=1, command=command)

    spot = InstrumentId("bybit:spot:BTCUSDT")
    journal.write(
        [
            adjustment(PERP, "5"),
            adjustment("BTC", "3"),
            adjustment("main|bybit:linear|0b1f", "never listed"),
            fill(1, "a", "1"),
            fill(2, "a", "1"),
            fill(3, "b", "2"),
            fill(4, "c", "7", spot),
        ],
        durable=True,
    )
    assert positions_of(journal.entries) == {PERP: Decimal(8)}
