"""A hedge that is moved to another instrument: in pairs of orders, inside the band, exactly once."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hedgebot.core import hedges, latches, unkill
from hedgebot.core.exposure import net_delta_coin
from hedgebot.core.switch_state import MOVE_STRATEGY
from hedgebot.core.view import book_view
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import (
    CancelOrder,
    Command,
    DecisionCause,
    Mode,
    RecordDecision,
    RecordOperator,
    RecordRefusal,
    SubmitOrder,
)
from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.domain.kill import KillAction, KillScope
from hedgebot.domain.orders import OrderStatus
from tests.support.playbook import (
    ACCOUNT,
    BTC_PERP,
    BTC_SPOT,
    BTC_USDC,
    MS,
    Playbook,
    instrument,
    of_type,
    orders,
    the_order,
)
from tests.support.switches import HOUR_MS, market, ready, switchable

DEAR, CHEAP = -0.0008, 0.0001  # a short pays 24 bps a day here and receives 3 there
PIECE = Decimal("0.037")  # three quarters of the band of 0.05, floored to the lot


def held(book: Playbook) -> dict[str, float]:
    return {str(name): coins for name, coins in hedges.held_coins(book.state, book.settings.underlyings[0]).items()}


def delta(book: Playbook) -> float:
    return net_delta_coin(book.state.underlyings["BTC"])


def next_order(book: Playbook, *, after_ms: float = 3_000.0) -> SubmitOrder | None:
    before = len(orders(book.heard))
    market(book, perp_rate=DEAR, usdc_rate=CHEAP, after_ms=after_ms)
    found = orders(book.heard)[before:]
    assert len(found) <= 1
    return found[0] if found else None


def started(perp: str = "-0.3") -> tuple[Playbook, SubmitOrder]:
    book = ready(switchable(), perp=perp)
    order = next_order(book)
    assert order is not None
    return book, order


def test_a_piece_is_closed_then_as_much_is_opened() -> None:
    book, first = started()
    closing = first.approved.intent
    assert (closing.instrument, closing.side, closing.qty_contracts) == (BTC_PERP, Side.BUY, PIECE)
    assert (closing.reduce_only, closing.strategy) == (True, MOVE_STRATEGY)
    opening = the_order(book.done(first)).approved.intent
    assert (opening.instrument, opening.side, opening.qty_contracts) == (BTC_USDC, Side.SELL, PIECE)
    told = of_type(book.heard, RecordDecision)[-1]
    assert told.cause is DecisionCause.FUNDING
    assert "inside the band" in told.explanation
    assert told in book_view(book.state, book.at_ns).decisions  # people see it like every other decision
    assert told.evidence["cost_day bybit:linear:BTCUSDT"] == pytest.approx(0.0024)
    assert told.evidence["cost_day bybit:linear:BTCPERP"] == pytest.approx(-0.0003)


def test_the_whole_position_is_moved_and_the_book_is_as_it_was() -> None:
    book, order = started()
    seen, most = [order], 0.0
    for _ in range(60):
        found = orders(book.done(seen[-1]))
        most = max(most, abs(delta(book)))
        order_or_none = found[0] if found else next_order(book)
        if order_or_none is None:
            break
        seen.append(order_or_none)
    assert held(book) == {BTC_PERP: 0.0, BTC_USDC: pytest.approx(-0.3)}
    assert delta(book) == pytest.approx(0.0)
    assert most <= 0.0375 + 1e-9  # never beyond the inside of the band
    assert len({one.client_id for one in seen}) == len(seen)
    moved = sum(one.approved.intent.qty_contracts for one in seen if one.approved.intent.side is Side.BUY)
    assert moved == Decimal("0.3")  # nothing was closed twice
    assert book.mode() is Mode.ACTIVE
    assert not book.is_up(AlertKind.HEDGE_INEFFECTIVE)


def test_after_a_hedge_the_delta_has_room_on_one_side_only_and_as_much_is_opened_first() -> None:
    book = ready(switchable(), perp="-0.3")
    hedge = the_order(book.send(book.fill(Side.BUY, "0.2", BTC_SPOT)))
    book.done(hedge)
    assert delta(book) == pytest.approx(0.0375, abs=0.0011)  # at the inside of its band
    first = next_order(book)
    assert first is not None
    opening = first.approved.intent
    assert (opening.instrument, opening.side, opening.reduce_only) == (BTC_USDC, Side.SELL, False)
    closing = the_order(book.done(first)).approved.intent
    assert (closing.instrument, closing.side, closing.reduce_only) == (BTC_PERP, Side.BUY, True)
    # What the lot rounds off beyond the inside of the band goes with the next piece.
    assert opening.qty_contracts - closing.qty_contracts in {Decimal(0), Decimal("0.001")}


def test_a_long_hedge_moves_the_other_way_round() -> None:
    book = ready(switchable(), perp="0.3", perp_rate=0.0008, usdc_rate=0.0001)
    market(book, perp_rate=0.0008, usdc_rate=0.0001, after_ms=3_000)
    first = orders(book.heard)[-1].approved.intent
    assert (first.instrument, first.side, first.reduce_only) == (BTC_PERP, Side.SELL, True)


def test_nothing_moves_while_an_order_is_unknown() -> None:
    book, order = started()
    book.send(ev.OrderOutcomeUnknown(account=ACCOUNT, client_id=order.client_id, code="timeout", message="no answer"))
    assert next_order(book) is None
    assert next_order(book, after_ms=900) is None


def test_a_part_is_taken_back_before_more_is_closed() -> None:
    book, order = started()
    intent = order.approved.intent
    book.send(book.fill(intent.side, "0.010", BTC_PERP, client_id=order.client_id))
    heard = book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.CANCELLED, "0.010")))
    found = orders(heard)
    opening = found[0] if found else next_order(book, after_ms=1)
    assert opening is not None
    assert (opening.approved.intent.instrument, opening.approved.intent.qty_contracts) == (BTC_USDC, Decimal("0.010"))


def test_a_hedge_of_the_policys_own_ends_what_was_displaced() -> None:
    book, order = started()
    second = the_order(book.done(order))
    book.send(ev.OrderUpdated(report=book.report(second, OrderStatus.CANCELLED)))
    assert book.state.underlyings["BTC"].switch.displaced_coin == pytest.approx(0.037)
    hedge = the_order(book.send(book.fill(Side.BUY, "0.1", BTC_SPOT), after_ms=2_000))
    assert hedge.approved.intent.strategy == "delta_neutral"
    book.done(hedge)
    assert book.state.underlyings["BTC"].switch.displaced_coin == 0.0


def test_what_the_saving_does_not_pay_for_stays() -> None:
    # Both trades cost 10 bps together; 6 bps a day saved pay them in two days, not in one.
    for days, moves in ((1.0, False), (2.0, True)):
        book = ready(switchable(hedge_hold_days=days), perp="-0.3")
        before = len(orders(book.heard))
        market(book, perp_rate=-0.0001, usdc_rate=0.0001, after_ms=3_000)
        assert bool(orders(book.heard)[before:]) is moves, days


@pytest.mark.parametrize("mode", [Mode.HALTED, Mode.REDUCING])
def test_only_an_active_book_moves(mode: Mode) -> None:
    book = ready(switchable(), perp="-0.3")
    book.state.mode = mode
    book.state.mode_reason = "test"
    before = len(orders(book.heard))
    book.send(book.ticker(rate=DEAR))
    book.send(book.book())
    assert len(orders(book.heard)) == before


def test_a_killed_underlying_does_not_move() -> None:
    book = ready(switchable(), perp="-0.3")
    killed = ev.OperatorKilled(
        operator="ann", reason="look", scope=KillScope.UNDERLYING, name="BTC", action=KillAction.FREEZE
    )
    book.send(killed)
    assert next_order(book) is None


@pytest.mark.parametrize("action", [KillAction.FREEZE, KillAction.REDUCE, KillAction.HEDGE_TO_FLAT])
def test_a_kill_of_the_strategy_that_hedges_holds_its_moves_too(action: KillAction) -> None:
    """A move adds risk on behalf of whoever keeps the band: what a reduce stops in its name it stops here."""
    book = ready(switchable(), perp="-0.3")
    book.send(
        ev.OperatorKilled(operator="ann", reason="look", scope=KillScope.STRATEGY, name="delta_neutral", action=action)
    )
    before = len(orders(book.heard))
    for _ in range(3):
        market(book, perp_rate=DEAR, usdc_rate=CHEAP, after_ms=3_000.0)
    assert len(orders(book.heard)) == before


def test_a_kill_of_the_strategy_that_hedges_covers_its_move_that_is_out() -> None:
    """It is cancelled like the strategy's own order, and the kill is not lifted before its end is proven."""
    book, order = started()
    freeze = ev.OperatorKilled(
        operator="ann", reason="look", scope=KillScope.STRATEGY, name="delta_neutral", action=KillAction.FREEZE
    )
    assert [one.client_id for one in of_type(book.send(freeze), CancelOrder)] == [order.client_id]
    (latch,) = book.state.latches.values()
    assert any(order.client_id in one for one in latches.unproven(book.state, latch, book.at_ns))
    word = ev.OperatorUnkilled(operator="ann", reason="looked", scope=KillScope.STRATEGY, name="delta_neutral")
    assert any(order.client_id in one for one in unkill.checklist(book.state, word, latch, book.at_ns))


