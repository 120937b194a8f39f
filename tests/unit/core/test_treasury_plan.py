"""The sums behind a top-up: what is missing by use and by distance, what a coin counts, and from where it may come."""

import math
from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import treasury_plan
from hedgebot.core.treasury_state import TopUp
from hedgebot.domain.treasury import FundingWalletRead, TreasurySettings
from tests.support.margins import account_of, held, margined, report
from tests.support.playbook import ACCOUNT, Playbook

LIMITS = TreasurySettings(
    account=ACCOUNT,
    coin="USDT",
    top_up_use=0.6,
    target_use=0.4,
    move_max_qty=Decimal(3_000),
    day_max_qty=Decimal(8_000),
)


def book_with(equity: float, funding: str = "20000", *, distance: float = 0.0) -> Playbook:
    """Ten BTC short at 100,000 (5,000 USD of maintenance margin) with an equity."""
    book = Playbook(margined(hedges=False, liquidation_distance_min=distance))
    book.ready(positions=[held(book, "-10")])
    book.send(FundingWalletRead(account=ACCOUNT, balances={"USDT": Decimal(funding)}))
    report(book, equity)
    book.tick(after_ms=1_100)
    return book


def need(book: Playbook, settings: TreasurySettings = LIMITS) -> treasury_plan.Need:
    found = treasury_plan.need(book.state, account_of(book), settings, book.at_ns)
    assert found is not None
    return found


def split(book: Playbook, settings: TreasurySettings = LIMITS, waits: str = "") -> TopUp:
    found = treasury_plan.split(book.state, account_of(book), settings, need(book, settings), book.at_ns, waits)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("equity", "usd", "over"),
    [(12_000.0, 0.0, True), (9_000.0, 0.0, False), (8_000.0, 4_500.0, False), (4_000.0, 8_500.0, False)],
)
def test_a_need_brings_the_use_to_its_target(equity: float, usd: float, over: bool) -> None:
    found = need(book_with(equity))
    assert found.usd == pytest.approx(usd, abs=1e-6)
    assert found.over is over


def test_with_the_shock_in_the_floor_a_top_up_counts_what_its_own_coin_would_lose() -> None:
    """5,000 of 9,000: after a third of 9,000 USDT is gone 6,000 are left, and 12,500 are wanted at a use of 40 %."""
    settings = margined(hedges=False, liquidation_distance_min=0.0)
    limits = msgspec.structs.replace(settings.limits, collateral_shock_in_floor=True)
    book = Playbook(msgspec.structs.replace(settings, limits=limits))
    book.ready(positions=[held(book, "-10")])
    book.send(FundingWalletRead(account=ACCOUNT, balances={"USDT": Decimal(20_000)}))
    report(book, 9_000.0, coins={"USDT": "9000"}, prices={"USDT": 1.0})
    book.tick(after_ms=1_100)
    found = need(book)
    assert found.why == "margin use of main after the collateral shock is 83.3%, its line is 60.0%"
    assert found.usd == pytest.approx((12_500 - 6_000.3) / (1 - 0.3333), abs=0.1)
    other = need(book, msgspec.structs.replace(LIMITS, coin="USDE"))
    assert other.usd == pytest.approx(12_500 - 6_000.3, abs=0.1)


def test_an_account_without_equity_needs_all_of_it() -> None:
    assert need(book_with(-2_000.0)).usd == pytest.approx(14_500.0)


@pytest.mark.parametrize("mark", [100_750, 100_900])
def test_a_market_that_ran_between_two_reports_needs_what_is_missing_now(mark: int) -> None:
    """The use is the model's then, of an equity that is nearly or wholly gone; the venue's is from before the move."""
    book = book_with(8_000.0)
    book.send(book.ticker(str(mark)))
    book.send(book.book(str(mark)))
    book.tick(after_ms=300)
    assert account_of(book).margin.use == (math.inf if mark == 100_900 else pytest.approx(5_037.5 / 500.0))
    # 5,000 and a little of margin over the target, and the equity less 10 BTC times the move.
    assert need(book).usd == pytest.approx(mark * 0.05 / 0.4 - (8_000.0 - 10.0 * (mark - 100_000)), rel=1e-6)
    assert split(book).own_qty == Decimal(3_000)


def test_what_is_no_number_is_no_quantity() -> None:
    book = book_with(8_000.0)
    assert treasury_plan.quantity(book.state, account_of(book), "USDT", math.inf) is None


def test_a_near_liquidation_is_a_need_although_the_use_is_small() -> None:
    book = book_with(90_000.0, distance=0.085)
    found = need(book)
    assert "from liquidation" in found.why
    # 1.5 times the least distance: 12.75 % of 1,000,000 is lost, and the margin grows with the price.
    assert found.usd == pytest.approx(1_000_000 * 0.1275 + 5_000 * 1.1275 - 90_000, rel=1e-3)


def test_lines_sink_with_the_floor_while_the_market_is_wild() -> None:
    book = book_with(12_000.0)
    account_of(book).margin.high_vol = True
    lines = treasury_plan.lines(book.state, account_of(book), LIMITS)
    assert lines == pytest.approx((0.6 * 0.5 / 0.8, 0.4 * 0.5 / 0.8))


def test_unknown_margin_is_no_need_and_no_all_clear() -> None:
    book = book_with(8_000.0)
    assert treasury_plan.need(book.state, account_of(book), LIMITS, book.at_ns + 120_000_000_000) is None


def test_a_coin_counts_its_price_and_its_haircut_and_is_rounded_up() -> None:
    book = book_with(8_000.0)
    report(book, 8_000.0, prices={"USDT": 0.9, "USDC": 1.0})
    assert treasury_plan.quantity(book.state, account_of(book), "USDT", 900.001) == Decimal("1000.01")
    assert treasury_plan.quantity(book.state, account_of(book), "NOCOIN", 900.0) is None


@pytest.mark.parametrize(
    ("changes", "funding", "own", "ask", "outside"),
    [
        ({}, "20000", 3_000, 1_500, 0),
        ({"move_max_qty": Decimal(0)}, "20000", 0, 4_500, 0),
        ({"emergency_qty": Decimal(18_000)}, "20000", 2_000, 2_500, 0),
        ({"emergency_qty": Decimal(20_000)}, "20000", 0, 4_500, 0),
        ({"day_max_qty": Decimal(50)}, "20000", 0, 4_500, 0),
        ({}, "4000", 3_000, 1_000, 500),
        ({}, "0", 0, 0, 4_500),
    ],
)
def test_segments_and_limits_say_from_where(
    changes: dict[str, Decimal], funding: str, own: int, ask: int, outside: int
) -> None:
    plan = split(book_with(8_000.0, funding), msgspec.structs.replace(LIMITS, **changes))
    assert (plan.own_qty, plan.ask_qty, plan.outside_qty) == (Decimal(own), Decimal(ask), Decimal(outside))
    assert bool(plan.waits) is (own == 0)


def test_what_waits_is_said_in_the_words_of_the_plan() -> None:
    book = book_with(8_000.0)
    plan = split(book, waits="a kill stands (odd)")
    assert plan.own_qty == 0
    assert treasury_plan.words(plan, LIMITS) == (
        "margin use of main is 62.5%, its line is 60.0%: 4500 USDT would cure it "
        "(4500 USDT wait for an operator's approval); by itself nothing moves: a kill stands (odd)"
    )
