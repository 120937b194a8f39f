"""The breakers: wrong-way fills halt, too much hedging stops, repeats and refusals latch a strategy off."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import breakers, ledger
from hedgebot.core.breakers import HALF_LIFE_NS, INEFFECTIVE_WINDOW_NS
from hedgebot.core.state import decode_state, encode_state
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Mode, RecordOperator, RecordRefusal, SubmitOrder
from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.settings import DeltaConvention, HedgeLeg, HedgeRole
from tests.support.playbook import (
    ACCOUNT,
    BTC_CALL,
    BTC_INVERSE,
    BTC_PERP,
    BTC_USDC,
    MS,
    Playbook,
    alerts,
    instrument,
    of_type,
    orders,
    settings,
    the_order,
)
from tests.support.stories import next_order

SELL_0162 = "0.162"
"""What a client's buy of 0.2 makes the book sell: from 0.2 to three quarters of its band of 0.05, in lots of 0.001."""


@pytest.fixture
def book() -> Playbook:
    playbook = Playbook()
    playbook.ready()
    return playbook


def breach(book: Playbook, side: Side = Side.BUY, qty: str = "0.2") -> SubmitOrder:
    return the_order(book.send(book.fill(side, qty)))


def wrong_way(book: Playbook, order: SubmitOrder, qty: str) -> None:
    """A build whose hedges go the wrong way: the venue executes the opposite side under our client id."""
    intent = order.approved.intent
    book.send(book.fill(intent.side.opposite, qty, intent.instrument, client_id=order.client_id))
    book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.FILLED, str(intent.qty_contracts))))


def next_breach(book: Playbook) -> SubmitOrder:
    """Another trade of the client's, a second later."""
    book.at_ns += 1_000_000_000
    book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
    book.send(book.ticker())
    book.send(book.book())
    return breach(book)


def reject(book: Playbook, order: SubmitOrder, *, passing: bool = False) -> None:
    refused = ev.OrderRejected(
        account=ACCOUNT, client_id=order.client_id, code="110007", message="no funds", passing=passing
    )
    book.send(refused)


def test_two_wrong_way_fills_halt(book: Playbook) -> None:
    first = breach(book)
    wrong_way(book, first, SELL_0162)
    assert AlertKind.HEDGE_INEFFECTIVE in alerts(book.heard)
    assert book.mode() is Mode.ACTIVE, "one fill may be an accident"
    second = orders(book.heard)[-1]
    assert second.client_id != first.client_id
    wrong_way(book, second, str(second.approved.intent.qty_contracts))
    assert book.mode() is Mode.HALTED
    assert book.state.latched
    assert "did not hedge" in book.state.mode_reason
    assert len(orders(book.heard)) == 2


def test_a_hundredfold_fill_is_wrong_whichever_way_it_goes(book: Playbook) -> None:
    """The contract's multiplier was misread: the first fill carries the delta far beyond the other side."""
    order = breach(book)
    book.send(book.fill(Side.SELL, "16.2", BTC_PERP, client_id=order.client_id))
    assert book.mode() is Mode.HALTED, "more was filled than was sent"
    assert AlertKind.HEDGE_INEFFECTIVE in alerts(book.heard)


def test_a_fill_that_moves_nothing_counts(book: Playbook) -> None:
    order = breach(book)
    # The client's opposite trade at the same moment is its own event: the fill of ours is judged alone.
    book.send(book.fill(Side.SELL, "0.2"))
    book.done(order)
    assert not book.is_up(AlertKind.HEDGE_INEFFECTIVE), "it did what it was meant to do when it was decided"
    assert book.state.underlyings["BTC"].efficacy.bad_fills_ns == []


def test_an_order_after_one_that_led_away_is_no_clip_of_a_large_hedge(book: Playbook) -> None:
    """The throttle counts it: only what a clip leaves nearer to its target goes on."""
    order = breach(book)
    wrong_way(book, order, SELL_0162)
    state = book.state
    again = msgspec.structs.replace(order.approved.intent, side=Side.SELL)
    left = state.underlyings["BTC"].efficacy.left_coin
    state.underlyings["BTC"].efficacy.newest_order = order.client_id
    assert left is not None
    assert not breakers.goes_on(state, again, left)


def test_a_good_fill_ends_the_alert_and_excuses_nothing(book: Playbook) -> None:
    """Wrong, right, wrong: a build that hedges the wrong way every other time stops after two wrong fills as well."""
    wrong_way(book, breach(book), SELL_0162)
    book.done(orders(book.heard)[-1])
    assert not book.is_up(AlertKind.HEDGE_INEFFECTIVE)
    assert book.mode() is Mode.ACTIVE
    later = next_breach(book)
    wrong_way(book, later, str(later.approved.intent.qty_contracts))
    assert book.mode() is Mode.HALTED
    assert "2 fills within 60 minutes did not hedge" in book.state.mode_reason