def test_a_kill_of_another_strategy_leaves_a_move_alone() -> None:
    book, order = started()
    assert book.state.orders[order.client_id].intent.strategy == MOVE_STRATEGY
    other = book.state.settings.strategies[0]
    idle = msgspec.structs.replace(other, name="idle", underlyings=("ETH",))
    book.state.settings = msgspec.structs.replace(book.state.settings, strategies=(other, idle))
    kill = ev.OperatorKilled(operator="ann", reason="look", scope=KillScope.STRATEGY, name="idle")
    assert not of_type(book.send(kill), CancelOrder)


def test_a_strategy_that_is_latched_off_has_no_moves_made_for_it() -> None:
    book = ready(switchable(), perp="-0.3")
    book.state.tripped["delta_neutral"] = "61 sell orders"
    assert next_order(book) is None
    on = ev.StrategySwitched(strategy="delta_neutral", enabled=True, operator="ann", reason="looked")
    assert the_order(book.send(on)).approved.intent.strategy == MOVE_STRATEGY


def test_moves_that_are_latched_off_stay_so_until_an_operator_enables_them() -> None:
    book = ready(switchable(), perp="-0.3")
    book.state.tripped[MOVE_STRATEGY] = "5 orders in a row were refused"
    while len(rows := of_type(book.heard, RecordRefusal)) < 2:
        assert next_order(book) is None
    assert [bool(one.left_out) for one in rows] == [False, True]
    off = ev.StrategySwitched(strategy=MOVE_STRATEGY, enabled=False, operator="ann", reason="looked")
    assert not of_type(book.send(off), RecordOperator)[0].accepted  # the configuration switches it off
    on = msgspec.structs.replace(off, enabled=True)
    assert of_type(book.send(on), RecordOperator)[0].accepted
    assert not book.state.tripped
    assert next_order(book) is not None
    assert not of_type(book.send(on), RecordOperator)[0].accepted  # nothing to lift any more


