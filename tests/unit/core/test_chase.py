"""The windows of followed prices, over two hedges: what counts is a price that moves, whatever the main one says."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core.state import ChaseStart
from hedgebot.domain.commands import Command, RecordDecision
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.settings import HedgeLeg, HedgeRole
from tests.support.playbook import BTC_PERP, BTC_SPOT, BTC_USDC, Playbook, of_type, orders, settings, the_order

OLD_MS = 600


def book_of() -> Playbook:
    """Longs are opened in the USDC perpetual; orders may follow a price by 100 bps, and half a second is old."""
    changes: dict[str, float] = {"book_age_ms_max": 500, "chase_bps_max": 100.0, "chase_window_ms": 2_000}
    made = settings(order_burst_max=100, hedge_volume_ratio_max=100.0, **changes)
    other = HedgeLeg(instrument=BTC_USDC, role=HedgeRole.BUY)
    btc = msgspec.structs.replace(made.underlyings[0], other_hedges=(other,))
    book = Playbook(msgspec.structs.replace(made, underlyings=(btc,)))
    book.ready(btc="0")
    moved(book, "100000")
    book.tick()
    return book


def moved(book: Playbook, price: str, name: InstrumentId = BTC_USDC) -> None:
    """Book, mark and index of one hedge stand at a price now."""
    book.send(book.book(price, name))
    book.send(msgspec.structs.replace(book.ticker(price, name=name), index=Decimal(price)))


def sold(book: Playbook) -> list[Command]:
    """The client sells: a long is missing, in the second hedge."""
    return list(book.send(book.fill(Side.SELL, "0.3", BTC_SPOT)))


def refused(book: Playbook) -> str:
    heard = sold(book)
    assert not orders(heard)
    return of_type(heard, RecordDecision)[-1].explanation


def starts(book: Playbook) -> dict[InstrumentId, float]:
    return {name: one.price for name, one in book.state.underlyings["BTC"].chased.items()}


@pytest.mark.parametrize("true_price", [95_000, 103_000])
def test_under_a_dead_main_price_orders_follow_their_own(true_price: int) -> None:
    """The dead price is no place to start from: below it a move was not seen, above it nothing had moved."""
    book = book_of()
    book.tick(OLD_MS)
    moved(book, str(true_price))
    book.done(the_order(sold(book)))
    assert starts(book) == {BTC_USDC: true_price}
    book.done(the_order(sold(book)))
    moved(book, str(round(true_price * 1.04)))
    assert "have followed its price by 421 bps" in refused(book)


def test_a_main_market_that_dies_or_comes_back_forgets_nothing() -> None:
    book = book_of()
    book.done(the_order(sold(book)))
    assert starts(book) == {BTC_USDC: 100_000.0, BTC_PERP: 100_000.0}
    book.tick(OLD_MS)
    moved(book, "102500")
    assert "have followed its price by 271 bps" in refused(book)
    moved(book, "102500", BTC_PERP)
    assert not orders(sold(book)), "followed from where the main price stood at the first order"


def test_a_window_begins_with_the_first_order_after_the_last_one_ended() -> None:
    book = book_of()
    book.done(the_order(sold(book)))
    first = book.state.underlyings["BTC"].chased
    book.done(the_order(sold(book)))
    assert book.state.underlyings["BTC"].chased == first, "it slides with no order"
    book.tick(book.state.limits.chase_window_ms + 1)
    moved(book, "102500")
    the_order(sold(book))
    assert book.state.underlyings["BTC"].chased == {BTC_USDC: ChaseStart(price=102_500.0, at_ns=book.at_ns)}