def test_a_bad_fill_of_yesterday_is_no_second_one(book: Playbook) -> None:
    efficacy = book.state.underlyings["BTC"].efficacy
    efficacy.bad_fills_ns = [book.at_ns - INEFFECTIVE_WINDOW_NS - 1]
    wrong_way(book, breach(book), SELL_0162)
    assert book.mode() is Mode.ACTIVE
    assert len(efficacy.bad_fills_ns) == 1


def test_an_unkill_forgets_the_fills_that_halted(book: Playbook) -> None:
    first = breach(book)
    wrong_way(book, first, SELL_0162)
    second = orders(book.heard)[-1]
    wrong_way(book, second, str(second.approved.intent.qty_contracts))
    assert book.mode() is Mode.HALTED
    held = [book.position(str(one.contracts), one.instrument) for one in book.state.positions.values()]
    book.snapshot(held)
    (word,) = of_type(book.unkill(), RecordOperator)
    assert word.accepted, word.explanation
    efficacy = book.state.underlyings["BTC"].efficacy
    assert (efficacy.bad_fills_ns, efficacy.astray_lots) == ([], 0.0)


def test_the_market_does_not_count(book: Playbook) -> None:
    order = breach(book)
    book.send(book.book(Decimal(92_000)))
    book.done(order)
    assert book.state.underlyings["BTC"].efficacy.bad_fills_ns == []


def test_hedging_never_outruns_the_drift(book: Playbook) -> None:
    """A client trades to and fro: every hedge is allowed, for each undoes a drift."""
    efficacy = book.state.underlyings["BTC"].efficacy
    for number in range(25):
        book.done(breach(book, Side.BUY if number % 2 == 0 else Side.SELL))
        book.at_ns += 2_000_000_000
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
        book.send(book.ticker())
        book.send(book.book())
    assert efficacy.hedged_coin <= efficacy.drift_coin


def test_more_hedging_than_drift_is_refused_and_told(book: Playbook) -> None:
    efficacy = book.state.underlyings["BTC"].efficacy
    efficacy.hedged_coin, efficacy.decayed_at_ns, efficacy.left_coin = 10.0, book.at_ns, 0.2
    heard = book.send(book.fill(Side.BUY, "0.2"))
    assert not orders(heard)
    (refusal,) = of_type(heard, RecordRefusal)
    assert refusal.refused.check.rule == "hedge_volume_coin"
    assert AlertKind.HEDGE_INEFFECTIVE in alerts(heard)
    efficacy.decayed_at_ns -= 5 * HALF_LIFE_NS
    assert next_order(book) is not None, "the sums halve: it is a brake, no latch"
    assert not book.is_up(AlertKind.HEDGE_INEFFECTIVE)


def test_the_same_again_while_nothing_moved_is_refused(book: Playbook) -> None:
    """A ledger that a fill does not move (the peers' frozen feed): 10 sells of 1 for an exposure of 1 there."""
    order = breach(book)
    book.done(order)
    record = book.state.orders[order.client_id]
    record.moved_coin, book.state.underlyings["BTC"].linear_coin = 0.0, Decimal(repr(record.delta_before_coin))
    heard = book.send(book.book())
    assert not orders(heard)
    (refusal,) = of_type(heard, RecordRefusal)
    assert (refusal.refused.check.rule, refusal.refused.check.value) == ("duplicate_of", order.client_id)


def test_too_many_orders_on_one_side_latch_the_strategy_off() -> None:
    book = Playbook(settings(repeat_orders_max=3, order_burst_max=100))
    book.ready()
    for _ in range(4):
        book.done(breach(book))
    assert "delta_neutral" in book.state.tripped
    assert "4 sell orders" in book.state.tripped["delta_neutral"]
    assert book.is_up(AlertKind.ORDER_REJECTED)
    assert not orders(book.send(book.fill(Side.BUY, "0.2")))


def test_a_latched_strategy_stays_off_over_a_restart_until_somebody_enables_it() -> None:
    book = Playbook(settings(repeat_orders_max=2, order_burst_max=100))
    book.ready()
    for _ in range(3):
        book.done(breach(book))
    assert decode_state(encode_state(book.state)).tripped == book.state.tripped
    book.start(epoch=2)
    held = [book.position(str(one.contracts), one.instrument) for one in book.state.positions.values()]
    book.ready(held)
    assert not orders(book.send(book.fill(Side.BUY, "0.5")))
    heard = book.send(ev.StrategySwitched(strategy="delta_neutral", enabled=True, operator="ann", reason="looked"))
    assert of_type(heard, RecordOperator)[0].accepted
    assert not book.state.tripped
    assert not book.is_up(AlertKind.ORDER_REJECTED)
    assert orders(heard)