def test_rates_that_swing_around_their_limit_move_nothing_to_and_fro() -> None:
    """The choice may go with them at once, but a whole position back and forth costs 20 bps each time."""
    book = ready(switchable(), usdc="-0.3", perp_rate=-0.00099, usdc_rate=-0.00099)
    for number in range(8):
        over, under = -0.00101, -0.00099  # the short pays 30.3 bps a day here and 29.7 there, the limit is 30
        perp, usdc = (under, over) if number % 2 else (over, under)
        market(book, perp_rate=perp, usdc_rate=usdc, after_ms=60_000.0)
    assert not orders(book.heard)
    market(book, perp_rate=-0.00099, usdc_rate=-0.00101, after_ms=61_000.0)
    market(book, perp_rate=-0.00099, usdc_rate=-0.00101, after_ms=float(HOUR_MS))
    assert orders(book.heard)  # a rate that stays beyond its limit is left


def test_nothing_is_closed_while_there_is_nowhere_to_go() -> None:
    book = ready(switchable(), perp="-0.3", perp_rate=DEAR, usdc_rate=CHEAP)
    done = len(orders(book.heard))
    fresh = ready(switchable(), perp="-0.3")
    before = len(orders(fresh.heard))
    fresh.send(fresh.book(name=BTC_USDC, spread="900"), after_ms=3_000)
    fresh.send(fresh.book())
    fresh.send(fresh.ticker(rate=DEAR))
    fresh.tick()
    assert len(orders(fresh.heard)) == before
    assert done == 1  # with a market there it begins at once


