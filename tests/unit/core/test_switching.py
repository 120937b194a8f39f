"""Which of several hedge instruments is chosen by what it is forecast to cost a day."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import funding, hedges, switching
from hedgebot.core.ledger import set_position
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Mode
from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.domain.settings import FundingAction
from tests.support.playbook import (
    ACCOUNT,
    BTC_PERP,
    BTC_SPOT,
    BTC_USDC,
    MS,
    PRICE,
    Playbook,
    instrument,
    orders,
    the_order,
)
from tests.support.switches import HOUR_MS, market, ready, switchable


def chosen(book: Playbook, side: Side = Side.SELL) -> str:
    return hedges.opened(book.state, book.settings.underlyings[0], side)


def test_hedges_stay_where_they_are_while_nothing_is_cheaper_by_the_least_saving() -> None:
    # A short receives positive funding: 3 bps a day here, 7.8 there; the least saving is 5.
    book = ready(switchable(), usdc_rate=0.00026)
    assert chosen(book) == BTC_PERP
    market(book, usdc_rate=0.00028)
    assert chosen(book) == BTC_USDC


def test_the_sign_of_funding_decides_by_side() -> None:
    # Positive funding is paid by longs to shorts: what is dear for a long is income for a short.
    book = ready(switchable(), usdc_rate=0.0006)
    assert (chosen(book, Side.SELL), chosen(book, Side.BUY)) == (BTC_USDC, BTC_PERP)
    other = ready(switchable(), usdc_rate=-0.0006)
    assert (chosen(other, Side.SELL), chosen(other, Side.BUY)) == (BTC_PERP, BTC_USDC)


def test_rates_near_each_other_do_not_make_the_choice_swing() -> None:
    book = ready(switchable(), usdc_rate=0.0006)
    assert chosen(book) == BTC_USDC
    for rate in (0.0, 0.0003, -0.00005):
        market(book, usdc_rate=rate)  # 0.0001 in the perp: never 5 bps a day cheaper than the other
        market(book, usdc_rate=rate, after_ms=2 * HOUR_MS)
        assert chosen(book) == BTC_USDC, rate
    market(book, usdc_rate=-0.0001, after_ms=2 * HOUR_MS)
    assert chosen(book) == BTC_PERP


def test_a_choice_stands_for_an_hour() -> None:
    book = ready(switchable(), usdc_rate=0.0006)
    market(book, usdc_rate=-0.0006)
    assert chosen(book) == BTC_USDC
    market(book, usdc_rate=-0.0006, after_ms=HOUR_MS)
    assert chosen(book) == BTC_PERP


def test_a_rate_beyond_its_limit_is_left_at_once() -> None:
    book = ready(switchable(), usdc_rate=0.0006)
    market(book, usdc_rate=-0.002)  # the short pays 60 bps a day, the limit is 30
    assert chosen(book) == BTC_PERP
    configured = book.settings.underlyings[0]
    assert "limit 0.300%" in switching.must_leave(book.state, configured, BTC_USDC, Side.SELL, book.at_ns)


def test_an_unknown_rate_neither_wins_nor_loses() -> None:
    book = ready(switchable(), usdc_rate=0.0006)
    book.state.quotes[BTC_USDC].funding_rate = None
    market(book, perp_rate=0.01, usdc_rate=None, after_ms=2 * HOUR_MS)
    assert chosen(book) == BTC_USDC
    fresh = ready(switchable(), usdc_rate=None)
    assert chosen(fresh) == BTC_PERP


def test_a_market_that_cannot_be_used_is_not_chosen() -> None:
    book = ready(switchable())
    book.send(book.book(name=BTC_USDC, spread="900"))
    book.send(book.ticker(name=BTC_USDC, rate=0.001))
    book.tick()
    assert chosen(book) == BTC_PERP


def test_the_cheapest_wins_and_of_equals_the_preferred_one() -> None:
    book = ready(switchable(alternatives=2), usdc_rate=0.0006)
    assert chosen(book) == BTC_USDC


def test_a_future_near_its_delivery_is_left_and_never_chosen() -> None:
    book = ready(switchable())
    soon_ns = book.at_ns + 3 * HOUR_MS * MS
    future = instrument(BTC_USDC, InstrumentKind.LINEAR_FUTURE, expiry_ns=soon_ns)
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(future,)))
    book.send(book.book("100500", BTC_USDC))  # 50 bps over three hours for a short: tempting
    book.send(book.ticker(name=BTC_USDC))
    book.tick()
    assert chosen(book) == BTC_PERP
    book.state.underlyings["BTC"].switch.chosen["sell"] = BTC_USDC
    book.tick()
    assert chosen(book) == BTC_PERP


def test_a_dated_future_is_weighed_by_its_basis() -> None:
    book = ready(switchable())
    future = instrument(BTC_USDC, InstrumentKind.LINEAR_FUTURE, expiry_ns=book.at_ns + 30 * 24 * HOUR_MS * MS)
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(future,)))
    book.send(book.book("103000", BTC_USDC))  # 10 bps a day for a short, beside 3 in the perpetual
    book.send(msgspec.structs.replace(book.ticker("103000", name=BTC_USDC), index=PRICE))
    book.tick()
    assert chosen(book) == BTC_USDC


def test_new_hedges_go_to_the_chosen_one_and_back_to_another_when_it_is_shut() -> None:
    book = ready(switchable(), usdc_rate=0.0006)
    sold = the_order(book.send(book.fill(Side.BUY, "0.3", BTC_SPOT)))
    assert sold.approved.intent.instrument == BTC_USDC
    shut = ready(switchable(), usdc_rate=0.0006)
    shut.send(shut.book(name=BTC_USDC, spread="900"))
    assert the_order(shut.send(shut.fill(Side.BUY, "0.3", BTC_SPOT))).approved.intent.instrument == BTC_PERP


def test_a_dear_hedge_that_is_still_held_does_not_stop_one_in_the_cheap_instrument() -> None:
    made = switchable()
    dear = ready(made, perp="-2.0", perp_rate=-0.002, usdc_rate=0.0001)  # 60 bps a day, the limit is 30
    one = made.underlyings[0]
    assert funding.refusal(dear.state, one, dear.at_ns, BTC_USDC, 0.0, -0.3) == ""
    stays = msgspec.structs.replace(one, funding_action=FundingAction.NO_RISK)
    assert "limit 0.30%" in funding.refusal(dear.state, stays, dear.at_ns, BTC_USDC, 0.0, -0.3)
    both = ready(made, perp_rate=-0.002, usdc_rate=-0.002)
    assert not orders(both.send(both.fill(Side.BUY, "0.3", BTC_SPOT)))
    one = both.settings.underlyings[0]
    assert "funding of bybit:linear:BTCUSDT" in funding.refusal(both.state, one, both.at_ns, BTC_PERP, 0.0, -0.3)


def test_a_share_that_grows_beyond_its_limit_is_refused() -> None:
    book = ready(switchable(), perp="-0.1", perp_rate=-0.0002)
    made = msgspec.structs.replace(book.state.limits, funding_share_day_max=0.0005)
    book.state.settings = msgspec.structs.replace(book.state.settings, limits=made)
    one = book.settings.underlyings[0]
    assert "of what it protects" in funding.refusal(book.state, one, book.at_ns, BTC_PERP, -0.1, -0.2)
    assert funding.refusal(book.state, one, book.at_ns, BTC_PERP, -0.1, -0.05) == ""


def test_without_the_action_nothing_is_chosen() -> None:
    made = switchable(funding_action=FundingAction.ALERT)
    book = ready(made, usdc_rate=0.01)
    assert chosen(book) == BTC_PERP
    assert hedges.choices(made.underlyings[0], Side.SELL) == (BTC_PERP,)


def test_an_alternative_that_nobody_needs_holds_nothing_up() -> None:
    book = ready(switchable(), quiet=True)  # no book of it at all
    assert book.mode() is Mode.ACTIVE
    assert hedges.in_use(book.state, book.settings.underlyings[0]) == (BTC_PERP,)
    set_position(book.state, ACCOUNT, BTC_USDC, Decimal("-0.1"), PRICE, book.at_ns)
    assert hedges.stale(book.state, book.settings.underlyings[0], book.at_ns) == [BTC_USDC]


@pytest.mark.parametrize(("rate", "cost"), [(0.0001, 0.0003), (-0.0002, -0.0006)])
def test_a_cost_is_of_the_side(rate: float, cost: float) -> None:
    book = ready(switchable(), perp_rate=rate)
    one = book.settings.underlyings[0]
    assert switching.cost_day(book.state, one, BTC_PERP, Side.BUY, book.at_ns) == pytest.approx(cost)
    assert switching.cost_day(book.state, one, BTC_PERP, Side.SELL, book.at_ns) == pytest.approx(-cost)


def dated(book: Playbook, days: float, mid: str) -> None:
    """The alternative is a future that ends in so many days, at a basis."""
    expiry_ns = book.at_ns + round(days * 24 * HOUR_MS) * MS
    book.state.instruments[BTC_USDC] = instrument(BTC_USDC, InstrumentKind.LINEAR_FUTURE, expiry_ns=expiry_ns)
    book.send(book.book(mid, BTC_USDC))
    book.send(book.ticker(name=BTC_USDC))
    book.tick()


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        # A short earns the basis, 20 bps a day. Left four hours before its end: 10 bps more are paid for leaving it.
        (7.5, BTC_USDC),
        (1.2, BTC_USDC),  # over 24.8 hours: 10 are left, and the perpetual pays 3
        (0.7, BTC_PERP),  # over 12.8 hours of a day that earns 14: nothing is left
    ],
)
def test_what_must_be_left_before_the_hedge_is_over_pays_for_leaving(days: float, expected: str) -> None:
    book = ready(switchable())
    dated(book, days, str(100_000 * (1 + 0.002 * days)))
    assert chosen(book) == expected


def test_a_future_is_left_before_its_price_is_averaged_however_near_the_halt_is_to_its_end() -> None:
    made = switchable(settlement_window_s=1_800.0)
    made = msgspec.structs.replace(made, limits=msgspec.structs.replace(made.limits, settling_ms_halt=60_000))
    book = ready(made)
    one = made.underlyings[0]
    expiry_ns = book.at_ns + HOUR_MS * MS + 1_000 * MS
    book.state.instruments[BTC_USDC] = instrument(BTC_USDC, InstrumentKind.LINEAR_FUTURE, expiry_ns=expiry_ns)
    assert not switching.delivers_soon(book.state, one, BTC_USDC, book.at_ns)
    assert switching.delivers_soon(book.state, one, BTC_USDC, book.at_ns + 1_000 * MS)
    assert not switching.delivers_soon(book.state, one, BTC_PERP, book.at_ns)


def test_a_hedge_stands_as_long_as_it_is_held_or_until_it_is_left() -> None:
    book = ready(switchable())
    one = book.settings.underlyings[0]
    dated(book, 3.0, "100000")
    assert switching.hold_days(book.state, one, BTC_PERP, book.at_ns) == 7.0
    assert switching.hold_days(book.state, one, BTC_USDC, book.at_ns) == pytest.approx(3.0 - 4.0 / 24.0, abs=1e-4)
