"""The standing stresses: the worst coin of the collateral loses a third, the venue raises its rates."""

import math

import pytest

from hedgebot.core import margin_stress
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.settings import MarginMode
from tests.support.margins import account_of, held, margined, report
from tests.support.playbook import Playbook


def book_with(equity: float, mode: MarginMode | None = MarginMode.CROSS, **coins: str) -> Playbook:
    """Ten BTC short at 100,000 (5,000 USD of maintenance margin); wallet as given."""
    book = Playbook(margined(mode, hedges=False, liquidation_distance_min=0.0))
    book.ready(positions=[held(book, "-10")])
    look(book, equity, coins)
    return book


def look(book: Playbook, equity: float, coins: dict[str, str]) -> None:
    report(book, equity, maintenance=5_000.0, initial=20_000.0, coins=coins, prices={"USDE": 0.99, "USDT": 1.0})
    book.tick(after_ms=300)


def test_the_worst_coin_is_the_one_that_counts_most() -> None:
    book = book_with(12_000.0, USDT="9000", USDC="3000", BTC="4")
    found = account_of(book).margin.standing_stress
    assert found is not None
    # The coin of an underlying moves with the market: that is the distance to liquidation.
    assert found.coin == "USDT"
    assert found.shock_loss_usd == pytest.approx(9_000 * 0.3333)
    assert found.shock_use == pytest.approx(5_000 / (12_000 - 2_999.7))
    assert found.hike_use == pytest.approx(7_500 / 12_000)
    shock, hike = margin_stress.describe(book.state, account_of(book))
    assert shock == "USDT losing 33% costs 3,000 USD: margin use 56%"
    assert hike == "margin rates x 1.5: margin use 62%"
    assert not book.is_up(AlertKind.COLLATERAL_SHOCK)


def test_what_would_take_an_account_under_its_floor_is_told_and_ends() -> None:
    book = book_with(9_000.0, USDT="9000")
    assert book.is_up(AlertKind.COLLATERAL_SHOCK)  # 5,000 / 6,000
    assert book.is_up(AlertKind.VENUE_MARGIN_HIKE)  # 7,500 / 9,000
    summaries = {one.kind: one.summary for one in book.state.alerts.values()}
    assert summaries[AlertKind.COLLATERAL_SHOCK].endswith("margin use 83%, the floor is 80%")
    assert (AlertKind.COLLATERAL_SHOCK.runbook, AlertKind.VENUE_MARGIN_HIKE.runbook) == ("RB-13", "RB-52")
    for _ in range(6):
        look(book, 20_000.0, {"USDT": "20000"})
        book.tick(after_ms=2_500)
    assert not book.is_up(AlertKind.COLLATERAL_SHOCK)
    assert not book.is_up(AlertKind.VENUE_MARGIN_HIKE)


def test_an_account_that_is_under_its_floor_already_is_told_by_its_use() -> None:
    book = book_with(6_000.0, USDT="6000")
    assert not book.is_up(AlertKind.COLLATERAL_SHOCK)
    floors = [one.summary for one in book.state.alerts.values() if one.subject == "main floor"]
    assert floors == ["margin use of main is 83%, beyond its floor of 80%: the book only reduces risk"]


def test_a_shock_that_leaves_nothing_is_infinite_and_unknown_stays_unknown() -> None:
    book = book_with(2_000.0, USDT="9000")
    found = account_of(book).margin.standing_stress
    assert found is not None
    assert found.shock_use == math.inf
    book.tick(after_ms=100_000)
    assert account_of(book).margin.standing_stress is None
    assert margin_stress.describe(book.state, account_of(book)) == ("", "")


def test_without_a_model_the_venues_own_numbers_are_stressed() -> None:
    book = book_with(12_000.0, None, USDT="9000")
    found = account_of(book).margin.standing_stress
    assert found is not None
    assert found.hike_use == pytest.approx(7_500 / 12_000)
    assert book_with(12_000.0, None, BTC="4").state.accounts["main"].margin.standing_stress is not None
    only_coins = account_of(book_with(12_000.0, None, BTC="4"))
    assert only_coins.margin.standing_stress is not None
    assert only_coins.margin.standing_stress.coin == ""
