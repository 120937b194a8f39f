"""What an order does to the buffer: floor, line for added risk, initial margin, and how much of a hedge fits."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import margin_gate
from hedgebot.core.ledger import set_position
from hedgebot.core.margin_gate import MarginEffect, verdict
from hedgebot.core.margin_model import Standing
from hedgebot.domain.health import use_of
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderIntent, TimeInForce
from hedgebot.domain.settings import MarginMode
from tests.support.margins import account_of, held, margined, report
from tests.support.playbook import ACCOUNT, BTC_PERP, BTC_SPOT, PRICE, Playbook


def _book(contracts: str = "-2", mode: MarginMode = MarginMode.PORTFOLIO, leverage: float | None = 10.0) -> Playbook:
    book = Playbook(margined(mode, hedges=False, margin_polls_max=5, liquidation_distance_min=0.0))
    book.ready(positions=[held(book, contracts, leverage)])
    book.at_ns += 3_000_000_000  # what moved at the start is long over
    return book


def _intent(book: Playbook, size: str, *, reduce_only: bool = False, price: Decimal = PRICE) -> OrderIntent:
    qty = abs(Decimal(size))
    return OrderIntent(
        account=ACCOUNT,
        instrument=BTC_PERP,
        underlying="BTC",
        strategy="delta_neutral",
        side=Side.of(Decimal(size)),
        qty_contracts=qty,
        limit_price=price,
        time_in_force=TimeInForce.IOC,
        reduce_only=reduce_only,
        delta_effect_coin=float(size),
        notional_usd=float(qty * price),
        deadline_ns=book.at_ns + 5_000_000_000,
        reason="test",
    )


def _effect(book: Playbook, size: str, cost_bps: float = 0.0, price: Decimal = PRICE) -> MarginEffect:
    rules = book.state.instruments[BTC_PERP]
    intent = _intent(book, size, price=price)
    found = margin_gate.effect(book.state, account_of(book), rules, intent, cost_bps, book.at_ns)
    assert found is not None
    return found


def test_an_order_is_judged_by_the_margin_after_its_worst_fill() -> None:
    book = _book("-2")
    report(book, 50_000.0)
    found = _effect(book, "-1")
    assert found.before.use == pytest.approx(2 * 10_030 / 50_000)
    assert found.after.use == pytest.approx(3 * 10_030 / 50_000)
    assert found.keeps_floor
    # A fill at its limit, 0.2 % below the mark, costs 200 at once, and the fee 50.
    dear = _effect(book, "-1", cost_bps=5.0, price=Decimal(99_800))
    assert dear.after.equity == pytest.approx(50_000 - 200 - 50)
    assert not _effect(book, "-2.1").keeps_floor


def test_below_the_floor_only_what_does_not_lower_the_buffer_passes() -> None:
    book = _book("-2")
    report(book, 22_000.0)
    assert _effect(book, "0.001").keeps_floor
    assert _effect(book, "4").keeps_floor  # two short become two long: as much as before
    assert not _effect(book, "4.001").keeps_floor
    assert not _effect(book, "-0.001").keeps_floor


def test_without_equity_only_less_margin_passes() -> None:
    book = _book("-2")
    report(book, -5.0)
    assert _effect(book, "1").keeps_floor
    assert not _effect(book, "-0.001").keeps_floor
    assert _effect(book, "-1").top_up_usd == pytest.approx(3 * 10_030 / 0.8 + 5)


def test_the_larger_of_both_numbers_rules() -> None:
    book = _book("-2")
    report(book, 50_000.0, maintenance=30_000.0)
    assert _effect(book, "-1").after.worst == pytest.approx(30_000 + 10_030)
    report(book, 50_000.0, maintenance=10_000.0)
    assert _effect(book, "-1").after.worst == pytest.approx(3 * 10_030)


def test_while_they_differ_what_an_order_adds_counts_more() -> None:
    book = _book("-2")
    for _ in range(5):
        report(book, 50_000.0, maintenance=30_000.0)
    assert account_of(book).margin.diverged
    assert _effect(book, "-1").after.worst == pytest.approx(30_000 + 1.1 * 10_030)


def test_unknown_margin_has_no_effect_to_judge() -> None:
    book = _book("-2")
    rules = book.state.instruments[BTC_PERP]
    report(book, 50_000.0, maintenance=0.0)  # in portfolio mode: unknown
    assert margin_gate.effect(book.state, account_of(book), rules, _intent(book, "-1"), 0.0, book.at_ns) is None
    report(book, 50_000.0)
    late = book.at_ns + 61_000_000_000
    assert margin_gate.effect(book.state, account_of(book), rules, _intent(book, "-1"), 0.0, late) is None
    spot = book.state.instruments[BTC_SPOT]
    assert margin_gate.effect(book.state, account_of(book), spot, _intent(book, "-1"), 0.0, book.at_ns) is None


def test_a_hedge_is_cut_to_the_last_lot_that_fits() -> None:
    book = _book("-2")
    report(book, 50_000.0)
    settings = msgspec.structs.replace(book.settings.underlyings[0], cost_bps=1e-9)
    rules, intent = book.state.instruments[BTC_PERP], _intent(book, "-5")
    fitting, whole = margin_gate.clip(book.state, account_of(book), rules, intent, settings, book.at_ns)
    assert whole is not None
    assert not whole.fits
    # 0.8 * 50,000 / 10,030 = 3.988 contracts in all.
    assert fitting == Decimal("1.988")
    assert _effect(book, f"-{fitting}").fits
    assert not _effect(book, f"-{fitting + rules.lot_size}").fits
    assert whole.top_up_usd == pytest.approx(max(7 * 10_030 / 0.8, 7 * 10_030 * 1.2) - 50_000, rel=1e-6)
    part = margin_gate.sized(book.state, intent, rules, fitting)
    assert part.qty_contracts == fitting
    assert part.delta_effect_coin == pytest.approx(-1.988)
    assert part.notional_usd == pytest.approx(198_800)


def test_a_part_that_only_shrinks_the_position_is_reduce_only() -> None:
    book = _book("-2")
    rules = book.state.instruments[BTC_PERP]
    assert margin_gate.sized(book.state, _intent(book, "5"), rules, Decimal(2)).reduce_only
    assert not margin_gate.sized(book.state, _intent(book, "5"), rules, Decimal("2.001")).reduce_only
    assert not margin_gate.sized(book.state, _intent(book, "-5"), rules, Decimal(1)).reduce_only


def test_what_the_venue_would_not_set_aside_is_cut_off_too() -> None:
    book = _book("-2", MarginMode.CROSS, leverage=10.0)
    report(book, 50_000.0)
    found = _effect(book, "-4")
    assert found.after.use < 0.1
    assert found.keeps_floor
    assert not found.is_affordable
    assert found.top_up_usd == pytest.approx(10_000)
    settings = msgspec.structs.replace(book.settings.underlyings[0], cost_bps=1e-9)
    rules = book.state.instruments[BTC_PERP]
    fitting, _ = margin_gate.clip(book.state, account_of(book), rules, _intent(book, "-4"), settings, book.at_ns)
    assert fitting == pytest.approx(Decimal(3), abs=Decimal("0.002"))


def test_added_risk_stops_earlier_than_a_hedge() -> None:
    standing = Standing(equity=100.0, initial=60.0, maintenance=60.0, worst=60.0)
    effect = MarginEffect(standing, standing._replace(worst=75.0), floor_use=0.8, risk_use=0.7)
    assert verdict(effect, "main", hedges=True) == ("margin_use", 0.75, 0.8, "")
    *_, limit, problem = verdict(effect, "main", hedges=False)
    assert limit == 0.7
    assert problem.startswith("it would take the margin use of main from 60.0% to 75.0%")
    poor = MarginEffect(standing, standing._replace(initial=150.0), floor_use=0.8, risk_use=0.7)
    assert verdict(poor, "main", hedges=False)[3] == "main has no initial margin left for it"


def test_where_the_shock_counts_the_floor_is_held_after_it_for_hedges_and_for_added_risk() -> None:
    standing = Standing(equity=100.0, initial=40.0, maintenance=40.0, worst=40.0)
    effect = MarginEffect(standing, standing._replace(worst=60.0), floor_use=0.8, risk_use=0.7)
    assert verdict(effect, "main", hedges=True)[3] == verdict(effect, "main", hedges=False)[3] == ""
    shocked = effect._replace(shock_usd=30.0)  # 60 of 70
    for hedges in (True, False):
        name, use, limit, problem = verdict(shocked, "main", hedges=hedges)
        assert (name, limit) == ("margin_use", 0.8)
        assert use == pytest.approx(60 / 70)
        assert problem == (
            "it would take the margin use of main after the collateral shock from 57.1% to 85.7%: "
            "a top-up of 5 USD would cover it"
        )
    # What does not need more margin passes below the floor too, and the line of added risk is not shocked.
    assert verdict(shocked._replace(after=standing), "main", hedges=True)[3] == ""
    above = shocked._replace(after=standing._replace(worst=75.0))
    assert verdict(above, "main", hedges=False)[1:3] == (0.75, 0.7)


@pytest.mark.parametrize("in_floor", [False, True])
def test_a_hedge_is_cut_to_the_floor_after_the_shock(in_floor: bool) -> None:
    book = _book("-2")
    limits = msgspec.structs.replace(book.state.limits, collateral_shock_in_floor=in_floor)
    book.state.settings = msgspec.structs.replace(book.state.settings, limits=limits)
    report(book, 50_000.0, coins={"USDT": "50000"}, prices={"USDT": 1.0})
    book.tick(after_ms=300)
    settings = msgspec.structs.replace(book.settings.underlyings[0], cost_bps=1e-9)
    rules = book.state.instruments[BTC_PERP]
    fits, whole = margin_gate.clip(book.state, account_of(book), rules, _intent(book, "-4"), settings, book.at_ns)
    assert whole is not None
    # 10,030 USD a coin: 80 % of 50,000 is room for 3.988, of what a third less leaves for 2.658.
    assert fits == pytest.approx(Decimal("0.658" if in_floor else "1.988"), abs=Decimal("0.002"))
    assert whole.shock_usd == pytest.approx(16_665.0 if in_floor else 0.0)


def test_use_at_its_edges() -> None:
    assert use_of(0.0, -5.0) == 0.0
    assert use_of(1.0, 0.0) == float("inf")
    assert use_of(1.0, 4.0) == 0.25


def test_a_hedge_must_leave_the_move_that_is_to_be_borne() -> None:
    book = _book("-2", MarginMode.CROSS, leverage=100.0)
    book.state.settings = msgspec.structs.replace(
        book.state.settings, limits=msgspec.structs.replace(book.state.limits, liquidation_distance_min=0.10)
    )
    report(book, 50_000.0)
    found = _effect(book, "-2")
    # Four short lose 40,000 in the move and need 2,000 * 1.1 then: it is borne. Five lose all there is.
    assert found.left_before == pytest.approx(50_000 - 20_000 - 1_100)
    assert found.left_after == pytest.approx(50_000 - 40_000 - 2_200)
    assert found.keeps_floor
    worse = _effect(book, "-3")
    assert worse.after.use < 0.1
    assert not worse.keeps_floor
    assert worse.top_up_usd == pytest.approx(50_000 + 2_750 - 50_000)
    assert "a move that main must bear would cost 2750 USD more than it has" in verdict(worse, "main", hedges=True)[3]
    # Too near already: what brings it further away passes, however little.
    report(book, 15_000.0)
    assert _effect(book, "0.001").keeps_floor
    assert not _effect(book, "-0.001").keeps_floor
    settings = msgspec.structs.replace(book.settings.underlyings[0], cost_bps=1e-9)
    rules = book.state.instruments[BTC_PERP]
    fitting, _ = margin_gate.clip(book.state, account_of(book), rules, _intent(book, "-1"), settings, book.at_ns)
    assert fitting == 0


def test_the_move_is_computed_anew_when_the_position_changed() -> None:
    book = _book("-2", MarginMode.CROSS, leverage=100.0)
    report(book, 50_000.0)
    _effect(book, "-1")
    first = account_of(book).margin.stress
    _effect(book, "-1")
    assert account_of(book).margin.stress is first
    set_position(book.state, ACCOUNT, BTC_PERP, Decimal(-3), PRICE, book.at_ns)
    _effect(book, "-1")
    assert account_of(book).margin.stress is not first


def test_an_order_that_opens_adds_its_own_fee_to_close_where_the_venues_number_holds_it() -> None:
    book = _book("-2", MarginMode.CROSS, leverage=10.0)
    report(book, 50_000.0)
    plain = _effect(book, "-1")
    account_of(book).margin.close_fee = True
    found = _effect(book, "-1")
    fee = 100_000.0 * 0.00055 * 1.1
    assert found.after.worst == pytest.approx(plain.after.worst + fee)
    assert found.after.initial == pytest.approx(plain.after.initial + fee)
    assert found.before == plain.before
    rules = book.state.instruments[BTC_PERP]
    shrinks = _intent(book, "1", reduce_only=True)
    less = margin_gate.effect(book.state, account_of(book), rules, shrinks, 0.0, book.at_ns)
    assert less is not None
    assert less.after.worst == less.before.worst
