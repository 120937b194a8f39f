"""When a token's ratio is believed: held against the venue's price at first sight and at a change, else by its size."""

import math
from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import holdings, tokens
from hedgebot.core.ledger import rebuild
from hedgebot.core.state import EngineState, decode_state, encode_state
from hedgebot.core.view import book_view
from hedgebot.domain import events as ev
from hedgebot.domain.instrument import InstrumentId, InstrumentKind, Side
from tests.support.playbook import ACCOUNT, MS, instrument, orders, the_order
from tests.unit.core.test_tokens import ETH_PERP, INSTRUMENTS, RATIOS, Book, eth

METH_SPOT = InstrumentId("bybit:spot:METHUSDT")
SLIP = RATIOS | {"METH": Decimal(106)}
STETH_ONLY = {"STETH": Decimal(1)}


def later(book: Book, times: int = 3) -> None:
    """The venue is asked and the market goes on."""
    for _ in range(times):
        book.venue_says()
        book.market()


def bought(book: Book, qty: str) -> None:
    """A client buys METH at its price; the wallet has not been read since."""
    loaded = (*INSTRUMENTS, instrument(METH_SPOT, InstrumentKind.SPOT, underlying="METH"))
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=loaded))
    book.send(book.fill(Side.BUY, qty, METH_SPOT, price=Decimal(3_180)))
    book.held["METH"] = qty


def unproven(book: Book) -> list[str]:
    """The tokens whose ratios no price has spoken for."""
    return book.state.underlyings["ETH"].sums.unproven


def test_a_first_ratio_that_the_price_contradicts_counts_for_nothing_and_sells_nothing() -> None:
    book = Book(eth(STETH_ONLY))
    book.hedge()
    book.applied(eth(SLIP))
    later(book)
    assert abs(book.delta) <= 0.05
    assert len(orders(book.heard)) == 1, "nothing but the first hedge"
    assert book.told() == (
        "token METH: its ratio is 106, by the venue's price one is 1.06 ETH: correct tokens of ETH and put it in force "
        "with `hedgebot config apply`; its coins count for nothing, and only what is proven to lower risk is sent"
    )
    (shown,) = book_view(book.state, book.at_ns).underlyings
    rows = {one.instrument: (one.contracts, one.ratio) for one in shown.positions if one.kind == "token"}
    assert rows["METH"] == ("5", 0.0), "what is there is shown"
    book.applied(eth(RATIOS))
    assert not book.told()
    assert book.hedge() == Decimal("-5.3")


def test_a_wild_ratio_at_the_first_start_is_not_counted_either() -> None:
    book = Book(eth(SLIP))
    assert book.delta == 10.0
    assert "by the venue's price one is 1.06 ETH" in book.told()
    before = book.state.underlyings["ETH"].linear_coin
    rebuild(book.state)
    assert book.state.underlyings["ETH"].linear_coin == before
    assert encode_state(decode_state(encode_state(book.state))) == encode_state(book.state)


def test_amid_a_first_doubt_what_lowers_every_delta_is_sent() -> None:
    book = Book(eth(STETH_ONLY))
    book.hedge()
    book.applied(eth(SLIP))
    later(book)
    sold = book.send(book.fill(Side.SELL, "2", ETH_PERP, price=Decimal(3_000)))
    assert not orders(sold + book.market()), "five METH may be any number of ETH: a purchase may add risk"
    bought_back = book.send(book.fill(Side.BUY, "4", ETH_PERP, price=Decimal(3_000)))
    assert the_order(bought_back + book.market()).approved.intent.side is Side.SELL


def test_a_change_is_held_against_the_price_whatever_the_jump_may_be() -> None:
    book = Book(eth(RATIOS, token_jump_coin_max=1_000.0))
    book.hedge()
    before = book.delta
    book.applied(eth(SLIP, token_jump_coin_max=1_000.0))
    assert book.delta == before
    assert "its ratio is 106, by the venue's price one is 1.06 ETH" in book.told()
    assert "it counts with 1.06" in book.told()


