"""The state as a margin model reads it: what is unknown is said, never zero; options are revalued when it matters."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import margin_legs
from hedgebot.core.ledger import set_position
from hedgebot.core.margin_gate import model_now
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.settings import HedgeLeg, MarginMode, MarginParameters
from tests.support.margins import GIVEN, account_of, held, margined, model_of, parameters, report
from tests.support.playbook import ACCOUNT, BTC_CALL, BTC_PERP, BTC_USDC, PRICE, Playbook


def _book(mode: MarginMode | None = MarginMode.CROSS) -> Playbook:
    book = Playbook(margined(mode, hedges=False))
    book.ready(positions=[held(book, "-2")])
    return book


def _why(book: Playbook) -> str:
    found = model_now(book.state, account_of(book), book.at_ns)
    assert isinstance(found, str)
    return found


def test_without_a_mode_or_parameters_there_is_no_model() -> None:
    assert _why(_book(None)) == "no margin_mode is set for main"
    isolated = _why(_book(MarginMode.ISOLATED))
    assert isolated == "main is in isolated mode, in which positions have no margin in common"
    book = _book()
    book.state.settings = msgspec.structs.replace(book.state.settings, margin_parameters=())
    assert _why(book) == "there are no margin parameters of bybit"


def test_parameters_that_cannot_be_read_are_a_sentence() -> None:
    broken = MarginParameters(venue="bybit", hash="dead", content='{"id": 1}')
    assert "margin parameters dead" in str(margin_legs.parsed(broken, MarginMode.CROSS))
    assert margin_legs.parsed(GIVEN, MarginMode.CROSS) == parameters()


def test_a_position_without_mark_or_entry_makes_the_whole_unknown() -> None:
    book = _book()
    set_position(book.state, ACCOUNT, BTC_USDC, Decimal(1), PRICE, book.at_ns)
    assert _why(book) == f"there is no mark price of {BTC_USDC}"
    book.send(book.ticker(name=BTC_USDC))
    assert model_of(book).now.maintenance > 0
    book.state.positions[f"{ACCOUNT}|{BTC_USDC}"].entry_price = Decimal(0)
    assert _why(book) == f"the entry price of {BTC_USDC} is unknown"


def test_a_coin_that_nobody_has_priced_makes_the_whole_unknown() -> None:
    """Not one dollar each: what a contract settles in or is quoted in may be any coin."""
    book = _book()
    rules = book.state.instruments[BTC_PERP]
    for coins in ({"settle": "MNT"}, {"quote": "EUR"}):
        book.state.instruments[BTC_PERP] = msgspec.structs.replace(rules, **coins)
        assert _why(book) == f"the price of {min(coins.values())} is unknown"
        flat = margin_legs.flat_contract(book.state, account_of(book), book.state.instruments[BTC_PERP], {"USDT": 1.0})
        assert flat == f"the price of {min(coins.values())} is unknown"
    # An index in a coin without a price says nothing of the underlying.
    assert "BTC" not in margin_legs.coin_prices(book.state, account_of(book))


def test_an_option_without_a_volatility_makes_the_whole_unknown() -> None:
    book = _book()
    set_position(book.state, ACCOUNT, BTC_CALL, Decimal(-1), Decimal(6_000), book.at_ns)
    assert _why(book) == f"no implied volatility yet for {BTC_CALL}"


def test_options_are_revalued_after_a_trade_a_move_or_a_second() -> None:
    book = _book(MarginMode.PORTFOLIO)
    book.send(book.option())
    set_position(book.state, ACCOUNT, BTC_CALL, Decimal(-1), Decimal(6_000), book.at_ns)
    model_of(book)
    first = account_of(book).margin.grids["BTC"]
    book.send(book.book("100050"))
    model_of(book)
    assert account_of(book).margin.grids["BTC"] is first
    book.send(book.book("100200"))
    model_of(book)
    moved = account_of(book).margin.grids["BTC"]
    assert moved is not first
    set_position(book.state, ACCOUNT, BTC_CALL, Decimal(-2), Decimal(6_000), book.at_ns)
    model_of(book)
    traded = account_of(book).margin.grids["BTC"]
    assert min(traded.profits) == pytest.approx(2 * min(moved.profits), rel=1e-3)
    book.tick(after_ms=1_500)
    model_of(book)
    assert account_of(book).margin.grids["BTC"] is not traded


def test_a_stablecoin_counts_at_what_the_venue_says_and_an_underlying_at_its_index() -> None:
    book = _book()
    report(book, 1e6, prices={"USDT": 0.9997, "BTC": 1.0, "MNT": 0.7})
    prices = margin_legs.coin_prices(book.state, account_of(book))
    assert prices["USDT"] == 0.9997
    assert prices["USDC"] == 1.0
    assert prices["BTC"] == pytest.approx(100_000 * 0.9997)
    assert prices["MNT"] == 0.7
    assert model_of(book).book.contracts[BTC_PERP].leverage == 10.0


def test_of_several_hedges_the_newest_index_is_what_a_coin_is_worth() -> None:
    """The main hedge's feed may be the one that stands still, in one order of news or the other."""
    book = _book()
    one = msgspec.structs.replace(book.settings.underlyings[0], other_hedges=(HedgeLeg(instrument=BTC_USDC),))
    book.state.settings = msgspec.structs.replace(book.state.settings, underlyings=(one,))
    for name, index in ((BTC_USDC, "101000"), (BTC_PERP, "102000"), (BTC_USDC, "103000")):
        book.send(book.ticker(index, name=name))
        assert margin_legs.coin_prices(book.state, account_of(book))["BTC"] == pytest.approx(float(index))


@pytest.mark.parametrize(("main", "other"), [(BTC_PERP, BTC_USDC), (BTC_USDC, BTC_PERP)])
def test_each_index_is_in_the_coin_that_its_own_hedge_is_quoted_in(main: InstrumentId, other: InstrumentId) -> None:
    """USDC at 0.87 is no other price of the coin in dollars, whichever of the two has told of it last."""
    book = _book()
    one = msgspec.structs.replace(
        book.settings.underlyings[0], hedge_instrument=main, other_hedges=(HedgeLeg(instrument=other),)
    )
    book.state.settings = msgspec.structs.replace(book.state.settings, underlyings=(one,))
    report(book, 1e6, prices={"USDT": 1.0, "USDC": 0.87})
    indices = {BTC_PERP: "100000", BTC_USDC: str(round(100_000 / 0.87, 1))}
    for name in (other, main, other):
        book.send(book.ticker(indices[name], name=name))
        assert margin_legs.coin_prices(book.state, account_of(book))["BTC"] == pytest.approx(100_000, rel=1e-5)
