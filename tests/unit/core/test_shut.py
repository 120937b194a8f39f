"""A hedge market that takes no orders: nothing more is sent there, the others hedge on, and it comes back by itself."""

import msgspec
import pytest

from hedgebot.core import hedges, shut
from hedgebot.core.shut_state import ShutMarket
from hedgebot.core.why_not import why_not
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import (
    Command,
    Outcome,
    RaiseAlert,
    RecordDecision,
    RecordRefusal,
    ResolveAlert,
    SubmitOrder,
    WatchInstruments,
)
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.settings import EngineSettings, HedgeLeg, HedgeRole
from hedgebot.domain.venue_events import MarketsRead
from tests.support.playbook import ACCOUNT, BTC_PERP, BTC_SPOT, BTC_USDC, Playbook, instrument, of_type, orders
from tests.support.switches import HOUR_MS, market, ready, switchable

MINUTE_MS = 60_000
CLOSED = {BTC_PERP: "Closed"}
STATUS = f"{BTC_PERP} status"


def read(book: Playbook, told: dict[InstrumentId, str] | None = None, trading: tuple[InstrumentId, ...] = ()) -> None:
    book.send(MarketsRead(venue="bybit", trading=trading, shut=told or {}))


def refuse(book: Playbook, order: SubmitOrder, code: str = "110074") -> tuple[Command, ...]:
    """The venue says that this market takes no orders now."""
    return book.send(
        ev.OrderRejected(
            account=ACCOUNT,
            client_id=order.client_id,
            code=code,
            message="not live",
            passing=True,
            of_market=code == "110074",
        )
    )


def play(book: Playbook, minutes: float, *, dead: InstrumentId = BTC_PERP, flow: str = "0.1") -> list[SubmitOrder]:
    """The book's owner buys coins every few seconds; orders on the dead market are refused, others are filled."""
    sent: list[SubmitOrder] = []
    for second in range(0, round(minutes * 60), 4):
        seen = len(book.heard)
        if second % 12 == 0:
            book.send(book.fill(Side.BUY if second % 24 == 0 else Side.SELL, flow, BTC_SPOT))
        market(book, after_ms=4_000.0)
        while found := orders(book.heard[seen:]):
            seen = len(book.heard)
            for order in found:
                sent.append(order)
                if order.approved.intent.instrument == dead:
                    refuse(book, order)
                else:
                    book.done(order)
    return sent


def on(sent: list[SubmitOrder], name: InstrumentId) -> int:
    return sum(one.approved.intent.instrument == name for one in sent)


def told(book: Playbook) -> list[RaiseAlert]:
    return [one for one in of_type(book.heard, RaiseAlert) if one.kind is AlertKind.ORDER_REJECTED]


def over(book: Playbook) -> list[ResolveAlert]:
    return [one for one in of_type(book.heard, ResolveAlert) if one.kind is AlertKind.ORDER_REJECTED]


def buys_and_sells() -> EngineSettings:
    """Long hedges in the perpetual, short ones in the other."""
    made = switchable(funding_action="no_risk")
    legs = (HedgeLeg(instrument=BTC_PERP, role=HedgeRole.BUY), HedgeLeg(instrument=BTC_USDC, role=HedgeRole.SELL))
    btc = msgspec.structs.replace(made.underlyings[0], other_hedges=legs[1:], opposed_coin_max=9.0)
    return msgspec.structs.replace(made, underlyings=(btc,))


def test_a_market_that_refuses_is_left_after_three_orders_and_the_other_hedges_on() -> None:
    book = ready(switchable())
    sent = play(book, 60.0)
    # Three, then one after 1, 2, 4, 8, 16 minutes and again 16: an hour has room for no more.
    assert on(sent, BTC_PERP) <= 3 + 6
    assert on(sent, BTC_USDC) > 100
    assert [one.subject for one in told(book)] == ["BTC"]
    assert over(book) == []


def test_a_status_that_is_not_trading_is_believed_without_an_order() -> None:
    book = ready(switchable())
    read(book, CLOSED)
    sent = play(book, 30.0)
    assert on(sent, BTC_PERP) == 0
    assert on(sent, BTC_USDC) > 50
    (alert,) = told(book)
    assert alert.subject == STATUS
    assert "bybit:linear:BTCUSDT takes no orders: its venue says Closed" in alert.summary


