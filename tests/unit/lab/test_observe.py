from decimal import Decimal

import msgspec
import numpy as np
import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import AccountSpec, Scenario, UnderlyingSpec
from hedgebot.exchange.types import Ack, OrderRequest, OrderType, PositionIndex
from hedgebot.lab.madeby import MadeBy
from hedgebot.lab.observe import Columns, Observer, Track, measures


def columns(days: list[float], price: list[float], delta: list[float], unhedged: list[float]) -> Columns:
    edge = np.full(len(days), 1.0)
    zero = np.zeros(len(days))
    return Columns(
        np.array(days), np.array(price), np.array(delta), np.array(unhedged), -edge, edge, zero, zero, zero, zero, zero
    )


def test_figures_of_a_short_path_by_hand() -> None:
    path = columns([0.0, 1.0, 3.0], [100.0, 110.0, 100.0], [0.5, -2.0, 0.0], [0.0, 1.0, -1.0])
    found = measures(path, volume_coin=6.0, orders=3, trading_cost_usd=9.0)
    assert found.days == 3.0
    assert found.variance_coin2 == pytest.approx((0.25 * 1 + 4.0 * 2) / 3)
    assert found.flow_coin2_per_day == pytest.approx((1.0 + 4.0) / 3)
    assert found.turnover_coin_per_day == 2.0
    assert found.cost_usd_per_day == 3.0
    assert found.tracking_error_usd == pytest.approx(((5.0**2 + 20.0**2) / 3) ** 0.5)
    assert found.efficiency == pytest.approx(found.variance_coin2**0.5 * 2.0 / found.flow_coin2_per_day)
    assert found.inside_band == pytest.approx(1 / 3)


def test_a_band_sees_what_lies_beyond_its_centre() -> None:
    path = columns([0.0, 1.0], [100.0, 100.0], [0.0, 0.0], [1.0, 3.0])
    assert msgspec.structs.replace(path, centre_coin=np.array([0.5, 1.5])).seen_coin.tolist() == [0.5, 1.5]


def test_an_exposure_that_never_moved_has_no_efficiency() -> None:
    path = columns([0.0, 1.0], [100.0, 100.0], [0.0, 0.0], [0.0, 0.0])
    assert measures(path, volume_coin=0.0, orders=0, trading_cost_usd=0.0).efficiency is None


def test_one_look_is_too_few() -> None:
    path = columns([0.0], [100.0], [0.0], [0.0])
    with pytest.raises(ValueError, match="two looks"):
        measures(path, volume_coin=0.0, orders=0, trading_cost_usd=0.0)


def test_reflected_diffusion_hedged_to_three_quarters_has_the_efficiency_of_the_table() -> None:
    """Hedging reference section 7: about .2916 for rho = .75, .4082 to zero, when checks are frequent."""
    rng = np.random.default_rng(3)
    steps, dt, edge = 400_000, 1e-3, 1.0
    for ratio, wanted in ((0.75, 0.2916), (0.0, 0.4082)):
        moves = rng.standard_normal(steps) * dt**0.5
        x = hedged = volume = 0.0
        delta, unhedged = np.empty(steps), np.empty(steps)
        for number, move in enumerate(moves):
            x += move
            if abs(x) > edge:
                trade = np.sign(x) * ratio * edge - x
                x, hedged, volume = x + trade, hedged + trade, volume + abs(trade)
            delta[number], unhedged[number] = x, x - hedged
        days = (np.arange(steps) * dt).astype(np.float64)
        flat = np.full(steps, 100.0)
        path = Columns(days, flat, delta, unhedged, -flat, flat, 0.0 * flat, flat, flat, flat, flat)
        found = measures(path, volume_coin=volume, orders=1, trading_cost_usd=0.0)
        assert found.efficiency == pytest.approx(wanted, rel=0.1)


def test_what_is_off_is_counted_from_the_centre_of_each_look() -> None:
    """A book that hedges half of what it has: the delta stands at half of it, and nothing is off."""
    still = columns([0.0, 1.0, 2.0], [100.0, 110.0, 90.0], [0.5, 2.0, -3.0], [1.0, 4.0, -6.0])
    path = msgspec.structs.replace(still, centre_coin=still.delta_coin.copy())
    found = measures(path, volume_coin=6.0, orders=3, trading_cost_usd=9.0)
    assert (found.tracking_error_usd, found.variance_coin2) == (0.0, 0.0)
    assert measures(still, volume_coin=6.0, orders=3, trading_cost_usd=9.0).tracking_error_usd > 0.0


def test_time_without_a_band_is_neither_inside_nor_outside() -> None:
    path = columns([0.0, 1.0, 2.0, 4.0], [100.0] * 4, [0.5, 2.0, 9.0, 9.0], [0.0] * 4)
    none = np.array([-1.0, -1.0, np.nan, np.nan])
    without = msgspec.structs.replace(path, low_coin=none, high_coin=-none)
    assert measures(without, volume_coin=0.0, orders=0, trading_cost_usd=0.0).inside_band == 0.5
    never = msgspec.structs.replace(path, low_coin=none + np.nan, high_coin=none + np.nan)
    assert np.isnan(measures(never, volume_coin=0.0, orders=0, trading_cost_usd=0.0).inside_band)


def test_both_legs_of_an_account_in_hedge_mode_count() -> None:
    """One instrument, long and short at once: filed by instrument alone, one of them was not seen."""
    start_ns, perp = 1_790_000_000 * 10**9, InstrumentId("bybit:linear:BTCUSDT")
    account = AccountSpec(name="main", api_key="k", api_secret="s", coins={"USDT": Decimal(1_000_000)})
    market = UnderlyingSpec(name="BTC", start_price=60_000.0, vol=0.01, jumps_per_day=0.0)
    exchange = Exchange(Scenario(underlyings=(market,), accounts=(account,)), start_ns)
    assert exchange.switch_position_mode("main", perp, hedged=True) is None
    for side, qty, leg in ((Side.BUY, "2", PositionIndex.LONG), (Side.SELL, "0.5", PositionIndex.SHORT)):
        order = OrderRequest(
            account="main",
            instrument=perp,
            side=side,
            type=OrderType.MARKET,
            qty_contracts=Decimal(qty),
            position_index=leg,
        )
        assert isinstance(exchange.place(order), Ack)
    assert len(list(exchange.positions("main"))) == 2
    observer = Observer(exchange, ["main"], ["BTC"], MadeBy(exchange, ["main"], install=1))
    before = exchange.index_price("BTC")
    exchange.shock("BTC", 1.02)
    exchange.advance(start_ns + 10 * 10**9)
    observer.look({})
    assert observer.tracks["BTC"].columns().delta_coin[-1] == pytest.approx(1.5)
    assert observer.profit.delta == pytest.approx(1.5 * (exchange.index_price("BTC") - before))
    # With both legs seen nearly all of it has a name.
    assert abs(observer.profit.rest) < 0.05 * observer.profit.delta


def test_a_track_keeps_its_rows_as_plain_numbers() -> None:
    track = Track()
    assert (len(track), len(track.columns().days)) == (0, 0)
    for look in range(1_000):
        track.add(*(float(look * 10 + place) for place in range(11)))
    found = track.columns()
    assert len(track) == 1_000
    assert (found.days[7], found.price[7], found.funding_usd[999]) == (70.0, 71.0, 10_000.0)
    assert track._numbers.itemsize * len(track._numbers) == 88_000
