"""The account's margin from sums against the venue models leg by leg, in both modes."""

from decimal import Decimal

import numpy as np
import pytest

from hedgebot.core import margin_model
from hedgebot.core.ledger import set_position
from hedgebot.core.margin_legs import Contract, MarginBook
from hedgebot.core.margin_state import Figures
from hedgebot.domain.settings import MarginMode
from hedgebot.margin.bybit_portfolio import days_counted, portfolio_margin
from hedgebot.margin.scenario import Legs, OptionLegs
from hedgebot.margin.tiers import short_option_initial, short_option_maintenance
from hedgebot.pricing import black76
from hedgebot.pricing.black76 import years_to
from tests.support.margins import account_of, held, margined, model_of, parameters, report
from tests.support.playbook import ACCOUNT, BTC_CALL, BTC_INVERSE, BTC_PERP, BTC_USDC, PRICE, Playbook

MODES = (MarginMode.CROSS, MarginMode.PORTFOLIO)


def _book(mode: MarginMode, contracts: str = "-2") -> Playbook:
    book = Playbook(margined(mode, hedges=False))
    book.ready(positions=[held(book, contracts)])
    report(book, 400_000.0)
    return book


def _with_options(book: Playbook, contracts: str) -> None:
    book.send(book.option(iv=0.6))
    set_position(book.state, ACCOUNT, BTC_CALL, Decimal(contracts), Decimal(6_000), book.at_ns)
    book.send(book.option(iv=0.6))


def test_cross_margin_is_the_sum_of_tiers() -> None:
    book = _book(MarginMode.CROSS, "-25")
    ladder = parameters().ladder("BTC", is_inverse=False)
    found = model_of(book).now
    # 2,500,000: the second slab at 0.56 % above 2,000,000 at 0.5 %.
    assert found.maintenance == pytest.approx(2_000_000 * 0.005 + 500_000 * 0.0056, rel=1e-12)
    assert found.maintenance == pytest.approx(ladder.maintenance(2_500_000.0), rel=1e-12)
    assert found.initial == pytest.approx(250_000.0, rel=1e-12)
    assert found.maintenance_worst == found.maintenance


def test_an_order_more_counts_at_its_worse_side() -> None:
    book = _book(MarginMode.CROSS, "-2")
    model = model_of(book)

    def after(size: float) -> Figures:
        return margin_model.figures(model.parameters, model.mode, model.book, (BTC_PERP, size))

    assert after(-1.0).maintenance_worst == pytest.approx(model.now.maintenance * 1.5)
    assert after(-1.0).maintenance == model.now.maintenance
    # A buy of one may also not fill: the position as it is stays the worst.
    assert after(1.0).maintenance_worst == model.now.maintenance
    # A buy of five turns a short of two into a long of three.
    assert after(5.0).maintenance_worst == pytest.approx(model.now.maintenance * 1.5)
    assert after(5.0).initial == pytest.approx(model.now.initial * 1.5)


def test_cross_margin_of_a_short_option_is_the_venue_formula() -> None:
    book = _book(MarginMode.CROSS, "0")
    _with_options(book, "-3")
    mark = float(
        black76.price(
            np.array([100_000.0]),
            np.array([100_000.0]),
            np.array([years_to(book.state.instruments[BTC_CALL].expiry_ns or 0, book.at_ns)]),
            np.array([0.6]),
            np.array([True]),
        )[0]
    )
    rates, found = parameters().short_option, model_of(book).now
    each = short_option_maintenance(rates, 100_000.0, mark)
    assert found.maintenance == pytest.approx(3 * each, rel=1e-9)
    initial = short_option_initial(rates, index=100_000.0, mark=mark, strike=100_000.0, is_call=True)
    assert found.initial == pytest.approx(3 * initial, rel=1e-9)
    _with_options(book, "3")
    assert model_of(book).now.maintenance == 0.0


def test_portfolio_margin_from_sums_is_the_one_from_legs() -> None:
    book = _book(MarginMode.PORTFOLIO, "-2")
    for name, size in ((BTC_USDC, "0.7"), (BTC_INVERSE, "150000")):
        book.send(book.ticker(name=name))
        set_position(book.state, ACCOUNT, name, Decimal(size), PRICE, book.at_ns)
    _with_options(book, "4")
    model = model_of(book)
    years = years_to(book.state.instruments[BTC_CALL].expiry_ns or 0, book.at_ns)
    one = np.ones(1)
    options = OptionLegs(
        qty=one * 4.0,
        forward=one * 100_000.0,
        strike=one * 100_000.0,
        years=one * years,
        days=one * days_counted(years),
        vol=one * 0.6,
        is_call=np.array([True]),
        base=black76.price(one * 100_000.0, one * 100_000.0, one * years, one * 0.6, np.array([True])),
    )
    legs = Legs(options, np.array([-2.0, 0.7]), np.array([100_000.0, 100_000.0]), np.array([1.5]))
    whole = portfolio_margin(parameters().portfolio, legs, index=100_000.0)
    assert model.now.maintenance == pytest.approx(whole.maintenance, rel=1e-9)
    assert model.now.initial == pytest.approx(whole.initial, rel=1e-9)
    assert whole.maintenance > 0.0


