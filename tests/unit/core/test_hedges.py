"""The hedge instruments of an underlying: what is reduced, what is opened, and how much may stand against itself."""

from decimal import Decimal
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hedgebot.core import hedges
from hedgebot.core.ledger import set_position
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Outcome, RecordDecision
from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.settings import DeltaConvention, EngineSettings, HedgeLeg, HedgeRole
from tests.support.playbook import (
    ACCOUNT,
    BTC_INVERSE,
    BTC_PERP,
    BTC_SPOT,
    BTC_USDC,
    MS,
    PRICE,
    Playbook,
    instrument,
    of_type,
    orders,
    settings,
    the_order,
)
from tests.support.switches import ready as switched_ready
from tests.support.switches import switchable

DAY_MS = 86_400_000


def two_legged(role: HedgeRole = HedgeRole.BUY, **changes: object) -> EngineSettings:
    """The playbook's book with a second perpetual; `changes` replace fields of the underlying."""
    made = settings(order_burst_max=100, hedge_volume_ratio_max=100.0)
    other = HedgeLeg(instrument=BTC_USDC, role=role)
    btc = msgspec.structs.replace(made.underlyings[0], other_hedges=(other,), **changes)
    return msgspec.structs.replace(made, underlyings=(btc,))


def ready(made: EngineSettings, *, usdc_rate: float = 0.0001, perp: str = "0", usdc: str = "0") -> Playbook:
    """Ready with hedges that stand against coins: the net delta is zero."""
    book = Playbook(made)
    coins = -Decimal(perp) - Decimal(usdc)
    book.ready([book.position(perp), book.position(usdc, BTC_USDC)], btc=str(coins))
    book.send(book.book(name=BTC_USDC))
    book.send(book.ticker(name=BTC_USDC, rate=usdc_rate))
    book.tick()
    return book


def client(book: Playbook, side: Side, qty: str) -> ev.FillReceived:
    """A trade of the book's own in spot."""
    return book.fill(side, qty, BTC_SPOT)


def test_what_stands_in_each_and_together() -> None:
    book = ready(two_legged(), perp="-0.5", usdc="0.2")
    configured = book.settings.underlyings[0]
    assert hedges.held_coins(book.state, configured) == {BTC_PERP: -0.5, BTC_USDC: pytest.approx(0.2)}
    assert hedges.held_coin(book.state, configured) == pytest.approx(-0.3)
    assert hedges.opposed_coin(hedges.held_coins(book.state, configured)) == pytest.approx(0.2)


def test_positions_on_other_instruments_are_no_hedge() -> None:
    book = Playbook()
    book.ready([book.position("0.2", BTC_USDC)])
    assert hedges.held_coins(book.state, book.settings.underlyings[0]) == {BTC_PERP: 0.0}


@pytest.mark.parametrize(
    ("role", "client_side", "expected"),
    [
        (HedgeRole.BUY, Side.SELL, BTC_USDC),
        (HedgeRole.BUY, Side.BUY, BTC_PERP),
        (HedgeRole.SELL, Side.BUY, BTC_USDC),
        (HedgeRole.SELL, Side.SELL, BTC_PERP),
    ],
)
def test_each_side_is_opened_in_its_own_instrument(role: HedgeRole, client_side: Side, expected: str) -> None:
    book = ready(two_legged(role))
    order = the_order(book.send(client(book, client_side, "0.5")))
    assert order.approved.intent.instrument == expected
    assert order.approved.intent.side is client_side.opposite


def test_what_is_held_is_reduced_before_the_other_is_opened() -> None:
    book = ready(two_legged())
    sold = the_order(book.send(client(book, Side.BUY, "0.3")))  # short 0.262 in the perpetual
    book.done(sold)
    # Longs are opened in the other one, but the short is bought back first: no more than what it has.
    heard = book.send(client(book, Side.SELL, "0.9"))
    back = the_order(heard).approved.intent
    assert (back.instrument, back.qty_contracts, back.reduce_only) == (BTC_PERP, Decimal("0.262"), True)
    told = of_type(heard, RecordDecision)[-1]
    assert "it reduces what is held" in told.explanation
    assert told.evidence["hedge_instrument"] == BTC_PERP
    assert told.evidence["hedges_held_coin"] == "BTCUSDT -0.262, BTCPERP +0"
    opened = the_order(book.done(the_order(heard))).approved.intent
    assert opened.instrument == BTC_USDC
    assert opened.side is Side.BUY
    assert hedges.opposed_coin(hedges.held_coins(book.state, book.settings.underlyings[0])) == 0.0


