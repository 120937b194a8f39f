"""How much of a book an order may take: a multiple of its top, less what ours took since that book came."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import depth
from hedgebot.core.quotes import Quote
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command, Mode
from hedgebot.domain.events import BookTop
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderStatus
from tests.support.playbook import BTC_PERP, PRICE, Playbook, decisions, orders, settings, the_order


def thin(book: Playbook, qty: str | None) -> BookTop:
    size = None if qty is None else Decimal(qty)
    return msgspec.structs.replace(book.book(), bid_qty=size, ask_qty=size)


@pytest.fixture
def book() -> Playbook:
    playbook = Playbook()
    playbook.ready()
    return playbook


def bought(book: Playbook, qty: str) -> tuple[Command, ...]:
    """A client buys, so that we sell."""
    return book.send(book.fill(Side.BUY, qty))


@pytest.mark.parametrize(("side", "shown"), [(Side.BUY, 2), (Side.SELL, 3)])
def test_a_buy_hits_the_ask_and_a_sell_the_bid(book: Playbook, side: Side, shown: int) -> None:
    book.send(msgspec.structs.replace(book.book(), bid_qty=Decimal(3), ask_qty=Decimal(2)))
    assert depth.most_contracts(book.state, book.state.instruments[BTC_PERP], side) == shown * 100


@pytest.mark.parametrize(
    ("contracts", "left"),
    [("0.4", "0.4"), ("0.5", "0.5"), ("0.501", "0.5"), ("9", "0.5")],
)
def test_an_order_is_cut_to_what_the_top_allows(book: Playbook, contracts: str, left: str) -> None:
    book.send(thin(book, "0.005"))
    rules = book.state.instruments[BTC_PERP]
    assert depth.cut(book.state, rules, Side.SELL, Decimal(contracts), PRICE) == Decimal(left)


@pytest.mark.parametrize("qty", ["0.000001", None])
def test_what_leaves_less_than_an_order_or_is_unknown_stays_whole_for_the_gate(book: Playbook, qty: str | None) -> None:
    book.send(thin(book, qty))
    rules = book.state.instruments[BTC_PERP]
    assert depth.cut(book.state, rules, Side.SELL, Decimal("0.2"), PRICE) == Decimal("0.2")


def test_a_venue_that_shows_no_sizes_is_not_checked(book: Playbook) -> None:
    book.send(thin(book, None))
    rules = book.state.instruments[BTC_PERP]
    blind = msgspec.structs.replace(rules, shows_sizes=False)
    assert depth.is_unknown(rules, book.state.quotes[BTC_PERP])
    assert not depth.is_unknown(blind, book.state.quotes[BTC_PERP])
    assert depth.most_contracts(book.state, blind, Side.BUY) is None


@pytest.mark.parametrize("missing", ["bid_qty", "ask_qty"])
def test_either_side_that_says_nothing_makes_a_book_unknown(book: Playbook, missing: str) -> None:
    quote = Quote(bid_qty=Decimal(1), ask_qty=Decimal(1))
    assert not depth.is_unknown(book.state.instruments[BTC_PERP], quote)
    setattr(quote, missing, None)
    assert depth.is_unknown(book.state.instruments[BTC_PERP], quote)


def test_a_large_hedge_follows_the_refill_of_the_book() -> None:
    """Cut to the top, and what was taken of a book is not taken twice: the next part waits for a newer one."""
    book = Playbook(settings(order_top_ratio_max=2.0))
    book.ready()
    book.send(thin(book, "0.05"))
    heard = bought(book, "0.5")
    order = the_order(heard)
    assert order.approved.intent.qty_contracts == Decimal("0.1")
    [told] = decisions(heard)
    assert (told.evidence["top_contracts"], told.evidence["cut_to_top"]) == ("0.05", 1)
    assert "cut to what 0.05 at the best price allow" in told.explanation
    assert told.residual_coin == pytest.approx(-0.3625)
    # Filled whole; the book that it was decided on is empty for us now.
    assert orders([*book.done(order), *book.tick(300)]) == []
    assert depth.taken_contracts(book.state, BTC_PERP, Side.SELL) == Decimal("0.1")
    assert depth.taken_contracts(book.state, BTC_PERP, Side.BUY) == 0
    follows = the_order(book.send(thin(book, "0.1")))
    assert follows.approved.intent.qty_contracts == Decimal("0.2")


def test_an_ordinary_hedge_is_not_cut_and_says_what_stood_there(book: Playbook) -> None:
    [told] = decisions(bought(book, "0.2"))
    assert (told.evidence["top_contracts"], told.evidence["cut_to_top"]) == ("10", 0)
    assert told.evidence["top_taken_contracts"] == "0"
    assert "cut to" not in told.explanation


def test_nothing_is_said_of_sizes_that_nobody_shows(book: Playbook) -> None:
    rules = book.state.instruments
    rules[BTC_PERP] = msgspec.structs.replace(rules[BTC_PERP], shows_sizes=False)
    [told] = decisions(bought(book, "0.2"))
    assert told.evidence["top_contracts"] == "not shown"


@pytest.mark.parametrize(
    ("top", "share", "flow"),
    [("0.001", "0.57", "0"), ("0.001", "1", "0.06"), ("0.0005", "0.57", "0.02")],
    ids=["orders fill in part", "more than half a piece comes anew", "both"],
)
def test_a_large_hedge_in_a_thin_and_honest_book_latches_nothing_off(top: str, share: str, flow: str) -> None:
    """A thousand books a minute, each with a hundredth of the hedge: its many pieces are one hedge to every breaker."""
    book = Playbook(settings(order_burst_max=200, repeat_orders_max=10, strategy_orders_max=10))
    book.ready()
    book.send(thin(book, top))
    heard, pieces = bought(book, "4"), 0
    for _ in range(200):
        sent, heard = orders(heard), ()
        for order in sent:
            intent, pieces = order.approved.intent, pieces + 1
            filled = (intent.qty_contracts * Decimal(share)).quantize(Decimal("0.001"))
            status = OrderStatus.FILLED if filled == intent.qty_contracts else OrderStatus.CANCELLED
            heard += book.send(book.fill(intent.side, str(filled), BTC_PERP, client_id=order.client_id))
            heard += book.send(ev.OrderUpdated(report=book.report(order, status, str(filled))))
            if Decimal(flow) and abs(book.state.underlyings["BTC"].linear_coin) > 1:
                heard += bought(book, flow)
        heard += book.send(thin(book, top), 60.0)
        if not pieces % 20:
            heard += book.send(book.ticker())
    assert pieces > 60
    assert book.state.tripped == {}
    assert not {*book.state.alerts}
    assert book.mode() is Mode.ACTIVE