def test_a_restored_order_is_not_judged(book: Playbook) -> None:
    """What the journal alone knows has no decision to be held against."""
    order = breach(book)
    record = book.state.orders[order.client_id]
    record.arrival_mid = 0.0
    wrong_way(book, order, SELL_0162)
    assert not book.is_up(AlertKind.HEDGE_INEFFECTIVE)


def test_profit_that_an_inverse_hedge_realises_is_no_fault_of_the_fill() -> None:
    """A short of coins entered at twice the price: each part that is closed pays half of its coins into the wallet."""
    whole = settings()
    (btc,) = whole.underlyings
    book = Playbook(
        msgspec.structs.replace(
            whole,
            underlyings=(
                msgspec.structs.replace(
                    btc, hedge_instrument=BTC_INVERSE, delta_convention=DeltaConvention.USD_NEUTRAL
                ),
            ),
        )
    )
    short = msgspec.structs.replace(book.position("-100000", BTC_INVERSE), entry_price=Decimal(200_000))
    for _ in range(2):
        book.send(book.ticker(name=BTC_INVERSE))
        book.send(book.book(name=BTC_INVERSE))
        book.ready([short])
    order = orders(book.heard)[-1]
    for part in ("40", "40", "20"):
        book.send(book.fill(Side.BUY, part, BTC_INVERSE, client_id=order.client_id))
    assert order.approved.intent.qty_contracts == 100
    assert book.state.orders[order.client_id].moved_coin == pytest.approx(0.001)
    # The profit that it realised was in the exposure before.
    assert float(book.state.underlyings["BTC"].linear_coin) == pytest.approx(-0.5 + 0.001)
    assert book.state.underlyings["BTC"].efficacy.bad_fills_ns == []
    assert book.mode() is Mode.ACTIVE


def test_fills_of_one_lot_that_move_nothing_count(book: Playbook, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that does not follow: small fills must not hide it."""
    order = breach(book)
    book.send(book.fill(Side.SELL, "0.001", BTC_PERP, client_id=order.client_id))
    assert book.state.underlyings["BTC"].efficacy.bad_fills_ns == []
    monkeypatch.setattr(ledger, "_move_exposure", lambda *_: None)
    book.send(book.fill(Side.SELL, "0.001", BTC_PERP, client_id=order.client_id))
    assert book.mode() is Mode.ACTIVE
    book.send(book.fill(Side.SELL, "0.001", BTC_PERP, client_id=order.client_id))
    assert book.mode() is Mode.HALTED


def test_unkill_names_what_stays_latched_off() -> None:
    book = Playbook(settings(repeat_orders_max=2, order_burst_max=100))
    book.ready()
    for _ in range(3):
        book.done(breach(book))
    held = [book.position(str(one.contracts), one.instrument) for one in book.state.positions.values()]
    book.send(ev.OperatorKilled(operator="ann", reason="look"))
    book.snapshot(held)
    (word,) = of_type(book.unkill(), RecordOperator)
    assert word.accepted, word.explanation
    assert "delta_neutral is still latched off" in word.explanation


def test_a_fill_that_is_found_after_a_restart_is_our_hedging_and_no_drift(book: Playbook) -> None:
    """It comes before the first price of the run: it cannot be judged, but it is not the market's doing."""
    order = breach(book)
    book.start(epoch=2)
    book.send(book.fill(Side.SELL, SELL_0162, BTC_PERP, client_id=order.client_id))
    efficacy = book.state.underlyings["BTC"].efficacy
    assert efficacy.hedged_coin == pytest.approx(0.162)
    assert efficacy.left_coin == pytest.approx(0.038)
    assert efficacy.bad_fills_ns == []


def test_a_fill_of_a_dated_future_is_measured_without_what_options_moved_since_they_were_marked() -> None:
    """Found by the fault world: a small hedge in a future, a new volatility just before its fill, twice: halted."""
    made = settings(order_burst_max=100)
    other = HedgeLeg(instrument=BTC_USDC, role=HedgeRole.BUY)
    btc = msgspec.structs.replace(made.underlyings[0], other_hedges=(other,))
    book = Playbook(msgspec.structs.replace(made, underlyings=(btc,)))
    book.ready()
    expiry_ns = book.at_ns + 30 * 86_400_000 * MS
    book.state.instruments[BTC_USDC] = instrument(BTC_USDC, InstrumentKind.LINEAR_FUTURE, expiry_ns=expiry_ns)
    book.send(book.book(name=BTC_USDC))
    book.send(book.ticker(name=BTC_USDC))
    book.send(book.option())
    book.tick()
    order = the_order(book.send(book.fill(Side.SELL, "1", BTC_CALL)))
    assert order.approved.intent.instrument == BTC_USDC
    book.send(book.option(iv=2.0))  # the call's delta is larger by now
    book.done(order)
    assert book.state.orders[order.client_id].moved_coin == pytest.approx(order.approved.intent.delta_effect_coin)
    assert book.state.underlyings["BTC"].efficacy.bad_fills_ns == []