@pytest.mark.parametrize(
    ("cap", "rate", "reduces"),
    [
        # A long that earns 30 bps a day beside a short that earns 3: opening costs 10 and brings 30.
        (1.0, -0.001, False),
        (1.0, -0.0002, True),
        (1.0, 0.001, True),
        (0.0, -0.001, True),
    ],
)
def test_opening_comes_first_only_where_it_is_cheaper_and_the_cap_allows_it(
    cap: float, rate: float, reduces: bool
) -> None:
    book = ready(two_legged(opposed_coin_max=cap), usdc_rate=rate, perp="-0.5")
    order = the_order(book.send(client(book, Side.SELL, "0.3"))).approved.intent
    assert order.instrument == (BTC_PERP if reduces else BTC_USDC)


def test_how_long_a_hedge_is_held_decides_what_is_cheaper() -> None:
    # The long earns 6 bps a day and the short 3, opening costs 10: worth it after more than one day and 1/9.
    for days, expected in ((1.0, BTC_PERP), (1.2, BTC_USDC)):
        book = ready(two_legged(opposed_coin_max=1.0, hedge_hold_days=days), usdc_rate=-0.0002, perp="-0.5")
        carried = hedges.carry_day(book.state, book.settings.underlyings[0], BTC_USDC, book.at_ns)
        assert carried == pytest.approx(-0.0006)
        # Reducing gives up the 3 bps that the short earns.
        order = the_order(book.send(client(book, Side.SELL, "0.3"))).approved.intent
        assert order.instrument == expected, days


def test_a_dated_future_carries_its_basis() -> None:
    book = ready(two_legged())
    expires_ns = book.at_ns + 30 * DAY_MS * MS
    future = instrument(BTC_USDC, InstrumentKind.LINEAR_FUTURE, expiry_ns=expires_ns)
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(future,)))
    book.send(book.book("100600", BTC_USDC))
    one = book.settings.underlyings[0]
    assert hedges.carry_day(book.state, one, BTC_USDC, book.at_ns) == pytest.approx(0.006 / 30.0, rel=1e-3)


def test_on_its_last_day_a_basis_costs_no_more_than_all_of_it() -> None:
    """A few bps that swing over a few hours would be a hundred a day, and beyond every limit."""
    book = ready(two_legged())
    expiry_ns = book.at_ns + 2 * 3_600_000 * MS
    book.state.instruments[BTC_USDC] = instrument(BTC_USDC, InstrumentKind.LINEAR_FUTURE, expiry_ns=expiry_ns)
    book.send(book.book("99900", BTC_USDC))
    one = book.settings.underlyings[0]
    assert hedges.carry_day(book.state, one, BTC_USDC, book.at_ns) == pytest.approx(-0.001)


@pytest.mark.parametrize("hold_days", [1.0, 30.0])
def test_a_basis_is_earned_once_however_long_hedges_are_held(hold_days: float) -> None:
    """A long beside a short that earns nothing: 9 bps below spot over four days do not pay for opening, which costs 10.

    Held for thirty days the same basis would be 68.
    """
    book = ready(two_legged(opposed_coin_max=1.0, hedge_hold_days=hold_days), perp="-0.5")
    book.send(book.ticker(rate=0.0))
    expiry_ns = book.at_ns + 4 * DAY_MS * MS
    book.state.instruments[BTC_USDC] = instrument(BTC_USDC, InstrumentKind.LINEAR_FUTURE, expiry_ns=expiry_ns)
    book.send(book.book("99910", BTC_USDC))
    book.send(msgspec.structs.replace(book.ticker("99910", name=BTC_USDC), index=PRICE))
    order = the_order(book.send(client(book, Side.SELL, "0.3"))).approved.intent
    assert order.instrument == BTC_PERP


