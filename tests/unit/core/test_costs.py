"""What a trade in a hedge instrument costs: the model of section 9.1, and own fills beside it."""

import math

import msgspec
import pytest

from hedgebot.core import costs, hedges, switching
from hedgebot.core.strategy import Proposal, UnderlyingView
from hedgebot.domain.commands import RecordDecision
from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.domain.settings import CostSource, UnderlyingSettings
from strategies.delta_neutral import DeltaNeutral
from tests.support.playbook import BTC_PERP, BTC_SPOT, BTC_USDC, PRICE, Playbook, instrument, of_type, orders
from tests.support.switches import HOUR_MS, market, ready, switchable

VOL_DAY = 0.03
DAY_NS = 86_400_000_000_000


def configured(book: Playbook) -> UnderlyingSettings:
    return book.settings.underlyings[0]


def with_vol(book: Playbook) -> Playbook:
    """A volatility of 3 % a day is known."""
    drift = book.state.underlyings["BTC"].drift
    drift.log_var, drift.log_weight = VOL_DAY**2, 1.0
    return book


def one(book: Playbook, coins: float = 0.0, hedge: str = BTC_PERP) -> costs.HedgeCost:
    return costs.one_way(book.state, configured(book), hedge, coins)  # type: ignore[arg-type]


def test_without_a_fee_it_is_what_is_configured_or_half_the_spread() -> None:
    book = ready(switchable(cost_bps=5.0))
    assert one(book).cost_bps == 5.0
    assert one(book).ratio == 5e-4
    quote = book.state.quotes[BTC_PERP]
    quote.bid, quote.ask = PRICE - 100, PRICE + 100  # 20 bps wide
    assert one(book).half_spread_bps == pytest.approx(10.0)
    assert one(book).cost_bps == pytest.approx(10.0)


def test_a_fee_that_is_known_is_paid_beside_half_the_spread() -> None:
    book = ready(switchable(cost_bps=9.0, hedge_fees_bps={BTC_PERP: 5.5}))
    book.state.quotes[BTC_PERP].bid, book.state.quotes[BTC_PERP].ask = PRICE - 10, PRICE + 10
    assert one(book).cost_bps == pytest.approx(6.5)
    assert one(book, hedge=BTC_USDC).cost_bps == 9.0
    del book.state.quotes[BTC_PERP]
    assert one(book).cost_bps == 9.0, "a spread that is not known is no spread of nothing"


def test_impact_is_the_square_root_law() -> None:
    # Section 9.1: 100k USD in a market of 10 bn a day at a volatility of 3 % a day is 0.95 bp.
    given = switchable(hedge_fees_bps={BTC_PERP: 5.0}, hedge_day_volumes_usd={BTC_PERP: 1e10})
    book = with_vol(ready(given))
    found = one(book, -1.0)
    assert found.impact_bps == pytest.approx(0.949, abs=0.001)
    assert found.cost_bps == pytest.approx(5.0 + (found.half_spread_bps or 0.0) + 0.949, abs=0.001)
    assert one(book, 4.0).impact_bps == pytest.approx(2.0 * 0.949, abs=0.002)
    twice = msgspec.structs.replace(configured(book), impact_ratio=2.0)
    assert costs.one_way(book.state, twice, BTC_PERP, 1.0).impact_bps == pytest.approx(2.0 * 0.949, abs=0.002)
    assert one(book, 1.0, BTC_USDC).impact_bps is None


def test_before_a_volatility_is_known_no_impact_is_claimed() -> None:
    book = ready(switchable(hedge_day_volumes_usd={BTC_PERP: 1e10}))
    assert one(book, 1.0).impact_bps is None
    assert one(book, 1.0).cost_bps == one(book).cost_bps


@pytest.mark.parametrize("source", CostSource)
def test_own_fills_stand_beside_the_model(source: CostSource) -> None:
    book = ready(switchable(cost_bps=5.0, cost_source=source, cost_prior_orders=10.0))
    own = book.state.underlyings["BTC"].drift.costs
    for _ in range(10):
        own.note(BTC_PERP, notional=10_000.0, paid=8.0, share=1.0, expected_bps=5.0)
    assert one(book).measured_bps == pytest.approx(8.0)
    measured = source is CostSource.MEASURED
    assert one(book).cost_bps == (pytest.approx(6.47, abs=0.01) if measured else 5.0)
    assert one(book, hedge=BTC_USDC).cost_bps == 5.0, "each instrument has its own"