@pytest.mark.parametrize("most", [0.05, 100.0])
def test_an_empty_wallet_approves_no_wild_change(most: float) -> None:
    book = Book(eth(RATIOS, token_jump_coin_max=most), held={"STETH": "10"})
    book.hedge()
    book.applied(eth(SLIP, token_jump_coin_max=most))
    assert "its ratio changed from 1.06 to 106, 104.94 ETH at once" in book.told()
    sent = len(orders(book.heard))
    bought(book, "0.5")
    assert book.delta < 1.0
    book.market()
    later(book)
    assert [one.approved.intent.qty_contracts for one in orders(book.heard)[sent:]] in ([], [Decimal("0.53")])
    assert "by the venue's price one is 1.06 ETH" in holdings.problem(book.state, "ETH", book.at_ns)


def test_a_wild_first_ratio_of_an_empty_wallet_waits_for_the_first_coins() -> None:
    book = Book(eth(SLIP), held={"STETH": "10"})
    book.hedge()
    assert unproven(book) == ["METH"]
    assert not book.told()
    sent = len(orders(book.heard))
    bought(book, "0.5")
    book.market()
    assert len(orders(book.heard)) == sent, "53 ETH are not the coins that came"
    later(book)
    assert len(orders(book.heard)) == sent
    assert abs(book.delta) <= 0.05
    assert "by the venue's price one is 1.06 ETH" in book.told()
    assert not unproven(book)


def test_the_first_coins_of_a_true_ratio_are_hedged_with_the_price_that_comes() -> None:
    book = Book(held={"STETH": "10"})
    book.hedge()
    book.state.run_started_ns -= 20_000 * MS
    later(book, 1)
    sent = len(orders(book.heard))
    bought(book, "0.5")
    book.market()
    assert not book.told(), "nobody is woken while the venue has not spoken"
    assert len(orders(book.heard)) == sent
    later(book, 1)
    assert orders(book.heard)[sent].approved.intent.qty_contracts == Decimal("0.53")
    assert not unproven(book)


def test_an_empty_wallet_takes_a_small_change_and_a_slip_that_is_put_right() -> None:
    book = Book(eth(SLIP), held={"STETH": "10"})
    book.applied(eth(RATIOS))
    assert not book.told()
    book.applied(eth(RATIOS | {"METH": Decimal("1.0706")}))
    assert not book.told()
    assert book.state.underlyings["ETH"].sums.ratios["METH"] == Decimal("1.0706")


@pytest.mark.parametrize("price", [None, 0.0, math.nan, math.inf, -3_180.0])
def test_without_a_price_the_first_coins_are_bounded(price: float | None) -> None:
    prices = {"STETH": 3_000.0} | ({} if price is None else {"METH": price})
    book = Book(prices=prices)
    sent = len(orders(book.heard))
    book.state.run_started_ns -= 20_000 * MS
    later(book, 1)
    assert "the venue gives no price to hold its ratio 1.06 against, it makes 5.3 ETH, token_jump_coin" in book.told()
    assert book.delta == pytest.approx(15.3), "it goes on counting; how much it is nobody knows"
    assert not [one for one in orders(book.heard)[sent:] if one.approved.intent.side is Side.BUY]
    book.applied(eth(RATIOS, token_jump_coin_max=6.0))
    assert not book.told()
    assert unproven(book) == ["METH"]
    book.prices = {"STETH": 3_000.0, "METH": 3_180.0}
    later(book, 1)
    assert not unproven(book)
    assert book.hedge() == Decimal("-15.26")


