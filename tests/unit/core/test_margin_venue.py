"""Accounts of other venues are judged by the registry's models through the same gate, alerts and journal."""

import re
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

import hedgebot.margin
from hedgebot.config.shipped import FILES
from hedgebot.core import margin_gate, margin_legs, margin_venue
from hedgebot.core.margin_legs import Contract, MarginBook
from hedgebot.core.margin_model import figures as any_figures
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import RecordMargin
from hedgebot.domain.instrument import Instrument, InstrumentKind, Side
from hedgebot.domain.settings import EngineSettings, MarginMode, MarginParameters
from hedgebot.margin.venue_models import VenueModel
from tests.support.margins import account_of, held, margined, model_of, report
from tests.support.playbook import BTC_CALL, BTC_INVERSE, BTC_PERP, BTC_USDC, INSTRUMENTS, PRICE, Playbook, instrument

FOLDER = Path(hedgebot.margin.__file__).parent
INSTRUMENTS_BY_ID: dict[str, Instrument] = {one.id: one for one in INSTRUMENTS}


def given(venue: str, *, named: str = "bybit", content: str | None = None) -> MarginParameters:
    """A venue's shipped file, under the name of the playbook's venue where it is asked for."""
    text = (FOLDER / FILES[venue]).read_text("utf-8") if content is None else content
    return MarginParameters(venue=named, hash="feed", content=text)


def loaded(venue: str, mode: MarginMode) -> VenueModel:
    found = margin_legs.parsed(given(venue, named=venue), mode)
    assert isinstance(found, VenueModel), found
    return found


def at_venue(venue: str, mode: MarginMode, **limits: float) -> EngineSettings:
    """The playbook's book with its account at another venue."""
    plain = margined(mode, hedges=False, liquidation_distance_min=0.0, **limits)
    accounts = tuple(msgspec.structs.replace(one, venue=venue) for one in plain.accounts)
    return msgspec.structs.replace(plain, accounts=accounts, margin_parameters=(given(venue, named=venue),))


def running(venue: str, mode: MarginMode, contracts: str, equity: float, **limits: float) -> Playbook:
    book = Playbook(at_venue(venue, mode, margin_polls_max=2, **limits))
    book.ready(positions=[held(book, contracts)])
    book.at_ns += 3_000_000_000
    report(book, equity)
    return book


def contract(name: str, contracts: float, leverage: float | None = None) -> Contract:
    return Contract(INSTRUMENTS_BY_ID[name], contracts, float(PRICE), 0.0, leverage)


def margin_book(*held_now: Contract, buys: float = 0.0, sells: float = 0.0) -> MarginBook:
    return MarginBook(
        contracts={one.rules.id: one for one in held_now},
        buys={BTC_PERP: buys} if buys else {},
        sells={BTC_PERP: sells} if sells else {},
        grids={},
        coins={"USDT": 1_000.0},
        prices={"USDT": 1.0, "USDC": 1.0, "USD": 1.0, "BTC": float(PRICE)},
        realised_usd=0.0,
    )


@pytest.mark.parametrize(
    ("venue", "mode", "rate"),
    [
        ("hyperliquid", MarginMode.CROSS, 0.0125),
        ("dydx", MarginMode.CROSS, 0.012),
        ("derive", MarginMode.CROSS, 0.05),
        ("okx", MarginMode.PORTFOLIO, 0.122),
        ("paradex", MarginMode.PORTFOLIO, 0.08),
        ("deribit", MarginMode.PORTFOLIO, 0.8 * 0.17),
    ],
)
def test_the_same_position_needs_what_its_venue_and_mode_ask(venue: str, mode: MarginMode, rate: float) -> None:
    book = running(venue, mode, "-2", 100_000.0)
    found = model_of(book)
    assert isinstance(found.parameters, VenueModel)
    assert found.now.maintenance == pytest.approx(200_000.0 * rate)
    assert found.uncovered == found.parameters.uncovered
    assert account_of(book).margin.use == pytest.approx(2.0 * rate)


def test_an_unchosen_mode_or_venue_is_unknown_and_says_why() -> None:
    book = running("okx", MarginMode.CROSS, "-2", 100_000.0)
    words = str(margin_gate.model_now(book.state, account_of(book), book.at_ns))
    assert "no margin model of okx cross: its tiers are not in our records" in words
    assert account_of(book).margin.use is None


def test_a_file_without_tiers_is_unknown_and_never_zero() -> None:
    broken = given("hyperliquid", named="hyperliquid", content='{"venue": "hyperliquid", "records": []}')
    assert "no margin model of venue 'hyperliquid': there are none" in str(margin_legs.parsed(broken, MarginMode.CROSS))
    empty = (FOLDER / FILES["dydx"]).read_text("utf-8").replace('"BTC":', '"LTC":')
    without = margin_legs.parsed(given("dydx", named="dydx", content=empty), MarginMode.CROSS)
    assert isinstance(without, VenueModel)
    assert "has no tiers of BTC" in margin_venue.problem(without, margin_book(contract(BTC_PERP, 1.0)))


def test_what_the_model_does_not_cover_needs_infinite_margin() -> None:
    model = loaded("hyperliquid", MarginMode.CROSS)
    inverse = margin_book(contract(BTC_INVERSE, 100_000.0))
    assert f"{BTC_INVERSE} is inverse" in margin_venue.problem(model, inverse)
    found = any_figures(model, MarginMode.CROSS, inverse)
    assert (found.initial, found.maintenance, found.maintenance_worst) == (float("inf"),) * 3