def test_it_is_hedged_there_again_as_soon_as_the_venue_trades_it() -> None:
    book = ready(switchable())
    read(book, CLOSED)
    play(book, 2.0)
    read(book, trading=(BTC_PERP,))
    assert on(play(book, 1.0, dead=BTC_USDC), BTC_PERP) > 0
    play(book, 11.0)
    assert len(over(book)) == 1


def test_refusals_before_the_status_are_told_once_with_it() -> None:
    book = ready(switchable())
    play(book, 0.5)
    read(book, CLOSED)
    read(book, CLOSED)
    play(book, 5.0)
    assert [one.subject for one in told(book)] == ["BTC", STATUS]
    assert [one.subject for one in over(book)] == ["BTC"]  # the other hedges on
    read(book, trading=(BTC_PERP,))
    assert book.state.shut == {}
    play(book, 11.0)
    assert [one.subject for one in over(book)] == ["BTC", STATUS]


def test_an_order_that_is_taken_there_ends_it() -> None:
    book = ready(switchable())
    play(book, 3.0)
    assert shut.is_avoided(book.state, BTC_PERP, book.at_ns)
    sent = play(book, 3.0, dead=BTC_SPOT)
    assert on(sent, BTC_PERP) > 0
    assert BTC_PERP not in book.state.shut
    assert len(over(book)) == 1


def test_with_one_hedge_nothing_is_sent_while_it_does_not_trade_and_nobody_is_latched_off() -> None:
    book = ready(switchable(0, funding_action="no_risk"))
    read(book, CLOSED)
    assert on(play(book, 10.0, flow="0.3"), BTC_PERP) == 0
    assert not book.state.tripped
    refused = of_type(book.heard, RecordRefusal)
    assert {one.refused.check.rule for one in refused} == {"market_status"}
    book.send(book.fill(Side.BUY, "0.5", BTC_SPOT))
    market(book)
    words = why_not(book.state, book.settings.underlyings[0], book.at_ns)
    assert words == "bybit:linear:BTCUSDT is not traded now: its venue says Closed"
    read(book, trading=(BTC_PERP,))
    market(book)
    assert orders(book.heard)[-1].approved.intent.instrument == BTC_PERP


def test_with_one_hedge_that_refuses_it_is_tried_every_half_minute() -> None:
    """There is nowhere else to go, and nothing says when the venue trades it again."""
    book = ready(switchable(0, funding_action="no_risk"))
    sent = play(book, 10.0, flow="0.3")
    assert 10 <= on(sent, BTC_PERP) <= 8 + 20
    assert len(told(book)) == 1


def test_fills_in_the_one_for_sells_do_not_hasten_the_one_for_buys() -> None:
    made = buys_and_sells()
    assert made.underlyings[0].opened_with(Side.BUY) == BTC_PERP
    book = ready(made)
    sent = play(book, 30.0, dead=BTC_PERP)
    buys = [one for one in sent if one.approved.intent.instrument == BTC_PERP]
    assert len(buys) <= 8 + 60
    assert len(told(book)) <= 1


def test_an_order_that_is_not_tried_yet_is_recorded_with_its_reason() -> None:
    """Fills in the one for sells have ended the pause of the underlying, not that of the market for buys."""
    book = ready(buys_and_sells())
    book.state.shut[BTC_PERP] = ShutMarket(refused=9, refused_at_ns=book.at_ns)
    assert orders(book.send(book.fill(Side.SELL, "0.4", BTC_SPOT))) == []
    last = of_type(book.heard, RecordDecision)[-1]
    assert last.outcome is Outcome.REFUSED
    assert last.explanation == "bybit:linear:BTCUSDT refused the last 9 orders: the next is sent 32 s after that"
    assert why_not(book.state, book.settings.underlyings[0], book.at_ns) == last.explanation
    said = len(of_type(book.heard, RecordDecision))
    for _ in range(4):
        market(book)
    assert len(of_type(book.heard, RecordDecision)) == said, "once in half a minute"
    market(book, after_ms=32_000.0)
    assert orders(book.heard)[-1].approved.intent.instrument == BTC_PERP