def test_moves_leave_the_allowance_of_hedges_alone() -> None:
    book, order = started()
    seen = order
    for _ in range(8):
        found = orders(book.done(seen))
        nxt = found[0] if found else next_order(book)
        assert nxt is not None
        seen = nxt
    assert book.state.underlyings["BTC"].efficacy.hedged_coin == 0.0


@hypothesis_settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_the_delta_stays_within_its_limits_whatever_fills_and_whatever_the_market_does(data: st.DataObject) -> None:
    """Parts, cancels, fills of clients: never beyond the band, nothing lost or doubled."""
    size = data.draw(st.sampled_from(["-0.3", "-0.111", "0.25"]), label="hedge")
    dear = DEAR if size.startswith("-") else -DEAR
    book = ready(switchable(), perp=size)
    spot = -Decimal(size)
    pending: list[SubmitOrder] = []
    for _ in range(data.draw(st.integers(10, 30), label="steps")):
        before = len(orders(book.heard))
        market(book, perp_rate=dear, usdc_rate=0.0, after_ms=data.draw(st.sampled_from([500.0, 3_000.0])))
        pending += orders(book.heard)[before:]
        deed = data.draw(st.sampled_from(["fill", "fill", "fill", "part", "cancel", "client"]))
        if deed == "client" and not pending:
            milli = data.draw(st.integers(-80, 80).filter(bool))
            before = len(orders(book.heard))
            book.send(book.fill(Side.of(milli), str(Decimal(abs(milli)) / 1_000), BTC_SPOT))
            spot += Decimal(milli) / 1_000
            pending += orders(book.heard)[before:]
        while pending:
            order = pending.pop(0)
            intent = order.approved.intent
            moves = intent.strategy == MOVE_STRATEGY
            qty = intent.qty_contracts
            if deed == "part" and qty > Decimal("0.002"):
                qty = Decimal("0.001")
            if deed == "cancel":
                qty = Decimal(0)
            before = len(orders(book.heard))
            if qty:
                book.send(book.fill(intent.side, str(qty), intent.instrument, client_id=order.client_id))
            status = OrderStatus.FILLED if qty == intent.qty_contracts else OrderStatus.CANCELLED
            book.send(ev.OrderUpdated(report=book.report(order, status, str(qty))))
            pending += orders(book.heard)[before:]
            deed = "fill"
            assert not moves or abs(delta(book)) <= 0.05 + 1e-9  # no order of a move leaves the band
        stands = held(book)
        assert delta(book) == pytest.approx(sum(stands.values()) + float(spot))
        assert min(stands.values()) * max(stands.values()) >= -1e-12  # never one against the other
        assert abs(stands[BTC_PERP]) <= abs(float(size)) + 0.2
        assert book.mode() is Mode.ACTIVE


def test_a_replay_sends_the_same_orders() -> None:
    book, order = started()
    book.done(order)
    again = Playbook(msgspec.structs.replace(book.settings))
    again.heard.clear()
    heard: list[Command] = []
    for stamped in book.log[1:]:
        heard += again.engine.step(stamped)
    assert [one.client_id for one in orders(heard)] == [one.client_id for one in orders(book.heard)]


@pytest.mark.parametrize(("days", "moves"), [(7.0, True), (0.5, False)])
def test_a_basis_that_swings_near_the_end_of_a_future_moves_nothing(days: float, moves: bool) -> None:
    """A short pays 10 bps a day more there than in the perpetual; a move costs 10, and it will be left in any case."""
    book = ready(switchable(), usdc="-0.3")
    expiry_ns = book.at_ns + round(days * 24 * HOUR_MS) * MS
    book.state.instruments[BTC_USDC] = instrument(BTC_USDC, InstrumentKind.LINEAR_FUTURE, expiry_ns=expiry_ns)
    book.at_ns += 2 * HOUR_MS * MS  # the choice stands long enough
    before = len(orders(book.heard))
    for name, mid in ((BTC_PERP, "100000"), (BTC_USDC, str(100_000 * (1 - 0.0007 * max(days, 1.0))))):
        book.send(book.book(mid, name))
        book.send(msgspec.structs.replace(book.ticker(mid, name=name), index=Decimal(100_000)))
    book.tick()
    assert bool(orders(book.heard)[before:]) is moves