def test_a_hedge_in_the_same_coin_frees_portfolio_margin_and_not_cross_margin() -> None:
    alone = {mode: model_of(_book(mode, "-2")).now.maintenance for mode in MODES}
    hedged = {}
    for mode in MODES:
        book = _book(mode, "-2")
        book.send(book.ticker(name=BTC_USDC))
        set_position(book.state, ACCOUNT, BTC_USDC, Decimal(2), PRICE, book.at_ns)
        hedged[mode] = model_of(book).now.maintenance
    assert hedged[MarginMode.PORTFOLIO] < 0.05 * alone[MarginMode.PORTFOLIO]
    assert hedged[MarginMode.CROSS] == pytest.approx(2 * alone[MarginMode.CROSS])


def test_options_stand_behind_positions_only_in_portfolio_margin() -> None:
    balances = {}
    for mode in MODES:
        book = _book(mode, "0")
        before = model_of(book).now.balance
        _with_options(book, "4")
        balances[mode] = model_of(book).now.balance - before
    assert balances[MarginMode.CROSS] == pytest.approx(0.0)
    assert balances[MarginMode.PORTFOLIO] > 20_000.0


def test_a_loss_beyond_the_coins_is_borrowed_and_needs_margin() -> None:
    book = _book(MarginMode.CROSS, "-2")
    report(book, 1_000.0, coins={"USDT": "1000", "BTC": "1"})
    book.send(book.ticker("110000"))
    model, terms = model_of(book), parameters().borrowing_of("USDT")
    ladder = parameters().ladder("BTC", is_inverse=False)
    owed = 2 * 10_000.0 - 1_000.0
    assert model.now.maintenance == pytest.approx(ladder.maintenance(220_000.0) + terms.maintenance_rate * owed)
    assert account_of(book).wallet is not None


def test_what_is_not_covered_is_named() -> None:
    assert margin_model.UNCOVERED[MarginMode.PORTFOLIO] == (
        "option contingency",
        "vega contingency",
        "future_delta contingency",
        "usdt_usdc contingency",
    )


def test_the_fee_to_close_is_of_the_value_at_entry_at_the_bankruptcy_price() -> None:
    """The recorded positions of real accounts in which both margins hold it (the record's `close_fee` names them)."""
    rules = _book(MarginMode.CROSS).state.instruments[BTC_PERP]
    rate = 0.00055

    def fee(size: float, entry: float, mark: float, leverage: float | None) -> float:
        profit = size * (mark - entry)
        book = MarginBook({BTC_PERP: Contract(rules, size, mark, profit, leverage)}, {}, {}, {}, {}, {"USDT": 1.0}, 0.0)
        assert margin_model.close_fee_usd(parameters(), MarginMode.PORTFOLIO, book) == 0.0
        return margin_model.close_fee_usd(parameters(), MarginMode.CROSS, book)

    # ETHUSDT 0.01 short at 3,641.075, 30x; ADAUSDT 18,720 long at 0.41160027, 75x.
    assert fee(-0.01, 3641.075, 3642.33, 30.0) == pytest.approx(0.02069936, rel=5e-4)
    assert fee(18_720.0, 0.41160027, 0.41, 75.0) == pytest.approx(4.18135757, rel=2e-5)
    # The help page's example: 40,000 long at 50x, 21.56.
    assert fee(1.0, 40_000.0, 41_000.0, 50.0) == pytest.approx(21.56, rel=1e-12)
    assert fee(1.0, 40_000.0, 40_000.0, None) == pytest.approx(40_000.0 * rate)
    assert fee(0.0, 40_000.0, 40_000.0, 10.0) == 0.0


def test_an_inverse_positions_fee_to_close_is_in_its_coin() -> None:
    rules = _book(MarginMode.CROSS).state.instruments[BTC_INVERSE]
    profit = 10_000.0 / 50_000.0 - 10_000.0 / 55_000.0  # long from 50,000
    contracts = 10_000.0 / float(rules.contract_size)
    one = Contract(rules, contracts, 55_000.0, profit, 10.0)
    book = MarginBook({BTC_INVERSE: one}, {}, {}, {}, {}, {"BTC": 55_000.0}, 0.0)
    found = margin_model.close_fee_usd(parameters(), MarginMode.CROSS, book)
    assert found == pytest.approx(10_000.0 / 50_000.0 * 1.1 * 0.00055 * 55_000.0)
