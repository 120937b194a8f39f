"""The venue's number against ours: agreement, a difference that lasts and names its cause, and what is unknown."""

import msgspec
import pytest

from hedgebot.core import limits
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import RaiseAlert, RecordMargin
from hedgebot.domain.instrument import Side
from hedgebot.domain.settings import MarginMode
from tests.support.margins import account_of, held, margined, model_of, report
from tests.support.playbook import BTC_PERP, Playbook, of_type


def _book(mode: MarginMode = MarginMode.CROSS, contracts: str = "-2", **limit: float) -> Playbook:
    book = Playbook(margined(mode, hedges=False, **limit))
    book.ready(positions=[held(book, contracts)])
    book.at_ns += 3_000_000_000  # what moved at the start is long over
    return book


def test_both_numbers_are_journaled_with_the_parameters_they_come_from() -> None:
    book = _book()
    book.at_ns += 2_000_000_000
    (row,) = of_type(report(book, 100_000.0), RecordMargin)
    assert row.parameters == "bybit-20261125 feed"
    assert row.margin_mode == "cross"
    assert row.venue_maintenance_usd == row.model_maintenance_usd == pytest.approx(1_000.0)
    assert row.venue_equity_usd == 100_000.0
    assert row.gap_ratio == 0.0
    assert row.differs == ""
    # Another within the same second is compared, and not written.
    assert of_type(report(book, 100_000.0), RecordMargin) == []


def test_a_difference_that_lasts_is_told_with_what_the_venue_number_implies() -> None:
    book = _book(margin_polls_max=3)
    report(book, 100_000.0)
    for _ in range(2):
        report(book, 100_000.0, maintenance=1_120.0)
        book.tick()
    assert not book.is_up(AlertKind.MARGIN_MODEL_DIVERGED)
    report(book, 100_000.0, maintenance=1_120.0)
    (alert,) = [one for one in of_type(book.tick(), RaiseAlert) if one.kind is AlertKind.MARGIN_MODEL_DIVERGED]
    assert alert.summary == (
        "maintenance margin of main: the venue says 1120.00 USD, our model 1000.00 (-10.7%); the tiers of "
        f"{BTC_PERP}: the venue's comes to 0.5600% of its value, ours to 0.5000%; the larger number rules"
    )
    assert account_of(book).margin.gap == pytest.approx(-120 / 1120)
    report(book, 100_000.0)
    book.tick()
    assert not book.is_up(AlertKind.MARGIN_MODEL_DIVERGED)


def test_each_kind_of_difference_names_its_likeliest_cause() -> None:
    book = _book(margin_polls_max=1)
    report(book, 100_000.0, initial=30_000.0)
    assert "the leverage of a position" in account_of(book).margin.differs
    book = _book(MarginMode.PORTFOLIO, margin_polls_max=1)
    report(book, 100_000.0, maintenance=model_of(book).now.maintenance * 1.3)
    assert "the parts without a known formula: option contingency" in account_of(book).margin.differs
    report(book, 100_000.0, initial=model_of(book).now.initial * 1.3)
    assert "the factor of initial to maintenance margin, 1.2 in ours" in account_of(book).margin.differs
    report(book, 100_000.0, maintenance=model_of(book).now.maintenance * 0.5)
    assert "the margin mode of the account" in account_of(book).margin.differs


def test_without_a_leverage_an_initial_margin_above_our_least_is_no_difference() -> None:
    book = Playbook(margined(hedges=False, margin_polls_max=1))
    book.ready(positions=[held(book, "-2", leverage=None)])
    book.at_ns += 3_000_000_000
    report(book, 100_000.0, initial=20_000.0)
    assert account_of(book).margin.differs == ""
    report(book, 100_000.0, initial=500.0)
    assert "the leverage" in account_of(book).margin.differs


@pytest.mark.parametrize("reported", [0.0, None])
def test_no_margin_in_portfolio_mode_is_unknown_and_not_zero(reported: float | None) -> None:
    book = _book(MarginMode.PORTFOLIO)
    wallet = msgspec.structs.replace(
        book.wallet(equity="100000", maintenance=None if reported is None else "0"), venue_at_ns=book.at_ns + 1
    )
    book.send(ev.WalletUpdated(report=wallet, source=ev.Source.STREAM))
    assert limits.margin_use(book.state, account_of(book), book.at_ns) is None
    book.tick()
    assert book.is_up(AlertKind.MARGIN_BUFFER_LOW)