@pytest.mark.parametrize(("days", "hedge"), [(2.9, BTC_PERP), (3.0, BTC_USDC)])
def test_the_break_even_of_perpetual_and_quarterly(days: float, hedge: str) -> None:
    # Section 9.2: funding of 1 bp in 8 h against a basis of 6 % a year, 5 against 7 bps a trade: 2.949 days.
    book = Playbook(
        switchable(hedge_hold_days=days, funding_saving_day_min=1e-9, hedge_fees_bps={BTC_PERP: 5.0, BTC_USDC: 7.0})
    )
    expiry_ns = book.at_ns + 90 * DAY_NS
    quarterly = msgspec.structs.replace(instrument(BTC_USDC), kind=InstrumentKind.LINEAR_FUTURE, expiry_ns=expiry_ns)
    book.ready([book.position("0")])
    book.state.instruments[BTC_USDC] = quarterly
    left_days = (expiry_ns - book.at_ns) / DAY_NS
    middle = round(float(PRICE) * (1.0 + 0.06 / 365.0 * left_days), 1)
    book.send(book.ticker(rate=0.0001))
    book.send(book.book())
    book.send(book.ticker(str(middle), name=BTC_USDC))
    book.send(book.book(str(middle), BTC_USDC))
    book.state.quotes[BTC_USDC].index = PRICE
    # The spreads are no part of the example: half of each is a hundredth of a bp.
    costs_bps = [one(book, hedge=name).cost_bps for name in (BTC_PERP, BTC_USDC)]
    assert costs_bps == pytest.approx([5.0, 7.0], abs=0.06)
    assert hedges.carry_day(book.state, configured(book), BTC_USDC, book.at_ns) == pytest.approx(0.06 / 365, rel=1e-3)
    assert hedges.opened(book.state, configured(book), Side.BUY) == BTC_PERP
    book.tick()
    assert hedges.opened(book.state, configured(book), Side.BUY) == hedge
    # A short receives the funding: it stays in the perpetual.
    assert hedges.opened(book.state, configured(book), Side.SELL) == BTC_PERP


def test_a_dearer_trade_keeps_a_cheaper_carry_from_being_chosen() -> None:
    for fees, hedge in (({}, BTC_USDC), ({BTC_PERP: 1.0, BTC_USDC: 20.0}, BTC_PERP)):
        book = ready(switchable(hedge_hold_days=1.0, hedge_fees_bps=fees), usdc_rate=0.0006)
        market(book, usdc_rate=0.0006, after_ms=2 * HOUR_MS)
        assert hedges.opened(book.state, configured(book), Side.SELL) == hedge


def test_what_is_measured_can_change_the_choice() -> None:
    book = ready(switchable(hedge_hold_days=1.0, cost_bps=20.0, cost_source=CostSource.MEASURED), usdc_rate=0.0003)
    assert hedges.opened(book.state, configured(book), Side.SELL) == BTC_USDC  # 6 bps a day cheaper
    own = book.state.underlyings["BTC"].drift.costs
    for _ in range(200):
        own.note(BTC_USDC, notional=10_000.0, paid=40.0, share=1.0, expected_bps=20.0)
        own.note(BTC_PERP, notional=10_000.0, paid=10.0, share=1.0, expected_bps=20.0)
    market(book, usdc_rate=0.0003, after_ms=2 * HOUR_MS)
    market(book, usdc_rate=0.0003, after_ms=HOUR_MS / 6)
    assert hedges.opened(book.state, configured(book), Side.SELL) == BTC_PERP


class Averse(DeltaNeutral):
    """The plain band, with an aversion to risk."""

    def __init__(self, aversion: float) -> None:
        self.aversion = aversion

    def propose(self, view: UnderlyingView, previous: Proposal | None) -> Proposal:
        return msgspec.structs.replace(super().propose(view, previous), risk_aversion=self.aversion)


@pytest.mark.parametrize(("aversion", "hedge"), [(0.0, BTC_USDC), (1e-4, BTC_USDC), (1e-2, BTC_PERP)])
def test_a_basis_that_swings_is_worth_a_dearer_carry(aversion: float, hedge: str) -> None:
    vols = {BTC_PERP: 0.0002, BTC_USDC: 0.002}
    book = ready(
        switchable(hedge_hold_days=1.0, cost_bps=1.0, hedge_basis_vols_day=vols),
        usdc_rate=0.0006,
        perp="-1",
        load=lambda _: Averse(aversion),
    )
    # Section 9.2: half gamma Var over the notional, 100,000 USD here: 0.5 * 1e-2 * 1e5 * 0.002^2 is 20 bps a day, and
    # 15 of funding are saved.
    risk = costs.basis_risk_day(book.state, configured(book), BTC_USDC, -1.0)
    assert risk == pytest.approx(0.5 * aversion * 1e5 * 0.002**2)
    assert costs.basis_risk_day(book.state, configured(book), BTC_USDC, 2.0) == pytest.approx(2.0 * risk)
    assert costs.basis_risk_day(book.state, configured(book), BTC_SPOT, 2.0) == 0.0
    # Beside what is held it is that of the sum less that of what is held: (3^2 - 2^2) / 1, and (1^2 - 2^2) / 1 back.
    assert costs.basis_risk_day(book.state, configured(book), BTC_USDC, -1.0, -2.0) == pytest.approx(5.0 * risk)
    assert costs.basis_risk_day(book.state, configured(book), BTC_USDC, 1.0, -2.0) == pytest.approx(-3.0 * risk)
    market(book, usdc_rate=0.0006, after_ms=2 * HOUR_MS)
    assert hedges.opened(book.state, configured(book), Side.SELL) == hedge