def test_a_market_that_cannot_be_used_is_not_chosen_where_another_can() -> None:
    book = ready(two_legged(opposed_coin_max=1.0), perp="-0.5")
    book.send(book.book(name=BTC_PERP, spread="900"))  # 90 bps, the limit is 50
    order = the_order(book.send(client(book, Side.SELL, "0.3"))).approved.intent
    assert order.instrument == BTC_USDC
    both = ready(two_legged(opposed_coin_max=1.0))
    both.send(both.book(name=BTC_USDC, spread="900"))
    heard = both.send(client(both, Side.SELL, "0.3"))
    assert not orders(heard)
    assert "spread of bybit:linear:BTCPERP" in of_type(heard, RecordDecision)[-1].explanation


def test_nothing_is_opened_against_what_is_held_beyond_the_cap_unless_it_is_urgent() -> None:
    book = ready(two_legged(opposed_coin_max=0.1), perp="-0.5")
    book.send(book.book(name=BTC_PERP, spread="900"))
    heard = book.send(client(book, Side.SELL, "0.5"))
    assert not orders(heard)
    told = of_type(heard, RecordDecision)[-1]
    assert told.outcome is Outcome.REFUSED
    assert "would stand against each other" in told.explanation
    urgent = ready(two_legged(opposed_coin_max=0.1, delta_limit_coin=0.6), perp="-0.5")
    urgent.send(urgent.book(name=BTC_PERP, spread="900"))
    assert the_order(urgent.send(client(urgent, Side.SELL, "0.7"))).approved.intent.instrument == BTC_USDC


def test_opposed_hedges_beyond_the_cap_are_told_until_they_are_within() -> None:
    book = ready(two_legged(opposed_coin_max=0.3), perp="-0.5", usdc="0.4")
    assert book.is_up(AlertKind.HEDGES_OPPOSED)
    set_position(book.state, ACCOUNT, BTC_USDC, Decimal("0.3"), PRICE, book.at_ns)
    book.tick()
    assert not book.is_up(AlertKind.HEDGES_OPPOSED)


def test_of_a_hedge_in_odd_lots_only_what_is_left_of_whole_ones_may_be_opposed() -> None:
    # The venue made its lots larger while 1.779 were held: 1.75 of them can be closed as ever.
    book = ready(two_legged(opposed_coin_max=0.01), perp="-1.779")
    larger = msgspec.structs.replace(book.state.instruments[BTC_PERP], lot_size=Decimal("0.05"))
    book.state.instruments[BTC_PERP] = larger
    configured = book.state.settings.underlyings[0]
    assert hedges.opposition_limit_coin(book.state, configured) == pytest.approx(0.029)
    book.send(book.book(name=BTC_PERP, spread="900"))
    heard = book.send(client(book, Side.SELL, "0.5"))
    assert not orders(heard)
    assert "would stand against each other" in of_type(heard, RecordDecision)[-1].explanation


def test_what_the_venue_would_not_take_does_not_hold_a_hedge_back() -> None:
    # A short of 0.0002 coins is 20 USD, the least order here is 50.
    book = ready(two_legged())
    fine = {"min_notional_quote": Decimal(50), "lot_size": Decimal("0.0001"), "qty_min": Decimal("0.0001")}
    book.state.instruments[BTC_PERP] = msgspec.structs.replace(book.state.instruments[BTC_PERP], **fine)
    set_position(book.state, ACCOUNT, BTC_PERP, Decimal("-0.0002"), PRICE, book.at_ns)
    order = the_order(book.send(client(book, Side.SELL, "0.3"))).approved.intent
    assert order.instrument == BTC_USDC
    assert not book.is_up(AlertKind.HEDGES_OPPOSED)


