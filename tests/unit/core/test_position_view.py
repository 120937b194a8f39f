"""Rows: each delta by its convention, and together the net delta."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core.exposure import net_delta_coin
from hedgebot.core.position_view import PositionView, positions
from hedgebot.core.view import book_view
from hedgebot.domain import events as ev
from hedgebot.domain.instrument import InstrumentId, InstrumentKind, Side
from hedgebot.domain.settings import DeltaConvention
from tests.support.playbook import ACCOUNT, BTC_CALL, BTC_INVERSE, BTC_SPOT, BTC_USDC, Playbook, instrument, settings

COIN_CALL = InstrumentId("bybit:option:BTC-27NOV26-100000-C")


def _book(convention: DeltaConvention) -> Playbook:
    made = settings()
    one = msgspec.structs.replace(made.underlyings[0], delta_convention=convention)
    book = Playbook(msgspec.structs.replace(made, underlyings=(one,)))
    book.ready()
    book.send(ev.StrategySwitched(strategy="delta_neutral", enabled=False, operator="op", reason="look only"))
    rules = instrument(COIN_CALL, InstrumentKind.COIN_OPTION, settle="BTC", quote="BTC")
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(rules,)))
    book.send(book.option())
    book.send(msgspec.structs.replace(book.option(), instrument=COIN_CALL, mark=Decimal("0.07")))
    book.send(book.fill(Side.BUY, "2", BTC_SPOT))
    book.send(book.fill(Side.SELL, "0.5", BTC_USDC))
    book.send(book.fill(Side.SELL, "50000", BTC_INVERSE, price=Decimal(80_000)))
    book.send(book.fill(Side.SELL, "3", BTC_CALL))
    book.send(book.fill(Side.BUY, "1", COIN_CALL, price=Decimal("0.07")))
    return book


def _rows(book: Playbook) -> dict[str, PositionView]:
    found = positions(book.state, book.state.underlyings["BTC"], book.settings.underlyings[0], book.at_ns)
    return {one.instrument: one for one in found}


@pytest.mark.parametrize("convention", [DeltaConvention.USD_NEUTRAL, DeltaConvention.COIN_NEUTRAL])
def test_the_rows_add_up_to_the_net_delta(convention: DeltaConvention) -> None:
    book = _book(convention)
    rows = _rows(book)
    net = net_delta_coin(book.state.underlyings["BTC"])
    assert sum(one.delta_coin or 0.0 for one in rows.values()) == pytest.approx(net, abs=1e-9)
    (view,) = book_view(book.state, book.at_ns).underlyings
    assert view.gap_coin == pytest.approx(0.0, abs=1e-9)
    assert view.convention.startswith(convention.value)


def test_both_deltas_of_a_coin_option_stand_under_their_names() -> None:
    usd, coin = (_rows(_book(one))[COIN_CALL] for one in (DeltaConvention.USD_NEUTRAL, DeltaConvention.COIN_NEUTRAL))
    assert usd.black_scholes_coin == usd.delta_coin
    assert coin.premium_adjusted_coin == coin.delta_coin
    assert usd.black_scholes_coin is not None
    assert usd.premium_adjusted_coin == pytest.approx(usd.black_scholes_coin - 0.07)
    assert usd.equity_coin == pytest.approx(0.07)


def test_a_linear_option_has_greeks_and_no_premium_adjusted_delta() -> None:
    row = _rows(_book(DeltaConvention.USD_NEUTRAL))[BTC_CALL]
    assert row.venue == "bybit"
    assert row.account == ACCOUNT
    assert row.premium_adjusted_coin is None
    assert row.gamma_coin_per_usd is not None
    assert row.vega_usd_per_vol_point is not None
    assert row.theta_usd_per_day is not None
    assert row.gamma_coin_per_usd < 0.0 < row.theta_usd_per_day
    assert row.vega_usd_per_vol_point < 0.0


def test_an_inverse_contract_shows_its_unrealised_coins_apart() -> None:
    usd = _rows(_book(DeltaConvention.USD_NEUTRAL))[BTC_INVERSE]
    coin = _rows(_book(DeltaConvention.COIN_NEUTRAL))[BTC_INVERSE]
    assert coin.delta_coin == pytest.approx(-0.5)
    assert usd.equity_coin == pytest.approx(-50_000 / 80_000 + 0.5)
    assert usd.delta_coin == pytest.approx(-50_000 / 80_000)


def test_an_option_that_was_never_quoted_leaves_the_sum_unknown() -> None:
    book = Playbook()
    book.ready()
    book.send(book.fill(Side.BUY, "1", BTC_CALL))
    assert _rows(book)[BTC_CALL].delta_coin is None
    (view,) = book_view(book.state, book.at_ns).underlyings
    assert view.gap_coin is None