def test_zero_is_believed_where_nothing_is_held_and_in_cross_margin_where_our_model_rules() -> None:
    book = _book(MarginMode.PORTFOLIO, contracts="0")
    report(book, 100_000.0, maintenance=0.0)
    assert limits.margin_use(book.state, account_of(book), book.at_ns) == 0.0
    book = _book(MarginMode.CROSS)
    report(book, 100_000.0, maintenance=0.0)
    assert limits.margin_use(book.state, account_of(book), book.at_ns) == pytest.approx(0.01)


def test_leverage_is_the_venue_s_to_say() -> None:
    book = _book()
    book.send(ev.PositionUpdated(report=msgspec.structs.replace(book.position("-2"), leverage=25.0)))
    assert account_of(book).margin.leverage == {BTC_PERP: 25.0}
    assert model_of(book).now.initial == pytest.approx(8_000.0)
    book.send(ev.PositionUpdated(report=msgspec.structs.replace(book.position("-2"), account="nobody")))
    assert account_of(book).margin.leverage == {BTC_PERP: 25.0}


def test_a_report_amid_fills_proves_nothing() -> None:
    book = _book(margin_polls_max=1)
    book.send(book.fill(Side.SELL, "1", BTC_PERP))
    report(book, 100_000.0, maintenance=1_000.0)
    assert account_of(book).margin.gap == pytest.approx(1 / 3)
    assert account_of(book).margin.differs == ""
    book.at_ns += 2_100_000_000
    report(book, 100_000.0, maintenance=1_000.0)
    assert "the tiers of" in account_of(book).margin.differs


def test_the_first_wallet_is_held_against_the_positions_it_came_with() -> None:
    book = Playbook(margined(hedges=False))
    book.ready(positions=[held(book, "-2")])
    base = account_of(book).margin.base
    assert base is not None
    assert base.maintenance == pytest.approx(1_000.0)


def fee_to_close(value: float, leverage: float) -> float:
    """Of a short position, by the shipped record: 0.055 % of the value at its bankruptcy price."""
    return value * 0.00055 * (1.0 + 1.0 / leverage)


def test_a_venue_number_with_the_fee_to_close_is_no_difference() -> None:
    """Two BTC short at 100,000: 1,000 of maintenance margin by the tiers, and the fee to close on top of both."""
    book = _book(margin_polls_max=1)
    fee = fee_to_close(200_000.0, 10.0)
    heard = report(book, 100_000.0, maintenance=1_000.0 + fee, initial=20_000.0 + fee)
    report(book, 100_000.0, maintenance=1_000.0 + fee, initial=20_000.0 + fee)
    book.tick()
    assert account_of(book).margin.close_fee
    assert account_of(book).margin.differs == ""
    assert account_of(book).margin.gap == pytest.approx(0.0, abs=1e-4)
    assert not book.is_up(AlertKind.MARGIN_MODEL_DIVERGED)
    (row,) = of_type(heard, RecordMargin)
    # The model is the reference's, without it; the venue's larger number rules.
    assert row.model_maintenance_usd == pytest.approx(1_000.0)
    assert row.uncovered[-1] == "fee to close"
    assert account_of(book).margin.use == pytest.approx((1_000.0 + fee) / 100_000.0)
    # A rate that is raised later is told from there.
    report(book, 100_000.0, maintenance=1_200.0 + fee, initial=20_000.0 + fee)
    assert "the venue says 1321.00 USD, our model 1121.00" in account_of(book).margin.differs
    # A venue that is without it again is understood too.
    report(book, 100_000.0)
    assert not account_of(book).margin.close_fee


def test_what_neither_agrees_with_is_a_difference_from_the_plain_number() -> None:
    book = _book(margin_polls_max=1)
    report(book, 100_000.0, maintenance=1_060.0)
    assert not account_of(book).margin.close_fee
    assert "the venue says 1060.00 USD, our model 1000.00" in account_of(book).margin.differs