def test_the_price_comes_from_the_main_instrument_alone() -> None:
    book = ready(two_legged())
    book.send(book.book("100500", BTC_USDC))
    assert book.state.underlyings["BTC"].price == 100_000.0
    book.send(book.book("100100"))
    assert book.state.underlyings["BTC"].price == 100_100.0


def test_a_second_instrument_at_its_basis_is_no_chase() -> None:
    made = two_legged()
    made = msgspec.structs.replace(made, limits=msgspec.structs.replace(made.limits, chase_bps_max=50.0))
    book = ready(made)
    book.done(the_order(book.send(client(book, Side.BUY, "0.3"))))
    book.send(book.book("101000", BTC_USDC))
    book.send(book.ticker("101000", name=BTC_USDC))
    back = the_order(book.send(client(book, Side.SELL, "0.9")))
    assert the_order(book.done(back)).approved.intent.instrument == BTC_USDC


def test_an_inverse_second_instrument_is_sized_in_its_own_contracts() -> None:
    made = two_legged()
    other = HedgeLeg(instrument=BTC_INVERSE, role=HedgeRole.BUY)
    one = msgspec.structs.replace(
        made.underlyings[0], other_hedges=(other,), delta_convention=DeltaConvention.USD_NEUTRAL
    )
    book = Playbook(msgspec.structs.replace(made, underlyings=(one,)))
    book.ready()
    book.state.instruments[BTC_INVERSE] = msgspec.structs.replace(
        book.state.instruments[BTC_INVERSE], qty_max=Decimal(1_000_000)
    )
    book.send(book.book(name=BTC_INVERSE))
    book.send(book.ticker(name=BTC_INVERSE))
    book.tick()
    intent = the_order(book.send(client(book, Side.SELL, "0.3"))).approved.intent
    assert intent.instrument == BTC_INVERSE
    assert intent.qty_contracts == Decimal(26_249)  # floored: 0.2625 coins at 100,000 and 0.75 of the band


@hypothesis_settings(max_examples=25, deadline=None)
@given(
    flow=st.lists(st.integers(-900, 900).filter(lambda one: abs(one) > 60), min_size=1, max_size=12),
    cap=st.sampled_from([0.0, 0.2, 5.0]),
    rate=st.sampled_from([0.0001, -0.002]),
)
def test_the_opposed_part_never_outgrows_its_cap_and_the_delta_is_always_hedged(
    flow: list[int], cap: float, rate: float
) -> None:
    book = ready(two_legged(opposed_coin_max=cap), usdc_rate=rate)
    one = book.settings.underlyings[0]
    for milli in flow:
        trade = client(book, Side.of(milli), str(Decimal(abs(milli)) / 1_000))
        heard = book.send(trade, after_ms=1_000)
        book.send(book.book(), after_ms=1)
        book.send(book.ticker())
        book.send(book.book(name=BTC_USDC))
        heard += book.send(book.ticker(name=BTC_USDC, rate=rate))
        while found := orders(heard):
            heard = book.done(found[0])
        assert hedges.opposed_coin(hedges.held_coins(book.state, one)) <= cap + 1e-9
        settled = all(record.status is OrderStatus.FILLED for record in book.state.orders.values())
        assert settled
        delta = book.state.underlyings["BTC"].linear_coin
        assert abs(delta) <= Decimal("0.051"), (flow, book.state.underlyings["BTC"].note)
    assert not book.is_up(AlertKind.HEDGES_OPPOSED)
    assert all(first.seq < second.seq for first, second in pairwise(book.log))


@pytest.mark.parametrize("mark", ["84000", "120000"])
def test_v16_a_market_with_a_wrong_mark_stops_no_hedge_where_another_one_may_be_used(mark: str) -> None:
    """The venue's mark of the first one is off for a while: the gate takes nothing there, and the other is right."""
    book = switched_ready(switchable())
    book.send(book.ticker(mark))
    intent = the_order(book.send(client(book, Side.BUY, "0.2"))).approved.intent
    assert (intent.instrument, intent.side) == (BTC_USDC, Side.SELL)
