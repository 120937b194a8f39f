"""The freshness of prices: an order needs its own market, and the main hedge's only where that price is used."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest

from hedgebot.core.ledger import set_position
from hedgebot.domain.commands import Command, RecordDecision
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.settings import DeltaConvention, HedgeLeg, HedgeRole
from tests.support.playbook import (
    ACCOUNT,
    BTC_CALL,
    BTC_INVERSE,
    BTC_PERP,
    BTC_SPOT,
    BTC_USDC,
    PRICE,
    Playbook,
    of_type,
    orders,
    settings,
    the_order,
)

OLD_MS = 600


def book_of(coins: str = "0", **changes: object) -> Playbook:
    """Longs are opened in the USDC perpetual, which stands against the coins that are held; half a second is old."""
    made = settings(order_burst_max=100, hedge_volume_ratio_max=100.0, book_age_ms_max=500)
    other = HedgeLeg(instrument=BTC_USDC, role=HedgeRole.BUY)
    btc = msgspec.structs.replace(made.underlyings[0], other_hedges=(other,), **changes)
    book = Playbook(msgspec.structs.replace(made, underlyings=(btc,)))
    book.ready([book.position(str(-Decimal(coins)), BTC_USDC)], btc=coins)
    book.send(book.book(name=BTC_USDC))
    book.send(book.ticker(name=BTC_USDC))
    book.tick()
    return book


def main_stands_still(book: Playbook) -> list[Command]:
    """Only the second hedge's market goes on."""
    heard = book.tick(OLD_MS)
    return [*heard, *book.send(book.book(name=BTC_USDC)), *book.send(book.ticker(name=BTC_USDC))]


def sold(book: Playbook) -> list[Command]:
    """The client sells: a long is missing."""
    return list(book.send(book.fill(Side.SELL, "0.3", BTC_SPOT)))


def refusal(heard: Sequence[Command]) -> str:
    assert not orders(heard)
    return of_type(heard, RecordDecision)[-1].explanation


def hold(book: Playbook, name: InstrumentId, contracts: str, entry: Decimal = PRICE) -> None:
    """A position is there from here on."""
    set_position(book.state, ACCOUNT, name, Decimal(contracts), entry, book.at_ns)
    book.state.underlyings["BTC"].remark_due = True


def test_coins_and_linear_contracts_are_hedged_without_the_main_market() -> None:
    book = book_of()
    main_stands_still(book)
    approved = the_order(sold(book)).approved
    assert (approved.intent.instrument, approved.intent.side) == (BTC_USDC, Side.BUY)
    # The age of its own book is what it was judged by.
    assert {one.rule: one.value for one in approved.checks}["book_age_ms"] in range(3)


def test_nothing_is_traded_on_an_old_book_of_its_own() -> None:
    book = book_of()
    book.tick(OLD_MS)
    book.send(book.book())
    book.send(book.ticker())
    assert f"the book of {BTC_USDC} is" in refusal(sold(book))


def test_options_need_the_main_market_because_they_are_valued_at_its_price() -> None:
    book = book_of()
    main_stands_still(book)
    book.send(book.option())
    hold(book, BTC_CALL, "0.01")
    told = refusal(sold(book))
    assert f"the book of {BTC_PERP} is" in told
    assert "the delta is valued at it, and it would not only shrink our position" in told


@pytest.mark.parametrize(
    ("calls", "passes"),
    [
        # Three tenths are missing, the calls bring nothing to a tenth of it.
        ("0.1", True),
        ("0.3", False),
    ],
)
def test_what_shrinks_a_hedge_passes_where_no_delta_of_the_options_is_in_its_way(calls: str, *, passes: bool) -> None:
    book = book_of(coins="1")  # short one in the second perpetual
    main_stands_still(book)
    book.send(book.option())
    hold(book, BTC_CALL, calls)
    heard = sold(book)
    if passes:
        intent = the_order(heard).approved.intent
        assert (intent.instrument, intent.side, intent.reduce_only) == (BTC_USDC, Side.BUY, True)
    else:
        assert "does not lower every delta from -0.3 to 0" in refusal(heard)


@pytest.mark.parametrize(
    ("dollars", "passes"),
    [
        # Dollars short are coins short at any price; of dollars long there may be more than what is missing.
        ("-3000", True),
        ("3000", False),
    ],
)
def test_inverse_contracts_need_it_unless_any_price_leaves_the_order_right(dollars: str, *, passes: bool) -> None:
    book = book_of(coins="1", delta_convention=DeltaConvention.USD_NEUTRAL)
    main_stands_still(book)
    # Taken over from a venue that did not say at what price: an entry fixes its coins, without one the price does.
    hold(book, BTC_INVERSE, dollars, entry=Decimal(0))
    heard = sold(book)
    if passes:
        assert the_order(heard).approved.intent.instrument == BTC_USDC
    else:
        assert f"the book of {BTC_PERP} is" in refusal(heard)


def test_the_main_hedge_needs_its_own() -> None:
    book = book_of()
    main_stands_still(book)
    heard = book.send(book.fill(Side.BUY, "0.3", BTC_SPOT))  # shorts are opened in the main one
    assert not orders(heard)
    assert f"the book of {BTC_PERP} is" in of_type(heard, RecordDecision)[-1].explanation