def test_what_is_held_now_is_no_reason_until_it_has_been_held_for_ten_minutes() -> None:
    vols = {BTC_PERP: 0.002, BTC_USDC: 0.0}
    book = ready(switchable(hedge_hold_days=1.0, hedge_basis_vols_day=vols), perp="-1", load=lambda _: Averse(1e-2))
    assert hedges.opened(book.state, configured(book), Side.SELL) == BTC_PERP
    market(book, after_ms=HOUR_MS / 6)
    assert hedges.opened(book.state, configured(book), Side.SELL) == BTC_USDC


@pytest.mark.parametrize(("held", "first"), [("-0.1", BTC_PERP), ("-5", BTC_USDC)])
def test_reducing_a_large_hedge_takes_more_risk_away(held: str, first: str) -> None:
    # A short in the other one receives 18 bps a day, which is 9 more than two trades cost; with it goes a risk of
    # 1e-4 * 1e5 * 0.01^2 / 2 = 5 bps a coin, so 0.5 bps of a tenth or 50 of a tenth beside five.
    vols = {BTC_PERP: 0.0, BTC_USDC: 0.01}
    made = switchable(hedge_hold_days=1.0, opposed_coin_max=100.0, hedge_basis_vols_day=vols)
    book = ready(made, usdc_rate=0.0006, usdc=held, load=lambda _: Averse(1e-4))
    ways = hedges.ways(book.state, configured(book), 0.1, book.at_ns)
    assert ways[0].instrument == first, ways


def wide(book: Playbook, perp: str, usdc: str, after_ms: float) -> str:
    """Books with such spreads (USD at 100,000), and the instrument that shorts go to then."""
    book.at_ns += round(after_ms * 1_000_000)
    for name, spread in ((BTC_PERP, perp), (BTC_USDC, usdc)):
        book.send(book.book(name=name, spread=spread))
        book.send(book.ticker(name=name, rate=0.0001))
    book.tick()
    return hedges.opened(book.state, configured(book), Side.SELL)


def test_one_wide_moment_of_a_book_does_not_swing_the_choice() -> None:
    book = ready(switchable(hedge_hold_days=1.0, hedge_fees_bps={BTC_PERP: 5.5, BTC_USDC: 5.5}))
    assert wide(book, "1", "1", 2 * HOUR_MS) == BTC_PERP
    # 8 bps wide: both trades of a day are 8 bps dearer, the least saving is 5.
    assert wide(book, "80", "1", 1_000) == BTC_PERP
    assert wide(book, "1", "1", 1_000) == BTC_PERP
    assert wide(book, "80", "1", 700_000) == BTC_PERP, "it begins anew"
    assert wide(book, "80", "1", 590_000) == BTC_PERP
    assert wide(book, "80", "1", 20_000) == BTC_USDC, "ten minutes are no moment"
    assert wide(book, "1", "80", 2 * HOUR_MS) == BTC_USDC


def test_the_comparison_goes_to_the_journal() -> None:
    fees = {BTC_PERP: 5.5, BTC_USDC: 6.0}
    book = ready(switchable(hedge_hold_days=2.0, hedge_fees_bps=fees))
    heard = book.send(book.fill(Side.BUY, "0.3", BTC_SPOT))
    assert orders(heard)
    (told,) = of_type(heard, RecordDecision)
    for hedge, fee in fees.items():
        half = one(book, hedge=hedge).half_spread_bps or 0.0
        assert told.evidence[f"trade_cost_bps {hedge}"] == pytest.approx(fee + half)
        # A short receives 3 bps a day.
        assert told.evidence[f"held_cost_bps {hedge}"] == pytest.approx(2.0 * (fee + half) - 2.0 * 3.0)
        assert f"basis_risk_day {hedge}" not in told.evidence
    assert math.isfinite(switching.trade_cost(book.state, configured(book), BTC_PERP))


def test_the_risk_of_a_basis_goes_to_the_journal() -> None:
    vols = {BTC_PERP: 0.0, BTC_USDC: 0.01}
    book = ready(switchable(hedge_basis_vols_day=vols), usdc="-0.1", load=lambda _: Averse(1e-4))
    (told,) = of_type(book.send(book.fill(Side.BUY, "0.3", BTC_SPOT)), RecordDecision)
    assert told.trade_coin < 0.0
    # 5 bps a day for each coin: what is added to the short of a tenth of a coin.
    added = 5e-4 * (abs(told.trade_coin) + 2.0 * 0.1)
    assert told.evidence[f"basis_risk_day {BTC_USDC}"] == pytest.approx(added, rel=1e-3)
    assert told.evidence[f"basis_risk_day {BTC_PERP}"] == 0.0
