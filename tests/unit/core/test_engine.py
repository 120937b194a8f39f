"""The engine whole: start to ACTIVE, dedupe, streams, stop, replay, snapshots in the middle."""

from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

import msgspec
import pytest

from hedgebot.core.engine import TIMER_INTERVAL_NS, Engine
from hedgebot.core.state import decode_state, encode_state, state_digest
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.client_id import ClientId
from hedgebot.domain.commands import (
    CancelOrder,
    Command,
    DecisionCause,
    Mode,
    QueryOrder,
    RecordOperator,
    SetTimer,
    StopNow,
)
from hedgebot.domain.errors import ProgrammingError
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.reports import OrderReport
from strategies.delta_neutral import STRATEGY
from tests.support.playbook import (
    ACCOUNT,
    BTC_CALL,
    BTC_PERP,
    BTC_SPOT,
    BTC_USDC,
    INSTRUMENTS,
    Playbook,
    alerts,
    decisions,
    of_type,
    orders,
    snapshots,
    the_order,
)


@pytest.fixture
def book() -> Playbook:
    playbook = Playbook()
    playbook.ready()
    return playbook


def _fresh() -> Engine:
    return Engine(STRATEGY.build)


def test_nothing_can_happen_before_a_run_starts() -> None:
    with pytest.raises(ProgrammingError, match="RunStarted"):
        _fresh().step(ev.Stamped(seq=1, at_ns=1, event=ev.TimerFired()))


def test_start_becomes_active_only_with_truth_and_a_fresh_market() -> None:
    book = Playbook()
    assert book.mode() is Mode.RECOVERING
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=INSTRUMENTS))
    book.send(ev.ClockMeasured(account=ACCOUNT, offset_ms=0.0, round_trip_ms=1.0))
    assert len(snapshots(book.connect())) == 1
    book.adopt()
    book.tick()
    assert "no fresh book" in book.state.mode_reason
    book.send(book.book())
    book.tick()
    assert book.state.mode is Mode.ACTIVE


def test_fill_decision_names_its_cause_and_price_decision_its_own(book: Playbook) -> None:
    by_fill = book.send(book.fill(Side.BUY, "0.2"))
    assert decisions(by_fill)[0].cause is DecisionCause.FILL
    book.done(the_order(by_fill))
    book.send(book.option())
    book.send(book.fill(Side.BUY, "0.02", BTC_CALL))
    book.send(book.option())
    heard: list[Command] = []
    price = Decimal(100_000)
    while not orders(heard):
        price += 500
        book.send(book.ticker(price))
        heard += book.send(book.book(price))
    assert decisions(heard)[-1].cause is DecisionCause.PRICE


def test_the_same_fill_twice_from_any_source_changes_nothing(book: Playbook) -> None:
    fill = book.fill(Side.BUY, "0.02", trade_id="same")
    book.send(fill)
    digest_positions = dict(book.state.positions)
    assert book.send(fill) == ()
    assert book.state.positions == digest_positions
    assert book.state.totals.fills == 1


def test_the_same_trade_id_in_another_category_is_another_fill(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "0.01", BTC_USDC, trade_id="7"))
    book.send(book.fill(Side.BUY, "0.01", BTC_SPOT, trade_id="7"))
    assert book.state.underlyings["BTC"].linear_coin == Decimal("0.02")


def test_spot_bought_with_its_fee_in_coin_counts_what_arrived(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "0.01", BTC_SPOT, fee="0.00001", fee_coin="BTC"))
    assert book.state.underlyings["BTC"].linear_coin == Decimal("0.00999")


def test_an_option_without_volatility_makes_the_exposure_unknown_and_sends_nothing(book: Playbook) -> None:
    assert orders(book.send(book.fill(Side.BUY, "5", BTC_CALL))) == []
    assert orders(book.send(book.book())) == []
    assert book.state.underlyings["BTC"].option_unknown
    heard = book.send(book.option())
    assert the_order(heard).approved.intent.side is Side.SELL


def test_a_venue_delta_that_disagrees_is_reported(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "0.01", BTC_CALL))
    assert AlertKind.SUSPECT_DATA in alerts(book.send(book.option(delta=-0.53)))
    book.send(book.option(delta=0.534))
    assert not book.state.options[BTC_CALL].suspect