def test_an_order_that_leaves_the_known_tiers_is_refused() -> None:
    book = running("binance", MarginMode.CROSS, "-2", 1e12)
    model = model_of(book)
    flat = any_figures(model.parameters, model.mode, model.book, (BTC_PERP, -1.0))
    beyond = any_figures(model.parameters, model.mode, model.book, (BTC_PERP, -20_000.0))
    assert flat.maintenance_worst < 3_000.0
    assert beyond.maintenance_worst == float("inf")


def test_options_on_the_account_are_not_judged_by_another_venues_model() -> None:
    book = running("okx", MarginMode.PORTFOLIO, "-2", 100_000.0)
    book.send(book.option())
    book.send(book.fill(Side.SELL, "1", BTC_CALL))
    assert "does not judge them by okx-pm-20250102" in str(
        margin_gate.model_now(book.state, account_of(book), book.at_ns)
    )


def test_live_orders_count_at_their_worst() -> None:
    model = loaded("dydx", MarginMode.CROSS)
    both = margin_book(contract(BTC_PERP, 1.0, 10.0), contract(BTC_USDC, -1.0, 10.0), buys=2.0, sells=5.0)
    found = margin_venue.figures(model, both, both.buys, both.sells)
    assert found.maintenance == pytest.approx(2 * 1_200.0)
    # Five sold take the perpetual from one long to four short, beside the other's one short.
    assert found.maintenance_worst == pytest.approx((4 + 1) * 1_200.0)
    assert found.initial == pytest.approx(5 * 10_000.0)
    assert found.balance == pytest.approx(1_000.0)


def test_a_netting_model_is_judged_by_the_worse_side() -> None:
    model = loaded("okx", MarginMode.PORTFOLIO)
    hedged = margin_book(contract(BTC_PERP, 2.0), contract(BTC_USDC, -2.0), sells=3.0)
    now = margin_venue.figures(model, hedged, {}, {})
    worst = margin_venue.figures(model, hedged, hedged.buys, hedged.sells)
    assert now.maintenance == pytest.approx(4 * 100_000.0 * 0.0045)  # slippage of both legs
    assert worst.maintenance_worst == pytest.approx(3 * 100_000.0 * 0.12 + 3 * 100_000.0 * 0.002)


def test_without_a_leverage_the_least_is_known() -> None:
    model = loaded("binance", MarginMode.CROSS)
    found = margin_venue.figures(model, margin_book(contract(BTC_PERP, 1.0)), {}, {})
    assert found.initial == found.maintenance == pytest.approx(100_000.0 * 0.005 - 50.0)


def test_a_difference_from_the_venue_is_told_journaled_and_the_larger_number_rules() -> None:
    book = running("hyperliquid", MarginMode.CROSS, "-2", 100_000.0)
    commands = []
    for _ in range(3):
        book.at_ns += 3_000_000_000
        commands += [*report(book, 100_000.0, maintenance=5_000.0, initial=20_000.0)]
    account = account_of(book)
    assert account.margin.diverged
    assert account.margin.use == pytest.approx(0.05)
    rows = [one for one in commands if isinstance(one, RecordMargin)]
    assert rows[-1].parameters == "hyperliquid-20260822 feed"
    assert rows[-1].model_maintenance_usd == pytest.approx(2_500.0)
    assert rows[-1].uncovered == ("margin of open orders",)


def test_no_margin_reported_in_portfolio_mode_is_unknown() -> None:
    book = running("okx", MarginMode.PORTFOLIO, "-2", 100_000.0)
    book.at_ns += 3_000_000_000
    report(book, 100_000.0, maintenance=0.0, initial=0.0)
    wallet = account_of(book).wallet
    assert wallet is not None
    assert wallet.maintenance_margin_usd is None
    assert account_of(book).margin.use is None


@pytest.mark.parametrize(
    ("venue", "mode", "said"),
    [
        ("binance", MarginMode.CROSS, r"binance-usdm-20241001 are \d+ days old, limit 90"),
        ("kraken", MarginMode.CROSS, "kraken-futures-undated are undated"),
    ],
)
def test_parameters_that_are_old_or_of_no_day_are_told(venue: str, mode: MarginMode, said: str) -> None:
    book = running(venue, mode, "-2", 1e12)
    book.send(book.book(), after_ms=450 * 86_400_000.0)
    book.tick()
    (alert,) = [one for one in book.state.alerts.values() if one.kind is AlertKind.MARGIN_MODEL_DIVERGED]
    assert re.search(said, alert.summary)


def test_dated_futures_say_when_they_end() -> None:
    rules = instrument(BTC_PERP, InstrumentKind.LINEAR_FUTURE, expiry_ns=31_536_000_000_000_000)
    one = Contract(rules, 1.0, float(PRICE), 0.0, None)
    book = margin_book(one)._replace(contracts={rules.id: one})
    (line,) = margin_venue.coin_books(book, lambda _name, held_one: held_one.contracts)["BTC"].lines
    assert line.years == pytest.approx(1.0)
    assert (line.price_usd, line.coins) == (float(PRICE), 1.0)
    assert Decimal(str(line.value_usd)) == PRICE


def test_isolated_accounts_have_no_margin_in_common_to_judge() -> None:
    book = Playbook(margined(MarginMode.ISOLATED, hedges=False))
    book.ready(positions=[held(book, "-2")])
    assert "no margin in common" in str(margin_gate.model_now(book.state, account_of(book), book.at_ns))


def test_collateral_counts_whole_where_no_record_says_less() -> None:
    bybit = Playbook(margined(MarginMode.CROSS, hedges=False))
    bybit.ready()
    assert margin_legs.counted(bybit.state, account_of(bybit), "BTC", 2.0) == pytest.approx(2.0 * 0.95)
    other = running("okx", MarginMode.PORTFOLIO, "-2", 100_000.0)
    assert margin_legs.counted(other.state, account_of(other), "BTC", 2.0) == 2.0