@pytest.mark.parametrize("price", [None, math.nan, 1_000.0, 2_300.0, 9_999.0])
def test_a_ratio_in_force_is_not_judged_anew_by_a_price(price: float | None) -> None:
    """A token that leaves its price (a depeg), and a report that is wrong, unhedge nothing."""
    book = Book()
    book.hedge()
    book.prices = {} if price is None else {"STETH": price, "METH": price}
    later(book)
    assert not book.told()
    assert abs(book.delta) <= 0.05
    before = book.state.underlyings["ETH"].linear_coin
    book.start(epoch=2)
    assert book.state.underlyings["ETH"].linear_coin == before
    assert not book.told()


def test_in_a_depeg_an_updated_ratio_leaves_the_old_one_and_the_hedging() -> None:
    book = Book()
    book.hedge()
    book.prices["METH"] = 2_300.0
    later(book, 1)
    before = book.delta
    book.applied(eth(RATIOS | {"METH": Decimal("1.065")}))
    assert book.delta == before
    assert "by the venue's price one is 0.7667 ETH" in book.told()
    later(book, 1)
    assert abs(book.delta) <= 0.05
    # Both ratios say nearly the same: the book is hedged on, either way.
    for side in (Side.BUY, Side.SELL):
        heard = book.send(book.fill(side, "2", ETH_PERP, price=Decimal(3_000)))
        order = the_order(heard + book.market())
        assert order.approved.intent.side is not side
        book.done(order)
        book.market()


def test_a_price_of_long_ago_is_none() -> None:
    book = Book(held={"STETH": "10"})
    book.held["METH"] = "5"
    book.venue_says()
    book.at_ns += 120_000 * MS
    book.applied(eth(STETH_ONLY))
    book.applied(eth(SLIP))
    assert unproven(book) == ["METH"], "nothing is counted of it yet, and nothing speaks for it"


def test_the_wallets_own_price_of_the_coin_is_the_one_of_the_same_moment() -> None:
    """The index is not a token's: a wallet that was read amid a fall has both before it."""
    book = Book(eth(STETH_ONLY), prices={"ETH": 6_000.0, "STETH": 6_000.0, "METH": 6_360.0})
    book.held["ETH"] = "0"
    book.venue_says()
    book.applied(eth(RATIOS))
    assert not book.told()
    assert book.state.underlyings["ETH"].sums.ratios["METH"] == Decimal("1.06")


def test_a_state_from_before_has_its_ratios_in_force() -> None:
    book = Book()
    raw = msgspec.msgpack.decode(encode_state(book.state))
    del raw["underlyings"]["ETH"]["sums"]["unproven"]
    again = decode_state(msgspec.msgpack.encode(raw))
    assert isinstance(again, EngineState)
    assert again.underlyings["ETH"].sums.ratios == RATIOS
    assert again.underlyings["ETH"].sums.unproven == []


def test_debts_in_doubt_may_be_any_number_of_coins_the_other_way() -> None:
    book = Book(eth(STETH_ONLY), held={"STETH": "10", "METH": "-5"})
    book.hedge()
    book.applied(eth(SLIP))
    later(book)
    heard = book.send(book.fill(Side.BUY, "2", ETH_PERP, price=Decimal(3_000)))
    assert not orders(heard + book.market()), "a sale may add risk"
    assert ACCOUNT in book.state.accounts


def test_a_withdrawal_amid_a_first_doubt_is_a_break_and_no_rounding() -> None:
    """Nobody knows how many of the token are a lot."""
    book = Book(eth(SLIP))
    book.held["METH"] = "4.9999"
    book.venue_says()
    assert book.state.accounts[ACCOUNT].mismatches["METH"].venue_value == Decimal("4.9999")


def test_a_doubt_about_a_token_of_which_there_is_none_leaves_no_range() -> None:
    book = Book(eth(RATIOS), held={"STETH": "10", "METH": "0"})
    book.hedge()
    book.applied(eth(STETH_ONLY))
    book.applied(eth(SLIP))
    assert "by the venue's price one is 1.06 ETH" in book.told()
    assert tokens.doubt_coin(book.state, book.state.settings.underlyings[0]) == (0.0, 0.0)