@pytest.mark.parametrize("iv", [None, 0.0, -0.5, float("nan"), float("inf")])
def test_a_volatility_that_is_no_number_is_never_used(book: Playbook, iv: float | None) -> None:
    book.send(book.fill(Side.BUY, "0.01", BTC_CALL))
    book.send(book.option(iv=iv))
    assert BTC_CALL not in book.state.options


def test_large_hedges_are_clipped_and_finished_in_parts(book: Playbook) -> None:
    heard = book.send(book.fill(Side.BUY, "2.5"))
    sizes: list[Decimal] = []
    while orders(heard):
        order = the_order(heard)
        sizes.append(order.approved.intent.qty_contracts)
        heard = book.done(order)
    assert max(sizes) <= 1
    assert book.state.underlyings["BTC"].linear_coin == Decimal("0.038")


def test_adl_of_the_hedge_is_reported_and_counted(book: Playbook) -> None:
    order = the_order(book.send(book.fill(Side.BUY, "0.2")))
    book.done(order)
    adl = book.fill(Side.BUY, "0.1", order.approved.intent.instrument)
    heard = book.send(
        ev.FillReceived(**{name: getattr(adl, name) for name in adl.__struct_fields__} | {"kind": ev.ExecutionKind.ADL})
    )
    assert AlertKind.ADL_OR_LIQUIDATION in alerts(heard)
    assert decisions(heard)[0].delta_coin == pytest.approx(0.138)


def test_a_lost_key_halts(book: Playbook) -> None:
    book.send(ev.AuthenticationFailed(account=ACCOUNT, code="10003", message="API key is invalid"))
    assert book.state.mode is Mode.HALTED


def test_an_overflow_loses_truth_until_the_venue_was_asked(book: Playbook) -> None:
    book.send(ev.InboxOverflowed(kind="FillReceived", dropped=3))
    assert orders(book.send(book.fill(Side.BUY, "0.2"))) == []
    assert len(snapshots(book.tick())) == 1


def test_a_task_that_is_gone_for_good_halts_and_one_that_restarts_does_not(book: Playbook) -> None:
    book.send(ev.TaskFailed(task="feed", error="boom", restarting=True))
    assert book.mode() is Mode.ACTIVE
    book.send(ev.TaskFailed(task="feed", error="boom", restarting=False))
    assert book.state.mode is Mode.HALTED


def test_each_run_sets_the_timer_once() -> None:
    book = Playbook()
    book.ready()
    assert [one.interval_ns for one in of_type(book.heard, SetTimer)] == [TIMER_INTERVAL_NS]
    assert of_type(book.start(epoch=2), SetTimer)


def test_a_switch_survives_a_restart_until_the_configuration_changes(book: Playbook) -> None:
    book.send(ev.StrategySwitched(strategy="delta_neutral", enabled=False, operator="ann", reason="quiet"))
    book.start(epoch=2)
    assert not book.state.settings.strategies[0].enabled
    book.settings = msgspec.structs.replace(book.settings, config_hash="beef")
    book.start(epoch=3)
    assert book.state.settings.strategies[0].enabled


def test_an_order_of_a_lost_tape_is_taken_over_and_looked_up(book: Playbook) -> None:
    order = the_order(book.send(book.fill(Side.BUY, "0.2")))
    fresh = Playbook()
    restored = ev.RestoredOrder(client_id=order.client_id, intent=order.approved.intent, sent_at_ns=book.at_ns)
    started = ev.RunStarted(run_id="r", epoch=2, settings=fresh.settings, version="t", restored=(restored,))
    fresh.send(started)
    assert fresh.state.orders[order.client_id].status is OrderStatus.UNKNOWN
    assert [one.client_id for one in of_type(fresh.tick(), QueryOrder)] == [order.client_id]


def test_the_ambient_decimal_context_changes_nothing(book: Playbook) -> None:
    twin = Playbook()
    twin.ready()
    for number in range(1, 8):
        price = Decimal(100_000) + Decimal(number) / 7
        book.send(book.fill(Side.BUY, "0.003", BTC_USDC, price=price))
        with localcontext(Context(prec=9, rounding=ROUND_HALF_UP)):
            twin.send(twin.fill(Side.BUY, "0.003", BTC_USDC, price=price))
    assert encode_state(twin.state) == encode_state(book.state)


