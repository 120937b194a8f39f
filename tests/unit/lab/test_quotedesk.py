"""The desk fills at the quote, pays and is paid, and its money adds up."""

from decimal import Decimal

import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.commands import QueryOrder, RequestSnapshot, SubmitOrder
from hedgebot.domain.durations import NS_PER_HOUR
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderStatus
from hedgebot.lab.quotedesk import Opening, QuoteDesk
from tests.support.playbook import ACCOUNT, BTC_INVERSE, BTC_PERP, BTC_USDC, INSTRUMENTS, START_NS, Playbook, the_order

BID, ASK = Decimal(99_999), Decimal(100_001)


def desk(**contracts: str) -> QuoteDesk:
    names = {"perp": BTC_PERP, "inverse": BTC_INVERSE}
    held = {names[name]: Decimal(one) for name, one in contracts.items()}
    found = QuoteDesk(Opening(account=ACCOUNT, venue="bybit", instruments=INSTRUMENTS, hedge=BTC_PERP, contracts=held))
    found.show(BID, ASK, START_NS)
    return found


def order(side: Side) -> SubmitOrder:
    """A hedge that the engine sent."""
    play = Playbook()
    play.ready()
    return the_order(play.send(play.fill(side.opposite, "0.2", BTC_USDC)))


def test_a_buy_is_filled_at_the_ask_and_costs_its_fee() -> None:
    one, sent = desk(), order(Side.BUY)
    accepted, fill, updated = one.answer(sent, START_NS + 1)
    assert isinstance(accepted, ev.OrderAccepted)
    assert isinstance(fill, ev.FillReceived)
    assert isinstance(updated, ev.OrderUpdated)
    qty = sent.approved.intent.qty_contracts
    assert (fill.price, fill.qty_contracts) == (ASK, qty)
    assert fill.fee == qty * ASK * Decimal("0.00055")
    assert updated.report.status is OrderStatus.FILLED
    assert one.equity_usd() == 1_000_000 - fill.fee - qty * (ASK - (BID + ASK) / 2)


def test_an_order_that_the_quote_is_beyond_expires() -> None:
    one, sent = desk(), order(Side.SELL)
    one.show(BID - 5_000, ASK - 5_000, START_NS + 1)
    accepted, updated = one.answer(sent, START_NS + 1)
    assert isinstance(accepted, ev.OrderAccepted)
    assert isinstance(updated, ev.OrderUpdated)
    assert updated.report.status is OrderStatus.EXPIRED
    assert one.fills == 0


def test_equity_follows_what_was_held_at_the_opening() -> None:
    one = desk(perp="-1", inverse="100000")
    assert one.equity_usd() == 1_000_000
    one.show(BID + 10_000, ASK + 10_000, START_NS + 1)
    # The short perpetual lost 10,000 USD; the inverse gained 1/11 of a coin at 110,000.
    assert float(one.equity_usd()) == pytest.approx(1_000_000 - 10_000 + 10_000)


def test_funding_is_paid_at_the_venues_hours_once() -> None:
    one = desk(perp="-1")
    due_ns = (START_NS // NS_PER_HOUR // 8 + 1) * 8 * NS_PER_HOUR
    assert not [e for e in one.care(due_ns - 1) if isinstance(e, ev.FundingPaid)]
    paid = [e for e in one.care(due_ns) if isinstance(e, ev.FundingPaid)]
    assert [e.cost for e in paid] == [Decimal(-100_000) * Decimal("0.0001")]
    assert not [e for e in one.care(due_ns + 1) if isinstance(e, ev.FundingPaid)]
    assert one.equity_usd() == 1_000_010


def test_a_snapshot_lists_all_that_is_held() -> None:
    one = desk(perp="-1", inverse="100000")
    asked = RequestSnapshot(account=ACCOUNT, request=3, executions_since_ns=0, reason="scheduled")
    (found,) = one.answer(asked, START_NS + 5)
    assert isinstance(found, ev.SnapshotTaken)
    assert {p.instrument: p.contracts for p in found.positions} == {BTC_PERP: -1, BTC_INVERSE: 100_000}
    assert found.wallet is not None
    assert found.wallet.equity_usd == 1_000_000
    assert found.wallet.maintenance_margin_usd == 1_000


def test_nothing_is_ever_looked_up_where_orders_end_at_once() -> None:
    with pytest.raises(AssertionError, match="has ended at once"):
        list(desk().answer(QueryOrder(account=ACCOUNT, instrument=BTC_PERP, client_id="x"), START_NS))


def test_the_clock_is_measured_before_its_offset_grows_old() -> None:
    one, clocks = desk(), []
    told = list(one.opened(START_NS))
    for number in range(1, 121):
        told += one.care(START_NS + number * 5_000_000_000)
    clocks = [event for event in told if isinstance(event, ev.ClockMeasured)]
    assert len(clocks) == 1 + 600 // 240


def wallet(one: QuoteDesk) -> tuple[Decimal, Decimal]:
    """What the wallet holds, and the average price of the hedge."""
    (told,) = one.answer(
        RequestSnapshot(account=ACCOUNT, request=1, executions_since_ns=0, reason="test"), START_NS + 9
    )
    assert isinstance(told, ev.SnapshotTaken)
    assert told.wallet is not None
    (entry,) = [one.entry_price for one in told.positions if one.instrument == BTC_PERP]
    assert entry is not None
    return told.wallet.balances["USDT"], entry


def test_the_wallet_holds_what_was_realised() -> None:
    """What a contract is worth is no cash: a daemon that compares its bookings with the wallet must find them equal."""
    one, buys, sells = desk(), order(Side.BUY), order(Side.SELL)
    qty = buys.approved.intent.qty_contracts
    list(one.answer(buys, START_NS + 1))
    assert wallet(one) == (1_000_000 - one.fees, ASK)
    list(one.answer(buys, START_NS + 2))
    list(one.answer(sells, START_NS + 3))
    assert wallet(one) == (1_000_000 - one.fees - qty * (ASK - BID), ASK)
    # The second of these closes the rest and turns nothing round; the third opens the other side.
    list(one.answer(sells, START_NS + 4))
    list(one.answer(sells, START_NS + 5))
    assert wallet(one) == (1_000_000 - one.fees - 2 * qty * (ASK - BID), BID)
    assert one.equity_usd() == wallet(one)[0] + -qty * ((BID + ASK) / 2 - BID)