def test_an_operator_who_lets_a_strategy_trade_again_waits_for_no_old_refusal() -> None:
    book = refused_alone(4)
    book.state.shut[BTC_USDC] = ShutMarket(status="Closed")
    book.state.tripped["delta_neutral"] = "4 orders were refused"
    assert BTC_PERP in book.state.shut
    book.send(ev.StrategySwitched(strategy="delta_neutral", enabled=True, operator="ann", reason="seen"))
    assert list(book.state.shut) == [BTC_USDC]


def test_a_move_neither_leaves_nor_enters_a_market_that_does_not_trade() -> None:
    book = ready(switchable(), perp="-0.3")
    read(book, CLOSED)
    for _ in range(20):
        market(book, perp_rate=-0.0008, usdc_rate=0.0001, after_ms=3_000.0)
    assert orders(book.heard) == []
    assert of_type(book.heard, RecordRefusal) == []
    read(book, trading=(BTC_PERP,))
    market(book, perp_rate=-0.0008, usdc_rate=0.0001, after_ms=3_000.0)
    assert orders(book.heard)[-1].approved.intent.instrument == BTC_PERP


def test_what_is_held_there_and_refuses_is_not_moved_every_minute() -> None:
    book = ready(switchable(), perp="-0.3")
    for _ in range(1_200):
        seen = len(orders(book.heard))
        market(book, perp_rate=-0.0008, usdc_rate=0.0001, after_ms=3_000.0)
        for order in orders(book.heard)[seen:]:
            if order.approved.intent.instrument == BTC_PERP:
                refuse(book, order)
            else:
                book.done(order)
    assert 3 <= on(orders(book.heard), BTC_PERP) <= 3 + 6


def test_a_refusal_that_is_not_of_the_market_says_nothing_of_it() -> None:
    """It never reached the venue, or our clock or our funds were refused."""
    book = ready(switchable())
    for code in ("local:deadline", "not_sent", "10002", "110007") * 3:
        book.send(book.fill(Side.BUY, "0.1", BTC_SPOT))
        market(book, after_ms=40_000.0)
        order = orders(book.heard)[-1]
        assert order.approved.intent.instrument == BTC_PERP
        refuse(book, order, code)
    assert book.state.shut == {}


def test_a_restart_keeps_it_and_tells_it_again_until_the_venue_says_otherwise() -> None:
    book = ready(switchable())
    read(book, CLOSED)
    before = len(told(book))
    book.start(epoch=2)
    assert not hedges.is_open(book.state, book.settings.underlyings[0], BTC_PERP, book.at_ns)
    assert len(told(book)) == before + 1  # the new process has told nobody yet
    read(book, trading=(BTC_PERP,))
    assert book.state.shut == {}


def test_what_nobody_tries_any_more_is_forgotten() -> None:
    book = ready(switchable())
    play(book, 0.5)
    assert BTC_PERP in book.state.shut
    market(book, after_ms=2 * HOUR_MS)
    assert BTC_PERP not in book.state.shut
    assert len(over(book)) == 1


def test_what_hedges_nothing_is_not_kept() -> None:
    book = ready(switchable())
    read(book, {BTC_SPOT: "Closed"})
    assert book.state.shut == {}
    assert told(book) == []


@pytest.mark.parametrize("status", [OrderStatus.CANCELLED, OrderStatus.EXPIRED])
def test_an_order_that_missed_was_taken(status: OrderStatus) -> None:
    book = ready(switchable())
    for number in range(2):
        book.send(book.fill(Side.BUY, "0.1", BTC_SPOT))
        market(book, after_ms=2_000.0)
        order = orders(book.heard)[-1]
        if number == 0:
            refuse(book, order)
            assert book.state.shut[BTC_PERP].refused == 1
        else:
            book.send(ev.OrderUpdated(report=book.report(order, status)))
    assert book.state.shut == {}


# --- who is told, and for how long


def test_what_the_venue_says_of_an_alternative_that_is_not_in_use_alerts_nobody_and_hides_nothing() -> None:
    book = ready(switchable())
    read(book, {BTC_USDC: "Closed"})
    market(book, after_ms=MINUTE_MS)
    assert told(book) == []
    sent = play(book, 3.0)
    assert on(sent, BTC_USDC) == 0
    assert [one.subject for one in told(book)] == ["BTC"]