def test_stop_waits_for_what_is_unknown_and_sends_nothing_new(book: Playbook) -> None:
    order = the_order(book.send(book.fill(Side.BUY, "0.2")))
    assert of_type(book.send(ev.StopRequested(reason="SIGTERM")), StopNow) == []
    assert of_type(book.tick(), StopNow) == []
    assert orders(book.send(book.fill(Side.BUY, "3"))) == []
    book.done(order)
    book.snapshot()
    assert of_type(book.tick(), StopNow)
    assert orders(book.send(book.book())) == []


def test_a_clean_stop_takes_a_last_look_and_ends(book: Playbook) -> None:
    heard = book.send(ev.StopRequested(reason="SIGTERM"))
    assert snapshots(heard)
    assert of_type(heard, StopNow) == []
    book.snapshot(complete=False)
    assert of_type(book.tick(), StopNow) == []
    assert snapshots(book.tick(1_100)), "asked again: an answer that is not whole proves nothing"
    book.snapshot()
    assert of_type(book.tick(), StopNow)


def test_orders_of_ours_that_the_journal_does_not_know_are_cancelled_before_the_end(book: Playbook) -> None:
    """Fault P02: they carry our mark, so that they are ours to end, whoever placed them."""
    marks = [ClientId(install=book.state.settings.install, epoch=9, strategy=0, intent=one).encode() for one in (1, 2)]
    planted = tuple(
        OrderReport(
            account=ACCOUNT,
            instrument=BTC_PERP,
            order_id=mark,
            client_id=mark,
            status=OrderStatus.OPEN,
            side=Side.BUY,
            qty_contracts=Decimal(1),
            filled_contracts=Decimal(0),
            limit_price=Decimal(50_000),
            reason="",
            venue_at_ns=book.at_ns,
        )
        for mark in marks
    )
    book.send(ev.StopRequested(reason="SIGTERM"))
    cancelled = of_type(book.snapshot(orders=planted), CancelOrder)
    assert [one.client_id for one in cancelled] == marks
    assert of_type(book.tick(), StopNow) == []
    assert snapshots(book.tick(1_100))
    book.snapshot(orders=planted[:1])
    assert of_type(book.tick(1_100), StopNow) == []
    book.snapshot()
    assert of_type(book.tick(), StopNow)


def test_an_account_that_was_never_worked_with_is_not_waited_for() -> None:
    book = Playbook()
    book.start(1)
    assert of_type(book.send(ev.StopRequested(reason="SIGTERM")), StopNow)


def _busy_day(book: Playbook) -> None:
    book.ready([book.position("0.3", BTC_USDC), book.position("-0.38")], btc="0.1")
    for number in range(60):
        side = Side.BUY if number % 3 else Side.SELL
        heard = list(book.send(book.fill(side, "0.03", BTC_CALL if number % 4 == 0 else BTC_USDC)))
        heard += book.send(book.option(0.5 + number / 1000))
        heard += book.send(book.book(str(100_000 + 37 * number)))
        for order in orders(heard):
            if number % 5 == 0:
                book.send(ev.OrderOutcomeUnknown(account=ACCOUNT, client_id=order.client_id, code="t", message=""))
            book.done(order)
        book.tick(100)


def test_a_replay_gives_the_same_commands_and_the_same_state() -> None:
    book = Playbook()
    _busy_day(book)
    engine = _fresh()
    heard: list[Command] = []
    for stamped in book.log:
        heard += engine.step(stamped)
    assert heard == book.heard
    assert state_digest(engine.state) == state_digest(book.state)
    assert len(orders(heard)) >= 5


def test_a_snapshot_in_the_middle_changes_nothing() -> None:
    book = Playbook()
    _busy_day(book)
    engine = _fresh()
    heard: list[Command] = []
    for number, stamped in enumerate(book.log):
        if number and number % 7 == 0:
            engine = Engine(STRATEGY.build, decode_state(encode_state(engine.state)))
        heard += engine.step(stamped)
    assert heard == book.heard


def test_a_stranger_who_was_refused_is_recorded_and_moves_nothing(book: Playbook) -> None:
    before = decode_state(encode_state(book.state))
    said = book.send(ev.AccessRefused(operator="dashboard", action="POST /api/v1/kill", reason="421: foreign Host"))
    (record,) = of_type(said, RecordOperator)
    assert (record.accepted, record.explanation) == (False, "421: foreign Host")
    assert len(said) == 1
    before.at_ns = book.state.at_ns
    assert encode_state(before) == encode_state(book.state)