def test_a_contract_that_has_come_to_its_end_is_told_by_that_alone() -> None:
    """After a restart the venue does not list it any more, for days."""
    book = ready(switchable())
    ended = instrument(BTC_PERP, expiry_ns=book.at_ns - 1)
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(ended,)))
    read(book, {BTC_PERP: "not listed"})
    market(book, after_ms=MINUTE_MS)
    assert told(book) == []


def test_the_alert_of_a_market_that_left_the_configuration_ends() -> None:
    book = ready(switchable())
    read(book, CLOSED)
    assert [one.subject for one in told(book)] == [STATUS]
    btc = msgspec.structs.replace(
        book.settings.underlyings[0], hedge_instrument=BTC_USDC, other_hedges=(), funding_action="no_risk"
    )
    book.settings = msgspec.structs.replace(book.settings, config_hash="beef", underlyings=(btc,))
    book.start(epoch=2)
    for _ in range(2):
        book.tick(after_ms=MINUTE_MS)
    assert [one.subject for one in over(book)] == [STATUS]


def refused_alone(orders_refused: int) -> Playbook:
    """One hedge, so many orders refused; then the client reverses and nothing is wanted any more."""
    book = ready(switchable(0, funding_action="no_risk"))
    book.send(book.fill(Side.BUY, "0.2", BTC_SPOT))
    for _ in range(orders_refused):
        market(book, after_ms=40_000.0)
        refuse(book, orders(book.heard)[-1])
    return book


def quiet(book: Playbook, minutes: int) -> None:
    for _ in range(minutes):
        market(book, after_ms=MINUTE_MS)


def test_one_refusal_before_a_status_does_not_outlive_it() -> None:
    book = refused_alone(1)
    read(book, CLOSED)
    book.send(book.fill(Side.SELL, "0.2", BTC_SPOT))
    quiet(book, 2)
    read(book, trading=(BTC_PERP,))
    assert book.state.underlyings["BTC"].rejects == 0
    quiet(book, 2)
    assert [one.subject for one in over(book)] == [STATUS]
    assert not book.state.alerts


def test_a_row_of_refusals_ends_when_nobody_wants_to_trade_for_an_hour() -> None:
    book = refused_alone(4)
    assert [one.subject for one in told(book)] == ["BTC"]
    book.send(book.fill(Side.SELL, "0.2", BTC_SPOT))
    quiet(book, 55)
    assert over(book) == []
    assert book.state.underlyings["BTC"].rejects == 4
    quiet(book, 7)
    assert [one.subject for one in over(book)] == ["BTC"]
    one = book.state.underlyings["BTC"]
    assert (one.rejects, one.refusals, book.state.shut) == (0, 0, {})
    # And the next row is told anew.
    book.send(book.fill(Side.BUY, "0.2", BTC_SPOT))
    for _ in range(3):
        market(book, after_ms=40_000.0)
        refuse(book, orders(book.heard)[-1])
    assert [one.subject for one in told(book)] == ["BTC", "BTC"]


def test_a_restart_ends_no_row() -> None:
    book = refused_alone(4)
    book.start(epoch=2)
    book.tick(after_ms=MINUTE_MS)
    assert book.state.underlyings["BTC"].rejects == 4


def test_the_market_of_a_hedge_that_is_configured_anew_is_asked_for_again() -> None:
    """It was watched for a position, and its venue's word was nobody's business then."""
    made = switchable()
    alone = msgspec.structs.replace(made.underlyings[0], other_hedges=(), funding_action="no_risk")
    book = ready(msgspec.structs.replace(made, underlyings=(alone,)), usdc="-0.3")
    assert BTC_USDC in book.state.watched
    read(book, {BTC_USDC: "Closed"})
    assert book.state.shut == {}
    book.send(ev.ConfigApplied(operator="ann", reason="r", settings=made, changes=("hedge_alternatives",)))
    heard = [*book.snapshot([book.position("-0.3", BTC_USDC)], btc="0.3")]
    assert [one.instruments for one in of_type(heard, WatchInstruments)] == [(BTC_USDC,)]
